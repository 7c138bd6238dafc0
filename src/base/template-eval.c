/* Values of a template's pipelines: variables, fields, operands, calls of functions.
 * Values are references to JSON. */
#include "base/template-run-priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define MAX_STEPS  1000000
#define MAX_OUTPUT (64u << 20) /* bytes */
#define MAX_MADE   (64u << 20)

/* PLACE is what line and column are told of, AT to END the expression. */
static int fail_at(struct cb_tmpl_run *run, size_t place, size_t at, size_t end,
                   const char *message, struct cb_error **err)
{
    const char *text = run->template->text;
    size_t line = 1, column = 0;

    for (size_t i = 0; i < place; i++) {
        line += text[i] == '\n';
        column = text[i] == '\n' ? 0 : column + 1;
    }
    while (end > at && isspace((unsigned char)text[end - 1]))
        end--;
    return cb_error_set(err, CB_ERR_USAGE,
                        "template: :%zu:%zu: executing \"\" at <%.*s>: %s", line, column,
                        (int)(end - at > 100 ? 100 : end - at), text + at, message);
}

int cb_tmpl_fail(struct cb_tmpl_run *run, size_t at, size_t end, struct cb_error **err,
                 const char *format, ...)
{
    cb_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = xvasprintf(format, args);
    va_end(args);
    return fail_at(run, at, at, end, message, err);
}

int cb_tmpl_step(struct cb_tmpl_run *run, size_t at, struct cb_error **err)
{
    if (++run->steps > MAX_STEPS)
        return cb_tmpl_fail(run, at, at, err, "it does not end: over %d steps",
                            MAX_STEPS);
    if (run->out->len > MAX_OUTPUT)
        return cb_tmpl_fail(run, at, at, err, "over %u bytes of output", MAX_OUTPUT);
    return 0;
}

/* ── Variables ── */

static void push_variable(struct cb_tmpl_run *run, const char *name, json_t *value)
{
    struct cb_tmpl_variable variable = {.name = name, .value = json_incref(value)};

    cb_vec_push(&run->variables, variable);
}

void cb_tmpl_pop_variables(struct cb_tmpl_run *run, size_t count)
{
    while (run->variables.count > count)
        json_decref(run->variables.items[--run->variables.count].value);
}

static struct cb_tmpl_variable *find_variable(struct cb_tmpl_run *run, const char *name)
{
    for (size_t i = run->variables.count; i > run->frame; i--)
        if (strcmp(run->variables.items[i - 1].name, name) == 0)
            return &run->variables.items[i - 1];
    return NULL;
}

void cb_tmpl_set_variable(struct cb_tmpl_run *run,
                          const struct cb_tmpl_pipeline *pipeline, const char *name,
                          json_t *value)
{
    struct cb_tmpl_variable *variable =
        pipeline->assigns ? find_variable(run, name) : NULL;

    if (!variable) {
        push_variable(run, name, value);
        return;
    }
    json_incref(value);
    json_decref(variable->value);
    variable->value = value;
}

/* ── Fields ── */

/* Exactly, else without regard to case. Borrowed; *FOUND: there is such a member. */
static json_t *member(const json_t *object, const char *name, int *found)
{
    json_t *value = json_object_get(object, name);
    const char *key;

    *found = value != NULL;
    if (value)
        return value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (strcasecmp(key, name) == 0) {
            *found = 1;
            return value;
        }
    }
    return NULL;
}

/* Is FIELD what NAME in OBJECT is? FOUND: it is there, but null. */
static int is_field(const struct cb_template_field *field, const json_t *object,
                    const char *name, int found)
{
    if (strcasecmp(field->name, name) != 0)
        return 0;
    return field->beside ? json_object_get(object, field->beside) != NULL : found;
}

static const struct cb_template_field *
field_of(const struct cb_tmpl_run *run, const json_t *object, const char *name, int found)
{
    const struct cb_template_field *field = run->fields;

    while (field && field->name && !is_field(field, object, name, found))
        field++;
    return field && field->name ? field : NULL;
}

/* What an empty FIELD (or NULL) is in Go: a new reference, or NULL. */
static json_t *zero_of(const struct cb_tmpl_run *run,
                       const struct cb_template_field *field)
{
    if (!field)
        return NULL;
    switch (field->zero) {
    case CB_TEMPLATE_NIL:
        return json_null();
    case CB_TEMPLATE_MAP:
        return json_incref(run->nil_map);
    case CB_TEMPLATE_LIST:
        return json_incref(run->nil_list);
    case CB_TEMPLATE_TEXT:
        return json_string("");
    case CB_TEMPLATE_NUMBER:
    case CB_TEMPLATE_DURATION:
        return json_integer(0);
    case CB_TEMPLATE_FLAG:
        return json_false();
    }
    return NULL;
}

int cb_tmpl_is_duration(const struct cb_tmpl_run *run, const json_t *value)
{
    size_t i;
    json_t *one;

    json_array_foreach(run->durations, i, one)
    {
        if (one == value)
            return 1;
    }
    return 0;
}

