/* Datagrams with descriptors, over a socket that keeps messages apart (SOCK_SEQPACKET):
 * unix(7), SCM_RIGHTS. */
#ifndef CB_BASE_MESSAGE_H
#define CB_BASE_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

#define CB_MESSAGE_MAX_FDS 250 /* the kernel's SCM_MAX_FD is 253 */

/* Sends LEN bytes, and copies of COUNT descriptors. 0, or -1 with errno; a peer that is
 * gone raises no signal. */
int cb_message_send(int socket, const void *message, size_t len, const int *fds,
                    size_t count);
/* Receives one message of at most LEN bytes: what read(2) returns. FDS gets at most ROOM
 * descriptors, closed on exec and the caller's, and *COUNT says how many; the kernel
 * keeps those that more were sent of. */
ssize_t cb_message_receive(int socket, void *message, size_t len, int *fds, size_t room,
                           size_t *count);

#endif
