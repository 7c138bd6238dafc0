/* Between entering a user namespace and finding the ids to have in it. */
#ifndef CB_EXECUTOR_USERNS_PRIV_H
#define CB_EXECUTOR_USERNS_PRIV_H

#include "base/error.h"
#include "base/vec.h"

#include <stdint.h>
#include <sys/types.h>

/* ── subids.c ── */
struct cb_subid_range {
    uint32_t start, count;
};
struct cb_subid_ranges {
    struct cb_subid_range *items;
    size_t count, capacity;
};
static inline void cb_subid_ranges_free(struct cb_subid_ranges *ranges)
{
    cb_vec_free(ranges);
}
CB_AUTO_VALUE_DEFINE(cb_subid_ranges, cb_subid_ranges_free)
/* The lines "NAME:START:COUNT" or "UID:START:COUNT" of TEXT (/etc/subuid) that are this
 * user's. What is not such a line is passed over. NAME may be NULL. */
void cb_subids_parse(const char *text, const char *name, uint32_t uid,
                     struct cb_subid_ranges *out);

/* ── id-helper.c: newuidmap and newgidmap ── */
struct cb_id_helper {
    pid_t pid;
    int go_fd, output_fd;
};
/* Starts PROGRAM, which waits until it is told to map IDENTITY to 0 and RANGES to what
 * follows, in the user namespace this process will be in by then. */
int cb_id_helper_start(struct cb_id_helper *helper, const char *program,
                       uint32_t identity, const struct cb_subid_ranges *ranges,
                       struct cb_error **err);
/* Lets it do its work. 1: done; 0: refused, with the reason in WHY. */
int cb_id_helper_finish(struct cb_id_helper *helper, char *why, size_t size);
/* Ends one that was not let. Of several, the one started last comes first: it holds a
 * copy of the others' descriptors. */
void cb_id_helper_cancel(struct cb_id_helper *helper);

/* ── single-id.c ── */
/* A filter for this process and all it starts: calls that change an owner or the user
 * succeed and do nothing. */
int cb_single_id_pretend(struct cb_error **err);

#endif
