/* Each option does what it does with its own tool. kaniko pushes to --destination unless
 * --no-push; the digest it writes to files is the one that is pushed, so one is made even
 * if nothing goes anywhere. What they say of registries is in build-tools-registries.c,
 * what they have written elsewhere in build-tools-told.c. */
#include "commands/build-tools.h"

#include "base/fs.h"
#include "context/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ARG_FILE_BYTES (1u << 20)

void cb_build_tools_clear(struct cb_build_tools *tools)
{
    cb_strings_free(&tools->arg_files);
    cb_strings_free(&tools->destinations);
    cb_strings_free(&tools->mirrors);
    cb_strings_free(&tools->maps);
    cb_strings_free(&tools->skip_verify_hosts);
    cb_strings_free(&tools->custom_platforms);
    cb_strings_free(&tools->texts);
    cb_close(&tools->stdin_fd);
}

/* TEXT (taken) lives as long as TOOLS. */
static const char *keep(struct cb_build_tools *tools, char *text)
{
    cb_strings_take(&tools->texts, text);
    return text;
}

/* ── buildah ── */

/* Before those of the command line, which are stronger. */
static int read_arg_file(struct cb_strings *out, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    char *line, *rest;

    if (cb_fs_read_given(path, ARG_FILE_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "--build-arg-file `%s`", path);
    rest = text.text;
    while (rest && *rest) {
        line = rest;
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        line += strspn(line, " \t");
        if (*line && *line != '#')
            cb_strings_add(out, line);
    }
    return 0;
}

static int add_arg_files(const struct cb_build_tools *tools,
                         struct cb_build_request *request, struct cb_error **err)
{
    struct cb_strings all = {0};
    int result = 0;

    for (size_t i = 0; result == 0 && i < tools->arg_files.count; i++)
        result = read_arg_file(&all, tools->arg_files.items[i], err);
    cb_vec_foreach (arg, &request->build_args)
        cb_strings_add(&all, *arg);
    cb_strings_free(&request->build_args);
    request->build_args = all;
    return result;
}

static int is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static int set_epoch(const struct cb_build_tools *tools, struct cb_build_request *request,
                     struct cb_error **err)
{
    if (tools->timestamp && !is_number(tools->timestamp))
        return cb_error_argument(err, tools->timestamp, "--timestamp",
                                 "expected seconds since 1970");
    if (tools->timestamp)
        cb_strings_addf(&request->build_args, "SOURCE_DATE_EPOCH=%s", tools->timestamp);
    else if (tools->reproducible &&
             !cb_env_get(&request->build_args, "SOURCE_DATE_EPOCH") &&
             !getenv("SOURCE_DATE_EPOCH"))
        cb_strings_add(&request->build_args, "SOURCE_DATE_EPOCH=0");
    return 0;
}

static void set_platforms(const struct cb_build_tools *tools,
                          struct cb_build_request *request)
{
    const struct cb_platform host = cb_platform_host();

    cb_vec_foreach (platform, &tools->custom_platforms)
        cb_strings_add(&request->platforms, *platform);
    if (tools->os || tools->arch || tools->variant)
        cb_strings_addf(&request->platforms, "%s/%s%s%s", tools->os ? tools->os : "linux",
                        tools->arch ? tools->arch : host.arch, tools->variant ? "/" : "",
                        tools->variant ? tools->variant : "");
}

static int set_format(const struct cb_build_tools *tools,
                      struct cb_build_request *request, struct cb_error **err)
{
    if (tools->format && strcmp(tools->format, "oci") && strcmp(tools->format, "docker"))
        return cb_error_argument(err, tools->format, "--format",
                                 "expected oci or docker");
    request->docker_types = tools->format && !strcmp(tools->format, "docker");
    return 0;
}

/* ── kaniko: the context ── */

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* "git://host/path#ref#commit" is fetched by https, or as GIT_PULL_METHOD says, with the
 * credentials of kaniko's variables unless it has some. */
static char *git_place(const char *rest, const char *sub_path)
{
    const char *ref = strchr(rest, '#');
    const char *commit = ref ? strchr(ref + 1, '#') : NULL;
    size_t len = ref ? (size_t)(ref - rest) : strlen(rest);
    cb_auto_value(cb_strbuf) place = {0};

    cb_build_tools_git_server(&place, rest);
    cb_strbuf_add(&place, rest, len);
    if (ref || sub_path)
        cb_strbuf_addf(&place, "#%s%s%s",
                       commit ? commit + 1
                       : ref  ? ref + 1
                              : "",
                       sub_path ? ":" : "", sub_path ? sub_path : "");
    return cb_strbuf_steal(&place);
}

static int open_tar(struct cb_build_tools *tools, struct cb_build_request *request,
                    const char *path, struct cb_error **err)
{
    request->context = "-";
    if (strcmp(path, "stdin") == 0)
        return 0;
    tools->stdin_fd = open(path, O_RDONLY | O_CLOEXEC);
    return tools->stdin_fd < 0 ? cb_error_errno(err, errno, "--context: open `%s`", path)
                               : 0;
}

static int set_place(struct cb_build_tools *tools, struct cb_build_request *request,
                     struct cb_error **err)
{
    static const char *const away[] = {"s3://", "gs://"};
    const char *text = tools->context, *rest;

    for (size_t i = 0; i < CB_ARRAY_SIZE(away); i++) {
        if (!after(text, away[i]))
            continue;
        cb_error_set(err, CB_ERR_UNSUPPORTED, "--context %s: buckets are not read", text);
        return cb_error_hint(err, "fetch the archive, and give it on standard input: "
                                  "--context tar://stdin");
    }
    if ((rest = after(text, "tar://")))
        return open_tar(tools, request, rest, err);
    if ((rest = after(text, "git://"))) {
        request->context = keep(tools, git_place(rest, tools->sub_path));
        return 0;
    }
    rest = after(text, "dir://");
    request->context = rest ? rest : text;
    if (tools->sub_path)
        request->context = keep(tools, cb_path_join(request->context, tools->sub_path));
    return 0;
}

/* As kaniko finds it: from here, else in the context. */
static void set_dockerfile(struct cb_build_tools *tools, struct cb_build_request *request)
{
    struct stat st;

    if (!tools->dockerfile)
        return;
    request->dockerfile = tools->dockerfile;
    if (cb_is_url(tools->dockerfile) || stat(tools->dockerfile, &st) == 0 ||
        !request->context || cb_context_is_remote(request->context) ||
        strcmp(request->context, "-") == 0)
        return;
    request->dockerfile = keep(tools, cb_path_join(request->context, tools->dockerfile));
}

static int set_context(struct cb_build_tools *tools, struct cb_build_request *request,
                       const struct cb_strings *args, struct cb_error **err)
{
    if (tools->context && args->count) {
        return cb_error_set(err, CB_ERR_USAGE,
                            "the context is given twice: --context %s, and `%s`",
                            tools->context, args->items[0]);
    }
    if (args->count)
        request->context = args->items[0];
    if (tools->context && set_place(tools, request, err) < 0)
        return -1;
    set_dockerfile(tools, request);
    return 0;
}

/* ── kaniko: outputs and caches ── */

/* KEY=VALUE as a field of a line of CSV. */
static void add_field(struct cb_strbuf *out, const char *key, const char *value)
{
    if (!value)
        return;
    cb_strbuf_addf(out, ",\"%s=", key);
    for (; *value; value++)
        cb_strbuf_addf(out, *value == '"' ? "\"%c" : "%c", *value);
    cb_strbuf_addc(out, '"');
}

static void add_output(const struct cb_build_tools *tools,
                       struct cb_build_request *request, const char *type,
                       const char *dest)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, type);
    add_field(&text, "dest", dest);
    add_field(&text, "compression", tools->compression);
    if (tools->compression_level && strcmp(tools->compression_level, "-1") != 0)
        add_field(&text, "compression-level", tools->compression_level);
    cb_strings_take(&request->outputs, cb_strbuf_steal(&text));
}

