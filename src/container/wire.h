/* What a container's monitor and those who talk to it say: one datagram a message
 * (SOCK_SEQPACKET), descriptors along with it. The first message says what the connection
 * is for. Private to this directory. */
#ifndef CB_CONTAINER_WIRE_H
#define CB_CONTAINER_WIRE_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

#define CB_WIRE_MAX_BYTES 32768

enum cb_wire_type {
    /* to the monitor */
    CB_WIRE_START,   /* by who started it: a = attach, b rows, c columns; the directory of
                        a checkpoint may come along */
    CB_WIRE_ATTACH,  /* b rows, c columns */
    CB_WIRE_WAIT,    /* for the end */
    CB_WIRE_STOP,    /* signal a, kill after b seconds (-1: never); answered at the end */
    CB_WIRE_SIGNAL,  /* a; of START, ATTACH and EXEC to their process */
    CB_WIRE_PAUSE,   /* a = 1, or 0 to go on; b = 1: as long as it is connected */
    CB_WIRE_RELOAD,  /* the configuration was changed */
    CB_WIRE_EXEC,    /* text: a JSON of what to run; a = detach, b rows, c columns */
    CB_WIRE_ROOT,    /* asks for a descriptor of its root */
    CB_WIRE_NET,     /* asks for a descriptor of its network, text: JSON of its names */
    CB_WIRE_CONNECT, /* text: what cb_join_parse reads */
    CB_WIRE_DISCONNECT, /* text: a network's name or id */
    CB_WIRE_INPUT,      /* bytes for its standard input; none: their end */
    CB_WIRE_RESIZE,     /* a rows, b columns */
    /* from the monitor */
    CB_WIRE_OK,     /* done */
    CB_WIRE_FAILED, /* a kind, b errno, text: message, NUL, hint */
    CB_WIRE_OUTPUT, /* a 1 or 2 */
    CB_WIRE_EXITED, /* a exit code; a descriptor of a file of what did not fit before,
                       message after message, or none */
    /* to the monitor */
    CB_WIRE_VOLUME, /* text: its name; asks for a mount of a volume in memory */
    CB_WIRE_PIN,   /* of one in the foreground: others want to read what it has written */
    CB_WIRE_SPACE, /* asks for its namespace of the kind a, as CLONE_NEW… has it */
    CB_WIRE_RENAMED,    /* the container has another name */
    CB_WIRE_RESTART,    /* as STOP, then it is started; answered when it has */
    CB_WIRE_CHECKPOINT, /* into the directory that comes along; text: its name, NUL, the
                           path of criu; a = it goes on */
};

struct cb_wire_message {
    uint32_t type;
    int32_t a, b, c;
    uint32_t len;
    char text[CB_WIRE_MAX_BYTES];
};

/* 0, or -1 with errno. FD -1: no descriptor. */
int cb_wire_send(int socket, const struct cb_wire_message *message, int fd);
/* 1, 0 at the end, -1 with errno. *FD (may be NULL) gets a descriptor, or -1. */
int cb_wire_receive(int socket, struct cb_wire_message *message, int *fd);
void cb_wire_set_error(struct cb_wire_message *message, const struct cb_error *error);
int cb_wire_get_error(const struct cb_wire_message *message, struct cb_error **err);

/* The socket NAME of a container's directory; paths of any length work. */
int cb_wire_listen(int dir_fd, const char *name, int *fd, struct cb_error **err);
/* 1, 0 nobody listens. An error with ETIMEDOUT: who listens has not taken it for long. */
int cb_wire_connect(int dir_fd, const char *name, int *fd, struct cb_error **err);

/* The next message of such a file: 1, 0 at its end, -1 with errno. */
int cb_wire_read(int fd, struct cb_wire_message *message);
/* A file of MESSAGES, to be read from its beginning. 0, or -1 with errno. */
int cb_wire_pack(struct cb_wire_message *const *messages, size_t count, int *fd);

#endif
