/* What an option's value may be: words, names, and the keys of filters. */
#include "commands/completion.h"

#include <string.h>

/* ── Filters ── */

static const struct {
    const struct cb_cli_command *command;
    const char *keys;
} filters[] = {
    {&cb_images_command, "before dangling label reference since until"},
    {&cb_image_prune_command, "dangling label label! until"},
    {&cb_ps_command, "ancestor before exited expose health id label name network publish "
                     "since status volume"},
    {&cb_container_prune_command, "label label! until"},
    {&cb_network_ls_command, "dangling driver id label name scope type"},
    {&cb_network_prune_command, "label label! until"},
    {&cb_volume_ls_command, "dangling driver label name"},
    {&cb_volume_prune_command, "label label!"},
    {&cb_system_prune_command, "label label! until"},
    {&cb_prune_command, "description id inuse parent private shared type until"},
    {&cb_du_command, "description id inuse parent private shared type until"},
    {&cb_events_command, "container event image label network scope type volume"},
    {&cb_search_command, "is-official stars"},
};

static const char *filter_values(const struct cb_cli_command *command, const char *key)
{
    static const struct {
        const char *key, *values;
    } table[] = {
        {"dangling", "true false"},
        {"is-official", "true false"},
        {"status", "created running paused restarting exited dead"},
        {"health", "starting healthy unhealthy none"},
        {"driver", "local"},
        {"scope", "local"},
    };

    if (strcmp(key, "type") == 0)
        return command == &cb_events_command ? "builder container image network volume"
               : command == &cb_network_ls_command
                   ? "builtin custom"
                   : "regular exec.cachemount source.local build.log";
    if (strcmp(key, "driver") == 0 && command == &cb_network_ls_command)
        return "bridge host null";
    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        if (strcmp(table[i].key, key) == 0)
            return table[i].values;
    return "";
}

static void offer_filter_value(const struct cb_completion *at,
                               const struct cb_cli_command *command, const char *key,
                               const char *typed)
{
    cb_autofree char *prefix = xasprintf("%s%s=", at->prefix, key);
    struct cb_completion value = *at;

    value.prefix = prefix;
    value.word = typed;
    if (strcmp(key, "ancestor") == 0 || strcmp(key, "image") == 0 ||
        (command == &cb_images_command &&
         (strcmp(key, "before") == 0 || strcmp(key, "since") == 0)))
        cb_complete_images(&value);
    else if (strcmp(key, "network") == 0)
        cb_complete_networks(&value);
    else if (strcmp(key, "volume") == 0)
        cb_complete_volumes(&value);
    else if (strcmp(key, "container") == 0 || strcmp(key, "before") == 0 ||
             strcmp(key, "since") == 0)
        cb_complete_containers(&value);
    else
        cb_complete_words(&value, filter_values(command, key));
}

static void offer_filter(const struct cb_completion *at,
                         const struct cb_cli_command *command)
{
    const char *equals = strchr(at->word, '=');
    const char *keys = "";

    if (equals) {
        cb_autofree char *key = xstrndup(at->word, (size_t)(equals - at->word));

        offer_filter_value(at, command, key, equals + 1);
        return;
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(filters); i++)
        if (filters[i].command == command)
            keys = filters[i].keys;
    while (*keys) {
        size_t len = strcspn(keys, " ");
        cb_autofree char *key = xasprintf("%.*s=", (int)len, keys);

        cb_complete_offer(at, key, NULL);
        keys += len + (keys[len] == ' ');
    }
}

/* ── All ── */

static void offer_network(const struct cb_completion *at,
                          const struct cb_cli_command *command)
{
    if (command == &cb_build_command || command == &cb_debug_command)
        cb_complete_words(at, "default");
    cb_complete_networks(at);
}

/* Options that only say text or json, or other words. */
static void offer_format(const struct cb_completion *at,
                         const struct cb_cli_command *command)
{
    cb_complete_words(
        at, command == &cb_graph_command  ? "text dot html json"
            : command == &cb_lint_command ? "text json sarif"
            : command == &cb_save_command ? "docker-archive oci-archive oci-dir"
            : command == &cb_push_command ? "oci docker"
            : command == &cb_context_command || command == &cb_image_tree_command ||
                    command == &cb_info_command
                ? "text json"
                : "table json");
}

static const struct {
    const char *option, *words;
} table[] = {
    {"call", "check outline targets"},
    {"compression", "gzip zstd uncompressed"},
    {"context-mode", "keep git"},
    {"ignore-syntax", "docker git"},
    {"log-driver", "json-file local none"},
    {"on-error", "shell"},
    {"platform", "linux/amd64 linux/arm64 linux/arm/v7"},
    {"progress", "auto plain tty quiet rawjson legacy"},
    {"pull", "always missing never newer"},
    {"restart", "no on-failure always unless-stopped"},
};

void cb_complete_value(const struct cb_completion *at,
                       const struct cb_cli_command *command,
                       const struct cb_option *option)
{
    static const struct {
        const char *option;
        void (*offer)(const struct cb_completion *at);
    } names[] = {
        {"build", cb_complete_builds},
        {"link", cb_complete_containers},
        {"no-cache-filter", cb_complete_stages},
        {"target", cb_complete_stages},
        {"volumes-from", cb_complete_containers},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++)
        if (strcmp(names[i].option, option->name) == 0)
            names[i].offer(at);
    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        if (strcmp(table[i].option, option->name) == 0)
            cb_complete_words(at, table[i].words);
    if (strcmp(option->name, "filter") == 0)
        offer_filter(at, command);
    else if (strcmp(option->name, "format") == 0)
        offer_format(at, command);
    else if (strcmp(option->name, "network") == 0)
        offer_network(at, command);
}
