/* <store>/machine-key, made whole under another name and then linked, so that of two
 * processes that make it at the same time one wins and the other reads that. */
#include "store/machine-key.h"

#include "base/fs.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define NAME      "machine-key"
#define KEY_BYTES 32
#define BLOCK     64 /* of SHA-256 */

/* 1, or 0: it is not there. */
static int read_key(struct cb_store *store, unsigned char *out, struct cb_error **err)
{
    cb_autofd int fd = openat(store->root_fd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/" NAME "`", store->root);
    if (read(fd, out, KEY_BYTES) == KEY_BYTES)
        return 1;
    cb_error_set(err, CB_ERR_INTEGRITY, "`%s/" NAME "` is cut off", store->root);
    return cb_error_hint(err, "remove it: another is made, and steps whose keys have "
                              "secrets are run again");
}

static int write_temporary(struct cb_store *store, const char *path,
                           struct cb_error **err)
{
    unsigned char key[KEY_BYTES];
    cb_autofd int fd =
        openat(store->root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int written;

    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s/%s`", store->root, path);
    while (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
        continue;
    written = cb_fs_write_all(fd, key, sizeof(key));
    explicit_bzero(key, sizeof(key));
    if (written < 0 || fsync(fd) < 0)
        return cb_error_errno(err, errno, "write `%s/%s`", store->root, path);
    return 0;
}

static int make_key(struct cb_store *store, struct cb_error **err)
{
    cb_autofree char *name = NULL;
    cb_autofree char *path = NULL;
    int result;

    if (cb_store_begin_temporary(store, &name, err) < 0)
        return -1;
    path = xasprintf("tmp/%s", name);
    result = write_temporary(store, path, err);
    if (result == 0 && linkat(store->root_fd, path, store->root_fd, NAME, 0) < 0 &&
        errno != EEXIST)
        result = cb_error_errno(err, errno, "create `%s/" NAME "`", store->root);
    unlinkat(store->root_fd, path, 0);
    return result;
}

static int get_key(struct cb_store *store, unsigned char *out, struct cb_error **err)
{
    int found = read_key(store, out, err);

    if (found)
        return found < 0 ? -1 : 0;
    if (make_key(store, err) < 0)
        return -1;
    found = read_key(store, out, err);
    return found ? (found < 0 ? -1 : 0)
                 : cb_error_set(err, CB_ERR_NOT_FOUND, "`%s/" NAME "` was removed",
                                store->root);
}

static struct cb_hasher *keyed(const unsigned char *key, unsigned char pad)
{
    struct cb_hasher *hasher = cb_hasher_new(CB_SHA256);
    unsigned char block[BLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < KEY_BYTES; i++)
        block[i] ^= key[i];
    cb_hasher_update(hasher, block, sizeof(block));
    explicit_bzero(block, sizeof(block));
    return hasher;
}

int cb_store_mac(struct cb_store *store, const char *id, const void *bytes, size_t len,
                 char out[CB_DIGEST_MAX_TEXT], struct cb_error **err)
{
    unsigned char key[KEY_BYTES];
    cb_auto(cb_hasher) inner = NULL;
    cb_auto(cb_hasher) outer = NULL;
    struct cb_digest digest;

    if (get_key(store, key, err) < 0)
        return -1;
    inner = keyed(key, 0x36);
    outer = keyed(key, 0x5c);
    explicit_bzero(key, sizeof(key));
    cb_hasher_field(inner, id);
    cb_hasher_update(inner, bytes, len);
    digest = cb_hasher_finish(inner);
    cb_hasher_update(outer, digest.bytes, 32);
    digest = cb_hasher_finish(outer);
    cb_digest_hex(&digest, out);
    return 0;
}
