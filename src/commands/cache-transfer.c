/* cbuild cache export and import: the content of a cache mount as a tar archive, or as an
 * image. What comes in is unpacked by the code that unpacks layers and ADD's archives:
 * aside, confined to its directory, and put in place only when it is whole. */
#include "commands/archive.h"
#include "commands/cache.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "base/out-file.h"
#include "base/pool.h"
#include "base/text.h"
#include "commands/progress.h"
#include "exporter/exporter.h"
#include "exporter/tree.h"
#include "store/cache-mount.h"
#include "store/compress.h"
#include "store/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IMPORT_MAX_BYTES (UINT64_C(1) << 42)
#define ALL_FILTERS      (CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD)

struct values {
    const char *compression, *image;
    struct cb_strings insecure;
    int tls_verify;
};

#define AT(field) offsetof(struct values, field)

static int canonical_name(const char *text, char **out, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, text, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    *out = cb_reference_canonical(reference);
    return 0;
}

static int file_or_image(const struct cb_strings *args, const struct values *values,
                         struct cb_error **err)
{
    if (args->count < 2 || !values->image)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "a file and --image cannot go together");
}

/* ── export ── */

static const struct cb_option export_options[] = {
    {"compression", 0, CB_OPTION_TEXT, AT(compression), "KIND",
     "zstd, gzip or uncompressed (default: by FILE's suffix, else zstd)"},
    {"image", 0, CB_OPTION_TEXT, AT(image), "NAME[:TAG]",
     "Make an image of it instead, for `cbuild push`"},
    {0},
};

static int pick_compression(const char *kind, const char *file, enum cb_compression *out,
                            struct cb_error **err)
{
    if (!kind)
        kind = cb_ends_with(file, ".tar")                                ? "uncompressed"
               : cb_ends_with(file, ".gz") || cb_ends_with(file, ".tgz") ? "gzip"
                                                                         : "zstd";
    if (strcmp(kind, "none") == 0)
        kind = "uncompressed";
    if (cb_compression_parse(out, kind))
        return 0;
    return cb_error_argument(err, kind, "--compression",
                             "expected gzip, zstd or uncompressed");
}

static int ambiguous(const char *text, const struct cb_cache_mounts *mounts,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) names = {0};

    cb_vec_foreach (mount, mounts)
        cb_strbuf_addf(&names, "%s%s", names.len ? ", " : "", mount->name);
    cb_error_set(err, CB_ERR_USAGE, "`%s` stands for %zu cache mounts", text,
                 mounts->count);
    return cb_error_hint(err, "choose by name: %s", cb_strbuf_text(&names));
}

/* The one cache mount TEXT means. */
static int find_one(struct cb_store *store, const char *text, char **name,
                    struct cb_error **err)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};

    if (cb_cache_mount_find(store, text, &mounts, err) < 0)
        return -1;
    if (mounts.count > 1)
        return ambiguous(text, &mounts, err);
    *name = xstrdup(mounts.items[0].name);
    return 0;
}

static int write_fd(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    if (cb_fs_write_all(*(int *)arg, bytes, len) < 0)
        return cb_error_errno(err, errno, "write");
    return 0;
}

static int compress(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_compressor_write(arg, bytes, len, err);
}

static int write_archive(struct cb_archive_session *session, int cache_fd,
                         enum cb_compression compression, int fd, struct cb_error **err)
{
    cb_auto(cb_compressor) compressor = NULL;
    struct cb_tree_tar tree = {
        .root_fd = cache_fd, .epoch_s = -1, .faithful = 1, .cancel = session->env.cancel};

    if (cb_compressor_new(&compressor, compression, 0, session->pool, write_fd, &fd,
                          err) < 0 ||
        cb_tree_stream_tar(&tree, compress, compressor, err) < 0)
        return -1;
    return cb_compressor_finish(compressor, err);
}

static int export_file(struct cb_archive_session *session, int cache_fd,
                       const struct values *values, const char *path,
                       struct cb_error **err)
{
    cb_auto(cb_out_file) file = NULL;
    enum cb_compression compression;

