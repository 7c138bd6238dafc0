/* cbuild top. */
#include "commands/containers.h"

#include "base/subprocess.h"
#include "container/journal.h"
#include "executor/usage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct cb_option no_options[] = {{0}};

#define PS_MAX_BYTES (16u << 20)

static int run_ps(const struct cb_strings *args, struct cb_app *app,
                  struct cb_strbuf *out, struct cb_error **err)
{
    cb_autofree const char **argv = xcalloc(args->count + 2, sizeof(*argv));
    cb_auto_value(cb_strbuf) errors = {0};
    struct cb_subprocess_options options = {.argv = argv,
                                            .cwd_fd = -1,
                                            .inherit_fd = -1,
                                            .max_output = PS_MAX_BYTES,
                                            .cancel = app->cancel};
    int exit_code;

    argv[0] = "ps";
    for (size_t i = 1; i < args->count; i++)
        argv[i] = args->items[i];
    if (args->count == 1)
        argv[1] = "-ef";
    if (cb_subprocess_run(&options, out, &errors, &exit_code, err) < 0) {
        if (cb_error_kind(*err) == CB_ERR_NOT_FOUND)
            cb_error_hint(err, "`top` shows what the host's ps tells: install procps");
        return -1;
    }
    if (exit_code == 0)
        return 0;
    /* the rest is how to use it */
    return cb_error_set(err, CB_ERR_USAGE, "ps: %.*s",
                        (int)strcspn(cb_strbuf_text(&errors), "\n"),
                        cb_strbuf_text(&errors));
}

/* The words of LINE; what is beyond the last of COUNT columns is that one's. */
static size_t split(char *line, char **words, size_t count)
{
    size_t found = 0;

    while (found < count) {
        line += strspn(line, " ");
        if (!*line)
            break;
        words[found++] = line;
        if (found == count)
            break;
        line += strcspn(line, " ");
        if (*line)
            *line++ = '\0';
    }
    return found;
}

#define COLUMNS_MAX 64

static void print_row(char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cb_auto_value(cb_strbuf) clean = {0};

        cb_strbuf_add_escaped(&clean, words[i], strlen(words[i]), 0);
        printf("%-*s", i + 1 < count ? 20 : 0, cb_strbuf_text(&clean));
        if (i + 1 < count && clean.len >= 20)
            fputs("   ", stdout);
    }
    putchar('\n');
}

static int is_listed(const struct cb_pids *pids, const char *word)
{
    pid_t pid = (pid_t)strtol(word, NULL, 10);

    cb_vec_foreach (listed, pids) {
        if (*listed == pid)
            return 1;
    }
    return 0;
}

static int print_processes(char *text, const struct cb_pids *pids, struct cb_error **err)
{
    char *words[COLUMNS_MAX], *rest = NULL, *line = strtok_r(text, "\n", &rest);
    size_t columns = line ? split(line, words, COLUMNS_MAX) : 0, pid = 0;

    while (pid < columns && strcmp(words[pid], "PID") != 0)
        pid++;
    if (pid == columns) {
        cb_error_set(err, CB_ERR_USAGE, "Couldn't find PID field in ps output");
        return cb_error_hint(err, "let ps print it: -o pid,comm");
    }
    print_row(words, columns);
    while ((line = strtok_r(NULL, "\n", &rest))) {
        size_t count = split(line, words, columns);

        if (count > pid && is_listed(pids, words[pid]))
            print_row(words, count);
    }
    return 0;
}

static int run_top(struct cb_app *app, void *values, const struct cb_strings *args,
                   struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    cb_auto_value(cb_pids) pids = {0};
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_app_container(app, args->items[0], &store, &container, err) < 0)
        return -1;
    if (!cb_container_is_running(container) || !container->state.pid)
        return cb_error_set(err, CB_ERR_EXISTS, "Container %s is not running",
                            container->id);
    if (run_ps(args, app, &text, err) < 0)
        return -1;
    cb_process_list(container->state.pid, &pids);
    cb_container_tell(store, container, "top", NULL, NULL);
    return text.len ? print_processes(text.text, &pids, err) : 0;
}

const struct cb_cli_command cb_top_command = {
    .name = "top",
    .summary = "Show a container's processes",
    .usage = "top CONTAINER [PS_OPTION...]",
    .about = "The host's ps(1) tells of them; without options it gets -ef.",
    .options = no_options,
    .min_args = 1,
    .max_args = -1,
    .takes_program = 1,
    .act = run_top,
};
