/* A directory of the host as context. */
#include "context/context.h"

#include "context/context-priv.h"

#include <errno.h>
#include <fcntl.h>

int cb_context_open_local(struct cb_context **out, const char *path,
                          struct cb_error **err)
{
    cb_auto(cb_context) context = cb_context_alloc();

    context->is_host = 1;
    context->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (context->root_fd < 0) {
        int error = errno;

        cb_error_errno(err, error, "open context `%s`", path);
        if (error == ENOTDIR)
            cb_error_hint(
                err, "the build context is a directory; name the Dockerfile with -f");
        return -1;
    }
    *out = cb_steal(&context);
    return 0;
}
