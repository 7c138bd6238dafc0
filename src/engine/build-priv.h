/* What one build holds while it runs, and its parts that are files of their own. */
#ifndef CB_ENGINE_BUILD_PRIV_H
#define CB_ENGINE_BUILD_PRIV_H

#include "context/remote.h"
#include "engine/engine-priv.h"
#include "http/http.h"

#define CB_BUILD_IO_THREADS 8

/* Outlives the build proper: bridges take a while to tear down and old cache to remove,
 * which the user need not wait for. */
struct cb_engine {
    struct cb_build_env env;
    struct cb_pool *pool;
    struct cb_store *store;
    unsigned jobs;
    int worked; /* steps ran, or began to: the store may have grown */
    struct cb_network *networks[3];
    struct cb_dns_options dns;
};

struct cb_building_part {            /* of one target */
    struct cb_build_request request; /* with what is this target's; all is borrowed */
    struct cb_checked_request checked;
    struct cb_made_list made; /* an image for each platform */
    struct cb_digest id;      /* of what was made of them; unset: no image */
};

/* Freed in this order, from the bottom up. */
struct cb_building {
    struct cb_strings names, familiar; /* of all targets, canonical and as people write */
    struct cb_strings insecure;        /* registries, of all targets */
    /* At least one. What is not of a target alone is in the first's request. */
    CB_VEC(struct cb_building_part) parts;
    struct cb_warnings *warnings; /* or NULL */
    struct cb_history_log *log;
    struct cb_failures *failures;
    struct cb_locking *locking; /* or NULL */
    struct cb_registry *registry;
    struct cb_http *http;
    struct cb_remote remote;
    struct cb_cache *cache;
    struct cb_inputs inputs;
    struct cb_event_sink *sink;  /* of all but planning */
    struct cb_once *once;        /* of that, or NULL */
    struct cb_graph *graph;      /* of all plans */
    struct cb_solve_stats apart; /* of images that are put together apart */
};

/* ── targets.c ── */
/* Fills in the parts, and their requests' values. */
int cb_building_check(struct cb_building *build, const struct cb_build_request *request,
                      struct cb_cancel *cancel, struct cb_error **err);
/* "a, b"; NULL: the last stage. Caller frees. */
char *cb_building_target(const struct cb_build_request *request);

/* ── build-setup.c ── */
/* Makes ENGINE and BUILD, whose request is checked, ready for its first step. */
int cb_building_set_up(struct cb_engine *engine, struct cb_building *build,
                       const struct cb_engine_env *given,
                       const struct cb_build_request *request, struct cb_error **err);
void cb_building_clear(struct cb_building *build);

/* ── build-plan.c ── */
/* For PART on PLATFORM; all is borrowed. */
struct cb_frontend_options cb_building_options(struct cb_engine *engine,
                                               const struct cb_building *build,
                                               const struct cb_building_part *part,
                                               const struct cb_platform *platform);
/* Fills the parts' MADE with plans. */
int cb_building_plan(struct cb_engine *engine, struct cb_building *build,
                     struct cb_error **err);
/* Is there one that awaits values? */
int cb_building_awaits(const struct cb_building *build);
/* A step that values were awaited of, and its result. */
struct cb_arrival {
    struct cb_edge step;
    struct cb_result *result;
};
int cb_building_learn(struct cb_engine *engine, struct cb_building *build,
                      struct cb_building_part *part, struct cb_made *made,
                      const struct cb_arrival *arrival, struct cb_error **err);

/* ── build-solve.c ── */
/* Adds what is wanted of MADE, whose plan is finished: what is scratch needs no solving,
 * and of what is put together apart only the layers. */
void cb_made_list_wanted(const struct cb_made *made, struct cb_wanted *out);
/* The same, or of a plan that awaits values what these are made by. */
int cb_building_list_next(struct cb_engine *engine, struct cb_building *build,
                          struct cb_building_part *part, struct cb_made *made,
                          struct cb_wanted *out, struct cb_error **err);
/* Takes RESULTS, in the order in which all of BUILD was listed as wanted. */
void cb_building_take_results(struct cb_building *build, struct cb_result **results);
/* Executes what the plans ask for and the cache does not have; the results are in the
 * parts' MADE. */
int cb_building_solve(struct cb_engine *engine, struct cb_building *build,
                      const struct cb_build_request *request,
                      struct cb_solve_stats *stats, struct cb_error **err);

/* ── build-grow.c ── */
/* Solves WANTED, what awaiting plans need first, and what these want when they have
 * learned their values. */
int cb_building_grow(struct cb_engine *engine, struct cb_building *build,
                     const struct cb_wanted *wanted, struct cb_solve_options *options,
                     struct cb_solve_stats *stats, struct cb_error **err);

#endif
