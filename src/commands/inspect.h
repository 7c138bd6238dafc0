/* Things as docker's inspect commands show them. All functions return new references. */
#ifndef CB_COMMANDS_INSPECT_H
#define CB_COMMANDS_INSPECT_H

#include "base/template.h"
#include "container/record.h"
#include "store/refs.h"

#include <jansson.h>

json_t *cb_inspect_image(struct cb_store *store, const struct cb_image *image);
/* SIZE: with SizeRw and SizeRootFs, which have to be measured. */
json_t *cb_inspect_container(struct cb_store *store, const struct cb_container *container,
                             int size);
/* What docker's templates find where these documents have nothing. */
const struct cb_template_field *cb_inspect_fields(void);

/* ── Parts ── */
/* GraphDriver: where TOP (or NULL) and the layers below it are; PID (or 0) sees them. */
json_t *cb_inspect_graph(struct cb_store *store, struct cb_snapshot *top, int pid);
json_t *cb_inspect_config(const struct cb_image_config *config);
json_t *cb_inspect_strings(const struct cb_strings *strings);
/* inspect-host.c */
json_t *cb_inspect_host_config(const struct cb_container *container);
/* inspect-mounts.c: HostConfig.Binds, HostConfig.Mounts (or NULL), and the container's
 * own list, which is added to OBJECT. */
json_t *cb_inspect_binds(const struct cb_container *container);
json_t *cb_inspect_mount_specs(const struct cb_container *container);
void cb_inspect_add_mounts(json_t *object, const struct cb_container *container);
/* inspect-network.c */
json_t *cb_inspect_network_settings(const struct cb_container *container);
/* NetworkSettings.Ports: of one that runs, with null for what it exposes only. */
json_t *cb_inspect_ports(const struct cb_container *container);
/* inspect-order.c: these documents (taken) in docker's order, with all there is. */
json_t *cb_inspect_host_config_in_order(json_t *object);
json_t *cb_inspect_config_in_order(json_t *object);

#endif
