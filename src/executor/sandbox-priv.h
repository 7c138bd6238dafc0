/* The child's side: one single-threaded process between clone and exec, walking a plan.
 * What it needs from the launcher was opened there once and comes by fork. */
#ifndef CB_EXECUTOR_SANDBOX_PRIV_H
#define CB_EXECUTOR_SANDBOX_PRIV_H

#include "executor/cgroup-priv.h"
#include "executor/devices-priv.h"
#include "executor/mount-api-priv.h"
#include "executor/plan-priv.h"
#include "executor/protocol-priv.h"
#include "executor/seccomp-priv.h"

#include <sys/stat.h>

/* The launcher's own small root, whose copy every child starts in. */
#define CB_STAGE_ROOTFS "/rootfs" /* the step's root is attached here */
#define CB_STAGE_FILES  "/files"  /* a tmpfs for small files */
#define CB_STAGE_EARLY \
    "/early" /* a root that holds what is mounted before there is one */
#define CB_STAGE_EMPTY "/empty" /* an empty read-only directory, for masks */
#define CB_STAGE_NULL  "/null"  /* /dev/null, for masks */
#define CB_STAGE_HOST  "/host"  /* for criu: all of the host's, which becomes the root, */
#define CB_STAGE_LENT  "/lent"  /* and what is mounted in the step's root */
#define CB_STAGE_PROC  "/proc"  /* in a user namespace: the outer procfs and sysfs, */
#define CB_STAGE_SYS   "/sys"   /* without which the kernel makes no new ones */

/* Prepared by the launcher before its first child; immutable afterwards. */
struct cb_stage {
    int proc_fd;    /* the host's procfs, checked; every write to /proc goes here */
    int self_pidfd; /* readable when the launcher is gone */
    int legacy;     /* no mounts by descriptor: each child makes itself a stage */
    int in_userns;
    uint64_t seccomp_caps;
    struct sock_fprog seccomp; /* for seccomp_caps */
    struct cb_cgroups cgroups;
};
int cb_stage_prepare(struct cb_stage *stage, struct cb_error **err);
struct cb_sandbox;
/* stage-legacy.c: the same in the child, and mounts of what the plan brought. */
int cb_stage_make_own(struct cb_sandbox *sandbox, struct cb_error **err);
/* The directories of a stage, in the tmpfs ROOT_FD. */
int cb_stage_fill(int root_fd, struct cb_error **err);

struct cb_stub_record {
    int dir_fd;
    char *name;
    uint64_t ino;
    int is_directory;
};

struct cb_sandbox {
    const struct cb_stage *stage;
    struct cb_mount_api api;
    const struct cb_cgroup *cgroup;
    int private_cgroup; /* its leaf is the root of what it sees */
    struct cb_plan_view plan;
    struct cb_plan_view early; /* what is mounted in EARLY_FD already; or of no steps */
    int early_fd;
    int *fds; /* descriptors of the plan */
    size_t fd_count;
    int report_fd;
    int join_fd; /* pidfd of the process that is joined, or -1 */
    pid_t join_pid;
    pid_t *born; /* a page shared with the launcher: who was born inside; or NULL */
    int root_fd; /* the step's root, from when it is attached */
    int dev_fd, pts_fd, cwd_fd, tty_fd;
    int files_fd;
    unsigned files;
    int lends; /* there is a place for what is lent */
    CB_VEC(struct cb_stub_record) stubs;
    int command_errno; /* set when the program, not the sandbox, is at fault */
};

/* Runs the plan and executes the program; on failure reports and exits. */
_Noreturn void cb_sandbox_run(struct cb_sandbox *sandbox, int plan_fd, uint32_t plan_len);
/* The same of one that waits: this plan is the early part, and the request that comes on
 * SOCKET says the rest. */
_Noreturn void cb_sandbox_wait(struct cb_sandbox *sandbox, int socket, int plan_fd,
                               uint32_t plan_len);
int cb_sandbox_walk(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    struct cb_error **err);
/* early.c. The directories, in the stage's root: 0, or -1 with errno. */
int cb_early_fill(int root_fd);
/* Mounts what the plan at hand says, and makes it the early one. */
int cb_early_mount(struct cb_sandbox *sandbox, struct cb_error **err);
/* Does the plan go on with the same steps AT there? */
int cb_early_is(const struct cb_sandbox *sandbox, size_t at);
/* Puts all of it into the root, instead of these steps. */
int cb_early_place(struct cb_sandbox *sandbox, size_t at, struct cb_error **err);
/* The plan is another: it is done anew, and this goes with the stage. */
void cb_early_forget(struct cb_sandbox *sandbox);

static inline const char *cb_sandbox_text(const struct cb_sandbox *sandbox,
                                          uint32_t offset)
{
    return sandbox->plan.pool + offset;
}

typedef int cb_sandbox_step(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                            struct cb_error **err);
/* join.c */
#define CB_BORN_BYTES 4096
cb_sandbox_step cb_step_join, cb_step_birth;
/* rootfs.c */
cb_sandbox_step cb_step_rootfs, cb_step_enter, cb_step_cwd;
/* mounts.c */
cb_sandbox_step cb_step_filesystem, cb_step_bind, cb_step_file, cb_step_mask,
    cb_step_read_only;
/* space.c: the mount at PATH in the mount namespace FD, or -1 */
int cb_space_mount(struct cb_sandbox *sandbox, int fd, const char *path,
                   uint64_t attributes, struct cb_error **err);
cb_sandbox_step cb_step_namespace;
/* cgroup-view.c */
cb_sandbox_step cb_step_cgroups;
/* devices.c */
cb_sandbox_step cb_step_device, cb_step_node, cb_step_link;
/* io.c */
cb_sandbox_step cb_step_console, cb_step_stdio;
/* identity.c */
cb_sandbox_step cb_step_loopback, cb_step_hostname, cb_step_rlimit, cb_step_seccomp,
    cb_step_user, cb_step_no_new_privs;
/* settings.c */
cb_sandbox_step cb_step_domainname, cb_step_oom_score, cb_step_sysctl;
/* restore.c. What criu finds open, from CB_RESTORE_FD_FIRST on: */
enum {
    CB_RESTORE_FD_IMAGES,
    CB_RESTORE_FD_STREAMS,
    CB_RESTORE_FD_NET = CB_RESTORE_FD_STREAMS + 3,
    CB_RESTORE_FDS,
};
#define CB_RESTORE_FD_FIRST       10
#define CB_RESTORE_FD_IMAGES_TEXT "10"
#define CB_RESTORE_FD_ABOVE       16 /* nothing is given under these numbers */
cb_sandbox_step cb_step_lend, cb_step_restore;
/* What criu has brought back, a child of ours; or 0. */
pid_t cb_restored_pid(int images_fd);
/* program.c */
char **cb_sandbox_pointers(char *text, size_t count); /* COUNT strings in a row */
cb_sandbox_step cb_step_init, cb_step_exec;

/* stubs.c: opens the mount point TARGET in the root, making it (and its parents) when
 * CB_PLAN_CREATE is set; what was made is recorded unless CB_PLAN_KEEP_STUB or on our own
 * /dev. *FD -1 without an error: it is not there and need not be. */
int cb_target_open(struct cb_sandbox *sandbox, const struct cb_plan_step *step, int *fd,
                   struct cb_error **err);
/* Tells the caller what to remove afterwards. */
int cb_stubs_report(struct cb_sandbox *sandbox, struct cb_error **err);

#endif
