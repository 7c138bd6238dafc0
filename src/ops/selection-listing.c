/* A selection as text, kept with the cache record so that a later miss can name the file
 * that changed. It is a hint and must stay small: when the files are too many, those
 * below some depth are told by their directory only, the deepest that fits. */
#include "ops/selection-priv.h"

#include <inttypes.h>
#include <string.h>

#define LISTING_MAX_BYTES (64u << 10)
#define DEEPEST           12
#define SHOWN_DIGITS      12

struct listing {
    const struct cb_selection *selection;
    const struct cb_selector *selector;
    struct cb_strbuf text;
    char *group;              /* the directory that is being summed up */
    struct cb_hasher *hasher; /* of what is in it */
};

static void add_digest(struct cb_strbuf *text, const struct cb_digest *digest)
{
    char hex[CB_DIGEST_MAX_TEXT];

    cb_strbuf_addf(text, " content=%.*s", SHOWN_DIGITS, cb_digest_hex(digest, hex));
}

static void add_name(struct cb_strbuf *text, const char *name, const char *end)
{
    cb_autofree char *full = xasprintf("%s%s", name, end);

    cb_strbuf_addc(text, ' ');
    cb_strbuf_add_json(text, full);
    cb_strbuf_addc(text, '\n');
}

/* "mode=644 owner=1:1 content=…": what of an entry counts. */
static void add_fields(struct listing *listing, const struct cb_match *match, size_t at,
                       struct cb_strbuf *text)
{
    const struct cb_entry *entry = &listing->selection->entries.items[at];
    struct cb_digest digest;
    int64_t time_s;

    cb_strbuf_addf(text, "mode=%o", entry->mode & 07777);
    if (entry->uid || entry->gid)
        cb_strbuf_addf(text, " owner=%u:%u", entry->uid, entry->gid);
    if (S_ISREG(entry->mode)) {
        add_digest(text, &listing->selection->digests[at]);
    } else if (S_ISLNK(entry->mode)) {
        digest = cb_digest_of(entry->link, strlen(entry->link));
        add_digest(text, &digest);
    } else if (!cb_entry_is_dir(entry)) {
        cb_strbuf_addf(text, " type=%o device=%llx", entry->mode & S_IFMT,
                       (unsigned long long)entry->rdev);
    }
    if (cb_selection_time(listing->selector, match, entry, &time_s))
        cb_strbuf_addf(text, " time=%" PRId64, time_s);
    if (entry->xattrs_len) {
        digest = cb_digest_of(entry->xattrs, entry->xattrs_len);
        cb_strbuf_addf(text, " xattrs");
        add_digest(text, &digest);
    }
}

static void end_group(struct listing *listing)
{
    struct cb_digest digest;

    if (!listing->group)
        return;
    digest = cb_hasher_finish(listing->hasher);
    cb_hasher_free(listing->hasher);
    listing->hasher = NULL;
    cb_strbuf_adds(&listing->text, "all");
    add_digest(&listing->text, &digest);
    add_name(&listing->text, listing->group, "/");
    free(cb_steal(&listing->group));
}

/* Where the first DEPTH names of PATH end, if it is such a directory or below one; else
 * 0.
 */
static size_t group_length(const char *path, int is_dir, unsigned depth)
{
    const char *at = path;

    for (; depth; depth--) {
        const char *slash = strchr(at, '/');

        if (!slash)
            return depth == 1 && is_dir ? strlen(path) : 0;
        at = slash + 1;
    }
    return (size_t)(at - path) - 1;
}

static void add_to_group(struct listing *listing, const struct cb_match *match,
                         const char *name, size_t len, size_t at)
{
    cb_auto_value(cb_strbuf) fields = {0};

    if (!listing->group || strlen(listing->group) != len ||
        strncmp(listing->group, name, len) != 0) {
        end_group(listing);
        listing->group = xstrndup(name, len);
        listing->hasher = cb_hasher_new(CB_SHA256);
    }
    add_fields(listing, match, at, &fields);
    cb_hasher_field(listing->hasher, name);
    cb_hasher_field(listing->hasher, cb_strbuf_text(&fields));
}

/* The name people know it by: below the one directory that was named, else from the
 * tree's root. */
static const char *entry_name(const struct listing *listing, const struct cb_match *match,
                              const struct cb_entry *entry)
{
    return listing->selection->matches.count == 1 ? cb_entry_relative(match, entry)
                                                  : entry->path;
}

static void add_entry(struct listing *listing, const struct cb_match *match, size_t at,
                      unsigned depth)
{
    const struct cb_entry *entry = &listing->selection->entries.items[at];
    const char *name = entry_name(listing, match, entry);
    size_t group = group_length(name, cb_entry_is_dir(entry), depth);

    if (!cb_selection_counts(entry, listing->selector))
        return;
    if (group) {
        add_to_group(listing, match, name, group, at);
        return;
    }
    end_group(listing);
    add_fields(listing, match, at, &listing->text);
    add_name(&listing->text, name, cb_entry_is_dir(entry) && *name ? "/" : "");
}

/* 1: it fits. */
static int list_down_to(struct listing *listing, unsigned depth)
{
    cb_strbuf_truncate(&listing->text, 0);
    cb_vec_foreach (match, &listing->selection->matches) {
        for (size_t i = 0; i < match->count; i++) {
            add_entry(listing, match, match->first + i, depth);
            if (listing->text.len > LISTING_MAX_BYTES)
                break;
        }
        end_group(listing);
    }
    return listing->text.len <= LISTING_MAX_BYTES;
}

char *cb_selection_listing(const struct cb_selection *selection,
                           const struct cb_selector *selector)
{
    struct listing listing = {.selection = selection, .selector = selector};

    if (!selection->digests)
        return NULL;
    for (unsigned depth = DEEPEST; depth > 0; depth--)
        if (list_down_to(&listing, depth))
            return cb_strbuf_steal(&listing.text);
    cb_strbuf_free(&listing.text);
    return NULL;
}
