/* An outline is read as piece after piece, each bounded, and the files are opened in the
 * layer's root only, so that a damaged one leads nowhere. */
#include "store/outline.h"

#include "base/fs.h"
#include "store/decompress.h"
#include "store/little-endian.h"
#include "store/outline-priv.h"
#include "store/snapshot-priv.h"
#include "store/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (256u << 10)

struct play {
    struct cb_snapshot *snapshot;
    struct cb_decoder *decoder;
    const unsigned char *in; /* the decoder's, `in_len` bytes of it unused */
    size_t in_len;
    int files_fd;
    unsigned char *buffer;
    uint64_t left; /* of what may be written */
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
};

static void play_clear(struct play *play)
{
    cb_decoder_free(play->decoder);
    cb_close(&play->files_fd);
    free(play->buffer);
}

static int damaged(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY, "the outline of its tar is damaged");
}

static int give_out(struct play *play, const void *bytes, size_t len,
                    struct cb_error **err)
{
    if (len > play->left)
        return damaged(err);
    play->left -= len;
    return play->write(play->arg, bytes, len, err);
}

/* ── Pieces ── */

static ssize_t read_outline(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    ssize_t got;

    do
        got = read(*(int *)arg, buffer, len);
    while (got < 0 && errno == EINTR);
    return got < 0 ? cb_error_errno(err, errno, "read the outline of a layer") : got;
}

/* At most LEN bytes that are at hand, borrowed. */
static ssize_t some(struct play *play, size_t len, const unsigned char **bytes,
                    struct cb_error **err)
{
    if (play->in_len == 0) {
        const void *more;
        ssize_t got = cb_decoder_next(play->decoder, &more, err);

        if (got == 0)
            return damaged(err);
        if (got < 0)
            return cb_error_wrap(err, "the outline of its tar");
        play->in = more;
        play->in_len = (size_t)got;
    }
    *bytes = play->in;
    len = len < play->in_len ? len : play->in_len;
    play->in += len;
    play->in_len -= len;
    return (ssize_t)len;
}

static int all(struct play *play, void *out, size_t len, struct cb_error **err)
{
    while (len) {
        const unsigned char *bytes = NULL;
        ssize_t got = some(play, len, &bytes, err);

        if (got < 0)
            return -1;
        memcpy(out, bytes, (size_t)got);
        out = (char *)out + got;
        len -= (size_t)got;
    }
    return 0;
}

static int play_bytes(struct play *play, struct cb_error **err)
{
    unsigned char head[4];
    uint64_t left;

    if (all(play, head, sizeof(head), err) < 0)
        return -1;
    left = cb_le_get(head, 4);
    while (left) {
        const unsigned char *bytes = NULL;
        ssize_t got = some(play, left, &bytes, err);

        if (got < 0 || give_out(play, bytes, (size_t)got, err) < 0)
            return -1;
        left -= (uint64_t)got;
    }
    return 0;
}

/* ── Files ── */

static int open_file(const struct play *play, const char *path, int *fd,
                     struct cb_error **err)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    struct stat st;

    if (cb_fs_open_in_root(play->files_fd, path, flags | O_NOATIME, 0, fd, NULL) < 0 &&
        cb_fs_open_in_root(play->files_fd, path, flags, 0, fd, err) < 0)
        return -1;
    if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode))
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` is no file", path);
    return 0;
}

static int copy_file(struct play *play, int fd, uint64_t left, uint32_t *crc,
                     struct cb_error **err)
{
    while (left) {
        ssize_t got;

        if (cb_cancel_check(play->snapshot->store->cancel, err) < 0)
            return -1;
        got = read(fd, play->buffer, left < BUFFER ? (size_t)left : BUFFER);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read");
        if (got == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "it is shorter than it was");
        *crc = crc32_gzip_refl(*crc, play->buffer, (uint64_t)got);
        if (give_out(play, play->buffer, (size_t)got, err) < 0)
            return -1;
        left -= (uint64_t)got;
    }
    return 0;
}

static int play_file(struct play *play, struct cb_error **err)
{
    unsigned char head[CB_OUTLINE_FILE_HEAD];
    cb_autofree char *path = NULL;
    cb_autofd int fd = -1;
    uint32_t crc = 0;
    size_t len;

    if (all(play, head, sizeof(head), err) < 0)
        return -1;
    len = cb_le_get(head + 12, 2);
    path = xcalloc(1, len + 1);
    if (all(play, path, len, err) < 0)
        return -1;
    if (open_file(play, path, &fd, err) < 0 ||
        copy_file(play, fd, cb_le_get(head, 8), &crc, err) < 0)
        return cb_error_wrap(err, "`%s`", path);
    if (crc != cb_le_get(head + 8, 4))
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` is not what it was", path);
    return 0;
}

/* ── The whole ── */

static int check_magic(struct play *play, struct cb_error **err)
{
    char magic[CB_OUTLINE_MAGIC_LEN];

    if (all(play, magic, sizeof(magic), err) < 0)
        return -1;
    return memcmp(magic, CB_OUTLINE_MAGIC, sizeof(magic)) == 0 ? 0 : damaged(err);
}

static int play_pieces(struct play *play, struct cb_error **err)
{
    for (;;) {
        unsigned char piece;

        if (all(play, &piece, 1, err) < 0)
            return -1;
        if (piece == CB_OUTLINE_END)
            return 0;
        if (piece != CB_OUTLINE_BYTES && piece != CB_OUTLINE_FILE)
            return damaged(err);
        if ((piece == CB_OUTLINE_BYTES ? play_bytes(play, err) : play_file(play, err)) <
            0)
            return -1;
    }
}

int cb_outline_exists(const struct cb_snapshot *snapshot)
{
    cb_autofree char *path = cb_snapshot_path(snapshot, CB_OUTLINE_NAME);

    return faccessat(snapshot->store->snapshots_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int cb_outline_play(struct cb_snapshot *snapshot, uint64_t max,
                    int (*write)(void *arg, const void *bytes, size_t len,
                                 struct cb_error **err),
                    void *arg, struct cb_error **err)
{
    cb_autofree char *path = cb_snapshot_path(snapshot, CB_OUTLINE_NAME);
    cb_autofd int fd = openat(snapshot->store->snapshots_fd, path,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    __attribute__((cleanup(play_clear))) struct play play = {
        .snapshot = snapshot, .files_fd = -1, .left = max, .write = write, .arg = arg};

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/snapshots/%s`", snapshot->store->root,
                              path);
    play.buffer = xmalloc(BUFFER);
    if (cb_snapshot_open_upper(snapshot, &play.files_fd, err) < 0 ||
        cb_decoder_new(&play.decoder, read_outline, &fd, CB_TAR_ZSTD, 0, err) < 0 ||
        check_magic(&play, err) < 0)
        return -1;
    return play_pieces(&play, err);
}

int cb_outline_share(const struct cb_snapshot *from, const struct cb_snapshot *to,
                     struct cb_error **err)
{
    cb_autofree char *path = cb_snapshot_path(from, CB_OUTLINE_NAME);
    cb_autofree char *other = cb_snapshot_path(to, CB_OUTLINE_NAME);
    int fd = from->store->snapshots_fd;

    if (linkat(fd, path, fd, other, 0) == 0 || errno == ENOENT)
        return 0;
    return cb_error_errno(err, errno, "link `%s/snapshots/%s`", from->store->root, path);
}
