/* A Dockerfile and its build arguments → a graph and the configuration of the image it
 * makes. */
#ifndef CB_FRONTEND_FRONTEND_H
#define CB_FRONTEND_FRONTEND_H

#include "context/pins.h"
#include "oci/oci.h"
#include "ops/ops.h"
#include "parser/parser.h"
#include "solver/solver.h"

/* --build-context: what takes the place of stages and images of its name. */
enum cb_named_kind {
    CB_NAMED_FILES,  /* files: a local directory */
    CB_NAMED_IMAGE,  /* docker-image://REF */
    CB_NAMED_LAYOUT, /* oci-layout://DIR[:TAG|@DIGEST] */
};
struct cb_named_context {
    char *name;     /* as cb_named_context_key gives it */
    char *platform; /* the only one it is for ("linux/amd64"), or NULL */
    char *value;    /* as given */
    enum cb_named_kind kind;
    struct cb_context *context; /* of FILES */
    char *image;                /* of IMAGE: a reference, or "scratch" */
    char *layout, *tag;         /* of LAYOUT; TAG may be NULL */
    struct cb_digest digest;    /* of LAYOUT, may be unset */
};
struct cb_named_contexts {
    struct cb_named_context *items;
    size_t count, capacity;
};
/* The name that others are compared with; caller frees. NULL: NAME can be no image's. */
char *cb_named_context_key(const char *name, struct cb_error **err);
/* Names that always mean themselves: scratch, and the context proper. */
int cb_named_context_reserved(const char *name);

enum cb_plan_purpose {
    CB_PLAN_BUILD,
    CB_PLAN_CHECK, /* all rules; all stages unless there is a target; nothing will run */
    CB_PLAN_OUTLINE,
};

/* Where a Dockerfile lies. */
struct cb_include_place {
    const char
        *path;   /* NULL: it is none of the context's, and counts as one at its root */
    int on_host; /* PATH is one of the host, which may lie outside of the context; else
                    one in the context */
};
/* Puts the files that *SOURCE includes in their places, read from the context (NULL or
 * empty: there are none). Before anything else is done with it. */
int cb_frontend_include(struct cb_source **source, const struct cb_context *context,
                        const struct cb_include_place *place, struct cb_error **err);

struct cb_frontend_options {
    /* Planning fills in source_date_epoch when arguments or the Dockerfile say what it
     * is: steps have it in their keys from the moment they are made. */
    struct cb_build_env *env;
    struct cb_source *source;                 /* the Dockerfile */
    struct cb_context *context;               /* "." */
    const struct cb_named_contexts *contexts; /* or NULL */
    const struct cb_strings *build_args;      /* "K=V" */
    const struct cb_strings *proxies;         /* "K=V" for RUN, unless given; or NULL */
    const struct cb_strings *labels;          /* "K=V", applied last */
    const struct cb_strings *envs; /* "K=V" at the start of each stage; or NULL */
    const char *from;              /* the first FROM's image instead; or NULL */
    const char *target;            /* stage name or index; NULL: last */
    const char *squash_from; /* a stage the target is made from, or NULL: its base */
    struct cb_platform platform, build_platform;
    int platform_given; /* the image is for it, whatever its base is for */
    /* Where the vertices go, so that several plans share what is equal. NULL: the plan
     * has a graph of its own. */
    struct cb_graph *graph;
    int tell_platform; /* steps say in their names which they are for */
    enum cb_pull_policy pull;
    const struct cb_pins *pins; /* what images are held to, or NULL */
    enum cb_op_network network; /* --network for RUN steps that say nothing */
    int allow_host_network,
        allow_insecure; /* RUN --network=host, --security=insecure granted */
    const struct cb_strings *allow_devices; /* granted: names, kinds, "" all; or NULL */
    int no_cache;
    int find_scans;  /* the plan is to have SCANS */
    int no_triggers; /* ONBUILD of base images is left alone: they get nothing of ours */
    const struct cb_strings *no_cache_filter;
    const char *check; /* takes the place of the file's `# check=`; or NULL */
    enum cb_plan_purpose purpose;
    int lint;    /* a check, also of what is a matter of taste */
    int offline; /* no image is looked up: what one says of itself is unknown. Not for a
                    build */
};
/* The same filesystem as a plan's result, put together without looking into the image it
 * begins with: that image's layers, and on them layers that were made on nothing (COPY
 * --link). */
