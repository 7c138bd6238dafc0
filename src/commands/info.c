/* cbuild info: what this user has to build with on this machine, and why it is not more.
 * It tries what it tells of, and goes on where a part is missing: that is when it is
 * needed. */
#include "commands/info.h"

#include "base/json.h"
#include "base/subprocess.h"
#include "commands/listing.h"
#include "executor/facts.h"
#include "network/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

struct values {
    const char *format;
};

static const struct cb_option options[] = {
    {"format", 'f', CB_OPTION_TEXT, offsetof(struct values, format), "FORMAT",
     "text (default), json, or a Go template: {{.Driver}}"},
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

/* Why it is not the first choice; NULL when it is. */
static char *driver_note(const char *driver)
{
    if (strncmp(driver, "fuse", 4) == 0)
        return xstrdup("the kernel's overlay was not possible when the store was made");
    if (strncmp(driver, "copy", 4) == 0)
        return xstrdup("neither the kernel's overlay nor fuse-overlayfs was possible "
                       "when the store was made: each step copies its files");
    return NULL;
}

/* Layers have files of many owners, which takes CAP_CHOWN. */
static int try_owners(const struct cb_scratch *scratch, struct cb_error **err)
{
    cb_autofd int fd = openat(cb_scratch_fd(scratch), "owned",
                              O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return cb_error_errno(err, errno, "create a file");
    if (fchown(fd, 1, 1) == 0)
        return 0;
    cb_error_errno(err, errno, "give a file to another user");
    return cb_error_hint(err, "the files of images have owners: that takes CAP_CHOWN");
}

static int make_root(const struct cb_scratch *scratch, int *fd, struct cb_error **err)
{
    if (mkdirat(cb_scratch_fd(scratch), "root", 0755) < 0)
        return cb_error_errno(err, errno, "mkdir `root`");
    *fd = openat(cb_scratch_fd(scratch), "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? cb_error_errno(err, errno, "open `root`") : 0;
}

/* All that happens before the command of a step is executed. */
static void add_sandbox(struct answer *answer, struct cb_store *store,
                        struct cb_launcher *launcher)
{
    cb_auto(cb_scratch) scratch = NULL;
    cb_auto(cb_error) error = NULL;
    cb_autofd int root = -1;

    if (cb_store_scratch(store, &scratch, &error) < 0 ||
        make_root(scratch, &root, &error) < 0 ||
        cb_executor_try(launcher, root, &error) < 0 || try_owners(scratch, &error) < 0)
        add_failure(answer, "Sandbox", "sandbox", error);
    else
        add(answer, "Sandbox", "sandbox", xstrdup("works"), NULL);
}

static void add_store(struct answer *answer, struct cb_app *app,
                      struct cb_launcher *launcher)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_app_store(app, CB_STORE_CREATE, &store, &error) < 0) {
        add_failure(answer, "Store", "store", error);
        return;
    }
    add(answer, "Store", "store", xstrdup(cb_store_root(store)), NULL);
    if (cb_store_try_driver(store, &error) < 0)
        add_failure(answer, "Driver", "driver", error);
    else
        add(answer, "Driver", "driver", xstrdup(cb_store_driver(store)),
            driver_note(cb_store_driver(store)));
    add_sandbox(answer, store, launcher);
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

/* Without one a build works, as far as it asks for nothing from outside. */
static void add_network(struct answer *answer)
{
    cb_auto(cb_error) why_not = NULL;
    const char *helper = cb_network_helper(&why_not);
    cb_autofree char *path = helper ? cb_subprocess_find(helper) : NULL;
    const char *hint = why_not ? cb_error_hint_text(why_not) : NULL;

    add(answer, "Network helper", "networkHelper", xstrdup(path ? path : "none"),
        why_not ? xasprintf("%s%s%s", cb_error_message(why_not), hint ? "; " : "",
                            hint ? hint : "")
                : NULL);
}

static void add_seccomp(struct answer *answer, const struct cb_executor_facts *facts)
{
    answer->broken |= !facts->seccomp;
    add(answer, "Seccomp", "seccomp",
        xstrdup(facts->seccomp ? "docker's default profile" : "none"),
        facts->seccomp ? NULL : xstrdup("the kernel needs CONFIG_SECCOMP_FILTER"));
}

/* ── Configuration ── */

/* "docker.io: http://mirror:5000, blocked". Caller frees. */
static char *rule_text(const struct cb_registry_rule *rule)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *gap = ": ";

    cb_strbuf_adds(&text, rule->prefix);
    for (size_t i = 0; i < rule->mirrors.count; i++, gap = ", ")
        cb_strbuf_addf(&text, "%s%s", gap, rule->mirrors.items[i]);
    if (rule->rewrite) {
        cb_strbuf_addf(&text, "%sis %s", gap, rule->rewrite);
        gap = ", ";
    }
    if (rule->insecure) {
        cb_strbuf_addf(&text, "%sinsecure", gap);
        gap = ", ";
    }
    if (rule->blocked)
        cb_strbuf_addf(&text, "%sblocked", gap);
    return cb_strbuf_steal(&text);
}

static char *joined(const struct cb_strings *strings)
{
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < strings->count; i++)
        cb_strbuf_addf(&text, i ? ", %s" : "%s", strings->items[i]);
    return cb_strbuf_steal(&text);
}

