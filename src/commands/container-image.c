/* cbuild diff, export and commit: what a container has made of its image. */
#include "commands/containers.h"

#include "base/log.h"
#include "base/out-file.h"
#include "base/text.h"
#include "container/commit.h"
#include "container/diff.h"
#include "container/files.h"
#include "container/journal.h"
#include "exporter/buffered.h"
#include "exporter/tree.h"
#include "frontend/frontend.h"
#include "store/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ── diff ── */

static const struct cb_option no_options[] = {{0}};

/* A name may hold what a terminal would obey. */
void cb_changes_print(const struct cb_changes *changes)
{
    int escaped = cb_stdout_is_terminal();

    cb_vec_foreach (change, changes) {
        cb_auto_value(cb_strbuf) text = {0};

        if (escaped)
            cb_strbuf_add_escaped(&text, change->path, strlen(change->path), 0);
        else
            cb_strbuf_adds(&text, change->path);
        printf("%c %s\n", change->kind, cb_strbuf_text(&text));
    }
}

static int run_diff(struct cb_app *app, void *values, const struct cb_strings *args,
                    struct cb_error **err)
{
    cb_auto_value(cb_changes) changes = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;

    if (cb_app_container(app, args->items[0], &store, &container, err) < 0 ||
        cb_container_diff(store, container, &changes, err) < 0)
        return -1;
    cb_changes_print(&changes);
    return 0;
}

const struct cb_cli_command cb_diff_command = {
    .name = "diff",
    .summary = "Show which files a container has added, changed and deleted",
    .usage = "diff CONTAINER",
    .about =
        "A line for each: A added, C changed, D deleted. Directories on the way to a\n"
        "change are changed, too. What is mounted in the container is left out.",
    .options = no_options,
    .min_args = 1,
    .max_args = 1,
    .act = run_diff,
};

/* ── export ── */

struct export_values {
    const char *output;
};

static const struct cb_option export_options[] = {
    {"output", 'o', CB_OPTION_TEXT, offsetof(struct export_values, output), "FILE",
     "Write to a file instead of standard output"},
    {0},
};

/* Without what is mounted: of a container that runs, a copy is mounted once more. */
static int open_tree_of(struct cb_store *store, struct cb_container *container,
                        struct cb_cancel *cancel, struct cb_container_files *out,
                        struct cb_error **err)
{
    if (!cb_container_is_running(container))
        return cb_container_root(store, container, &out->root, &out->snapshot, &out->hold,
                                 err);
    if (cb_container_files_copy(store, container, 1, cancel, &out->snapshot, err) < 0)
        return -1;
    return cb_snapshot_open_root(out->snapshot, &out->root, err);
}

static int export(struct cb_app *app, const char *name, const char *output,
                  struct cb_error **err)
{
    cb_auto(cb_out_file) file = NULL;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    cb_auto_value(cb_container_files) files = {.root = -1};
    struct cb_tree_part tree = {0};

    if (cb_app_container(app, name, &store, &container, err) < 0 ||
        cb_out_file_open(&file, output, err) < 0 ||
        open_tree_of(store, container, app->cancel, &files, err) < 0)
        return -1;
    tree.root_fd = files.root;
    if (cb_tree_write_tar(&tree, 1, cb_out_file_fd(file), -1, app->cancel, err) < 0)
        return cb_error_wrap(err, "export %s", name);
    cb_container_tell(store, container, "export", NULL, NULL);
    return cb_out_file_commit(&file, err);
}

static int run_export(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    struct export_values *values = given;

    return export(app, args->items[0], values->output ? values->output : "-", err);
}

const struct cb_cli_command cb_export_command = {
    .name = "export",
    .summary = "Write a container's files as a tar archive",
    .usage = "export [OPTIONS] CONTAINER",
    .about = "All of its files, without volumes and without history: `cbuild import`\n"
             "makes an image of them.",
    .options = export_options,
    .values_size = sizeof(struct export_values),
    .min_args = 1,
    .max_args = 1,
    .act = run_export,
};

/* ── commit ── */

struct commit_values {
    struct cb_strings changes;
    const char *author, *message, *pause;
    int no_pause;
};

#define AT(field) offsetof(struct commit_values, field)

