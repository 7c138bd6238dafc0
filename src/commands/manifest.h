/* What the manifest commands share. */
#ifndef CB_COMMANDS_MANIFEST_H
#define CB_COMMANDS_MANIFEST_H

#include "commands/transfer.h"
#include "registry/draft.h"

struct cb_manifest_values {
    struct cb_transfer_values common;
    int amend, insecure, purge, raw, verbose;
    const char *os, *arch, *variant, *os_version;
    struct cb_strings annotations, os_features;
};

#define CB_MANIFEST_AT(field) offsetof(struct cb_manifest_values, field)
#define CB_MANIFEST_INSECURE                                                     \
    {                                                                            \
        "insecure", 0, CB_OPTION_FLAG, CB_MANIFEST_AT(insecure), NULL,           \
            "Reach the registries by plain http or with unverified certificates" \
    }

typedef int cb_manifest_action(struct cb_app *app, struct cb_manifest_values *values,
                               const struct cb_strings *args, struct cb_error **err);

/* The command line, then ACT; --insecure means the hosts of all names. */
int cb_manifest_run(const struct cb_cli_command *command, int min, int max,
                    cb_manifest_action *act, struct cb_app *app, int argc, char **argv,
                    struct cb_error **err);
/* The list NAME, which must be here. */
int cb_manifest_list(struct cb_store *store, const char *name, struct cb_draft **out,
                     struct cb_error **err);

/* JSON, indented; RAW: as it is, if it is JSON at all. */
int cb_manifest_print(const char *bytes, size_t len, int raw, struct cb_error **err);

#endif
