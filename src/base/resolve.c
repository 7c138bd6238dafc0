/* The C library's resolver cannot be told to stop, and may take minutes: it runs in a
 * thread that nobody waits for once the command is cancelled. */
#include "base/resolve.h"

#include "base/alloc.h"
#include "base/thread.h"

#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of the thread and of who waits for it; the last one frees it. */
struct question {
    char *name;
    int done_fd; /* readable when ADDRESSES are there */
    struct cb_strings addresses;
    atomic_int users;
};

static void question_unref(struct question *question)
{
    if (atomic_fetch_sub(&question->users, 1) > 1)
        return;
    free(question->name);
    close(question->done_fd);
    cb_strings_free(&question->addresses);
    free(question);
}

static void add_address(struct cb_strings *out, const struct addrinfo *found)
{
    char text[NI_MAXHOST];

    if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0,
                    NI_NUMERICHOST) == 0)
        cb_strings_add(out, text);
}

static void *ask(void *arg)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct question *question = arg;
    struct addrinfo *found = NULL;

    if (getaddrinfo(question->name, NULL, &hints, &found) == 0) {
        for (const struct addrinfo *p = found; p; p = p->ai_next)
            add_address(&question->addresses, p);
        freeaddrinfo(found);
    }
    eventfd_write(question->done_fd, 1);
    question_unref(question);
    return NULL;
}

static struct question *question_new(const char *name)
{
    struct question *question = xcalloc(1, sizeof(*question));

    question->name = xstrdup(name);
    question->done_fd = eventfd(0, EFD_CLOEXEC);
    atomic_init(&question->users, 2);
    return question;
}

static int start(struct question *question)
{
    pthread_t thread;

    if (question->done_fd < 0 || cb_thread_start(&thread, ask, question) != 0)
        return -1;
    pthread_detach(thread);
    return 0;
}

/* 1: answered, 0: cancelled. */
static int await(const struct question *question, const struct cb_cancel *cancel)
{
    struct pollfd waits[] = {{.fd = question->done_fd, .events = POLLIN},
                             {.fd = cb_cancel_fd(cancel), .events = POLLIN}};

    while (!waits[0].revents && !cb_cancel_requested(cancel))
        poll(waits, CB_ARRAY_SIZE(waits), -1);
    return waits[0].revents != 0;
}

void cb_host_resolve(const char *name, const struct cb_cancel *cancel,
                     struct cb_strings *out)
{
    struct question *question = question_new(name);
    int alone = start(question) == 0;

    if (!alone)
        ask(question);
    if (!alone || await(question, cancel))
        cb_strings_copy(out, &question->addresses);
    question_unref(question);
}
