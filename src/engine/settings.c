/* Each key has a row: its name and what takes its value. What docker's daemon knows and
 * has no meaning without one is accepted by name, so that a daemon.json can be used as it
 * is; anything else is a mistake that is told, because a mirror or a limit that silently
 * does not hold is worse than no configuration. */
#include "engine/settings-priv.h"

#include "base/fs.h"
#include "base/suggest.h"
#include "base/timestamp.h"

#include <fcntl.h>
#include <string.h>

#define SETTINGS_MAX_BYTES (1u << 20)
#define MAX_ENTRIES        10000
#define MAX_AT_ONCE        64

typedef int take_value(struct cb_settings *settings, const struct cb_json *value,
                       struct cb_error **err);

int cb_settings_text(char **slot, const struct cb_json *value, struct cb_error **err)
{
    const char *text;

    if (cb_json_required_string(value, &text, err) < 0)
        return -1;
    free(*slot);
    *slot = *text ? xstrdup(text) : NULL;
    return 0;
}

int cb_settings_list(struct cb_strings *slot, const struct cb_json *value,
                     struct cb_error **err)
{
    cb_strings_free(slot);
    memset(slot, 0, sizeof(*slot));
    return cb_json_strings(value, MAX_ENTRIES, slot, err);
}

int cb_settings_fail(const struct cb_json *value, struct cb_error **err,
                     const char *format, ...)
{
    cb_autofree char *problem = NULL;
    va_list args;

    va_start(args, format);
    problem = xvasprintf(format, args);
    va_end(args);
    return cb_error_set(err, CB_ERR_USAGE, "%s: %s%s%s", value->what, value->path,
                        *value->path ? ": " : "", problem);
}

int cb_settings_unknown(const struct cb_json *object, const char *key,
                        const char *const *names, size_t count, struct cb_error **err)
{
    const char *near = cb_suggest(key, names, count);

    cb_settings_fail(object, err, "unknown key `%s`", key);
    return near ? cb_error_hint(err, "did you mean `%s`?", near) : -1;
}

static int replace_count(unsigned *slot, const struct cb_json *value,
                         struct cb_error **err)
{
    int64_t number;

    if (cb_json_required_int64(value, &number, err) < 0)
        return -1;
    if (number < 1 || number > MAX_AT_ONCE)
        return cb_settings_fail(value, err, "expected a number from 1 to %d",
                                MAX_AT_ONCE);
    *slot = (unsigned)number;
    return 0;
}

static int take_data_root(struct cb_settings *settings, const struct cb_json *value,
                          struct cb_error **err)
{
    if (cb_settings_text(&settings->data_root, value, err) < 0)
        return -1;
    if (settings->data_root && settings->data_root[0] != '/')
        return cb_settings_fail(value, err, "`%s` is not an absolute path",
                                settings->data_root);
    return 0;
}

static int take_size(char **out, const struct cb_json *value, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;
    uint64_t size;

    if (cb_settings_text(out, value, err) < 0)
        return -1;
    if (*out && cb_size_parse(&size, *out, &cause) < 0)
        return cb_settings_fail(value, err, "%s", cb_error_message(cause));
    return 0;
}

static int take_max_store(struct cb_settings *settings, const struct cb_json *value,
                          struct cb_error **err)
{
    return take_size(&settings->max_store, value, err);
}

static int take_max_layer(struct cb_settings *settings, const struct cb_json *value,
                          struct cb_error **err)
{
    return take_size(&settings->max_layer, value, err);
}

static int take_certs(struct cb_settings *settings, const struct cb_json *value,
                      struct cb_error **err)
{
    return cb_settings_list(&settings->registry.certs_dirs, value, err);
}

static int take_downloads(struct cb_settings *settings, const struct cb_json *value,
                          struct cb_error **err)
{
    return replace_count(&settings->registry.downloads, value, err);
}

static int take_uploads(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err)
{
    return replace_count(&settings->registry.uploads, value, err);
}

static int take_tries(struct cb_settings *settings, const struct cb_json *value,
                      struct cb_error **err)
{
    return replace_count(&settings->registry.tries, value, err);
}

/* ── Objects of known members ── */

struct member {
    const char *name;
    take_value *take;
};

static int unknown_member(const struct cb_json *object, const char *key,
                          const struct member *members, size_t count,
                          struct cb_error **err)
{
    cb_autofree const char **names = xcalloc(count, sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = members[i].name;
    return cb_settings_unknown(object, key, names, count, err);
}

static const struct member *find_member(const struct member *members, size_t count,
                                        const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, key) == 0)
            return &members[i];
    return NULL;
}

/* ── proxies ── */

static int take_http_proxy(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err)
{
    return cb_settings_text(&settings->registry.http_proxy, value, err);
}

static int take_https_proxy(struct cb_settings *settings, const struct cb_json *value,
                            struct cb_error **err)
{
    return cb_settings_text(&settings->registry.https_proxy, value, err);
}

static int take_no_proxy(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err)
{
    return cb_settings_text(&settings->registry.no_proxy, value, err);
}

static int take_proxies(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err)
{
    static const struct member members[] = {{"http-proxy", take_http_proxy},
                                            {"https-proxy", take_https_proxy},
                                            {"no-proxy", take_no_proxy}};
    const char *key;
    json_t *item;

    if (cb_json_expect_object(value, err) < 0)
        return -1;
    json_object_foreach(value->value, key, item)
    {
        const struct member *member = find_member(members, CB_ARRAY_SIZE(members), key);
        struct cb_json field = cb_json_member(value, key);

        if (!member)
            return unknown_member(value, key, members, CB_ARRAY_SIZE(members), err);
        if (member->take(settings, &field, err) < 0)
            return -1;
    }
    return 0;
}

