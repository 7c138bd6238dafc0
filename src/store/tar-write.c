/* Tar streams in one canonical form: ustar headers; a PAX header before an entry only for
 * the fields that do not fit, its records sorted by key. These are the choices of Go's
 * archive/tar, so that what docker and we make of the same files differs as little as
 * possible. */
#include "store/tar.h"

#include "base/strbuf.h"
#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#define BLOCK        512
#define MAX_OCTAL_7  07777777       /* 21 bit: ids, mode, device numbers */
#define MAX_OCTAL_11 077777777777LL /* 33 bit: size, time */
#define COPY_BUFFER  (256u << 10)

struct cb_tar_writer {
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
    int64_t left;     /* bytes of the entry's data still to come */
    unsigned padding; /* after them */
    char *buffer;     /* for cb_tar_writer_data_fd */
};

/* POSIX.1-1988 ustar */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type, link[100], magic[6], version[2], uname[32], gname[32];
    char dev_major[8], dev_minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

int cb_tar_writer_new(struct cb_tar_writer **out,
                      int (*write)(void *arg, const void *bytes, size_t len,
                                   struct cb_error **err),
                      void *arg, struct cb_error **err)
{
    struct cb_tar_writer *writer = xcalloc(1, sizeof(*writer));

    writer->write = write;
    writer->arg = arg;
    *out = writer;
    return 0;
}

void cb_tar_writer_free(struct cb_tar_writer *writer)
{
    if (!writer)
        return;
    free(writer->buffer);
    free(writer);
}

/* ── Fields ── */

static void put_octal(char *field, size_t size, uint64_t value)
{
    size_t i;

    field[size - 1] = '\0';
    for (i = size - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
}

static int is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return 0;
    }
    return 1;
}

/* Splits at the last slash that leaves a prefix and a name that both fit. */
static int put_path(struct header *header, const char *path)
{
    size_t len = strlen(path), at;

    if (!is_ascii(path))
        return 0;
    if (len <= sizeof(header->name)) {
        memcpy(header->name, path, len);
        return 1;
    }
    at = len <= sizeof(header->prefix) + 1 ? len - 1 : sizeof(header->prefix);
    if (len > 1 && path[len - 1] == '/' && at == len - 1)
        at--;
    while (at > 0 && path[at] != '/')
        at--;
    if (at == 0 || len - at - 1 > sizeof(header->name) || len - at - 1 == 0)
        return 0;
    memcpy(header->prefix, path, at);
    memcpy(header->name, path + at + 1, len - at - 1);
    return 1;
}

static void put_checksum(struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    unsigned sum = 0;
    size_t i;

    memset(header->checksum, ' ', sizeof(header->checksum));
    for (i = 0; i < BLOCK; i++)
        sum += bytes[i];
    put_octal(header->checksum, 7, sum);
}

static void start_header(struct header *header, char type)
{
    memset(header, 0, sizeof(*header));
    header->type = type;
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    put_octal(header->mode, 8, 0);
    put_octal(header->uid, 8, 0);
    put_octal(header->gid, 8, 0);
    put_octal(header->size, 12, 0);
    put_octal(header->mtime, 12, 0);
    put_octal(header->dev_major, 8, 0);
    put_octal(header->dev_minor, 8, 0);
}

/* ── PAX records: "<len> <key>=<value>\n", LEN counting itself ── */

struct record {
    char *key;
    const void *value;
    size_t len;
    char number[40];
};
struct records {
    CB_VEC(struct record) list;
};

static void records_free(struct records *records)
{
    cb_vec_foreach (record, &records->list) {
        free(record->key);
    }
    cb_vec_free(&records->list);
}

static void add_record(struct records *records, const char *key, const void *value,
                       size_t len)
{
    struct record record = {.key = xstrdup(key), .value = value, .len = len};

    cb_vec_push(&records->list, record);
}

static void add_number(struct records *records, const char *key, int64_t value)
{
    struct record record = {.key = xstrdup(key)};

    record.len =
        (size_t)snprintf(record.number, sizeof(record.number), "%" PRId64, value);
    cb_vec_push(&records->list, record);
}

