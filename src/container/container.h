/* Containers: a process in an image's filesystem. */
#ifndef CB_CONTAINER_CONTAINER_H
#define CB_CONTAINER_CONTAINER_H

#include "base/cancel.h"
#include "base/event.h"
#include "executor/executor.h"
#include "oci/oci.h"
#include "store/snapshot.h"
#include "store/store.h"

#include <pthread.h>

struct cb_run_request {
    /* The image: "sha256:…", the configuration, the filesystem, or NULL (scratch); and as
     * it was called. */
    const char *image_id;
    const struct cb_image_config *config;
    struct cb_snapshot *rootfs;
    const char *image_name;
    struct cb_strings command; /* after the image name */
    int has_entrypoint; /* --entrypoint given: replaces, and the image's CMD is dropped */
    const char *entrypoint; /* "" resets */
    struct cb_strings env;  /* -e as typed, "K" alone takes ours */
    const char *workdir, *user, *hostname;
    struct cb_strings volumes; /* -v as typed */
    const char *network; /* "bridge" (default), "host", "none", "container:X", a name */
    struct cb_strings network_aliases;
    const char *ip, *ip6, *mac;
    struct cb_strings networks;       /* --network as typed; see container/joins.h */
    char *network_name;               /* what NETWORK points to then */
    struct cb_strings links;          /* "CONTAINER[:ALIAS]" */
    struct cb_strings publish;        /* -p as typed */
    int publish_all;                  /* -P */
    struct cb_strings bridge_options; /* see cb_network_options */
    struct cb_strings expose;         /* --expose PORT[/PROTO] */
    int interactive, tty, init;       /* INIT -1 until its default is known */
    /* Docker's options for the sandbox, as typed */
    struct cb_limit_options limits;
    const char *shm_size, *oom_score_adj, *domainname;
    const char *userns, *ipc, *pid, *uts, *cgroupns; /* whose namespaces; or NULL */
    struct cb_strings ulimits, security_opts, cap_add, cap_drop, devices, device_rules,
        cdi_dirs, groups, tmpfs, sysctls, add_hosts, dns, dns_search, dns_options;
    int privileged, read_only;
    /* nobody asked for these: they are the configuration's */
    int configured_dns, configured_dns_search, configured_dns_options;
    const char *stop_signal, *stop_timeout; /* or NULL */
};
void cb_run_request_clear(struct cb_run_request *request);
CB_AUTO_VALUE_DEFINE(cb_run_request, cb_run_request_clear)

/* --health-cmd and so on, as typed; or NULL. */
struct cb_health_options {
    const char *command, *interval, *timeout, *retries, *start_period, *start_interval;
    int none; /* --no-healthcheck */
};

/* What --mount type=image names, unpacked. */
struct cb_mount_image {
    char *name;
    struct cb_snapshot *files; /* or NULL (scratch) */
};
struct cb_mount_images {
    struct cb_mount_image *items;
    size_t count, capacity;
};
void cb_mount_images_clear(struct cb_mount_images *images);
CB_AUTO_VALUE_DEFINE(cb_mount_images, cb_mount_images_clear)

/* What more there is to say of a container that is kept. */
struct cb_container_options {
    struct cb_run_request request;
    const char *name;                      /* or NULL */
    struct cb_strings labels, annotations; /* "KEY=VALUE" */
    struct cb_strings mounts, volumes_from, log_opts;
    struct cb_strings attach;             /* -a as typed: "stdin", "STDOUT", … */
    const char *volume_driver;            /* as typed, "local"; or NULL */
    const struct cb_mount_images *images; /* those of MOUNTS, borrowed; or NULL */
    const char *restart;    /* "no", "always", "unless-stopped", "on-failure[:N]" */
    const char *log_driver; /* "json-file", "journald", "none" */
    int remove;             /* when it ends, with its anonymous volumes */
    int detached;           /* it was made for the background, by `run -d` */
    int for_later;          /* others may fill it before it is started; not kept */
    struct cb_health_options health;
};
void cb_container_options_clear(struct cb_container_options *options);
CB_AUTO_VALUE_DEFINE(cb_container_options, cb_container_options_clear)

/* A shell on our terminal, in the sandbox of a build's step: SPEC as it was, but for its
 * command, whose shell is taken. */
int cb_container_shell(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                       struct cb_cancel *cancel, struct cb_exit *result,
                       struct cb_error **err);

/* A container with OPTIONS is going to be run in the foreground: the launcher is started,
 * and what is the same whatever the image gets ready there. */
void cb_container_expect(struct cb_launcher *launcher,
                         const struct cb_container_options *options);

/* Runs in the foreground on our stdio, forwarding signals and terminal size; the
 * filesystem is discarded afterwards, and LAUNCHER dismissed. Others see one that lasts.
 * *EXIT_CODE is the container's. Errors: USAGE, NOT_FOUND with errno ENOENT (command
 * missing: 127), DENIED (126), others 125. */
int cb_container_run(struct cb_store *store, struct cb_launcher *launcher,
                     const struct cb_container_options *options, struct cb_cancel *cancel,
                     int *exit_code, struct cb_error **err);

#endif
