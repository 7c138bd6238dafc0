/* From options to what is started. The network is set up on the way, since the files with
 * names in them tell of it. */
#include "container/setup.h"

#include "container/knobs.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void cb_setup_clear(struct cb_setup *setup)
{
    cb_run_spec_clear(&setup->spec);
    cb_network_free(setup->network);
}

void cb_container_new_id(char out[65])
{
    unsigned char bytes[32];

    while (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        ;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int read_ports(struct cb_ports *ports, const struct cb_run_request *request,
                      struct cb_error **err)
{
    for (size_t i = 0; i < request->publish.count; i++)
        if (cb_ports_parse(ports, request->publish.items[i], err) < 0)
            return -1;
    for (size_t i = 0; request->publish_all && i < request->config->exposed_ports.count;
         i++)
        if (cb_ports_expose(ports, request->config->exposed_ports.items[i], err) < 0)
            return -1;
    return 0;
}

static int check_dns(const struct cb_run_request *request, struct cb_error **err)
{
    const struct cb_dns_options dns = {&request->dns, &request->dns_search,
                                       &request->dns_options};

    return cb_dns_check(&dns, err);
}

static int open_network(struct cb_network **out, const char *store_root,
                        const struct cb_run_request *request, const char *id,
                        const char *given, struct cb_error **err)
{
    cb_autofree char *state = xasprintf("%s/networks", store_root);
    cb_autofree char *name = given ? xstrdup(given) : xstrndup(id, 12);
    cb_auto_value(cb_ports) ports = {0};
    struct cb_network_options options = {.mode = request->network,
                                         .state_dir = state,
                                         .id = id,
                                         .name = name,
                                         .aliases = &request->network_aliases,
                                         .dns = &request->dns,
                                         .ports = &ports,
                                         .ip = request->ip,
                                         .ip6 = request->ip6,
                                         .mac = request->mac};

    if (read_ports(&ports, request, err) < 0 || check_dns(request, err) < 0)
        return -1;
    return cb_network_new(out, &options, err);
}

/* Nothing else tells which port the kernel picked. */
void cb_setup_tell_ports(const struct cb_setup *setup)
{
    const struct cb_ports *opened = cb_network_ports(setup->network);

    for (size_t i = 0; i < opened->count; i++) {
        const struct cb_port *port = &opened->items[i];

        if (!port->is_picked)
            continue;
        fprintf(stderr, "cbuild: %s:%u is port %u/%s of the container\n",
                *port->host_ip ? port->host_ip : "0.0.0.0", port->host, port->container,
                port->protocol);
    }
}

static void choose_hostname(struct cb_setup *setup, const struct cb_run_request *request,
                            const char *id)
{
    if (request->hostname)
        snprintf(setup->hostname, sizeof(setup->hostname), "%s", request->hostname);
    else if (cb_network_is_host(setup->network) || (request->uts && *request->uts))
        gethostname(setup->hostname, sizeof(setup->hostname));
    else
        snprintf(setup->hostname, sizeof(setup->hostname), "%.12s", id);
    setup->hostname[sizeof(setup->hostname) - 1] = '\0';
}

int cb_setup_make(struct cb_setup *out, const char *store_root,
                  const struct cb_run_request *request, const char *id, const char *name,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    if (cb_stopping_parse(&out->stopping, request->stop_signal, request->stop_timeout,
                          err) < 0 ||
        open_network(&out->network, store_root, request, id, name, err) < 0)
        return -1;
    choose_hostname(out, request, id);
    return cb_run_spec_make(&out->spec, request, out->hostname, out->network, cancel,
                            err);
}

static int check_knobs(const struct cb_run_request *request, struct cb_error **err)
{
    struct cb_run_knobs knobs = {0};
    int status = cb_run_knobs_parse(&knobs, request, err);

    cb_run_knobs_clear(&knobs);
    return status;
}

int cb_setup_check(const char *store_root, const struct cb_run_request *request,
                   struct cb_error **err)
{
    cb_auto(cb_network) network = NULL;
    struct cb_stopping stopping;

    if (cb_stopping_parse(&stopping, request->stop_signal, request->stop_timeout, err) <
            0 ||
        check_knobs(request, err) < 0)
        return -1;
    return open_network(&network, store_root, request, "000000000000", NULL, err);
}
