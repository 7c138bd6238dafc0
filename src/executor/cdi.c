/* The specification is github.com/cncf-tags/container-device-interface, SPEC.md. Of two
 * definitions of a device the one in the later directory counts. The files are the
 * administrator's, and trusted in what they name; their form is checked all the same. */
#include "executor/cdi.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SPEC_MAX_BYTES (4u << 20)

struct spec {
    json_t *json;
    const char *kind; /* in JSON */
    char *path;
};

struct cb_cdi {
    CB_VEC(struct spec) specs; /* in order of precedence, the last first */
    struct cb_strbuf passed_over;
};

void cb_cdi_free(struct cb_cdi *cdi)
{
    if (!cdi)
        return;
    cb_vec_foreach (spec, &cdi->specs) {
        json_decref(spec->json);
        free(spec->path);
    }
    cb_vec_free(&cdi->specs);
    cb_strbuf_free(&cdi->passed_over);
    free(cdi);
}

static void clear_paths(struct cb_cdi_path *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].host);
        free(items[i].path);
    }
}

void cb_cdi_edits_clear(struct cb_cdi_edits *edits)
{
    cb_strings_free(&edits->env);
    cb_strings_free(&edits->groups);
    cb_strings_free(&edits->kinds);
    clear_paths(edits->nodes.items, edits->nodes.count);
    clear_paths(edits->mounts.items, edits->mounts.count);
    cb_vec_free(&edits->nodes);
    cb_vec_free(&edits->mounts);
}

/* ── Reading ── */

static void pass_over(struct cb_cdi *cdi, const char *path, const char *why)
{
    cb_strbuf_addf(&cdi->passed_over, "%s`%s` was not used: %s",
                   cdi->passed_over.len ? "; " : "", path, why);
}

static void read_spec(struct cb_cdi *cdi, int dir_fd, const char *path, const char *name)
{
    struct spec spec = {.path = xstrdup(path)};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_fs_read_file(dir_fd, name, SPEC_MAX_BYTES, &text, &error) == 0 &&
        cb_json_parse(&spec.json, name, cb_strbuf_text(&text), text.len, SPEC_MAX_BYTES,
                      &error) == 0) {
        spec.kind = json_string_value(json_object_get(spec.json, "kind"));
        if (spec.kind && json_is_array(json_object_get(spec.json, "devices"))) {
            cb_vec_push(&cdi->specs, spec);
            return;
        }
    }
    pass_over(cdi, path, error ? cb_error_message(error) : "it is no CDI specification");
    json_decref(spec.json);
    free(spec.path);
}

static int read_directory(struct cb_cdi *cdi, const char *dir, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (cb_fs_list(fd, &names, err) < 0)
        return cb_error_wrap(err, "CDI directory `%s`", dir);
    for (size_t i = names.count; i > 0; i--) {
        const char *name = names.items[i - 1];
        cb_autofree char *path = xasprintf("%s/%s", dir, name);

        if (cb_ends_with(name, ".json"))
            read_spec(cdi, fd, path, name);
        else if (cb_ends_with(name, ".yaml") || cb_ends_with(name, ".yml"))
            pass_over(cdi, path, "it is YAML, only JSON is read");
    }
    return 0;
}

int cb_cdi_load(struct cb_cdi **out, const struct cb_strings *dirs, struct cb_error **err)
{
    cb_auto(cb_cdi) cdi = xcalloc(1, sizeof(*cdi));

    for (size_t i = dirs->count; i > 0; i--) {
        if (read_directory(cdi, dirs->items[i - 1], err) < 0)
            return -1;
    }
    *out = cb_steal(&cdi);
    return 0;
}

const char *cb_cdi_passed_over(const struct cb_cdi *cdi)
{
    return cb_strbuf_text(&cdi->passed_over);
}

/* ── Edits ── */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int has_option(const json_t *mount, const char *wanted)
{
    size_t i;
    json_t *option;

    json_array_foreach(json_object_get(mount, "options"), i, option)
    {
        const char *text = json_string_value(option);

        if (text && strcmp(text, wanted) == 0)
            return 1;
    }
    return 0;
}

