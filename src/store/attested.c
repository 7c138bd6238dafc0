/* One small file for an image, if any: most have none, and then it costs a look. */
#include "store/attested.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "store/store-priv.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *file_of(const struct cb_digest *image)
{
    char hex[CB_DIGEST_MAX_TEXT];

    return xasprintf(CB_ATTESTED_DIRECTORY "/%s" CB_ATTESTED_SUFFIX,
                     cb_digest_hex(image, hex));
}

static int make_directory(struct cb_store *store, struct cb_error **err)
{
    int made = mkdirat(store->root_fd, CB_ATTESTED_DIRECTORY, 0700);

    if ((made < 0 && errno != EEXIST) ||
        (made == 0 && !store->no_sync && fsync(store->root_fd) < 0))
        return cb_error_errno(err, errno, "mkdir `%s/" CB_ATTESTED_DIRECTORY "`",
                              store->root);
    return 0;
}

int cb_attested_put(struct cb_store *store, const struct cb_digest *image,
                    const char *text, struct cb_error **err)
{
    cb_autofree char *file = file_of(image);

    if (cb_store_check_writable(store, err) < 0 || make_directory(store, err) < 0)
        return -1;
    return cb_atomic_file_write(store->root_fd, file, text, strlen(text), 0600,
                                !store->no_sync, err);
}

int cb_attested_read(struct cb_store *store, const struct cb_digest *image, size_t max,
                     struct cb_strbuf *out, struct cb_error **err)
{
    cb_autofree char *file = file_of(image);
    cb_auto(cb_error) error = NULL;

    if (cb_fs_read_file(store->root_fd, file, max, out, &error) == 0)
        return 1;
    return cb_error_kind(error) == CB_ERR_NOT_FOUND ? 0 : cb_error_move(err, &error);
}

int cb_attested_forget(struct cb_store *store, const struct cb_digest *image,
                       struct cb_error **err)
{
    cb_autofree char *file = file_of(image);

    if (unlinkat(store->root_fd, file, 0) == 0 || errno == ENOENT || errno == ENOTDIR)
        return 0;
    return cb_error_errno(err, errno, "remove `%s/%s`", store->root, file);
}
