/* Nothing of a foreign archive is ever written under a name it chose: files become blobs
 * named by their digest, links are entries in a table, and everything else is skipped.
 * Files in blobs/<algorithm>/ must have the digest they are named for. What may be a
 * plain layer is left where it is (members-tars.c), for most of those need never be
 * blobs. */
#include "exporter/members.h"

#include "base/fs.h"
#include "exporter/members-tars.h"
#include "store/content.h"
#include "store/tar.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARCHIVE_MAX_BYTES (UINT64_C(1) << 42)
#define DATA_BUFFER       (256u << 10)
#define SMALL_BYTES       (64u << 10)
#define NAMES_MAX_BYTES   (16u << 20)
#define MAX_LINKS         40

struct reading {
    struct cb_archive_env *env;
    struct cb_tar_reader *reader;
    struct cb_blob_batch *batch; /* files up to SMALL_BYTES */
    struct cb_members *out;
    struct cb_member_tars *tars; /* or NULL: everything becomes a blob */
    size_t name_bytes;           /* of members and of what links lead to */
};

void cb_member_free(void *arg)
{
    struct cb_member *member = arg;

    if (!member)
        return;
    free(member->text);
    free(member);
}

void cb_members_clear(struct cb_members *members)
{
    if (members->files)
        cb_close(&members->tars_fd);
    cb_map_free(members->files);
    cb_map_free(members->links);
    memset(members, 0, sizeof(*members));
}

char *cb_member_path(const char *path)
{
    cb_autofree char *clean = cb_path_clean(path);

    if (*clean == '/' || strcmp(clean, "..") == 0 || strncmp(clean, "../", 3) == 0)
        return NULL;
    return cb_steal(&clean);
}

/* ── Spooling ── */

int cb_member_is_document(const char *path)
{
    return strcmp(path, "manifest.json") == 0 || strcmp(path, "index.json") == 0 ||
           strcmp(path, "oci-layout") == 0 || strcmp(path, "repositories") == 0;
}

/* <id>/json and <id>/VERSION of old archives: their content is in the config, too. */
static int is_legacy_noise(const char *path)
{
    const char *slash = strchr(path, '/');

    return slash && (strcmp(slash, "/json") == 0 || strcmp(slash, "/VERSION") == 0);
}

int cb_member_blob_digest(const char *path, struct cb_digest *out, struct cb_error **err)
{
    cb_autofree char *text = NULL;
    const char *slash;

    if (strncmp(path, "blobs/", 6) != 0)
        return 0;
    slash = strchr(path + 6, '/');
    if (!slash)
        return 0;
    text = xasprintf("%.*s:%s", (int)(slash - path - 6), path + 6, slash + 1);
    return cb_digest_parse(out, text, err) < 0 ? -1 : 1;
}

/* The rest of a member, to WRITER (or NULL). */
static int copy_data(struct cb_tar_reader *reader, struct cb_blob_writer *writer,
                     struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(DATA_BUFFER);

    for (;;) {
        ssize_t len;

        if (cb_cancel_check(cancel, err) < 0)
            return -1;
        len = cb_tar_reader_data(reader, buffer, DATA_BUFFER, err);
        if (len <= 0)
            return len < 0 ? -1 : 0;
        if (writer && cb_blob_writer_write(writer, buffer, (size_t)len, err) < 0)
            return -1;
    }
}

static size_t head_bytes(const struct cb_member *member)
{
    return member->size < CB_MEMBER_HEAD ? (size_t)member->size : CB_MEMBER_HEAD;
}

/* HEAD has been read. EXPECTED NULL: whatever digest it has. */
static int spool(struct cb_archive_env *env, struct cb_tar_reader *reader,
                 const unsigned char *head, const struct cb_digest *expected,
                 struct cb_member *member, struct cb_error **err)
{
    cb_auto(cb_blob_writer) writer = NULL;
    int present = 0;

    if (cb_blob_writer_open(env->store,
                            &(struct cb_blob_wanted){.digest = expected,
                                                     .size = member->size,
                                                     .cancel = env->cancel,
                                                     .sink = env->sink,
                                                     .from_start = 1},
                            &writer, &present, err) < 0)
        return -1;
    if (present) {
        member->digest = *expected;
        return copy_data(reader, NULL, env->cancel, err);
    }
    if (cb_blob_writer_write(writer, head, head_bytes(member), err) < 0 ||
        copy_data(reader, writer, env->cancel, err) < 0)
        return -1;
    return cb_blob_commit(&writer, &member->digest, NULL, err);
}

