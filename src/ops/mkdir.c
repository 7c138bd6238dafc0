/* WORKDIR: a directory that is to be there. One that exists keeps its looks; new ones are
 * 0755 and belong to the user of the moment, or to root with a warning when nobody of
 * that name is there yet, since a RUN may still make the user. Where nothing is missing,
 * the layer is empty. */
#include "ops/dest-priv.h"

struct mkdir_payload {
    struct cb_build_env *env;
    char *path, *user;
};

static void mkdir_parts(const struct mkdir_payload *self, struct cb_key_parts *parts)
{
    cb_key_parts_add(parts, "path", self->path);
    cb_key_parts_add(parts, "user", self->user);
    cb_times_key_part(self->env, parts);
}

static int mkdir_cache_map(void *payload, struct cb_cache_map *map,
                           struct cb_cancel *cancel, struct cb_error **err)
{
    (void)cancel;
    (void)err;
    mkdir_parts(payload, &map->parts);
    map->inputs = xcalloc(1, sizeof(*map->inputs));
    return 0;
}

static int find_owner(const struct mkdir_payload *self, struct cb_exec_context *context,
                      struct cb_owner *out, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    *out = (struct cb_owner){0, 0};
    if (!*self->user || strcmp(self->user, "root") == 0 ||
        cb_owner_resolve(context->inputs[0], self->user, out, &cause) == 0)
        return 0;
    if (cb_error_kind(cause) != CB_ERR_NOT_FOUND)
        return cb_error_move(err, &cause);
    cb_event_say(context->sink, CB_EVENT_WARNING, context->event_id,
                 "WORKDIR %s belongs to root: %s", self->path, cb_error_message(cause));
    return 0;
}

static int make_directory(const struct mkdir_payload *self, struct cb_snapshot *snapshot,
                          struct cb_result *parent, const struct cb_owner *owner,
                          struct cb_error **err)
{
    cb_auto_value(cb_dest) dest = {.fd = -1};
    cb_autofree char *path = NULL;
    struct stat st;
    int there;

    if (cb_dest_open(&dest, snapshot, parent, 0, self->env->source_date_epoch, err) < 0 ||
        cb_dest_resolve(&dest, self->path, &path, err) < 0)
        return -1;
    there = cb_dest_lookup(&dest, path, &st, err);
    if (there < 0)
        return -1;
    if (there && S_ISDIR(st.st_mode))
        return 0;
    if (cb_dest_dirs(&dest, path, owner, 0755, err) < 0)
        return -1;
    return cb_dest_finish(&dest, err);
}

static int mkdir_exec(void *payload, struct cb_exec_context *context,
                      struct cb_result **out, struct cb_error **err)
{
    const struct mkdir_payload *self = payload;
    struct cb_result *parent = context->inputs[0];
    struct cb_digest identity = cb_identity_from("mkdir", &context->key);
    cb_auto(cb_snapshot) snapshot = NULL;
    struct cb_owner owner;

    if (find_owner(self, context, &owner, err) < 0 ||
        cb_snapshot_prepare(self->env->store, cb_snapshot_result_get(parent), &snapshot,
                            err) < 0)
        return -1;
    if (make_directory(self, snapshot, parent, &owner, err) < 0 ||
        cb_times_clamp(self->env, snapshot, err) < 0)
        return cb_error_wrap(err, "WORKDIR %s", self->path);
    return cb_snapshot_seal(self->env, snapshot, &identity, out, err);
}

static void mkdir_free(void *payload)
{
    struct mkdir_payload *self = payload;

    free(self->path);
    free(self->user);
    free(self);
}

static const struct cb_op_class mkdir_op = {
    .name = "mkdir",
    .pool = CB_POOL_CPU,
    .cheap_map = 1,
    .cache_map = mkdir_cache_map,
    .exec = mkdir_exec,
    .free_payload = mkdir_free,
};

int cb_op_mkdir(struct cb_vertex_options *out, struct cb_build_env *env, const char *path,
                const char *user, struct cb_error **err)
{
    cb_auto_value(cb_key_parts) parts = {0};
    struct mkdir_payload *self = xcalloc(1, sizeof(*self));

    (void)err;
    self->env = env;
    self->path = xstrdup(path);
    self->user = xstrdup(user ? user : "");
    mkdir_parts(self, &parts);
    out->op = &mkdir_op;
    out->payload = self;
    out->definition = cb_definition_digest(mkdir_op.name, &parts, NULL);
    return 0;
}
