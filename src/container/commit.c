/* The layer is a copy of what the container has written, so that it can go on; a
 * container that has written nothing adds none. */
#include "container/commit.h"

#include "base/fs.h"
#include "container/files.h"
#include "container/health.h"
#include "network/network.h"
#include "store/layer.h"
#include "store/refs.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ── Configuration ── */

static void replace(char **slot, const char *text)
{
    if (!text || !*text)
        return;
    free(*slot);
    *slot = xstrdup(text);
}

static void set_command(struct cb_image_config *config,
                        const struct cb_run_request *request)
{
    if (request->has_entrypoint) {
        cb_strings_free(&config->entrypoint);
        config->has_entrypoint = request->entrypoint && *request->entrypoint;
        if (config->has_entrypoint)
            cb_strings_add(&config->entrypoint, request->entrypoint);
    }
    if (!request->has_entrypoint && !request->command.count)
        return;
    cb_strings_free(&config->cmd);
    cb_strings_copy(&config->cmd, &request->command);
    config->has_cmd = request->command.count > 0;
}

/* -p and --expose: the container's ports, each by itself. */
static void add_ports(struct cb_image_config *config,
                      const struct cb_run_request *request)
{
    cb_auto_value(cb_ports) ports = {0};

    cb_vec_foreach (text, &request->publish)
        cb_ports_parse(&ports, *text, NULL); /* was checked when it was made */
    cb_vec_foreach (text, &request->expose)
        cb_ports_expose(&ports, *text, NULL);
    cb_vec_foreach (port, &ports) {
        cb_autofree char *text = xasprintf("%u/%s", port->container, port->protocol);

        cb_strings_add_once(&config->exposed_ports, text);
    }
}

/* `-v /data` without a source is a volume of the image, too, as VOLUME makes one. */
static void add_volume(struct cb_image_config *config, const char *text)
{
    if (*text == '/' && !strchr(text, ':'))
        cb_strings_add_once(&config->volumes, text);
}

/* What was asked for comes first, as in docker's documents. */
static void set_env(struct cb_image_config *config, const struct cb_strings *asked)
{
    cb_auto_value(cb_strings) env = {0};

    cb_env_merge(&env, asked);
    cb_vec_foreach (pair, &config->env) {
        cb_autofree char *name = xstrndup(*pair, strcspn(*pair, "="));

        if (!cb_env_get(&env, name) && !cb_strings_contain(asked, name))
            cb_strings_add(&env, *pair);
    }
    cb_strings_free(&config->env);
    config->env = env;
    env = (struct cb_strings){0};
}

struct cb_image_config *
cb_container_effective_config(const struct cb_container *container)
{
    const struct cb_run_request *request = &container->options.request;
    struct cb_image_config *config = cb_image_config_copy(container->config);

    set_command(config, request);
    replace(&config->user, request->user);
    replace(&config->working_dir, request->workdir);
    replace(&config->stop_signal, request->stop_signal);
    set_env(config, &request->env);
    cb_image_config_set_labels(config, &container->options.labels);
    cb_health_settle(config, &container->options);
    add_ports(config, request);
    cb_vec_foreach (text, &request->volumes)
        add_volume(config, *text);
    return config;
}

/* ── Layer ── */

static int is_empty(struct cb_snapshot *snapshot, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = -1;

    if (cb_snapshot_open_upper(snapshot, &fd, err) < 0 || cb_fs_list(fd, &names, err) < 0)
        return -1;
    return names.count == 0;
}

/* *EMPTY: nothing was written, so the image's own layers are all there are. */
static int make_layer(struct cb_store *store, const struct cb_container *container,
                      const struct cb_commit_wish *wish, int *empty,
                      struct cb_error **err)
{
    cb_auto(cb_snapshot) layer = NULL;
    struct cb_digests diff_ids = {0};
    struct cb_snapshot *top;

    if (cb_container_files_copy(store, container, 0, wish->cancel, &layer, err) < 0)
        return -1;
    *empty = is_empty(layer, err);
    if (*empty < 0 || (!*empty && cb_snapshot_commit(layer, err) < 0))
        return -1;
    top = *empty ? cb_snapshot_parent(layer) : layer;
    if (cb_chain_register(top, wish->pool, &diff_ids, err) < 0)
        return -1;
    cb_vec_free(&wish->config->diff_ids);
    cb_vec_foreach (diff_id, &diff_ids)
        cb_vec_push(&wish->config->diff_ids, *diff_id);
    cb_vec_free(&diff_ids);
    return 0;
}

/* ── Image ── */

static char *join(const struct cb_strings *strings)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_vec_foreach (word, strings)
        cb_strbuf_addf(&text, "%s%s", text.len ? " " : "", *word);
    return cb_strbuf_steal(&text);
}

static void describe(const struct cb_container *container,
                     const struct cb_commit_wish *wish, int empty)
{
    cb_auto(cb_image_config) made_with = cb_container_effective_config(container);
    cb_autofree char *command = join(&made_with->cmd);
    struct cb_image_config *config = wish->config;
    char now[CB_TIMESTAMP_MAX];

    cb_timestamp_format(cb_timestamp_now(), now);
    free(config->created);
    config->created = xstrdup(now);
    free(config->author);
    config->author = xstrdup(wish->author);
    cb_image_config_add_history(config, now, command ? command : "", wish->comment,
                                empty);
    config->history.items[config->history.count - 1].author = xstrdup(wish->author);
}

int cb_container_commit(struct cb_store *store, const struct cb_container *container,
                        const struct cb_commit_wish *wish, struct cb_digest *id,
                        struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *bytes = NULL;
    size_t len;
    int empty;

    if (make_layer(store, container, wish, &empty, err) < 0)
        return -1;
    describe(container, wish, empty);
    if (wish->name)
        cb_strings_add(&names, wish->name);
    bytes = cb_image_config_emit(wish->config, &len);
    return cb_image_put(
        store,
        &(struct cb_new_image){.config = bytes, .config_len = len, .names = &names}, id,
        err);
}
