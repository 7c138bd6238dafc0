/* cbuild builds logs: what the steps of an earlier build wrote. */
#include "commands/builds.h"

#include "commands/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cb_option no_options[] = {{0}};

static const struct cb_absent_option absent[] = {
    {"progress", 0, "`cbuild builds show --format json` tells what steps did"},
    {0},
};

static const struct cb_harmless_option harmless[] = {
    {"progress", "plain|auto"},
    {0},
};

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

/* Bytes go out as they are to a file or pipe; a terminal gets nothing it could act on but
 * colours. */
static int write_output(void *arg, uint64_t number, int stream, const char *text,
                        struct cb_error **err)
{
    struct output *output = arg;

    (void)stream;
    if (output->many && number != output->last) {
        cb_autofree char *name = cb_builds_escaped(step_name(output->built, number));

        printf("%s#%" PRIu64 " %s\n", output->last ? "\n" : "", number, name);
    }
    output->last = number;
    if (cb_stdout_is_terminal()) {
        cb_auto_value(cb_strbuf) clean = {0};

        cb_colour_add(&clean, text, strlen(text), cb_colour_wanted(STDOUT_FILENO));
        fputs(cb_strbuf_text(&clean), stdout);
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

static int run_logs(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    cb_auto_value(cb_built) built = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *id = NULL;
    struct output output = {.built = &built};
    uint64_t number = 0;

    if (cb_builds_open(app, args, &store, &id, err) < 0 ||
        cb_builds_read(store, id, 1, &built, err) < 0 ||
        (args->count > 1 && parse_step(args->items[1], &built, &number, err) < 0))
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
    .absent = absent,
    .harmless = harmless,
    .values_size = sizeof(struct cb_builds_values),
    .max_args = 2,
    .act = run_logs,
};
