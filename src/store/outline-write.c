/* The tar is split as it streams by (tar-split.h). Whose bytes those of a file are only
 * who unpacks them knows, a little later, since the archive is read ahead of it: until
 * then they are an open place in what waits to be written. Places and files pair up in
 * order; if ever a size differs the tar is a strange one, and is given up. */
#include "store/outline.h"

#include "base/fs.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "store/little-endian.h"
#include "store/outline-priv.h"
#include "store/snapshot-priv.h"
#include "store/tar-split.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <limits.h>
#include <unistd.h>
#include <zstd.h>

#define LEVEL       3
#define WINDOW_LOG  20
#define OUT_BUFFER  (64u << 10)
#define ENOUGH      (64u << 10)
#define MAX_WAITING (8u << 20) /* what is read ahead is far less */
/* Of all that is no file: beyond it the decoder would call the outline a bomb. */
#define MAX_BYTES (1u << 30)

/* A file's bytes, somewhere behind waiting text. */
struct place {
    size_t at; /* in `waiting` */
    uint64_t size, left;
    uint32_t crc;
};

struct cb_outline_writer {
    struct cb_snapshot *snapshot; /* borrowed */
    char *path;                   /* below snapshots/; NULL once it is to stay */
    int fd;
    ZSTD_CCtx *zstd;
    unsigned char *out;
    struct cb_tar_split split;
    struct cb_strbuf waiting;
    size_t written; /* of `waiting` */
    uint64_t bytes; /* that are no file's */
    CB_VEC(struct place) places;
    size_t paired; /* of `places` */
    int given_up;
};

void cb_outline_writer_free(struct cb_outline_writer *writer)
{
    if (!writer)
        return;
    if (writer->path)
        unlinkat(writer->snapshot->store->snapshots_fd, writer->path, 0);
    free(writer->path);
    cb_close(&writer->fd);
    ZSTD_freeCCtx(writer->zstd);
    free(writer->out);
    cb_strbuf_free(&writer->waiting);
    cb_vec_free(&writer->places);
    free(writer);
}

/* ── Pieces ── */

