/* --filter of du and prune. */
#ifndef CB_COMMANDS_CACHE_FILTER_H
#define CB_COMMANDS_CACHE_FILTER_H

#include "store/prune.h"

/* Docker's words: until=24h, type=regular, id=PREFIX, inuse, shared=false, … Texts are
 * borrowed from FILTERS. USAGE names what is wrong. */
int cb_cache_filter_parse(struct cb_cache_filter *out, const struct cb_strings *filters,
                          struct cb_error **err);
/* A row of du's table for ITEM, on stdout; COLUMNS prints their names. */
void cb_cache_print_columns(void);
void cb_cache_print_row(const struct cb_cache_item *item);
/* All that is known of ITEM, a line each, and an empty line. */
void cb_cache_print_details(const struct cb_cache_item *item);

#endif
