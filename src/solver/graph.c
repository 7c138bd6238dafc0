/* The build graph. A vertex is found again by H(definition, inputs), so two stages with
 * an equal beginning share it. Inputs exist before the vertex that takes them: the order
 * of adding is a topological order, and a cycle cannot be written down. (A cycle between
 * stages is the frontend's to report, where the names are known.)
 *
 * Everything lives in one arena and dies with the graph. */
#include "solver/solver-priv.h"

#include <assert.h>

struct cb_graph *cb_graph_new(void)
{
    struct cb_graph *graph = xcalloc(1, sizeof(*graph));

    graph->arena = cb_arena_new();
    graph->by_digest = cb_map_new(NULL);
    return graph;
}

void cb_graph_free(struct cb_graph *graph)
{
    if (!graph)
        return;
    cb_vec_foreach (slot, &graph->vertices) {
        struct cb_vertex *vertex = *slot;

        if (vertex->op->free_payload)
            vertex->op->free_payload(vertex->payload);
        cb_source_unref(vertex->source);
    }
    cb_vec_free(&graph->vertices);
    cb_map_free(graph->by_digest);
    cb_arena_free(graph->arena);
    free(graph);
}

static struct cb_digest vertex_digest(const struct cb_vertex_options *options)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_field(hasher, options->op->name);
    cb_hasher_digest(hasher, &options->definition);
    cb_hasher_u64(hasher, options->input_count);
    for (size_t i = 0; i < options->input_count; i++)
        cb_hasher_digest(hasher, &options->inputs[i].vertex->digest);
    return cb_hasher_finish(hasher);
}

static struct cb_vertex *new_vertex(struct cb_graph *graph,
                                    const struct cb_vertex_options *options)
{
    struct cb_vertex *vertex = cb_arena_new_of(graph->arena, struct cb_vertex);

    vertex->op = options->op;
    vertex->payload = options->payload;
    vertex->input_count = options->input_count;
    vertex->inputs = cb_arena_alloc(graph->arena,
                                    (options->input_count + 1) * sizeof(*vertex->inputs));
    for (size_t i = 0; i < options->input_count; i++)
        vertex->inputs[i] = options->inputs[i].vertex;
    vertex->index = graph->vertices.count;
    vertex->name = cb_arena_strdup(graph->arena, options->name ? options->name : "");
    vertex->source = options->source ? cb_source_ref(options->source) : NULL;
    vertex->span = options->span;
    vertex->no_cache = options->no_cache;
    vertex->internal = options->internal;
    vertex->weight = options->weight > 0 ? options->weight : 1;
    return vertex;
}

/* Would one vertex for both be another than it was when a solve took it? */
static int is_settled_otherwise(const struct cb_vertex *vertex,
                                const struct cb_vertex_options *options)
{
    return vertex->in_use && ((options->no_cache && !vertex->no_cache) ||
                              (!options->internal && vertex->internal));
}

/* One vertex stands for both: it is shown if either is, and trusts no cache if either
 * does not. */
static void merge_vertex(struct cb_vertex *vertex,
                         const struct cb_vertex_options *options)
{
    if (vertex->in_use) /* and read by workers */
        return;
    vertex->no_cache |= options->no_cache;
    vertex->internal &= options->internal;
    if (options->weight > vertex->weight)
        vertex->weight = options->weight;
}

int cb_graph_add(struct cb_graph *graph, const struct cb_vertex_options *options,
                 struct cb_edge *out, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    struct cb_digest digest;
    struct cb_vertex *vertex;

    assert(cb_digest_is_set(&options->definition));
    for (size_t i = 0; i < options->input_count; i++)
        assert(options->inputs[i].vertex);
    digest = vertex_digest(options);
    cb_digest_text(&digest, text);
    vertex = cb_map_get(graph->by_digest, text);
    if (vertex && !is_settled_otherwise(vertex, options)) {
        merge_vertex(vertex, options);
        if (options->op->free_payload)
            options->op->free_payload(options->payload);
    } else {
        vertex = new_vertex(graph, options);
        vertex->digest = digest;
        cb_vec_push(&graph->vertices, vertex);
        cb_map_set(graph->by_digest, text, vertex);
    }
    out->vertex = vertex;
    return 0;
}

size_t cb_graph_count(const struct cb_graph *graph)
{
    return graph->vertices.count;
}

const char *cb_vertex_name(const struct cb_vertex *vertex)
{
    return vertex->name;
}

const struct cb_vertex *cb_graph_vertex(const struct cb_graph *graph, size_t index)
{
    return graph->vertices.items[index];
}

size_t cb_vertex_index(const struct cb_vertex *vertex)
{
    return vertex->index;
}

const struct cb_vertex *cb_vertex_input(const struct cb_vertex *vertex, size_t i)
{
    return i < vertex->input_count ? vertex->inputs[i] : NULL;
}

int cb_vertex_is_internal(const struct cb_vertex *vertex)
{
    return vertex->internal;
}

int cb_vertex_is_silent(const struct cb_vertex *vertex)
{
    return vertex->op->silent;
}

struct cb_source *cb_vertex_source(const struct cb_vertex *vertex, struct cb_span *span)
{
    *span = vertex->span;
    return vertex->source;
}

void cb_vertex_describe(const struct cb_vertex *vertex, void *facts)
{
    if (vertex->op->describe)
        vertex->op->describe(vertex->payload, facts);
}

int cb_vertex_look_up(const struct cb_vertex *vertex, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    struct cb_cache_map map = {0};
    int rc = vertex->op->cache_map(vertex->payload, &map, cancel, err);

    cb_key_parts_free(&map.parts);
    free(map.inputs);
    free(map.note);
    if (rc < 0 && err && vertex->source && !cb_error_source(*err, NULL))
        cb_error_at(err, vertex->source, vertex->span);
    return rc;
}

/* One line a vertex: `3 exec "[builder 2/3] RUN make" <- 1 2 (no-cache)`. */
void cb_graph_dump(const struct cb_graph *graph, struct cb_strbuf *out)
{
    cb_vec_foreach (slot, &graph->vertices) {
        const struct cb_vertex *vertex = *slot;

        cb_strbuf_addf(out, "%zu %s ", vertex->index, vertex->op->name);
        cb_strbuf_add_json(out, vertex->name);
        if (vertex->input_count > 0)
            cb_strbuf_adds(out, " <-");
        for (size_t i = 0; i < vertex->input_count; i++)
            cb_strbuf_addf(out, " %zu", vertex->inputs[i]->index);
        if (vertex->no_cache)
            cb_strbuf_adds(out, " (no-cache)");
        if (vertex->internal)
            cb_strbuf_adds(out, " (internal)");
        cb_strbuf_addc(out, '\n');
    }
}