static int wants_digest(const struct cb_build_tools *tools)
{
    return tools->digest_file || tools->name_digest_file || tools->tag_digest_file;
}

/* What is pushed is last: its digest is the one to tell. */
static int set_outputs(const struct cb_build_tools *tools,
                       struct cb_build_request *request, struct cb_error **err)
{
    int pushes = tools->destinations.count && !tools->no_push;

    if ((tools->name_digest_file || tools->tag_digest_file) && !tools->destinations.count)
        return cb_error_set(err, CB_ERR_USAGE,
                            "a file for the image's name needs --destination");
    cb_vec_foreach (name, &tools->destinations)
        cb_strings_add(&request->tags, *name);
    if (tools->tar_path)
        add_output(tools, request, "type=docker", tools->tar_path);
    if (tools->layout_path)
        add_output(tools, request, "type=oci,tar=false", tools->layout_path);
    if (pushes)
        add_output(tools, request, "type=registry", NULL);
    else if (wants_digest(tools) && !tools->layout_path && !request->push)
        add_output(tools, request, "type=oci", "/dev/null");
    if (tools->single_snapshot)
        request->squash = "true";
    return 0;
}

/* The first destination's repository, and "/cache". NULL: there is none. */
static char *inferred_cache(const struct cb_build_tools *tools, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (!tools->destinations.count) {
        cb_error_set(err, CB_ERR_USAGE, "--cache needs --cache-repo, or --destination");
        return NULL;
    }
    if (cb_reference_parse(&reference, tools->destinations.items[0], err) < 0)
        return NULL;
    return xasprintf("%s/%s/cache", reference->host, reference->path);
}

