/* Images from one place to another as they are: registries, archives, directories and the
 * store. Digests stay, and nothing is unpacked unless the store is where it goes. */
#ifndef CB_EXPORTER_COPY_H
#define CB_EXPORTER_COPY_H

#include "exporter/exporter.h"
#include "registry/registry.h"

enum cb_copy_kind {
    CB_COPY_REGISTRY,       /* docker://NAME */
    CB_COPY_LAYOUT,         /* oci:DIR[:TAG|@DIGEST] */
    CB_COPY_OCI_ARCHIVE,    /* oci-archive:FILE[:TAG] */
    CB_COPY_DOCKER_ARCHIVE, /* docker-archive:FILE[:NAME] */
    CB_COPY_DIR,            /* dir:DIR, as skopeo has it */
    CB_COPY_STORE,          /* store:NAME, NAME */
};
struct cb_copy_end {
    enum cb_copy_kind kind;
    char *path;                     /* of a file or directory */
    char *tag;                      /* in a layout; or NULL */
    char *name;                     /* in the store, as the user wrote it */
    struct cb_digest digest;        /* in a layout, if set */
    struct cb_reference *reference; /* where there are names; or NULL */
};
void cb_copy_end_clear(struct cb_copy_end *end);
CB_AUTO_VALUE_DEFINE(cb_copy_end, cb_copy_end_clear)
/* skopeo's spelling. USAGE. */
int cb_copy_end_parse(struct cb_copy_end *out, const char *text, struct cb_error **err);

struct cb_copy {
    struct cb_archive_env *env;
    struct cb_registry *registry;
    const struct cb_copy_end *from, *to;
    const struct cb_platform *platform; /* the one of several; NULL: this machine's */
    int all;                            /* all of them and their index instead */
};
/* ROOT: what the other end has now, the caller's; of what has no manifest there its
 * digest alone, the image's id. */
int cb_copy_run(const struct cb_copy *copy, struct cb_descriptor *root,
                struct cb_error **err);

#endif
