/* RUN --mount: each value is expanded in the stage's scope, parsed, and bound to a vertex
 * input. Secrets are named here, never read. */
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>
#include <strings.h>

#define MAX_FAULTY 20 /* mounts of a RUN are told of */

/* from= is read from the value as written, a list of
 * comma-separated fields, each perhaps in double quotes. */
char *cb_convert_mount_from(const char *value)
{
    cb_auto_value(cb_strbuf) field = {0};
    int quoted = 0;

    for (const char *c = value;; c++) {
        if (*c == '"') {
            quoted = !quoted;
        } else if (*c && (*c != ',' || quoted)) {
            cb_strbuf_addc(&field, *c);
        } else {
            const char *text = cb_strbuf_text(&field);

            while (*text == ' ' || *text == '\t')
                text++;
            if (!strncasecmp(text, "from=", 5))
                return xstrdup(text + 5);
            cb_strbuf_truncate(&field, 0);
        }
        if (!*c)
            return NULL;
    }
}

/* A --mount on its way to being one of the step's. */
struct mounting {
    struct cb_stage *stage;
    const struct cb_item *item;
    const struct cb_origin *origin; /* of its files */
    const struct cb_run_mount *mount;
    struct cb_run_inputs *inputs; /* those of the mounts before it */
};

/* Index of the input, added when new. */
static int input_of(struct cb_run_inputs *inputs, struct cb_edge edge)
{
    for (size_t i = 1; i < inputs->edges.count; i++) {
        if (inputs->edges.items[i].vertex == edge.vertex)
            return (int)i;
    }
    cb_vec_push(&inputs->edges, edge);
    return (int)inputs->edges.count - 1;
}

static int absolute_target(const struct mounting *mounting, struct cb_exec_mount *out,
                           struct cb_error **err)
{
    const struct cb_run_mount *mount = mounting->mount;
    struct cb_stage *stage = mounting->stage;
    cb_autofree char *path = NULL;

    if (!mount->target || !*mount->target)
        return cb_error_set(err, CB_ERR_SYNTAX, "--mount needs a target");
    path = cb_convert_path(stage, mount->target);
    if (!strcmp(path, "/"))
        return cb_error_set(err, CB_ERR_SYNTAX, "invalid mount target `/`");
    out->target = cb_arena_strdup(stage->planner->arena, path);
    return 0;
}

static int add_input(const struct mounting *mounting, struct cb_exec_mount *out,
                     struct cb_error **err)
{
    const struct cb_run_mount *mount = mounting->mount;
    struct cb_edge edge;

    if (cb_convert_origin(mounting->stage, mounting->item, mounting->origin, &edge, err) <
        0)
        return -1;
    out->input = input_of(mounting->inputs, edge);
    out->source = mount->source && *mount->source ? mount->source : "/";
    return 0;
}

static int bind_mount(const struct mounting *mounting, struct cb_exec_mount *out,
                      struct cb_error **err)
{
    out->type = CB_EXEC_BIND;
    if (absolute_target(mounting, out, err) < 0)
        return -1;
    return add_input(mounting, out, err);
}

/* A cache is named by its target as written unless it has an id, within the namespace a
 * build argument may set. */
static int cache_mount(const struct mounting *mounting, struct cb_exec_mount *out,
                       struct cb_error **err)
{
    const struct cb_run_mount *mount = mounting->mount;
    struct cb_planner *planner = mounting->stage->planner;
    struct cb_arena *arena = planner->arena;
    const char *space = cb_scope_build_arg(planner, "BUILDKIT_CACHE_MOUNT_NS");
    cb_autofree char *cleaned = NULL;

    out->type = CB_EXEC_CACHE;
    out->sharing = (int)mount->sharing;
    if (absolute_target(mounting, out, err) < 0)
        return -1;
    cleaned = mount->id && *mount->id ? xstrdup(mount->id) : cb_path_clean(mount->target);
    out->id = space && *space ? cb_arena_printf(arena, "%s/%s", space, cleaned)
                              : cb_arena_strdup(arena, cleaned);
    out->source = mount->source;
    if (!mount->from || !*mount->from)
        return 0;
    return add_input(mounting, out, err);
}

static int tmpfs_mount(const struct mounting *mounting, struct cb_exec_mount *out,
                       struct cb_error **err)
{
    out->type = CB_EXEC_TMPFS;
    out->size_bytes = mounting->mount->size_bytes;
    return absolute_target(mounting, out, err);
}