static void note_duration(struct cb_tmpl_run *run, json_t *value,
                          const struct cb_template_field *field)
{
    if (field && field->zero == CB_TEMPLATE_DURATION && json_is_integer(value) &&
        !cb_tmpl_is_duration(run, value))
        json_array_append(run->durations, value);
}

/* NAME is not in VALUE; the field before it is PARENT, or NULL. */
static int fail_field(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                      const json_t *value, const char *name, const char *parent,
                      struct cb_error **err)
{
    cb_autofree char *message = NULL;

    if (!value || json_is_null(value))
        message = run->fields && parent
                      ? xasprintf("map has no entry for key \"%s\"", parent)
                      : xasprintf("nil data; no entry for key \"%s\"", name);
    else if (!json_is_object(value))
        message = xasprintf("can't evaluate field %s in type %s", name,
                            run->fields ? "interface {}" : cb_tmpl_type_name(value));
    else if (run->fields)
        message = xasprintf("map has no entry for key \"%s\"", name);
    else
        message = xasprintf("can't evaluate field %s", name);
    return fail_at(run, operand->fields_at, operand->at, operand->end, message, err);
}

/* One field of VALUE, which is PARENT or has no name: a new reference. */
static int get_field(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                     const json_t *value, const char *name, const char *parent,
                     json_t **out, struct cb_error **err)
{
    const struct cb_template_field *field;
    int found = 0;

    *out = NULL;
    if (!value || !json_is_object(value))
        return fail_field(run, operand, value, name, parent, err);
    *out = json_incref(member(value, name, &found));
    field = field_of(run, value, name, found);
    if (!*out || json_is_null(*out)) {
        json_t *zero = zero_of(run, field);

        *out = zero ? zero : *out;
    }
    note_duration(run, *out, field);
    if (!*out && !found && (value == run->whole || cb_tmpl_is_struct(value)))
        return fail_field(run, operand, value, name, parent, err);
    return 0;
}

/* The fields behind an operand. Takes *VALUE, and gives another in its place. */
static int get_fields(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                      json_t **value, struct cb_error **err)
{
    for (size_t i = 0; i < operand->field_count; i++) {
        const char *parent = i ? operand->fields[i - 1] : NULL;
        json_t *next;

        if (get_field(run, operand, *value, operand->fields[i], parent, &next, err) < 0) {
            json_decref(*value);
            *value = NULL;
            return -1;
        }
        json_decref(*value);
        *value = next;
    }
    return 0;
}

/* ── Operands, commands, pipelines ── */

static size_t bytes_of(const json_t *value)
{
    return json_is_string(value) ? json_string_length(value) : 0;
}

/* No function makes much more than it is given: `join` looks after itself. */
static int count_made(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                      json_t *const *args, size_t count, struct cb_error **err)
{
    size_t given = 0;

    for (size_t i = 0; i < count; i++)
        given += bytes_of(args[i]);
    if (given <= MAX_MADE && run->made <= MAX_MADE)
        return 0;
    return cb_tmpl_fail(run, operand->at, operand->end, err, "over %u bytes of text",
                        MAX_MADE);
}

/* What a title of a column is no title without. */
static int leaves_titles(const char *function)
{
    static const char *const names[] = {"join",  "json",     "lower", "pad",
                                        "title", "truncate", "upper"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++)
        if (strcmp(function, names[i]) == 0)
            return 1;
    return 0;
}

/* END: of the command that OPERAND, a function, begins. */
static int call(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                size_t end, json_t *const *args, size_t count, json_t **out,
                struct cb_error **err)
{
    const struct cb_tmpl_function *function = operand->function;
    cb_auto(cb_error) error = NULL;
    json_t *const nil = NULL;

    if ((int)count < function->min || (function->max >= 0 && (int)count > function->max))
        return cb_tmpl_fail(run, operand->at, operand->end, err,
                            "wrong number of args for %s: want %s%d got %zu",
                            function->name, function->max < 0 ? "at least " : "",
                            (int)count < function->min ? function->min : function->max,
                            count);
    if (count_made(run, operand, args, count, err) < 0)
        return -1;
    if (run->titles && leaves_titles(function->name)) {
        *out = json_incref(args[0]);
        return 0;
    }
    /* Only json tells nil from empty. */
    if (strcmp(function->name, "json") == 0 &&
        (args[0] == run->nil_map || args[0] == run->nil_list))
        args = &nil;
    if (function->call(args, count, out, &error) < 0)
        return cb_tmpl_fail(run, operand->at, end, err, "error calling %s: %s",
                            function->name, cb_error_message(error));
    run->made += bytes_of(*out);
    return 0;
}

static int eval_operand(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                        json_t *dot, json_t **out, struct cb_error **err)
{
    struct cb_tmpl_variable *variable;

    *out = NULL;
    switch (operand->kind) {
    case CB_TMPL_OPERAND_DOT:
        *out = json_incref(dot);
        break;
    case CB_TMPL_OPERAND_CONSTANT:
        *out = json_incref(operand->constant);
        break;
    case CB_TMPL_OPERAND_VARIABLE:
        variable = *operand->name ? find_variable(run, operand->name) : NULL;
        *out = json_incref(*operand->name ? (variable ? variable->value : NULL)
                                          : run->frame_root);
        break;
    case CB_TMPL_OPERAND_PIPELINE:
        if (cb_tmpl_eval(run, operand->pipeline, dot, out, err) < 0)
            return -1;
        break;
    case CB_TMPL_OPERAND_FUNCTION:
        if (call(run, operand, operand->end, NULL, 0, out, err) < 0)
            return -1;
        break;
    }
    return get_fields(run, operand, out, err);
}

