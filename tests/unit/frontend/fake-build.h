/* What the frontend calls, faked: ops that only write down what they were asked to do,
 * and a registry whose images are JSON files of the case. The real ones are not linked,
 * because these definitions come first. */
#ifndef FAKE_BUILD_H
#define FAKE_BUILD_H

#include "base/fs.h"
#include "context/remote.h"
#include "frontend/frontend.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct fake_op { /* the class's name is the description */
    struct cb_op_class class;
    char *text;
};

static CB_VEC(struct fake_op *) fake_ops;
static CB_VEC(char *) fake_resolved;
static char fake_case_dir[PATH_MAX];
static struct cb_strbuf fake_warnings;
static struct cb_strings fake_exec_env; /* of the last RUN */

static inline int fake_op(struct cb_vertex_options *out, struct cb_strbuf *text)
{
    struct fake_op *op = xcalloc(1, sizeof(*op));

    op->text = cb_strbuf_steal(text);
    op->class.name = op->text;
    cb_vec_push(&fake_ops, op);
    out->op = &op->class;
    out->definition = cb_digest_of(op->text, strlen(op->text));
    return 0;
}

static inline void fake_list(struct cb_strbuf *out, const char *name,
                             const struct cb_strings *list)
{
    cb_strbuf_addf(out, "\n    %s", name);
    for (size_t i = 0; list && i < list->count; i++) {
        cb_strbuf_addc(out, ' ');
        cb_strbuf_add_json(out, list->items[i]);
    }
}

/* ── Ops ── */

int cb_op_scratch(struct cb_vertex_options *out, struct cb_build_env *env,
                  struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "scratch");
    return fake_op(out, &text);
}

void cb_op_unknown_image(struct cb_vertex_options *out, struct cb_build_env *env,
                         const char *name)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "unknown image %s", name);
    fake_op(out, &text);
}

int cb_op_image(struct cb_vertex_options *out, struct cb_build_env *env,
                const struct cb_resolved_image *image, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *name = cb_reference_canonical(image->reference);

    cb_strbuf_addf(&text, "image %s", name);
    return fake_op(out, &text);
}

int cb_op_context(struct cb_vertex_options *out, struct cb_build_env *env,
                  struct cb_context *context, const char *name, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "context %s", name);
    return fake_op(out, &text);
}

int cb_op_url(struct cb_vertex_options *out, struct cb_build_env *env, const char *url,
              const char *name, const char *checksum, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "url %s name=%s", url, name);
    if (checksum)
        cb_strbuf_addf(&text, " checksum=%s", checksum);
    return fake_op(out, &text);
}

int cb_op_git(struct cb_vertex_options *out, struct cb_build_env *env,
              struct cb_git_ref *ref, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "git %s ref=\"%s\" subdir=\"%s\" keep=%d", ref->remote,
                   ref->ref, ref->subdir, ref->keep_git_dir > 0);
    if (ref->checksum)
        cb_strbuf_addf(&text, " checksum=%s", ref->checksum);
    return fake_op(out, &text);
}

static inline void fake_mount(struct cb_strbuf *out, const struct cb_exec_mount *mount)
{
    static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};

    cb_strbuf_addf(out, "\n    mount %s", types[mount->type]);
    if (mount->target)
        cb_strbuf_addf(out, " target=%s", mount->target);
    if (mount->input >= 0)
        cb_strbuf_addf(out, " input=%d source=%s", mount->input, mount->source);
    if (mount->id)
        cb_strbuf_addf(out, " id=%s", mount->id);
    if (mount->env)
        cb_strbuf_addf(out, " env=%s", mount->env);
    cb_strbuf_addf(out, " mode=%04o uid=%u gid=%u", mount->mode, mount->uid, mount->gid);
    if (mount->type == CB_EXEC_CACHE)
        cb_strbuf_addf(out, " sharing=%d", mount->sharing);
    if (mount->size_bytes)
        cb_strbuf_addf(out, " size=%llu", (unsigned long long)mount->size_bytes);
    cb_strbuf_adds(out, mount->read_only ? " ro" : " rw");
    if (mount->required)
        cb_strbuf_adds(out, " required");
}

