/* Chooses a kind of network by name, and sets it up once, when the first step asks. */
#include "network/network-priv.h"

#include "base/log.h"
#include "base/user-namespace.h"

#include <pthread.h>
#include <string.h>

struct cb_network {
    const struct cb_network_class *class;
    char *state_dir;
    pthread_mutex_t lock;
    int fd; /* -1 until set up */
    void *state;
};

static const struct cb_network_class none = {.mode = "none"};
static const struct cb_network_class host = {.mode = "host", .is_host = 1};

static const struct {
    const char *mode;
    const struct cb_network_class *class;
} modes[] = {
    {"none", &none},
    {"host", &host},
    {"default", &cb_network_bridge},
    {"bridge", &cb_network_bridge},
};

/* Who is not root has no bridge. */
static const struct cb_network_class *possible(const struct cb_network_class *class)
{
    if (class != &cb_network_bridge || !cb_in_user_namespace())
        return class;
    cb_debug("without root the default network is the host's");
    return &host;
}

int cb_network_new(struct cb_network **out, const char *mode, const char *state_dir,
                   struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(modes); i++) {
        struct cb_network *network;

        if (strcmp(modes[i].mode, mode) != 0)
            continue;
        network = xcalloc(1, sizeof(*network));
        network->class = possible(modes[i].class);
        network->state_dir = xstrdup(state_dir);
        network->fd = -1;
        pthread_mutex_init(&network->lock, NULL);
        *out = network;
        return 0;
    }
    cb_error_set(err, CB_ERR_USAGE, "unknown network `%s`", mode);
    return cb_error_hint(err, "networks are default, none and host");
}

int cb_network_is_host(const struct cb_network *network)
{
    return network->class->is_host;
}

int cb_network_netns(struct cb_network *network, struct cb_cancel *cancel, int *fd,
                     struct cb_error **err)
{
    int status = 0;

    pthread_mutex_lock(&network->lock);
    if (network->class->set_up && network->fd < 0)
        status = network->class->set_up(&network->state, network->state_dir, cancel,
                                        &network->fd, err);
    if (status == 0)
        *fd = network->fd;
    pthread_mutex_unlock(&network->lock);
    return status;
}

void cb_network_free(struct cb_network *network)
{
    if (!network)
        return;
    if (network->state)
        network->class->tear_down(network->state);
    cb_close(&network->fd);
    pthread_mutex_destroy(&network->lock);
    free(network->state_dir);
    free(network);
}
