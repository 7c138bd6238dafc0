/* The six device nodes of every sandbox. */
#ifndef CB_EXECUTOR_DEVICES_PRIV_H
#define CB_EXECUTOR_DEVICES_PRIV_H

#include "base/error.h"
#include "executor/limits.h"
#include "executor/mount-api-priv.h"

#include <sys/mount.h>

#define CB_DEVICES           6
#define CB_DEVICE_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

const char *cb_device_name(size_t index);
/* Is the rule about one of them? */
int cb_device_is_everybodys(const struct cb_device_rule *rule);
/* Detached mounts of the host's nodes (API NULL: just those nodes), each known to be the
 * device it is called. Called once, in the launcher, while the host's tree is still
 * visible. */
int cb_devices_open(struct cb_mount_api *api, int fds[CB_DEVICES], struct cb_error **err);

#endif
