/* Reading a lock file, which may come with a stranger's repository, and writing one. */
#include "engine/lock-file.h"

#include "base/fs.h"
#include "base/json-writer.h"
#include "base/json.h"
#include "context/git-url.h"

#include <fcntl.h>
#include <string.h>

#define FORMAT_VERSION 1

static const char *const sections[CB_PIN_KINDS] = {
    [CB_PIN_IMAGE] = "images", [CB_PIN_HTTP] = "http", [CB_PIN_GIT] = "git"};

void cb_lock_file_clear(struct cb_lock_file *file)
{
    cb_vec_foreach (entry, file) {
        free(entry->name);
        free(entry->pin);
    }
    cb_vec_free(file);
}

/* ── Entries ── */

static int compare(const struct cb_lock_entry *entry, enum cb_pin_kind kind,
                   const char *name)
{
    return entry->kind != kind ? (int)entry->kind - (int)kind : strcmp(entry->name, name);
}

/* Where the entry is, or would be. */
static size_t place_of(const struct cb_lock_file *file, enum cb_pin_kind kind,
                       const char *name)
{
    size_t low = 0, high = file->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&file->items[middle], kind, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *cb_lock_file_find(const struct cb_lock_file *file, enum cb_pin_kind kind,
                              const char *name)
{
    size_t at = place_of(file, kind, name);

    return at < file->count && compare(&file->items[at], kind, name) == 0
               ? file->items[at].pin
               : NULL;
}

void cb_lock_file_add(struct cb_lock_file *file, enum cb_pin_kind kind, const char *name,
                      const char *pin)
{
    size_t at = place_of(file, kind, name);
    struct cb_lock_entry entry = {kind, xstrdup(name), xstrdup(pin)};

    cb_vec_push(file, entry);
    memmove(file->items + at + 1, file->items + at,
            (file->count - 1 - at) * sizeof(entry));
    file->items[at] = entry;
}

/* ── Reading ── */

static int check_pin(const struct cb_json *value, enum cb_pin_kind kind, const char *pin,
                     struct cb_error **err)
{
    struct cb_digest digest;

    if (kind != CB_PIN_GIT)
        return cb_digest_parse(&digest, pin, err) < 0 ? cb_json_wrap(value, err) : 0;
    if (cb_git_is_commit(pin))
        return 0;
    return cb_json_fail(value, err, "expected a full commit");
}

static int read_section(struct cb_lock_file *out, const struct cb_json *root,
                        enum cb_pin_kind kind, struct cb_error **err)
{
    struct cb_json section = cb_json_member(root, sections[kind]);
    const char *name, *pin;
    json_t *ignored;

    if (cb_json_is_absent(&section))
        return 0;
    if (cb_json_expect_object(&section, err) < 0)
        return -1;
    if (json_object_size(section.value) > CB_LOCK_FILE_MAX_ENTRIES)
        return cb_json_fail(&section, err, "more than %u entries",
                            CB_LOCK_FILE_MAX_ENTRIES);
    json_object_foreach(section.value, name, ignored)
    {
        struct cb_json value = cb_json_member(&section, name);

        if (cb_json_required_string(&value, &pin, err) < 0 ||
            check_pin(&value, kind, pin, err) < 0)
            return -1;
        cb_lock_file_add(out, kind, name, pin);
    }
    return 0;
}

static int is_known(const char *member)
{
    for (size_t i = 0; i < CB_PIN_KINDS; i++) {
        if (strcmp(member, sections[i]) == 0)
            return 1;
    }
    return strcmp(member, "version") == 0;
}

/* What a later version says is not to be passed over: it would be dropped on writing. */
static int check_form(const struct cb_json *root, struct cb_error **err)
{
    struct cb_json version = cb_json_member(root, "version");
    const char *name;
    json_t *ignored;
    int64_t number;

    if (cb_json_required_int64(&version, &number, err) < 0)
        return -1;
    if (number != FORMAT_VERSION)
        return cb_json_fail(&version, err, "expected %d: another cbuild wrote it",
                            FORMAT_VERSION);
    json_object_foreach(root->value, name, ignored)
    {
        struct cb_json member = cb_json_member(root, name);

        if (!is_known(name))
            return cb_json_fail(&member, err, "unknown here");
    }
    return 0;
}

int cb_lock_file_parse(struct cb_lock_file *out, const char *what, const char *bytes,
                       size_t len, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root;

    if (cb_json_parse(&document, what, bytes, len, CB_LOCK_FILE_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, what);
    if (cb_json_expect_object(&root, err) < 0 || check_form(&root, err) < 0)
        return -1;
    for (unsigned kind = 0; kind < CB_PIN_KINDS; kind++) {
        if (read_section(out, &root, (enum cb_pin_kind)kind, err) < 0)
            return -1;
    }
    return 0;
}

int cb_lock_file_read(struct cb_lock_file *out, const char *path, struct cb_strbuf *text,
                      struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (cb_fs_read_file(AT_FDCWD, path, CB_LOCK_FILE_MAX_BYTES, text, &cause) < 0) {
        if (cb_error_kind(cause) == CB_ERR_NOT_FOUND)
            return 0;
        cb_error_move(err, &cause);
        return cb_error_wrap(err, "failed to read the lock file");
    }
    if (cb_lock_file_parse(out, path, cb_strbuf_text(text), text->len, err) == 0)
        return 1;
    return cb_error_hint(err, "remove it, and `cbuild lock` writes it anew");
}

/* ── Writing ── */

void cb_lock_file_format(const struct cb_lock_file *file, struct cb_strbuf *out)
{
    struct cb_writer writer = {.out = out, .indent = 2};
    size_t at = 0;

    cb_writer_open(&writer, NULL, '{');
    cb_writer_int(&writer, "version", FORMAT_VERSION);
    for (unsigned kind = 0; kind < CB_PIN_KINDS; kind++) {
        cb_writer_open(&writer, sections[kind], '{');
        for (; at < file->count && file->items[at].kind == kind; at++)
            cb_writer_text(&writer, file->items[at].name, file->items[at].pin);
        cb_writer_close(&writer, '}');
    }
    cb_writer_close(&writer, '}');
    cb_strbuf_adds(out, "\n");
}
