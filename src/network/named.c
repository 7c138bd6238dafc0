/* The directory of named networks: ID.json each, written atomically under an exclusive
 * lock. */
#include "network/named.h"

#include "base/atomic-file.h"
#include "base/digest.h"
#include "base/fs.h"
#include "network/attach-priv.h"
#include "network/named-priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>

#define MAX_BYTES (1u << 20)
#define ID_DIGITS 64

void cb_network_def_free(struct cb_network_def *def)
{
    if (!def)
        return;
    free(def->id);
    free(def->name);
    free(def->driver);
    free(def->config_from);
    free(def->subnets);
    cb_strings_free(&def->labels);
    cb_strings_free(&def->options);
    cb_strings_free(&def->reserved);
    free(def);
}

void cb_network_defs_free(struct cb_network_defs *defs)
{
    cb_vec_foreach (def, defs)
        cb_network_def_free(*def);
    cb_vec_free(defs);
}

int cb_networks_lock(const char *state_dir, enum cb_lock_mode mode, struct cb_lock **out,
                     int *dir, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (cb_fs_mkdirs(state_dir, 0700, err) < 0)
        return -1;
    fd = open(state_dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", state_dir);
    if (cb_lock_take(out, fd, "lock", mode, NULL, err) < 0)
        return -1;
    *dir = cb_steal_fd(&fd);
    return 0;
}

/* ── Reading ── */

/* Those that are always there are the same for all stores of a host. */
char *cb_network_predefined_id(const char *name)
{
    cb_autofree char *text = xasprintf("cbuild network %s", name);
    struct cb_digest digest = cb_digest_of(text, strlen(text));
    char hex[CB_DIGEST_MAX_TEXT];

    return xstrdup(cb_digest_hex(&digest, hex));
}

static struct cb_network_def *new_predefined(const char *name, const char *driver)
{
    struct cb_network_def *def = xcalloc(1, sizeof(*def));

    def->id = cb_network_predefined_id(name);
    def->name = xstrdup(name);
    def->driver = xstrdup(driver);
    def->predefined = 1;
    cb_timestamp_format((struct timespec){0}, def->created);
    return def;
}

static int read_def(int dir, const char *name, struct cb_network_def **out,
                    struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_file(dir, name, MAX_BYTES, &text, err) < 0 ||
        cb_network_def_parse(out, name, cb_strbuf_text(&text), text.len, err) < 0)
        return cb_error_wrap(err, "network `%.12s`", name);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct cb_network_def *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* The bridge has a subnet once a container was on it. */
static int read_bridge(int dir, struct cb_network_def *bridge, struct cb_error **err)
{
    cb_auto(cb_network_def) kept = NULL;
    cb_auto(cb_error) error = NULL;

    if (dir < 0)
        return 0;
    if (read_def(dir, CB_BRIDGE_FILE, &kept, &error) < 0)
        return cb_error_errnum(error) == ENOENT ? 0 : cb_error_move(err, &error);
    bridge->subnets = cb_steal(&kept->subnets);
    bridge->subnet_count = kept->subnet_count;
    return 0;
}

int cb_networks_read(int dir, struct cb_network_defs *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    cb_vec_push(out, new_predefined("bridge", "bridge"));
    cb_vec_push(out, new_predefined("host", "host"));
    cb_vec_push(out, new_predefined("none", "null"));
    if (read_bridge(dir, out->items[0], err) < 0)
        return -1;
    if (dir >= 0 && cb_fs_list(dir, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        struct cb_network_def *def;

        if (strlen(*name) != ID_DIGITS + 5 || strcmp(*name + ID_DIGITS, ".json") != 0)
            continue;
        if (read_def(dir, *name, &def, err) < 0)
            return -1;
        cb_vec_push(out, def);
    }
    qsort(out->items, out->count, sizeof(struct cb_network_def *), by_name);
    return 0;
}

int cb_networks_list(const char *state_dir, struct cb_network_defs *out,
                     struct cb_error **err)
{
    cb_autofd int dir = open(state_dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

    if (dir < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "open `%s`", state_dir);
    return cb_networks_read(dir, out, err);
}

/* The one TEXT means: a name before an id, a whole id before the beginning of one. */
static int pick(const struct cb_network_defs *defs, const char *text, size_t *out,
                struct cb_error **err)
{
    size_t len = strlen(text), found = 0;

    for (size_t i = 0; i < defs->count; i++)
        if (strcmp(defs->items[i]->name, text) == 0 ||
            strcmp(defs->items[i]->id, text) == 0) {
            *out = i;
            return 0;
        }
    for (size_t i = 0; i < defs->count; i++) {
        if (!len || strncmp(defs->items[i]->id, text, len) != 0)
            continue;
        *out = i;
        found++;
    }
    if (found == 1)
        return 0;
    if (found)
        return cb_error_set(
            err, CB_ERR_USAGE,
            "network %s is ambiguous (%zu matches found based on ID prefix)", text,
            found);
    return cb_error_set(err, CB_ERR_NOT_FOUND, "network %s not found", text);
}

int cb_networks_find(const char *state_dir, const char *text, struct cb_network_def **out,
                     struct cb_error **err)
{
    cb_auto_value(cb_network_defs) defs = {0};
    size_t index;

    if (cb_networks_list(state_dir, &defs, err) < 0 || pick(&defs, text, &index, err) < 0)
        return -1;
    *out = cb_steal(&defs.items[index]);
    return 0;
}

/* ── Changing ── */

static void random_id(char out[ID_DIGITS + 1])
{
    unsigned char bytes[ID_DIGITS / 2];

    /* 32 bytes are never cut short once the kernel's pool is ready */
    while (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        ;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int is_predefined(const char *name)
{
    return strcmp(name, "default") == 0 || strcmp(name, "bridge") == 0 ||
           strcmp(name, "host") == 0 || strcmp(name, "none") == 0;
}

static int check_name(const char *name, const struct cb_network_defs *defs,
                      struct cb_error **err)
{
    size_t len = strlen(name);

    if (!len || len > 128 || !isalnum((unsigned char)name[0]) ||
        strspn(name,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
            len)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid network name \"%s\": only [a-zA-Z0-9][a-zA-Z0-9_.-] "
                            "are allowed",
                            name);
    if (is_predefined(name))
        return cb_error_set(err, CB_ERR_DENIED,
                            "operation is not permitted on predefined %s network", name);
    for (size_t i = 0; i < defs->count; i++)
        if (strcmp(defs->items[i]->name, name) == 0)
            return cb_error_set(err, CB_ERR_EXISTS, "network with name %s already exists",
                                name);
    return 0;
}

/* Of the bridge, if one is chosen. Two networks on one would be one. */
static int check_interface(const struct cb_network_def *def,
                           const struct cb_network_defs *defs, struct cb_error **err)
{
    const char *name = cb_env_get(&def->options, CB_BRIDGE_NAME_OPTION);

    if (!name || !*name)
        return 0;
    if (!cb_network_is_interface_name(name)) {
        cb_error_set(err, CB_ERR_USAGE, "invalid bridge name \"%s\"", name);
        return cb_error_hint(err, "up to 15 of [a-zA-Z0-9_.-] that do not begin with "
                                  "cbuild or a sign");
    }
    for (size_t i = 0; i < defs->count; i++) {
        cb_autofree char *other = cb_network_interface(defs->items[i]);

        if (strcmp(other, name) == 0)
            return cb_error_set(err, CB_ERR_EXISTS,
                                "network %s has the same bridge name %s",
                                defs->items[i]->name, name);
    }
    return 0;
}

static int check_driver(const struct cb_network_wish *wish, struct cb_error **err)
{
    const char *driver = wish->driver;

    if (!driver || wish->config_only || strcmp(driver, "bridge") == 0 ||
        cb_network_is_direct(driver))
        return 0;
    if (strcmp(driver, "host") == 0 || strcmp(driver, "null") == 0)
        return cb_error_set(err, CB_ERR_DENIED,
                            "only one instance of \"%s\" network is allowed", driver);
    if (strcmp(driver, "overlay") != 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "plugin \"%s\" not found", driver);
    cb_error_set(err, CB_ERR_UNSUPPORTED, "network driver \"%s\" is not provided",
                 driver);
    return cb_error_hint(err, "there is no swarm: leave --driver out for a bridge");
}

/* "key" alone is a key with an empty value, as docker has it. */
static void copy_pairs(struct cb_strings *to, const struct cb_strings *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const char *equals = strchr(from->items[i], '=');
        cb_autofree char *key = xstrndup(from->items[i], strcspn(from->items[i], "="));

        cb_env_set(to, key, equals ? equals + 1 : "");
    }
    cb_env_sort(to);
}

int cb_network_write(int dir, const struct cb_network_def *def, struct cb_error **err)
{
    cb_auto_json *document = cb_network_def_json(def);
    cb_autofree char *name =
        def->predefined ? xstrdup(CB_BRIDGE_FILE) : xasprintf("%s.json", def->id);
    cb_autofree char *text = NULL;

    json_object_del(document, "Containers");
    text = cb_json_dump(document);
    return cb_atomic_file_write(dir, name, text, strlen(text), 0600, 1, err);
}

static struct cb_network_def *new_def(const struct cb_network_wish *wish)
{
    struct cb_network_def *def = xcalloc(1, sizeof(*def));
    char digits[ID_DIGITS + 1];

    random_id(digits);
    def->id = xstrdup(digits);
    def->name = xstrdup(wish->name);
    def->driver = xstrdup(wish->config_only ? "null"
                          : wish->driver    ? wish->driver
                                            : "bridge");
    def->internal = wish->internal;
    def->attachable = wish->attachable;
    def->ipv6 = wish->ipv6;
    def->config_only = wish->config_only;
    def->config_from = xstrdup(wish->config_from);
    copy_pairs(&def->labels, &wish->labels);
    copy_pairs(&def->options, &wish->options);
    cb_timestamp_format(cb_timestamp_now(), def->created);
    return def;
}

/* One that is a configuration only may say anything that can be read. */
static int check_whole(const struct cb_network_def *def,
                       const struct cb_network_defs *defs, struct cb_error **err)
{
    if (def->config_only)
        return 0;
    if (cb_network_is_direct(def->driver))
        return cb_network_direct_check(def, defs, err);
    if (cb_network_options_check(def, err) < 0)
        return -1;
    return check_interface(def, defs, err);
}

int cb_networks_create(const char *state_dir, const struct cb_network_wish *wish,
                       char **id, struct cb_error **err)
{
    cb_auto(cb_network_def) def = NULL;
    cb_auto_value(cb_network_defs) defs = {0};
    cb_auto_value(cb_network_wish) whole = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (check_driver(wish, err) < 0 ||
        cb_networks_lock(state_dir, CB_LOCK_EXCLUSIVE, &lock, &dir, err) < 0 ||
        cb_networks_read(dir, &defs, err) < 0 || check_name(wish->name, &defs, err) < 0 ||
        cb_network_config_check(wish, err) < 0 ||
        cb_network_config_take(wish, &defs, &whole, err) < 0)
        return -1;
    def = new_def(&whole);
    if (cb_network_settle(def, &whole, &defs, err) < 0 ||
        check_whole(def, &defs, err) < 0 || cb_network_write(dir, def, err) < 0)
        return -1;
    *id = cb_steal(&def->id);
    return 0;
}

static int refuse_in_use(const struct cb_network_def *def, struct cb_error **err)
{
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    cb_attach_sweep();
    cb_network_endpoints(def, &endpoints);
    if (!endpoints.count && !endpoints.joining)
        return 0;
    return cb_error_set(
        err, CB_ERR_EXISTS,
        "error while removing network: network %s id %s has active endpoints", def->name,
        def->id);
}

int cb_networks_remove(const char *state_dir, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_network_defs) defs = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofree char *file = NULL;
    cb_autofd int dir = -1;
    const struct cb_network_def *def;
    size_t index;

    if (cb_networks_lock(state_dir, CB_LOCK_EXCLUSIVE, &lock, &dir, err) < 0 ||
        cb_networks_read(dir, &defs, err) < 0 || pick(&defs, text, &index, err) < 0)
        return -1;
    def = defs.items[index];
    if (def->predefined)
        return cb_error_set(err, CB_ERR_DENIED,
                            "%s is a pre-defined network and cannot be removed",
                            def->name);
    if (cb_network_config_refuse_used(def, &defs, err) < 0 || refuse_in_use(def, err) < 0)
        return -1;
    file = xasprintf("%s.json", def->id);
    if (unlinkat(dir, file, 0) < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "remove network `%s`", def->name);
    return 0;
}
