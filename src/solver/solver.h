/* The solver: a graph of vertices and two vtables (what a vertex does, where results are
 * remembered) → results. It knows no images, files or processes; results are opaque. One
 * thread owns the graph; work happens on the pool.
 *
 * Identity. Every result has an identity: a digest of what it contains. A vertex's key is
 * H(version, op digest, per input: its identity, or the digest of the selected content
 * when the op asks for it). Keys are tried in two steps: first with identities only
 * (fast), then with content digests (slow), which need the input's result. A vertex whose
 * key is known is not executed; its result is loaded only if someone needs it. After
 * execution an op may give the result an identity equal to that of an earlier result
 * ("adoption"): what follows is then a hit. See docs/design/solver.md. */
#ifndef CB_SOLVER_SOLVER_H
#define CB_SOLVER_SOLVER_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/event.h"
#include "base/pool.h"
#include "base/vec.h"

/* ── Results: refcounted, thread-safe, made by ops ── */
struct cb_result;
struct cb_result_class {
    const char *name;
    void (*free)(struct cb_result *result);
    /* Digest of the part SELECTOR names (text made by the op that asks; NULL:
     * everything). POOL may be used. */
    int (*content_digest)(struct cb_result *result, const char *selector,
                          struct cb_pool *pool, struct cb_cancel *cancel,
                          struct cb_digest *out, struct cb_error **err);
    /* What went into that digest, for explanations: a line `field=value … "name"` each,
     * of a bounded length. NULL (also for the function) if it is not at hand; caller
     * frees. Only asked for selections that were digested. */
    char *(*listing)(struct cb_result *result, const char *selector);
};
struct cb_result { /* first member of each kind's struct */
    const struct cb_result_class *class;
    int refs; /* atomic */
    struct cb_digest identity;
};
struct cb_result *cb_result_ref(struct cb_result *result);
void cb_result_unref(struct cb_result *result);
CB_AUTO_DEFINE(cb_result, cb_result_unref)

/* ── Ops ── */
/* A named part of a definition, kept in the record to explain misses: ("command", "make
 * all"), ("env HOME", "/root"). */
struct cb_key_part {
    char *name;
    char *value; /* a digest text for bulky ones */
};
struct cb_key_parts {
    struct cb_key_part *items;
    size_t count, capacity;
};
/* A part whose name starts with "note:" is kept for explanations and not in the key. The
 * value of each CB_KEY_NOTE_ARG is a variable that an ARG and not an ENV has set. */
#define CB_KEY_ENV      "env "
#define CB_KEY_MOUNT    "mount "
#define CB_KEY_SOURCE   "source" /* value "1:name": of which input */
#define CB_KEY_NOTE_ARG "note:arg"
void cb_key_parts_add(struct cb_key_parts *parts, const char *name, const char *value);
void cb_key_parts_free(struct cb_key_parts *parts);
CB_AUTO_VALUE_DEFINE(cb_key_parts, cb_key_parts_free)
/* How many parts are the same. */
size_t cb_key_parts_common(const struct cb_key_parts *a, const struct cb_key_parts *b);
/* The first difference in words, after the instruction's word in the step's display name:
 * "RUN: ARG VERSION 1→2", "COPY src: content changed". For a cache store's `explain`.
 * Never NULL; caller frees. */
char *cb_step_explain(const char *name, const struct cb_key_parts *old,
                      const struct cb_key_parts *new);

struct cb_input_map {
    int wants_content;    /* key by content of the selection instead of identity */
    const char *selector; /* owned by the vertex's payload or arena; NULL: all */
    const char *label;    /* for explanations: "app/x.c", "stage builder" */
};
struct cb_cache_map {
    struct cb_key_parts
        parts; /* the definition: the op digest is the hash of these in order */
    struct cb_input_map *inputs; /* one per input, calloc'd; freed by the solver */
    char *note; /* what people call the result ("busybox:latest@sha256:ab12"), freed by
                   the solver; NULL: the step's name will do. Not in the key. */
    int uncacheable; /* no lookup, no record (local contexts: the identity is the result's
                        own) */
};

struct cb_exec_context { /* what an op's exec gets; all borrowed */
    uint64_t event_id;
    struct cb_event_sink *sink;
    struct cb_cancel *cancel;
    struct cb_pool *pool;
    struct cb_digest key; /* of this execution */
    struct cb_result **inputs;
    size_t input_count;
};