/* Trailing zeros of the fraction are dropped; before 1970 the sign counts for both parts.
 */
static void add_time(struct records *records, struct timespec time)
{
    struct record record = {.key = xstrdup("mtime")};
    int64_t seconds = time.tv_sec;
    long ns = time.tv_nsec;
    const char *sign = "";
    int len;

    if (seconds < 0) {
        sign = "-";
        seconds = ns ? -(seconds + 1) : -seconds;
        ns = ns ? 1000000000 - ns : 0;
    }
    len = snprintf(record.number, sizeof(record.number), "%s%" PRId64 ".%09ld", sign,
                   seconds, ns);
    while (record.number[len - 1] == '0')
        len--;
    record.len = (size_t)(record.number[len - 1] == '.' ? len - 1 : len);
    cb_vec_push(&records->list, record);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct record *)a)->key, ((const struct record *)b)->key);
}

static void format_record(struct cb_strbuf *out, const struct record *record)
{
    size_t rest = strlen(record->key) + record->len + 3; /* space, '=', newline */
    size_t total = rest;
    char digits[24];

    while (total != rest + (size_t)snprintf(digits, sizeof(digits), "%zu", total))
        total = rest + strlen(digits);
    cb_strbuf_addf(out, "%zu %s=", total, record->key);
    cb_strbuf_add(out, record->value ? record->value : record->number, record->len);
    cb_strbuf_addc(out, '\n');
}

/* ── Entries ── */

static char type_flag(const struct cb_tar_entry *entry)
{
    if (entry->is_hardlink)
        return '1';
    switch (entry->mode & S_IFMT) {
    case S_IFLNK:
        return '2';
    case S_IFCHR:
        return '3';
    case S_IFBLK:
        return '4';
    case S_IFDIR:
        return '5';
    case S_IFIFO:
        return '6';
    default:
        return '0';
    }
}

static void put_id(char field[8], uint32_t id, const char *key, struct records *records)
{
    if (id <= MAX_OCTAL_7)
        put_octal(field, 8, id);
    else
        add_number(records, key, id);
}

static void put_time(struct header *header, struct timespec mtime,
                     struct records *records)
{
    if (mtime.tv_sec >= 0 && mtime.tv_sec <= MAX_OCTAL_11)
        put_octal(header->mtime, 12, (uint64_t)mtime.tv_sec);
    if (mtime.tv_sec < 0 || mtime.tv_sec > MAX_OCTAL_11 || mtime.tv_nsec != 0)
        add_time(records, mtime);
}

static void put_names(struct header *header, const struct cb_tar_entry *entry,
                      struct records *records)
{
    const char *link = entry->link ? entry->link : "";

    if (!put_path(header, entry->path)) {
        size_t fits = strnlen(entry->path, sizeof(header->name));

        memcpy(header->name, entry->path, fits);
        add_record(records, "path", entry->path, strlen(entry->path));
    }
    memcpy(header->link, link, strnlen(link, sizeof(header->link)));
    if (!is_ascii(link) || strlen(link) > sizeof(header->link))
        add_record(records, "linkpath", link, strlen(link));
}

static void fill_header(struct header *header, const struct cb_tar_entry *entry,
                        int64_t size, struct records *records)
{
    size_t i;

    start_header(header, type_flag(entry));
    put_names(header, entry, records);
    put_octal(header->mode, 8, entry->mode & 07777);
    put_id(header->uid, entry->uid, "uid", records);
    put_id(header->gid, entry->gid, "gid", records);
    if (size <= MAX_OCTAL_11)
        put_octal(header->size, 12, (uint64_t)size);
    else
        add_number(records, "size", size);
    put_time(header, entry->mtime, records);
    put_octal(header->dev_major, 8, entry->dev_major & MAX_OCTAL_7);
    put_octal(header->dev_minor, 8, entry->dev_minor & MAX_OCTAL_7);
    for (i = 0; i < entry->xattr_count; i++) {
        cb_autofree char *key = xasprintf("SCHILY.xattr.%s", entry->xattrs[i].name);

        add_record(records, key, entry->xattrs[i].value, entry->xattrs[i].len);
    }
}

