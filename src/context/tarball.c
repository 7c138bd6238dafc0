/* A tar stream as context: unpacked into a scratch directory of the store, which goes
 * with the context. Owners are not kept, as COPY from a context gives every file to root
 * anyway. */
#include "context/context.h"

#include "context/context-priv.h"
#include "store/tar.h"

#include <unistd.h>

#define CONTEXT_MAX_BYTES   (UINT64_C(256) << 30)
#define CONTEXT_MAX_ENTRIES 10000000

int cb_context_open_tar(struct cb_context **out, struct cb_store *store, int fd,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    const int filters = CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD;
    const struct cb_untar_options options = {.max_entries = CONTEXT_MAX_ENTRIES,
                                             .uid = geteuid(),
                                             .gid = getegid(),
                                             .cancel = cancel};
    cb_auto(cb_tar_reader) reader = NULL;
    cb_auto(cb_context) context = cb_context_alloc();
    uint64_t bytes = 0;

    if (cb_store_scratch(store, &context->scratch, err) < 0)
        return -1;
    context->root_fd = cb_scratch_fd(context->scratch);
    if (cb_tar_reader_open_fd(&reader, fd, filters, CONTEXT_MAX_BYTES, cancel, err) < 0 ||
        cb_untar(reader, context->root_fd, "/", &options, &bytes, err) < 0)
        return cb_error_wrap(err, "unpack the build context");
    *out = cb_steal(&context);
    return 0;
}
