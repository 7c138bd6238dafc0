/* Overlay copies a file up, whole, when its mode or owner is changed, and keeps its size
 * and time. Files that agree with what is below in those are compared byte by byte, so
 * that none is blamed wrongly; others are not opened. What a whiteout or an opaque
 * directory hides is added up in the directories of the layers that have it. */
#include "store/waste.h"

#include "base/fs.h"
#include "store/layer-file.h"
#include "store/snapshot-priv.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FACT  "waste"
#define SMALL 4096 /* files that are smaller are not looked for below */

struct waste {
    struct cb_snapshot *layer;
    unsigned base_layers;
    struct cb_cancel *cancel;
    int below_fd; /* the tree below, once it was needed; or -1 */
    struct cb_layer_waste *out;
};

/* ── Twice ── */

static int open_below(struct waste *waste, struct cb_error **err)
{
    if (waste->below_fd >= 0)
        return 0;
    return cb_snapshot_open_root(waste->layer->parent, &waste->below_fd, err);
}

static int is_doubled(const struct waste *waste, const struct cb_walk_entry *at)
{
    cb_autofd int below = cb_layer_file_open(waste->below_fd, at->path, O_PATH);
    cb_autofd int one = -1, two = -1;
    struct stat st;

    if (below < 0 || fstat(below, &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_size != at->st.st_size || st.st_mtim.tv_sec != at->st.st_mtim.tv_sec)
        return 0;
    one = openat(at->dir_fd, at->name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
    two = cb_layer_file_open(waste->below_fd, at->path, O_RDONLY | O_NOATIME);
    return one >= 0 && two >= 0 && cb_same_content(one, two);
}

/* ── In vain ── */

static int add_size(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct waste *waste = arg;

    if (S_ISREG(at->st.st_mode))
        waste->out->deleted += (uint64_t)at->st.st_size;
    return 0;
}

static int add_tree(struct waste *waste, int fd, struct cb_error **err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat a deleted file");
    if (S_ISREG(st.st_mode))
        waste->out->deleted += (uint64_t)st.st_size;
    if (!S_ISDIR(st.st_mode))
        return 0;
    return cb_walk(fd, add_size, waste, waste->cancel, err);
}

/* In the layers between the base and this one, each for itself: what one of them has and
 * the next has replaced is carried too. */
static int add_hidden(struct waste *waste, const char *path, struct cb_error **err)
{
    struct cb_snapshot *at = waste->layer->parent;

    for (; at && cb_snapshot_depth(at) > waste->base_layers; at = at->parent) {
        cb_autofd int upper = -1, fd = -1;

        if (cb_snapshot_open_upper(at, &upper, err) < 0)
            return -1;
        fd = cb_layer_file_open(upper, path, O_PATH);
        if (fd >= 0 && add_tree(waste, fd, err) < 0)
            return -1;
    }
    return 0;
}

static int is_opaque(const struct cb_walk_entry *at)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    return cb_xattrs_read(-1, at->dir_fd, at->name, &xattrs, NULL) == 0 &&
           cb_xattrs_are_opaque(&xattrs);
}

/* ── The layer ── */

static int look(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct waste *waste = arg;

    if (cb_whiteout_is_device(&at->st) || (S_ISDIR(at->st.st_mode) && is_opaque(at)))
        return add_hidden(waste, at->path, err);
    if (!S_ISREG(at->st.st_mode) || at->st.st_size < SMALL)
        return 0;
    if (open_below(waste, err) < 0)
        return -1;
    if (is_doubled(waste, at))
        waste->out->doubled += (uint64_t)at->st.st_size;
    return 0;
}

static int recall(struct cb_snapshot *layer, struct cb_layer_waste *out)
{
    cb_autofree char *fact = cb_snapshot_fact(layer, FACT);

    return fact &&
           sscanf(fact, "%" SCNu64 " %" SCNu64, &out->doubled, &out->deleted) == 2;
}

int cb_layer_waste(struct cb_snapshot *committed, unsigned base_layers,
                   struct cb_cancel *cancel, struct cb_layer_waste *out,
                   struct cb_error **err)
{
    struct waste waste = {.layer = committed,
                          .base_layers = base_layers,
                          .cancel = cancel,
                          .below_fd = -1,
                          .out = out};
    cb_autofree char *fact = NULL;
    cb_autofd int fd = -1;
    int result;

    *out = (struct cb_layer_waste){0};
    if (!committed->parent || recall(committed, out))
        return 0;
    if (cb_snapshot_open_upper(committed, &fd, err) < 0)
        return -1;
    result = cb_walk(fd, look, &waste, cancel, err);
    cb_close(&waste.below_fd);
    if (result < 0)
        return -1;
    fact = xasprintf("%" PRIu64 " %" PRIu64, out->doubled, out->deleted);
    return cb_snapshot_set_fact(committed, FACT, fact, err);
}
