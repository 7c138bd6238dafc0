/* --sbom=generator=IMAGE: packages found by another program than ours, in BuildKit's
 * protocol for such images. Its command runs once for each image that is made, as a step
 * of the build like RUN: in the sandbox, cached, logged. It finds the image's files,
 * read-only, at $BUILDKIT_SCAN_SOURCE, those of stages and of the context that the
 * Dockerfile wants scanned in $BUILDKIT_SCAN_SOURCE_EXTRAS, and leaves in-toto statements
 * in $BUILDKIT_SCAN_DESTINATION. These are a stranger's: bounded, and taken for what they
 * are only if they are statements with an SPDX document. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/json.h"

#include <fcntl.h>
#include <string.h>

#define SOURCE          "/run/src/core/sbom"
#define EXTRAS          "/run/src/extras"
#define DESTINATION     "/run/out"
#define STATEMENT_BYTES (32u << 20)
#define STATEMENTS_MAX  100
#define ALL_BYTES       (64u << 20) /* many times that is taken once they are parsed */

void cb_scan_clear(struct cb_scan *scan)
{
    cb_result_unref(scan->result);
    cb_plan_free(scan->plan);
}

/* ── The step ── */

/* The generator's image as a stage of its own in the same graph. Its triggers could ask
 * for the context and for secrets, which are not for it. */
static int plan_generator(struct cb_scan *scan, const struct cb_frontend_options *target,
                          const char *generator, struct cb_graph *graph,
                          struct cb_error **err)
{
    static const struct cb_strings none;
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL, *text = NULL;
    cb_auto(cb_source) source = NULL;
    struct cb_frontend_options options = *target;

    if (cb_reference_parse(&reference, generator, err) < 0)
        return -1;
    name = cb_reference_canonical(reference);
    text = xasprintf("FROM %s\n", name);
    source = cb_source_new("generator", text, strlen(text));
    options.source = source;
    options.graph = graph;
    options.contexts = NULL;
    options.build_args = options.labels = options.no_cache_filter = &none;
    options.envs = NULL;
    options.from = options.target = options.squash_from = NULL;
    options.platform = options.build_platform;
    options.platform_given = 0;
    options.pins = NULL; /* no Dockerfile names it */
    options.no_triggers = 1;
    options.find_scans = 0;
    return cb_frontend_plan(&scan->plan, &options, err);
}

static int make_destination(struct cb_scan *scan,
                            const struct cb_frontend_options *target,
                            struct cb_graph *graph, struct cb_edge *out,
                            struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};
    const char *user = scan->plan->config->user;

    if (cb_op_mkdir(&vertex, target->env, DESTINATION, user ? user : "", err) < 0)
        return -1;
    vertex.inputs = &scan->plan->result;
    vertex.input_count = 1;
    vertex.name = "make a place for what the generator finds";
    vertex.internal = 1;
    return cb_graph_add(graph, &vertex, out, err);
}

static void fill_env(struct cb_strings *env, const struct cb_image_config *config,
                     const struct cb_strings *parameters, int has_extras)
{
    cb_strings_copy(env, &config->env);
    cb_env_set(env, "BUILDKIT_SCAN_DESTINATION", DESTINATION "/");
    cb_env_set(env, "BUILDKIT_SCAN_SOURCE", SOURCE);
    if (has_extras)
        cb_env_set(env, "BUILDKIT_SCAN_SOURCE_EXTRAS", EXTRAS);
    for (size_t i = 0; i + 1 < parameters->count; i += 2) {
        cb_autofree char *name = xasprintf("BUILDKIT_SCAN_%s", parameters->items[i]);

        cb_env_set(env, name, parameters->items[i + 1]);
    }
}

/* What the step sees, and where that comes from. */
struct view {
    CB_VEC(struct cb_exec_mount) mounts;
    CB_VEC(struct cb_edge) inputs;
    struct cb_strings targets; /* texts of mounts */
};

static void view_clear(struct view *view)
{
    cb_vec_free(&view->mounts);
    cb_vec_free(&view->inputs);
    cb_strings_free(&view->targets);
}
CB_AUTO_VALUE_DEFINE(view, view_clear)

/* TARGET is taken. */
static void show_tree(struct view *view, struct cb_edge root, char *target)
{
    struct cb_exec_mount mount = {
        .type = CB_EXEC_TMPFS, .input = -1, .target = target, .read_only = 1};

    cb_strings_take(&view->targets, target);
    if (root.vertex) {
        mount.type = CB_EXEC_BIND;
        mount.input = (int)view->inputs.count;
        cb_vec_push(&view->inputs, root);
    }
    cb_vec_push(&view->mounts, mount);
}

static void make_view(struct view *view, const struct cb_made *made,
                      struct cb_edge generator)
{
    const struct cb_exec_mount tmp = {
        .type = CB_EXEC_TMPFS, .input = -1, .target = "/tmp"};

    cb_vec_push(&view->inputs, generator);
    cb_vec_push(&view->mounts, tmp);
    show_tree(view, made->plan->result, xstrdup(SOURCE));
    cb_vec_foreach (scan, &made->plan->scans)
        show_tree(view, scan->root, xasprintf(EXTRAS "/sbom-%s", scan->name));
}