static const struct cb_option commit_options[] = {
    {"author", 'a', CB_OPTION_TEXT, AT(author), "NAME", "Author of the image"},
    {"change", 'c', CB_OPTION_LIST, AT(changes), "INSTRUCTION",
     "Apply a Dockerfile instruction to the image (CMD, ENV, EXPOSE, ...)"},
    {"message", 'm', CB_OPTION_TEXT, AT(message), "TEXT",
     "Comment of the image's history"},
    {"no-pause", 0, CB_OPTION_FLAG, AT(no_pause), NULL,
     "Let it go on while its files are read"},
    {"pause", 'p', CB_OPTION_OPTIONAL, AT(pause), "BOOL",
     "Pause it meanwhile (default true)"},
    {0},
};

static int reads_paused(const struct commit_values *values, int *out,
                        struct cb_error **err)
{
    *out = !values->no_pause;
    if (!values->pause || !*values->pause || cb_parse_bool(values->pause, out))
        return 0;
    return cb_error_argument(err, values->pause, "-p, --pause", "expected true or false");
}

static int read_name(const char *text, char **canonical, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (!text)
        return 0;
    if (cb_reference_parse(&reference, text, err) < 0 ||
        cb_reference_check_tag(reference, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    *canonical = cb_reference_canonical(reference);
    return 0;
}

static void tell_commit(struct cb_store *store, const struct cb_container *container,
                        const char *comment, const char *id, const char *canonical)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *familiar =
        canonical && cb_reference_parse(&reference, canonical, NULL) == 0
            ? cb_reference_familiar(reference)
            : xstrdup("");
    const char *const pairs[] = {
        "comment", comment ? comment : "", "imageID", id, "imageRef", familiar};
    cb_auto_value(cb_strings) attributes = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(pairs); i++)
        cb_strings_add(&attributes, pairs[i]);
    if (canonical)
        cb_journal_name(store, "tag", canonical);
    cb_container_tell_all(store, container, "commit", &attributes);
}

/* One that cannot be paused is read as it goes on. */
static int commit_paused(struct cb_container *container, struct cb_store *store,
                         const struct cb_commit_wish *wish, int paused,
                         struct cb_digest *id, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofd int held = -1;
    int status, pauses = paused && container->state.status == CB_CONTAINER_RUNNING;

    if (pauses && cb_container_hold(container, &held, &error) < 0) {
        if (cb_error_errnum(error) != ESRCH) /* it has ended, and changes no more */
            cb_warn("%s: it goes on while its files are read", cb_error_message(error));
        pauses = 0;
    }
    status = cb_container_commit(store, container, wish, id, err);
    if (pauses)
        cb_container_pause(container, 0, NULL);
    return status;
}

static int commit(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    const struct commit_values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    cb_auto(cb_image_config) config = NULL;
    cb_auto(cb_pool) pool = NULL;
    cb_autofree char *canonical = NULL;
    struct cb_commit_wish wish = {
        .author = values->author, .comment = values->message, .cancel = app->cancel};
    struct cb_digest id;
    char text[CB_DIGEST_MAX_TEXT];
    int paused;

    if (reads_paused(values, &paused, err) < 0 ||
        read_name(args->count > 1 ? args->items[1] : NULL, &canonical, err) < 0 ||
        cb_app_container(app, args->items[0], &store, &container, err) < 0)
        return -1;
    config = cb_container_effective_config(container);
    cb_vec_foreach (instruction, &values->changes) {
        if (cb_frontend_change(config, *instruction, err) < 0)
            return -1;
    }
    pool = cb_pool_new(0, 1);
    wish.name = canonical;
    wish.config = config;
    wish.pool = pool;
    if (commit_paused(container, store, &wish, paused, &id, err) < 0)
        return -1;
    tell_commit(store, container, values->message, cb_digest_text(&id, text), canonical);
    printf("%s\n", text);
    return 0;
}

const struct cb_cli_command cb_commit_command = {
    .name = "commit",
    .summary = "Make an image of a container",
    .usage = "commit [OPTIONS] CONTAINER [NAME[:TAG]]",
    .about = "The image has the container's files, without its volumes, and starts what\n"
             "the container was started with, unless -c says otherwise.",
    .options = commit_options,
    .values_size = sizeof(struct commit_values),
    .min_args = 1,
    .max_args = 2,
    .act = commit,
};