static int read_all(struct cb_tar_reader *reader, const char *path, void *out,
                    size_t size, struct cb_error **err)
{
    char *bytes = out;
    size_t used = 0;

    while (used < size) {
        ssize_t len = cb_tar_reader_data(reader, bytes + used, size - used, err);

        if (len < 0)
            return -1;
        if (len == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "%s: cut short", path);
        used += (size_t)len;
    }
    return 0;
}

/* All SIZE bytes, and a zero. */
static int read_bytes(struct cb_tar_reader *reader, const char *path, size_t size,
                      char **out, struct cb_error **err)
{
    cb_autofree char *bytes = xcalloc(1, size + 1);

    if (read_all(reader, path, bytes, size, err) < 0)
        return -1;
    *out = cb_steal(&bytes);
    return 0;
}

static int read_text(struct cb_tar_reader *reader, const char *path,
                     struct cb_member *member, struct cb_error **err)
{
    if (member->size > (int64_t)CB_MANIFEST_MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: over %u bytes", path,
                            CB_MANIFEST_MAX_BYTES);
    return read_bytes(reader, path, (size_t)member->size, &member->text, err);
}

/* EXPECTED as for spool. */
static int read_small(struct reading *reading, const char *path,
                      const struct cb_digest *expected, struct cb_member *member,
                      struct cb_error **err)
{
    char want[CB_DIGEST_MAX_TEXT], have[CB_DIGEST_MAX_TEXT];
    size_t size = (size_t)member->size;
    cb_autofree char *bytes = NULL;
    struct cb_digest actual;

    if (cb_cancel_check(reading->env->cancel, err) < 0 ||
        read_bytes(reading->reader, path, size, &bytes, err) < 0)
        return -1;
    memcpy(member->magic, bytes,
           size < sizeof(member->magic) ? size : sizeof(member->magic));
    actual = cb_digest_of(bytes, size);
    if (expected && !cb_digest_equal(&actual, expected))
        return cb_error_set(
            err, CB_ERR_INTEGRITY, "blob `%s`: the bytes received have digest %s",
            cb_digest_text(expected, want), cb_digest_text(&actual, have));
    return cb_blob_batch_put(reading->batch, bytes, size, &member->digest, err);
}

static int read_blob(struct reading *reading, const char *path, struct cb_member *member,
                     struct cb_error **err)
{
    struct cb_digest digest;
    int named = cb_member_blob_digest(path, &digest, err);
    const struct cb_digest *expected = named > 0 ? &digest : NULL;
    int is_usual = !expected || expected->algorithm == CB_SHA256;
    unsigned char head[CB_MEMBER_HEAD] = {0};
    int left = 0;

    if (named < 0)
        return -1;
    if (member->size <= (int64_t)SMALL_BYTES && is_usual)
        return read_small(reading, path, expected, member, err);
    if (read_all(reading->reader, path, head, head_bytes(member), err) < 0)
        return -1;
    memcpy(member->magic, head, sizeof(member->magic));
    if (reading->tars && is_usual)
        left = cb_member_tars_leave(reading->tars, head, member, err);
    if (left) {
        member->digest = expected ? *expected : (struct cb_digest){0};
        return left < 0 ? -1 : 0;
    }
    return spool(reading->env, reading->reader, head, expected, member, err);
}

static int read_file(struct reading *reading, const char *path, int64_t size,
                     struct cb_error **err)
{
    struct cb_members *out = reading->out;
    struct cb_member *member = xcalloc(1, sizeof(*member));
    int result;

    member->size = size;
    member->at = -1;
    result = cb_member_is_document(path) ? read_text(reading->reader, path, member, err)
                                         : read_blob(reading, path, member, err);
    if (result < 0) {
        cb_member_free(member);
        return cb_error_wrap(err, "archive member `%s`", path);
    }
    cb_map_remove(out->links, path);
    cb_map_set(out->files, path, member);
    return 0;
}