/* ── The document ── */

static const struct member members[] = {
    {"bip", cb_settings_bip},
    {"certs-dirs", take_certs},
    {"cgroup-parent", cb_settings_cgroup_parent},
    {"data-root", take_data_root},
    {"default-address-pools", cb_settings_address_pools},
    {"default-cgroupns-mode", cb_settings_cgroupns},
    {"default-ipc-mode", cb_settings_ipc},
    {"default-network-opts", cb_settings_network_opts},
    {"default-shm-size", cb_settings_shm_size},
    {"default-ulimits", cb_settings_ulimits},
    {"dns", cb_settings_dns},
    {"dns-opts", cb_settings_dns_options},
    {"dns-search", cb_settings_dns_search},
    {"fixed-cidr", cb_settings_fixed_cidr},
    {"graph", take_data_root},
    {"icc", cb_settings_icc},
    {"init", cb_settings_init},
    {"ip", cb_settings_ip},
    {"ip-masq", cb_settings_masquerade},
    {"insecure-registries", cb_settings_insecure},
    {"log-driver", cb_settings_log_driver},
    {"log-opts", cb_settings_log_opts},
    {"max-concurrent-downloads", take_downloads},
    {"max-concurrent-uploads", take_uploads},
    {"max-download-attempts", take_tries},
    {"max-store", take_max_store},
    {"max-layer-size", take_max_layer},
    {"mtu", cb_settings_mtu},
    {"no-new-privileges", cb_settings_no_new_privileges},
    {"proxies", take_proxies},
    {"registries", cb_settings_registries},
    {"registry-mirrors", cb_settings_mirrors},
    {"seccomp-profile", cb_settings_seccomp},
};

static int take_member(struct cb_settings *settings, const struct cb_json *root,
                       const char *key, struct cb_error **err)
{
    const struct member *member = find_member(members, CB_ARRAY_SIZE(members), key);
    struct cb_json value = cb_json_member(root, key);

    if (member) {
        if (cb_json_is_absent(&value))
            return 0;
        if (member->take(settings, &value, err) < 0)
            return -1;
        cb_env_set(&settings->sources, key, root->what);
        return 0;
    }
    if (!cb_settings_idle_key(key))
        return unknown_member(root, key, members, CB_ARRAY_SIZE(members), err);
    cb_settings_note_idle(settings, key, &value);
    return 0;
}

static int read_document(struct cb_settings *settings, const char *file,
                         const char *bytes, size_t len, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root;
    const char *key;
    json_t *item;

    if (cb_json_parse(&document, file, bytes, len, SETTINGS_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, file);
    if (cb_json_expect_object(&root, err) < 0)
        return -1;
    if (json_object_get(document, "graph") && json_object_get(document, "data-root"))
        return cb_error_set(
            err, CB_ERR_USAGE,
            "%s: `graph` is the old name of `data-root`: give one of them", file);
    json_object_foreach(document, key, item)
    {
        if (take_member(settings, &root, key, err) < 0)
            return -1;
    }
    cb_strings_add(&settings->files, file);
    return 0;
}

/* MUST: a file that is missing is an error. */
static int read_file(struct cb_settings *settings, const char *path, int must,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_fs_read_file(AT_FDCWD, path, SETTINGS_MAX_BYTES, &text, &error) < 0) {
        if (!must && cb_error_kind(error) == CB_ERR_NOT_FOUND)
            return 0;
        return cb_error_move(err, &error);
    }
    return read_document(settings, path, cb_strbuf_text(&text), text.len, err);
}

static char *user_file(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && *config == '/')
        return xasprintf("%s/cbuild/config.json", config);
    return home && *home ? xasprintf("%s/.config/cbuild/config.json", home) : NULL;
}

int cb_settings_load(struct cb_settings **out, struct cb_error **err)
{
    cb_auto(cb_settings) settings = xcalloc(1, sizeof(*settings));
    const char *named = getenv("CBUILD_CONFIG");
    cb_autofree char *user = user_file();

    if (named && *named) {
        if (read_file(settings, named, 1, err) < 0)
            return cb_error_wrap(err, "$CBUILD_CONFIG");
    } else if (read_file(settings, CB_SETTINGS_MACHINE_FILE, 0, err) < 0 ||
               (user && read_file(settings, user, 0, err) < 0)) {
        return -1;
    }
    cb_settings_settle_log(settings);
    *out = cb_steal(&settings);
    return 0;
}

void cb_settings_free(struct cb_settings *settings)
{
    if (!settings)
        return;
    free(settings->data_root);
    free(settings->max_store);
    free(settings->max_layer);
    cb_registry_settings_clear(&settings->registry);
    cb_strings_free(&settings->dns);
    cb_strings_free(&settings->dns_search);
    cb_strings_free(&settings->dns_options);
    free(settings->log_driver);
    cb_strings_free(&settings->log_opts);
    cb_strings_free(&settings->ulimits);
    free(settings->cgroup_parent);
    free(settings->cgroupns);
    free(settings->ipc);
    free(settings->shm_size);
    free(settings->seccomp);
    cb_strings_free(&settings->address_pools);
    cb_strings_free(&settings->bridge_options);
    cb_strings_free(&settings->own_bridge);
    cb_strings_free(&settings->files);
    cb_strings_free(&settings->sources);
    cb_strings_free(&settings->unused);
    cb_strings_free(&settings->missed);
    free(settings);
}
