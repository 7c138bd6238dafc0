/* How criu is called, and what it is lent. */
#include "executor/plan-priv.h"

#include "executor/sandbox-priv.h"

#include <sched.h>

#define IMAGES_PATH "/proc/self/fd/" CB_RESTORE_FD_IMAGES_TEXT

static void add_option(struct cb_strings *words, const char *option, const char *value)
{
    cb_strings_add(words, option);
    cb_strings_add(words, value);
}

static void add_call(struct cb_strings *words, const struct cb_restore *restore)
{
    cb_strings_add(words, restore->program);
    cb_strings_add(words, "restore");
    cb_strings_add(words, "--no-default-config");
    add_option(words, "--images-dir", IMAGES_PATH);
    add_option(words, "--work-dir", IMAGES_PATH);
    add_option(words, "--log-file", CB_RESTORE_LOG);
    add_option(words, "--pidfile", CB_RESTORE_PID);
    cb_strings_add(words, "--restore-detached");
    cb_strings_add(words, "--restore-sibling");
    cb_strings_add(words, "--root");
    cb_strings_addf(words, "%s%s", restore->stage, CB_STAGE_ROOTFS);
    /* It is in the groups that they are to be in. */
    cb_strings_add(words, "--manage-cgroups=ignore");
    cb_strings_add(words, "--file-locks");
}

static int give(struct cb_plan *plan, struct cb_plan_step *step, int which, int fd,
                struct cb_error **err)
{
    int index = -1;

    if (cb_plan_share_fd(plan, fd, &index, err) < 0)
        return -1;
    step->value2 |= (uint64_t)(index + 1) << (8 * which);
    return index;
}

/* The streams that it gets anew, and its network. */
static int add_descriptors(struct cb_plan *plan, const struct cb_process_spec *spec,
                           struct cb_plan_step *step, struct cb_strings *words,
                           struct cb_error **err)
{
    const int streams[] = {spec->stdin_fd, spec->stdout_fd, spec->stderr_fd};
    int images = give(plan, step, CB_RESTORE_FD_IMAGES, spec->restore->images_fd, err);

    if (images < 0)
        return -1;
    plan->restores = images + 1;
    for (int i = 0; i < 3; i++) {
        if (streams[i] < 0 || !*spec->restore->streams[i])
            continue;
        if (give(plan, step, CB_RESTORE_FD_STREAMS + i, streams[i], err) < 0)
            return -1;
        cb_strings_add(words, "--inherit-fd");
        cb_strings_addf(words, "fd[%d]:%s",
                        CB_RESTORE_FD_FIRST + CB_RESTORE_FD_STREAMS + i,
                        spec->restore->streams[i]);
    }
    if (!spec->host_network) {
        cb_strings_add(words, "--inherit-fd");
        cb_strings_addf(words, "fd[%d]:%s", CB_RESTORE_FD_FIRST + CB_RESTORE_FD_NET,
                        CB_RESTORE_NET);
    }
    return 0;
}

static void add_mounts(struct cb_plan *plan, const struct cb_restore *restore,
                       struct cb_strings *words)
{
    for (size_t i = 0; i < restore->ours->count; i++) {
        cb_plan_add_target(plan, CB_PLAN_LEND, restore->ours->items[i])->value = i;
        cb_strings_add(words, "--external");
        cb_strings_addf(words, "mnt[%s%zu]:%s%s/%zu", CB_RESTORE_OURS, i, restore->stage,
                        CB_STAGE_LENT, i);
    }
    cb_vec_foreach (path, restore->theirs)
        cb_plan_add_target(plan, CB_PLAN_LEND, *path)->flags = CB_PLAN_FIXED;
}

int cb_plan_add_restore(struct cb_plan *plan, const struct cb_process_spec *spec,
                        struct cb_error **err)
{
    struct cb_plan_step step = {.kind = CB_PLAN_RESTORE};
    cb_auto_value(cb_strings) words = {0};
    int host = -1;

    if (spec->init || spec->tty || plan->born_late || spec->host_pid || spec->host_ipc)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "processes like these cannot be restored");
    add_call(&words, spec->restore);
    add_mounts(plan, spec->restore, &words);
    if (add_descriptors(plan, spec, &step, &words, err) < 0 ||
        cb_plan_clone_host(plan, &host, err) < 0)
        return -1;
    step.fd = host;
    step.target = cb_plan_text(plan, spec->restore->stage);
    cb_vec_foreach (word, &words) {
        uint32_t at = cb_plan_text(plan, *word);

        step.text = step.text ? step.text : at;
    }
    step.value = words.count;
    cb_vec_push(&plan->steps, step);
    plan->namespaces &= ~(uint64_t)CLONE_NEWPID; /* its first process has to be theirs */
    return 0;
}
