/* libarchive, loaded when the first archive is read: it brings twenty libraries along,
 * and most commands read none. The only file that knows its functions is archive-api.c.
 */
#ifndef CB_STORE_ARCHIVE_API_H
#define CB_STORE_ARCHIVE_API_H

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>

/* X(function), each with the type its header gives it. */
#define CB_ARCHIVE_FUNCTIONS(X)          \
    X(archive_read_new)                  \
    X(archive_read_free)                 \
    X(archive_read_support_format_tar)   \
    X(archive_read_support_format_empty) \
    X(archive_read_support_format_raw)   \
    X(archive_read_support_filter_bzip2) \
    X(archive_read_support_filter_xz)    \
    X(archive_read_open)                 \
    X(archive_read_next_header)          \
    X(archive_read_data_block)           \
    X(archive_set_error)                 \
    X(archive_error_string)              \
    X(archive_entry_pathname)            \
    X(archive_entry_hardlink)            \
    X(archive_entry_symlink)             \
    X(archive_entry_mode)                \
    X(archive_entry_uid)                 \
    X(archive_entry_gid)                 \
    X(archive_entry_size)                \
    X(archive_entry_mtime)               \
    X(archive_entry_mtime_nsec)          \
    X(archive_entry_rdevmajor)           \
    X(archive_entry_rdevminor)           \
    X(archive_entry_sparse_count)        \
    X(archive_entry_xattr_reset)         \
    X(archive_entry_xattr_next)

struct cb_archive_api {
    void *library;
#define CB_ARCHIVE_MEMBER(name) __typeof__(&name) name;
    CB_ARCHIVE_FUNCTIONS(CB_ARCHIVE_MEMBER)
#undef CB_ARCHIVE_MEMBER
};

/* Cheap after the first time. The library stays loaded; the table is the caller's. */
int cb_archive_api_load(struct cb_archive_api *out, struct cb_error **err);
void cb_archive_unload(struct cb_archive_api *api);

#endif