static int bad_edit(const struct spec *spec, const char *what, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY, "CDI specification `%s`: %s", spec->path,
                        what);
}

static int add_env(const struct spec *spec, const json_t *list, struct cb_cdi_edits *out,
                   struct cb_error **err)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);

        if (!text || !strchr(text, '=') || *text == '=')
            return bad_edit(spec, "a variable is not NAME=VALUE", err);
        cb_strings_add(&out->env, text);
    }
    return 0;
}

static int add_nodes(const struct spec *spec, const json_t *list,
                     struct cb_cdi_edits *out, struct cb_error **err)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *path = text_at(item, "path"), *host = text_at(item, "hostPath");
        struct cb_cdi_path node = {0};

        if (!path || *path != '/')
            return bad_edit(spec, "a device node has no absolute path", err);
        node.path = xstrdup(path);
        node.host = xstrdup(host && *host ? host : path);
        cb_vec_push(&out->nodes, node);
    }
    return 0;
}

static int add_mounts(const struct spec *spec, const json_t *list,
                      struct cb_cdi_edits *out, struct cb_error **err)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *host = text_at(item, "hostPath"),
                   *path = text_at(item, "containerPath");
        struct cb_cdi_path mount = {.read_only = has_option(item, "ro"),
                                    .recursive = has_option(item, "rbind")};

        if (!host || *host != '/' || !path || *path != '/')
            return bad_edit(spec, "a mount has no absolute paths", err);
        mount.host = xstrdup(host);
        mount.path = xstrdup(path);
        cb_vec_push(&out->mounts, mount);
    }
    return 0;
}

static void add_groups(const json_t *list, struct cb_cdi_edits *out)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) if (json_integer_value(item) > 0)
        cb_strings_addf(&out->groups, "%lld", (long long)json_integer_value(item));
}

static int add_edits(const struct spec *spec, const json_t *owner,
                     struct cb_cdi_edits *out, struct cb_error **err)
{
    const json_t *edits = json_object_get(owner, "containerEdits");

    if (json_array_size(json_object_get(edits, "hooks")) > 0) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "CDI specification `%s` wants hooks, which are programs of the "
                     "host; they are not run",
                     spec->path);
        return cb_error_hint(err, "make a specification without hooks");
    }
    if (add_env(spec, json_object_get(edits, "env"), out, err) < 0 ||
        add_nodes(spec, json_object_get(edits, "deviceNodes"), out, err) < 0 ||
        add_mounts(spec, json_object_get(edits, "mounts"), out, err) < 0)
        return -1;
    add_groups(json_object_get(edits, "additionalGids"), out);
    return 0;
}

/* What all devices of a specification need is given once. */
static int add_device(const struct spec *spec, const json_t *device,
                      struct cb_cdi_edits *out, struct cb_error **err)
{
    if (!cb_strings_contain(&out->kinds, spec->path)) {
        cb_strings_add(&out->kinds, spec->path);
        if (add_edits(spec, spec->json, out, err) < 0)
            return -1;
    }
    return add_edits(spec, device, out, err);
}

/* ── Choosing ── */

int cb_cdi_inject(const struct cb_cdi *cdi, const char *name, struct cb_cdi_edits *edits,
                  struct cb_error **err)
{
    size_t kind_len = strcspn(name, "=");
    const char *wanted = name[kind_len] ? name + kind_len + 1 : "";
    int all = strcmp(wanted, "*") == 0, found = 0;

    cb_vec_foreach (spec, &cdi->specs) {
        size_t i;
        json_t *device;

        if (strlen(spec->kind) != kind_len || strncmp(spec->kind, name, kind_len) != 0)
            continue;
        json_array_foreach(json_object_get(spec->json, "devices"), i, device)
        {
            const char *here = text_at(device, "name");

            if (!here || (*wanted && !all && strcmp(here, wanted) != 0))
                continue;
            if (add_device(spec, device, edits, err) < 0)
                return cb_error_wrap(err, "device `%s`", name);
            found = 1;
            if (!all)
                return 1;
        }
    }
    return found;
}