struct values {
    json_t **items;
    size_t count, capacity;
};

static void values_clear(struct values *values)
{
    for (size_t i = 0; i < values->count; i++)
        json_decref(values->items[i]);
    cb_vec_free(values);
}
CB_AUTO_VALUE_DEFINE(values, values_clear)

/* `and` and `or` stop at the argument that decides. */
static int eval_logic(struct cb_tmpl_run *run, const struct cb_tmpl_command *command,
                      json_t *dot, json_t *piped, int has_piped, json_t **out,
                      struct cb_error **err)
{
    int is_or = command->operands[0].function->name[0] == 'o';
    size_t count = command->count - 1 + (size_t)has_piped;

    *out = NULL;
    if (!count)
        return call(run, &command->operands[0], command->operands[0].end, NULL, 0, out,
                    err);
    for (size_t i = 0; i < count; i++) {
        json_decref(*out);
        *out = NULL;
        if (i + 1 < command->count) {
            if (eval_operand(run, &command->operands[i + 1], dot, out, err) < 0)
                return -1;
        } else {
            *out = json_incref(piped);
        }
        if (cb_tmpl_is_true(*out) == is_or)
            break;
    }
    return 0;
}

/* `.Label "x"`: the field's object is asked for the argument. */
static int look_up(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                   const json_t *value, json_t *const *args, size_t count, json_t **out,
                   struct cb_error **err)
{
    if (operand->kind == CB_TMPL_OPERAND_CONSTANT ||
        operand->kind == CB_TMPL_OPERAND_PIPELINE || !json_is_object(value) ||
        count != 1 || !json_is_string(args[0]))
        return cb_tmpl_fail(run, operand->at, operand->end, err,
                            "can't give argument to it");
    *out = json_incref(json_object_get(value, json_string_value(args[0])));
    if (!*out)
        *out = json_string("");
    return 0;
}

static int eval_command(struct cb_tmpl_run *run, const struct cb_tmpl_command *command,
                        json_t *dot, json_t *piped, int has_piped, json_t **out,
                        struct cb_error **err)
{
    const struct cb_tmpl_operand *first = &command->operands[0];
    int is_function = first->kind == CB_TMPL_OPERAND_FUNCTION;
    cb_auto_value(values) args = {0};
    cb_auto_json *value = NULL;

    *out = NULL;
    if (cb_tmpl_step(run, first->at, err) < 0)
        return -1;
    if (is_function && !first->function->call)
        return eval_logic(run, command, dot, piped, has_piped, out, err);
    if (first->kind == CB_TMPL_OPERAND_CONSTANT && !first->constant)
        return cb_tmpl_fail(run, first->at, first->end, err, "nil is not a command");
    if (!is_function && eval_operand(run, first, dot, &value, err) < 0)
        return -1;
    for (size_t i = 1; i < command->count; i++) {
        json_t *arg;

        if (eval_operand(run, &command->operands[i], dot, &arg, err) < 0)
            return -1;
        /* What has no value is nil to a function. */
        cb_vec_push(&args, arg || !is_function ? arg : json_null());
    }
    if (has_piped)
        cb_vec_push(&args, json_incref(piped));
    if (is_function)
        return call(run, first, command->operands[command->count - 1].end, args.items,
                    args.count, out, err);
    if (args.count)
        return look_up(run, first, value, args.items, args.count, out, err);
    *out = cb_steal(&value);
    return 0;
}

int cb_tmpl_eval_commands(struct cb_tmpl_run *run,
                          const struct cb_tmpl_pipeline *pipeline, json_t *dot,
                          json_t **out, struct cb_error **err)
{
    cb_auto_json *value = NULL;

    *out = NULL;
    if (run->depth >= CB_TMPL_MAX_DEPTH)
        return cb_tmpl_fail(run, pipeline->at, pipeline->end, err, "nested too deep");
    run->depth++;
    for (size_t i = 0; i < pipeline->count; i++) {
        json_t *next;

        if (eval_command(run, &pipeline->commands[i], dot, value, i > 0, &next, err) <
            0) {
            run->depth--;
            return -1;
        }
        json_decref(value);
        value = next;
    }
    run->depth--;
    *out = cb_steal(&value);
    return 0;
}

int cb_tmpl_eval(struct cb_tmpl_run *run, const struct cb_tmpl_pipeline *pipeline,
                 json_t *dot, json_t **out, struct cb_error **err)
{
    if (cb_tmpl_eval_commands(run, pipeline, dot, out, err) < 0)
        return -1;
    if (pipeline->variables[0])
        cb_tmpl_set_variable(run, pipeline, pipeline->variables[0], *out);
    return 0;
}
