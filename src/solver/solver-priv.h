/* What the solver's files share: the graph's insides and the state of one solve.
 *
 * Who touches what: a struct solve and its steps belong to the thread that called
 * cb_solve. A worker sees its job, reads what the job points at (vertex, keys, results of
 * inputs: all unchanged while the job is under way) and writes to the job only. The one
 * thing shared under a lock is the list of finished jobs. */
#ifndef CB_SOLVER_SOLVER_PRIV_H
#define CB_SOLVER_SOLVER_PRIV_H

#include "base/map.h"
#include "solver/solver.h"

#include <pthread.h>

struct cb_vertex {
    const struct cb_op_class *op;
    void *payload;
    struct cb_digest digest;   /* of the definition and the inputs' digests */
    struct cb_vertex **inputs; /* each with a smaller index: there can be no cycle */
    size_t input_count;
    size_t index;
    const char *name;
    struct cb_source *source;
    struct cb_span span;
    int no_cache, internal, weight;
    int in_use; /* by a solve: it stays as it is */
};

struct cb_graph {
    struct cb_arena *arena;
    CB_VEC(struct cb_vertex *) vertices;
    struct cb_map *by_digest;
};

/* ── Keys ── */
/* How one input enters a key. */
struct key_input {
    enum { KEY_IDENTITY = 1, KEY_SELECTION = 2, KEY_CONTENT = 3 } kind; /* hashed */
    struct cb_digest digest;
    const char
        *selector; /* of a SELECTION: the identity of the whole and what is taken of it */
};
struct cb_digest cb_key_op_digest(const char *op, const struct cb_key_parts *parts);
struct cb_digest cb_key_step(const struct cb_digest *op_digest,
                             const struct key_input *inputs, size_t count);

/* Names of the parts that stand for inputs, before the label. */
#define KEY_PART_INPUT   "input:"
#define KEY_PART_CONTENT "content:"
/* And of those that are kept for people: what an input is, what was selected from it. */
#define KEY_PART_NOTE    "note:"
#define KEY_PART_LISTING "listing:"

/* Kept for people, no part of the key. */
int cb_key_part_is_note(const struct cb_key_part *part);

/* ── Steps: what one solve knows of a vertex ── */
enum step_phase {
    STEP_NEW,
    STEP_MAPPING,   /* cache_map is under way */
    STEP_INPUTS,    /* waits for what the fast key needs */
    STEP_CONTENT,   /* waits for the content digests of the slow key */
    STEP_MISS,      /* nothing found: waits for the results of the inputs */
    STEP_READY,     /* waits for a place to execute */
    STEP_EXECUTING, /* or waiting for the key's lock */
    STEP_HIT,       /* identity known, result not loaded */
    STEP_LOADING,
    STEP_DONE, /* result there */
    STEP_FAILED,
};

enum step_want { WANT_NOTHING, WANT_IDENTITY, WANT_RESULT };

/* The digest of one selection of one step's result, shared by all who ask for it. */
struct content {
    struct step *producer;
    const char *selector;
    struct step *asker; /* the first: a failure is reported at its place */
    int started, done;
    struct cb_digest digest;
    struct content *next;
};

struct step {
    const struct cb_vertex *vertex;
    enum step_phase phase;
    enum step_want want;
    int queued; /* is on the list of steps to look at */
    struct step **inputs;
    CB_VEC(struct step *) dependents;
    int64_t priority; /* estimated time of the longest way from here to a wanted vertex */

    int mapped, expected;
    struct cb_cache_map map;
    struct cb_digest op_digest;

    struct cb_digest keys[2];    /* fast, slow */
    struct cb_digest foreign[2]; /* the same, of what a cache of elsewhere claims */
    size_t key_count;
    struct cb_digest *used;    /* identity of each input when the keys were made */
    struct content **contents; /* per input, or NULL */
    struct content *offers;    /* digests of this step's own result */

    int known; /* identity is set */
    struct cb_digest identity;
    struct cb_digest claimed;    /* identity as the cache it comes from has it */
    struct cb_cache_entry entry; /* of a HIT */
    int leave; /* wanted, but perhaps not as a result: options->leave is asked */
    int told;  /* options->arrived knows of it */
    int gone;  /* how often the entry was not there when it was loaded */
    int stale; /* there was an entry, older than wanted */
    struct cb_result *result;
    uint64_t event_id; /* 0: no START without its end */
    uint64_t number;   /* the last event_id there was */
    unsigned seen;     /* by which look for inputs */
};

/* ── Jobs: what is done on a worker ── */
enum job_kind { JOB_MAP, JOB_CONTENT, JOB_LOAD, JOB_EXEC };

