/* Runs a template's tree. Every frame of a loop is bounded by steps, every nesting by
 * depth, and what is made, output or not, by size, since templates come from command
 * lines and files. */
#include "base/template-run-priv.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

static int run_list(struct cb_tmpl_run *run, const struct cb_tmpl_node *node, json_t *dot,
                    enum flow *flow, struct cb_error **err);

/* One turn of a loop. 1: go on, 0: stop. */
static int run_turn(struct cb_tmpl_run *run, const struct cb_tmpl_node *node, json_t *key,
                    json_t *item, struct cb_error **err)
{
    const struct cb_tmpl_pipeline *pipeline = node->pipeline;
    size_t scope = run->variables.count;
    enum flow flow = FLOW_ON;
    int result;

    if (pipeline->variables[1]) {
        cb_tmpl_set_variable(run, pipeline, pipeline->variables[0], key);
        cb_tmpl_set_variable(run, pipeline, pipeline->variables[1], item);
    } else if (pipeline->variables[0]) {
        cb_tmpl_set_variable(run, pipeline, pipeline->variables[0], item);
    }
    result = cb_tmpl_step(run, node->at, err) < 0
                 ? -1
                 : run_list(run, node->body, item, &flow, err);
    cb_tmpl_pop_variables(run, scope);
    return result < 0 ? -1 : flow != FLOW_BREAK;
}

static int run_array(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                     json_t *value, struct cb_error **err)
{
    int more = 1;

    for (size_t i = 0; more > 0 && i < json_array_size(value); i++) {
        cb_auto_json *key = json_integer((json_int_t)i);

        more = run_turn(run, node, key, json_array_get(value, i), err);
    }
    return more < 0 ? -1 : 0;
}

static int run_object(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                      json_t *value, struct cb_error **err)
{
    size_t count;
    const char **keys = cb_tmpl_sorted_keys(value, &count);
    int more = 1;

    for (size_t i = 0; more > 0 && i < count; i++) {
        cb_auto_json *key = json_string_nocheck(keys[i]);

        more = run_turn(run, node, key, json_object_get(value, keys[i]), err);
    }
    free(keys);
    return more < 0 ? -1 : 0;
}

static int run_count(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                     json_int_t total, struct cb_error **err)
{
    int more = 1;

    for (json_int_t i = 0; more > 0 && i < total; i++) {
        cb_auto_json *item = json_integer(i);

        more = run_turn(run, node, item, item, err);
    }
    return more < 0 ? -1 : 0;
}

static int fail_range(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                      const json_t *value, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_tmpl_print(&text, value);
    return cb_tmpl_fail(run, node->pipeline->at, node->pipeline->end, err,
                        "range can't iterate over %.100s", cb_strbuf_text(&text));
}

static int run_range(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                     json_t *dot, enum flow *flow, struct cb_error **err)
{
    cb_auto_json *value = NULL;

    if (cb_tmpl_eval_commands(run, node->pipeline, dot, &value, err) < 0)
        return -1;
    if (!cb_tmpl_is_true(value) && (!value || !json_is_number(value)))
        return json_is_string(value) ? fail_range(run, node, value, err)
                                     : run_list(run, node->otherwise, dot, flow, err);
    if (json_is_array(value))
        return run_array(run, node, value, err);
    if (json_is_object(value))
        return run_object(run, node, value, err);
    if (json_is_integer(value))
        return json_integer_value(value) > 0
                   ? run_count(run, node, json_integer_value(value), err)
                   : run_list(run, node->otherwise, dot, flow, err);
    return fail_range(run, node, value, err);
}

static int run_if(struct cb_tmpl_run *run, const struct cb_tmpl_node *node, json_t *dot,
                  enum flow *flow, struct cb_error **err)
{
    cb_auto_json *value = NULL;
    size_t scope = run->variables.count;
    int result;

    if (cb_tmpl_eval(run, node->pipeline, dot, &value, err) < 0)
        return -1;
    if (cb_tmpl_is_true(value))
        result = run_list(run, node->body, node->kind == CB_TMPL_WITH ? value : dot, flow,
                          err);
    else
        result = run_list(run, node->otherwise, dot, flow, err);
    cb_tmpl_pop_variables(run, scope);
    return result;
}

static const struct cb_tmpl_definition *find_definition(const struct cb_tmpl_run *run,
                                                        const char *name)
{
    cb_vec_foreach (definition, &run->template->definitions)
        if (strcmp(definition->name, name) == 0)
            return definition;
    return NULL;
}

static int fail_undefined(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                          struct cb_error **err)
{
    cb_autofree char *message = xasprintf("template \"%s\" not defined", node->text);
    size_t begin = node->at;

    while (begin && run->template->text[begin] != '{')
        begin--;
    return cb_tmpl_fail_at(run, node->at, begin ? begin - 1 : 0, node->end, message, err);
}

