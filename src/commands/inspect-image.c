/* An image as `docker image inspect` shows it. */
#include "commands/inspect.h"

#include "base/timestamp.h"
#include "store/layer.h"

json_t *cb_inspect_strings(const struct cb_strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(array, json_string(strings->items[i]));
    return array;
}

static json_t *strings_or_null(const struct cb_strings *strings, int has)
{
    return has ? cb_inspect_strings(strings) : json_null();
}

/* {"80/tcp": {}} */
static json_t *set_json(const struct cb_strings *strings)
{
    json_t *object = json_object();

    for (size_t i = 0; i < strings->count; i++)
        json_object_set_new(object, strings->items[i], json_object());
    return object;
}

static json_t *labels_json(const struct cb_image_config *config)
{
    json_t *object = json_object();

    for (size_t i = 0; i < config->label_keys.count; i++)
        json_object_set_new(object, config->label_keys.items[i],
                            json_string(config->label_values.items[i]));
    return object;
}

static json_t *healthcheck_json(const struct cb_healthcheck *check)
{
    json_t *object = json_object();

    if (check->test.count)
        json_object_set_new(object, "Test", cb_inspect_strings(&check->test));
    if (check->interval_ns)
        json_object_set_new(object, "Interval", json_integer(check->interval_ns));
    if (check->timeout_ns)
        json_object_set_new(object, "Timeout", json_integer(check->timeout_ns));
    if (check->start_period_ns)
        json_object_set_new(object, "StartPeriod", json_integer(check->start_period_ns));
    if (check->start_interval_ns)
        json_object_set_new(object, "StartInterval",
                            json_integer(check->start_interval_ns));
    if (check->retries)
        json_object_set_new(object, "Retries", json_integer(check->retries));
    return object;
}

json_t *cb_inspect_config(const struct cb_image_config *config)
{
    json_t *object = json_object();

    json_object_set_new(object, "User", json_string(config->user ? config->user : ""));
    if (config->exposed_ports.count)
        json_object_set_new(object, "ExposedPorts", set_json(&config->exposed_ports));
    json_object_set_new(object, "Env", cb_inspect_strings(&config->env));
    json_object_set_new(object, "Cmd", strings_or_null(&config->cmd, config->has_cmd));
    if (config->healthcheck)
        json_object_set_new(object, "Healthcheck", healthcheck_json(config->healthcheck));
    json_object_set_new(object, "Volumes",
                        config->volumes.count ? set_json(&config->volumes) : json_null());
    json_object_set_new(object, "WorkingDir",
                        json_string(config->working_dir ? config->working_dir : ""));
    json_object_set_new(object, "Entrypoint",
                        strings_or_null(&config->entrypoint, config->has_entrypoint));
    json_object_set_new(object, "OnBuild",
                        strings_or_null(&config->onbuild, config->onbuild.count > 0));
    json_object_set_new(object, "Labels",
                        config->label_keys.count ? labels_json(config) : json_null());
    if (config->stop_signal)
        json_object_set_new(object, "StopSignal", json_string(config->stop_signal));
    if (config->has_shell)
        json_object_set_new(object, "Shell", cb_inspect_strings(&config->shell));
    return object;
}

static json_t *familiar_json(const struct cb_strings *names)
{
    json_t *array = json_array();

    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) < 0)
            continue;
        familiar = cb_reference_familiar(reference);
        json_array_append_new(array, json_string(familiar));
    }
    return array;
}

static json_t *names_json(const struct cb_image *image)
{
    json_t *array = familiar_json(&image->names);
    cb_auto_json *others = familiar_json(&image->platform_names);

    json_array_extend(array, others);
    return array;
}

static json_t *rootfs_json(const struct cb_image_config *config)
{
    json_t *object = json_object();
    json_t *layers = json_array();
    char text[CB_DIGEST_MAX_TEXT];

    cb_vec_foreach (diff_id, &config->diff_ids)
        json_array_append_new(layers, json_string(cb_digest_text(diff_id, text)));
    json_object_set_new(object, "Type", json_string("layers"));
    json_object_set_new(object, "Layers", layers);
    return object;
}

