/* cbuild save and load: images as files. */
#include "commands/archive.h"

#include "base/out-file.h"
#include "registry/registry.h"
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cb_archive_session_open(struct cb_archive_session *session, struct cb_app *app,
                            enum cb_store_wish wish, int quiet, struct cb_error **err)
{
    if (cb_progress_new(&session->progress, quiet ? "quiet" : NULL, err) < 0 ||
        cb_app_store(app, wish, &session->store, err) < 0)
        return -1;
    session->pool = cb_pool_new(0, 4);
    session->env = (struct cb_archive_env){.store = session->store,
                                           .pool = session->pool,
                                           .cancel = app->cancel,
                                           .sink = cb_progress_sink(session->progress)};
    return 0;
}

/* For layers that were never fetched. */
static int open_registry(struct cb_archive_session *session, struct cb_app *app,
                         struct cb_error **err)
{
    const struct cb_registry_options options = {.store = session->store,
                                                .pool = session->pool,
                                                .sink =
                                                    cb_progress_sink(session->progress),
                                                .tls_verify = 1};

    if (cb_app_registry(app, &options, &session->registry, err) < 0)
        return -1;
    session->env.registry = session->registry;
    return 0;
}

void cb_archive_session_close(struct cb_archive_session *session)
{
    cb_registry_free(session->registry);
    cb_progress_free(session->progress);
    cb_pool_free(session->pool);
    cb_store_close(session->store);
}

int cb_archive_input(const char *path, const char *way, int *fd, struct cb_error **err)
{
    if (path && strcmp(path, "-") != 0) {
        *fd = open(path, O_RDONLY | O_CLOEXEC);
        if (*fd < 0)
            return cb_error_errno(err, errno, "open `%s`", path);
        return 0;
    }
    if (isatty(STDIN_FILENO)) {
        cb_error_set(err, CB_ERR_USAGE, "standard input is a terminal, not an archive");
        return cb_error_hint(err, "%s, or redirect standard input", way);
    }
    *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open standard input");
    return 0;
}

/* ── save ── */

struct save_values {
    const char *output, *format, *platform, *compression, *delta_from;
    struct cb_strings except;
};

enum save_to { SAVE_DOCKER, SAVE_OCI, SAVE_OCI_DIR };

static const struct cb_option save_options[] = {
    {"compression", 0, CB_OPTION_TEXT, offsetof(struct save_values, compression), "KIND",
     "Compress the whole archive: gzip, zstd or uncompressed (default: as FILE is "
     "named)"},
    {"delta-from", 0, CB_OPTION_TEXT, offsetof(struct save_values, delta_from), "IMAGE",
     "Leave out this image's layers, and write of others what differs from them"},
    {"exclude-from", 0, CB_OPTION_LIST, offsetof(struct save_values, except), "IMAGE",
     "Leave out the layers of an image that is there already where this is loaded"},
    {"format", 0, CB_OPTION_TEXT, offsetof(struct save_values, format), "FORMAT",
     "docker-archive (default), oci-archive or oci-dir"},
    {"output", 'o', CB_OPTION_TEXT, offsetof(struct save_values, output), "FILE",
     "Write to a file instead of standard output"},
    {"platform", 0, CB_OPTION_TEXT, offsetof(struct save_values, platform), "OS/ARCH",
     "Write only this one of a name's images"},
    {0},
};

static int parse_format(const char *text, enum save_to *out, struct cb_error **err)
{
    static const struct {
        const char *name;
        enum save_to to;
    } formats[] = {{"docker-archive", SAVE_DOCKER},
                   {"docker", SAVE_DOCKER},
                   {"oci-archive", SAVE_OCI},
                   {"oci", SAVE_OCI},
                   {"oci-dir", SAVE_OCI_DIR}};

    *out = SAVE_DOCKER;
    if (!text)
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(formats); i++) {
        if (strcmp(text, formats[i].name) == 0) {
            *out = formats[i].to;
            return 0;
        }
    }
    return cb_error_argument(err, text, "--format",
                             "expected docker-archive, oci-archive or oci-dir");
}

static int ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);

    return len > tail && strcmp(text + len - tail, end) == 0;
}

/* What is asked for, else what the file's name promises. */
static int parse_compression(const struct save_values *values, enum cb_compression *out,
                             struct cb_error **err)
{
    const char *text = values->compression;
    const char *file = values->output ? values->output : "";

    if (!text && (ends_with(file, ".tar.gz") || ends_with(file, ".tgz")))
        text = "gzip";
    if (!text && (ends_with(file, ".tar.zst") || ends_with(file, ".tzst")))
        text = "zstd";
    *out = CB_COMPRESSION_NONE;
    if (!text || strcmp(text, "uncompressed") == 0)
        return 0;
    *out = strcmp(text, "zstd") == 0 ? CB_COMPRESSION_ZSTD : CB_COMPRESSION_GZIP;
    if (strcmp(text, "zstd") == 0 || strcmp(text, "gzip") == 0)
        return 0;
    return cb_error_argument(err, text, "--compression",
                             "expected gzip, zstd or uncompressed");
}

static void tell_saved(struct cb_store *store, const struct cb_strings *images)
{
    for (size_t i = 0; i < images->count; i++)
        cb_journal_name(store, "save", images->items[i]);
}