    if (pick_compression(values->compression, path, &compression, err) < 0 ||
        cb_out_file_open(&file, path, err) < 0 ||
        write_archive(session, cache_fd, compression, cb_out_file_fd(file), err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

static int export_image(struct cb_archive_session *session, const char *id, int cache_fd,
                        const char *image, struct cb_error **err)
{
    cb_autofree char *name = NULL;
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    if (canonical_name(image, &name, err) < 0 ||
        cb_cache_image_make(&session->env, id, cache_fd, name, &digest, err) < 0)
        return -1;
    printf("%s\n", cb_digest_text(&digest, text));
    return cb_flush_stdout(err);
}

static int export_mount(struct cb_app *app, const struct values *values,
                        const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(cb_archive_session) session = {0};
    cb_autofree char *name = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int fd = -1;
    const char *id = cb_cache_id_of(args->items[0]);

    if (file_or_image(args, values, err) < 0 ||
        cb_archive_session_open(&session, app, CB_STORE_EXISTING, 0, err) < 0 ||
        find_one(session.store, id, &name, err) < 0 ||
        cb_cache_mount_read(
            session.store,
            &(struct cb_cache_mount_wait){name, app->cancel, session.env.sink}, &fd,
            &lock, err) < 0)
        return -1;
    if (values->image)
        return export_image(&session, id, fd, values->image, err);
    return export_file(&session, fd, values, args->count > 1 ? args->items[1] : "-", err);
}

static int run_export(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    if (export_mount(app, given, args, err) < 0)
        return cb_error_wrap(err, "export cache mount");
    return 0;
}

const struct cb_cli_command cb_cache_export_command = {
    .name = "cache export",
    .summary = "Write a cache mount to a tar archive or an image",
    .usage = "cache export [OPTIONS] ID|NAME [FILE]",
    .about = "Without FILE, or with -, the archive goes to standard output. Steps that\n"
             "have the cache for themselves are waited for.",
    .options = export_options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 2,
    .act = run_export,
};

/* ── import ── */

static const struct cb_option import_options[] = {
    {"image", 0, CB_OPTION_TEXT, AT(image), "NAME[:TAG]",
     "Take the files of an image, of this store or a registry"},
    {"insecure-registry", 0, CB_OPTION_LIST, AT(insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates (default true)"},
    {0},
};

struct unpacking {
    int fd;
    struct cb_cancel *cancel;
};

static int unpack(void *arg, int dir_fd, struct cb_error **err)
{
    const struct unpacking *unpacking = arg;
    cb_auto(cb_tar_reader) reader = NULL;
    const struct cb_untar_options options = {.keep_owner = 1,
                                             .cancel = unpacking->cancel};
    uint64_t bytes;

    if (cb_tar_reader_open_fd(&reader, unpacking->fd, ALL_FILTERS, IMPORT_MAX_BYTES,
                              unpacking->cancel, err) < 0)
        return -1;
    return cb_untar(reader, dir_fd, "/", &options, &bytes, err);
}

static int open_input(const char *path, int *fd, struct cb_error **err)
{
    if (strcmp(path, "-") == 0 && isatty(STDIN_FILENO)) {
        cb_error_set(err, CB_ERR_USAGE, "standard input is a terminal, not an archive");
        return cb_error_hint(err, "name a FILE, or redirect standard input");
    }
    *fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
                            : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    return 0;
}

static int import_file(struct cb_archive_session *session, const char *id,
                       const char *path, struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct unpacking unpacking = {.cancel = session->env.cancel};

    if (open_input(path, &fd, err) < 0)
        return -1;
    unpacking.fd = fd;
    return cb_cache_mount_replace(
        session->store,
        &(struct cb_cache_mount_wait){id, session->env.cancel, session->env.sink}, unpack,
        &unpacking, err);
}

static int import_image(struct cb_app *app, struct cb_archive_session *session,
                        const char *id, const struct values *values,
                        struct cb_error **err)
{
    const struct cb_registry_options options = {.store = session->store,
                                                .pool = session->pool,
                                                .sink = session->env.sink,
                                                .insecure = &values->insecure,
                                                .tls_verify = values->tls_verify};
    cb_auto(cb_registry) registry = NULL;
    cb_autofree char *name = NULL;

    if (canonical_name(values->image, &name, err) < 0 ||
        cb_app_registry(app, &options, &registry, err) < 0)
        return -1;
    return cb_cache_image_take(&session->env, registry, id, name, err);
}

static int import_mount(struct cb_app *app, const struct values *values,
                        const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(cb_archive_session) session = {0};
    const char *id = cb_cache_id_of(args->items[0]);

    if (file_or_image(args, values, err) < 0)
        return -1;
    if (!*id)
        return cb_error_set(err, CB_ERR_USAGE, "the id is empty");
    if (cb_archive_session_open(&session, app, CB_STORE_CREATE, 0, err) < 0)
        return -1;
    if (values->image)
        return import_image(app, &session, id, values, err);
    return import_file(&session, id, args->count > 1 ? args->items[1] : "-", err);
}

static int run_import(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    if (import_mount(app, given, args, err) < 0)
        return cb_error_wrap(err, "import cache mount");
    return 0;
}

const struct cb_cli_command cb_cache_import_command = {
    .name = "cache import",
    .summary = "Replace a cache mount by a tar archive or an image",
    .usage = "cache import [OPTIONS] ID [FILE]",
    .about =
        "Without FILE, or with -, the archive is read from standard input, plain or\n"
        "compressed. Steps that are using the cache are waited for.",
    .options = import_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.tls_verify = 1},
    .min_args = 1,
    .max_args = 2,
    .act = run_import,
};
