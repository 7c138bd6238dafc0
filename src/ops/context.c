/* A context as a vertex. It is never cached: its files may have changed, so each build
 * asks for the digests of what its steps select, and the stat index keeps that cheap.
 * What was listed for a digest is kept, because the step that then runs must copy just
 * that. The result's identity is random: only content counts. */
#include "ops/ops-priv.h"

#include "ops/facts.h"

#include "base/map.h"
#include "ops/selection-priv.h"

#include <sys/random.h>

struct context_payload {
    struct cb_build_env *env;
    struct cb_context *context;
    char *name;
};

static void context_result_free(struct cb_result *result)
{
    struct cb_context_result *self = (struct cb_context_result *)result;

    cb_map_free(self->selections);
    cb_stat_index_close(self->index);
    cb_root_cache_clear(&self->root);
    cb_context_unref(self->context);
    pthread_mutex_destroy(&self->lock);
    free(self->place);
    free(self);
}

/* ── Selections ── */

static const struct cb_selection *known_selection(struct cb_context_result *result,
                                                  const char *text)
{
    const struct cb_selection *selection;

    pthread_mutex_lock(&result->lock);
    selection = cb_map_get(result->selections, text);
    pthread_mutex_unlock(&result->lock);
    return selection;
}

/* Keeps SELECTION under TEXT unless another thread was faster; returns the one that is
 * kept. */
static const struct cb_selection *keep_selection(struct cb_context_result *result,
                                                 const char *text,
                                                 struct cb_selection **selection)
{
    const struct cb_selection *kept;

    pthread_mutex_lock(&result->lock);
    if (!cb_map_has(result->selections, text))
        cb_map_set(result->selections, text, cb_steal(selection));
    kept = cb_map_get(result->selections, text);
    pthread_mutex_unlock(&result->lock);
    return kept;
}

int cb_context_selection(struct cb_context_result *result, const char *text,
                         struct cb_pool *pool, struct cb_cancel *cancel,
                         const struct cb_selection **out, struct cb_error **err)
{
    cb_auto(cb_selection) selection = NULL;
    cb_auto_value(cb_selector) selector = {0};
    struct cb_tree tree = {.is_context = 1,
                           .is_empty = cb_context_root_fd(result->context) < 0,
                           .git_modes = result->env->context_git_modes,
                           .ignore = cb_context_ignore(result->context),
                           .place = result->place,
                           .cancel = cancel};

    *out = known_selection(result, text);
    if (*out)
        return 0;
    if (cb_selector_parse(&selector, text, err) < 0)
        return -1;
    selector.owners = 0; /* whoever owns it here, in a build it belongs to root */
    if (cb_result_root(&result->base, &tree.root_fd, err) < 0 ||
        cb_select(&tree, &selector, &selection, err) < 0 ||
        cb_selection_hash(&tree, &selector, selection, result->index, pool, err) < 0)
        return -1;
    *out = keep_selection(result, text, &selection);
    return 0;
}

static int context_content_digest(struct cb_result *result, const char *text,
                                  struct cb_pool *pool, struct cb_cancel *cancel,
                                  struct cb_digest *out, struct cb_error **err)
{
    const struct cb_selection *selection;

    if (cb_context_selection((struct cb_context_result *)result,
                             text ? text : CB_SELECTOR_ALL, pool, cancel, &selection,
                             err) < 0)
        return -1;
    *out = selection->digest;
    return 0;
}

static char *context_listing(struct cb_result *result, const char *text)
{
    const struct cb_selection *selection = known_selection(
        (struct cb_context_result *)result, text ? text : CB_SELECTOR_ALL);
    cb_auto_value(cb_selector) selector = {0};

    if (!selection ||
        cb_selector_parse(&selector, text ? text : CB_SELECTOR_ALL, NULL) < 0)
        return NULL;
    selector.owners = 0; /* as it was digested */
    return cb_selection_listing(selection, &selector);
}

static const struct cb_result_class result_class = {
    .name = "context",
    .free = context_result_free,
    .content_digest = context_content_digest,
    .listing = context_listing,
};

/* ── The vertex ── */

static int context_cache_map(void *payload, struct cb_cache_map *map,
                             struct cb_cancel *cancel, struct cb_error **err)
{
    const struct context_payload *self = payload;

    (void)cancel;
    (void)err;
    cb_key_parts_add(&map->parts, "context", self->name);
    map->uncacheable = 1;
    return 0;
}

static void free_selection(void *selection)
{
    cb_selection_free(selection);
}

static int context_exec(void *payload, struct cb_exec_context *context,
                        struct cb_result **out, struct cb_error **err)
{
    const struct context_payload *self = payload;
    struct cb_context_result *result = xcalloc(1, sizeof(*result));
    int root = cb_context_root_fd(self->context);
    unsigned char unique[32] = {0};

    (void)context;
    (void)err;
    (void)!getrandom(unique, sizeof(unique), 0);
    result->base.class = &result_class;
    result->base.refs = 1;
    result->base.identity = cb_digest_of(unique, sizeof(unique));
    result->env = self->env;
    result->context = cb_context_ref(self->context);
    result->index = root >= 0 ? cb_stat_index_open(self->env->store, root) : NULL;
    result->selections = cb_map_new(free_selection);
    result->place = strcmp(self->name, "context") == 0
                        ? xstrdup("the build context")
                        : xasprintf("the context `%s`", self->name);
    cb_root_cache_init(&result->root);
    pthread_mutex_init(&result->lock, NULL);
    *out = &result->base;
    return 0;
}

static void context_free(void *payload)
{
    struct context_payload *self = payload;

    cb_context_unref(self->context);
    free(self->name);
    free(self);
}

static void context_describe(const void *payload, void *facts)
{
    const struct context_payload *self = payload;
    struct cb_step_facts *out = facts;

    out->kind = CB_STEP_CONTEXT;
    out->context = self->context;
    out->name = self->name;
}

static const struct cb_op_class context_op = {
    .name = "context",
    .pool = CB_POOL_CPU,
    .cheap_map = 1,
    .cache_map = context_cache_map,
    .exec = context_exec,
    .free_payload = context_free,
    .describe = context_describe,
};

int cb_op_context(struct cb_vertex_options *out, struct cb_build_env *env,
                  struct cb_context *context, const char *name, struct cb_error **err)
{
    cb_auto_value(cb_key_parts) parts = {0};
    struct context_payload *payload = xcalloc(1, sizeof(*payload));

    (void)err;
    payload->env = env;
    payload->context = cb_context_ref(context);
    payload->name = xstrdup(name);
    cb_key_parts_add(&parts, "name", name);
    /* Two contexts of one name would be two objects. */
    cb_key_parts_addf(&parts, "object", "%p", (void *)context);
    out->op = &context_op;
    out->payload = payload;
    out->definition = cb_definition_digest(context_op.name, &parts, NULL);
    return 0;
}
