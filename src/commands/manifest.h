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

#define CB_MANIFEST_DEFAULTS \
    (&(const struct cb_manifest_values){.common = CB_TRANSFER_DEFAULTS})

/* --insecure means the hosts of all NAMES. */
void cb_manifest_trust_hosts(struct cb_manifest_values *values,
                             const struct cb_strings *names);
/* The list NAME, which must be here. */
int cb_manifest_list(struct cb_store *store, const char *name, struct cb_draft **out,
                     struct cb_error **err);

#endif
