/* What all contexts have: a root, opened once, below which everything is resolved, and a
 * count of users. The ignore rules are set before the context is shared, and only read
 * afterwards. */
#include "context/context.h"

#include "base/fs.h"
#include "context/context-priv.h"

#include <fcntl.h>

struct cb_context *cb_context_alloc(void)
{
    struct cb_context *context = xcalloc(1, sizeof(*context));

    context->refs = 1;
    context->root_fd = -1;
    context->time_s = -1;
    return context;
}

struct cb_context *cb_context_empty(void)
{
    return cb_context_alloc();
}

struct cb_context *cb_context_ref(struct cb_context *context)
{
    if (context)
        __atomic_add_fetch(&context->refs, 1, __ATOMIC_RELAXED);
    return context;
}

void cb_context_unref(struct cb_context *context)
{
    if (!context || __atomic_sub_fetch(&context->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    cb_ignore_free(context->ignore);
    if (context->scratch)
        cb_scratch_free(context->scratch);
    else
        cb_close(&context->root_fd);
    cb_snapshot_unref(context->snapshot);
    free(context->origin);
    free(context->pin);
    free(context);
}

const char *cb_context_origin(const struct cb_context *context)
{
    return context->origin;
}

const char *cb_context_pin(const struct cb_context *context)
{
    return context->pin;
}

int cb_context_root_fd(const struct cb_context *context)
{
    return context->root_fd;
}

int cb_context_read(struct cb_context *context, const char *path, struct cb_strbuf *out,
                    struct cb_error **err)
{
    if (context->root_fd < 0)
        return 0;
    return cb_fs_read_in_root(context->root_fd, path, CB_CONTEXT_FILE_MAX, out, err);
}

const struct cb_ignore *cb_context_ignore(const struct cb_context *context)
{
    return context->ignore;
}

void cb_context_leave_out(struct cb_context *context, const char *path, const char *text)
{
    context->ignore = cb_ignore_leave_out(context->ignore, path, text);
}

/* Only git's rules ask what PATH is. */
static int is_directory(const struct cb_context *context, const char *path)
{
    cb_autofd int fd = -1;

    return context->root_fd >= 0 &&
           cb_fs_open_in_root(context->root_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW,
                              0, &fd, NULL) == 0;
}

int cb_context_ignored(const struct cb_context *context, const char *path)
{
    return context->ignore &&
           cb_ignore_match_path(context->ignore, path, is_directory(context, path)) &&
           !cb_ignore_may_reinclude(context->ignore, path);
}
