/* What `system df` shows in short and at length. */
#ifndef CB_COMMANDS_DF_H
#define CB_COMMANDS_DF_H

#include "container/volume.h"
#include "store/cache-items.h"
#include "store/gc.h"
#include "store/refs.h"

#include "container/record.h"

struct cb_df {
    struct cb_store *store;
    struct cb_usage usage;
    struct cb_images images;
    struct cb_containers containers;
    struct cb_volumes volumes;
};

/* How many containers have a volume. */
size_t cb_df_volume_links(const struct cb_df *df, const struct cb_volume *volume);

/* ── df-verbose.c ── */
/* FORMAT: NULL for tables, or of one object with Images, Containers, Volumes and
 * BuildCache. */
int cb_df_print_all(const struct cb_df *df, const char *format, struct cb_error **err);

#endif
