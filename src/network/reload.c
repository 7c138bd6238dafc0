/* Having the rules again of those who run, after somebody has flushed the tables. What
 * they are was recorded when each was connected (detach.c); a container that is connected
 * later mends what is everybody's, and its own network's, by itself. */
#include "network/named.h"

#include "base/fs.h"
#include "base/json.h"
#include "network/attach-priv.h"
#include "network/hub-priv.h"

#include <string.h>
#include <sys/socket.h>

#define RECORD_MAX_BYTES (1u << 20)

struct reloading {
    const struct cb_strings *ids; /* none: all */
    struct cb_strings *done;
    struct cb_cancel *cancel;
    struct cb_error **err;
};

/* Rules that are there stay as they are: nothing that runs is interrupted. */
static int have(int family, const json_t *kept_json, const json_t *own_json,
                const struct reloading *reloading)
{
    const struct cb_rules none = {.family = family};
    cb_auto_value(cb_rules) kept = {.family = family};
    cb_auto_value(cb_rules) own = {.family = family};
    cb_auto_value(cb_rules) all = {.family = family};

    cb_rules_read(&kept, kept_json);
    cb_rules_read(&own, own_json);
    cb_rules_read(&all, kept_json);
    cb_rules_read(&all, own_json);
    if ((!all.filter.count && !all.nat.count) ||
        cb_firewall_add(&all, 0, &none, reloading->cancel, NULL) == 0)
        return 0;
    cb_firewall_remove(&own);
    return cb_firewall_install(&kept, &own, reloading->cancel, reloading->err);
}

static int reload_record(const json_t *record, const struct reloading *reloading)
{
    static const int families[] = {AF_INET, AF_INET6};
    const char *id = json_string_value(json_object_get(record, "id"));
    const json_t *kept = json_object_get(record, "bridge_rules");
    const json_t *own = json_object_get(record, "rules");

    if (!id || (reloading->ids->count && !cb_strings_contain(reloading->ids, id)))
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(families); i++)
        if (have(families[i], json_array_get(kept, i), json_array_get(own, i),
                 reloading) < 0)
            return -1;
    if (!cb_strings_contain(reloading->done, id))
        cb_strings_add(reloading->done, id);
    return 0;
}

static int reload_file(int dir, const char *file, const struct reloading *reloading)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *record = NULL;

    /* one that has ended meanwhile has none */
    if (cb_fs_read_file(dir, file, RECORD_MAX_BYTES, &text, NULL) < 0 ||
        cb_json_parse(&record, file, cb_strbuf_text(&text), text.len, RECORD_MAX_BYTES,
                      NULL) < 0)
        return 0;
    return reload_record(record, reloading);
}

static int reload(void *arg)
{
    const struct reloading *reloading = arg;
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    cb_attach_sweep();
    if (cb_firewall_check(reloading->err) < 0 ||
        cb_attach_lock(CB_LOCK_EXCLUSIVE, reloading->cancel, &lock, reloading->err) < 0 ||
        cb_net_lease_dir(&dir, NULL, reloading->err) < 0 ||
        cb_fs_list(dir, &names, reloading->err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        const char *dot = strrchr(*name, '.');

        if (dot && strcmp(dot, ".json") == 0 && reload_file(dir, *name, reloading) < 0)
            return -1;
    }
    return 0;
}

/* Here, or in the hub. */
int cb_networks_reload(const struct cb_strings *ids, struct cb_strings *done,
                       struct cb_cancel *cancel, struct cb_error **err)
{
    struct reloading reloading = {ids, done, cancel, err};
    cb_auto(cb_hub) hub = NULL;
    int fd;

    if (cb_netns_is_ours())
        return reload(&reloading);
    if (cb_hub_open(&hub, NULL) < 0)
        return 0;
    fd = cb_hub_look(hub);
    return fd < 0 ? 0 : cb_netns_call(fd, reload, &reloading, err);
}
