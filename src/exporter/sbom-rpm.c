/* The database of rpm, where it is a SQLite file: a header for each package. The older
 * formats (Berkeley DB, ndb) are not read, and that is told. A header is an index of
 * tagged values over one store of bytes (rpm's docs, format_header). */
#include "exporter/sbom-priv.h"

#include "base/fs.h"
#include "store/db-foreign.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#define MAX_ENTRIES 65536

enum tag {
    TAG_NAME = 1000,
    TAG_VERSION = 1001,
    TAG_RELEASE = 1002,
    TAG_EPOCH = 1003,
    TAG_VENDOR = 1011,
    TAG_LICENSE = 1014,
    TAG_ARCH = 1022,
};
enum type { TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_I18N = 9 };

static uint32_t number_at(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

struct header {
    const unsigned char *index, *store;
    size_t entries, store_len;
};

static int open_header(struct header *out, const unsigned char *bytes, size_t len)
{
    if (len < 8)
        return 0;
    out->entries = number_at(bytes);
    out->store_len = number_at(bytes + 4);
    if (out->entries > MAX_ENTRIES || out->entries * 16 > len - 8 ||
        out->store_len > len - 8 - out->entries * 16)
        return 0;
    out->index = bytes + 8;
    out->store = out->index + out->entries * 16;
    return 1;
}

/* A text, or a number as one; NULL: it has no such value. */
static char *value_of(const struct header *header, enum tag tag)
{
    for (size_t i = 0; i < header->entries; i++) {
        const unsigned char *entry = header->index + i * 16;
        size_t offset = number_at(entry + 8);
        uint32_t type = number_at(entry + 4);

        if (number_at(entry) != (uint32_t)tag || offset >= header->store_len)
            continue;
        if (type == TYPE_INT32 && header->store_len - offset >= 4)
            return xasprintf("%u", number_at(header->store + offset));
        if (type != TYPE_STRING && type != TYPE_I18N)
            return NULL;
        return xstrndup(
            (const char *)header->store + offset,
            strnlen((const char *)header->store + offset, header->store_len - offset));
    }
    return NULL;
}

void cb_sbom_rpm_header(const unsigned char *bytes, size_t len, const char *path,
                        struct cb_packages *out)
{
    struct cb_package package = {.type = "rpm"};
    cb_autofree char *version = NULL;
    cb_autofree char *release = NULL;
    struct header header;

    if (!open_header(&header, bytes, len))
        return;
    version = value_of(&header, TAG_VERSION);
    release = value_of(&header, TAG_RELEASE);
    package.name = value_of(&header, TAG_NAME);
    /* Keys of signatures are kept like packages. */
    if (!version || !package.name || strcmp(package.name, "gpg-pubkey") == 0) {
        free(package.name);
        return;
    }
    package.version = release ? xasprintf("%s-%s", version, release) : cb_steal(&version);
    package.epoch = value_of(&header, TAG_EPOCH);
    package.arch = value_of(&header, TAG_ARCH);
    package.license = value_of(&header, TAG_LICENSE);
    package.supplier = value_of(&header, TAG_VENDOR);
    package.path = xstrdup(path);
    cb_packages_take(out, &package);
}

/* ── The database ── */

struct reading {
    const char *path;
    struct cb_packages *out;
};

static void add_header(void *arg, const void *blob, size_t len)
{
    const struct reading *reading = arg;

    cb_sbom_rpm_header(blob, len, reading->path, reading->out);
}

static void read_database(const struct cb_sbom_options *options, const char *path,
                          struct cb_packages *out)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_error) error = NULL;
    struct reading reading = {.path = path, .out = out};
    size_t len;

    if (!cb_sbom_read(options, path, CB_SBOM_DATABASE_BYTES * 4, &bytes))
        return;
    len = bytes.len;
    if (cb_db_foreign_blobs(cb_strbuf_steal(&bytes), len, "Packages", add_header,
                            &reading, &error) < 0)
        cb_sbom_tell(options, path, cb_error_message(error));
}

void cb_sbom_rpm(const struct cb_sbom_options *options, struct cb_packages *out)
{
    static const char *const directories[] = {"var/lib/rpm", "usr/lib/sysimage/rpm",
                                              "usr/share/rpm"};
    static const char *const older[] = {"Packages", "Packages.db"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(directories); i++) {
        cb_autofree char *path = xasprintf("%s/rpmdb.sqlite", directories[i]);

        read_database(options, path, out);
        for (size_t j = 0; j < CB_ARRAY_SIZE(older); j++) {
            cb_autofree char *old = xasprintf("%s/%s", directories[i], older[j]);
            cb_autofd int fd = -1;

            if (cb_fs_open_in_root(options->root_fd, old, O_PATH, 0, &fd, NULL) == 0)
                cb_sbom_tell(options, old, "only rpm's databases of SQLite can be read");
        }
    }
}
