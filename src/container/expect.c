/* What of a container in the foreground needs no image is asked for before there is one.
 */
#include "container/container.h"

#include "base/thread.h"
#include "container/knobs.h"

#include <string.h>

/* Whose namespaces and networks are all its own, or the host's. */
static int can_be_expected(const struct cb_run_request *request)
{
    const char *network = request->network;

    return network && (!strcmp(network, "host") || !strcmp(network, "none")) &&
           request->networks.count <= 1 && !request->privileged && !request->tty &&
           !request->devices.count;
}

static void *expect(void *arg)
{
    const struct cb_expecting *expecting = arg;
    const struct cb_run_request *request = &expecting->options->request;
    struct cb_run_knobs knobs = {0};
    struct cb_process_spec spec;

    cb_process_spec_init(&spec);
    if (can_be_expected(request) && cb_run_knobs_parse(&knobs, request, NULL) == 0) {
        cb_run_knobs_apply(&knobs, request, &spec);
        spec.host_network = !strcmp(request->network, "host");
        cb_process_expect(expecting->launcher, &spec);
    } else {
        cb_launcher_prepare(expecting->launcher);
    }
    cb_run_knobs_clear(&knobs);
    return NULL;
}

void cb_container_expect(struct cb_expecting *out, struct cb_launcher *launcher,
                         const struct cb_container_options *options)
{
    out->launcher = launcher;
    out->options = options;
    out->has_thread = cb_thread_start(&out->thread, expect, out) == 0;
    if (!out->has_thread)
        expect(out);
}

void cb_container_expected(struct cb_expecting *expecting)
{
    if (!expecting || !expecting->has_thread)
        return;
    pthread_join(expecting->thread, NULL);
    expecting->has_thread = 0;
}
