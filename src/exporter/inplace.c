/* What a tar has for a member before and behind its bytes is asked of the writer of tars,
 * so that both agree. */
#include "exporter/inplace.h"

#include "base/fs.h"
#include "store/layout-read.h"
#include "store/snapshot.h"
#include "store/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK      512
#define MOVE_BYTES ((int64_t)1 << 20)
/* A fact of the layer's snapshot. */
#define ARCHIVED "archived"

struct made {
    struct cb_descriptor blob;
    int64_t at;
};

static void made_free(void *arg)
{
    struct made *made = arg;

    cb_descriptor_free(&made->blob);
    free(made);
}

int cb_inplace_open(struct cb_inplace *place, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct stat st;

    *place = (struct cb_inplace){.fd = -1};
    if (flags < 0 || (flags & O_ACCMODE) != O_RDWR || (flags & O_APPEND) ||
        fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != 0 ||
        lseek(fd, 0, SEEK_CUR) != 0)
        return 0;
    place->fd = fd;
    place->there = cb_map_new(NULL);
    place->made = cb_map_new(made_free);
    return 1;
}

void cb_inplace_clear(struct cb_inplace *place)
{
    cb_map_free(place->there);
    cb_map_free(place->made);
    *place = (struct cb_inplace){.fd = -1};
}

void cb_inplace_start(struct cb_inplace *place, int64_t at)
{
    place->first = place->next = at;
}

/* ── Members ── */

static int count(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    *(int64_t *)arg += (int64_t)len;
    return 0;
}

static int header_bytes(const struct cb_digest *digest, int64_t size, int64_t *out,
                        struct cb_error **err)
{
    cb_auto(cb_tar_writer) writer = NULL;
    cb_autofree char *path = cb_layout_blob_path(digest);
    struct cb_tar_entry entry = {.path = path, .mode = S_IFREG | 0644, .size = size};

    *out = 0;
    return cb_tar_writer_new(&writer, count, out, err) < 0
               ? -1
               : cb_tar_writer_entry(writer, &entry, err);
}

static int64_t padded(int64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static int is_new(struct cb_inplace *place, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_map_has(place->there, cb_digest_text(digest, text)))
        return 0;
    cb_map_set(place->there, text, place);
    return 1;
}

int cb_inplace_pass(struct cb_inplace *place, const struct cb_digest *digest,
                    int64_t size, struct cb_error **err)
{
    int64_t header;

    if (!is_new(place, digest))
        return 0;
    if (header_bytes(digest, size, &header, err) < 0)
        return -1;
    place->next += header + padded(size);
    return 0;
}

/* ── Layers ── */

struct writing {
    int fd;
    int64_t at;
    struct cb_hasher *hasher;
};

static int write_at(int fd, const char *bytes, size_t len, int64_t at,
                    struct cb_error **err)
{
    if (cb_fs_write_all_at(fd, bytes, len, at) < 0)
        return cb_error_errno(err, errno, "write the archive");
    return 0;
}

static int write_layer(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct writing *writing = arg;

    if (write_at(writing->fd, bytes, len, writing->at, err) < 0)
        return -1;
    cb_hasher_update(writing->hasher, bytes, len);
    writing->at += (int64_t)len;
    return 0;
}

/* Its first time is noted. */
static int is_for_the_store(const struct cb_layer_want *want)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    int compression =
        want->form->any && !want->form->force ? -1 : (int)want->form->compression;
    cb_auto_value(cb_descriptor) known = {0};
    cb_autofree char *before = NULL;

    if (cb_layer_blob_find(want->store, want->diff_id, compression, &known, NULL) != 0 ||
        cb_chain_find(want->store, want->chain_id, &snapshot, NULL) <= 0)
        return 1;
    before = cb_snapshot_fact(snapshot, ARCHIVED);
    return before || cb_snapshot_set_fact(snapshot, ARCHIVED, "1", NULL) < 0;
}

/* Bytes FROM on to TO on; the two may overlap. */
static int move(int fd, int64_t from, int64_t to, int64_t len, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(MOVE_BYTES);

    for (int64_t done = 0; from != to && done < len;) {
        int64_t part = len - done < MOVE_BYTES ? len - done : MOVE_BYTES;
        int64_t at = to < from ? done : len - done - part;
        ssize_t got = pread(fd, buffer, (size_t)part, from + at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read the archive");
        /* What is left of a hole, or was never written, is not there to be moved. */
        memset(buffer + got, 0, (size_t)(part - got));
        if (write_at(fd, buffer, (size_t)part, to + at, err) < 0)
            return -1;
        done += part;
    }
    return 0;
}

/* The header's length depends on the size when that is beyond what its field holds. */
static int pack(struct cb_inplace *place, const struct cb_layer_want *want,
                struct made *made, struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    struct writing writing = {.fd = place->fd, .hasher = hasher};
    struct cb_descriptor *blob = &made->blob;
    int64_t guessed, header;

    if (header_bytes(want->diff_id, 0, &guessed, err) < 0)
        return -1;
    writing.at = place->next + guessed;
    if (cb_layer_pack(want, write_layer, &writing, err) < 0)
        return -1;
    blob->media_type = xstrdup(cb_media_layer(want->form->compression, 0));
    blob->digest = cb_hasher_finish(hasher);
    blob->size = writing.at - place->next - guessed;
    if (!is_new(place, &blob->digest))
        return 0;
    if (header_bytes(&blob->digest, blob->size, &header, err) < 0 ||
        move(place->fd, place->next + guessed, place->next + header, blob->size, err) < 0)
        return -1;
    made->at = place->next + header;
    place->next = made->at + padded(blob->size);
    return 0;
}

int cb_inplace_layer(struct cb_inplace *place, const struct cb_layer_want *want,
                     struct cb_descriptor *out, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    struct made *made = cb_map_get(place->made, cb_digest_text(want->diff_id, text));

    if (!made) {
        if (is_for_the_store(want))
            return 0;
        made = xcalloc(1, sizeof(*made));
        made->at = -1;
        cb_map_set(place->made, text, made);
        if (pack(place, want, made, err) < 0)
            return -1;
    }
    cb_descriptor_copy(out, &made->blob);
    return 1;
}

int cb_inplace_settle(struct cb_inplace *place, int64_t at, struct cb_error **err)
{
    int64_t by = at - place->first;
    size_t position = 0;
    void *value;

    if (!cb_map_count(place->made))
        return 0;
    if (move(place->fd, place->first, at, place->next - place->first, err) < 0)
        return -1;
    while (cb_map_next(place->made, &position, NULL, &value)) {
        struct made *made = value;

        made->at += made->at < 0 ? 0 : by;
    }
    place->first = at;
    place->next += by;
    return 0;
}

int64_t cb_inplace_find(const struct cb_inplace *place, const struct cb_digest *digest)
{
    size_t position = 0;
    void *value;

    while (cb_map_next(place->made, &position, NULL, &value)) {
        struct made *made = value;

        if (made->at >= 0 && cb_digest_equal(&made->blob.digest, digest))
            return made->at;
    }
    return -1;
}
