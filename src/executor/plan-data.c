/* A plan as data: steps of one size, a pool of the texts that they name by offset, and
 * descriptors. The child gets it as it lies in the parent's memory, by a mapping. */
#include "executor/plan-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PLAN_MAGIC 0x6e616c70U

struct plan_header {
    uint32_t magic, count, pool_len, unused;
};

/* ── Making ── */

/* The pool holds secrets. */
static void wipe_pool(struct cb_strbuf *pool)
{
    if (pool->text)
        explicit_bzero(pool->text, pool->len);
    cb_strbuf_free(pool);
}

/* A pool that moves leaves nothing where it was. */
static void grow_pool(struct cb_strbuf *pool, size_t extra)
{
    struct cb_strbuf larger = {0};

    if (pool->len + extra < pool->capacity)
        return;
    cb_strbuf_reserve(&larger, 2 * pool->len + extra);
    cb_strbuf_add(&larger, pool->text, pool->len);
    wipe_pool(pool);
    *pool = larger;
}

void cb_plan_clear(struct cb_plan *plan)
{
    cb_vec_foreach (fd, &plan->fds)
        cb_close(fd);
    cb_vec_free(&plan->fds);
    cb_vec_free(&plan->steps);
    wipe_pool(&plan->pool);
}

struct cb_plan_step *cb_plan_add(struct cb_plan *plan, enum cb_plan_kind kind)
{
    struct cb_plan_step step = {.kind = kind, .fd = -1};

    cb_vec_push(&plan->steps, step);
    return &plan->steps.items[plan->steps.count - 1];
}

struct cb_plan_step *cb_plan_add_target(struct cb_plan *plan, enum cb_plan_kind kind,
                                        const char *target)
{
    uint32_t at = cb_plan_text(plan, target);
    struct cb_plan_step *step = cb_plan_add(plan, kind);

    step->target = at;
    return step;
}

uint32_t cb_plan_bytes(struct cb_plan *plan, const void *bytes, size_t len)
{
    uint32_t offset;

    grow_pool(&plan->pool, len + 2);
    if (!plan->pool.len)
        cb_strbuf_addc(&plan->pool, '\0'); /* offset 0: the empty string */
    offset = plan->pool.len;
    cb_strbuf_add(&plan->pool, bytes, len);
    cb_strbuf_addc(&plan->pool, '\0');
    return offset;
}

uint32_t cb_plan_text(struct cb_plan *plan, const char *text)
{
    return cb_plan_bytes(plan, text, strlen(text));
}

int cb_plan_take_fd(struct cb_plan *plan, int fd)
{
    cb_vec_push(&plan->fds, fd);
    return plan->fds.count - 1;
}

/* ── Carrying ── */

int cb_plan_to_memfd(const struct cb_plan *plan, int *fd, uint32_t *len,
                     struct cb_error **err)
{
    struct plan_header header = {PLAN_MAGIC, plan->steps.count, plan->pool.len, 0};
    size_t steps_len = plan->steps.count * sizeof(*plan->steps.items);
    cb_autofd int file = memfd_create("cbuild-plan", MFD_CLOEXEC);

    if (file < 0)
        return cb_error_errno(err, errno, "create a memory file");
    if (cb_fs_write_all(file, &header, sizeof(header)) < 0 ||
        cb_fs_write_all(file, plan->steps.items, steps_len) < 0 ||
        cb_fs_write_all(file, plan->pool.text, plan->pool.len) < 0)
        return cb_error_errno(err, errno, "write the sandbox plan");
    *len = sizeof(header) + steps_len + plan->pool.len;
    *fd = cb_steal_fd(&file);
    return 0;
}

int cb_plan_map(struct cb_plan_view *out, int fd, uint32_t len, struct cb_error **err)
{
    const struct plan_header *header;
    char *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        return cb_error_errno(err, errno, "map the sandbox plan");
    header = (const struct plan_header *)bytes;
    if (len < sizeof(*header) || header->magic != PLAN_MAGIC ||
        len != sizeof(*header) + header->count * sizeof(struct cb_plan_step) +
                   header->pool_len)
        return cb_error_set(err, CB_ERR_INTEGRITY, "sandbox plan is damaged");
    out->steps = (const struct cb_plan_step *)(bytes + sizeof(*header));
    out->count = header->count;
    out->pool = bytes + sizeof(*header) + header->count * sizeof(struct cb_plan_step);
    return 0;
}