/* What is told while a step is under way is of that step. */
struct step_sink {
    struct cb_event_sink base;
    struct cb_event_sink *next; /* or NULL */
    uint64_t id;
};

struct job {
    struct solve *solve;
    enum job_kind kind;
    struct step *step; /* of a CONTENT job: the asker */
    struct content *content;
    struct cb_cancel *cancel;
    struct job *next;
    struct step_sink sink;
    /* Filled by the worker. */
    struct cb_error *error;
    struct cb_cache_map map;
    struct cb_digest digest;
    struct cb_result *result;
    struct cb_cache_entry entry; /* EXEC: found after all */
    int found;                   /* LOAD: still there. EXEC: entry is set */
    int downloads;               /* counts against io_max */
};
void cb_job_run(struct job *job);
void cb_job_free(struct job *job);
/* Is the cache to be asked for this step? */
int cb_step_may_look_up(const struct solve *solve, const struct step *step);
/* Asks the cache for STEP's last key. 1 found and young enough, 0 not (*STALE: it is too
 * old), -1. */
int cb_cache_ask(const struct solve *solve, const struct step *step,
                 struct cb_cache_entry *out, int *stale, struct cb_error **err);
/* The key a step is locked and recorded under: the last one made. */
const struct cb_digest *cb_step_key(const struct step *step);

struct solve {
    const struct cb_solve_options *options;
    struct cb_arena *arena;
    CB_VEC(struct step *) steps; /* in the order of the graph */
    struct cb_graph *graph;
    struct step **by_index; /* of its vertices; NULL: not needed so far */
    size_t indexed;
    CB_VEC(struct step *) wanted;
    CB_VEC(struct step *) queue; /* to look at, first in first out */
    size_t queue_head;
    CB_VEC(struct job *) jobs;   /* to start: all but executions */
    CB_VEC(struct step *) ready; /* to execute */
    CB_VEC(struct step *) executing;
    size_t in_flight;
    unsigned cpu_running, cpu_max;
    unsigned io_running, io_max; /* executions and maps of the io class */
    int estimated;               /* priorities are made of measured durations */
    struct cb_cancel
        *cancel; /* of this solve: follows the caller's, and set by the first failure */
    struct cb_error *error;
    const struct cb_vertex *at_fault; /* whose error it is; NULL: nobody's */
    int failed;
    struct cb_solve_stats stats;
    unsigned looks; /* for inputs to tell of */

    pthread_mutex_t lock; /* guards finished */
    struct job *finished;
    int finished_fd; /* eventfd, written when finished stops being empty */
};

/* ── edge.c: the state machine ── */
/* Takes STEP as far as it gets without a job's end; what follows from it is queued. */
void cb_step_advance(struct solve *solve, struct step *step);
void cb_step_want(struct solve *solve, struct step *step, enum step_want want);
/* What a finished job means for its step. Takes JOB. */
void cb_step_complete(struct solve *solve, struct job *job);

/* ── scheduler.c ── */
/* Ends when all wanted results are there, or after a failure; never with a job under way.
 */
void cb_solve_run(struct solve *solve);
void cb_solve_queue(struct solve *solve, struct step *step);
/* ── solve.c ── */
/* Gives each vertex that is needed for WANTED a step, and wishes for their results. */
void cb_solve_want(struct solve *solve, const struct cb_edge *wanted,
                   size_t wanted_count);
/* The same, but it is enough to know what they are. */
void cb_solve_begin(struct solve *solve, const struct cb_edge *begun, size_t begun_count);
/* The time of each step and of all that has to follow it: as measured earlier where the
 * cache knows (MEASURED), else by weight. */
void cb_solve_set_priorities(struct solve *solve, int measured);
/* ── scheduler.c ── */
void cb_solve_submit(struct solve *solve, enum job_kind kind, struct step *step,
                     struct content *content);
/* Takes *ERROR. The first failure of a solve is kept and cancels the rest. */
void cb_solve_fail(struct solve *solve, struct step *step, struct cb_error **error);

/* ── listing.c ── */
/* The first difference in words: "a/b.c content changed". NULL if none can be told;
 * caller frees. */
char *cb_listing_explain(const char *old, const char *new);

/* ── trace.c ── */
void cb_trace_start(struct solve *solve, struct step *step);
/* Ends what cb_trace_start began. */
void cb_trace_end(struct solve *solve, struct step *step, enum cb_event_kind kind,
                  const struct cb_error *error);
/* The record's parts: the definition's, then one per input. */
void cb_trace_parts(const struct step *step, struct cb_key_parts *parts);
/* Emits why nothing was found for STEP. On a worker. */
void cb_trace_miss(const struct solve *solve, const struct step *step,
                   const struct cb_key_parts *parts);

#endif
