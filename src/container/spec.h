/* What a container's process gets: docker's rules for merging an image's configuration
 * with `run`'s options. Private to this directory. */
#ifndef CB_CONTAINER_SPEC_H
#define CB_CONTAINER_SPEC_H

#include "container/container.h"
#include "container/knobs.h"
#include "network/network.h"

struct cb_owned_source {
    int fd;
    const char *path;
};

/* What a process spec borrows from while it runs. */
struct cb_run_spec {
    struct cb_process_spec process;
    struct cb_strings argv, env;
    struct cb_strings mount_texts, sysctls;
    CB_VEC(int) mount_fds;
    CB_VEC(struct cb_owned_source) owned; /* -v ...:U; borrowed from these */
    struct cb_run_knobs knobs;
    char *resolv_conf, *hosts, *hostname; /* texts of those files */
};
void cb_run_spec_clear(struct cb_run_spec *spec);
CB_AUTO_VALUE_DEFINE(cb_run_spec, cb_run_spec_clear)

/* What it is called, and its network, which is set up. */
struct cb_run_names {
    const char *hostname;
    char *hosts, *resolv_conf; /* taken */
    int netns_fd, is_host;
};
/* What is run: --entrypoint replaces the image's and drops its command. USAGE when there
 * is nothing. */
int cb_run_spec_argv(struct cb_strings *argv, const struct cb_run_request *request,
                     struct cb_error **err);
/* The working directory, never empty. */
const char *cb_run_spec_cwd(const struct cb_run_request *request);
/* Is the working directory absolute? USAGE with docker's words. */
int cb_run_spec_check_cwd(const struct cb_run_request *request, struct cb_error **err);
int cb_run_spec_make(struct cb_run_spec *out, const struct cb_run_request *request,
                     const struct cb_run_names *names, struct cb_error **err);

#endif
