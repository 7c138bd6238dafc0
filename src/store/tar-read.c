/* Tar reading: decoder → digest → guard and mend → libarchive → checked entries.
 *
 * libarchive is given plain tar only, and formats other than tar are not enabled. Its
 * answers are still not trusted: ids beyond 32 bit, sizes below zero, absurd sparse maps
 * and sizes over the limit are refused here. Names are bytes; no locale is ever set, so
 * none is converted. */
#include "store/tar.h"

#include "base/input.h"
#include "base/vec.h"
#include "store/archive-api.h"
#include "store/decompress.h"
#include "store/tar-mend.h"
#include "store/tar-read-priv.h"

#include <errno.h>

#define MAX_ID     4294967294LL /* 2^32-1 means "no change" to chown */
#define MAX_SPARSE 65536        /* pieces of one file */
#define MAX_XATTRS 1000
#define MAX_XATTR  (64u << 10) /* XATTR_SIZE_MAX */

struct input {
    int fd;
    struct cb_cancel *cancel; /* or NULL */
};

struct cb_tar_reader {
    struct cb_decoder *decoder;
    struct cb_hasher *hasher;
    struct cb_tar_mend mend;
    struct cb_archive_api api;
    struct archive *archive;
    struct archive_entry *entry; /* libarchive's own */
    struct cb_error *error;      /* of the stream, which libarchive cannot carry */
    uint64_t bytes, max_bytes, claimed;
    int opened;
    int entries_ended; /* libarchive saw the end mark, and may not be asked again */
    int stream_ended;  /* no bytes are left, behind the end mark either */
    CB_VEC(struct cb_xattr) xattrs;
    int (*tap)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *tap_arg;
    struct input *input; /* argument of read_input, or NULL */
    /* for cb_tar_reader_data: the piece at hand and the position in the file */
    const unsigned char *piece;
    size_t piece_len;
    int64_t piece_offset, position, size;
    int64_t block_end; /* where the last piece given out ended */
    int data_ended;
};

/* ── The stream ── */

static int pull(struct cb_tar_reader *reader, const void **bytes, ssize_t *len,
                struct cb_error **err)
{
    *len = cb_decoder_next(reader->decoder, bytes, err);
    if (*len <= 0) {
        reader->stream_ended = *len == 0;
        return *len < 0 ? -1 : 0;
    }
    if (reader->hasher)
        cb_hasher_update(reader->hasher, *bytes, (size_t)*len);
    reader->bytes += (uint64_t)*len;
    return reader->tap ? reader->tap(reader->tap_arg, *bytes, (size_t)*len, err) : 0;
}

/* 1 a piece, 0 the end. */
static int next_of_stream(struct cb_tar_reader *reader, const void **bytes, size_t *len,
                          struct cb_error **err)
{
    int more;

    while ((more = cb_tar_mend_give(&reader->mend, bytes, len, err)) == 0) {
        const void *pulled;
        ssize_t count;

        if (pull(reader, &pulled, &count, err) < 0)
            return -1;
        if (count == 0) {
            *len = cb_tar_mend_end(&reader->mend, bytes);
            return *len > 0;
        }
        cb_tar_mend_take(&reader->mend, pulled, (size_t)count);
    }
    return more;
}

static la_ssize_t feed(struct archive *archive, void *arg, const void **bytes)
{
    struct cb_tar_reader *reader = arg;
    size_t len = 0;

    if (next_of_stream(reader, bytes, &len, &reader->error) < 0) {
        reader->api.archive_set_error(archive, EIO, "stream");
        return -1;
    }
    return (la_ssize_t)len;
}

static int failed(struct cb_tar_reader *reader, struct cb_error **err)
{
    const char *text;

    if (reader->error)
        return cb_error_move(err, &reader->error);
    text = reader->api.archive_error_string(reader->archive);
    return cb_error_set(err, CB_ERR_INTEGRITY, "tar: %s",
                        text ? text : "damaged archive");
}

int cb_tar_reader_new(struct cb_tar_reader **out,
                      ssize_t (*read)(void *arg, void *buffer, size_t len,
                                      struct cb_error **err),
                      void *arg, int filters, uint64_t max_bytes, struct cb_error **err)
{
    cb_auto(cb_tar_reader) reader = xcalloc(1, sizeof(*reader));

    reader->max_bytes = max_bytes ? max_bytes : UINT64_MAX;
    reader->hasher = cb_hasher_new(CB_SHA256);
    cb_tar_mend_init(&reader->mend);
    if (cb_decoder_new(&reader->decoder, read, arg, filters, max_bytes, err) < 0 ||
        cb_archive_api_load(&reader->api, err) < 0)
        return -1;
    reader->archive = reader->api.archive_read_new();
    if (!reader->archive)
        return cb_error_set(err, CB_ERR_SYSTEM, "libarchive: out of memory");
    reader->api.archive_read_support_format_tar(reader->archive);
    reader->api.archive_read_support_format_empty(reader->archive);
    *out = cb_steal(&reader);
    return 0;
}