static int run_template(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                        json_t *dot, struct cb_error **err)
{
    const struct cb_tmpl_definition *definition = find_definition(run, node->text);
    cb_auto_json *value = NULL;
    size_t frame = run->frame;
    json_t *root = run->frame_root;
    enum flow flow = FLOW_ON;
    int result;

    if (!definition)
        return fail_undefined(run, node, err);
    if (node->pipeline && cb_tmpl_eval(run, node->pipeline, dot, &value, err) < 0)
        return -1;
    if (run->depth >= CB_TMPL_MAX_DEPTH)
        return cb_tmpl_fail(run, node->at, node->at, err,
                            "template \"%s\" nested too deep", node->text);
    run->depth++;
    run->frame = run->variables.count;
    run->frame_root = value;
    result = run_list(run, definition->body, value, &flow, err);
    cb_tmpl_pop_variables(run, run->frame);
    run->frame = frame;
    run->frame_root = root;
    run->depth--;
    return result;
}

static void print_result(struct cb_tmpl_run *run, const json_t *value)
{
    cb_autofree char *duration = NULL;

    if (cb_tmpl_is_duration(run, value)) {
        duration = cb_duration_text(json_integer_value(value));
        cb_strbuf_adds(run->out, duration);
    } else {
        cb_tmpl_print_typed(run->out, value, run->fields);
    }
}

static int run_action(struct cb_tmpl_run *run, const struct cb_tmpl_node *node,
                      json_t *dot, struct cb_error **err)
{
    cb_auto_json *value = NULL;

    if (cb_tmpl_eval(run, node->pipeline, dot, &value, err) < 0)
        return -1;
    if (!node->pipeline->variables[0])
        print_result(run, value);
    return 0;
}

static int run_node(struct cb_tmpl_run *run, const struct cb_tmpl_node *node, json_t *dot,
                    enum flow *flow, struct cb_error **err)
{
    switch (node->kind) {
    case CB_TMPL_TEXT:
        cb_strbuf_add(run->out, node->text, node->len);
        return 0;
    case CB_TMPL_ACTION:
        return run_action(run, node, dot, err);
    case CB_TMPL_IF:
    case CB_TMPL_WITH:
        return run_if(run, node, dot, flow, err);
    case CB_TMPL_RANGE:
        return run_range(run, node, dot, flow, err);
    case CB_TMPL_TEMPLATE:
        return run_template(run, node, dot, err);
    case CB_TMPL_BREAK:
        *flow = FLOW_BREAK;
        return 0;
    case CB_TMPL_CONTINUE:
        *flow = FLOW_CONTINUE;
        return 0;
    }
    return 0;
}

static int run_list(struct cb_tmpl_run *run, const struct cb_tmpl_node *node, json_t *dot,
                    enum flow *flow, struct cb_error **err)
{
    size_t scope = run->variables.count;
    int result = 0;

    for (; node && result == 0 && *flow == FLOW_ON; node = node->next)
        result = cb_tmpl_step(run, node->at, err) < 0
                     ? -1
                     : run_node(run, node, dot, flow, err);
    cb_tmpl_pop_variables(run, scope);
    return result;
}

static int execute(const struct cb_template *template, json_t *dot,
                   const struct cb_template_field *fields, int titles,
                   struct cb_strbuf *out, struct cb_error **err)
{
    struct cb_tmpl_run run = {.template = template,
                              .fields = fields,
                              .whole = fields ? dot : NULL,
                              .titles = titles,
                              .nil_map = json_object(),
                              .nil_list = json_array(),
                              .durations = json_array(),
                              .frame_root = dot,
                              .out = out};
    enum flow flow = FLOW_ON;
    int result = run_list(&run, template->body, dot, &flow, err);

    cb_tmpl_pop_variables(&run, 0);
    cb_vec_free(&run.variables);
    json_decref(run.nil_map);
    json_decref(run.nil_list);
    json_decref(run.durations);
    return result;
}

int cb_template_execute(const struct cb_template *template, json_t *dot,
                        struct cb_strbuf *out, struct cb_error **err)
{
    return execute(template, dot, NULL, 0, out, err);
}

int cb_template_execute_typed(const struct cb_template *template, json_t *dot,
                              const struct cb_template_field *fields,
                              struct cb_strbuf *out, struct cb_error **err)
{
    return execute(template, dot, fields, 0, out, err);
}

int cb_template_execute_titles(const struct cb_template *template, json_t *titles,
                               struct cb_strbuf *out, struct cb_error **err)
{
    return execute(template, titles, NULL, 1, out, err);
}
