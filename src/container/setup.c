/* From options to what is started. The network is set up on the way, since the files with
 * names in them tell of it. */
#include "container/setup.h"

#include "container/knobs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void cb_setup_clear(struct cb_setup *setup)
{
    cb_run_spec_clear(&setup->spec);
    cb_nets_clear(&setup->nets);
    cb_spaces_clear(&setup->spaces);
    cb_strings_free(&setup->whole.env);
    cb_strings_free(&setup->whole.add_hosts);
    *setup = (struct cb_setup)CB_SETUP_INIT;
}

void cb_container_new_id(char out[65])
{
    unsigned char bytes[32];

    while (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        ;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The kernel keeps 64 bytes. */
static int check_name(const char *what, const char *name, struct cb_error **err)
{
    if (!name || strlen(name) <= HOST_NAME_MAX)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid %s: it has %zu characters, and %d are possible", what,
                        strlen(name), HOST_NAME_MAX);
}

static int check_names(const struct cb_run_request *request, struct cb_error **err)
{
    return check_name("hostname", request->hostname, err) < 0
               ? -1
               : check_name("domainname", request->domainname, err);
}

static int check_dns(const struct cb_run_request *request, struct cb_error **err)
{
    const struct cb_dns_options dns = {&request->dns, &request->dns_search,
                                       &request->dns_options};

    return cb_dns_check(&dns, err);
}

/* Nothing else tells which port the kernel picked. */
void cb_setup_tell_ports(const struct cb_setup *setup)
{
    const struct cb_ports *opened = cb_nets_ports(&setup->nets);

    for (size_t i = 0; i < opened->count; i++) {
        const struct cb_port *port = &opened->items[i];

        if (!port->is_picked || port->is_twin)
            continue;
        fprintf(stderr, "cbuild: %s:%u is port %u/%s of the container\n",
                *port->host_ip ? port->host_ip : "0.0.0.0", port->host, port->container,
                port->protocol);
    }
}

static void choose_hostname(struct cb_setup *setup, const struct cb_run_request *request,
                            const char *id, const struct cb_container_net *net)
{
    if (request->hostname)
        snprintf(setup->hostname, sizeof(setup->hostname), "%s", request->hostname);
    else if (net && *net->hostname)
        snprintf(setup->hostname, sizeof(setup->hostname), "%s", net->hostname);
    else if (cb_network_is_host(setup->nets.items[0]) || (request->uts && *request->uts))
        gethostname(setup->hostname, sizeof(setup->hostname));
    else
        snprintf(setup->hostname, sizeof(setup->hostname), "%.12s", id);
    setup->hostname[sizeof(setup->hostname) - 1] = '\0';
}

/* What it is told of others is less than what it was told itself. */
static void add_neighbours(struct cb_run_request *whole,
                           const struct cb_run_request *request,
                           const struct cb_neighbours *neighbours)
{
    cb_strings_copy(&whole->env, &neighbours->env);
    cb_vec_foreach (text, &request->env)
        cb_strings_add(&whole->env, *text);
    cb_strings_copy(&whole->add_hosts, &neighbours->hosts);
    cb_vec_foreach (text, &request->add_hosts)
        cb_strings_add(&whole->add_hosts, *text);
}

static void share_spaces(struct cb_process_spec *spec, const struct cb_spaces *spaces)
{
    spec->pid_of = (struct cb_foreign_space){spaces->pid.fd, spaces->pid.mounts_fd};
    spec->ipc_of = (struct cb_foreign_space){spaces->ipc.fd, spaces->ipc.mounts_fd};
}

static int open_nets(struct cb_setup *out, const struct cb_nets_owner *owner,
                     const struct cb_setup_options *options, struct cb_error **err)
{
    const struct cb_meanwhile *meanwhile = options->meanwhile;

    if (cb_nets_open(&out->nets, owner, err) < 0)
        return -1;
    if (!meanwhile)
        return 0;
    cb_network_begin(out->nets.items[0], options->cancel);
    if (meanwhile->call(meanwhile->arg, err) == 0)
        return 0;
    /* nobody waits for a network that nothing will run in */
    if (options->cancel)
        cb_cancel_request(options->cancel);
    return -1;
}

static int make(struct cb_setup *out, const struct cb_nets_owner *owner,
                const struct cb_container_net *net,
                const struct cb_setup_options *options, struct cb_error **err)
{
    const struct cb_run_request *request = owner->request;
    struct cb_nets_owner named = *owner;
    struct cb_run_names names = {0};

    if (open_nets(out, owner, options, err) < 0)
        return -1;
    choose_hostname(out, request, owner->id, net);
    named.hostname = out->hostname;
    if (cb_nets_set_up(&out->nets, &named, options->cancel, err) < 0 ||
        cb_nets_texts(&out->nets, &named, &names.hosts, &names.resolv_conf, err) < 0)
        return -1;
    names.hostname = out->hostname;
    names.netns_fd = out->nets.netns;
    names.is_host = cb_network_is_host(out->nets.items[0]);
    if (cb_run_spec_make(&out->spec, request, &names, err) < 0)
        return -1;
    share_spaces(&out->spec.process, &out->spaces);
    return 0;
}

int cb_setup_make(struct cb_setup *out, struct cb_store *store,
                  const struct cb_setup_options *options, struct cb_error **err)
{
    const struct cb_run_request *request = options->request;
    cb_auto_value(cb_neighbours) neighbours = {0};
    cb_autofree char *called =
        options->name ? xstrdup(options->name) : xstrndup(options->id, 12);
    struct cb_network_joined joined = {0};
    struct cb_nets_owner owner = {.store_root = cb_store_root(store),
                                  .request = &out->whole,
                                  .id = options->id,
                                  .name = called};

    out->nets = (struct cb_nets){.netns = -1, .names_fd = -1};
    out->spaces = (struct cb_spaces){.pid = {-1, -1}, .ipc = {-1, -1}};
    out->whole = *request;
    out->whole.env = out->whole.add_hosts = (struct cb_strings){0};
    if (cb_stopping_parse(&out->stopping, request->stop_signal, request->stop_timeout,
                          err) < 0 ||
        check_dns(request, err) < 0 || check_names(request, err) < 0 ||
        cb_neighbours_find(&neighbours, store, request, called, err) < 0 ||
        cb_spaces_open(&out->spaces, store, request, err) < 0)
        return -1;
    if (neighbours.net) {
        joined = (struct cb_network_joined){.netns = neighbours.net->fd,
                                            .hosts = neighbours.net->hosts,
                                            .resolv_conf = neighbours.net->resolv_conf};
        owner.joined = &joined;
    }
    add_neighbours(&out->whole, request, &neighbours);
    return make(out, &owner, neighbours.net, options, err);
}

static int check_hosts(const struct cb_run_request *request, struct cb_error **err)
{
    cb_vec_foreach (text, &request->add_hosts) {
        if (cb_dns_check_host(*text, err) < 0)
            return -1;
    }
    return 0;
}

static int check_networks(const char *store_root, const struct cb_run_request *request,
                          struct cb_error **err)
{
    const struct cb_nets_owner owner = {
        .store_root = store_root, .request = request, .id = "000000000000"};
    struct cb_nets nets = {.netns = -1, .names_fd = -1};
    int status = 0;

    /* one that is another container's cannot be opened before it runs */
    if (!request->network || strncmp(request->network, "container:", 10) != 0 ||
        !request->network[10])
        status = cb_nets_open(&nets, &owner, err);
    cb_nets_clear(&nets);
    return status < 0 ? -1 : cb_nets_check_others(&owner, err);
}

int cb_setup_check(struct cb_store *store, const struct cb_run_request *request,
                   struct cb_error **err)
{
    cb_auto_value(cb_strings) argv = {0};
    struct cb_stopping stopping;

    if (cb_run_spec_argv(&argv, request, err) < 0 ||
        cb_run_spec_check_cwd(request, err) < 0 || check_hosts(request, err) < 0 ||
        cb_stopping_parse(&stopping, request->stop_signal, request->stop_timeout, err) <
            0 ||
        cb_run_knobs_check(request, err) < 0 || check_dns(request, err) < 0 ||
        check_names(request, err) < 0 || cb_neighbours_check(store, request, err) < 0 ||
        cb_spaces_check(store, request, err) < 0)
        return -1;
    return check_networks(cb_store_root(store), request, err);
}
