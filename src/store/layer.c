/* What is known of a committed layer, and the chains that layers make. */
#include "store/layer.h"

#include "store/content-priv.h"
#include "store/copy-tree.h"
#include "store/layer-pass.h"
#include "store/outline.h"

#include <assert.h>

/* ── Digests of one layer ── */

struct tar_hash {
    struct cb_hasher *hasher;
    int64_t bytes;
};

static int hash_tar(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct tar_hash *hash = arg;

    cb_hasher_update(hash->hasher, bytes, len);
    hash->bytes += (int64_t)len;
    return 0;
}

/* A layer that was pulled keeps the diff id it came with: only its tree is computed. */
static int compute(struct cb_snapshot *snapshot, struct cb_pool *pool, int want_tree,
                   struct cb_snapshot_layer *layer, struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    struct tar_hash hash = {.hasher = hasher};
    int want_tar = !cb_digest_is_set(&layer->diff_id);
    struct cb_layer_pass pass = {.write = want_tar ? hash_tar : NULL,
                                 .arg = &hash,
                                 .want_tree = want_tree,
                                 .pool = pool};

    if (cb_layer_pass_run(&pass, snapshot, err) < 0)
        return cb_error_wrap(err, "layer of snapshot `%s`", cb_snapshot_id(snapshot));
    if (want_tree)
        layer->tree = pass.tree;
    layer->size_bytes = pass.size_bytes;
    if (want_tar) {
        layer->diff_id = cb_hasher_finish(hasher);
        layer->tar_bytes = hash.bytes;
    }
    return 0;
}

/* DIFF_ONLY: the caller has no use for the tree's digest. It costs as much again as the
 * diff id, and of a layer that a COPY made nobody may ever ask for it. */
static int layer_facts(struct cb_snapshot *snapshot, struct cb_pool *pool, int diff_only,
                       struct cb_snapshot_layer *layer, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    int found = cb_db_snapshot_layer(store->db, cb_snapshot_id(snapshot), layer, err);

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "snapshot `%s`: not committed",
                            cb_snapshot_id(snapshot));
    if (cb_digest_is_set(&layer->diff_id) &&
        (diff_only || cb_digest_is_set(&layer->tree)))
        return 0;
    if (compute(snapshot, pool, !diff_only, layer, err) < 0)
        return -1;
    if (store->read_only)
        return 0;
    return cb_db_snapshot_set_layer(store->db, cb_snapshot_id(snapshot), layer, err);
}

static struct cb_layer_info public_info(const struct cb_snapshot_layer *layer)
{
    return (struct cb_layer_info){.diff_id = layer->diff_id,
                                  .tree = layer->tree,
                                  .tar_bytes = layer->tar_bytes,
                                  .size_bytes = layer->size_bytes};
}

int cb_layer_info(struct cb_snapshot *committed, struct cb_pool *pool,
                  struct cb_layer_info *out, struct cb_error **err)
{
    struct cb_snapshot_layer layer;

    if (layer_facts(committed, pool, 0, &layer, err) < 0)
        return -1;
    *out = public_info(&layer);
    return 0;
}

int cb_layer_tar_bytes(struct cb_snapshot *committed, struct cb_pool *pool,
                       struct cb_digest *diff_id, int64_t *bytes, struct cb_error **err)
{
    struct cb_snapshot_layer layer;

    if (layer_facts(committed, pool, 1, &layer, err) < 0)
        return -1;
    *diff_id = layer.diff_id;
    *bytes = layer.tar_bytes;
    return 0;
}

int cb_layer_measure(struct cb_snapshot *active, struct cb_pool *pool,
                     struct cb_layer_info *out, struct cb_error **err)
{
    struct cb_snapshot_layer layer = {0};

    if (compute(active, pool, 1, &layer, err) < 0)
        return -1;
    *out = public_info(&layer);
    return 0;
}

int cb_layer_commit(struct cb_snapshot *active, const struct cb_layer_info *info,
                    const char *identity, struct cb_error **err)
{
    struct cb_snapshot_known known = {.identity = identity};
    struct cb_snapshot_layer layer;

    if (info) {
        layer = (struct cb_snapshot_layer){.diff_id = info->diff_id,
                                           .tree = info->tree,
                                           .tar_bytes = info->tar_bytes,
                                           .size_bytes = info->size_bytes};
        known.layer = &layer;
    }
    return cb_snapshot_commit_known(active, &known, 0, err);
}

static int share_files(struct cb_snapshot *from, struct cb_snapshot *to,
                       struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int from_fd = -1, to_fd = -1;

    if (cb_snapshot_open_upper(from, &from_fd, err) < 0 ||
        cb_snapshot_open_upper(to, &to_fd, err) < 0)
        return -1;
    return cb_share_tree(from_fd, to_fd, cancel, err);
}

/* The diff id is found now and kept with TOP, so that it is computed once for all the
 * places the layer is stacked at. */
