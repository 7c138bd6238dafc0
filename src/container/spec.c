/* Image configuration + run options → process specification. */
#include "container/spec.h"

#include "base/fs.h"
#include "network/network.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void cb_run_spec_clear(struct cb_run_spec *spec)
{
    cb_strings_free(&spec->argv);
    cb_strings_free(&spec->env);
    cb_strings_free(&spec->mount_texts);
    cb_strings_free(&spec->sysctls);
    cb_vec_foreach (fd, &spec->mount_fds)
        cb_close(fd);
    cb_vec_free(&spec->mount_fds);
    cb_vec_free(&spec->owned);
    cb_vec_free(&spec->process.mounts);
    free(spec->resolv_conf);
    free(spec->hosts);
    free(spec->hostname);
    cb_run_knobs_clear(&spec->knobs);
}

void cb_run_request_clear(struct cb_run_request *request)
{
    cb_strings_free(&request->command);
    cb_strings_free(&request->env);
    cb_strings_free(&request->volumes);
    cb_limit_options_clear(&request->limits);
    cb_strings_free(&request->ulimits);
    cb_strings_free(&request->security_opts);
    cb_strings_free(&request->cap_add);
    cb_strings_free(&request->cap_drop);
    cb_strings_free(&request->devices);
    cb_strings_free(&request->device_rules);
    cb_strings_free(&request->cdi_dirs);
    cb_strings_free(&request->groups);
    cb_strings_free(&request->tmpfs);
    cb_strings_free(&request->sysctls);
    cb_strings_free(&request->add_hosts);
    cb_strings_free(&request->network_aliases);
    cb_strings_free(&request->networks);
    cb_strings_free(&request->links);
    cb_strings_free(&request->expose);
    free(request->network_name);
    cb_strings_free(&request->publish);
    cb_strings_free(&request->bridge_options);
    cb_strings_free(&request->dns);
    cb_strings_free(&request->dns_search);
    cb_strings_free(&request->dns_options);
}

static void append(struct cb_strings *to, const struct cb_strings *from)
{
    for (size_t i = 0; i < from->count; i++)
        cb_strings_add(to, from->items[i]);
}

int cb_run_spec_argv(struct cb_strings *argv, const struct cb_run_request *request,
                     struct cb_error **err)
{
    const struct cb_image_config *config = request->config;

    if (!request->has_entrypoint)
        append(argv, &config->entrypoint);
    else if (request->entrypoint && *request->entrypoint)
        cb_strings_add(argv, request->entrypoint);
    if (request->command.count)
        append(argv, &request->command);
    else if (!request->has_entrypoint)
        append(argv, &config->cmd);
    if (argv->count)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "no command specified");
    return cb_error_hint(err, "the image has none; name one after `%s`",
                         request->image_name);
}

const char *cb_run_spec_cwd(const struct cb_run_request *request)
{
    const char *of_image = request->config->working_dir;
    const char *cwd = request->workdir ? request->workdir : of_image ? of_image : "";

    return *cwd ? cwd : "/";
}

int cb_run_spec_check_cwd(const struct cb_run_request *request, struct cb_error **err)
{
    const char *cwd = cb_run_spec_cwd(request);

    if (*cwd == '/')
        return 0;
    return cb_error_set(
        err, CB_ERR_USAGE,
        "the working directory '%s' is invalid, it needs to be an absolute path", cwd);
}

/* As docker's client is configured: more than the image says, less than -e does. */
static void add_proxies(struct cb_strings *env)
{
    cb_auto_value(cb_strings) configured = {0};

    cb_proxies_configured(&configured);
    cb_vec_foreach (proxy, &configured) {
        cb_autofree char *name = xstrndup(*proxy, strcspn(*proxy, "="));

        cb_env_set(env, name, strchr(*proxy, '=') + 1);
    }
}

static void make_env(struct cb_strings *env, const struct cb_run_request *request,
                     const char *hostname)
{
    cb_strings_copy(env, &request->config->env);
    if (!cb_env_get(env, "PATH"))
        cb_env_set(env, "PATH", DEFAULT_PATH);
    cb_env_set(env, "HOSTNAME", hostname);
    add_proxies(env);
    if (request->tty)
        cb_env_set(env, "TERM", "xterm");
    cb_env_merge(env, &request->env);
}

static void add_file(struct cb_run_spec *spec, const char *target, const char *content)
{
    struct cb_mount mount = {.type = CB_MOUNT_FILE,
                             .read_only = spec->process.rootfs_read_only,
                             .target = (char *)target,
                             .source_fd = -1,
                             .mode = 0644,
                             .content = content,
                             .content_len = strlen(content)};

    cb_vec_push(&spec->process.mounts, mount);
}

