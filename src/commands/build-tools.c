/* Each option does what it does with its own tool. kaniko pushes to --destination unless
 * --no-push; the digest it writes to files is the one that is pushed, so one is made even
 * if nothing goes anywhere. */
#include "commands/build-tools.h"

#include "base/fs.h"
#include "base/out-file.h"
#include "context/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* "git://host/path#ref#commit" is fetched by https, as kaniko does. */
static char *git_place(const char *rest, const char *sub_path)
{
    const char *ref = strchr(rest, '#');
    const char *commit = ref ? strchr(ref + 1, '#') : NULL;
    size_t len = ref ? (size_t)(ref - rest) : strlen(rest);

    if (!ref && !sub_path)
        return xasprintf("https://%s", rest);
    return xasprintf("https://%.*s#%s%s%s", (int)len, rest,
                     commit ? commit + 1
                     : ref  ? ref + 1
                            : "",
                     sub_path ? ":" : "", sub_path ? sub_path : "");
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

/* ── Registries ── */

static const char *own_name(const char *host)
{
    return strcmp(host, "index.docker.io") == 0 ? "docker.io" : host;
}

static struct cb_registry_rule *rule_of(struct cb_registry_settings *settings,
                                        const char *host)
{
    struct cb_registry_rule fresh = {0};

    cb_vec_foreach (rule, &settings->rules) {
        if (strcmp(rule->prefix, own_name(host)) == 0)
            return rule;
    }
    fresh.prefix = xstrdup(own_name(host));
    cb_vec_push(&settings->rules, fresh);
    return &settings->rules.items[settings->rules.count - 1];
}

static void add_mirror(const struct cb_build_tools *tools,
                       struct cb_registry_settings *settings, const char *host,
                       const char *mirror)
{
    struct cb_registry_rule *rule = rule_of(settings, host);

    cb_strings_add(&rule->mirrors, mirror);
    rule->only_mirrors |= tools->no_fallback;
}

/* "from=to;from=to" */
static int add_map(const struct cb_build_tools *tools,
                   struct cb_registry_settings *settings, const char *text,
                   struct cb_error **err)
{
    cb_autofree char *copy = xstrdup(text);
    char *pair = copy, *next, *to;

    for (; pair && *pair; pair = next) {
        next = strchr(pair, ';');
        if (next)
            *next++ = '\0';
        to = strchr(pair, '=');
        if (!to || to == pair || !to[1])
            return cb_error_argument(err, text, "--registry-map",
                                     "expected FROM=TO, separated by semicolons");
        *to++ = '\0';
        add_mirror(tools, settings, pair, to);
    }
    return 0;
}

static int set_creds(const char *creds, struct cb_registry_settings *settings,
                     struct cb_error **err)
{
    if (!creds)
        return 0;
    if (!strchr(creds, ':') || *creds == ':') {
        cb_error_set(err, CB_ERR_USAGE, "--creds: expected user:password");
        return cb_error_hint(err, "`cbuild login` asks for a password");
    }
    settings->creds = xstrdup(creds);
    return 0;
}

int cb_build_tools_registries(const struct cb_build_tools *tools, struct cb_app *app,
                              struct cb_error **err)
{
    const struct cb_settings *loaded;
    struct cb_registry_settings *settings;

    if (cb_app_settings(app, &loaded, err) < 0)
        return -1;
    settings = &app->settings->registry;
    cb_vec_foreach (map, &tools->maps) {
        if (add_map(tools, settings, *map, err) < 0)
            return -1;
    }
    cb_vec_foreach (mirror, &tools->mirrors)
        add_mirror(tools, settings, "docker.io", *mirror);
    if (tools->authfile)
        settings->auth_file = xstrdup(tools->authfile);
    if (tools->cert_dir)
        settings->cert_dir = xstrdup(tools->cert_dir);
    return set_creds(tools->creds, settings, err);
}

/* ── What is told ── */

int cb_build_tools_log(struct cb_build_tools *tools, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (!tools->logfile)
        return 0;
    fd = open(tools->logfile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return cb_error_errno(err, errno, "--logfile `%s`", tools->logfile);
    for (int i = 0; i < 2; i++) {
        tools->saved_fds[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, 3);
        if (dup2(fd, STDOUT_FILENO + i) < 0)
            return cb_error_errno(err, errno, "--logfile `%s`", tools->logfile);
    }
    return 0;
}

void cb_build_tools_log_end(struct cb_build_tools *tools)
{
    for (int i = 0; tools->logfile && i < 2; i++) {
        if (tools->saved_fds[i] >= 0)
            dup2(tools->saved_fds[i], STDOUT_FILENO + i);
        cb_close(&tools->saved_fds[i]);
    }
}

/* "index.docker.io/library/x[:tag]@sha256:…", a line for each destination. */
static int write_names(const struct cb_build_tools *tools, const char *path,
                       const char *option, int with_tag, const char *digest,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (!path)
        return 0;
    cb_vec_foreach (name, &tools->destinations) {
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, *name, err) < 0)
            return -1;
        cb_reference_default_tag(reference);
        cb_strbuf_addf(&text, "%s/%s%s%s@%s\n",
                       strcmp(reference->host, "docker.io") == 0 ? "index.docker.io"
                                                                 : reference->host,
                       reference->path, with_tag ? ":" : "",
                       with_tag ? reference->tag : "", digest);
    }
    return cb_out_file_write(path, cb_strbuf_text(&text), err) < 0
               ? cb_error_wrap(err, "%s `%s`", option, path)
               : 0;
}

int cb_build_tools_write(const struct cb_build_tools *tools,
                         const struct cb_build_outcome *outcome, struct cb_error **err)
{
    char digest[CB_DIGEST_MAX_TEXT];

    if (!cb_digest_is_set(&outcome->digest))
        return 0;
    cb_digest_text(&outcome->digest, digest);
    if (tools->digest_file && cb_out_file_write(tools->digest_file, digest, err) < 0)
        return cb_error_wrap(err, "--digest-file `%s`", tools->digest_file);
    if (write_names(tools, tools->name_digest_file, "--image-name-with-digest-file", 0,
                    digest, err) < 0)
        return -1;
    return write_names(tools, tools->tag_digest_file, "--image-name-tag-with-digest-file",
                       1, digest, err);
}
