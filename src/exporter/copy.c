/* A copy: what is there at one end, and then to the other. */
#include "exporter/copy.h"

#include "exporter/copy-priv.h"

/* What can be told before anything is asked or read. */
static int check(const struct cb_copy *copy, struct cb_error **err)
{
    const struct cb_copy_end *to = copy->to;

    if (to->kind == CB_COPY_STORE &&
        (!to->reference || cb_digest_is_set(&to->reference->digest)))
        return cb_error_set(err, CB_ERR_USAGE, "`%s` is no name for an image", to->name);
    if (cb_digest_is_set(&to->digest))
        return cb_error_set(err, CB_ERR_USAGE, "a digest is nothing to copy to");
    if (copy->all && to->kind == CB_COPY_DOCKER_ARCHIVE) {
        cb_error_set(err, CB_ERR_USAGE, "a docker archive holds one platform's image");
        return cb_error_hint(err, "oci-archive: holds all of them");
    }
    return 0;
}

int cb_copy_run(const struct cb_copy *copy, struct cb_descriptor *root,
                struct cb_error **err)
{
    struct cb_platform host = cb_platform_host();
    const struct cb_platform *platform = copy->platform ? copy->platform : &host;
    struct cb_tree_source source;
    cb_auto(cb_tree) tree = NULL;

    if (check(copy, err) < 0)
        return -1;
    if (copy->from->kind == CB_COPY_DOCKER_ARCHIVE && copy->to->kind == CB_COPY_STORE &&
        !copy->platform)
        return cb_copy_unpack(copy, root, err);
    if (cb_copy_source(copy, &source, err) < 0 ||
        cb_tree_get(copy->registry, &source, copy->all ? NULL : platform,
                    copy->platform && copy->to->kind != CB_COPY_DOCKER_ARCHIVE, &tree,
                    err) < 0 ||
        cb_copy_target(copy, &source, tree, err) < 0)
        return -1;
    cb_descriptor_copy(root, &tree->root);
    return 0;
}
