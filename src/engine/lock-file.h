/* Dockerfile.lock: what names from outside were when somebody looked.
 *
 *     {"version": 1,
 *      "images": {"docker.io/library/busybox:latest": "sha256:…"},
 *      "http": {"https://host/file": "sha256:…"},
 *      "git": {"https://host/x.git#main": "<commit>"}}
 *
 * Sorted, so that the same sources are the same bytes. */
#ifndef CB_ENGINE_LOCK_FILE_H
#define CB_ENGINE_LOCK_FILE_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "context/pins.h"

#define CB_LOCK_FILE_MAX_BYTES   (4u << 20)
#define CB_LOCK_FILE_MAX_ENTRIES 10000u

struct cb_lock_entry {
    enum cb_pin_kind kind;
    char *name, *pin;
};
struct cb_lock_file {
    struct cb_lock_entry *items; /* by kind and name */
    size_t count, capacity;
};
void cb_lock_file_clear(struct cb_lock_file *file);
CB_AUTO_VALUE_DEFINE(cb_lock_file, cb_lock_file_clear)

/* WHAT names it in messages: a stranger's text, which may be anything. INTEGRITY. */
int cb_lock_file_parse(struct cb_lock_file *out, const char *what, const char *bytes,
                       size_t len, struct cb_error **err);
/* Of PATH, TEXT gets the bytes: 1, or 0: there is none. */
int cb_lock_file_read(struct cb_lock_file *out, const char *path, struct cb_strbuf *text,
                      struct cb_error **err);
void cb_lock_file_format(const struct cb_lock_file *file, struct cb_strbuf *out);

/* Borrowed; NULL: it is not in there. */
const char *cb_lock_file_find(const struct cb_lock_file *file, enum cb_pin_kind kind,
                              const char *name);
/* One that is not in there. */
void cb_lock_file_add(struct cb_lock_file *file, enum cb_pin_kind kind, const char *name,
                      const char *pin);

#endif