/* Without user and password, wherever a `/` or `#` in them would end a URL's host. Caller
 * frees. */
static char *proxy_shown(const char *value)
{
    const char *at = strrchr(value, '@');
    const char *scheme = strstr(value, "://");

    if (!at)
        return xstrdup(value);
    if (!scheme || scheme > at)
        return xasprintf("xxxxx@%s", at + 1);
    return xasprintf("%.*s://xxxxx@%s", (int)(scheme - value), value, at + 1);
}

/* The environment's, else the configuration's; without its password. */
static void add_proxy(struct answer *answer, const char *label, const char *key,
                      const char *const names[2], const char *configured)
{
    const char *value = NULL, *from = NULL;

    for (int i = 0; i < 2 && !(value && *value); i++) {
        value = getenv(names[i]);
        from = names[i];
    }
    if (!value || !*value) {
        value = configured;
        from = "the configuration";
    }
    if (value)
        add(answer, label, key, proxy_shown(value), xasprintf("from %s", from));
}

static void add_settings(struct answer *answer, struct cb_app *app)
{
    static const char *const http[] = {"HTTP_PROXY", "http_proxy"};
    static const char *const https[] = {"HTTPS_PROXY", "https_proxy"};
    static const char *const none[] = {"NO_PROXY", "no_proxy"};
    cb_auto(cb_error) error = NULL;
    const struct cb_settings *settings;
    cb_autofree char *unused = NULL;

    if (cb_app_settings(app, &settings, &error) < 0) {
        add_failure(answer, "Configuration", "configuration", error);
        return;
    }
    unused = joined(&settings->unused);
    add(answer, "Configuration", "configuration",
        settings->files.count ? joined(&settings->files) : xstrdup("none"),
        *unused ? xasprintf("without effect: %s", unused) : NULL);
    cb_vec_foreach (key, &settings->unused) {
        const char *why = cb_settings_idle_key(*key);

        if (why)
            add(answer, "Without Effect", *key, xstrdup(*key), xstrdup(why));
    }
    cb_vec_foreach (rule, &settings->registry.rules)
        add(answer, "Registry", rule->prefix, rule_text(rule), NULL);
    if (settings->registry.insecure.count)
        add(answer, "Insecure", "insecureRegistries",
            joined(&settings->registry.insecure), NULL);
    add_proxy(answer, "HTTP Proxy", "httpProxy", http, settings->registry.http_proxy);
    add_proxy(answer, "HTTPS Proxy", "httpsProxy", https, settings->registry.https_proxy);
    add_proxy(answer, "No Proxy", "noProxy", none, settings->registry.no_proxy);
}

static void collect(struct cb_app *app, struct answer *answer)
{
    cb_auto_value(cb_executor_facts) facts = {0};
    cb_auto(cb_launcher) launcher = NULL;
    cb_auto(cb_error) refused = NULL;

    add_machine(answer);
    cb_userns_enter(&app->userns, &refused);
    add_user(answer, &app->userns, refused);
    if (refused)
        return;
    cb_executor_facts(&facts);
    add_ids(answer, &app->userns, &facts);
    if (cb_launcher_start(&launcher, &refused) < 0) {
        add_failure(answer, "Sandbox", "sandbox", refused);
        return;
    }
    add_store(answer, app, launcher);
    add_cgroups(answer, &app->userns, &facts);
    add_network(answer);
    add_seccomp(answer, &facts);
    add_settings(answer, app);
}

/* ── Printing ── */

static void print_text(const struct answer *answer)
{
    cb_vec_foreach (line, answer) {
        printf("%-16s%s", line->label, line->value);
        printf(line->note ? " (%s)\n" : "\n", line->note);
    }
}

static json_t *as_json(const struct answer *answer)
{
    json_t *object = json_object();

    cb_vec_foreach (line, answer) {
        cb_autofree char *key = xasprintf("%sNote", line->key);

        json_object_set_new(object, line->key, json_string(line->value));
        if (line->note)
            json_object_set_new(object, key, json_string(line->note));
    }
    return object;
}

static int print(const struct answer *answer, const char *format, struct cb_app *app,
                 struct cb_error **err)
{
    cb_auto_json *object = NULL;
    cb_auto_json *documents = NULL;

    object = as_json(answer);
    cb_info_add_docker(object, app);
    if (!format || !*format || strcmp(format, "text") == 0) {
        print_text(answer);
        cb_info_print_docker(object);
        return 0;
    }
    if (strcmp(format, "json") == 0) {
        cb_print_json(object);
        return 0;
    }
    documents = json_pack("[O]", object);
    return cb_inspect_print(format, documents, err);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto_value(answer) answer = {0};
    struct values *values = given;

    collect(app, &answer);
    if (print(&answer, values->format, app, err) < 0)
        return -1;
    return answer.broken ? 1 : 0;
}

const struct cb_cli_command cb_info_command = {
    .name = "info",
    .summary = "Show what there is to build with, and what is missing",
    .usage = "info [OPTIONS]",
    .about = "Tries what a build needs on this machine as this user: the store and its\n"
             "driver, users and groups, a sandbox, limits, what makes networks. Exits\n"
             "with 1 when a build could not run.",
    .options = options,
    .values_size = sizeof(struct values),
    .act = run,
    .stays_out = 1,
};
