/* cbuild builds ls, show, logs and rm, and cbuild explain: what earlier builds did, from
 * the logs the engine keeps. */
#include "commands/commands.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ── Shared ── */

struct values {
    const char *format;
    int quiet, all;
};

#define AT(field) offsetof(struct values, field)

static int wants_json(const struct values *values, int *json, struct cb_error **err)
{
    const char *format = values->format ? values->format : "table";

    *json = strcmp(format, "json") == 0;
    if (*json || strcmp(format, "table") == 0)
        return 0;
    return cb_error_set(
        err, CB_ERR_USAGE,
        "invalid argument \"%s\" for \"--format\": expected table or json", format);
}

/* Parses argv, opens the store, and finds the build the first argument names. 1: done. */
static int begin(struct cb_app *app, const struct cb_cli_command *command, int argc,
                 char **argv, int max, struct values *values, struct cb_strings *args,
                 struct cb_store **store, char **id, struct cb_error **err)
{
    int status = cb_options_parse(command, argc, argv, 0, values, args, err);

    if (status)
        return status;
    if (cb_app_arguments(command, args, 0, max, err) < 0 ||
        cb_app_store(app, 0, store, err) < 0)
        return -1;
    return cb_builds_find(*store, args->count ? args->items[0] : NULL, id, err);
}

static char *escaped(const char *text)
{
    struct cb_strbuf out = {0};

    cb_strbuf_add_escaped(&out, text ? text : "", text ? strlen(text) : 0, 1);
    return cb_strbuf_steal(&out);
}

static char *joined(const struct cb_strings *names)
{
    struct cb_strbuf out = {0};

    for (size_t i = 0; i < names->count; i++) {
        cb_strbuf_adds(&out, i ? "," : "");
        cb_strbuf_add_escaped(&out, names->items[i], strlen(names->items[i]), 0);
    }
    return cb_strbuf_steal(&out);
}

/* "1.2s", "" when one end is not known. */
static char *duration(double start_s, double end_s)
{
    if (start_s <= 0 || end_s < start_s)
        return xstrdup("");
    return xasprintf("%.1fs", end_s - start_s);
}

static char *ago(double start_s)
{
    cb_autofree char *age = NULL;

    if (start_s <= 0)
        return xstrdup("");
    age = cb_duration_human((int64_t)((double)time(NULL) - start_s));
    return xasprintf("%s ago", age);
}

static json_t *text_json(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;

    return value ? value : json_null();
}

static json_t *time_json(double seconds)
{
    struct timespec time = {(time_t)seconds,
                            (long)((seconds - (double)(time_t)seconds) * 1000) * 1000000};
    char text[CB_TIMESTAMP_MAX];

    return seconds > 0 ? json_string(cb_timestamp_format(time, text)) : json_null();
}

static json_t *built_json(const struct cb_built *built)
{
    json_t *names = json_array();

    for (size_t i = 0; i < built->names.count; i++)
        json_array_append_new(names, text_json(built->names.items[i]));
    return json_pack(
        "{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I}", "id", built->id,
        "result", built->result, "started", time_json(built->start_s), "ended",
        time_json(built->end_s), "names", names, "context", text_json(built->context),
        "dockerfile", text_json(built->dockerfile), "target", text_json(built->target),
        "platform", text_json(built->platform), "image", text_json(built->image), "error",
        text_json(built->error), "total", (json_int_t)built->steps_total, "cached",
        (json_int_t)built->steps_cached, "executed", (json_int_t)built->steps_executed,
        "bytes", (json_int_t)built->bytes);
}

static void print_json(json_t *value)
{
    cb_autofree char *text = cb_json_dump(value);

    printf("%s\n", text);
    json_decref(value);
}

/* ── builds ls ── */

static const struct cb_option ls_options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table (the default), or json: an object on each line"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {0},
};

static void print_row(const struct cb_built *built)
{
    cb_autofree char *names = joined(&built->names);
    cb_autofree char *age = ago(built->start_s);
    cb_autofree char *took = duration(built->start_s, built->end_s);
    cb_autofree char *steps =
        built->end_s > 0
            ? xasprintf("%" PRId64 "/%" PRId64, built->steps_cached, built->steps_total)
            : xstrdup("");

    printf("%-14s  %-11s  %-22s  %-9s  %-7s  %s\n", built->id, built->result, age, took,
           steps, names);
}

