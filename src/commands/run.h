/* What `run` and `create` share. */
#ifndef CB_COMMANDS_RUN_H
#define CB_COMMANDS_RUN_H

#include "commands/commands.h"
#include "container/container.h"
#include "registry/registry.h"

struct cb_run_values {
    struct cb_container_options container;
    struct cb_strings env_files, labels, label_files;
    const char *entrypoint, *pull, *platform, *cidfile, *detach_keys, *sig_proxy, *gpus;
    int detach, quiet;
    int fleeting; /* it leaves nothing: its sandbox gets ready at once */
};
void cb_run_values_clear(struct cb_run_values *values);
CB_AUTO_VALUE_DEFINE(cb_run_values, cb_run_values_clear)

extern const struct cb_option cb_run_options[];
#define CB_RUN_OWN_OPTIONS 3 /* the first ones, which `create` does not have */
/* Of docker's, what is not here. */
extern const struct cb_absent_option cb_run_absent[];
extern const struct cb_harmless_option cb_run_harmless[];

/* 1: help was printed. ARGS: the image first. FLAG for options; USAGE without an image.
 */
int cb_run_parse(const struct cb_cli_command *command, int argc, char **argv,
                 struct cb_run_values *values, struct cb_strings *args,
                 struct cb_error **err);
/* What a container is made of. */
struct cb_run_image {
    struct cb_store *store;
    struct cb_resolved_image *image;
    char id[CB_DIGEST_MAX_TEXT];
    struct cb_snapshot *rootfs;
    struct cb_mount_images mounts;
};
void cb_run_image_clear(struct cb_run_image *image);
CB_AUTO_VALUE_DEFINE(cb_run_image, cb_run_image_clear)
/* Opens the store, and finds the image's documents and filesystem, which VALUES' request
 * gets, and those of images that are to be mounted. */
int cb_run_find_image(struct cb_app *app, struct cb_run_values *values, const char *name,
                      struct cb_run_image *out, struct cb_error **err);
/* Prints the error: docker's 125 (us), 126 (cannot be executed), 127 (not found). */
int cb_run_fail(struct cb_error **err);

/* --sig-proxy: *KEEP is set when signals are not passed on. TEXT may be NULL. USAGE. */
int cb_run_parse_sig_proxy(const char *text, int *keep, struct cb_error **err);

/* ── run-defaults.c ── */
/* What the configuration says, where the options do not. */
int cb_run_add_defaults(struct cb_app *app, struct cb_run_values *values,
                        struct cb_error **err);

/* ── run-files.c ── */
/* --env-file, --label, --label-file. */
int cb_run_read_files(struct cb_run_values *values, struct cb_error **err);

/* ── run-gpus.c ── */
/* --gpus, or NULL: names of devices. USAGE. */
int cb_run_take_gpus(const char *text, struct cb_strings *devices, struct cb_error **err);

/* ── run-kept.c ── */
/* Clears IMAGE once it has served. */
int cb_run_kept(struct cb_app *app, struct cb_run_values *values,
                struct cb_run_image *image, int *exit_code, struct cb_error **err);

#endif