static int save_archive(struct cb_app *app, const struct save_values *values,
                        enum save_to to, const struct cb_strings *images,
                        const struct cb_platform *platform, struct cb_error **err)
{
    cb_auto_value(cb_archive_session) session = {0};
    cb_auto(cb_out_file) file = NULL;
    enum cb_compression compression;
    const struct cb_archive_choice choice = {.images = images,
                                             .platform = platform,
                                             .except = &values->except,
                                             .delta_from = values->delta_from};

    if (parse_compression(values, &compression, err) < 0 ||
        cb_out_file_open(&file, values->output ? values->output : "-", err) < 0 ||
        cb_archive_session_open(&session, app, CB_STORE_EXISTING, 1, err) < 0 ||
        open_registry(&session, app, err) < 0 ||
        cb_archive_save(&session.env, &choice,
                        to == SAVE_OCI ? CB_ARCHIVE_OCI : CB_ARCHIVE_DOCKER, compression,
                        cb_out_file_fd(file), err) < 0 ||
        cb_out_file_commit(&file, err) < 0)
        return -1;
    tell_saved(session.store, images);
    return 0;
}

static int save_directory(struct cb_app *app, const struct save_values *values,
                          const struct cb_strings *images,
                          const struct cb_platform *platform, struct cb_error **err)
{
    cb_auto_value(cb_archive_session) session = {0};
    const struct cb_archive_choice choice = {
        .images = images, .platform = platform, .except = &values->except};

    if (!values->output || strcmp(values->output, "-") == 0) {
        cb_error_set(err, CB_ERR_USAGE, "--format oci-dir writes a directory");
        return cb_error_hint(err, "name it with -o DIR");
    }
    if (values->compression)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--compression is for archives, not for --format oci-dir");
    if (cb_archive_session_open(&session, app, CB_STORE_EXISTING, 1, err) < 0 ||
        open_registry(&session, app, err) < 0)
        return -1;
    if (cb_archive_save_layout(&session.env, &choice, values->output, err) < 0)
        return -1;
    tell_saved(session.store, images);
    return 0;
}

static int run_save(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    struct save_values *values = given;
    enum save_to to;
    struct cb_platform buffer;
    const struct cb_platform *platform;

    if (parse_format(values->format, &to, err) < 0)
        return -1;
    if (values->delta_from && to == SAVE_OCI_DIR) {
        cb_error_set(err, CB_ERR_USAGE, "--delta-from is for archives");
        return cb_error_hint(err, "--format oci-archive writes one of that form");
    }
    if (cb_app_platform(values->platform, &buffer, &platform, err) < 0)
        return -1;
    return to == SAVE_OCI_DIR ? save_directory(app, values, args, platform, err)
                              : save_archive(app, values, to, args, platform, err);
}

const struct cb_cli_command cb_save_command = {
    .name = "save",
    .summary = "Write images to a tar archive or a directory",
    .usage = "save [OPTIONS] IMAGE...",
    .about =
        "For a machine that has an earlier version of the image, an archive need not\n"
        "have everything: --exclude-from EARLIER leaves out the layers of that, and\n"
        "--delta-from EARLIER also tells the others by what has changed in them.\n"
        "`cbuild load` there puts the image together again; other tools cannot.",
    .options = save_options,
    .values_size = sizeof(struct save_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_save,
};

/* ── load ── */

struct load_values {
    const char *input, *platform;
    int quiet;
};

static const struct cb_option load_options[] = {
    {"input", 'i', CB_OPTION_TEXT, offsetof(struct load_values, input), "FILE",
     "Read from a file instead of standard input"},
    {"platform", 0, CB_OPTION_TEXT, offsetof(struct load_values, platform), "OS/ARCH",
     "Take only images for this one"},
    {"quiet", 'q', CB_OPTION_FLAG, offsetof(struct load_values, quiet), NULL,
     "Show no progress"},
    {0},
};

/* MESSAGE: "Loaded image: NAME" or "Loaded image ID: ID". */
static void tell_loaded(struct cb_store *store, const char *message)
{
    const char *colon =
        strncmp(message, "Loaded image", 12) ? NULL : strchr(message, ':');

    if (colon && colon[1] == ' ')
        cb_journal_name(store, "load", colon + 2);
}

static int run_load(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    cb_auto_value(cb_strings) messages = {0};
    cb_auto_value(cb_archive_session) session = {0};
    cb_autofd int fd = -1;
    struct load_values *values = given;
    struct cb_platform buffer;
    const struct cb_platform *platform;
    int status;

    if (args->count && !values->input) {
        cb_error_set(err, CB_ERR_USAGE, "`cbuild load` accepts no arguments");
        return cb_error_hint(err, "to read a file: `cbuild load -i %s`", args->items[0]);
    }
    if (cb_command_check_args(&cb_load_command, args, 0, 0, err) < 0 ||
        cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        cb_archive_input(values->input, "use -i FILE", &fd, err) < 0 ||
        cb_archive_session_open(&session, app, CB_STORE_CREATE, values->quiet, err) < 0)
        return -1;
    status = cb_archive_load(&session.env, fd, platform, &messages, err);
    for (size_t i = 0; i < messages.count; i++) {
        printf("%s\n", messages.items[i]);
        tell_loaded(session.store, messages.items[i]);
    }
    if (status < 0)
        return cb_error_wrap(err, "load %s",
                             values->input ? values->input : "standard input");
    return 0;
}

const struct cb_cli_command cb_load_command = {
    .name = "load",
    .summary = "Read images from a tar archive or a directory",
    .usage = "load [OPTIONS]",
    .about = "Reads docker archives and OCI layouts, plain or compressed, of any tool.\n"
             "FILE may be a directory: an OCI layout, or what skopeo and podman call\n"
             "dir.",
    .options = load_options,
    .values_size = sizeof(struct load_values),
    .max_args = -1,
    .act = run_load,
};