static int secret_mount(const struct mounting *mounting, struct cb_exec_mount *out,
                        struct cb_error **err)
{
    const struct cb_run_mount *mount = mounting->mount;
    struct cb_arena *arena = mounting->stage->planner->arena;
    const char *target = mount->target && *mount->target ? mount->target : NULL;
    const char *id = mount->id && *mount->id ? mount->id : mount->source;
    cb_autofree char *cleaned = NULL, *path = NULL;

    out->type = CB_EXEC_SECRET;
    out->env = mount->env;
    if ((!id || !*id) && !target)
        return cb_error_set(err, CB_ERR_SYNTAX, "a secret mount needs an id or a target");
    cleaned = cb_path_clean(id && *id ? id : target);
    out->id = id && *id ? id : cb_arena_strdup(arena, cb_path_base(cleaned));
    if (!target && !mount->env)
        out->target = cb_arena_printf(arena, "/run/secrets/%s", cb_path_base(cleaned));
    if (!target)
        return 0;
    path = cb_convert_path(mounting->stage, target);
    out->target = cb_arena_strdup(arena, path);
    return 0;
}

/* The first socket's place is what SSH_AUTH_SOCK says (convert-run.c). */
static int ssh_mount(const struct mounting *mounting, struct cb_exec_mount *out,
                     struct cb_error **err)
{
    const struct cb_run_mount *mount = mounting->mount;
    struct cb_arena *arena = mounting->stage->planner->arena;
    unsigned earlier = 0;

    if (mount->source)
        return cb_error_set(err, CB_ERR_SYNTAX, "ssh does not support source");
    cb_vec_foreach (other, &mounting->inputs->mounts)
        earlier += other->type == CB_EXEC_SSH;
    out->type = CB_EXEC_SSH;
    out->id = mount->id ? mount->id : "default";
    if (mount->target)
        return absolute_target(mounting, out, err);
    out->target = cb_arena_printf(arena, "/run/buildkit/ssh_agent.%u", earlier);
    return 0;
}

static int (*const mount_kinds[])(const struct mounting *, struct cb_exec_mount *,
                                  struct cb_error **) = {
    [CB_RUN_MOUNT_BIND] = bind_mount,   [CB_RUN_MOUNT_CACHE] = cache_mount,
    [CB_RUN_MOUNT_TMPFS] = tmpfs_mount, [CB_RUN_MOUNT_SECRET] = secret_mount,
    [CB_RUN_MOUNT_SSH] = ssh_mount,
};

static int add_mount(struct cb_stage *stage, const struct cb_item *item, size_t index,
                     struct cb_run_inputs *inputs, struct cb_error **err)
{
    const struct cb_flag *flag = &item->inst->run.mounts[index];
    struct cb_run_mount mount = {0};
    const struct mounting mounting = {.stage = stage,
                                      .item = item,
                                      .origin = &item->origins[index],
                                      .mount = &mount,
                                      .inputs = inputs};
    struct cb_exec_mount out = {.input = -1};

    if (cb_scope_expand_mount(stage, item, flag, &mount, err) < 0)
        return -1;
    out.read_only = mount.read_only;
    out.required = mount.required;
    out.has_mode = mount.has_mode;
    out.mode = mount.has_mode                      ? mount.mode
               : mount.type == CB_RUN_MOUNT_SECRET ? 0400
               : mount.type == CB_RUN_MOUNT_SSH    ? 0600
                                                   : 0755;
    out.uid = mount.has_uid ? mount.uid : 0;
    out.gid = mount.has_gid ? mount.gid : 0;
    if (mount_kinds[mount.type](&mounting, &out, err) < 0)
        return -1;
    cb_outline_note_mount(stage, item, &mount, &out);
    if (out.type == CB_EXEC_CACHE)
        cb_given_note_cache(stage->planner, out.id);
    cb_vec_push(&inputs->mounts, out);
    return 0;
}

int cb_convert_run_mounts(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_run_inputs *out, struct cb_error **err)
{
    const struct cb_inst_run *run = &item->inst->run;

    unsigned faulty = 0;

    for (size_t i = 0; i < run->mount_count && faulty < MAX_FAULTY; i++) {
        struct cb_error *error = NULL;

        if (add_mount(stage, item, i, out, &error) == 0)
            continue;
        cb_error_at(&error, item->source, run->mounts[i].span);
        cb_error_append(err, error);
        faulty++;
    }
    return faulty ? -1 : 0;
}
