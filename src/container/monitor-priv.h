/* Inside a monitor. One thread, one loop: sessions are processes with their streams,
 * clients are connections. */
#ifndef CB_CONTAINER_MONITOR_PRIV_H
#define CB_CONTAINER_MONITOR_PRIV_H

#include "base/clock.h"
#include "container/checkpoint-priv.h"
#include "container/log.h"
#include "container/monitor.h"
#include "container/restart.h"
#include "container/setup.h"
#include "container/wire.h"

struct session {
    struct cb_process *process;
    int in_fd, out_fd, err_fd; /* with a terminal IN and OUT are the same, borrowed */
    int is_tty, ended;
    int has_more; /* there was much to be read from its terminal: more may follow */
    int64_t rests_until_ms; /* its terminal is not read before that */
    int is_lent; /* streams and end are those of who runs it in the foreground */
    struct cb_strbuf input; /* not taken yet */
    int input_ended;
    struct cb_log *log;                       /* or NULL */
    char exec_id[CB_CONTAINER_ID_DIGITS + 1]; /* of what somebody asked for, else "" */
    struct cb_strbuf *kept; /* what it prints goes here, as far as it fits; or NULL */
};

enum client_role {
    CLIENT_NEW,
    CLIENT_STREAMS, /* of its session */
    CLIENT_END,     /* waits for the container's end */
    CLIENT_RESTART, /* … and for the start that follows */
    CLIENT_GONE,
};
struct client {
    int fd;
    enum client_role role;
    int closes_input; /* of its session, when it goes */
    struct session *session;
    struct {
        struct cb_wire_message **items;
        size_t count, capacity;
    } queue; /* what it has not taken yet */
};

struct monitor {
    struct cb_launcher *launcher;
    struct cb_hub *hub; /* or NULL */
    const char *store_root;
    struct cb_cancel *cancel;
    int is_quitting; /* CANCEL was heard */
    struct cb_container *container;
    struct cb_lock *lock;
    int listener;
    int signaled_fd; /* an eventfd for who runs it in the foreground, and has given it a
                        signal; or -1 */
    int64_t deaf_until_ms; /* it takes no connections */
    CB_VEC(struct client *) clients;
    CB_VEC(struct session *) sessions; /* the container's first, if it runs */
    struct session *main;              /* or NULL */
    struct client *pauser;             /* it goes on when that is gone; or NULL */
    /* of the container that runs */
    struct cb_setup *setup;
    int root;
    int64_t started_ms, kill_at_ms; /* KILL_AT -1: not asked for */
    int is_killed;                  /* and that was told */
    int is_set_up;                  /* what comes is its command's doing */
    struct cb_container *former;    /* what it was started with, once that was changed */
    struct cb_health_watch *health; /* or NULL */
    struct cb_snapshot *snapshot;   /* of one in the foreground, borrowed; or NULL */
    int64_t names_at_ms; /* since when the server of names runs; 0: it does not */
    int names_tries;     /* since it last stayed */
    int is_pinned;
    int has_own_mounts; /* volumes in memory are mounted in a namespace of our own */
    /* of its restarts */
    struct cb_restart_policy policy;
    int64_t start_at_ms; /* -1: no more */
    int is_restarting; /* somebody asked for it: it is started as soon as it has ended */
    int pause_ms;
    int images_fd;         /* of the checkpoint that its first start brings back; or -1 */
    struct saving *saving; /* a checkpoint is being made; or NULL */
    struct client *starter; /* until it has its answer */
};

/* ── monitor-loop.c ── */
/* Answers everybody until the container is over. */
void cb_monitor_live(struct monitor *monitor);
/* Answers everybody, and looks after its processes but the first, until it is canceled.
 */
void cb_monitor_answer(struct monitor *monitor);

/* ── monitor-end.c ── */
/* Passes on one message of each stream, or, at the end, ALL that there is. */
void cb_monitor_read(struct monitor *monitor, struct session *session, int all);
/* The process of SESSION has ended: of the container's, with it all others. */
void cb_monitor_end(struct monitor *monitor, struct session *session);
/* What was started cannot be kept: its first process, the only one there is, is killed,
 * and the container has ended. */
void cb_monitor_undo_start(struct monitor *monitor);
/* Ends all but the container's own. */
void cb_monitor_end_execs(struct monitor *monitor);
void cb_monitor_start_again(struct monitor *monitor);

/* ── monitor.c ── */
/* What somebody waited for did not start: the record says so. */
void cb_monitor_note_failure(struct monitor *monitor, const struct cb_error *error);
/* Frees all but the lock and the container. */
void cb_monitor_clear(struct monitor *monitor);

/* ── monitor-session.c ── */
/* Makes pipes for SPEC unless it has a terminal, and starts it. */
int cb_session_start(struct cb_launcher *launcher, struct cb_process_spec *spec,
                     int with_input, struct cb_log *log, struct session **out,
                     struct cb_error **err);
void cb_session_free(struct session *session);
/* Moves what can be moved. */
void cb_session_write_input(struct session *session);
void cb_session_add_input(struct session *session, const char *bytes, size_t len);
void cb_session_end_input(struct session *session);
/* 1 and a message with what it printed; 0 nothing more for now. *FD is closed at its end.
 */
int cb_session_read(struct session *session, int stream, struct cb_wire_message *out);

