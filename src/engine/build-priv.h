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
    struct cb_graph *graph; /* of several plans; one alone has its own */
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

/* ── build-solve.c ── */
/* Executes what the plans ask for and the cache does not have; the results are in the
 * parts' MADE. */
int cb_building_solve(struct cb_engine *engine, struct cb_building *build,
                      const struct cb_build_request *request,
                      struct cb_solve_stats *stats, struct cb_error **err);

#endif