static int set_caches(const struct cb_build_tools *tools,
                      struct cb_build_request *request, struct cb_error **err)
{
    cb_autofree char *repository = NULL;
    const char *directory;

    if (!tools->cache)
        return 0;
    repository =
        tools->cache_repo ? xstrdup(tools->cache_repo) : inferred_cache(tools, err);
    if (!repository)
        return -1;
    directory = after(repository, "oci:");
    cb_strings_addf(&request->cache_from, "%s%s",
                    directory ? "type=local,src=" : "type=registry,ref=",
                    directory ? directory : repository);
    if (!tools->no_push_cache)
        cb_strings_addf(&request->cache_to, "%s%s,mode=max",
                        directory ? "type=local,dest=" : "type=registry,ref=",
                        directory ? directory : repository);
    return 0;
}

static void add_host(struct cb_strings *hosts, const char *name)
{
    cb_auto(cb_reference) reference = NULL;

    if (name && cb_reference_parse(&reference, name, NULL) == 0)
        cb_strings_add_once(hosts, reference->host);
}

/* Of pushes it is only the destinations that need not be secure. */
static void set_insecure(const struct cb_build_tools *tools,
                         struct cb_build_request *request)
{
    cb_vec_foreach (host, &tools->skip_verify_hosts)
        cb_strings_add(&request->insecure, *host);
    request->skip_tls_verify |= tools->insecure_pull || tools->skip_verify_pull;
    if (!tools->insecure && !tools->skip_verify)
        return;
    cb_vec_foreach (name, &tools->destinations)
        add_host(&request->insecure, *name);
    add_host(&request->insecure, tools->cache_repo);
}

int cb_build_tools_apply(struct cb_build_tools *tools, struct cb_build_request *request,
                         const struct cb_strings *args, struct cb_error **err)
{
    if (add_arg_files(tools, request, err) < 0 || set_epoch(tools, request, err) < 0 ||
        set_format(tools, request, err) < 0 ||
        set_context(tools, request, args, err) < 0 ||
        set_outputs(tools, request, err) < 0 || set_caches(tools, request, err) < 0)
        return -1;
    set_platforms(tools, request);
    set_insecure(tools, request);
    if (tools->pull_always)
        request->pull = CB_PULL_ALWAYS;
    if (tools->pull_never)
        request->pull = CB_PULL_NEVER;
    return 0;
}
