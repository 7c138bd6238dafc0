/* The time of what a context was made from: the commit of a repository, Last-Modified of
 * a download, the newest file of an archive. A directory has none: its files' times say
 * when they were checked out. */
#include "context/context.h"

#include "context/context-priv.h"
#include "store/walk.h"

static int note_newest(void *arg, const struct cb_walk_entry *entry,
                       struct cb_error **err)
{
    int64_t *newest = arg;

    /* Directories that the archive does not name have the time of unpacking. */
    if (!S_ISDIR(entry->st.st_mode) && entry->st.st_mtim.tv_sec > *newest)
        *newest = entry->st.st_mtim.tv_sec;
    return 0;
}

int cb_context_time(struct cb_context *context, int64_t *seconds, struct cb_error **err)
{
    if (context->time_s < 0 && context->scratch &&
        cb_walk(context->root_fd, note_newest, &context->time_s, NULL, err) < 0)
        return cb_error_wrap(err, "find the newest file of the build context");
    *seconds = context->time_s;
    return context->time_s >= 0;
}
