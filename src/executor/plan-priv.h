/* The plan: what the child does between clone and exec, as an ordered list of plain
 * records. The parent builds it, a memory file carries it, the child walks it. Being data
 * it can be printed, compared and reasoned about without running anything. */
#ifndef CB_EXECUTOR_PLAN_PRIV_H
#define CB_EXECUTOR_PLAN_PRIV_H

#include "base/strbuf.h"
#include "executor/executor.h"

/* The order of the list is the order of the records' execution; see cb_plan_build. */
enum cb_plan_kind {
    CB_PLAN_JOIN,       /* the namespaces VALUE and the root of another process */
    CB_PLAN_NAMESPACE,  /* join descriptor FD, of the kind VALUE */
    CB_PLAN_LOOPBACK,   /* bring lo up */
    CB_PLAN_HOSTNAME,   /* TEXT */
    CB_PLAN_DOMAINNAME, /* TEXT */
    CB_PLAN_OOM_SCORE,  /* the number VALUE */
    CB_PLAN_SYSCTL,     /* TEXT to TARGET, a path below /proc/sys */
    /* ROOTFS and BIND: FD is a mount; or, where there are no detached mounts, a file that
     * the child mounts with the attributes VALUE and without VALUE2. */
    CB_PLAN_ROOTFS, /* attach descriptor FD as the new root */
    /* a new TEXT filesystem with OPTIONS and attributes VALUE; or the one that is at
     * TARGET in the mount namespace FD */
    CB_PLAN_FILESYSTEM,
    CB_PLAN_CGROUPS,   /* version 1's hierarchies at TARGET, with attributes VALUE */
    CB_PLAN_DEVICE,    /* launcher's device number VALUE as TARGET in our /dev */
    CB_PLAN_NODE,      /* device VALUE as TARGET in our /dev; MODE, UID, GID */
    CB_PLAN_LINK,      /* symbolic link TARGET in our /dev, to TEXT */
    CB_PLAN_CONSOLE,   /* a pty in our devpts, VALUE rows and VALUE2 columns */
    CB_PLAN_BIND,      /* attach descriptor FD at TARGET */
    CB_PLAN_FILE,      /* a file with TEXT's bytes at TARGET */
    CB_PLAN_MASK,      /* hide TARGET if it is there */
    CB_PLAN_READ_ONLY, /* TARGET, if it is there, becomes read-only */
    CB_PLAN_CWD,       /* open TARGET for later */
    CB_PLAN_ENTER,     /* pivot_root; nothing of the host's mounts remains */
    CB_PLAN_STDIO,     /* descriptors VALUE: three bytes of index + 1 */
    CB_PLAN_RLIMIT,    /* MODE = resource, called TEXT, VALUE soft, VALUE2 hard */
    CB_PLAN_SECCOMP,   /* filter for the capabilities VALUE, or the program in TEXT */
    CB_PLAN_USER,      /* UID GID, groups in TEXT, bounding VALUE, effective VALUE2 */
    CB_PLAN_NO_NEW_PRIVS,
    CB_PLAN_BIRTH,   /* go on as a child in the namespaces that were joined */
    CB_PLAN_LEND,    /* what is mounted at TARGET is lent to criu as VALUE; with
                        CB_PLAN_FIXED    it only has to be there */
    CB_PLAN_RESTORE, /* become criu: VALUE strings of argv in TEXT, among the host's
                        mounts FD with ours at TARGET; descriptors VALUE2 as in STDIO */
    CB_PLAN_INIT,    /* stay behind as pid 1 */
    CB_PLAN_EXEC,    /* VALUE strings of argv in TEXT, VALUE2 of env in OPTIONS */
    CB_PLAN_KINDS,
};

enum cb_plan_flags {
    CB_PLAN_DIRECTORY = 1 << 0, /* what is mounted is a directory */
    CB_PLAN_FIXED = 1 << 1,     /* TARGET must be a real directory: links are refused */
    CB_PLAN_KEEP_STUB = 1 << 2,
    CB_PLAN_CREATE = 1 << 3, /* make TARGET if it is missing */
    CB_PLAN_IS_DEV = 1 << 4, /* this filesystem is our /dev */
    CB_PLAN_IS_PTS = 1 << 5, /* … our /dev/pts */
    CB_PLAN_RDONLY = 1 << 6,
    CB_PLAN_FOREIGN = 1 << 7, /* asked for by the user: may not cover /proc */
    CB_PLAN_TTY = 1 << 8,
    CB_PLAN_INSTEAD = 1 << 9,    /* RLIMIT: only where no cgroup limits the processes */
    CB_PLAN_RECURSIVE = 1 << 10, /* BIND: with what is mounted below */
    CB_PLAN_TRY = 1 << 11,       /* OOM_SCORE, SYSCTL: as far as we may */
};

