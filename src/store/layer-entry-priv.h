/* Where the entries of a layer go to: its tar, the digest of its tree, or both. */
#ifndef CB_STORE_LAYER_ENTRY_PRIV_H
#define CB_STORE_LAYER_ENTRY_PRIV_H

#include "base/fs.h"
#include "base/map.h"
#include "store/layer-pass.h"
#include "store/tar.h"
#include "store/walk.h"
#include "store/xattr.h"

/* An entry on its way out. */
struct cb_layer_entry {
    const struct cb_walk_entry *at;
    struct cb_xattrs xattrs; /* those that travel */
    int fd;                  /* of a regular file, or -1 */
    char *link;              /* a link's target */
    struct cb_digest content;
};
void cb_layer_entry_clear(struct cb_layer_entry *entry);
CB_AUTO_VALUE_DEFINE(cb_layer_entry, cb_layer_entry_clear)

struct cb_layer_out {
    struct cb_tar_writer *tar; /* or NULL */
    struct cb_hasher *tree;    /* or NULL */
    struct cb_hasher *content;
    struct cb_map *links; /* "dev:ino" → where a file with several names was met first */
    unsigned char *buffer;
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    int64_t size_bytes; /* of the files so far */
};
/* What PASS asks for. */
int cb_layer_out_start(struct cb_layer_out *out, const struct cb_layer_pass *pass,
                       struct cb_cancel *cancel, struct cb_error **err);
int cb_layer_put(struct cb_layer_out *out, struct cb_layer_entry *item,
                 struct cb_error **err);
/* An empty file that only says something by its name. */
int cb_layer_put_marker(struct cb_layer_out *out, const char *directory,
                        size_t directory_len, const char *name, struct cb_error **err);
/* Fills in the results. */
int cb_layer_out_finish(struct cb_layer_out *out, struct cb_layer_pass *pass,
                        struct cb_error **err);
void cb_layer_out_clear(struct cb_layer_out *out);
CB_AUTO_VALUE_DEFINE(cb_layer_out, cb_layer_out_clear)

#endif
