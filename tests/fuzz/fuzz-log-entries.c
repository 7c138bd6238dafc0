/* What journalctl might print, in two pieces: it is entries, or refused; and the same
 * entries however it is divided. */
#include "container/log-priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(struct cb_entries *entries, const uint8_t *data, size_t size,
                struct cb_strbuf *seen)
{
    struct cb_entry entry;
    int status;

    cb_strbuf_add(cb_entries_input(entries), data, size);
    while ((status = cb_entries_next(entries, &entry, NULL)) > 0) {
        cb_strbuf_adds(seen, entry.cursor);
        cb_strbuf_add(seen, entry.line.text, entry.line.len);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto(cb_entries) whole = cb_entries_new(1);
    cb_auto(cb_entries) divided = cb_entries_new(1);
    cb_auto_value(cb_strbuf) once = {0};
    cb_auto_value(cb_strbuf) twice = {0};
    size_t first = size ? data[0] % size : 0;
    int status = take(whole, data, size, &once);

    if (take(divided, data, first, &twice) == 0 &&
        take(divided, data + first, size - first, &twice) != status)
        abort();
    if (once.len != twice.len ||
        memcmp(cb_strbuf_text(&once), cb_strbuf_text(&twice), once.len) != 0)
        abort();
    return 0;
}
