/* Runs one process in one root filesystem, contained. A specification is data; it becomes
 * an ordered plan of setup steps in the parent, and the child does system calls only.
 * Processes come from the launcher: single-threaded and small, fed plans and descriptors
 * over a socketpair, dead (with all it started) when the socket closes. See
 * docs/design/sandbox.md. */
#ifndef CB_EXECUTOR_EXECUTOR_H
#define CB_EXECUTOR_EXECUTOR_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/vec.h"
#include "executor/limits.h"

#include <stdint.h>
#include <sys/types.h>

enum cb_mount_type {
    CB_MOUNT_BIND,  /* source_fd: an O_PATH descriptor of a file or directory (opened in
                       ITS root by the caller) */
    CB_MOUNT_TMPFS, /* size_bytes, mode, uid, gid; options; exec, suid */
    CB_MOUNT_FILE,  /* a small file with CONTENT on a private tmpfs (hosts, resolv.conf,
                       secrets): never on disk */
};
struct cb_mount {
    enum cb_mount_type type;
    char *target;  /* absolute in the rootfs; resolved there, links stay inside */
    int source_fd; /* BIND; borrowed; -1 otherwise */
    int read_only;
    int recursive;             /* bind submounts too */
    unsigned long propagation; /* BIND: MS_SHARED, MS_SLAVE; 0: private */
    int device;                /* BIND of a device node that may be opened */
    uint64_t size_bytes;
    unsigned mode;
    uint32_t uid, gid;
    int exec, suid; /* TMPFS: programs may be executed, with their owners' rights */
    const char
        *options; /* TMPFS: more of the filesystem's own ("nr_inodes=9"), or NULL */
    const void *content; /* FILE; borrowed */
    size_t content_len;
    int keep_stub; /* leave a created mount point behind (volumes); else it is removed
                      without a trace when still empty */
};
struct cb_mounts {
    struct cb_mount *items;
    size_t count, capacity;
};

enum cb_security { CB_SECURITY_SANDBOX, CB_SECURITY_INSECURE };

/* A namespace of another container, which this one gets instead of its own, and that
 * one's mount namespace, for what shows it (/proc, /dev/shm). Borrowed; -1: none. */
struct cb_foreign_space {
    int fd, mounts_fd;
};

/* Saved processes that take the place of a program: criu brings them back as they were,
 * when their namespaces, control group, root and mounts have been made anew. */
struct cb_restore {
    const char *program; /* criu's path */
    const char *stage;   /* an empty directory of the host, by its true path */
    int images_fd; /* the directory of what was saved; its log goes there. Borrowed */
    /* Where something was mounted: what is ours is mounted as the specification has it, a
     * link in none of their ways. */
    const struct cb_strings *ours, *theirs;
    /* What their standard streams were, "pipe:[7]", for those that they get anew; or ""
     */
    const char *streams[3];
};
#define CB_RESTORE_LOG  "restore.log"
#define CB_RESTORE_PID  "restore.pid" /* must not be there */
#define CB_RESTORE_NET  "network" /* what the network's namespace is called in there */
#define CB_RESTORE_OURS "ours"    /* … and what was mounted: "ours0", "ours1" */