static int run_ls(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_strings) ids = {0};
    cb_auto(cb_store) store = NULL;
    struct values values = {0};
    int json;
    int status =
        cb_options_parse(&cb_builds_ls_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_builds_ls_command, &args, 0, 0, err) < 0 ||
        wants_json(&values, &json, err) < 0 || cb_app_store(app, 0, &store, err) < 0 ||
        cb_builds_list(store, &ids, err) < 0)
        return -1;
    if (!json && !values.quiet)
        printf("%-14s  %-11s  %-22s  %-9s  %-7s  %s\n", "ID", "RESULT", "STARTED", "TOOK",
               "CACHED", "NAMES");
    cb_vec_foreach (id, &ids) {
        cb_auto_value(cb_built) built = {0};

        if (values.quiet)
            printf("%s\n", *id);
        else if (cb_builds_read(store, *id, 0, &built, NULL) < 0)
            continue; /* removed meanwhile */
        else if (json)
            print_json(built_json(&built));
        else
            print_row(&built);
    }
    return 0;
}

const struct cb_cli_command cb_builds_ls_command = {
    .name = "builds",
    .summary = "List earlier builds; also show, logs and rm",
    .usage = "builds [ls] [OPTIONS]",
    .about =
        "The newest are kept: 50 in which something ran, 50 that found everything in\n"
        "the cache. `cbuild builds show` tells what one did step by step, `builds logs`\n"
        "prints all it wrote, `builds rm` removes that.",
    .options = ls_options,
    .run = run_ls,
};

/* ── builds show ── */

static const struct cb_option show_options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT", "table (the default) or json"},
    {0},
};

static json_t *usage_json(const struct cb_built_step *step)
{
    const struct cb_step_usage *usage = &step->usage;

    if (!step->has_usage)
        return json_null();
    return json_pack("{s:I,s:f,s:I,s:I,s:b}", "peak_memory",
                     (json_int_t)usage->peak_memory_bytes, "cpu_seconds",
                     (double)usage->cpu_ns / 1e9, "read_bytes",
                     (json_int_t)usage->read_bytes, "written_bytes",
                     (json_int_t)usage->written_bytes, "oom_killed", usage->oom_killed);
}

static json_t *step_json(const struct cb_built_step *step)
{
    return json_pack("{s:I,s:o,s:s,s:o,s:o,s:o,s:o,s:I,s:o}", "step",
                     (json_int_t)step->number, "name", text_json(step->name), "state",
                     step->state, "started", time_json(step->start_s), "ended",
                     time_json(step->end_s), "miss", text_json(step->miss), "error",
                     text_json(step->error), "log_bytes", (json_int_t)step->log_bytes,
                     "usage", usage_json(step));
}

/* "cpu", "memory": "" when no process ran. */
static char *cpu_text(const struct cb_built_step *step)
{
    return step->has_usage ? xasprintf("%.1fs", (double)step->usage.cpu_ns / 1e9)
                           : xstrdup("");
}

static char *memory_text(const struct cb_built_step *step)
{
    cb_autofree char *size = cb_size_human(step->usage.peak_memory_bytes);

    if (!step->has_usage)
        return xstrdup("");
    return xasprintf("%s%s", size, step->usage.oom_killed ? " OOM" : "");
}

static void print_field(const char *label, const char *text)
{
    cb_autofree char *clean = escaped(text);

    if (text && *text)
        printf("%-12s %s\n", label, clean);
}

static void print_built(const struct cb_built *built)
{
    cb_autofree char *names = joined(&built->names);
    cb_autofree char *took = duration(built->start_s, built->end_s);
    struct timespec start = {.tv_sec = (time_t)built->start_s};
    char text[CB_TIMESTAMP_MAX];

    print_field("Build:", built->id);
    print_field("Result:", built->result);
    print_field("Started:", cb_timestamp_format(start, text));
    print_field("Took:", took);
    print_field("Context:", built->context);
    print_field("Dockerfile:", built->dockerfile);
    print_field("Target:", built->target);
    print_field("Platform:", built->platform);
    print_field("Names:", names);
    print_field("Image:", built->image);
    print_field("Error:", built->error);
    printf("\n%4s  %-10s  %-9s  %-8s  %-12s  %-9s  %s\n", "STEP", "STATE", "TOOK", "CPU",
           "MEMORY", "LOG", "NAME");
    cb_vec_foreach (step, &built->steps) {
        cb_autofree char *step_took =
            step->state[0] == 'c' ? xstrdup("") : duration(step->start_s, step->end_s);
        cb_autofree char *size =
            step->log_bytes ? cb_size_human(step->log_bytes) : xstrdup("");
        cb_autofree char *name = escaped(step->name);
        cb_autofree char *cpu = cpu_text(step);
        cb_autofree char *memory = memory_text(step);

        printf("%4" PRIu64 "  %-10s  %-9s  %-8s  %-12s  %-9s  %s\n", step->number,
               step->state, step_took, cpu, memory, size, name);
    }
}

