/* Running a template: what template-exec.c (the tree), template-eval.c (pipelines) and
 * template-field.c (fields) share. */
#ifndef CB_BASE_TEMPLATE_RUN_PRIV_H
#define CB_BASE_TEMPLATE_RUN_PRIV_H

#include "base/strbuf.h"
#include "base/template-priv.h"

#define CB_TMPL_MAX_DEPTH 200 /* of templates and parentheses */

struct cb_tmpl_variable {
    const char *name;
    json_t *value; /* owned; or NULL */
};

struct cb_tmpl_run {
    const struct cb_template *template;
    const struct cb_template_field *fields; /* or NULL */
    const json_t *whole;                    /* a struct, whatever its keys are; or NULL */
    int titles;                             /* what it runs on are titles of columns */
    json_t *nil_map, *nil_list;             /* empty, and nil to json */
    json_t *durations;                      /* the very integers that are some */
    struct cb_strbuf *out;
    CB_VEC(struct cb_tmpl_variable) variables; /* innermost last */
    size_t frame;                              /* the first of the template at hand */
    json_t *frame_root;
    unsigned steps;
    size_t made; /* bytes of texts by functions */
    int depth;
};

/* `template: :LINE:COLUMN: executing "" at <EXPRESSION>: MESSAGE`, of AT to END. Returns
 * -1. */
int cb_tmpl_fail(struct cb_tmpl_run *run, size_t at, size_t end, struct cb_error **err,
                 const char *format, ...) CB_PRINTF(5, 6);
/* The same, but PLACE is what line and column are told of. */
int cb_tmpl_fail_at(struct cb_tmpl_run *run, size_t place, size_t at, size_t end,
                    const char *message, struct cb_error **err);
/* One more: -1 when there were too many, or too much was written. */
int cb_tmpl_step(struct cb_tmpl_run *run, size_t at, struct cb_error **err);
/* The value alone, a new reference; variables are the caller's. */
int cb_tmpl_eval_commands(struct cb_tmpl_run *run,
                          const struct cb_tmpl_pipeline *pipeline, json_t *dot,
                          json_t **out, struct cb_error **err);
/* The same, and what PIPELINE declares is declared. */
int cb_tmpl_eval(struct cb_tmpl_run *run, const struct cb_tmpl_pipeline *pipeline,
                 json_t *dot, json_t **out, struct cb_error **err);
/* The fields behind an operand. Takes *VALUE, and gives another in its place. */
int cb_tmpl_get_fields(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                       json_t **value, struct cb_error **err);
/* Is VALUE, that very one, nanoseconds by what is known of its field? */
int cb_tmpl_is_duration(const struct cb_tmpl_run *run, const json_t *value);
/* Those beyond the first COUNT. */
void cb_tmpl_pop_variables(struct cb_tmpl_run *run, size_t count);
/* Declares NAME, or assigns to the innermost one if PIPELINE does. */
void cb_tmpl_set_variable(struct cb_tmpl_run *run,
                          const struct cb_tmpl_pipeline *pipeline, const char *name,
                          json_t *value);

#endif
