/* An image as it travels: documents and blobs under their digests, from one place to
 * another, nothing unpacked and nothing written anew. */
#ifndef CB_REGISTRY_TREE_H
#define CB_REGISTRY_TREE_H

#include "registry/registry.h"

/* Where it is: on a registry, in a layout, or all of it in the store. */
struct cb_tree_source {
    const struct cb_reference *reference; /* on a registry, or NULL */
    const char *layout;                   /* or NULL */
    const char *tag;                      /* in the directory, or NULL */
    struct cb_digest digest;              /* instead of a tag, if set */
};

/* One manifest, or an index and all the manifests it lists. */
struct cb_tree {
    struct cb_descriptor root;
    struct cb_index *index; /* or NULL */
    CB_VEC(struct cb_manifest *) manifests;
};
void cb_tree_free(struct cb_tree *tree);
CB_AUTO_DEFINE(cb_tree, cb_tree_free)

/* Its documents, kept in the store. PLATFORM: only that one's manifest of an index, with
 * ATTESTED and what the index says of it, if anything, in an index of these; NULL: all.
 * UNSUPPORTED for indexes in an index. */
int cb_tree_get(struct cb_registry *registry, const struct cb_tree_source *source,
                const struct cb_platform *platform, int attested, struct cb_tree **out,
                struct cb_error **err);
/* Its blobs into the store. */
int cb_tree_fetch(struct cb_registry *registry, const struct cb_tree_source *source,
                  const struct cb_tree *tree, struct cb_error **err);
/* To NAME (canonical) on a registry: blobs that are there cost a HEAD, those that the
 * same registry has in SOURCE's repository are mounted, the others go through the store.
 * Then the manifests, and what is named last. With only a digest in NAME nothing is
 * named. */
int cb_tree_push(struct cb_registry *registry, const struct cb_tree_source *source,
                 const struct cb_tree *tree, const char *name, struct cb_error **err);

#endif