/* Where a link leads, seen from the archive's root; NULL when outside. */
static char *link_target(const char *path, const struct cb_tar_entry *entry)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *joined = NULL;

    if (entry->is_hardlink || !slash)
        return cb_member_path(entry->link);
    if (*entry->link == '/')
        return NULL;
    joined = xasprintf("%.*s/%s", (int)(slash - path), path, entry->link);
    return cb_member_path(joined);
}

/* They are kept to the end of the archive. */
static int count_names(struct reading *reading, const char *path, const char *target,
                       struct cb_error **err)
{
    reading->name_bytes += strlen(path) + (target ? strlen(target) : 0);
    if (reading->name_bytes <= NAMES_MAX_BYTES)
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY, "archive with more than %u bytes of names",
                        NAMES_MAX_BYTES);
}

static int read_member(struct reading *reading, const struct cb_tar_entry *entry,
                       struct cb_error **err)
{
    cb_autofree char *path = cb_member_path(entry->path);
    struct cb_members *out = reading->out;

    if (!path)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "archive member `%s` leads out of the archive", entry->path);
    if (entry->link && (entry->is_hardlink || S_ISLNK(entry->mode))) {
        cb_autofree char *target = link_target(path, entry);

        if (!target)
            return cb_error_set(
                err, CB_ERR_INTEGRITY,
                "archive member `%s`: link to `%s` leads out of the archive", path,
                entry->link);
        if (count_names(reading, path, target, err) < 0)
            return -1;
        cb_map_remove(out->files, path);
        cb_map_set(out->links, path, cb_steal(&target));
        return 0;
    }
    if (!S_ISREG(entry->mode) || is_legacy_noise(path))
        return 0;
    if (count_names(reading, path, NULL, err) < 0)
        return -1;
    return read_file(reading, path, entry->size, err);
}

static int read_members(struct reading *reading, struct cb_error **err)
{
    for (int count = 0;; count++) {
        struct cb_tar_entry entry = {0};
        int more = cb_tar_reader_next(reading->reader, &entry, err);

        if (more <= 0)
            return more;
        if (count == CB_ARCHIVE_MAX_MEMBERS)
            return cb_error_set(err, CB_ERR_INTEGRITY,
                                "archive with more than %d members",
                                CB_ARCHIVE_MAX_MEMBERS);
        if (reading->tars)
            cb_member_tars_entry(reading->tars, &entry);
        if (read_member(reading, &entry, err) < 0)
            return -1;
    }
}

int cb_members_read(struct cb_archive_env *env, int fd, int leave_tars,
                    struct cb_members *out, struct cb_error **err)
{
    cb_auto(cb_tar_reader) reader = NULL;
    cb_auto(cb_member_tars) tars = NULL;
    cb_auto(cb_blob_batch) batch = cb_blob_batch_new(env->store);
    cb_auto_value(cb_members) members = {
        .files = cb_map_new(cb_member_free), .links = cb_map_new(free), .tars_fd = -1};
    struct reading reading = {.env = env, .batch = batch, .out = &members};
    off_t start = lseek(fd, 0, SEEK_CUR);

    if (cb_tar_reader_open_fd(&reader, fd,
                              CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD,
                              ARCHIVE_MAX_BYTES, env->cancel, err) < 0)
        return -1;
    reading.reader = reader;
    if (leave_tars)
        reading.tars = tars = cb_member_tars_new(env, reader, fd, start);
    if (read_members(&reading, err) < 0 || cb_tar_reader_finish(reader, NULL, err) < 0 ||
        cb_blob_batch_flush(batch, err) < 0)
        return -1;
    if (tars)
        members.tars_fd = cb_member_tars_fd(tars);
    *out = members;
    memset(&members, 0, sizeof(members));
    return 0;
}

/* ── Looking up ── */

const struct cb_member *cb_members_find(const struct cb_members *members,
                                        const char *path)
{
    cb_autofree char *clean = cb_member_path(path);
    const char *at = clean;

    for (int hops = 0; at && hops < MAX_LINKS; hops++) {
        const struct cb_member *member = cb_map_get(members->files, at);

        if (member)
            return member;
        at = cb_map_get(members->links, at);
    }
    return NULL;
}
