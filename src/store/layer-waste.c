/* The layers' directories are walked, bottom first, with a tree of all names that are
 * there so far: a name that comes again, or a deletion, takes what was there before. Of
 * files only the metadata is read. A file with several names is wasted with its last. */
#include "store/layer-waste.h"

#include "base/fs.h"
#include "base/map.h"
#include "oci/oci.h"
#include "store/layer.h"
#include "store/snapshot.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <string.h>

struct file { /* shared by its names in one layer */
    int64_t bytes;
    unsigned names; /* that are left in the image */
    unsigned nodes; /* that point here */
};

struct node {
    struct cb_map *children; /* name → node; NULL: no directory, or an empty one */
    struct file *file;       /* NULL: a directory */
    size_t layer;            /* that has it last */
};

struct survey {
    struct cb_layer_waste *out;
    struct node *root;
    size_t layer;
    struct cb_map *links; /* inode key → file: of this layer, those with several names */
};

static void node_free(void *arg)
{
    struct node *node = arg;

    if (!node)
        return;
    cb_map_free(node->children);
    if (node->file && --node->file->nodes == 0)
        free(node->file);
    free(node);
}

void cb_layer_waste_clear(struct cb_layer_waste *waste)
{
    cb_vec_foreach (file, &waste->wasted)
        free(file->path);
    cb_vec_free(&waste->wasted);
    cb_vec_free(&waste->layers);
}

/* ── What goes ── */

/* Keeps the largest. */
static void note_wasted(struct survey *survey, const char *path, int64_t bytes,
                        size_t layer, int deleted)
{
    struct cb_layer_waste *out = survey->out;
    struct cb_wasted_file file = {NULL, bytes, layer, survey->layer, deleted};
    size_t at = out->wasted.count;

    if (!bytes || (at == CB_WASTED_KEPT && bytes <= out->wasted.items[at - 1].bytes))
        return;
    if (at == CB_WASTED_KEPT)
        free(out->wasted.items[--at].path);
    else
        cb_vec_push(&out->wasted, file);
    while (at && out->wasted.items[at - 1].bytes < bytes) {
        out->wasted.items[at] = out->wasted.items[at - 1];
        at--;
    }
    file.path = xstrdup(path);
    out->wasted.items[at] = file;
}

static void waste_file(struct survey *survey, const struct node *node, const char *path,
                       int deleted)
{
    struct cb_layer_content *layer = &survey->out->layers.items[node->layer];
    int64_t bytes = --node->file->names == 0 ? node->file->bytes : 0;

    layer->wasted_files++;
    layer->wasted_bytes += bytes;
    note_wasted(survey, path, bytes, node->layer, deleted);
}

/* All files below NODE, and itself. Depth is bounded by the walk that made the tree. */
static void waste_tree(struct survey *survey, const struct node *node,
                       struct cb_strbuf *path, int deleted)
{
    size_t position = 0, len = path->len;
    const char *name;
    void *child;

    if (node->file)
        waste_file(survey, node, cb_strbuf_text(path), deleted);
    while (node->children && cb_map_next(node->children, &position, &name, &child)) {
        cb_strbuf_addf(path, "/%s", name);
        waste_tree(survey, child, path, deleted);
        cb_strbuf_truncate(path, len);
    }
}

static void waste(struct survey *survey, const struct node *node, const char *path,
                  int deleted)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, path);
    waste_tree(survey, node, &text, deleted);
}

/* What lower layers have in directory NODE, this one's own directory aside. */
static void waste_content(struct survey *survey, struct node *node, const char *path)
{
    cb_auto_value(cb_strbuf) text = {0};
    size_t position = 0;
    const char *name;
    void *child;

    while (node->children && cb_map_next(node->children, &position, &name, &child)) {
        cb_strbuf_truncate(&text, 0);
        cb_strbuf_addf(&text, *path ? "%s/%s" : "%s%s", path, name);
        waste_tree(survey, child, &text, 1);
        survey->out->layers.items[survey->layer].hidden++;
    }
    cb_map_free(node->children);
    node->children = NULL;
}

/* ── What comes ── */

