/* Options of `cbuild build` whose place counts when there are several targets. */
#ifndef CB_COMMANDS_BUILD_TARGETS_H
#define CB_COMMANDS_BUILD_TARGETS_H

#include "engine/engine.h"

/* ORDERED: names and values of --target, -t, -o, --push, --load, --iidfile and
 * --metadata-file, in turn; it outlives REQUEST, which is filled. USAGE. */
int cb_build_targets_settle(const struct cb_strings *ordered,
                            struct cb_build_request *request, struct cb_error **err);
/* Once REQUEST has all that was typed. USAGE. */
int cb_build_targets_check(const struct cb_build_request *request, struct cb_error **err);

#endif
