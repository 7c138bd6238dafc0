/* -v and --mount as docker writes them: what they ask for, before anything is looked up.
 * What could be read of one that is wrong is in OUT all the same. */
#ifndef CB_CONTAINER_MOUNT_SPEC_H
#define CB_CONTAINER_MOUNT_SPEC_H

#include "base/error.h"
#include "base/vec.h"

enum cb_mount_kind {
    CB_MOUNT_KIND_VOLUME,
    CB_MOUNT_KIND_BIND,
    CB_MOUNT_KIND_TMPFS,
    CB_MOUNT_KIND_IMAGE, /* always read-only */
};
const char *cb_mount_kind_name(enum cb_mount_kind kind);

struct cb_mount_spec {
    enum cb_mount_kind kind;
    char *source; /* a path, the name of a volume or image; NULL: nobody named it */
    char *target; /* clean and absolute */
    int read_only, no_copy;
    int makes_source;                  /* -v: a missing directory of the host is made */
    int makes_owner;                   /* -v: it becomes the user's */
    int not_recursive;                 /* what is mounted below the source stays out */
    char *mode;                        /* -v: its options as typed, or "" */
    char *propagation;                 /* "rprivate", …, or NULL */
    char *subpath;                     /* of the volume or image, or NULL */
    char *driver;                      /* of the volume, or NULL */
    struct cb_strings labels, options; /* of a volume that is made: KEY=VALUE */
    char *tmpfs_options;               /* "size=…,mode=…", or NULL */
};
void cb_mount_spec_clear(struct cb_mount_spec *spec);
CB_AUTO_VALUE_DEFINE(cb_mount_spec, cb_mount_spec_clear)

/* -v [SOURCE:]TARGET[:OPTIONS]. USAGE with docker's words. */
int cb_mount_spec_parse_volume(struct cb_mount_spec *out, const char *text,
                               struct cb_error **err);
/* --mount type=…,source=…,target=… */
int cb_mount_spec_parse_mount(struct cb_mount_spec *out, const char *text,
                              struct cb_error **err);

#endif
