/* cbuild builds show and explain: an earlier build step by step. */
#include "commands/builds.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct cb_builds_values, field)

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

static json_t *step_json(const struct cb_built_step *step)
{
    return json_pack(
        "{s:I,s:o,s:s,s:o,s:o,s:o,s:o,s:I,s:o}", "step", (json_int_t)step->number, "name",
        cb_json_from_text(step->name), "state", step->state, "started",
        cb_builds_time_json(step->start_s), "ended", cb_builds_time_json(step->end_s),
        "miss", cb_json_from_text(step->miss), "error", cb_json_from_text(step->error),
        "log_bytes", (json_int_t)step->log_bytes, "usage", usage_json(step));
}

static void print_field(const char *label, const char *text)
{
    cb_autofree char *clean = cb_builds_escaped(text);

    if (text && *text)
        printf("%-12s %s\n", label, clean);
}

static void print_built(const struct cb_built *built)
{
    cb_autofree char *names = cb_builds_joined(&built->names);
    cb_autofree char *took = cb_builds_duration(built->start_s, built->end_s);
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
            step->state[0] == 'c' ? xstrdup("")
                                  : cb_builds_duration(step->start_s, step->end_s);
        cb_autofree char *size =
            step->log_bytes ? cb_size_human(step->log_bytes) : xstrdup("");
        cb_autofree char *name = cb_builds_escaped(step->name);
        cb_autofree char *cpu = cpu_text(step);
        cb_autofree char *memory = memory_text(step);

        printf("%4" PRIu64 "  %-10s  %-9s  %-8s  %-12s  %-9s  %s\n", step->number,
               step->state, step_took, cpu, memory, size, name);
    }
}

static void print_json(const struct cb_built *built)
{
    cb_auto_json *object = cb_builds_json(built);
    json_t *steps = json_array();

    cb_vec_foreach (step, &built->steps)
        json_array_append_new(steps, step_json(step));
    json_object_set_new(object, "steps", steps);
    cb_print_json(object);
}

static int run_show(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    cb_auto_value(cb_built) built = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *id = NULL;
    const struct cb_builds_values *values = given;
    int json = cb_wants_json(values->format, "table", err);

    if (json < 0 || cb_builds_open(app, args, &store, &id, err) < 0 ||
        cb_builds_read(store, id, 1, &built, err) < 0)
        return -1;
    if (json)
        print_json(&built);
    else
        print_built(&built);
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
    .values_size = sizeof(struct cb_builds_values),
    .max_args = 1,
    .act = run_show,
};

/* ── explain ── */

static const struct cb_option no_options[] = {{0}};

static void explain_step(const struct cb_built_step *step)
{
    cb_autofree char *name = cb_builds_escaped(step->name);
    cb_autofree char *miss = cb_builds_escaped(step->miss);

    if (strcmp(step->state, "cached") == 0)
        printf("hit   %s\n", name);
    else if (step->miss)
        printf("miss  %s\n      %s\n", name, miss);
    else
        printf("      %s\n", name);
}

/* A Dockerfile with mistakes has no steps. */
static void explain_nothing(const struct cb_built *built)
{
    cb_auto_value(cb_strbuf) error = {0};

    if (built->error)
        cb_strbuf_add_escaped(&error, built->error, strlen(built->error), 1);
    printf("no step was begun: the build %s\n%s", built->result, cb_strbuf_text(&error));
}

static int run_explain(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    cb_auto_value(cb_built) built = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *id = NULL;

    if (cb_builds_open(app, args, &store, &id, err) < 0 ||
        cb_builds_read(store, id, 1, &built, err) < 0)
        return -1;
    cb_vec_foreach (step, &built.steps)
        explain_step(step);
    if (!built.steps.count)
        explain_nothing(&built);
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
    .values_size = sizeof(struct cb_builds_values),
    .max_args = 1,
    .act = run_explain,
};