struct cb_op_class {
    const char *name; /* "exec" */
    enum cb_pool_class pool;
    /* Fills the map; runs on a worker; may block (resolve a tag, read a secret's id). */
    int (*cache_map)(void *payload, struct cb_cache_map *map, struct cb_cancel *cancel,
                     struct cb_error **err);
    /* Makes the result (with identity set). */
    int (*exec)(void *payload, struct cb_exec_context *context, struct cb_result **out,
                struct cb_error **err);
    void (*free_payload)(void *payload);
    /* Whether a result the cache has can be this vertex's: 1, 0 (it is made anew), -1.
     * For ops that know what must come out. NULL: any. */
    int (*verify)(void *payload, struct cb_result *cached, struct cb_error **err);
    /* Or NULL. The step was not found in the cache and will be executed when its inputs
     * are there: what takes time can begin beside them. Called on the scheduler's thread,
     * once. */
    void (*expect)(void *payload);
    /* cache_map neither blocks nor reads files: it is called on the scheduler's own
     * thread. */
    int cheap_map;
    /* There is nothing to tell about it: no events. */
    int silent;
    /* Or NULL. What the step is, for those who tell of a build: fills FACTS, of which the
     * solver knows nothing. */
    void (*describe)(const void *payload, void *facts);
};

/* ── Graph ── */
struct cb_graph;
struct cb_vertex; /* immutable once added */
struct cb_edge {
    struct cb_vertex *vertex;
};
struct cb_vertex_options {
    const struct cb_op_class *op;
    void *payload;               /* taken on success */
    struct cb_digest definition; /* digest of op+payload: equal definition and inputs make
                                    one vertex */
    const struct cb_edge *inputs;
    size_t input_count;
    const char *name;         /* "[builder 3/7] RUN make" (copied) */
    struct cb_source *source; /* where it was written, or NULL */
    struct cb_span span;
    int no_cache; /* look up nothing, still record */
    int internal; /* not shown as a step unless it executes */
    int weight;   /* critical path estimate, default 1 */
};
struct cb_graph *cb_graph_new(void);
void cb_graph_free(struct cb_graph *graph);
CB_AUTO_DEFINE(cb_graph, cb_graph_free)
/* An equal vertex already there is returned instead (and the payload freed). */
int cb_graph_add(struct cb_graph *graph, const struct cb_vertex_options *options,
                 struct cb_edge *out, struct cb_error **err);
size_t cb_graph_count(const struct cb_graph *graph);
const char *cb_vertex_name(const struct cb_vertex *vertex);
/* In the order of adding: inputs come before those that take them. */
const struct cb_vertex *cb_graph_vertex(const struct cb_graph *graph, size_t index);
size_t cb_vertex_index(const struct cb_vertex *vertex);
/* The Ith input, NULL behind the last. */
const struct cb_vertex *cb_vertex_input(const struct cb_vertex *vertex, size_t i);
/* Not shown as a step, unless it executes; not even then. */
int cb_vertex_is_internal(const struct cb_vertex *vertex);
int cb_vertex_is_silent(const struct cb_vertex *vertex);
/* Where it was written; NULL: nowhere. Borrowed. */
struct cb_source *cb_vertex_source(const struct cb_vertex *vertex, struct cb_span *span);
/* By the class's `describe`. Once the graph is solved, or between solves. */
void cb_vertex_describe(const struct cb_vertex *vertex, void *facts);
/* Has its operation find out what its source is now, as a solve would first, for who only
 * asks for that. An error stands where the vertex does. */
int cb_vertex_look_up(const struct cb_vertex *vertex, struct cb_cancel *cancel,
                      struct cb_error **err);
/* Graphviz or plain text, for tests and people. */
void cb_graph_dump(const struct cb_graph *graph, struct cb_strbuf *out);

/* ── Cache store: where keys lead to results. One row per backend (local store, memory,
 * remote). Thread-safe. ── */
