/* Layers on their way into an archive as deltas. A member's length stands before it, so
 * each is made beside the store's tmp first, as are the two tars it is made of: they are
 * read more than once and at any place. */
#include "exporter/delta.h"

#include "store/layer.h"
#include "store/zeros.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (256u << 10)

void cb_delta_bases_clear(struct cb_delta_bases *bases)
{
    cb_map_free(bases->bases);
    bases->bases = NULL;
}

char *cb_delta_path(const struct cb_digest *diff_id)
{
    char text[CB_DIGEST_MAX_TEXT];

    return xasprintf("deltas/sha256/%s", cb_digest_hex(diff_id, text));
}

/* ── Which by which ── */

static int has_layer(const struct cb_image_config *config,
                     const struct cb_digest *diff_id)
{
    cb_vec_foreach (other, &config->diff_ids) {
        if (cb_digest_equal(other, diff_id))
            return 1;
    }
    return 0;
}

/* The next layer of CONFIG that OTHER has not, from *AT on; its chain id is *CHAIN. NULL:
 * there is none. */
static const struct cb_digest *next_of_its_own(const struct cb_image_config *config,
                                               const struct cb_image_config *other,
                                               size_t *at, struct cb_digest *chain)
{
    while (*at < config->diff_ids.count) {
        const struct cb_digest *diff_id = &config->diff_ids.items[*at];

        *chain = cb_chain_id(*at ? chain : NULL, diff_id);
        (*at)++;
        if (diff_id->algorithm == CB_SHA256 && !has_layer(other, diff_id))
            return diff_id;
    }
    return NULL;
}

void cb_delta_bases_add(struct cb_delta_bases *bases, const struct cb_image_config *image,
                        const struct cb_image_config *base)
{
    struct cb_digest chain = {0}, base_chain = {0};
    size_t at = 0, base_at = 0;

    if (!bases->bases)
        bases->bases = cb_map_new(free);
    for (;;) {
        const struct cb_digest *diff_id = next_of_its_own(image, base, &at, &chain);
        const struct cb_digest *by = next_of_its_own(base, image, &base_at, &base_chain);
        char text[CB_DIGEST_MAX_TEXT];
        struct cb_delta_head *head;

        if (!diff_id || !by)
            return;
        head = xcalloc(1, sizeof(*head));
        head->diff_id = *by;
        head->chain_id = base_chain;
        cb_map_set(bases->bases, cb_digest_text(diff_id, text), head);
    }
}

/* ── Files ── */

struct growing {
    int fd;
    int64_t size;
};

static int write_file(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct growing *file = arg;

    if (cb_zeros_append(file->fd, bytes, len, file->size) < 0)
        return cb_error_errno(err, errno, "write a layer to the store's `tmp`");
    file->size += (int64_t)len;
    return 0;
}

static int make_file(const struct cb_scratch *scratch, const char *name,
                     struct cb_error **err)
{
    int fd = openat(cb_scratch_fd(scratch), name,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s` in the store's `tmp`", name);
    return fd;
}

int cb_delta_tar(struct cb_store *store, const struct cb_scratch *scratch,
                 const char *name, const struct cb_digest *chain_id,
                 const struct cb_digest *diff_id, struct cb_error **err)
{
    cb_autofd int fd = make_file(scratch, name, err);
    struct growing file = {.fd = fd};

    if (fd < 0 ||
        cb_layer_stream_tar(store, chain_id, diff_id, write_file, &file, err) < 0)
        return -1;
    return cb_steal_fd(&fd);
}

/* ── Writing ── */

static int make_delta(struct cb_archive_writer *writer, const struct cb_scratch *scratch,
                      struct cb_delta_head *head, const struct cb_digest *chain_id,
                      const struct cb_digest *diff_id, struct cb_error **err)
{
    struct cb_store *store = writer->env->store;
    cb_autofd int base =
        cb_delta_tar(store, scratch, "base", &head->chain_id, &head->diff_id, err);
    cb_autofd int new =
        base < 0 ? -1 : cb_delta_tar(store, scratch, "new", chain_id, diff_id, err);
    cb_autofd int delta = new < 0 ? -1 : make_file(scratch, "delta", err);
    struct growing file = {.fd = delta};
    const struct cb_delta_sink sink = {write_file, &file};

    if (delta < 0)
        return -1;
    head->bytes = lseek(new, 0, SEEK_END);
    if (cb_delta_make(head, base, new, &sink, writer->env->cancel, err) < 0)
        return -1;
    return cb_steal_fd(&delta);
}

static int copy_member(struct cb_archive_writer *writer, int fd, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(BUFFER);
    int64_t at = 0;

    for (;;) {
        ssize_t len = pread(fd, buffer, BUFFER, at);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return cb_error_errno(err, errno, "read a delta");
        if (len == 0)
            return 0;
        if (cb_cancel_check(writer->env->cancel, err) < 0 ||
            cb_archive_add_data(writer, buffer, (size_t)len, err) < 0)
            return -1;
        at += len;
    }
}

int cb_delta_save(struct cb_archive_writer *writer, const struct cb_delta_bases *bases,
                  const struct cb_digest *chain_id, const struct cb_digest *diff_id,
                  struct cb_error **err)
{
    cb_autofree char *path = cb_delta_path(diff_id);
    cb_auto(cb_scratch) scratch = NULL;
    cb_autofd int fd = -1;
    char text[CB_DIGEST_MAX_TEXT];
    struct cb_delta_head *head =
        bases->bases ? cb_map_get(bases->bases, cb_digest_text(diff_id, text)) : NULL;

    if (!head)
        return 0;
    if (cb_archive_seen(writer, diff_id))
        return 1;
    if (cb_store_scratch(writer->env->store, &scratch, err) < 0)
        return -1;
    fd = make_delta(writer, scratch, head, chain_id, diff_id, err);
    if (fd < 0 || cb_archive_add_member(writer, path, lseek(fd, 0, SEEK_END), err) < 0 ||
        copy_member(writer, fd, err) < 0)
        return -1;
    return 1;
}