int cb_op_exec(struct cb_vertex_options *out, struct cb_build_env *env,
               const struct cb_exec_options *options, struct cb_error **err)
{
    static const char *const networks[] = {"default", "none", "host"};
    cb_auto_value(cb_strbuf) text = {0};

    cb_strings_free(&fake_exec_env);
    cb_strings_copy(&fake_exec_env, options->env);
    cb_strbuf_adds(&text, "exec");
    fake_list(&text, "argv", options->argv);
    fake_list(&text, "env", options->env);
    if (options->quiet_env->count)
        fake_list(&text, "quiet", options->quiet_env);
    cb_strbuf_addf(&text, "\n    cwd %s user \"%s\" network %s%s", options->cwd,
                   options->user, networks[options->network],
                   options->security == CB_SECURITY_INSECURE ? " insecure" : "");
    for (size_t i = 0; i < options->mount_count; i++)
        fake_mount(&text, &options->mounts[i]);
    if (options->pipe_name) {
        cb_autofree char *content = xstrndup(options->pipe_content, options->pipe_len);

        cb_strbuf_addf(&text, "\n    pipe %s ", options->pipe_name);
        cb_strbuf_add_json(&text, content);
    }
    cb_strbuf_adds(&text, "\n   ");
    return fake_op(out, &text);
}

static inline void fake_source(struct cb_strbuf *out, const struct cb_copy_source *source)
{
    cb_autofree char *content = NULL;

    if (source->input >= 0) {
        cb_strbuf_addf(out, "\n    source input=%d %s%s", source->input, source->path,
                       source->unpack ? " unpack" : "");
        return;
    }
    content = xstrndup(source->content, source->content_len);
    cb_strbuf_addf(out, "\n    inline %s ", source->name);
    cb_strbuf_add_json(out, content);
}

int cb_op_copy(struct cb_vertex_options *out, struct cb_build_env *env,
               const struct cb_copy_options *options, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "copy");
    for (size_t i = 0; i < options->source_count; i++)
        fake_source(&text, &options->sources[i]);
    cb_strbuf_addf(&text, "\n    dest %s", options->dest);
    if (options->chown)
        cb_strbuf_addf(&text, " chown=%s", options->chown);
    if (options->chmod)
        cb_strbuf_addf(&text, " chmod=%s", options->chmod);
    cb_strbuf_addf(&text, "%s%s%s%s", options->unpack ? " unpack" : "",
                   options->from_stage ? " from-stage" : "", options->link ? " link" : "",
                   options->parents ? " parents" : "");
    if (options->exclude)
        fake_list(&text, "exclude", options->exclude);
    cb_strbuf_adds(&text, "\n   ");
    return fake_op(out, &text);
}

void cb_op_merge(struct cb_vertex_options *out, struct cb_build_env *env)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "merge");
    fake_op(out, &text);
}

int cb_op_mkdir(struct cb_vertex_options *out, struct cb_build_env *env, const char *path,
                const char *user, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "mkdir %s user \"%s\"", path, user ? user : "");
    return fake_op(out, &text);
}

/* ── Context ── */

const struct cb_ignore *cb_context_ignore(const struct cb_context *context)
{
    return NULL;
}

int cb_context_root_fd(const struct cb_context *context)
{
    return -1;
}

int cb_context_ignored(const struct cb_context *context, const char *path)
{
    return 0;
}

/* Nothing is asked of servers here. */
int cb_remote_time(const struct cb_remote *remote, const char *text, const char *checksum,
                   int64_t *seconds, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_NETWORK, "no server in tests");
}

/* ── Registry: <case>/images/<name with / and : as _>.json, or a plain image; names with
 * "missing" are not there ── */

void cb_resolved_image_free(struct cb_resolved_image *image)
{
    if (!image)
        return;
    cb_reference_free(image->reference);
    cb_image_config_free(image->config);
    free(image);
}

