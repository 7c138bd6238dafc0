/* cbuild builds ls and rm: which earlier builds there are, from the logs the engine
 * keeps. */
#include "commands/builds.h"

#include "commands/listing.h"

#include <inttypes.h>
#include <stdio.h>

#define AT(field) offsetof(struct cb_builds_values, field)

/* ── builds ls ── */

static const struct cb_option ls_options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table (the default), json, or a Go template"},
    {"local", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"no-trunc", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {0},
};

static const struct cb_absent_option ls_absent[] = {
    {"filter", 0, "--format json has a line for each build, to choose from"},
    {0},
};

static const struct cb_listing listing = {
    .fields =
        (const struct cb_listing_field[]){
            {"ID", "ID"},
            {"Result", "RESULT"},
            {"Started", "STARTED"},
            {"Ended", "ENDED"},
            {"Names", "NAMES"},
            {"Context", "CONTEXT"},
            {"Dockerfile", "DOCKERFILE"},
            {"Target", "TARGET"},
            {"Platform", "PLATFORM"},
            {"Image", "IMAGE"},
            {"Error", "ERROR"},
            {"Total", "TOTAL"},
            {"Cached", "CACHED"},
            {"Executed", "EXECUTED"},
            {"Bytes", "BYTES"},
            {0},
        },
};

static void print_row(const struct cb_built *built)
{
    cb_autofree char *names = cb_builds_joined(&built->names);
    cb_autofree char *age = cb_builds_ago(built->start_s);
    cb_autofree char *took = cb_builds_duration(built->start_s, built->end_s);
    cb_autofree char *steps =
        built->end_s > 0
            ? xasprintf("%" PRId64 "/%" PRId64, built->steps_cached, built->steps_total)
            : xstrdup("");

    printf("%-14s  %-11s  %-22s  %-9s  %-7s  %s\n", built->id, built->result, age, took,
           steps, names);
}

static void print_json(const struct cb_built *built)
{
    cb_auto_json *object = cb_builds_json(built);

    cb_print_json(object);
}

static int run_ls(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    cb_auto_value(cb_strings) ids = {0};
    cb_auto(cb_store) store = NULL;
    struct cb_builds_values *values = given;
    cb_auto_json *rows = json_array();
    int kind = cb_listing_kind(&listing, values->format, err);

    if (kind < 0 || cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_builds_list(store, &ids, err) < 0)
        return -1;
    if (kind == CB_LISTING_TABLE && !values->quiet)
        printf("%-14s  %-11s  %-22s  %-9s  %-7s  %s\n", "ID", "RESULT", "STARTED", "TOOK",
               "CACHED", "NAMES");
    cb_vec_foreach (id, &ids) {
        cb_auto_value(cb_built) built = {0};

        if (values->quiet)
            printf("%s\n", *id);
        else if (cb_builds_read(store, *id, 0, &built, NULL) < 0)
            continue; /* removed meanwhile */
        else if (kind == CB_LISTING_TEMPLATE)
            json_array_append_new(rows, cb_builds_json(&built));
        else if (kind == CB_LISTING_JSON)
            print_json(&built);
        else
            print_row(&built);
    }
    return kind == CB_LISTING_TEMPLATE && !values->quiet
               ? cb_listing_print_documents(&listing, values->format, rows, err)
               : 0;
}

const struct cb_cli_command cb_builds_ls_command = {
    .name = "builds",
    .summary = "List earlier builds",
    .usage = "builds [ls] [OPTIONS]",
    .about =
        "The newest are kept: 50 in which something ran, 50 that found everything in\n"
        "the cache. `cbuild builds show` tells what one did step by step, `builds logs`\n"
        "prints all it wrote, `builds rm` removes that.",
    .options = ls_options,
    .absent = ls_absent,
    .values_size = sizeof(struct cb_builds_values),
    .act = run_ls,
};

/* ── builds rm ── */

static const struct cb_option rm_options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Remove all that are not running"},
    {0},
};

static int remove_all(struct cb_store *store, struct cb_error **err)
{
    cb_auto_value(cb_strings) ids = {0};

    if (cb_builds_list(store, &ids, err) < 0)
        return -1;
    cb_vec_foreach (id, &ids) {
        cb_auto(cb_error) error = NULL;

        if (cb_builds_remove(store, *id, &error) == 0)
            printf("%s\n", *id);
        else if (cb_error_kind(error) != CB_ERR_DENIED &&
                 cb_error_kind(error) != CB_ERR_NOT_FOUND)
            return cb_error_move(err, &error);
    }
    return 0;
}

static int run_rm(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    const struct cb_builds_values *values = given;

    if (cb_command_check_args(&cb_builds_rm_command, args, values->all ? 0 : 1,
                              values->all ? 0 : -1, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0)
        return -1;
    if (values->all)
        return remove_all(store, err);
    cb_vec_foreach (arg, args) {
        cb_autofree char *id = NULL;

        if (cb_builds_find(store, *arg, &id, err) < 0 ||
            cb_builds_remove(store, id, err) < 0)
            return -1;
        printf("%s\n", id);
    }
    return 0;
}

const struct cb_cli_command cb_builds_rm_command = {
    .name = "builds rm",
    .summary = "Remove the logs of earlier builds",
    .usage = "builds rm [OPTIONS] BUILD...",
    .about = "Images and cache stay.",
    .options = rm_options,
    .values_size = sizeof(struct cb_builds_values),
    .max_args = -1,
    .act = run_rm,
};
