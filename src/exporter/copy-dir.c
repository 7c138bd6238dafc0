/* skopeo's "dir:": manifest.json, the blobs under their digests' digits, and of several
 * platforms each manifest as <digits>.manifest.json beside the index. All of it is on the
 * disk before manifest.json is replaced; what an image before had is removed then. */
#include "exporter/copy-priv.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/lockfile.h"
#include "base/map.h"
#include "store/content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DIR_VERSION_START "Directory Transport Version: "
#define DIR_VERSION       DIR_VERSION_START "1.1\n"
#define MANIFEST          "manifest.json"
#define DIGITS            "0123456789abcdef"

struct writing {
    const struct cb_copy *copy;
    int fd;
    struct cb_map *kept; /* names of the image's files */
};

/* Other files than an image's are nobody's to remove. */
static int check_content(int fd, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) version = {0};

    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    if (names.count == 1 || /* the lock */
        (cb_fs_read_file(fd, "version", 1024, &version, NULL) == 0 &&
         strncmp(cb_strbuf_text(&version), DIR_VERSION_START,
                 strlen(DIR_VERSION_START)) == 0))
        return 0;
    cb_error_set(err, CB_ERR_EXISTS, "`%s` holds something else", path);
    return cb_error_hint(err, "name a directory that is empty or not there");
}

static int put_blob(struct writing *writing, const struct cb_descriptor *blob,
                    struct cb_error **err)
{
    cb_auto(cb_atomic_file) file = NULL;
    cb_autofd int from = -1;
    char hex[CB_DIGEST_MAX_TEXT];
    const char *name = cb_digest_hex(&blob->digest, hex);

    if (cb_cancel_check(writing->copy->env->cancel, err) < 0)
        return -1;
    if (cb_map_has(writing->kept, name))
        return 0;
    if (cb_content_open(writing->copy->env->store, &blob->digest, &from, NULL, err) < 0 ||
        cb_atomic_file_open(&file, writing->fd, name, 0644, err) < 0 ||
        cb_fs_copy_data(from, cb_atomic_file_fd(file), -1, err) < 0 ||
        cb_atomic_file_commit(&file, 0, err) < 0)
        return -1;
    cb_map_set(writing->kept, name, writing);
    return 0;
}

static int put_manifest(struct writing *writing, const struct cb_manifest *manifest,
                        int one_of_several, struct cb_error **err)
{
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *name =
        xasprintf("%s." MANIFEST, cb_digest_hex(&manifest->digest, hex));

    cb_vec_foreach (layer, &manifest->layers) {
        if (put_blob(writing, layer, err) < 0)
            return -1;
    }
    if (put_blob(writing, &manifest->config, err) < 0)
        return -1;
    if (!one_of_several)
        return 0;
    cb_map_set(writing->kept, name, writing);
    return cb_atomic_file_write(writing->fd, name, manifest->bytes, manifest->len, 0644,
                                0, err);
}

/* Blobs, manifests and signatures of another image. */
static void sweep(const struct writing *writing)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(writing->fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        size_t digits = strspn(*name, DIGITS);
        const char *rest = *name + digits;
        int ours = (digits == 64 && (!*rest || strcmp(rest, "." MANIFEST) == 0)) ||
                   strncmp(*name, "signature-", 10) == 0;

        if (ours && !cb_map_has(writing->kept, *name))
            unlinkat(writing->fd, *name, 0);
    }
}

static int put_all(struct writing *writing, const struct cb_tree *tree,
                   struct cb_error **err)
{
    const struct cb_manifest *only = tree->manifests.items[0];

    cb_vec_foreach (manifest, &tree->manifests) {
        if (put_manifest(writing, *manifest, tree->index != NULL, err) < 0)
            return -1;
    }
    if (cb_atomic_file_write(writing->fd, "version", DIR_VERSION, strlen(DIR_VERSION),
                             0644, 0, err) < 0)
        return -1;
    if (syncfs(writing->fd) < 0)
        return cb_error_errno(err, errno, "sync the blobs");
    return cb_atomic_file_write(writing->fd, MANIFEST,
                                tree->index ? tree->index->bytes : only->bytes,
                                tree->index ? tree->index->len : only->len, 0644, 1, err);
}

static void lock_release(struct cb_lock **lock)
{
    cb_lock_release_unlink(*lock);
}

int cb_copy_write_dir(const struct cb_copy *copy, const struct cb_tree *tree,
                      struct cb_error **err)
{
    const char *path = copy->to->path;
    cb_auto(cb_map) kept = cb_map_new(NULL);
    __attribute__((cleanup(lock_release))) struct cb_lock *lock = NULL;
    cb_autofd int fd = -1;
    struct writing writing = {.copy = copy, .kept = kept};

    if (cb_fs_mkdirs(path, 0755, err) < 0)
        return -1;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    if (cb_lock_take(&lock, fd, ".lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = copy->env->cancel}, err) < 0 ||
        check_content(fd, path, err) < 0)
        return -1;
    writing.fd = fd;
    if (put_all(&writing, tree, err) < 0)
        return -1;
    sweep(&writing);
    return 0;
}
