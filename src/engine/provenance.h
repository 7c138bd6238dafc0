/* SLSA provenance of an image: what it was asked for, what went into it, and by which
 * steps, in the words of BuildKit (docs/attestations/slsa-definitions.md there). */
#ifndef CB_ENGINE_PROVENANCE_H
#define CB_ENGINE_PROVENANCE_H

#include "engine/engine-priv.h"
#include "ops/facts.h"

#include <time.h>

#define CB_PROVENANCE_ID 27

struct cb_provenance_facts { /* all borrowed */
    const struct cb_checked_request *checked;
    const struct cb_build_request *request;
    const struct cb_inputs *inputs;
    const char *id;  /* of the build */
    int64_t epoch_s; /* >= 0: nothing tells when the build was */
    int64_t started_ns;
    struct timespec finished;
};
/* MANIFEST: as which MADE goes out, or NULL. */
int cb_provenance_make(const struct cb_provenance_facts *facts,
                       const struct cb_made *made, const struct cb_manifest *manifest,
                       json_t **out, struct cb_error **err);

/* ── Between the files that make it ── */

/* The steps that a result is made by, those first that others take. */
struct cb_provenance_steps {
    const struct cb_vertex **items;
    size_t count, capacity;
};
void cb_provenance_steps_find(struct cb_provenance_steps *out, struct cb_edge result);

/* What they took from elsewhere. */
struct cb_provenance_sources {
    json_t *materials; /* [{"uri", "digest"}] */
    json_t *locals;    /* [{"name"}] */
    json_t *secrets, *agents;
    int incomplete; /* something of it cannot be had again by what is told of it */
    int network;    /* a step could reach others */
};
void cb_provenance_sources_clear(struct cb_provenance_sources *sources);
CB_AUTO_VALUE_DEFINE(cb_provenance_sources, cb_provenance_sources_clear)
void cb_provenance_sources_find(struct cb_provenance_sources *out,
                                const struct cb_provenance_facts *facts,
                                const struct cb_made *made,
                                const struct cb_provenance_steps *steps);
/* {"sha256": …} or {"sha1": …} of what a context's pin or a commit is. */
json_t *cb_provenance_digest(const char *pin);

/* The steps themselves, and where they stand in the Dockerfile. */
json_t *cb_provenance_build_config(const struct cb_provenance_steps *steps,
                                   const struct cb_platform *platform);
json_t *cb_provenance_source_map(const struct cb_provenance_steps *steps,
                                 const struct cb_provenance_facts *facts);
/* {"step3:0": [[descriptor …]]} of the last. */
json_t *cb_provenance_layers(const struct cb_provenance_steps *steps,
                             const struct cb_manifest *manifest);

/* TEXT without the secrets of URLs in it; what is not UTF-8 is escaped. */
json_t *cb_provenance_text(const char *text);

#endif
