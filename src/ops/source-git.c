/* A commit of a git repository as a vertex: a filesystem of its files. A branch or tag is
 * looked up anew in each build; the commit it names is the key. */
#include "ops/exec-priv.h"

#include "ops/facts.h"

#include <stdio.h>

struct git_payload {
    struct cb_build_env *env;
    struct cb_git_ref ref;
    struct cb_git_commit commit; /* once mapped */
};

/* What a fetch has of the build: for ssh, if --ssh gives it, an agent's socket. */
struct access {
    struct cb_remote remote;
    struct cb_ssh_socket *socket;
    char path[64];
};

static void access_close(struct access *access)
{
    cb_ssh_socket_close(access->socket);
}
CB_AUTO_VALUE_DEFINE(access, access_close)

static int open_access(struct access *access, const struct git_payload *self,
                       struct cb_cancel *cancel, struct cb_error **err)
{
    struct cb_build_env *env = self->env;
    struct cb_ssh_source source = {env->ssh, env->ssh_arg, "default"};
    int given;

    access->remote = cb_remote_for(env, cancel);
    if (strcmp(self->ref.scheme, "ssh") != 0 || !env->ssh)
        return 0;
    given = env->ssh(env->ssh_arg, source.id, NULL, err);
    if (given <= 0)
        return given;
    if (cb_ssh_socket_open(&access->socket, env->store, &source, err) < 0)
        return -1;
    /* A socket's address has room for 107 bytes, the store's path may be longer. */
    snprintf(access->path, sizeof(access->path), "/proc/%d/fd/%d", (int)getpid(),
             cb_ssh_socket_fd(access->socket));
    access->remote.ssh_agent = access->path;
    return 0;
}

static int git_cache_map(void *payload, struct cb_cache_map *map,
                         struct cb_cancel *cancel, struct cb_error **err)
{
    struct git_payload *self = payload;
    cb_auto_value(access) access = {0};
    cb_autofree char *key = NULL;

    if (!self->commit.commit &&
        (open_access(&access, self, cancel, err) < 0 ||
         cb_git_resolve(&access.remote, &self->ref, &self->commit, err) < 0))
        return -1;
    key = cb_git_tree_key(&self->ref, &self->commit);
    cb_key_parts_add(&map->parts, "commit", key);
    return 0;
}

static int git_exec(void *payload, struct cb_exec_context *context,
                    struct cb_result **out, struct cb_error **err)
{
    struct git_payload *self = payload;
    struct cb_digest identity = cb_identity_from("git", &context->key);
    cb_auto_value(access) access = {0};
    cb_auto(cb_snapshot) snapshot = NULL;

    if (open_access(&access, self, context->cancel, err) < 0 ||
        cb_git_tree(&access.remote, &self->ref, &self->commit, &snapshot, err) < 0)
        return -1;
    *out = cb_snapshot_result_new(self->env, snapshot, &identity);
    return 0;
}

static void git_free(void *payload)
{
    struct git_payload *self = payload;

    cb_git_ref_clear(&self->ref);
    cb_git_commit_clear(&self->commit);
    free(self);
}

static void git_describe(const void *payload, void *facts)
{
    const struct git_payload *self = payload;
    struct cb_step_facts *out = facts;

    out->kind = CB_STEP_GIT;
    out->repository = &self->ref;
    out->commit = &self->commit;
}

static const struct cb_op_class git_op = {
    .name = "git",
    .pool = CB_POOL_IO,
    .cache_map = git_cache_map,
    .exec = git_exec,
    .free_payload = git_free,
    .describe = git_describe,
};

int cb_op_git(struct cb_vertex_options *out, struct cb_build_env *env,
              struct cb_git_ref *ref, struct cb_error **err)
{
    cb_auto_value(cb_key_parts) parts = {0};
    struct git_payload *self = xcalloc(1, sizeof(*self));

    (void)err;
    self->env = env;
    self->ref = *ref;
    *ref = (struct cb_git_ref){0};
    cb_key_parts_add(&parts, "remote", self->ref.remote);
    cb_key_parts_add(&parts, "userinfo", self->ref.userinfo);
    cb_key_parts_add(&parts, "ref", self->ref.ref);
    cb_key_parts_add(&parts, "subdir", self->ref.subdir);
    cb_key_parts_add(&parts, "checksum", self->ref.checksum);
    cb_key_parts_addf(&parts, "flags", "%d %d %d %d", self->ref.keep_git_dir,
                      self->ref.submodules, self->ref.commit_times,
                      self->ref.fetch_by_commit);
    out->op = &git_op;
    out->payload = self;
    out->definition = cb_definition_digest(git_op.name, &parts, NULL);
    return 0;
}
