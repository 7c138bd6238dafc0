/* What happened to images, containers, volumes, networks and builds: for
 * `cbuild events`, and for whoever asks later. One line of JSON each, at the end of
 * <root>/journal/events.jsonl, by one write(2); what is older than the newest few
 * megabytes goes. Not promised: it is not synced, and where it cannot be written the
 * work it tells of goes on. docs/design/store.md, "Journal". */
#ifndef CB_STORE_JOURNAL_H
#define CB_STORE_JOURNAL_H

#include "base/vec.h"
#include "store/refs.h"
#include "store/store.h"

#include <stdint.h>

/* Docker's words: type "image", "container", "network", "volume", "builder"; action
 * "tag", "die", ... ID: of what it happened to. ATTRIBUTES: names and values in turn;
 * those that would make the line longer than CB_JOURNAL_LINE_MAX are left out. */
#define CB_JOURNAL_LINE_MAX (32u << 10)
struct cb_journal_entry {
    const char *type, *action, *id;
    const struct cb_strings *attributes; /* or NULL */
};
/* Never fails: see above. */
void cb_journal_add(struct cb_store *store, const struct cb_journal_entry *entry);

/* What is done to images, told after it was done. IMAGE's labels become attributes. NAME:
 * canonical, shown as people write it; or NULL. */
void cb_journal_image(struct cb_store *store, const char *action,
                      const struct cb_image *image, const char *name);
/* Of the image that NAME, as a user types it, leads to; nothing if there is none. */
void cb_journal_name(struct cb_store *store, const char *action, const char *name);
/* An image that came from or went to a registry goes by its NAME, as docker has it. */
void cb_journal_transfer(struct cb_store *store, const char *action, const char *name);
/* `prune` of TYPE. */
void cb_journal_prune(struct cb_store *store, const char *type, uint64_t freed_bytes);

/* What was kept: the lines, as they come, oldest first. */
struct cb_journal_event {
    int64_t time_ns; /* since 1970 */
    char *type, *action, *id;
    struct cb_strings attributes; /* names and values in turn */
};
void cb_journal_event_clear(struct cb_journal_event *event);

struct cb_journal_reader;
/* FROM_NOW: only what is added after this call. */
int cb_journal_open(struct cb_journal_reader **out, struct cb_store *store, int from_now,
                    struct cb_error **err);
/* 1: *OUT is the next; 0: none yet. Lines that make no sense are passed over. */
int cb_journal_next(struct cb_journal_reader *reader, struct cb_journal_event *out,
                    struct cb_error **err);
/* Readable when there may be more. Borrowed. */
int cb_journal_fd(const struct cb_journal_reader *reader);
void cb_journal_close(struct cb_journal_reader *reader);
CB_AUTO_DEFINE(cb_journal_reader, cb_journal_close)

#endif