static ssize_t read_input(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    const struct input *input = arg;
    ssize_t got = cb_input_read(input->fd, input->cancel, buffer, len, err);

    return got < 0 ? cb_error_wrap(err, "read archive") : got;
}

/* What to read from is kept where the callback can find it for the reader's whole life.
 */
int cb_tar_reader_open_fd(struct cb_tar_reader **out, int fd, int filters,
                          uint64_t max_bytes, struct cb_cancel *cancel,
                          struct cb_error **err)
{
    struct input *input = xmalloc(sizeof(*input));

    *input = (struct input){fd, cancel};
    if (cb_tar_reader_new(out, read_input, input, filters, max_bytes, err) < 0) {
        free(input);
        return -1;
    }
    (*out)->input = input;
    return 0;
}

void cb_tar_reader_free(struct cb_tar_reader *reader)
{
    if (!reader)
        return;
    if (reader->archive)
        reader->api.archive_read_free(reader->archive);
    cb_archive_unload(&reader->api);
    cb_decoder_free(reader->decoder);
    cb_hasher_free(reader->hasher);
    cb_error_free(reader->error);
    cb_vec_free(&reader->xattrs);
    free(reader->input);
    free(reader);
}

void cb_tar_reader_any_ratio(struct cb_tar_reader *reader)
{
    cb_decoder_any_ratio(reader->decoder);
}

int cb_tar_reader_no_digest(struct cb_tar_reader *reader)
{
    if (cb_decoder_filter(reader->decoder))
        return 0;
    cb_hasher_free(cb_steal(&reader->hasher));
    return 1;
}

void cb_tar_reader_tap(struct cb_tar_reader *reader,
                       int (*tap)(void *arg, const void *bytes, size_t len,
                                  struct cb_error **err),
                       void *arg)
{
    reader->tap = tap;
    reader->tap_arg = arg;
}

uint64_t cb_tar_reader_bytes(const struct cb_tar_reader *reader)
{
    return reader->bytes;
}

/* ── Entries ── */

static int check_ids(struct cb_tar_reader *reader, struct cb_tar_entry *entry,
                     struct cb_error **err)
{
    la_int64_t uid = reader->api.archive_entry_uid(reader->entry);
    la_int64_t gid = reader->api.archive_entry_gid(reader->entry);

    if (uid < 0 || uid > MAX_ID || gid < 0 || gid > MAX_ID)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "tar: `%s`: owner %lld:%lld is out of range", entry->path,
                            (long long)uid, (long long)gid);
    entry->uid = (uint32_t)uid;
    entry->gid = (uint32_t)gid;
    return 0;
}

/* What an entry claims counts before its data comes: holes are size too. */
static int check_size(struct cb_tar_reader *reader, struct cb_tar_entry *entry,
                      struct cb_error **err)
{
    la_int64_t size = reader->api.archive_entry_size(reader->entry);

    if (size < 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: `%s`: size %lld", entry->path,
                            (long long)size);
    entry->size = S_ISREG(entry->mode) && !entry->is_hardlink ? size : 0;
    if ((uint64_t)entry->size > reader->max_bytes - reader->claimed)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "tar: `%s`: larger than %llu bytes unpacked", entry->path,
                            (unsigned long long)reader->max_bytes);
    reader->claimed += (uint64_t)entry->size;
    if (reader->api.archive_entry_sparse_count(reader->entry) > MAX_SPARSE)
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: `%s`: in more than %d pieces",
                            entry->path, MAX_SPARSE);
    return 0;
}

static int take_xattrs(struct cb_tar_reader *reader, struct cb_tar_entry *entry,
                       struct cb_error **err)
{
    const char *name;
    const void *value;
    size_t len;

    reader->xattrs.count = 0;
    reader->api.archive_entry_xattr_reset(reader->entry);
    while (reader->api.archive_entry_xattr_next(reader->entry, &name, &value, &len) ==
           ARCHIVE_OK) {
        struct cb_xattr xattr = {
            .name = (char *)name, .value = (void *)value, .len = len};

        if (!name)
            continue;
        if (len > MAX_XATTR || reader->xattrs.count == MAX_XATTRS)
            return cb_error_set(err, CB_ERR_INTEGRITY,
                                "tar: `%s`: too much in extended attributes",
                                entry->path);
        cb_vec_push(&reader->xattrs, xattr);
    }
    entry->xattrs = reader->xattrs.items;
    entry->xattr_count = reader->xattrs.count;
    return 0;
}

/* libarchive gives "-5.25" as -5 and a quarter more; the fraction goes the same way as
 * the rest. */
static void take_time(struct cb_tar_reader *reader, struct timespec *out)
{
    time_t seconds = reader->api.archive_entry_mtime(reader->entry);
    long ns = reader->api.archive_entry_mtime_nsec(reader->entry);

    if (ns < 0 || ns > 999999999)
        ns = 0;
    if (seconds < 0 && seconds > INT64_MIN && ns > 0) {
        seconds--;
        ns = 1000000000 - ns;
    }
    *out = (struct timespec){.tv_sec = seconds, .tv_nsec = ns};
}