static int write_padding(struct cb_tar_writer *writer, size_t len, struct cb_error **err)
{
    static const char zeros[2 * BLOCK];

    return len ? writer->write(writer->arg, zeros, len, err) : 0;
}

/* "dir/PaxHeaders.0/base", cut to fit: nobody reads it. */
static void pax_name(char *out, size_t size, const char *path)
{
    cb_autofree char *clean = xstrdup(path);
    size_t len = strlen(clean);
    char *slash;
    cb_autofree char *name = NULL;

    while (len > 1 && clean[len - 1] == '/')
        clean[--len] = '\0';
    slash = strrchr(clean, '/');
    if (slash)
        *slash = '\0';
    name = xasprintf("%s%sPaxHeaders.0/%s", slash ? clean : "", slash ? "/" : "",
                     slash ? slash + 1 : clean);
    len = strlen(name);
    memcpy(out, name, len < size ? len : size);
    for (len = 0; len < size; len++) {
        if ((unsigned char)out[len] >= 0x80)
            out[len] = '_';
    }
}

static int write_pax(struct cb_tar_writer *writer, const char *path,
                     struct records *records, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) body = {0};
    struct header header;

    qsort(records->list.items, records->list.count, sizeof(*records->list.items), by_key);
    cb_vec_foreach (record, &records->list) {
        format_record(&body, record);
    }
    start_header(&header, 'x');
    pax_name(header.name, sizeof(header.name), path);
    put_octal(header.size, 12, body.len);
    put_checksum(&header);
    if (writer->write(writer->arg, &header, BLOCK, err) < 0 ||
        writer->write(writer->arg, body.text, body.len, err) < 0)
        return -1;
    return write_padding(writer, (BLOCK - body.len % BLOCK) % BLOCK, err);
}

int cb_tar_writer_entry(struct cb_tar_writer *writer, const struct cb_tar_entry *entry,
                        struct cb_error **err)
{
    __attribute__((cleanup(records_free))) struct records records = {0};
    int64_t size = S_ISREG(entry->mode) && !entry->is_hardlink ? entry->size : 0;
    struct header header;

    if (writer->left)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "tar: entry before `%s` is %lld bytes short", entry->path,
                            (long long)writer->left);
    fill_header(&header, entry, size, &records);
    put_checksum(&header);
    if (records.list.count && write_pax(writer, entry->path, &records, err) < 0)
        return -1;
    if (writer->write(writer->arg, &header, BLOCK, err) < 0)
        return -1;
    writer->left = size;
    writer->padding = (unsigned)((BLOCK - size % BLOCK) % BLOCK);
    return 0;
}

int cb_tar_writer_data(struct cb_tar_writer *writer, const void *bytes, size_t len,
                       struct cb_error **err)
{
    if ((int64_t)len > writer->left)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "tar: entry is longer than its header says");
    if (len == 0)
        return 0;
    if (writer->write(writer->arg, bytes, len, err) < 0)
        return -1;
    writer->left -= (int64_t)len;
    return writer->left ? 0 : write_padding(writer, writer->padding, err);
}

int cb_tar_writer_data_fd(struct cb_tar_writer *writer, int fd, int64_t size,
                          struct cb_error **err)
{
    if (!writer->buffer)
        writer->buffer = xmalloc(COPY_BUFFER);
    while (size > 0) {
        size_t want = size < (int64_t)COPY_BUFFER ? (size_t)size : COPY_BUFFER;
        ssize_t len = read(fd, writer->buffer, want);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return cb_error_errno(err, errno, "tar: read file");
        if (len == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY,
                                "tar: file shrank while being read");
        if (cb_tar_writer_data(writer, writer->buffer, (size_t)len, err) < 0)
            return -1;
        size -= len;
    }
    return 0;
}

int cb_tar_writer_data_there(struct cb_tar_writer *writer, struct cb_error **err)
{
    if (!writer->left)
        return 0;
    writer->left = 0;
    return write_padding(writer, writer->padding, err);
}

int cb_tar_writer_finish(struct cb_tar_writer *writer, struct cb_error **err)
{
    if (writer->left)
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: last entry is %lld bytes short",
                            (long long)writer->left);
    return write_padding(writer, 2 * BLOCK, err);
}
