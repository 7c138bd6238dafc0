/* What of a container in the foreground needs no image is asked for before there is one.
 */
#include "container/container.h"

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

void cb_container_expect(struct cb_launcher *launcher,
                         const struct cb_container_options *options)
{
    const struct cb_run_request *request = &options->request;
    struct cb_run_knobs knobs = {0};
    struct cb_process_spec spec;

    cb_process_spec_init(&spec);
    if (can_be_expected(request) && cb_run_knobs_parse(&knobs, request, NULL) == 0) {
        cb_run_knobs_apply(&knobs, request, &spec);
        spec.host_network = !strcmp(request->network, "host");
        cb_process_expect(launcher, &spec);
    } else {
        cb_launcher_prepare(launcher);
    }
    cb_run_knobs_clear(&knobs);
}