int cb_layer_restack(struct cb_snapshot *top, const struct cb_restack *how,
                     struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    struct cb_snapshot_layer layer = {0};
    struct cb_snapshot_known known = {.layer = &layer, .identity = how->identity};

    assert(!cb_snapshot_parent(top));
    if (layer_facts(top, how->pool, 1, &layer, err) < 0 ||
        cb_snapshot_prepare(top->store, how->parent, &snapshot, err) < 0 ||
        share_files(top, snapshot, how->cancel, err) < 0 ||
        cb_outline_share(top, snapshot, err) < 0 ||
        cb_snapshot_commit_known(snapshot, &known, top->row.cut, err) < 0 ||
        cb_snapshot_backdate(snapshot, cb_snapshot_created_ns(top), err) < 0)
        return -1;
    cb_snapshot_note_sharing(top, NULL);
    cb_snapshot_note_sharing(snapshot, how->parent);
    *out = cb_steal(&snapshot);
    return 0;
}

int cb_layer_write_tar(struct cb_snapshot *committed,
                       int (*write)(void *arg, const void *bytes, size_t len,
                                    struct cb_error **err),
                       void *arg, struct cb_error **err)
{
    struct cb_layer_pass pass = {.write = write, .arg = arg};

    return cb_layer_pass_run(&pass, committed, err);
}

/* ── Chains ── */

int cb_chain_find(struct cb_store *store, const struct cb_digest *chain_id,
                  struct cb_snapshot **out, struct cb_error **err)
{
    char id[41];
    int found;

    *out = NULL;
    found = cb_db_chain_get(store->db, chain_id, id, err);
    return found > 0 ? cb_snapshot_get(store, id, out, err) : found;
}

struct stack {
    CB_VEC(struct cb_snapshot *) items; /* bottom first, borrowed */
    struct cb_digest *diff_ids;
    CB_VEC(size_t) unknown; /* whose diff id must be computed */
    struct cb_pool *pool;
};

static int compute_diff_id(void *arg, size_t index, struct cb_error **err)
{
    struct stack *stack = arg;
    size_t at = stack->unknown.items[index];
    struct cb_snapshot_layer layer;

    if (layer_facts(stack->items.items[at], stack->pool, 1, &layer, err) < 0)
        return -1;
    stack->diff_ids[at] = layer.diff_id;
    return 0;
}

/* What is known costs a query each, and no thread. */
static int find_diff_ids(struct stack *stack, struct cb_error **err)
{
    size_t i;

    for (i = 0; i < stack->items.count; i++) {
        struct cb_snapshot *layer = stack->items.items[i];
        struct cb_snapshot_layer facts = {0};

        if (cb_db_snapshot_layer(layer->store->db, cb_snapshot_id(layer), &facts, err) <
            0)
            return -1;
        stack->diff_ids[i] = facts.diff_id;
        if (!cb_digest_is_set(&facts.diff_id))
            cb_vec_push(&stack->unknown, i);
    }
    return cb_pool_for_each(stack->pool, stack->unknown.count, compute_diff_id, stack,
                            err);
}

static void stack_up(struct cb_snapshot *top, struct stack *out)
{
    struct cb_snapshot *at;
    size_t depth = cb_snapshot_depth(top), i;

    for (i = 0; i < depth; i++)
        cb_vec_push(&out->items, NULL);
    for (at = top; at && depth > 0; at = cb_snapshot_parent(at))
        out->items.items[--depth] = at;
    out->diff_ids = xcalloc(out->items.count, sizeof(*out->diff_ids));
}

static void stack_clear(struct stack *stack)
{
    cb_vec_free(&stack->items);
    cb_vec_free(&stack->unknown);
    free(stack->diff_ids);
}

/* 1: every chain id stands for a snapshot, as after the first time. */
static int all_entered(struct cb_store *store, const struct cb_digest *chain_ids,
                       size_t count, struct cb_error **err)
{
    char known[41];
    int found = 1;
    size_t i;

    for (i = 0; i < count && found > 0; i++)
        found = cb_db_chain_get(store->db, &chain_ids[i], known, err);
    return found;
}

static int enter_chains(struct cb_store *store, const struct stack *stack,
                        struct cb_error **err)
{
    size_t count = stack->items.count, i;
    cb_autofree struct cb_digest *chain_ids = xcalloc(count, sizeof(*chain_ids));
    cb_autofree const char **ids = xcalloc(count, sizeof(*ids));
    int entered;

    for (i = 0; i < count; i++) {
        chain_ids[i] = cb_chain_id(i ? &chain_ids[i - 1] : NULL, &stack->diff_ids[i]);
        ids[i] = cb_snapshot_id(stack->items.items[i]);
    }
    entered = all_entered(store, chain_ids, count, err);
    if (entered || store->read_only)
        return entered < 0 ? -1 : 0;
    return cb_db_chains_put(store->db, chain_ids, ids, count, err);
}

int cb_chain_register(struct cb_snapshot *top, struct cb_pool *pool,
                      struct cb_digests *diff_ids, struct cb_error **err)
{
    __attribute__((cleanup(stack_clear))) struct stack stack = {.pool = pool};
    size_t i;

    if (!top)
        return 0;
    stack_up(top, &stack);
    if (find_diff_ids(&stack, err) < 0 || enter_chains(top->store, &stack, err) < 0)
        return -1;
    for (i = 0; i < stack.items.count; i++)
        cb_vec_push(diff_ids, stack.diff_ids[i]);
    return 0;
}