struct cb_process;
struct cb_process_spec {
    /* A running process of the same launcher, whose namespaces, root and control group
     * this one joins. Of what follows argv, env, cwd, user, groups, capabilities,
     * seccomp, rlimits and stdio are then its own, and ROOTFS_FD is that root, for
     * names. */
    const struct cb_process *inside;
    int rootfs_fd; /* a directory; a detached mount is moved, a plain directory is
                      bind-cloned. Borrowed */
    int rootfs_read_only;
    const struct cb_strings *argv;
    const struct cb_strings *env;
    const char *cwd; /* made if missing (0755, owned by the user) when make_cwd */
    int make_cwd;
    int root_has_cwd; /* it is root's when it is made, whoever the user is */
    const char *user; /* "", "name", "1000:1000", "name:group": resolved in the rootfs by
                         the parent, before entering */
    const struct cb_strings *groups; /* --group-add, or NULL */
    const char *hostname; /* NULL: "buildkitsandbox" is for builds, the caller gives it */
    const char *domainname; /* or NULL */
    struct cb_mounts
        mounts;       /* in order, after /proc /dev /dev/pts /dev/shm /dev/mqueue /sys */
    int netns_fd;     /* join this network namespace; -1: see host_network */
    int host_network; /* 1: the host's; 0 with netns_fd -1: a new one with only lo */
    uint64_t shm_bytes; /* 0: 64 MiB */
    enum cb_security security;
    const struct cb_strings *cap_add, *cap_drop; /* or NULL */
    const char *seccomp; /* NULL: Docker's profile; "": none; else a profile as JSON */
    /* What is hidden or read-only below /proc and /sys: all of that, or some, is not; and
     * more is hidden. NULL: as Docker has it. */
    int unmask_all;
    const struct cb_strings *unmask, *mask;
    const struct cb_strings *sysctls; /* "net.core.somaxconn=1", or NULL; with a - before
                                         it it may fail */
    int has_oom_score; /* it was asked for: else what may not be set stays as it is */
    int oom_score;     /* 200 at first: a step is killed before its builder */
    int all_devices;   /* every node of the host's /dev */
    /* The host's namespaces instead of new ones. */
    int host_ipc, host_pid, host_uts, host_cgroup;
    struct cb_foreign_space pid_of, ipc_of; /* --pid and --ipc container:X */
    int no_shm;                             /* no /dev/shm */
    const struct cb_rlimit *rlimits;
    size_t rlimit_count;
    struct cb_limits limits;
    int init; /* run our own init as pid 1 */
    int no_new_privileges;
    /* stdio: descriptors the process gets (borrowed), -1 for /dev/null. With TTY the
     * executor makes a pty in the sandbox. */
    int tty;
    int stdin_fd, stdout_fd, stderr_fd;
    unsigned short rows, columns; /* of the tty, 0: unset */
    const char *cgroup_name;      /* leaf below cbuild/, or NULL for a random one */
    /* Of what stands above what a process is by itself (argv, user, rights, its
     * directory) is then theirs. Not with INIT, TTY, or another's namespaces. Or NULL. */
    const struct cb_restore *restore;
};
/* Values a spec starts from: descriptors -1, everything else zero. */
void cb_process_spec_init(struct cb_process_spec *spec);

struct cb_exit {
    int code;   /* 0..255; 128+signal */
    int signal; /* or 0 */
    int oom_killed;
    /* Of all together where a memory control group was (always in version 2, else with a
     * limit of memory), else of the largest process. */
    uint64_t peak_memory_bytes;
    uint64_t cpu_ns;
    uint64_t read_bytes, written_bytes; /* from and to block devices */
};

/* ── Launcher ── */
struct cb_launcher;
/* Forks the launcher. Call from main before the first thread. Cheap (it does nothing
 * until it is used or told to prepare). */
int cb_launcher_start(struct cb_launcher **out, struct cb_error **err);
/* The same for a program whose main begins with cb_launcher_reenter: the launcher's own
 * program is executed when the first process is needed, from whatever thread, or where
 * there is none this one once more. No step can write to the file of either. */
int cb_launcher_start_sealed(struct cb_launcher **out, struct cb_error **err);
/* Returns unless this process was executed to be such a launcher. */
void cb_launcher_reenter(int argc, char **argv);
/* There is going to be a process: the launcher gets ready beside us. */
void cb_launcher_prepare(struct cb_launcher *launcher);
/* There is going to be one like SPEC: beside us it gets the namespaces and the kernel's
 * filesystems that it will have, while its root is looked for. Of SPEC only what those
 * follow from is looked at: not the root, the program, the user or the mounts. The next
 * process takes all that if it is its own, else as with cb_launcher_prepare. */
