/* What happened to a container, for `events`. */
#include "container/journal.h"

#include "store/journal.h"

#include <string.h>

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

static const char *driver_of(const char *network)
{
    return strcmp(network, "host") == 0   ? "host"
           : strcmp(network, "none") == 0 ? "null"
                                          : "bridge";
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

        if (!id || !*id)
            continue;
        add_pair(&attributes, "container", container->id);
        add_pair(&attributes, "name", name);
        add_pair(&attributes, "type", driver_of(name));
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

void cb_container_tell(struct cb_store *store, const struct cb_container *container,
                       const char *action, const char *name, const char *value)
{
    const char *image = container->options.request.image_name;
    cb_auto_value(cb_strings) attributes = {0};

    if (strcmp(action, "start") == 0) {
        tell_volumes(store, container, "mount");
        tell_networks(store, container, "connect");
    }
    if (name)
        add_pair(&attributes, name, value);
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

void cb_container_tell_at(const char *store_root, const struct cb_container *container,
                          const char *action, const char *name, const char *value)
{
    const struct cb_store_options options = {.root = store_root};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) now = NULL; /* it may have been renamed */

    if (cb_store_open(&store, &options, NULL) < 0)
        return;
    cb_container_open(store_root, container->id, &now, NULL);
    cb_container_tell(store, now ? now : container, action, name, value);
}

void cb_volume_tell(struct cb_store *store, const char *name, const char *action)
{
    cb_auto_value(cb_strings) attributes = {0};

    add_pair(&attributes, "driver", "local");
    cb_journal_add(store,
                   &(struct cb_journal_entry){"volume", action, name, &attributes});
}
