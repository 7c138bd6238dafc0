/* What travels between a caller, the launcher and the child.
 *
 *   control socket   caller → launcher   struct cb_launch_request + descriptors
 *   reply socket     launcher → caller   struct cb_launch_reply: started, exit or failed
 *   report socket    child → caller      struct cb_report; its end means "exec happened"
 *
 * A request about a process that runs (FREEZE, LIMIT) names it by INSIDE_PID, and only
 * its reply socket comes along. EXPECT has the early part of a plan (plan-priv.h) and no
 * sockets: nothing is answered, and the LAUNCH that follows brings all there is to know.
 *
 * The two sockets at the end are fresh for every request, so callers on many threads
 * never read each other's answers, and a message is one datagram (SOCK_SEQPACKET). */
#ifndef CB_EXECUTOR_PROTOCOL_PRIV_H
#define CB_EXECUTOR_PROTOCOL_PRIV_H

#include "base/message.h"
#include "executor/executor.h"

#define CB_PROTOCOL_MAX_TEXT 4096
#define CB_CGROUP_NAME_MAX   128

enum { CB_REQUEST_FD_REPLY, CB_REQUEST_FD_REPORT, CB_REQUEST_FD_PLAN, CB_REQUEST_FDS };

enum cb_request_kind {
    CB_REQUEST_LAUNCH,
    CB_REQUEST_FREEZE,
    CB_REQUEST_LIMIT,
    CB_REQUEST_PREPARE, /* without descriptors, and without an answer */
    CB_REQUEST_EXPECT,
};

struct cb_launch_request {
    enum cb_request_kind kind;
    int freeze; /* FREEZE: or let go on */
    uint32_t plan_len;
    uint64_t namespaces; /* CLONE_NEW… flags; to join, with INSIDE_PID */
    int inside_pid;      /* of a child of the launcher; 0: none */
    int born_late;       /* what is cloned is a helper, see cb_plan */
    int restores; /* what is cloned becomes criu, whose images are descriptor RESTORES - 1
                     of the plan; 0: it does not */
    int takes_waiting; /* LAUNCH: by one that was expected, if it has these namespaces */
    struct cb_limits limits;
    char cgroup_name[CB_CGROUP_NAME_MAX];
};

enum cb_reply_type { CB_REPLY_STARTED, CB_REPLY_DONE, CB_REPLY_EXIT, CB_REPLY_FAILED };
struct cb_launch_reply {
    enum cb_reply_type type;
    int pid; /* STARTED; a pidfd comes along */
    struct cb_exit exit;
    int kind; /* FAILED */
    char text[CB_PROTOCOL_MAX_TEXT];
};

enum cb_report_type { CB_REPORT_FAILED, CB_REPORT_STUBS, CB_REPORT_CONSOLE };

/* A mount point that had to be made: NAME in the directory whose descriptor comes along,
 * known again by its inode. */
struct cb_stub {
    uint64_t ino;
    uint32_t is_directory;
    uint32_t name; /* offset into the report's text */
};
#define CB_STUBS_MAX 64

struct cb_report {
    enum cb_report_type type;
    int kind;          /* FAILED */
    int command_errno; /* FAILED because the program cannot be executed; 0: another
                          reason; -1: it was not found, and the text says so */
    uint32_t stub_count;
    struct cb_stub stubs[CB_STUBS_MAX];
    char text[CB_PROTOCOL_MAX_TEXT];
};

/* An error as text: the message, NUL, the hint. */
void cb_message_pack_error(char text[CB_PROTOCOL_MAX_TEXT], const struct cb_error *error);
/* "" when there is none. */
const char *cb_message_hint(const char text[CB_PROTOCOL_MAX_TEXT]);

#endif