static void take_plain_fields(struct cb_tar_reader *reader, struct cb_tar_entry *entry)
{
    struct cb_archive_api *api = &reader->api;
    const char *hardlink = api->archive_entry_hardlink(reader->entry);

    entry->is_hardlink = hardlink != NULL;
    entry->link =
        (char *)(hardlink ? hardlink : api->archive_entry_symlink(reader->entry));
    entry->mode = api->archive_entry_mode(reader->entry);
    if (hardlink && (entry->mode & S_IFMT) == 0)
        entry->mode |= S_IFREG;
    take_time(reader, &entry->mtime);
    entry->dev_major = (uint32_t)api->archive_entry_rdevmajor(reader->entry);
    entry->dev_minor = (uint32_t)api->archive_entry_rdevminor(reader->entry);
}

static int next_header(struct cb_tar_reader *reader, struct cb_error **err)
{
    int code;

    if (reader->entries_ended)
        return 0;
    if (!reader->opened) {
        reader->opened = 1;
        if (reader->api.archive_read_open(reader->archive, reader, NULL, feed, NULL) !=
            ARCHIVE_OK)
            return failed(reader, err);
    }
    code = reader->api.archive_read_next_header(reader->archive, &reader->entry);
    if (code == ARCHIVE_EOF && !reader->error) {
        reader->entries_ended = 1;
        return 0;
    }
    if (code < ARCHIVE_WARN || reader->error)
        return failed(reader, err);
    return 1;
}

int cb_tar_reader_next(struct cb_tar_reader *reader, struct cb_tar_entry *entry,
                       struct cb_error **err)
{
    int found = next_header(reader, err);

    if (found <= 0)
        return found;
    *entry = (struct cb_tar_entry){0};
    entry->path = (char *)reader->api.archive_entry_pathname(reader->entry);
    if (!entry->path || !*entry->path)
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: an entry has no name");
    take_plain_fields(reader, entry);
    if (S_ISLNK(entry->mode) && !entry->link)
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: `%s`: link without a target",
                            entry->path);
    if (check_ids(reader, entry, err) < 0 || check_size(reader, entry, err) < 0 ||
        take_xattrs(reader, entry, err) < 0)
        return -1;
    reader->piece_len = 0;
    reader->position = reader->block_end = 0;
    reader->size = entry->size;
    reader->data_ended = entry->size == 0;
    return 1;
}

/* ── Data ── */

int cb_tar_reader_block(struct cb_tar_reader *reader, const void **bytes, size_t *len,
                        int64_t *offset, struct cb_error **err)
{
    la_int64_t at = 0;
    int code;

    *len = 0;
    while (*len == 0) {
        code = reader->api.archive_read_data_block(reader->archive, bytes, len, &at);
        if (code == ARCHIVE_EOF && !reader->error)
            return 0;
        if (code < ARCHIVE_WARN || reader->error)
            return failed(reader, err);
    }
    if (at < 0 || at > reader->size || (int64_t)*len > reader->size - at)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "tar: data beyond the end of its file");
    /* A sparse map says where its pieces go, and may say so twice or backwards. */
    if (at < reader->block_end)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "tar: pieces of a sparse file overlap");
    reader->block_end = at + (int64_t)*len;
    *offset = at;
    return 1;
}

static int next_piece(struct cb_tar_reader *reader, struct cb_error **err)
{
    const void *bytes;
    int more = cb_tar_reader_block(reader, &bytes, &reader->piece_len,
                                   &reader->piece_offset, err);

    if (more < 0)
        return -1;
    reader->piece = bytes;
    if (!more) {
        reader->data_ended = 1;
        reader->piece_len = 0;
    }
    return 0;
}

static size_t least(size_t a, int64_t b)
{
    return (int64_t)a < b ? a : (size_t)b;
}

ssize_t cb_tar_reader_data(struct cb_tar_reader *reader, void *buffer, size_t len,
                           struct cb_error **err)
{
    if (reader->piece_len == 0 && !reader->data_ended && next_piece(reader, err) < 0)
        return -1;
    if (reader->piece_len == 0) {
        len = least(len, reader->size - reader->position); /* a hole at the end */
        memset(buffer, 0, len);
    } else if (reader->piece_offset > reader->position) {
        len = least(len, reader->piece_offset - reader->position);
        memset(buffer, 0, len);
    } else {
        len = least(len, (int64_t)reader->piece_len);
        memcpy(buffer, reader->piece, len);
        reader->piece += len;
        reader->piece_offset += (int64_t)len;
        reader->piece_len -= len;
    }
    reader->position += (int64_t)len;
    return (ssize_t)len;
}

int cb_tar_reader_finish(struct cb_tar_reader *reader, struct cb_digest *digest,
                         struct cb_error **err)
{
    struct cb_tar_entry entry;
    int more;

    do
        more = cb_tar_reader_next(reader, &entry, err);
    while (more > 0);
    if (more < 0)
        return -1;
    while (!reader->stream_ended) {
        const void *bytes;
        ssize_t len;

        if (pull(reader, &bytes, &len, err) < 0)
            return -1;
    }
    if (digest)
        *digest =
            reader->hasher ? cb_hasher_finish(reader->hasher) : (struct cb_digest){0};
    return 0;
}
