/* What an option's value may be: words, names, and the keys of filters. */
#include "commands/completion.h"

#include <string.h>

/* ── Filters ── */

#define CACHE_KEYS "description id inuse parent private shared type until"

/* Values that a table of filters takes as any other. */
static const char *known_values(const struct cb_cli_command *command, const char *key)
{
    if (strcmp(key, "type") == 0)
        return command == &cb_events_command ? "builder container image network volume"
                                             : "regular exec.cachemount "
                                               "source.git.checkout source.local "
                                               "build.log";
    if (strcmp(key, "driver") == 0)
        return command == &cb_network_ls_command ? "bridge host null" : "local";
    return strcmp(key, "scope") == 0 ? "local" : "";
}

static void offer_words(const struct cb_completion *at,
                        const struct cb_cli_command *command, const char *name)
{
    const struct cb_filter_key *key = command->filters;
    cb_autofree char *words = NULL;

    while (key && key->name && strcmp(key->name, name) != 0)
        key++;
    if (key && key->name && key->flags & CB_FILTER_BOOL) {
        cb_complete_words(at, "true false");
    } else if (key && key->name && key->values) {
        words = xstrdup(key->values);
        for (char *p = words; *p; p++)
            *p = *p == '|' ? ' ' : *p;
        cb_complete_words(at, words);
    } else {
        cb_complete_words(at, known_values(command, name));
    }
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
        offer_words(&value, command, key);
}

/* KEYS: one or more, with blanks between them. */
static void offer_keys(const struct cb_completion *at, const char *keys)
{
    while (*keys) {
        size_t len = strcspn(keys, " ");
        cb_autofree char *key = xasprintf("%.*s=", (int)len, keys);

        cb_complete_offer(at, key, NULL);
        keys += len + (keys[len] == ' ');
    }
}

static void offer_filter(const struct cb_completion *at,
                         const struct cb_cli_command *command)
{
    const char *equals = strchr(at->word, '=');

    if (equals) {
        cb_autofree char *key = xstrndup(at->word, (size_t)(equals - at->word));

        offer_filter_value(at, command, key, equals + 1);
        return;
    }
    if (!command->filters)
        offer_keys(at, CACHE_KEYS);
    for (const struct cb_filter_key *key = command->filters; key && key->name; key++)
        if (key->flags & command->filter_flag)
            offer_keys(at, key->name);
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
                    command == &cb_image_diff_command || command == &cb_info_command
                ? "text json"
            : command == &cb_image_mount_command ? "json"
                                                 : "table json");
}

static const struct {
    const char *option, *words;
} table[] = {
    {"call", "check outline targets subrequests.describe"},
    {"compression", "gzip zstd uncompressed"},
    {"context-mode", "keep git"},
    {"ignore-syntax", "docker git"},
    {"log-driver", "journald json-file local none"},
    {"on-error", "shell"},
    {"platform", "linux/amd64 linux/arm64 linux/arm/v7"},
    {"progress", "auto plain tty quiet none rawjson legacy"},
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