struct cb_apart {
    struct cb_resolved_image *base; /* NULL: there is more to the result than that */
    const char *name;               /* of the step that fetches the base; the graph's */
    CB_VEC(struct cb_edge) layers;  /* lowest first */
};
/* A filesystem that the Dockerfile wants an SBOM of, besides the result's. */
struct cb_plan_scan {
    char *name;          /* of a stage, or "context" */
    struct cb_edge root; /* vertex NULL: no file */
};
struct cb_plan_scans {
    struct cb_plan_scan *items;
    size_t count, capacity;
};
/* What a build is to make. */
struct cb_plan {
    struct cb_graph *graph; /* or NULL: it was given */
    struct cb_edge
        result; /* the target's filesystem; vertex NULL: scratch with no layer */
    struct cb_apart apart;
    struct cb_plan_scans scans;
    struct cb_image_config *config; /* diff_ids of the base; history complete but for
                                       `created` of this build's entries */
    size_t base_layers;   /* layers of the base image: diff_ids.count at the start */
    size_t squash_layers; /* layers of the base, or of what SQUASH_FROM makes */
    const char *target_name;
    struct cb_dockerfile *dockerfile; /* keeps spans alive */
};
void cb_plan_free(struct cb_plan *plan);
CB_AUTO_DEFINE(cb_plan, cb_plan_free)
/* Parses, checks, resolves base images (in parallel, only of stages the target needs),
 * converts. Warnings are events. */
int cb_frontend_plan(struct cb_plan **out, const struct cb_frontend_options *options,
                     struct cb_error **err);
/* Applies one instruction of `import -c` or `commit -c` to a config: CMD ENTRYPOINT ENV
 * EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR. */
int cb_frontend_change(struct cb_image_config *config, const char *instruction,
                       struct cb_error **err);

/* ── Build checks ── */
enum cb_rule_when {
    CB_RULE_ALWAYS,     /* in every build */
    CB_RULE_CHECKING,   /* only where checks are what is asked for: CB_PLAN_CHECK */
    CB_RULE_LINTING,    /* only where opinions are, too: LINT; else as on request */
    CB_RULE_ON_REQUEST, /* experimental: when `experimental=` names it */
};
struct cb_rule {
    const char *name;        /* "StageNameCasing" */
    const char *page;        /* docs/checks/<page>.md */
    const char *description; /* one sentence, whatever was found */
    enum cb_rule_when when;
    int is_buildkits;
};
const struct cb_rule *cb_rules(size_t *count);
const struct cb_rule *cb_rule_find(const char *name); /* or NULL */
const char *cb_rule_suggest(const char *name);        /* the closest name, or NULL */
/* BuildKit's page of the rule; NULL if it has none. Caller frees. */
char *cb_rule_url(const struct cb_rule *rule);

struct cb_check_warning {
    const struct cb_rule *rule;
    char *message;
    struct cb_span span;
    unsigned line, end_line; /* of the instruction SPAN is in; or of SPAN */
};
struct cb_check_result {
    CB_VEC(struct cb_check_warning) warnings; /* by place */
    struct cb_error *error; /* why the file could not be checked to the end, or NULL */
    int is_error;           /* `error=true`: a warning is an error */
};
void cb_check_result_clear(struct cb_check_result *result);
CB_AUTO_VALUE_DEFINE(cb_check_result, cb_check_result_clear)
/* Is TEXT what may stand behind `# check=`? SYNTAX. */
int cb_check_options_validate(const char *text, struct cb_error **err);
/* Applies all rules to OPTIONS->source as a build would see it. What is wrong with the
 * file is part of the result. Warnings that belong to no rule go to the sink of the
 * environment. */
void cb_frontend_check(struct cb_check_result *out,
                       const struct cb_frontend_options *options);

/* ── What a target can be given ── */
enum cb_outline_kind {
    CB_OUTLINE_ARG,
    CB_OUTLINE_SECRET,
    CB_OUTLINE_SSH,
    CB_OUTLINE_CACHE
};
struct cb_outline_entry {
    enum cb_outline_kind kind;
    char *name;
    char *value, *description; /* of an ARG; or NULL */
    int required;              /* a secret, an agent */
    struct cb_span span;       /* of the instruction */
    unsigned line, end_line;   /* of its file */
};
struct cb_outline {
    char *name, *description;                /* of the target; or NULL */
    CB_VEC(struct cb_outline_entry) entries; /* by place */
};
void cb_outline_clear(struct cb_outline *outline);
CB_AUTO_VALUE_DEFINE(cb_outline, cb_outline_clear)
/* Of OPTIONS->target and the stages it needs. */
int cb_frontend_outline(struct cb_outline *out, const struct cb_frontend_options *options,
                        struct cb_error **err);
/* What the comment above an instruction says of NAME: `# NAME description`. NULL:
 * nothing. COMMENT may be NULL; caller frees. */
char *cb_description_of(const char *comment, const char *name);

/* ── What a Dockerfile says, as JSON: `cbuild parse`, docs/design/parse-json.md ── */
struct cb_describe_options {
    struct cb_source *source;
    int expand; /* with every word as a build would resolve it; else the rest is unused */
    const struct cb_strings *build_args; /* "K=V" */
    const char *target;
    struct cb_platform platform, build_platform;
    void (*write)(void *arg, const char *text, size_t len);
    void *arg;
};
/* Reads nothing but the source: no store, no image. What fails, fails before anything is
 * written. */
int cb_frontend_describe(const struct cb_describe_options *options,
                         struct cb_error **err);

#endif
