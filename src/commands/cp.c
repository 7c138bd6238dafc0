/* cbuild cp: files between a container and the host. */
#include "commands/containers.h"

#include "base/log.h"
#include "base/out-file.h"
#include "base/timestamp.h"
#include "commands/cp.h"
#include "container/files.h"
#include "container/journal.h"
#include "exporter/buffered.h"
#include "exporter/tree.h"
#include "store/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES (UINT64_C(1) << 44)

struct values {
    int archive, follow, quiet;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"archive", 'a', CB_OPTION_FLAG, AT(archive), NULL,
     "Keep owners, set-id bits, attributes and devices"},
    {"follow-link", 'L', CB_OPTION_FLAG, AT(follow), NULL,
     "Copy what SRC leads to when it is a symbolic link"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL,
     "Do not say on a terminal what was copied"},
    {0},
};

struct job {
    struct cb_app *app;
    const struct values *values;
    struct cb_store *store;
    struct cb_container *container;
    struct cb_container_files files;
    struct cb_cp_side inside, host;
    const char *source, *destination; /* paths, without the container */
    int to_container;
    uint64_t bytes;
};

static void job_clear(struct job *job)
{
    cb_container_files_close(&job->files);
    cb_container_free(job->container);
    cb_store_close(job->store);
}
CB_AUTO_VALUE_DEFINE(job, job_clear)

/* ── Files ── */

static int open_source_directory(const struct cb_cp_place *from, struct cb_error **err)
{
    int fd =
        openat(from->dir, from->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? cb_error_errno(err, errno, "open `%s`", from->path) : fd;
}

static int copy(struct cb_container_copying *copying, const struct cb_cp_place *from,
                const struct cb_cp_place *to, struct cb_error **err)
{
    cb_autofd int content = -1;
    enum cb_copy_way way;

    if (cb_copy_choose(&from->end, &to->end, &way, err) < 0)
        return cb_error_wrap(err, "copy %s to %s", from->path, to->path);
    if (way != CB_COPY_CONTENT)
        return cb_container_copy_named(copying, from->dir, from->name, to->dir,
                                       way == CB_COPY_INTO ? from->basename : to->name,
                                       err);
    content = open_source_directory(from, err);
    return content < 0 ? -1 : cb_container_copy_content(copying, content, to->dir, err);
}

/* One file alone that could not be copied is a failure, others are told of. */
static int check_left_out(const struct cb_container_copying *copying,
                          const struct cb_cp_place *from, struct cb_error **err)
{
    int kept = copying->owner == CB_COPY_KEEP;

    if (from->end.kind != CB_COPY_DIRECTORY && copying->left_out) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "`%s` is a device", from->path);
        return cb_error_hint(err, kept ? "only root can make devices" : "-a copies it");
    }
    if (copying->left_out)
        cb_warn("left out %u device%s%s", copying->left_out,
                copying->left_out == 1 ? "" : "s", kept ? "" : ": -a copies them");
    return 0;
}

/* Docker's words for a place that may not be written to. */
static int explain(const struct job *job, const char *path, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (!job->to_container || cb_error_errnum(*err) != EROFS)
        return -1;
    cause = cb_steal(err);
    cb_vec_foreach (mount, &job->container->mounts) {
        size_t len = strlen(mount->target);

        if (mount->read_only && strncmp(path, mount->target, len) == 0 &&
            (path[len] == '/' || !path[len]))
            return cb_error_set(err, CB_ERR_DENIED, "mounted volume is marked read-only");
    }
    if (!job->container->options.request.read_only)
        return cb_error_move(err, &cause); /* what it lies on is */
    return cb_error_set(err, CB_ERR_DENIED, "container rootfs is marked read-only");
}

static int copy_files(struct job *job, struct cb_error **err)
{
    const struct cb_cp_side *from_side = job->to_container ? &job->host : &job->inside;
    const struct cb_cp_side *to_side = job->to_container ? &job->inside : &job->host;
    cb_auto_value(cb_cp_place) from = {.dir = -1};
    cb_auto_value(cb_cp_place) to = {.dir = -1};
    struct cb_container_copying copying = {.owner = job->values->archive ? CB_COPY_KEEP
                                                    : job->to_container  ? CB_COPY_GIVEN
                                                                         : CB_COPY_OURS,
                                           .cancel = job->app->cancel};

    if (cb_cp_open_source(from_side, job->source, job->values->follow, &from, err) < 0 ||
        cb_cp_open_destination(to_side, job->destination, &to, err) < 0)
        return -1;
    if (copy(&copying, &from, &to, err) < 0)
        return explain(job, to.path, err);
    job->bytes = copying.bytes;
    return check_left_out(&copying, &from, err);
}

/* ── Archives ── */

/* Docker's names: what a link leads to has its own. */
static const char *archive_name(const struct job *job, const struct cb_cp_place *from)
{
    if (from->end.content_only)
        return ".";
    return job->values->follow && !from->end.wants_directory ? from->name
                                                             : from->basename;
}

static int stream(const struct job *job, const struct cb_cp_place *from,
                  struct cb_buffered *out, struct cb_error **err)
{
    cb_autofd int directory = -1;
    struct cb_tree_tar tree = {.root_fd = from->dir,
                               .epoch_s = -1,
                               .faithful = 1,
                               .top = archive_name(job, from),
                               .changing = 1,
                               .cancel = job->app->cancel};