/* Offsets go into the plan's pool; 0 is the empty string. */
struct cb_plan_step {
    uint32_t kind, flags;
    int32_t fd; /* index among the request's descriptors, or -1 */
    uint32_t target, text, text_len, options;
    uint32_t mode, uid, gid;
    uint64_t value, value2;
};

/* As it is built, in the parent. */
struct cb_plan {
    CB_VEC(struct cb_plan_step) steps;
    struct cb_strbuf pool;
    CB_VEC(int) fds;     /* owned duplicates and detached mounts, in the order sent */
    uint64_t namespaces; /* CLONE_NEW… flags */
    int init;
    int born_late; /* its process is the child of a helper: there is a step BIRTH */
    int restores;  /* see cb_launch_request */
};
void cb_plan_clear(struct cb_plan *plan);
CB_AUTO_VALUE_DEFINE(cb_plan, cb_plan_clear)

/* A pid namespace that is there already is entered by being born in it, at the end. */
int cb_plan_is_born_late(const struct cb_process_spec *spec);
int cb_plan_build(struct cb_plan *plan, const struct cb_process_spec *spec,
                  const struct cb_user *user, struct cb_error **err);
/* The early part: what is in a plan between ROOTFS and the mounts that were asked for,
 * which is done the same before there is a root. UNSUPPORTED if that takes more than
 * steps (descriptors, a terminal's user). */
int cb_plan_build_early(struct cb_plan *plan, const struct cb_process_spec *spec,
                        struct cb_error **err);
/* One line per step, for people and tests. */
void cb_plan_print(const struct cb_plan *plan, struct cb_strbuf *out);
/* Writes the plan to a new memory file. */
int cb_plan_to_memfd(const struct cb_plan *plan, int *fd, uint32_t *len,
                     struct cb_error **err);

/* As the child sees it: a mapping. */
struct cb_plan_view {
    const struct cb_plan_step *steps;
    size_t count;
    char *pool;
};
int cb_plan_map(struct cb_plan_view *out, int fd, uint32_t len, struct cb_error **err);

/* For the files that add steps (plan.c, plan-mounts.c …). What an earlier call returned
 * is not to be used after the next. */
struct cb_plan_step *cb_plan_add(struct cb_plan *plan, enum cb_plan_kind kind);
uint32_t cb_plan_text(struct cb_plan *plan, const char *text);
uint32_t cb_plan_bytes(struct cb_plan *plan, const void *bytes, size_t len);
/* Takes FD; its index. */
int cb_plan_take_fd(struct cb_plan *plan, int fd);
struct cb_plan_step *cb_plan_add_target(struct cb_plan *plan, enum cb_plan_kind kind,
                                        const char *target);
/* plan-masks.c: what of the kernel's is hidden or read-only. */
void cb_plan_add_masks(struct cb_plan *plan, const struct cb_process_spec *spec);
/* The host's device node PATH at the same place, if it is there. */
int cb_plan_bind_node(struct cb_plan *plan, const char *path, struct cb_error **err);
/* plan-limits.c; the second has what is set in a process that was born inside. */
int cb_plan_add_limits(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err);
void cb_plan_add_late_limits(struct cb_plan *plan, const struct cb_process_spec *spec);
/* plan-nodes.c: all device nodes of the host's /dev that we may have. */
int cb_plan_add_nodes(struct cb_plan *plan, struct cb_error **err);
/* plan-mounts.c: the root; the kernel's filesystems; what was asked for. */
int cb_plan_add_rootfs(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err);
int cb_plan_add_kernel(struct cb_plan *plan, const struct cb_process_spec *spec,
                       const struct cb_user *user, struct cb_error **err);
int cb_plan_add_mounts(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err);
/* All that is mounted on the host, private. */
int cb_plan_clone_host(struct cb_plan *plan, int *index, struct cb_error **err);
/* plan-restore.c: instead of what comes after the mounts. */
int cb_plan_add_restore(struct cb_plan *plan, const struct cb_process_spec *spec,
                        struct cb_error **err);
/* The caller's descriptor stays the caller's. */
int cb_plan_share_fd(struct cb_plan *plan, int fd, int *index, struct cb_error **err);

#endif
