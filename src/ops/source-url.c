/* A file at a URL as a vertex: a filesystem that holds nothing but it. The key is what
 * the server delivers, not where: name, content, time. So a URL whose content did not
 * change is a hit, and one of which only Last-Modified did is not, as the file's time is
 * part of the image. */
#include "ops/ops-priv.h"

#include "ops/facts.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

struct url_payload {
    struct cb_build_env *env;
    char *url, *name;
    struct cb_digest checksum;
    struct cb_url_body body; /* once mapped */
};

static int url_cache_map(void *payload, struct cb_cache_map *map,
                         struct cb_cancel *cancel, struct cb_error **err)
{
    struct url_payload *self = payload;
    const struct cb_digest *checksum =
        cb_digest_is_set(&self->checksum) ? &self->checksum : NULL;
    const struct cb_remote remote = cb_remote_for(self->env, cancel);
    char digest[CB_DIGEST_MAX_TEXT];

    if (cb_url_resolve_body(&remote, self->url, checksum, &self->body, err) < 0)
        return -1;
    cb_key_parts_add(&map->parts, "name", self->name);
    cb_key_parts_add(&map->parts, "content", cb_digest_text(&self->body.digest, digest));
    if (!checksum && !self->body.is_pinned && self->body.mtime_s >= 0)
        cb_key_parts_addf(&map->parts, "last-modified", "%" PRId64, self->body.mtime_s);
    return 0;
}

/* Mode 0600 and, where the server names no time, that of 1970: what docker makes of it.
 */
static int write_file(const struct url_payload *self, int from, int dir_fd,
                      struct cb_error **err)
{
    int64_t mtime = self->body.mtime_s >= 0 ? self->body.mtime_s : 0;
    struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    cb_autofd int fd = openat(dir_fd, self->name,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s`", self->name);
    if (cb_fs_copy_data(from, fd, -1, err) < 0)
        return -1;
    if (fchmod(fd, 0600) < 0 || futimens(fd, times) < 0 || fchmod(dir_fd, 0755) < 0)
        return cb_error_errno(err, errno, "finish `%s`", self->name);
    return 0;
}

static int url_exec(void *payload, struct cb_exec_context *context,
                    struct cb_result **out, struct cb_error **err)
{
    struct url_payload *self = payload;
    const struct cb_remote remote = cb_remote_for(self->env, context->cancel);
    struct cb_digest identity = cb_identity_from("url", &context->key);
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int body = -1;
    cb_autofd int dir = -1;

    if (cb_url_open_body(&remote, self->url, &self->body, &body, err) < 0 ||
        cb_snapshot_prepare(self->env->store, NULL, &snapshot, err) < 0 ||
        cb_snapshot_open_upper(snapshot, &dir, err) < 0 ||
        write_file(self, body, dir, err) < 0)
        return -1;
    cb_close(&dir);
    return cb_snapshot_seal(self->env, snapshot, &identity, out, err);
}

static void url_free(void *payload)
{
    struct url_payload *self = payload;

    free(self->url);
    free(self->name);
    free(self);
}

static void url_describe(const void *payload, void *facts)
{
    const struct url_payload *self = payload;
    struct cb_step_facts *out = facts;

    out->kind = CB_STEP_URL;
    out->url = self->url;
    out->digest = self->body.digest;
}

static const struct cb_op_class url_op = {
    .name = "url",
    .pool = CB_POOL_IO,
    .cache_map = url_cache_map,
    .exec = url_exec,
    .free_payload = url_free,
    .describe = url_describe,
};

int cb_op_url(struct cb_vertex_options *out, struct cb_build_env *env, const char *url,
              const char *name, const char *checksum, struct cb_error **err)
{
    cb_auto_value(cb_key_parts) parts = {0};
    struct cb_digest digest = {0};
    struct url_payload *self;

    if (checksum && cb_digest_parse(&digest, checksum, err) < 0)
        return -1;
    self = xcalloc(1, sizeof(*self));
    self->env = env;
    self->url = xstrdup(url);
    self->name = xstrdup(name);
    self->checksum = digest;
    cb_key_parts_add(&parts, "url", url);
    cb_key_parts_add(&parts, "name", name);
    cb_key_parts_add(&parts, "checksum", checksum);
    out->op = &url_op;
    out->payload = self;
    out->definition = cb_definition_digest(url_op.name, &parts, NULL);
    return 0;
}
