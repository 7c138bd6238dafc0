/* Talking to a container's monitor, and being its terminal. */
#ifndef CB_CONTAINER_CLIENT_H
#define CB_CONTAINER_CLIENT_H

#include "container/record.h"

struct cb_client_options {
    int attach;      /* to its output */
    int interactive; /* and its input */
    int tty;         /* our terminal is its terminal */
    int hide_stdout, hide_stderr;
    int keep_signals;        /* --sig-proxy=false */
    const char *detach_keys; /* NULL: ctrl-p,ctrl-q */
    const int *images_fd;    /* of the checkpoint that is started from, or NULL */
};
struct cb_client_end {
    int exit_code; /* ours, of who is detached: 0 by keys, 128 and more by a signal */
    int detached;  /* it goes on */
};

/* Starts CONTAINER; with options->attach returns when it has ended. Failures to start it
 * are as cb_process_start has them. */
int cb_container_start(const char *store_root, struct cb_container *container,
                       const struct cb_client_options *options, struct cb_cancel *cancel,
                       struct cb_client_end *end, struct cb_error **err);
/* EXISTS with the errnum ESRCH: it does not run, or has just ended. */
int cb_container_attach(struct cb_container *container,
                        const struct cb_client_options *options, struct cb_cancel *cancel,
                        struct cb_client_end *end, struct cb_error **err);

struct cb_exec_wish {
    const struct cb_strings *argv, *env;
    const char *user, *cwd; /* or NULL */
    int privileged, detach;
};
int cb_container_exec(struct cb_container *container, const struct cb_exec_wish *wish,
                      const struct cb_client_options *options, struct cb_cancel *cancel,
                      struct cb_client_end *end, struct cb_error **err);

/* It has been renamed: its monitor, if there is one, is told, and what it says is shown.
 */
void cb_container_tell_renamed(struct cb_container *container);
/* Gives its process SIGNAL. EXISTS "Container x is not running", as of all that only one
 * that runs can do, with the errnum ESRCH. */
int cb_container_signal(struct cb_container *container, int signal,
                        struct cb_error **err);
/* All is borrowed. */
struct cb_saving_wish {
    const char *name; /* the checkpoint's */
    const char *criu; /* its path */
    int images_fd;    /* the checkpoint's directory */
    int leave_running;
};
/* Has its processes saved; see cb_checkpoint_create. */
int cb_container_save(const struct cb_container *container,
                      const struct cb_saving_wish *wish, struct cb_cancel *cancel,
                      struct cb_error **err);
/* Stops all processes in it, or lets them go on. */
int cb_container_pause(struct cb_container *container, int on, struct cb_error **err);
/* Pauses it until *FD is closed, by whoever ends us at the latest. Caller closes. */
int cb_container_hold(struct cb_container *container, int *fd, struct cb_error **err);
/* Writes its configuration, which was changed; one that runs takes it over, or it stays
 * as it was. */
int cb_container_update(struct cb_store *store, struct cb_container *container,
                        struct cb_error **err);
/* Returns when it has ended; at once if it does not run. TIMEOUT_S -1: never killed. */
int cb_container_stop(struct cb_container *container, int signal, int timeout_s,
                      struct cb_cancel *cancel, struct cb_error **err);
/* The same in two steps, for several to stop side by side: the descriptor that its end is
 * told on, -1 if nobody is there to be asked (cb_container_stop says why). */
int cb_container_ask_stop(struct cb_container *container, int signal, int timeout_s);
int cb_container_await_stop(struct cb_container *container, int asked_fd,
                            struct cb_cancel *cancel, struct cb_error **err);
/* Has its monitor stop and start it, which it does also if we are killed meanwhile. 1: it
 * did. 0: there is none, or one of another version, which would stay: it is to be stopped
 * and started. */
int cb_container_restart(struct cb_container *container, int signal, int timeout_s,
                         struct cb_cancel *cancel, struct cb_error **err);
/* Asks its monitor to end, as the machine does when it is shut down: it is stopped in its
 * own way, and nobody has stopped it as far as its restart policy goes. */
void cb_container_ask_quit(struct cb_container *container);
/* Ends it however it can be ended: a monitor that does not answer is killed, and takes it
 * along. Returns when both are gone; nobody starts it again before the caller lets *LOCK
 * go, which is NULL if it was removed meanwhile. */
int cb_container_kill(struct cb_container *container, struct cb_cancel *cancel,
                      struct cb_lock **lock, struct cb_error **err);
int cb_container_wait(struct cb_container *container, struct cb_cancel *cancel,
                      int *exit_code, struct cb_error **err);
/* Its files, mounted volumes included: through its monitor if it runs. *HOLD is what
 * keeps a stopped one from being started meanwhile, or NULL. */
int cb_container_root(struct cb_store *store, struct cb_container *container, int *fd,
                      struct cb_snapshot **snapshot, struct cb_lock **hold,
                      struct cb_error **err);
/* Its network, and what it knows of names: for others that join it. */
struct cb_container_net {
    int fd;
    char *hosts, *resolv_conf, *hostname;
};
void cb_container_net_free(struct cb_container_net *net);
CB_AUTO_DEFINE(cb_container_net, cb_container_net_free)
/* USAGE "cannot join network of a non running container: …". */
int cb_container_get_net(struct cb_container *container, struct cb_container_net **out,
                         struct cb_error **err);
/* JOIN is what cb_join_parse reads. Also of one that does not run: then when it starts.
 */
int cb_container_connect(struct cb_store *store, struct cb_container *container,
                         const char *join, struct cb_cancel *cancel,
                         struct cb_error **err);
int cb_container_disconnect(struct cb_store *store, struct cb_container *container,
                            const char *network, struct cb_cancel *cancel,
                            struct cb_error **err);
/* Until its monitor is gone. */
int cb_container_wait_gone(struct cb_container *container, struct cb_cancel *cancel,
                           struct cb_error **err);

#endif
