/* Seeing to the server of names beside other work: it may take long to start, or to find
 * out that it does not, and others may be at it. The thread has what it needs for itself,
 * so the network may be left meanwhile. */
#include "network/names-priv.h"

#include "base/thread.h"
#include "network/network-priv.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct cb_names_mending {
    pthread_t thread;
    struct cb_cancel *cancel;
    int net, pause_ms;
    int done;  /* can be read when WATCH counts */
    int watch; /* of the server, or -1 */
};

static void mend(struct cb_names_mending *mending)
{
    struct pollfd canceled = {.fd = cb_cancel_fd(mending->cancel), .events = POLLIN};

    if (mending->pause_ms)
        poll(&canceled, 1, mending->pause_ms);
    if (!cb_cancel_requested(mending->cancel) && setns(mending->net, CLONE_NEWNET) == 0)
        mending->watch = cb_names_watch(mending->cancel);
}

static void *run(void *arg)
{
    struct cb_names_mending *mending = arg;
    const uint64_t one = 1;

    mend(mending);
    while (write(mending->done, &one, sizeof(one)) < 0)
        ;
    return NULL;
}

static void clear(struct cb_names_mending *mending)
{
    cb_cancel_free(mending->cancel);
    cb_close(&mending->net);
    cb_close(&mending->done);
    free(mending);
}

struct cb_names_mending *cb_names_mending_new(const struct cb_network *network,
                                              int pause_ms)
{
    struct cb_names_mending *mending;

    if (!network->facts.has_names || !network->backend->names_net)
        return NULL;
    mending = xcalloc(1, sizeof(*mending));
    mending->net = network->backend->names_net(network->state);
    mending->done = eventfd(0, EFD_CLOEXEC);
    mending->cancel = cb_cancel_new();
    mending->pause_ms = pause_ms;
    mending->watch = -1;
    if (mending->net >= 0 && mending->done >= 0 &&
        cb_thread_start(&mending->thread, run, mending) == 0)
        return mending;
    clear(mending);
    return NULL;
}

int cb_names_mending_fd(const struct cb_names_mending *mending)
{
    return mending->done;
}

int cb_names_mending_end(struct cb_names_mending *mending)
{
    int watch;

    if (!mending)
        return -1;
    cb_cancel_request(mending->cancel);
    pthread_join(mending->thread, NULL);
    watch = mending->watch;
    clear(mending);
    return watch;
}