static int add_step(struct cb_made *made, const struct cb_frontend_options *target,
                    const struct cb_attest_options *attest, struct cb_graph *graph,
                    struct cb_error **err)
{
    const struct cb_image_config *config = made->scan.plan->config;
    cb_auto_value(cb_strings) argv = {0};
    cb_auto_value(cb_strings) env = {0};
    cb_auto_value(view) view = {0};
    cb_autofree char *platform = cb_platform_text(&made->platform);
    cb_autofree char *name =
        xasprintf("[%s] generating sbom using %s",
                  target->tell_platform ? platform : "sbom", attest->generator);
    struct cb_exec_options options = {
        .argv = &argv,
        .env = &env,
        .cwd = config->working_dir && *config->working_dir ? config->working_dir : "/",
        .user = config->user ? config->user : "",
        .network = target->network,
        .platform = config->platform,
    };
    struct cb_vertex_options vertex = {0};
    struct cb_edge generator = {0};

    cb_strings_copy(&argv, &config->entrypoint);
    cb_vec_foreach (word, &config->cmd)
        cb_strings_add(&argv, *word);
    if (!argv.count)
        return cb_error_set(err, CB_ERR_USAGE, "scanner %s does not have cmd",
                            attest->generator);
    fill_env(&env, config, &attest->parameters, made->plan->scans.count > 0);
    if (make_destination(&made->scan, target, graph, &generator, err) < 0)
        return -1;
    make_view(&view, made, generator);
    options.mounts = view.mounts.items;
    options.mount_count = view.mounts.count;
    if (cb_op_exec(&vertex, target->env, &options, err) < 0)
        return -1;
    vertex.inputs = view.inputs.items;
    vertex.input_count = view.inputs.count;
    vertex.name = name;
    vertex.no_cache = target->no_cache;
    return cb_graph_add(graph, &vertex, &made->scan.edge, err);
}

int cb_scan_plan(struct cb_made *made, const struct cb_frontend_options *target,
                 const struct cb_attest_options *attest, struct cb_error **err)
{
    struct cb_graph *graph = target->graph ? target->graph : made->plan->graph;

    if (!attest->sbom || !attest->generator)
        return 0;
    if (plan_generator(&made->scan, target, attest->generator, graph, err) < 0 ||
        add_step(made, target, attest, graph, err) < 0)
        return cb_error_wrap(err, "--sbom=generator=%s", attest->generator);
    return 0;
}

/* ── What it left ── */

void cb_scanned_free(struct cb_scanned *scanned)
{
    cb_vec_foreach (document, scanned) {
        free(document->name);
        json_decref(document->spdx);
    }
    cb_vec_free(scanned);
}

static int take_statement(const char *name, const struct cb_strbuf *text,
                          struct cb_scanned *out, struct cb_error **err)
{
    json_error_t error;
    /* Of a document with more values than a manifest has; its size is bounded. */
    cb_auto_json *statement = json_loadb(cb_strbuf_text(text), text->len, 0, &error);
    const char *type = json_string_value(json_object_get(statement, "predicateType"));
    json_t *predicate = json_object_get(statement, "predicate");

    if (!statement)
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: line %d, column %d: %s", name,
                            error.line, error.column, error.text);
    if (!type || strcmp(type, CB_PREDICATE_SPDX) != 0 || !json_is_object(predicate))
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "`%s` is no in-toto statement with an SPDX document", name);
    cb_vec_push(out, ((struct cb_scanned_document){.name = xstrdup(name),
                                                   .spdx = json_incref(predicate)}));
    return 0;
}

static int is_core(const char *name)
{
    return strncmp(name, "sbom.", 5) == 0;
}

/* The image's own comes first, whatever else there is. */
static int take_all(int dir_fd, const struct cb_strings *names, struct cb_scanned *out,
                    struct cb_error **err)
{
    size_t left = ALL_BYTES;

    for (int core = 1; core >= 0; core--) {
        cb_vec_foreach (name, names) {
            cb_auto_value(cb_strbuf) text = {0};
            int found;

            if (is_core(*name) != core)
                continue;
            found = cb_fs_read_in_root(dir_fd, *name, STATEMENT_BYTES, &text, err);
            if (found == 0)
                return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` leads nowhere", *name);
            if (found < 0)
                return -1;
            if (text.len > left)
                return cb_error_set(err, CB_ERR_INTEGRITY,
                                    "the generator left more than %u bytes", ALL_BYTES);
            left -= text.len;
            if (take_statement(*name, &text, out, err) < 0)
                return -1;
        }
    }
    return 0;
}

int cb_scan_read(const struct cb_made *made, struct cb_scanned *out,
                 struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir_fd = -1;
    int root_fd;

    if (cb_result_root(made->scan.result, &root_fd, err) < 0 ||
        cb_fs_open_in_root(root_fd, DESTINATION, O_RDONLY | O_DIRECTORY, 0, &dir_fd,
                           err) < 0 ||
        cb_fs_list(dir_fd, &names, err) < 0)
        return -1;
    if (!names.count)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "the generator left nothing in $BUILDKIT_SCAN_DESTINATION");
    if (names.count > STATEMENTS_MAX)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the generator left more than %d files", STATEMENTS_MAX);
    return take_all(dir_fd, &names, out, err);
}