void cb_process_expect(struct cb_launcher *launcher, const struct cb_process_spec *spec);
/* There is going to be none any more: it ends beside us, and kills what still runs. */
void cb_launcher_dismiss(struct cb_launcher *launcher);
/* Have mounts that steps are given to be attached somewhere? So it is before Linux 6.15:
 * this process then is in a mount namespace of its own, where nobody else sees them. */
int cb_launcher_attaches(const struct cb_launcher *launcher);
/* Kills what still runs and waits for the launcher's end. */
void cb_launcher_stop(struct cb_launcher *launcher);
CB_AUTO_DEFINE(cb_launcher, cb_launcher_stop)

/* ── Processes ── thread-safe: many at once on one launcher */
/* Starts the process. Failures of the setup (mount target missing, user unknown, command
 * not found) are errors: NOT_FOUND with errno ENOENT for a missing command (exit code 127
 * by convention), DENIED/EACCES for one that cannot be executed (126). When it returns
 * the program has been executed. */
int cb_process_start(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                     struct cb_process **out, struct cb_error **err);
/* The same in two steps, for who has something to do while it is made: it is asked for,
 * and has been executed when the second returns. *OUT is the caller's after the first; to
 * free it without the second does not end what is made. */
int cb_process_request(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                       struct cb_process **out, struct cb_error **err);
int cb_process_await(struct cb_process *process, struct cb_error **err);
/* Our end of the pty, or -1. Owned by the process. */
int cb_process_tty_fd(const struct cb_process *process);
int cb_process_pid(const struct cb_process *process); /* in our pid namespace */
/* Opens /proc/PID/NAME of PROCESS itself, never of another that has got its number. -1
 * with errno, ESRCH when it has ended. */
int cb_process_open(const struct cb_process *process, const char *name, int flags);
/* Of a process that has ended: nothing. */
int cb_process_signal(struct cb_process *process, int signal, struct cb_error **err);
int cb_process_resize(struct cb_process *process, unsigned short rows,
                      unsigned short columns, struct cb_error **err);
/* Stops PROCESS and all that came of it, or lets it go on. UNSUPPORTED without a control
 * group. */
int cb_process_freeze(struct cb_launcher *launcher, struct cb_process *process, int on,
                      struct cb_error **err);
/* Other limits of memory, processors and block devices than it was started with. */
int cb_process_limit(struct cb_launcher *launcher, struct cb_process *process,
                     const struct cb_limits *limits, struct cb_error **err);
/* Readable when it has ended; for poll. */
int cb_process_exit_fd(const struct cb_process *process);
/* Waits; on cancel the whole pid namespace is killed and CANCELED returned after it is
 * gone. Everything it started is dead and its mounts are gone when this returns; stubs
 * are removed from the rootfs. */
int cb_process_wait(struct cb_process *process, struct cb_cancel *cancel,
                    struct cb_exit *out, struct cb_error **err);
/* Kills if still running. */
void cb_process_free(struct cb_process *process);
CB_AUTO_DEFINE(cb_process, cb_process_free)

/* ── Users, looked up in a rootfs (never the host) ── */
struct cb_user {
    uint32_t uid, gid;
    uint32_t groups[256];
    size_t group_count;
    char *home; /* "/" when unknown */
    char *name; /* or NULL */
};
void cb_user_clear(struct cb_user *user);
CB_AUTO_VALUE_DEFINE(cb_user, cb_user_clear)
/* "user[:group]" → ids. NOT_FOUND "unable to find user x: no matching entries in passwd
 * file". */
int cb_user_resolve(int rootfs_fd, const char *text, struct cb_user *out,
                    struct cb_error **err);

/* Adds a supplementary group, by name or number. */
int cb_user_add_group(int rootfs_fd, const char *text, struct cb_user *user,
                      struct cb_error **err);

/* "CAP_CHOWN", "chown", "ALL": is there such a capability? */
int cb_cap_is_known(const char *name);

/* The capabilities of Docker's default set as a mask (a80425fb). */
#define CB_CAPS_DEFAULT 0xa80425fbULL

#endif
