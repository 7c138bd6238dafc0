/* What of a sandbox needs no root: the kernel's filesystems, the devices, the masks. A
 * child that waits for its plan mounts it in a directory of the stage, by the same steps,
 * and puts copies of the trees into the root when that is there: the mounts of a process
 * are listed in the order in which they were made, of which the root is to be the first.
 * The plan remains the one truth: only where it says step by step what was done already
 * is that taken, else it is done anew. */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char *const trees[] = {"proc", "sys", "dev"};

int cb_early_fill(int root_fd)
{
    cb_autofd int dir = -1;

    if (mkdirat(root_fd, &CB_STAGE_EARLY[1], 0755) < 0)
        return -1;
    dir = openat(root_fd, &CB_STAGE_EARLY[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < CB_ARRAY_SIZE(trees); i++) {
        if (mkdirat(dir, trees[i], 0755) < 0)
            return -1;
    }
    return 0;
}

int cb_early_mount(struct cb_sandbox *sandbox, struct cb_error **err)
{
    int failed = 0;

    sandbox->early_fd = open(CB_STAGE_EARLY, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sandbox->early_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", CB_STAGE_EARLY);
    sandbox->root_fd = sandbox->early_fd;
    for (size_t i = 0; i < sandbox->plan.count && !failed; i++)
        failed = cb_sandbox_walk(sandbox, &sandbox->plan.steps[i], err) < 0;
    sandbox->root_fd = -1;
    if (failed)
        return -1;
    sandbox->early = sandbox->plan;
    return 0;
}

/* Nothing but texts is in the pool of these steps. */
static int is_same(const struct cb_sandbox *sandbox, const struct cb_plan_step *early,
                   const struct cb_plan_step *step)
{
    const char *had = sandbox->early.pool;

    return early->kind == step->kind && early->flags == step->flags && step->fd < 0 &&
           early->mode == step->mode && early->uid == step->uid &&
           early->gid == step->gid && early->value == step->value &&
           early->value2 == step->value2 &&
           !strcmp(had + early->target, cb_sandbox_text(sandbox, step->target)) &&
           !strcmp(had + early->text, cb_sandbox_text(sandbox, step->text)) &&
           !strcmp(had + early->options, cb_sandbox_text(sandbox, step->options));
}

int cb_early_is(const struct cb_sandbox *sandbox, size_t at)
{
    size_t count = sandbox->early.count;

    if (!count || sandbox->plan.count - at < count)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_same(sandbox, &sandbox->early.steps[i], &sandbox->plan.steps[at + i]))
            return 0;
    }
    return 1;
}

/* What was mounted early goes with the stage. Takes DEV_FD. */
static int use_dev(struct cb_sandbox *sandbox, int dev_fd, struct cb_error **err)
{
    cb_close(&sandbox->dev_fd);
    cb_close(&sandbox->pts_fd);
    sandbox->dev_fd = dev_fd;
    sandbox->pts_fd =
        openat(dev_fd, "pts", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return sandbox->pts_fd < 0 ? cb_error_errno(err, errno, "open `/dev/pts`") : 0;
}

static int place(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 const char *name, struct cb_error **err)
{
    cb_autofd int target = -1;
    cb_autofd int tree = cb_tree_clone(&sandbox->api, sandbox->early_fd, name, 1, 0, 0);

    if (cb_target_open(sandbox, step, &target, err) < 0)
        return cb_error_wrap(err, "mount on `/%s`", name);
    if (tree < 0 || cb_tree_attach(&sandbox->api, tree, target, "") < 0)
        return cb_error_errno(err, errno, "mount on `/%s`", name);
    return step->flags & CB_PLAN_IS_DEV ? use_dev(sandbox, cb_steal_fd(&tree), err) : 0;
}

/* What is mounted below comes along. */
int cb_early_place(struct cb_sandbox *sandbox, size_t at, struct cb_error **err)
{
    for (size_t i = at; i < at + sandbox->early.count; i++) {
        const struct cb_plan_step *step = &sandbox->plan.steps[i];
        const char *name = cb_sandbox_text(sandbox, step->target) + 1;

        if (step->kind == CB_PLAN_FILESYSTEM && !strchr(name, '/') &&
            place(sandbox, step, name, err) < 0)
            return -1;
    }
    return 0;
}

void cb_early_forget(struct cb_sandbox *sandbox)
{
    sandbox->early = (struct cb_plan_view){0};
    cb_close(&sandbox->early_fd);
    cb_close(&sandbox->dev_fd);
    cb_close(&sandbox->pts_fd);
}