static int is_opaque(int fd, int dir_fd, const char *name)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    return cb_xattrs_read(fd, dir_fd, name, &xattrs, NULL) == 0 &&
           cb_xattrs_are_opaque(&xattrs);
}

/* The directory that holds PATH. Its own was visited before it. */
static struct node *find_parent(struct survey *survey, const char *path)
{
    struct node *node = survey->root;

    for (const char *slash; node && (slash = strchr(path, '/')); path = slash + 1) {
        cb_autofree char *name = xstrndup(path, (size_t)(slash - path));

        node = node->children ? cb_map_get(node->children, name) : NULL;
    }
    return node;
}

static struct file *file_of(struct survey *survey, const struct stat *st)
{
    struct cb_layer_content *layer = &survey->out->layers.items[survey->layer];
    char key[CB_INODE_KEY_MAX];
    struct file *file = NULL;

    if (st->st_nlink > 1) {
        cb_inode_key(key, st->st_dev, st->st_ino);
        file = cb_map_get(survey->links, key);
    }
    if (!file) {
        file = xcalloc(1, sizeof(*file));
        file->bytes = S_ISREG(st->st_mode) ? st->st_size : 0;
        layer->bytes += file->bytes;
        if (st->st_nlink > 1)
            cb_map_set(survey->links, key, file);
    }
    file->names++;
    file->nodes++;
    layer->files++;
    return file;
}

static void set_child(struct node *parent, const char *name, struct node *child)
{
    if (!parent->children)
        parent->children = cb_map_new(node_free);
    cb_map_set(parent->children, name, child);
}

static int visit(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    struct survey *survey = arg;
    struct node *parent = find_parent(survey, entry->path);
    struct node *old =
        parent && parent->children ? cb_map_get(parent->children, entry->name) : NULL;
    int is_dir = S_ISDIR(entry->st.st_mode);
    struct node *node;

    (void)err;
    if (!parent || strncmp(entry->name, CB_WHITEOUT_PREFIX, 4) == 0)
        return 0; /* the latter are marks of fuse-overlayfs */
    if (cb_whiteout_is_device(&entry->st)) {
        if (old) {
            survey->out->layers.items[survey->layer].hidden++;
            waste(survey, old, entry->path, 1);
            cb_map_remove(parent->children, entry->name);
        }
        return 0;
    }
    if (old && is_dir && !old->file) {
        if (old->children && is_opaque(-1, entry->dir_fd, entry->name))
            waste_content(survey, old, entry->path);
        old->layer = survey->layer;
        return 0;
    }
    if (old)
        waste(survey, old, entry->path, 0);
    node = xcalloc(1, sizeof(*node));
    node->layer = survey->layer;
    node->file = is_dir ? NULL : file_of(survey, &entry->st);
    set_child(parent, entry->name, node);
    return 0;
}

static int survey_layer(struct survey *survey, struct cb_snapshot *snapshot,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int fd = -1;
    int result;

    if (cb_snapshot_open_upper(snapshot, &fd, err) < 0)
        return -1;
    if (is_opaque(fd, -1, NULL))
        waste_content(survey, survey->root, "");
    survey->links = cb_map_new(NULL);
    result = cb_walk(fd, visit, survey, cancel, err);
    cb_map_free(survey->links);
    return result;
}

int cb_layer_waste_find(struct cb_store *store, const struct cb_digest *diff_ids,
                        size_t count, struct cb_cancel *cancel,
                        struct cb_layer_waste *out, struct cb_error **err)
{
    struct survey survey = {.out = out, .root = xcalloc(1, sizeof(*survey.root))};
    struct cb_digest chain = {0};
    int result = 0;

    for (size_t i = 0; i < count; i++)
        cb_vec_push(&out->layers, ((struct cb_layer_content){0}));
    for (size_t i = 0; result == 0 && i < count; i++) {
        cb_auto(cb_snapshot) snapshot = NULL;

        chain = cb_chain_id(i ? &chain : NULL, &diff_ids[i]);
        result = cb_chain_find(store, &chain, &snapshot, err);
        if (result <= 0)
            continue;
        survey.layer = i;
        out->layers.items[i].is_known = 1;
        result = survey_layer(&survey, snapshot, cancel, err);
    }
    node_free(survey.root);
    return result;
}