/* PATH of the host, on TARGET. Both outlive the spec. */
static int add_host_path(struct cb_run_spec *spec, const char *path, const char *target,
                         const struct cb_mount *how, struct cb_error **err)
{
    struct cb_mount mount = *how;

    mount.type = CB_MOUNT_BIND;
    mount.target = (char *)target;
    mount.source_fd = open(path, O_PATH | O_CLOEXEC);
    if (mount.source_fd < 0)
        return cb_error_errno(err, errno, "--device: open `%s`", path);
    cb_vec_push(&spec->mount_fds, mount.source_fd);
    cb_vec_push(&spec->process.mounts, mount);
    return 0;
}

static int add_devices(struct cb_run_spec *spec, struct cb_error **err)
{
    const struct cb_mount node = {.device = 1};

    cb_vec_foreach (device, &spec->knobs.nodes) {
        if (add_host_path(spec, device->host, device->path, &node, err) < 0)
            return -1;
    }
    cb_vec_foreach (device, &spec->knobs.cdi.nodes) {
        if (add_host_path(spec, device->host, device->path, &node, err) < 0)
            return -1;
    }
    cb_vec_foreach (path, &spec->knobs.cdi.mounts) {
        const struct cb_mount how = {.read_only = path->read_only,
                                     .recursive = path->recursive};

        if (add_host_path(spec, path->host, path->path, &how, err) < 0)
            return -1;
    }
    cb_vec_foreach (variable, &spec->knobs.cdi.env)
        cb_strings_add(&spec->env, *variable);
    return 0;
}

/* The files with names come before what else is mounted there, which covers them. */
static void add_names(struct cb_run_spec *out, const struct cb_run_names *names)
{
    out->process.host_network = names->is_host;
    out->process.netns_fd = names->netns_fd;
    add_file(out, "/etc/resolv.conf", out->resolv_conf);
    add_file(out, "/etc/hosts", out->hosts);
    add_file(out, "/etc/hostname", out->hostname);
}

/* A network of its own is for its users, whoever they are: ports below 1024 and ping take
 * no capability, as in docker's; what was asked for comes after that. One with lo alone
 * has no IPv6 there either; the others are made so. */
static void add_sysctls(struct cb_run_spec *out, const struct cb_run_request *request,
                        const struct cb_run_names *names)
{
    int is_shared = names->is_host ||
                    (request->network && !strncmp(request->network, "container:", 10));

    if (!is_shared) {
        cb_strings_add(&out->sysctls, "-net.ipv4.ip_unprivileged_port_start=0");
        cb_strings_add(&out->sysctls, "-net.ipv4.ping_group_range=0 2147483647");
    }
    if (!is_shared && names->netns_fd < 0) {
        cb_strings_add(&out->sysctls, "-net.ipv6.conf.all.disable_ipv6=1");
        cb_strings_add(&out->sysctls, "-net.ipv6.conf.default.disable_ipv6=1");
    }
    cb_vec_foreach (text, &request->sysctls)
        cb_strings_add(&out->sysctls, *text);
    out->process.sysctls = &out->sysctls;
}

int cb_run_spec_make(struct cb_run_spec *out, const struct cb_run_request *request,
                     const struct cb_run_names *names, struct cb_error **err)
{
    struct cb_process_spec *process = &out->process;
    const struct cb_image_config *config = request->config;

    out->hosts = names->hosts;
    out->resolv_conf = names->resolv_conf;
    out->hostname = xasprintf("%s\n", names->hostname);
    cb_process_spec_init(process);
    if (cb_run_spec_argv(&out->argv, request, err) < 0)
        return -1;
    make_env(&out->env, request, names->hostname);
    process->argv = &out->argv;
    process->env = &out->env;
    process->cwd = cb_run_spec_cwd(request);
    if (cb_run_spec_check_cwd(request, err) < 0)
        return -1;
    process->make_cwd = process->root_has_cwd = 1;
    process->user = request->user ? request->user : config->user ? config->user : "";
    process->hostname = names->hostname;
    if (cb_run_knobs_parse(&out->knobs, request, err) < 0)
        return -1;
    cb_run_knobs_apply(&out->knobs, request, process);
    add_names(out, names);
    add_sysctls(out, request, names);
    cb_vec_foreach (mount, &out->knobs.tmpfs)
        cb_vec_push(&process->mounts, *mount);
    return add_devices(out, err);
}
