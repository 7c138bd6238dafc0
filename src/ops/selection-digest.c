/* The content digest of a selection: names, types, modes, owners, links, attributes and
 * bytes of everything listed, not the times unless the selector asks for them. A
 * context's unchanged files are answered by the stat index, so that a rebuild reads none;
 * the others are read by the pool, in bunches to spare it the bookkeeping. */
#include "ops/selection-priv.h"

#include "ops/bunch-priv.h"
#include "store/tree-digest.h"

#include <errno.h>
#include <unistd.h>

#define BUFFER_SIZE (128u << 10)

struct hashing {
    const struct cb_tree *tree;
    struct cb_selection *selection;
    struct cb_stat_index *index;
    CB_VEC(size_t) unknown;    /* entries to be read */
    struct cb_bunches bunches; /* of those */
};

static void hashing_clear(struct hashing *hashing)
{
    cb_vec_free(&hashing->unknown);
    cb_bunches_free(&hashing->bunches);
}
CB_AUTO_VALUE_DEFINE(hashing, hashing_clear)

/* Reads as many bytes as were listed: the check that follows tells if there are more. */
static int hash_bytes(int fd, const struct cb_entry *entry, struct cb_hasher *hasher,
                      void *buffer, struct cb_cancel *cancel, struct cb_error **err)
{
    int64_t left = entry->size;

    while (left > 0) {
        ssize_t got = read(fd, buffer, BUFFER_SIZE);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read `%s`", entry->path);
        if (got == 0)
            break;
        cb_hasher_update(hasher, buffer, (size_t)got);
        left -= got;
        if (cb_cancel_check(cancel, err) < 0)
            return -1;
    }
    return 0;
}

/* The digest of a file's bytes, with its extended attributes folded in if it has any. A
 * change of either changes the ctime the index goes by. */
static int hash_file(struct hashing *hashing, size_t at, void *buffer,
                     struct cb_error **err)
{
    const struct cb_entry *entry = &hashing->selection->entries.items[at];
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    cb_autofree char *xattrs = NULL;
    cb_autofd int fd = -1;
    struct stat st = cb_entry_stat(entry);
    struct cb_digest digest;
    size_t len;

    if (cb_entry_open(hashing->tree->root_fd, entry, &fd, err) < 0 ||
        hash_bytes(fd, entry, hasher, buffer, hashing->tree->cancel, err) < 0)
        return -1;
    digest = cb_hasher_finish(hasher);
    cb_content_xattrs_read(fd, &xattrs, &len);
    if (cb_entry_check(fd, entry, err) < 0)
        return -1;
    if (xattrs) {
        cb_hasher_digest(hasher, &digest);
        cb_hasher_update(hasher, xattrs, len);
        digest = cb_hasher_finish(hasher);
    }
    hashing->selection->digests[at] = digest;
    if (hashing->index)
        cb_stat_index_add(hashing->index, entry->path, &st, &digest);
    return 0;
}

static int hash_bunch(void *arg, size_t bunch, struct cb_error **err)
{
    struct hashing *hashing = arg;
    cb_autofree void *buffer = xmalloc(BUFFER_SIZE);
    size_t i, end;

    for (cb_bunch_range(&hashing->bunches, bunch, &i, &end); i < end; i++)
        if (hash_file(hashing, hashing->unknown.items[i], buffer, err) < 0)
            return -1;
    return 0;
}

static void consult_index(struct hashing *hashing)
{
    for (size_t i = 0; i < hashing->selection->entries.count; i++) {
        const struct cb_entry *entry = &hashing->selection->entries.items[i];
        struct stat st = cb_entry_stat(entry);

        if (cb_entry_is_socket_file(entry))
            hashing->selection->digests[i] = cb_digest_of("", 0);
        else if (S_ISREG(entry->mode) &&
                 (!hashing->index ||
                  !cb_stat_index_find(hashing->index, entry->path, &st,
                                      &hashing->selection->digests[i]))) {
            cb_vec_push(&hashing->unknown, i);
            cb_bunches_add(&hashing->bunches, entry->path, entry->size);
        }
    }
}

/* The root itself is no part of what is copied from it: its mode is the place's, not the
 * content's. Only a mount shows it as it is. */
int cb_selection_counts(const struct cb_entry *entry, const struct cb_selector *selector)
{
    return !S_ISSOCK(entry->mode) &&
           (*entry->path || (selector->literal && selector->owners));
}

/* A directory that is named itself gives its content only, not its time. */
int cb_selection_time(const struct cb_selector *selector, const struct cb_match *match,
                      const struct cb_entry *entry, int64_t *out)
{
    if (!selector->dated || (cb_entry_is_dir(entry) && !*cb_entry_relative(match, entry)))
        return 0;
    *out = entry->mtime.tv_sec;
    if (*out > selector->newest_s)
        *out = selector->newest_s;
    return 1;
}

static void add_entry(struct cb_hasher *hasher, const struct cb_match *match,
                      const struct cb_entry *entry, const struct cb_digest *content)
{
    struct stat st = cb_entry_stat(entry);
    const struct cb_tree_entry record = {.path = cb_entry_relative(match, entry),
                                         .st = &st,
                                         .link = entry->link,
                                         .xattrs = entry->xattrs,
                                         .xattrs_len = entry->xattrs_len,
                                         .content =
                                             S_ISREG(entry->mode) ? content : NULL};

    st.st_mode = entry->mode;
    /* A directory's size is its file system's affair. */
    if (!S_ISREG(entry->mode))
        st.st_size = 0;
    cb_tree_digest_entry(hasher, &record);
}

static struct cb_digest combine(const struct hashing *hashing,
                                const struct cb_selector *selector)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_vec_foreach (match, &hashing->selection->matches) {
        const struct cb_entry *entries = hashing->selection->entries.items + match->first;

        cb_hasher_u64(hasher, match->source);
        cb_hasher_field(hasher, cb_entry_is_dir(entries) ? NULL : match->base);
        for (size_t i = 0; i < match->count; i++) {
            const struct cb_entry *entry = &entries[i];
            int64_t time_s;

            if (!cb_selection_counts(entry, selector))
                continue;
            add_entry(hasher, match, entry,
                      &hashing->selection->digests[match->first + i]);
            if (cb_selection_time(selector, match, entry, &time_s))
                cb_hasher_u64(hasher, (uint64_t)time_s);
        }
    }
    return cb_hasher_finish(hasher);
}

int cb_selection_hash(const struct cb_tree *tree, const struct cb_selector *selector,
                      struct cb_selection *selection, struct cb_stat_index *index,
                      struct cb_pool *pool, struct cb_error **err)
{
    cb_auto_value(hashing)
        hashing = {.tree = tree, .selection = selection, .index = index};

    selection->digests =
        xcalloc(selection->entries.count + 1, sizeof(*selection->digests));
    consult_index(&hashing);
    if (cb_pool_for_each(pool, hashing.bunches.starts.count, hash_bunch, &hashing, err) <
        0)
        return -1;
    selection->digest = combine(&hashing, selector);
    return 0;
}