static int compress(struct cb_outline_writer *writer, const void *bytes, size_t len,
                    ZSTD_EndDirective end, struct cb_error **err)
{
    ZSTD_inBuffer in = {.src = bytes, .size = len};
    size_t left;

    do {
        ZSTD_outBuffer out = {.dst = writer->out, .size = OUT_BUFFER};

        left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return cb_error_set(err, CB_ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(left));
        if (cb_fs_write_all(writer->fd, writer->out, out.pos) < 0)
            return cb_error_errno(err, errno, "write the outline of a layer");
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return 0;
}

static int put_bytes(struct cb_outline_writer *writer, const char *bytes, size_t len,
                     struct cb_error **err)
{
    unsigned char head[5] = {CB_OUTLINE_BYTES};

    if (len == 0)
        return 0;
    cb_le_put(head + 1, len, 4);
    return compress(writer, head, sizeof(head), ZSTD_e_continue, err) < 0
               ? -1
               : compress(writer, bytes, len, ZSTD_e_continue, err);
}

static int put_file(struct cb_outline_writer *writer, const struct place *place,
                    const char *path, struct cb_error **err)
{
    unsigned char head[1 + CB_OUTLINE_FILE_HEAD] = {CB_OUTLINE_FILE};

    cb_le_put(head + 1, place->size, 8);
    cb_le_put(head + 9, place->crc, 4);
    cb_le_put(head + 13, strlen(path), 2);
    return compress(writer, head, sizeof(head), ZSTD_e_continue, err) < 0
               ? -1
               : compress(writer, path, strlen(path), ZSTD_e_continue, err);
}

/* ── What waits ── */

static int write_until(struct cb_outline_writer *writer, size_t end,
                       struct cb_error **err)
{
    if (put_bytes(writer, cb_strbuf_text(&writer->waiting) + writer->written,
                  end - writer->written, err) < 0)
        return -1;
    writer->written = end;
    return 0;
}

/* With no place open all of it is written. */
static int empty(struct cb_outline_writer *writer, struct cb_error **err)
{
    if (writer->paired < writer->places.count)
        return 0;
    if (write_until(writer, writer->waiting.len, err) < 0)
        return -1;
    cb_strbuf_truncate(&writer->waiting, 0);
    writer->written = 0;
    writer->places.count = writer->paired = 0;
    return 0;
}

static void take_content(struct cb_outline_writer *writer, const struct cb_tar_part *part,
                         const unsigned char *bytes, size_t len)
{
    struct place *place;

    if (part->begins) {
        struct place fresh = {
            .at = writer->waiting.len, .size = part->begins, .left = part->begins};

        cb_vec_push(&writer->places, fresh);
    }
    place = &writer->places.items[writer->places.count - 1];
    place->crc = crc32_gzip_refl(place->crc, bytes, len);
    place->left -= len;
}

static int take_bytes(struct cb_outline_writer *writer, const unsigned char *bytes,
                      size_t len, struct cb_error **err)
{
    cb_strbuf_add(&writer->waiting, bytes, len);
    writer->bytes += len;
    if (writer->waiting.len >= ENOUGH && empty(writer, err) < 0)
        return -1;
    writer->given_up |= writer->waiting.len > MAX_WAITING || writer->bytes > MAX_BYTES;
    return 0;
}

int cb_outline_take(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct cb_outline_writer *writer = arg;
    const unsigned char *at = bytes;

    while (len && !writer->given_up) {
        struct cb_tar_part part;
        ssize_t used = cb_tar_split_take(&writer->split, at, len, &part, err);

        if (used < 0)
            return -1;
        if (part.is_content)
            take_content(writer, &part, at, (size_t)used);
        else if (take_bytes(writer, at, (size_t)used, err) < 0)
            return -1;
        at += used;
        len -= (size_t)used;
    }
    return 0;
}

int cb_outline_file(struct cb_outline_writer *writer, const char *path, uint64_t size,
                    struct cb_error **err)
{
    const struct place *place;

    writer->given_up |= writer->paired == writer->places.count;
    if (writer->given_up)
        return 0;
    place = &writer->places.items[writer->paired];
    if (place->size != size || place->left || strlen(path) > UINT16_MAX) {
        writer->given_up = 1;
        return 0;
    }
    if (write_until(writer, place->at, err) < 0 || put_file(writer, place, path, err) < 0)
        return -1;
    writer->paired++;
    return empty(writer, err);
}

void cb_outline_give_up(struct cb_outline_writer *writer)
{
    writer->given_up = 1;
}

/* ── From end to end ── */

int cb_outline_writer_new(struct cb_snapshot *snapshot, struct cb_outline_writer **out,
                          struct cb_error **err)
{
    cb_auto(cb_outline_writer) writer = xcalloc(1, sizeof(*writer));

    writer->snapshot = snapshot;
    writer->fd = -1;
    writer->out = xmalloc(OUT_BUFFER);
    writer->zstd = ZSTD_createCCtx();
    if (!writer->zstd)
        return cb_error_set(err, CB_ERR_SYSTEM, "zstd: out of memory");
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_windowLog, WINDOW_LOG);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    cb_tar_split_init(&writer->split);
    writer->path = cb_snapshot_path(snapshot, CB_OUTLINE_NAME);
    writer->fd = openat(snapshot->store->snapshots_fd, writer->path,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return cb_error_errno(err, errno, "create `%s`", writer->path);
    if (compress(writer, CB_OUTLINE_MAGIC, CB_OUTLINE_MAGIC_LEN, ZSTD_e_continue, err) <
        0)
        return -1;
    *out = cb_steal(&writer);
    return 0;
}

int cb_outline_finish(struct cb_outline_writer *writer, struct cb_error **err)
{
    const unsigned char end = CB_OUTLINE_END;

    if (writer->given_up || writer->paired < writer->places.count)
        return 0;
    if (empty(writer, err) < 0 || compress(writer, &end, 1, ZSTD_e_end, err) < 0)
        return -1;
    free(writer->path);
    writer->path = NULL;
    return 1;
}
