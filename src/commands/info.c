/* cbuild info: what this user has to build with on this machine, and why it is not more.
 * It tries what it tells of, and goes on where a part is missing: that is when it is
 * needed. */
#include "commands/commands.h"

#include "base/json-writer.h"
#include "base/subprocess.h"
#include "executor/facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

struct values {
    const char *format;
};

static const struct cb_option options[] = {
    {"format", 'f', CB_OPTION_TEXT, offsetof(struct values, format), "FORMAT",
     "text (default) or json"},
    {0},
};

/* A line of the answer: NOTE is why, or what to do, and may be NULL. */
struct line {
    const char *label, *key;
    char *value, *note;
};
struct answer {
    struct line *items;
    size_t count, capacity;
    int broken; /* a build would fail */
};

static void answer_clear(struct answer *answer)
{
    cb_vec_foreach (line, answer) {
        free(line->value);
        free(line->note);
    }
    cb_vec_free(answer);
}
CB_AUTO_VALUE_DEFINE(answer, answer_clear)

/* VALUE and NOTE are taken. */
static void add(struct answer *answer, const char *label, const char *key, char *value,
                char *note)
{
    struct line line = {label, key, value, note};

    cb_vec_push(answer, line);
}

static void add_failure(struct answer *answer, const char *label, const char *key,
                        const struct cb_error *error)
{
    const char *hint = cb_error_hint_text(error);

    answer->broken = 1;
    add(answer, label, key, xasprintf("none: %s", cb_error_message(error)),
        hint ? xstrdup(hint) : NULL);
}

/* ── Parts ── */

static void add_machine(struct answer *answer)
{
    struct cb_platform host = cb_platform_host();
    struct utsname name;

    add(answer, "Version", "version", xstrdup(PACKAGE_VERSION), NULL);
    add(answer, "Platform", "platform", cb_platform_text(&host), NULL);
    if (uname(&name) == 0)
        add(answer, "Kernel", "kernel", xasprintf("%s %s", name.sysname, name.release),
            NULL);
}

static void add_user(struct answer *answer, const struct cb_userns *userns,
                     const struct cb_error *refused)
{
    if (refused)
        add_failure(answer, "Mode", "mode", refused);
    else if (userns->kind == CB_USERNS_NONE)
        add(answer, "Mode", "mode", xstrdup("root"), NULL);
    else
        add(answer, "Mode", "mode", xstrdup("rootless"),
            xasprintf("in a user namespace, as uid %u", userns->uid));
}

static void add_ids(struct answer *answer, const struct cb_userns *userns,
                    const struct cb_executor_facts *facts)
{
    if (userns->kind == CB_USERNS_SINGLE)
        add(answer, "Ids", "ids", xstrdup("single"),
            xasprintf("owners are not kept: %s", userns->why));
    else
        add(answer, "Ids", "ids", xasprintf("0 to %u", facts->ids - 1), NULL);
}

static void add_store(struct answer *answer, struct cb_app *app)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_app_store(app, 1, &store, &error) < 0) {
        add_failure(answer, "Store", "store", error);
        return;
    }
    add(answer, "Store", "store", xstrdup(cb_store_root(store)), NULL);
    if (cb_store_try_driver(store, &error) < 0)
        add_failure(answer, "Driver", "driver", error);
    else
        add(answer, "Driver", "driver", xstrdup(cb_store_driver(store)),
            strncmp(cb_store_driver(store), "fuse", 4) == 0
                ? xstrdup("the kernel's overlay was not possible when the store was made")
                : NULL);
}

static void add_cgroups(struct answer *answer, const struct cb_userns *userns,
                        const struct cb_executor_facts *facts)
{
    char *version =
        facts->cgroup_version ? xasprintf("%d", facts->cgroup_version) : xstrdup("none");

    add(answer, "Cgroup version", "cgroupVersion", version, NULL);
    if (facts->controllers.len)
        add(answer, "Limits", "limits", xstrdup(facts->controllers.text), NULL);
    else if (userns->kind == CB_USERNS_NONE)
        add(answer, "Limits", "limits", xstrdup("none"), NULL);
    else
        add(answer, "Limits", "limits", xstrdup("processes"),
            xstrdup("no cgroup was delegated to this user"));
}

static void add_helper(struct answer *answer, const char *label, const char *key,
                       const char *program, const char *package)
{
    char *path = cb_subprocess_find(program);

    add(answer, label, key, path ? path : xstrdup("none"),
        path ? NULL : xasprintf("install the package %s", package));
}

static void add_seccomp(struct answer *answer, const struct cb_executor_facts *facts)
{
    answer->broken |= !facts->seccomp;
    add(answer, "Seccomp", "seccomp",
        xstrdup(facts->seccomp ? "docker's default profile" : "none"),
        facts->seccomp ? NULL : xstrdup("the kernel needs CONFIG_SECCOMP_FILTER"));
}

static void collect(struct cb_app *app, struct answer *answer)
{
    cb_auto_value(cb_executor_facts) facts = {0};
    cb_auto(cb_error) refused = NULL;

    add_machine(answer);
    cb_userns_enter(&app->userns, &refused);
    add_user(answer, &app->userns, refused);
    if (refused)
        return;
    cb_executor_facts(&facts);
    add_ids(answer, &app->userns, &facts);
    add_store(answer, app);
    add_cgroups(answer, &app->userns, &facts);
    if (app->userns.kind == CB_USERNS_NONE)
        add_helper(answer, "Network helper", "networkHelper", "netavark", "netavark");
    else
        add_helper(answer, "Network helper", "networkHelper", "pasta", "passt");
    add_seccomp(answer, &facts);
}

/* ── Printing ── */

static void print_text(const struct answer *answer)
{
    cb_vec_foreach (line, answer) {
        printf("%-16s%s", line->label, line->value);
        printf(line->note ? " (%s)\n" : "\n", line->note);
    }
}

static void print_json(const struct answer *answer)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_writer writer = {.out = &text, .indent = 2};

    cb_writer_open(&writer, NULL, '{');
    cb_vec_foreach (line, answer) {
        cb_writer_text(&writer, line->key, line->value);
        if (line->note) {
            cb_autofree char *key = xasprintf("%sNote", line->key);

            cb_writer_text(&writer, key, line->note);
        }
    }
    cb_writer_close(&writer, '}');
    printf("%s\n", cb_strbuf_text(&text));
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(answer) answer = {0};
    struct values values = {0};
    int status = cb_options_parse(&cb_info_command, argc, argv, 0, &values, &args, err);
    int json = values.format && strcmp(values.format, "json") == 0;

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_info_command, &args, 0, 0, err) < 0)
        return -1;
    if (values.format && !json && strcmp(values.format, "text") != 0)
        return cb_error_set(err, CB_ERR_USAGE, "unknown format `%s`: text or json",
                            values.format);
    collect(app, &answer);
    if (json)
        print_json(&answer);
    else
        print_text(&answer);
    return answer.broken ? 1 : 0;
}

const struct cb_cli_command cb_info_command = {
    .name = "info",
    .summary = "Show what there is to build with, and what is missing",
    .usage = "info [OPTIONS]",
    .about = "Tries what a build needs on this machine as this user: the store and its\n"
             "driver, users and groups, limits, the network's helper. Exits with 1 when\n"
             "a build could not run.",
    .options = options,
    .run = run,
    .stays_out = 1,
};