static int run_show(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_built) built = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *id = NULL;
    struct values values = {0};
    int json;
    int status = begin(app, &cb_builds_show_command, argc, argv, 1, &values, &args,
                       &store, &id, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (wants_json(&values, &json, err) < 0 ||
        cb_builds_read(store, id, 1, &built, err) < 0)
        return -1;
    if (json) {
        json_t *object = built_json(&built), *steps = json_array();

        cb_vec_foreach (step, &built.steps)
            json_array_append_new(steps, step_json(step));
        json_object_set_new(object, "steps", steps);
        print_json(object);
    } else {
        print_built(&built);
    }
    return 0;
}

const struct cb_cli_command cb_builds_show_command = {
    .name = "builds show",
    .summary = "Show what an earlier build did, step by step",
    .usage = "builds show [OPTIONS] [BUILD]",
    .about =
        "BUILD is an id, how one ends, or ^N for the Nth before the newest, which is\n"
        "shown when none is named.",
    .options = show_options,
    .run = run_show,
};

/* ── builds logs ── */

static const struct cb_option no_options[] = {{0}};

struct output {
    uint64_t last; /* step that was written last */
    int many;      /* of several steps: each is announced */
    const struct cb_built *built;
};

static const char *step_name(const struct cb_built *built, uint64_t number)
{
    cb_vec_foreach (step, &built->steps)
        if (step->number == number)
            return step->name;
    return NULL;
}

/* Bytes go out as they are to a file or pipe; a terminal gets nothing it could act on. */
static int write_output(void *arg, uint64_t number, int stream, const char *text,
                        struct cb_error **err)
{
    struct output *output = arg;

    (void)stream;
    if (output->many && number != output->last) {
        cb_autofree char *name = escaped(step_name(output->built, number));

        printf("%s#%" PRIu64 " %s\n", output->last ? "\n" : "", number, name);
    }
    output->last = number;
    if (cb_stdout_is_terminal()) {
        cb_autofree char *clean = escaped(text);

        fputs(clean, stdout);
    } else {
        fputs(text, stdout);
    }
    return ferror(stdout) ? cb_flush_stdout(err) : 0;
}

static int parse_step(const char *text, const struct cb_built *built, uint64_t *number,
                      struct cb_error **err)
{
    char *end;

    text += *text == '#';
    *number = strtoull(text, &end, 10);
    if (!*end && *number && step_name(built, *number))
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "build %s has no step %s", built->id, text);
    return cb_error_hint(err, "`cbuild builds show %s` lists its steps", built->id);
}

static int run_logs(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_built) built = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *id = NULL;
    struct values values = {0};
    struct output output = {.built = &built};
    uint64_t number = 0;
    int status = begin(app, &cb_builds_logs_command, argc, argv, 2, &values, &args,
                       &store, &id, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_builds_read(store, id, 1, &built, err) < 0 ||
        (args.count > 1 && parse_step(args.items[1], &built, &number, err) < 0))
        return -1;
    output.many = !number;
    return cb_builds_log(store, id, number, write_output, &output, err);
}

const struct cb_cli_command cb_builds_logs_command = {
    .name = "builds logs",
    .summary = "Print all that the steps of an earlier build wrote",
    .usage = "builds logs [BUILD [STEP]]",
    .about =
        "STEP is the number that `cbuild builds show` and plain progress give it. All\n"
        "output is kept and printed whole.",
    .options = no_options,
    .run = run_logs,
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

static int run_rm(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    struct values values = {0};
    int status =
        cb_options_parse(&cb_builds_rm_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_builds_rm_command, &args, values.all ? 0 : 1,
                         values.all ? 0 : -1, err) < 0 ||
        cb_app_store(app, 0, &store, err) < 0)
        return -1;
    if (values.all)
        return remove_all(store, err);
    cb_vec_foreach (arg, &args) {
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
    .run = run_rm,
};

/* ── explain ── */

static void explain_step(const struct cb_built_step *step)
{
    cb_autofree char *name = escaped(step->name);
    cb_autofree char *miss = escaped(step->miss);

    if (strcmp(step->state, "cached") == 0)
        printf("hit   %s\n", name);
    else if (step->miss)
        printf("miss  %s\n      %s\n", name, miss);
    else
        printf("      %s\n", name);
}

static int run_explain(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_built) built = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *id = NULL;
    struct values values = {0};
    int status =
        begin(app, &cb_explain_command, argc, argv, 1, &values, &args, &store, &id, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_builds_read(store, id, 1, &built, err) < 0)
        return -1;
    cb_vec_foreach (step, &built.steps)
        explain_step(step);
    return 0;
}

const struct cb_cli_command cb_explain_command = {
    .name = "explain",
    .summary = "Say for each step of a build why it ran or did not",
    .usage = "explain [BUILD]",
    .about =
        "For a miss the first part of its key that differs from the step's last result\n"
        "is named: an argument, the file that COPY takes, the base image. BUILD is\n"
        "named as for `cbuild builds show`.",
    .options = no_options,
    .run = run_explain,
};
