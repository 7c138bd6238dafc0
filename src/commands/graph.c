/* cbuild graph: what depends on what, in a Dockerfile or in a build that was. The plan is
 * made as `cbuild lint` makes it: no image is looked up, nothing is executed. */
#include "commands/graph.h"

#include "base/out-file.h"
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

struct values {
    struct cb_strings build_args;
    const char *build, *file, *format, *output, *target, *platform;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"build", 0, CB_OPTION_TEXT, AT(build), "BUILD",
     "Draw this build: last, ^N, or an id as `cbuild builds` shows them"},
    {"build-arg", 0, CB_OPTION_LIST, AT(build_args), "NAME[=VALUE]",
     "Set a build argument of the plan"},
    {"file", 'f', CB_OPTION_TEXT, AT(file), "FILE",
     "The Dockerfile (default PATH/Dockerfile)"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "text (default), dot (for Graphviz), html (one page) or json"},
    {"output", 'o', CB_OPTION_TEXT, AT(output), "FILE",
     "Write to a file instead of standard output"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH", "Plan for this platform"},
    {"target", 0, CB_OPTION_TEXT, AT(target), "STAGE", "Plan this stage"},
    {0},
};

/* ── The forms ── */

/* Of a terminal, whose lines are not to wrap. */
static size_t width_of(const struct values *values)
{
    struct winsize size = {0};

    if (values->output || !cb_stdout_is_terminal() ||
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

static int is_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return 0;
}

static void draw_text(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                      const struct values *values)
{
    cb_graph_text(out, graph, width_of(values), is_unicode());
}

static void draw_dot(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                     const struct values *values)
{
    (void)values;
    cb_graph_dot(out, graph);
}

static void draw_html(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                      const struct values *values)
{
    (void)values;
    cb_graph_html(out, graph);
}

static void draw_json(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                      const struct values *values)
{
    (void)values;
    cb_graph_json(out, graph);
}

struct form {
    const char *name;
    void (*draw)(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                 const struct values *values);
};
static const struct form forms[] = {
    {"text", draw_text}, {"dot", draw_dot}, {"html", draw_html}, {"json", draw_json}};

static const struct form *find_form(const char *name, struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(forms); i++)
        if (strcmp(forms[i].name, name ? name : "text") == 0)
            return &forms[i];
    cb_error_argument(err, name, "--format", "expected text, dot, html or json");
    return NULL;
}

static int write_out(const char *path, const struct cb_strbuf *text,
                     struct cb_error **err)
{
    if (path && strcmp(path, "-") != 0)
        return cb_out_file_write(path, cb_strbuf_text(text), err);
    fwrite(cb_strbuf_text(text), 1, text->len, stdout);
    return cb_flush_stdout(err);
}

/* ── A build ── */

static int load_build(struct cb_app *app, const struct values *values,
                      struct cb_drawn_graph *out, struct cb_error **err)
{
    const char *name = strcmp(values->build, "last") ? values->build : NULL;
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_built) built = {0};
    cb_autofree char *id = NULL;

    if (values->file || values->target || values->platform || values->build_args.count) {
        cb_error_set(err, CB_ERR_USAGE, "--build draws a build that was, as it was made");
        return cb_error_hint(err, "leave out --file, --target, --platform and "
                                  "--build-arg");
    }
    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_builds_find(store, name, &id, err) < 0 ||
        cb_builds_read(store, id, 1, &built, err) < 0)
        return -1;
    cb_drawn_from_build(out, &built);
    return 0;
}

/* ── A plan ── */

/* PATH: a directory, a Dockerfile, "-", or NULL. Caller frees; NULL: the default. */
static char *dockerfile_of(const struct values *values, const char *path)
{
    struct stat st;

    if (values->file)
        return xstrdup(values->file);
    if (!path || strcmp(path, "-") == 0 || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return xstrdup(path);
    for (const char *const *name = cb_dockerfile_names; *name; name++) {
        char *found = xasprintf("%s/%s", path, *name);

        if (stat(found, &st) == 0)
            return found;
        free(found);
    }
    return xasprintf("%s/%s", path, cb_dockerfile_names[0]);
}

/* PATH if it is a directory, which a build would take for its context; else NULL. */
static const char *directory_of(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

/* The last stage, unless another is wanted: a plan for checks would have all. */
static char *target_of(const struct values *values, struct cb_source *source)
{
    cb_auto(cb_dockerfile) file = NULL;

    if (values->target && *values->target)
        return xstrdup(values->target);
    if (cb_dockerfile_parse(&file, source, NULL) < 0 || !file->stage_count)
        return NULL;
    return xasprintf("%zu", (size_t)file->stage_count - 1);
}

static int load_plan(struct cb_app *app, const struct values *values, const char *path,
                     struct cb_drawn_graph *out, struct cb_error **err)
{
    struct cb_build_env env = {.cancel = app->cancel, .source_date_epoch = -1};
    cb_auto(cb_context) context = cb_context_empty();
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_plan) plan = NULL;
    cb_auto_value(cb_strings) build_args = {0};
    cb_autofree char *file = dockerfile_of(values, path);
    cb_autofree char *target = NULL;
    const struct cb_platform *platform;
    struct cb_platform buffer;
    struct cb_frontend_options frontend = {
        .env = &env,
        .context = context,
        .build_args = &build_args,
        .platform = cb_platform_host(),
        .build_platform = cb_platform_host(),
        .purpose = CB_PLAN_CHECK,
        .offline = 1,
    };

    if (cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        cb_app_dockerfile(app->cancel, file, directory_of(path), &source, err) < 0)
        return -1;
    if (platform)
        frontend.platform = *platform;
    cb_app_build_args(&values->build_args, &build_args);
    target = target_of(values, source);
    frontend.source = source;
    frontend.target = target;
    if (cb_frontend_plan(&plan, &frontend, err) < 0)
        return -1;
    if (cb_app_store(app, CB_STORE_EXISTING, &store, NULL) < 0)
        store = NULL; /* then no times are known */
    out->title = xstrdup(file && strcmp(file, "-") ? file : "Dockerfile");
    cb_drawn_from_plan(out, plan->graph, plan->result.vertex, store);
    return 0;
}

static int draw(struct cb_app *app, void *given, const struct cb_strings *args,
                struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(cb_drawn_graph) graph = {0};
    cb_auto_value(cb_strbuf) text = {0};
    const struct form *form = find_form(values->format, err);
    const char *path = args->count ? args->items[0] : NULL;

    if (!form)
        return -1;
    if (values->build && path)
        return cb_error_set(err, CB_ERR_USAGE,
                            "either --build or a path: `%s` would not be read", path);
    if ((values->build ? load_build(app, values, &graph, err)
                       : load_plan(app, values, path, &graph, err)) < 0)
        return -1;
    form->draw(&text, &graph, values);
    return write_out(values->output, &text, err);
}

const struct cb_cli_command cb_graph_command = {
    .name = "graph",
    .summary = "Draw the steps of a build and what they wait for",
    .usage = "graph [OPTIONS] [PATH]",
    .about =
        "Of the Dockerfile of PATH (default .): what a build of it would do, without\n"
        "one. With --build of a build that was: when each step ran, which came from\n"
        "the cache, and the critical path, which made the build take as long as it did.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = draw,
};