static inline int fake_config(const char *name, struct cb_image_config **out,
                              struct cb_error **err)
{
    static const char plain[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"PATH=/bin\","
        "\"BASE=yes\"],\"Cmd\":[\"sh\"]},\"created\":\"2024-01-02T03:04:05Z\",\"rootfs\":"
        "{"
        "\"type\":\"layers\",\"diff_ids\":[\"sha256:"
        "1111111111111111111111111111111111111111111111111111111111111111\"]},"
        "\"history\":[{"
        "\"created\":\"2024-01-02T03:04:05Z\",\"created_by\":\"base\"}]}";
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *file = xstrdup(name);
    char path[PATH_MAX + 300];

    for (char *c = file; *c; c++) {
        if (*c == '/' || *c == ':')
            *c = '_';
    }
    snprintf(path, sizeof(path), "%s/images/%s.json", fake_case_dir, file);
    if (cb_fs_read_file(AT_FDCWD, path, 1 << 20, &text, NULL) < 0)
        cb_strbuf_adds(&text, plain);
    return cb_image_config_parse(out, text.text, text.len, err);
}

int cb_registry_resolve(struct cb_registry *registry, const char *name,
                        const struct cb_platform *platform, enum cb_pull_policy policy,
                        struct cb_resolved_image **out, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = xcalloc(1, sizeof(*image));
    char *copy = xstrdup(name);

    if (policy != CB_PULL_NEVER)
        cb_vec_push(&fake_resolved, copy);
    else
        free(copy);
    if (strstr(name, "missing") || strstr(name, "bulder"))
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "pull access denied for %s, repository does not exist", name);
    if (cb_reference_parse(&image->reference, name, err) < 0 ||
        fake_config(name, &image->config, err) < 0)
        return -1;
    cb_reference_default_tag(image->reference);
    *out = cb_steal(&image);
    return 0;
}

int cb_registry_resolve_layout(struct cb_registry *registry,
                               const struct cb_layout_image *from,
                               const struct cb_platform *platform,
                               struct cb_resolved_image **out, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = xcalloc(1, sizeof(*image));

    if (cb_reference_parse(&image->reference, "from/layout:1", err) < 0 ||
        fake_config("layout", &image->config, err) < 0)
        return -1;
    *out = cb_steal(&image);
    return 0;
}

/* ── A plan ── */

static inline void fake_emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    unsigned line = 0, column = 0;

    if (event->kind != CB_EVENT_WARNING)
        return;
    if (event->source)
        cb_source_position(event->source, event->span.start, &line, &column);
    cb_strbuf_addf(&fake_warnings, "%u %s: %.*s\n", line, event->rule ? event->rule : "-",
                   (int)event->len, event->text);
}

struct fake_request {
    struct cb_strings build_args, labels, no_cache_filter;
    struct cb_frontend_options options;
    struct cb_build_env env;
    struct cb_event_sink sink;
};

static inline void fake_request_init(struct fake_request *request)
{
    memset(request, 0, sizeof(*request));
    cb_platform_parse(&request->options.platform, "linux/amd64", NULL);
    request->options.build_platform = request->options.platform;
    request->options.build_args = &request->build_args;
    request->options.labels = &request->labels;
    request->options.no_cache_filter = &request->no_cache_filter;
    request->sink.emit = fake_emit;
    request->env.sink = &request->sink;
    request->env.source_date_epoch = -1;
    request->options.env = &request->env;
    cb_strbuf_truncate(&fake_warnings, 0);
}

static inline void fake_request_clear(struct fake_request *request)
{
    cb_strings_free(&request->build_args);
    cb_strings_free(&request->labels);
    cb_strings_free(&request->no_cache_filter);
    cb_vec_foreach (op, &fake_ops) {
        free((*op)->text);
        free(*op);
    }
    cb_vec_free(&fake_ops);
    cb_vec_foreach (name, &fake_resolved)
        free(*name);
    cb_vec_free(&fake_resolved);
    cb_strings_free(&fake_exec_env);
    cb_strbuf_free(&fake_warnings);
}

static inline int fake_plan(struct fake_request *request, const char *text, size_t len,
                            struct cb_plan **out, struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", text, len);

    request->options.source = source;
    return cb_frontend_plan(out, &request->options, err);
}

#endif
