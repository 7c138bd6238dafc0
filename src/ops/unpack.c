/* ADD of a tar: recognised by its content, extracted over what is there. It sees the
 * merged tree, because names in an archive may lead through links of the image. */
#include "ops/copy-priv.h"

#include "store/tar.h"

#include <errno.h>
#include <unistd.h>

#define UNPACK_FILTERS     (CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD)
#define UNPACK_MAX_BYTES   ((uint64_t)64 << 30)
#define UNPACK_MAX_ENTRIES 5000000

int cb_unpack_wanted(int source_root, const struct cb_entry *entry, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (!S_ISREG(entry->mode) || cb_entry_is_socket_file(entry))
        return 0;
    if (cb_entry_open(source_root, entry, &fd, err) < 0)
        return -1;
    return cb_tar_sniff(fd, UNPACK_FILTERS) > 0;
}

int cb_unpack(struct cb_copying *copying, int source_root, const struct cb_entry *entry,
              const char *target, struct cb_error **err)
{
    cb_auto(cb_tar_reader) reader = NULL;
    cb_autofd int fd = -1;
    struct cb_untar_options options = {.max_entries = UNPACK_MAX_ENTRIES,
                                       .keep_owner = !copying->owner,
                                       .cancel = copying->cancel};
    cb_autofree char *dest = xasprintf("/%s", target);
    uint64_t bytes;

    if (copying->owner) {
        options.uid = copying->owner->uid;
        options.gid = copying->owner->gid;
    }
    if (cb_copy_flush(copying, err) < 0 || cb_dest_finish(copying->dest, err) < 0 ||
        cb_entry_open(source_root, entry, &fd, err) < 0)
        return -1;
    if (cb_tar_reader_open_fd(&reader, fd, UNPACK_FILTERS, UNPACK_MAX_BYTES,
                              copying->cancel, err) < 0 ||
        cb_untar(reader, copying->dest->fd, dest, &options, &bytes, err) < 0)
        return cb_error_wrap(err, "unpack `%s`", entry->path);
    cb_dest_forget(copying->dest);
    return cb_entry_check(fd, entry, err);
}
