/* Lists a context by the same rules that COPY selects by. An ignored directory counts as
 * sent once something below it turns out to be, which is why entries are collected before
 * any is shown. */
#include "context/list.h"

#include "context/context-priv.h"
#include "store/walk.h"

#include <fcntl.h>
#include <string.h>

struct listing {
    const struct cb_ignore *ignore;
    int measure;
    struct cb_cancel *cancel;
    struct cb_context_listing *out;
    CB_VEC(size_t) open; /* the directories above, by depth */
};

void cb_context_listing_clear(struct cb_context_listing *listing)
{
    cb_vec_free(&listing->entries);
    cb_arena_free(listing->arena);
    listing->arena = NULL;
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;

    for (const char *slash = path; (slash = strchr(slash, '/')); slash++)
        depth++;
    return depth;
}

static struct cb_context_entry *parent_at(struct listing *listing, size_t depth)
{
    return depth ? &listing->out->entries.items[listing->open.items[depth - 1]] : NULL;
}

static void mark_sent(struct listing *listing, size_t depth)
{
    for (; depth > 0; depth--) {
        struct cb_context_entry *parent = parent_at(listing, depth);

        if (parent->sent)
            return;
        parent->sent = 1;
    }
}

static int add_entry(void *arg, const struct cb_walk_entry *from, struct cb_error **err)
{
    struct cb_context_entry *directory = arg;

    (void)err;
    directory->files += !S_ISDIR(from->st.st_mode);
    directory->size_bytes += S_ISREG(from->st.st_mode) ? from->st.st_size : 0;
    return 0;
}

/* What may not be read is not counted: a build does not want it either. */
static void measure(const struct cb_walk_entry *from, struct cb_cancel *cancel,
                    struct cb_context_entry *directory)
{
    cb_autofd int fd =
        openat(from->dir_fd, from->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    directory->files = 0;
    if (fd >= 0)
        cb_walk(fd, add_entry, directory, cancel, NULL);
}

static int visit(void *arg, const struct cb_walk_entry *from, struct cb_error **err)
{
    struct listing *listing = arg;
    size_t depth = depth_of(from->path);
    const struct cb_context_entry *parent = parent_at(listing, depth);
    int is_dir = S_ISDIR(from->st.st_mode);
    struct cb_context_entry entry = {
        .path = cb_arena_strdup(listing->out->arena, from->path),
        .mode = from->st.st_mode,
        .size_bytes = S_ISREG(from->st.st_mode) ? from->st.st_size : 0,
        .files = !is_dir,
    };

    (void)err;
    entry.ignored = listing->ignore && cb_ignore_match(listing->ignore, from->path,
                                                       is_dir, parent && parent->ignored);
    entry.sent = !entry.ignored;
    if (entry.ignored)
        cb_ignore_why(listing->ignore, from->path, is_dir, &entry.rule);
    else
        mark_sent(listing, depth);
    entry.whole =
        is_dir && entry.ignored && !cb_ignore_may_reinclude(listing->ignore, from->path);
    if (entry.whole && listing->measure)
        measure(from, listing->cancel, &entry);
    listing->open.count = depth;
    if (is_dir)
        cb_vec_push(&listing->open, listing->out->entries.count);
    cb_vec_push(&listing->out->entries, entry);
    return entry.whole;
}

int cb_context_list(struct cb_context *context, int measure, struct cb_cancel *cancel,
                    struct cb_context_listing *out, struct cb_error **err)
{
    struct listing listing = {
        .ignore = context->ignore, .measure = measure, .cancel = cancel, .out = out};
    int rc = 0;

    out->arena = cb_arena_new();
    if (context->root_fd >= 0)
        rc = cb_walk(context->root_fd, visit, &listing, cancel, err);
    cb_vec_free(&listing.open);
    return rc;
}