struct cb_cache_entry {
    struct cb_digest identity;
    struct cb_digest foreign; /* what a cache of elsewhere calls it; not set: the same */
    char *handle;             /* opaque to the solver: "snapshot:<id>"; owned */
    int64_t created_ns;
};
/* A step that was executed. All borrowed for the call. */
struct cb_executed_step {
    const char *name; /* for display */
    const struct cb_digest *keys;
    size_t key_count;
    const struct cb_key_parts *parts; /* of which the keys are made, for explanations */
    struct cb_result *result;
};
/* Who wants to execute a step alone. All borrowed for the call. */
struct cb_step_claim {
    const struct cb_digest *key;
    const char *name;           /* of the step */
    struct cb_cancel *cancel;   /* ends the waiting; or NULL */
    struct cb_event_sink *sink; /* is told that there is a wait, and for what; or NULL */
};
struct cb_cache_store;
struct cb_cache_store_class {
    /* 1 hit (fills *out), 0 miss. FOREIGN is the key as a cache of elsewhere made it, of
     * the identities it claims for the inputs: good for asking such caches, and for
     * nothing else. KEY itself when no input came from there. */
    int (*lookup)(struct cb_cache_store *store, const struct cb_digest *key,
                  const struct cb_digest *foreign, struct cb_cache_entry *out,
                  struct cb_error **err);
    /* Turns an entry into a result. 1 loaded, 0 no longer there (a miss; the entry is
     * dropped). */
    int (*load)(struct cb_cache_store *store, const struct cb_cache_entry *entry,
                struct cb_result **out, struct cb_error **err);
    /* Remembers the result under all keys. */
    int (*save)(struct cb_cache_store *store, const struct cb_executed_step *step,
                struct cb_error **err);
    /* Remembers that KEY leads to the same entry (a slow key's hit learnt its fast key).
     */
    int (*alias)(struct cb_cache_store *store, const struct cb_digest *key,
                 const struct cb_cache_entry *entry, struct cb_error **err);
    /* Held while a key is executed, so that two processes do not do it twice. Waits.
     * CANCELED when the claim is given up. */
    int (*lock)(struct cb_cache_store *store, const struct cb_step_claim *claim,
                void **lock, struct cb_error **err);
    void (*unlock)(struct cb_cache_store *store, void *lock);
    /* In words, why nothing was found: the first part that differs from the nearest
     * record of the same NAME. Caller frees; NULL if unknown. */
    char *(*explain)(struct cb_cache_store *store, const char *name,
                     const struct cb_key_parts *parts);
    /* How long a step of this NAME took when it was executed last; -1 unknown. Both may
     * be NULL: they are hints for the order of executions. */
    int64_t (*estimate_ms)(struct cb_cache_store *store, const char *name);
    void (*took)(struct cb_cache_store *store, const char *name, int64_t duration_ms);
    void (*free)(struct cb_cache_store *store);
};
struct cb_cache_store { /* first member of each backend */
    const struct cb_cache_store_class *class;
};
void cb_cache_entry_free(struct cb_cache_entry *entry);
void cb_cache_store_free(struct cb_cache_store *store);
CB_AUTO_DEFINE(cb_cache_store, cb_cache_store_free)
/* In memory, for tests. */
struct cb_cache_store *cb_cache_memory_new(void);

/* ── Solving ── */
struct cb_wanted {
    struct cb_edge *items;
    size_t count, capacity;
    /* Also to be found, or else executed, but nobody waits for it: it is needed by what
     * will be wanted. */
    CB_VEC(struct cb_edge) begun;
};

struct cb_solve_options {
    struct cb_pool *pool; /* NULL: everything on the calling thread */
    struct cb_cancel
        *cancel; /* or NULL; ops get a token of the solver's own, which follows it */
    struct cb_event_sink *sink;
    struct cb_cache_store *cache; /* may be NULL */
    unsigned max_parallel;  /* executions at once on the cpu class; 0: as the pool */
    unsigned max_downloads; /* the same on the io class, what cache_map fetches included;
                               fewer than the pool's io threads, so that results can be
                               loaded meanwhile; 0: no bound of its own */
    int has_cache_ttl;      /* what was recorded longer than this ago is not looked at */
    int64_t cache_ttl_ns;
    int explain; /* emit MISS events */
    /* Or NULL. Says of the entry that a wanted step was found as whether the caller can
     * do with it: then it is not loaded, its result stays NULL, and LEFT (as many slots
     * as results) gets the entry, the caller's. On the thread of cb_solve. */
    int (*leave)(void *arg, const struct cb_cache_entry *entry);
    void *leave_arg;
    struct cb_cache_entry *left;
    /* Or NULL. What is wanted leads to more: called with the result of each wanted
     * vertex, once, as soon as it is there; may add to the graph, and to MORE what else
     * is wanted, of which it is told likewise. -1 ends the solve. On the thread of
     * cb_solve, while steps are under way. Not together with `leave`. */
    int (*arrived)(void *arg, struct cb_edge wanted, struct cb_result *result,
                   struct cb_wanted *more, struct cb_error **err);
    void *arrived_arg;
    const struct cb_edge *begun; /* as in struct cb_wanted */
    size_t begun_count;
};
struct cb_solve_stats { /* of steps that WANTED needs, internal ones left out */
    unsigned total, cached, executed;
};
/* Solves WANTED; RESULTS (wanted_count slots) get loaded, owned results. The first
 * failure is reported with the vertex's place; what depends on it is canceled, what was
 * finished is kept. */
int cb_solve(struct cb_graph *graph, const struct cb_edge *wanted, size_t wanted_count,
             const struct cb_solve_options *options, struct cb_result **results,
             struct cb_solve_stats *stats, struct cb_error **err);

#endif