/* ── monitor-client.c ── */
struct client *cb_client_add(struct monitor *monitor, int fd);
/* Keeps what it does not take at once. */
void cb_client_send(struct client *client, const struct cb_wire_message *message, int fd);
void cb_client_flush(struct client *client);
void cb_client_answer(struct client *client, int failed, struct cb_error *error);
void cb_client_drop(struct client *client);
/* Frees those that are gone. */
void cb_clients_sweep(struct monitor *monitor);
/* One of SESSION's has not taken what it got. */
int cb_clients_are_behind(const struct monitor *monitor, const struct session *session);
/* A message from CLIENT has come, or its end. */
void cb_client_serve(struct monitor *monitor, struct client *client);
void cb_clients_tell_end(struct monitor *monitor, const struct session *session,
                         int exit_code);
/* It was started again, as they asked, or was not: why. */
void cb_clients_tell_restart(struct monitor *monitor, struct cb_error *error);
/* Others want its end now, not a restart. */
void cb_monitor_give_up_restart(struct monitor *monitor);

/* ── monitor-change.c: of what runs ── */
/* EXISTS: of what was asked for nothing is there while no process of its own is. The
 * errnum is ESRCH unless it is about to be started again. */
int cb_monitor_not_running(const struct monitor *monitor, struct cb_error **err);
/* After a failure: if its first process has just ended, ERR becomes that. Always -1. */
int cb_monitor_went(const struct monitor *monitor, struct cb_error **err);
int cb_monitor_pause(struct monitor *monitor, int on, struct cb_error **err);
/* To its first process, and into the journal. */
int cb_monitor_signal(struct monitor *monitor, int number, struct cb_error **err);
/* It is killed if it has not ended by then; SECONDS -1: it may take its time. Of several
 * who want its end the least patient has it. */
void cb_monitor_kill_within(struct monitor *monitor, int seconds);
/* What gets a signal goes on. */
void cb_monitor_wake(struct monitor *monitor);
/* The configuration was changed: limits and restart policy are as it has them. */
int cb_monitor_reload(struct monitor *monitor, struct cb_error **err);

/* ── monitor-health.c ── */
/* Begins to look after the container that was started; NULL if nobody asked for it. */
int cb_health_watch_start(struct monitor *monitor, struct cb_error **err);
void cb_health_watch_stop(struct monitor *monitor);
/* When it next has something to do; INT64_MAX: nothing. */
int64_t cb_health_watch_due_ms(const struct monitor *monitor);
void cb_health_watch_check(struct monitor *monitor);
/* SESSION has ended. 1: it was a probe. */
int cb_health_watch_ended(struct monitor *monitor, const struct session *session,
                          int exit_code);

/* ── monitor-exec.c ── */
/* ARGV as the container's user, its output into KEPT. */
int cb_monitor_probe(struct monitor *monitor, const struct cb_strings *argv,
                     struct cb_strbuf *kept, struct session **out, struct cb_error **err);
int cb_monitor_exec(struct monitor *monitor, struct client *client,
                    const struct cb_wire_message *message, struct cb_error **err);

/* ── monitor-own.c ── */
/* TEXT becomes what is in the file of ours at PATH; one that cannot be written stays as
 * it is. */
void cb_monitor_write_own(const struct monitor *monitor, const char *path,
                          const char *text);

/* ── monitor-net.c ── */
int cb_monitor_give_net(struct monitor *monitor, struct client *client,
                        struct cb_error **err);
/* KIND as CLONE_NEW… has it. */
int cb_monitor_give_space(struct monitor *monitor, struct client *client, int kind,
                          struct cb_error **err);
int cb_monitor_connect(struct monitor *monitor, const struct cb_wire_message *message,
                       struct cb_error **err);
/* The container has another name. */
int cb_monitor_rename(struct monitor *monitor, struct cb_error **err);
/* The server of names has ended: it is started again. */
void cb_monitor_mend_names(struct monitor *monitor);
int cb_monitor_disconnect(struct monitor *monitor, const struct cb_wire_message *message,
                          struct cb_error **err);

/* ── monitor-checkpoint.c ── */
/* Begins to save its processes in *FD, which is taken. CLIENT hears of the end, which is
 * told by the descriptor. */
int cb_monitor_save(struct monitor *monitor, struct client *client,
                    const struct cb_wire_message *message, int *fd,
                    struct cb_error **err);
int cb_monitor_saving_fd(const struct monitor *monitor); /* or -1 */
/* What is saved is going to be killed: its end is not looked at before. */
int cb_monitor_saves_to_end(const struct monitor *monitor);
void cb_monitor_saving_lost(struct monitor *monitor, const struct client *client);
void cb_monitor_saved(struct monitor *monitor);
/* The same, unfinished if need be. */
void cb_monitor_stop_saving(struct monitor *monitor);

/* A start that brings processes back. */
struct cb_monitor_restoring {
    struct cb_restore restore;
    struct cb_checkpoint checkpoint;
    char *criu, *stage;
};
void cb_monitor_restoring_clear(struct cb_monitor_restoring *restoring);
CB_AUTO_VALUE_DEFINE(cb_monitor_restoring, cb_monitor_restoring_clear)
/* If this is one, the specification says so. */
int cb_monitor_begin_restore(struct monitor *monitor, struct cb_monitor_restoring *out,
                             struct cb_error **err);
/* It went as STATUS says, which is returned. */
int cb_monitor_end_restore(struct monitor *monitor, int status, struct cb_error **err);

/* ── monitor-start.c ── */
int cb_monitor_start_container(struct monitor *monitor,
                               const struct cb_wire_message *wish, struct cb_error **err);
/* Everything of the container that ended, but its record. */
void cb_monitor_clear_container(struct monitor *monitor);

#endif
