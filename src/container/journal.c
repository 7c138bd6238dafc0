/* What happened to a container, for `events`. */
#include "container/journal.h"

#include "base/strbuf.h"
#include "network/named.h"
#include "store/journal.h"

#include <stdio.h>
#include <string.h>

#define EXEC_SHOWN_BYTES 4096

static void add_pair(struct cb_strings *attributes, const char *name, const char *value)
{
    cb_strings_add(attributes, name);
    cb_strings_add(attributes, value);
}

static void add_labels(struct cb_strings *attributes,
                       const struct cb_container *container)
{
    const struct cb_image_config *config = container->config;

    for (size_t i = 0; config && i < config->label_keys.count; i++) {
        if (!cb_env_get(&container->options.labels, config->label_keys.items[i]))
            add_pair(attributes, config->label_keys.items[i],
                     config->label_values.items[i]);
    }
    cb_vec_foreach (label, &container->options.labels) {
        cb_autofree char *key = xstrndup(*label, strcspn(*label, "="));

        add_pair(attributes, key, (*label)[strlen(key)] ? *label + strlen(key) + 1 : "");
    }
}

/* One that is gone meanwhile was most likely a bridge. Caller frees. */
static char *driver_of(struct cb_store *store, const char *network)
{
    cb_autofree char *dir = xasprintf("%s/networks", cb_store_root(store));
    cb_auto(cb_network_def) def = NULL;

    return xstrdup(cb_networks_find(dir, network, &def, NULL) == 0 ? def->driver
                                                                   : "bridge");
}

/* The networks it is on, and joins and leaves with its process. */
static void tell_networks(struct cb_store *store, const struct cb_container *container,
                          const char *action)
{
    json_t *networks = json_object_get(container->state.network, "Networks"), *value;
    const char *name;

    json_object_foreach(networks, name, value)
    {
        const char *id = json_string_value(json_object_get(value, "NetworkID"));
        cb_auto_value(cb_strings) attributes = {0};
        cb_autofree char *driver = NULL;

        if (!id || !*id)
            continue;
        driver = driver_of(store, name);
        add_pair(&attributes, "container", container->id);
        add_pair(&attributes, "name", name);
        add_pair(&attributes, "type", driver);
        cb_journal_add(store,
                       &(struct cb_journal_entry){"network", action, id, &attributes});
    }
}

static void tell_volumes(struct cb_store *store, const struct cb_container *container,
                         const char *action)
{
    cb_vec_foreach (mount, &container->mounts) {
        cb_auto_value(cb_strings) attributes = {0};

        if (!mount->name)
            continue;
        add_pair(&attributes, "container", container->id);
        if (strcmp(action, "mount") == 0) {
            add_pair(&attributes, "destination", mount->target);
            add_pair(&attributes, "propagation", "");
            add_pair(&attributes, "read/write", mount->read_only ? "false" : "true");
        }
        add_pair(&attributes, "driver", "local");
        cb_journal_add(store, &(struct cb_journal_entry){"volume", action, mount->name,
                                                         &attributes});
    }
}

void cb_container_tell_all(struct cb_store *store, const struct cb_container *container,
                           const char *action, const struct cb_strings *pairs)
{
    const char *image = container->options.request.image_name;
    cb_auto_value(cb_strings) attributes = {0};

    if (strcmp(action, "start") == 0) {
        tell_networks(store, container, "connect");
        tell_volumes(store, container, "mount");
    }
    cb_vec_foreach (text, pairs)
        cb_strings_add(&attributes, *text);
    add_pair(&attributes, "image", image ? image : "");
    add_pair(&attributes, "name", container->name ? container->name : "");
    add_labels(&attributes, container);
    cb_journal_add(store, &(struct cb_journal_entry){"container", action, container->id,
                                                     &attributes});
    if (strcmp(action, "die") == 0) {
        tell_networks(store, container, "disconnect");
        tell_volumes(store, container, "unmount");
    }
}

void cb_container_tell(struct cb_store *store, const struct cb_container *container,
                       const char *action, const char *name, const char *value)
{
    cb_auto_value(cb_strings) pairs = {0};

    if (name)
        add_pair(&pairs, name, value);
    cb_container_tell_all(store, container, action, &pairs);
}

/* CONTAINER as it is by now, since it may have been renamed. */
static int open_both(const char *store_root, const struct cb_container *container,
                     struct cb_store **store, struct cb_container **now)
{
    const struct cb_store_options options = {.root = store_root};

    if (cb_store_open(store, &options, NULL) < 0)
        return -1;
    cb_container_open(store_root, container->id, now, NULL);
    return 0;
}

void cb_container_tell_at(const char *store_root, const struct cb_container *container,
                          const char *action, const char *name, const char *value)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) now = NULL;

    if (open_both(store_root, container, &store, &now) == 0)
        cb_container_tell(store, now ? now : container, action, name, value);
}

/* "exec_create: sh -c true" */
static void tell_exec(struct cb_store *store, const struct cb_container *container,
                      const char *what, const char *exec_id,
                      const struct cb_strings *argv)
{
    cb_auto_value(cb_strbuf) action = {0};

    cb_strbuf_addf(&action, "%s: %s ", what, argv->items[0]);
    for (size_t i = 1; i < argv->count && action.len < EXEC_SHOWN_BYTES; i++)
        cb_strbuf_addf(&action, "%s%s", i > 1 ? " " : "", argv->items[i]);
    if (action.len > EXEC_SHOWN_BYTES)
        cb_strbuf_truncate(&action, EXEC_SHOWN_BYTES);
    cb_container_tell(store, container, action.text, "execID", exec_id);
}

void cb_container_tell_exec(const char *store_root, const struct cb_container *container,
                            const char *exec_id, const struct cb_strings *argv)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) now = NULL;

    if (!argv->count || open_both(store_root, container, &store, &now) < 0)
        return;
    tell_exec(store, now ? now : container, "exec_create", exec_id, argv);
    tell_exec(store, now ? now : container, "exec_start", exec_id, argv);
}

void cb_container_tell_exec_end(const char *store_root,
                                const struct cb_container *container, const char *exec_id,
                                int exit_code)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) now = NULL;
    cb_auto_value(cb_strings) pairs = {0};
    char code[12];

    if (open_both(store_root, container, &store, &now) < 0)
        return;
    snprintf(code, sizeof(code), "%d", exit_code);
    add_pair(&pairs, "execID", exec_id);
    add_pair(&pairs, "exitCode", code);
    cb_container_tell_all(store, now ? now : container, "exec_die", &pairs);
}

void cb_volume_tell(struct cb_store *store, const char *name, const char *action)
{
    cb_auto_value(cb_strings) attributes = {0};

    add_pair(&attributes, "driver", "local");
    cb_journal_add(store,
                   &(struct cb_journal_entry){"volume", action, name, &attributes});
}
