/* Values of a template's pipelines: variables, operands, calls of functions. Values are
 * references to JSON. */
#include "base/template-run-priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define MAX_STEPS  1000000
#define MAX_OUTPUT (64u << 20) /* bytes */
#define MAX_MADE   (64u << 20)

int cb_tmpl_fail_at(struct cb_tmpl_run *run, size_t place, size_t at, size_t end,
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
    return cb_tmpl_fail_at(run, at, at, end, message, err);
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

/* ── Operands, commands, pipelines ── */

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

static size_t bytes_of(const json_t *value)
{
    return json_is_string(value) ? json_string_length(value) : 0;
}

/* No function makes much more than it is given: `join` looks after itself. */
static int count_made(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                      const struct values *args, struct cb_error **err)
{
    size_t given = 0;

    cb_vec_foreach (arg, args)
        given += bytes_of(*arg);
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

/* A null of the document is an empty list or map in Go; the word `nil` is neither. */
static const char *refusal_of_nil(const char *function)
{
    return strcmp(function, "len") == 0
               ? "reflect: call of reflect.Value.Type on zero Value"
           : strcmp(function, "index") == 0 ? "index of untyped nil"
                                            : NULL;
}

static int check_nil(struct cb_tmpl_run *run, const struct cb_tmpl_command *command,
                     struct cb_error **err)
{
    const struct cb_tmpl_operand *first = &command->operands[0], *second = first + 1;
    const char *refusal;

    if (command->count < 2 || second->kind != CB_TMPL_OPERAND_CONSTANT ||
        second->constant)
        return 0;
    refusal = refusal_of_nil(first->function->name);
    return refusal
               ? cb_tmpl_fail(run, first->at, command->operands[command->count - 1].end,
                              err, "error calling %s: %s", first->function->name, refusal)
               : 0;
}

/* END: of the command that OPERAND, a function, begins. */
static int call(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                size_t end, const struct values *given, json_t **out,
                struct cb_error **err)
{
    const struct cb_tmpl_function *function = operand->function;
    json_t *const *args = given->items;
    size_t count = given->count;
    cb_auto(cb_error) error = NULL;
    json_t *const nil = NULL;

    if ((int)count < function->min || (function->max >= 0 && (int)count > function->max))
        return cb_tmpl_fail(run, operand->at, operand->end, err,
                            "wrong number of args for %s: want %s%d got %zu",
                            function->name, function->max < 0 ? "at least " : "",
                            (int)count < function->min ? function->min : function->max,
                            count);
    if (count_made(run, operand, given, err) < 0)
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
        if (call(run, operand, operand->end, &(struct values){0}, out, err) < 0)
            return -1;
        break;
    }
    return cb_tmpl_get_fields(run, operand, out, err);
}

/* `and` and `or` stop at the argument that decides. */
static int eval_logic(struct cb_tmpl_run *run, const struct cb_tmpl_command *command,
                      json_t *dot, json_t *const *piped, json_t **out,
                      struct cb_error **err)
{
    int is_or = command->operands[0].function->name[0] == 'o';
    size_t count = command->count - 1 + (piped != NULL);

    *out = NULL;
    if (!count)
        return call(run, &command->operands[0], command->operands[0].end,
                    &(struct values){0}, out, err);
    for (size_t i = 0; i < count; i++) {
        json_decref(*out);
        *out = NULL;
        if (i + 1 < command->count) {
            if (eval_operand(run, &command->operands[i + 1], dot, out, err) < 0)
                return -1;
        } else {
            *out = json_incref(*piped);
        }
        if (cb_tmpl_is_true(*out) == is_or)
            break;
    }
    return 0;
}

static int fail_argument(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                         struct cb_error **err)
{
    if (operand->field_count)
        return cb_tmpl_fail(run, operand->at, operand->end, err,
                            "%s is not a method but has arguments",
                            operand->fields[operand->field_count - 1]);
    return cb_tmpl_fail(
        run, operand->at, operand->end, err, "can't give argument to non-function %.*s",
        (int)(operand->end - operand->at), run->template->text + operand->at);
}

/* `.Label "x"`: the field's object is asked for the argument. */
static int look_up(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                   const json_t *value, const struct values *args, json_t **out,
                   struct cb_error **err)
{
    if (operand->kind == CB_TMPL_OPERAND_CONSTANT ||
        operand->kind == CB_TMPL_OPERAND_PIPELINE || !json_is_object(value) ||
        args->count != 1 || !json_is_string(args->items[0]))
        return fail_argument(run, operand, err);
    *out = json_incref(json_object_get(value, json_string_value(args->items[0])));
    if (!*out)
        *out = json_string("");
    return 0;
}

/* PIPED: what the command before it came to, which may have no value; NULL for the first.
 */
static int eval_command(struct cb_tmpl_run *run, const struct cb_tmpl_command *command,
                        json_t *dot, json_t *const *piped, json_t **out,
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
        return eval_logic(run, command, dot, piped, out, err);
    if (is_function && check_nil(run, command, err) < 0)
        return -1;
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
    if (piped)
        cb_vec_push(&args, json_incref(*piped));
    if (is_function)
        return call(run, first, command->operands[command->count - 1].end, &args, out,
                    err);
    if (args.count)
        return look_up(run, first, value, &args, out, err);
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

        if (eval_command(run, &pipeline->commands[i], dot, i ? &value : NULL, &next,
                         err) < 0) {
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