/* Of what made the last layer: "buildkit.dockerfile.v0", what `commit -m` said. */
static const char *comment_of(const struct cb_image_config *config)
{
    const size_t count = config->history.count;
    const char *comment = count ? config->history.items[count - 1].comment : NULL;

    return comment ? comment : "";
}

/* ── Where the layers are ── */

json_t *cb_inspect_graph(struct cb_store *store, struct cb_snapshot *top, int pid)
{
    cb_auto_value(cb_strbuf) lower = {0};
    cb_autofree char *snapshots = xasprintf("%s/snapshots", cb_store_root(store));
    json_t *data = json_object();

    if (top) {
        for (const struct cb_snapshot *at = cb_snapshot_parent(top); at;
             at = cb_snapshot_parent(at))
            cb_strbuf_addf(&lower, "%s%s/%s/fs", lower.len ? ":" : "", snapshots,
                           cb_snapshot_id(at));
        if (lower.len)
            json_object_set_new(data, "LowerDir", json_string(cb_strbuf_text(&lower)));
        if (pid)
            json_object_set_new(data, "MergedDir", json_sprintf("/proc/%d/root", pid));
        json_object_set_new(data, "UpperDir",
                            json_sprintf("%s/%s/fs", snapshots, cb_snapshot_id(top)));
        json_object_set_new(data, "WorkDir",
                            json_sprintf("%s/%s/work", snapshots, cb_snapshot_id(top)));
    }
    return json_pack("{s:o,s:s}", "Data", data, "Name", cb_store_driver(store));
}

/* Of an image whose layers were never unpacked there is nothing. */
static json_t *graph_json(struct cb_store *store, const struct cb_image_config *config)
{
    cb_auto(cb_snapshot) top = NULL;
    struct cb_digest chain = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++)
        chain = cb_chain_id(i ? &chain : NULL, &config->diff_ids.items[i]);
    if (config->diff_ids.count)
        cb_chain_find(store, &chain, &top, NULL);
    return cb_inspect_graph(store, top, 0);
}

json_t *cb_inspect_image(struct cb_store *store, const struct cb_image *image)
{
    const struct cb_image_config *config = image->config;
    json_t *object = json_object();
    char text[CB_DIGEST_MAX_TEXT];

    json_object_set_new(object, "Id", json_string(cb_digest_text(&image->id, text)));
    json_object_set_new(object, "RepoTags", names_json(image));
    json_object_set_new(object, "RepoDigests", familiar_json(&image->repo_digests));
    json_object_set_new(object, "Parent", json_string("")); /* layers have no images */
    json_object_set_new(object, "Comment", json_string(comment_of(config)));
    json_object_set_new(object, "Created",
                        json_string(config->created ? config->created : ""));
    json_object_set_new(object, "DockerVersion", json_string(""));
    json_object_set_new(object, "Author",
                        json_string(config->author ? config->author : ""));
    json_object_set_new(object, "Architecture", json_string(config->platform.arch));
    if (config->platform.variant[0])
        json_object_set_new(object, "Variant", json_string(config->platform.variant));
    json_object_set_new(object, "Os", json_string(config->platform.os));
    json_object_set_new(object, "Size", json_integer(image->size_bytes));
    json_object_set_new(object, "VirtualSize", json_integer(image->size_bytes));
    json_object_set_new(object, "GraphDriver", graph_json(store, config));
    json_object_set_new(object, "Config", cb_inspect_config(config));
    json_object_set_new(object, "RootFS", rootfs_json(config));
    /* when it got its name is not noted */
    json_object_set_new(object, "Metadata",
                        json_pack("{s:s}", "LastTagTime", "0001-01-01T00:00:00Z"));
    return object;
}