    if (from->end.kind != CB_COPY_DIRECTORY)
        return cb_tree_stream_file(&tree, from->name, cb_buffered_write, out, err);
    directory = open_source_directory(from, err);
    if (directory < 0)
        return -1;
    tree.root_fd = directory;
    return cb_tree_stream_tar(&tree, cb_buffered_write, out, err);
}

static int write_archive(struct job *job, struct cb_error **err)
{
    cb_auto_value(cb_cp_place) from = {.dir = -1};
    cb_auto(cb_out_file) file = NULL;
    cb_auto_value(cb_buffered) out = {.what = "standard output"};

    if (cb_out_file_open(&file, "-", err) < 0 ||
        cb_cp_open_source(&job->inside, job->source, job->values->follow, &from, err) < 0)
        return -1;
    if (from.end.wants_directory && from.end.kind != CB_COPY_DIRECTORY)
        return cb_error_set(err, CB_ERR_USAGE, "copy %s: not a directory", from.path);
    out.fd = cb_out_file_fd(file);
    if (stream(job, &from, &out, err) < 0 || cb_buffered_flush(&out, err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

static int read_archive(struct job *job, struct cb_error **err)
{
    cb_auto(cb_tar_reader) reader = NULL;
    cb_auto_value(cb_cp_place) to = {.dir = -1};
    const struct cb_untar_options untar = {
        .keep_owner = 1, .keep_kinds = 1, .cancel = job->app->cancel};

    if (isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE,
                            "standard input is a terminal, not an archive");
    if (cb_cp_open_destination(&job->inside, job->destination, &to, err) < 0)
        return -1;
    if (to.end.kind != CB_COPY_DIRECTORY)
        return cb_error_set(err, CB_ERR_USAGE,
                            "destination \"%s:%s\" must be a directory",
                            job->inside.container, job->destination);
    if (cb_tar_reader_open_fd(&reader, STDIN_FILENO,
                              CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD,
                              MAX_BYTES, job->app->cancel, err) < 0)
        return -1;
    if (cb_untar(reader, job->files.root, to.path, &untar, &job->bytes, err) < 0)
        return explain(job, to.path, err);
    return 0;
}

/* ── The command ── */

static int run_job(struct job *job, struct cb_error **err)
{
    if (job->to_container)
        return strcmp(job->source, "-") == 0 ? read_archive(job, err)
                                             : copy_files(job, err);
    return strcmp(job->destination, "-") == 0 ? write_archive(job, err)
                                              : copy_files(job, err);
}

static void tell(const struct job *job)
{
    cb_autofree char *size = cb_size_human(job->bytes);

    if (job->values->quiet || !cb_stdout_is_terminal() ||
        strcmp(job->destination, "-") == 0)
        return;
    fprintf(stderr, "Successfully copied %s to %s%s%s\n", size,
            job->to_container ? job->inside.container : "", job->to_container ? ":" : "",
            job->destination);
}

static int copy_one(struct job *job, struct cb_error **err)
{
    if (cb_container_files_begin(err) < 0 ||
        cb_app_container(job->app, job->inside.container, &job->store, &job->container,
                         err) < 0 ||
        cb_container_files_open(job->store, job->container, job->app->cancel, &job->files,
                                err) < 0)
        return -1;
    job->inside.root = job->files.root;
    if (run_job(job, err) < 0)
        return -1;
    cb_container_tell(job->store, job->container,
                      job->to_container ? "extract-to-dir" : "archive-path", NULL, NULL);
    tell(job);
    return 0;
}

static int check_paths(const char *source, const char *destination, struct cb_error **err)
{
    if (!*source)
        return cb_error_set(err, CB_ERR_USAGE, "source can not be empty");
    if (!*destination)
        return cb_error_set(err, CB_ERR_USAGE, "destination can not be empty");
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_autofree char *from = NULL;
    cb_autofree char *to = NULL;
    struct values *values = given;
    cb_auto_value(job) job = {.app = app, .values = values, .host = {.root = -1}};

    job.files.root = -1;
    if (check_paths(args->items[0], args->items[1], err) < 0)
        return -1;
    from = cb_copy_split(args->items[0], &job.source);
    to = cb_copy_split(args->items[1], &job.destination);
    if (from && to)
        return cb_error_set(err, CB_ERR_USAGE,
                            "copying between containers is not supported");
    if (!from && !to)
        return cb_error_set(err, CB_ERR_USAGE,
                            "must specify at least one container source");
    job.to_container = to != NULL;
    job.inside.container = to ? to : from;
    return copy_one(&job, err);
}

const struct cb_cli_command cb_cp_command = {
    .name = "cp",
    .summary = "Copy files between a container and the host",
    .usage = "cp [OPTIONS] CONTAINER:SRC DST|-  or  SRC|- CONTAINER:DST",
    .about =
        "The container may run or not; its volumes are seen as it sees them. \"-\" is\n"
        "a tar archive on standard output or input. SRC/. copies a directory's\n"
        "content. What is copied belongs to root in a container, and to you on the\n"
        "host, unless -a is given. What the kernel shows (/proc, /sys) is left out.",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 2,
    .max_args = 2,
    .act = run,
};
