/* Inside base/template*: the tree a template is parsed to, and values while it runs. */
#ifndef CB_BASE_TEMPLATE_PRIV_H
#define CB_BASE_TEMPLATE_PRIV_H

#include "base/arena.h"
#include "base/json.h"
#include "base/template.h"
#include "base/vec.h"

/* ── Tokens of an action (template-lex.c) ── */

enum cb_tmpl_token_kind {
    CB_TMPL_END, /* of the action */
    CB_TMPL_IDENT,
    CB_TMPL_FIELD,    /* ".Name": text without the dot */
    CB_TMPL_VARIABLE, /* "$", "$name": text without the dollar */
    CB_TMPL_DOT,
    CB_TMPL_STRING, /* text is its value */
    CB_TMPL_INTEGER,
    CB_TMPL_REAL,
    CB_TMPL_PIPE,
    CB_TMPL_OPEN,
    CB_TMPL_CLOSE,
    CB_TMPL_DECLARE, /* := */
    CB_TMPL_ASSIGN,  /* = */
    CB_TMPL_COMMA,
};
struct cb_tmpl_token {
    enum cb_tmpl_token_kind kind;
    const char *text; /* in the arena; NUL-terminated, LEN for strings with NUL */
    size_t len;
    json_int_t integer;
    double real;
    size_t at;        /* offset in the template */
    int space_before; /* `.A .B` is two operands, `.A.B` one */
};
struct cb_tmpl_tokens {
    struct cb_tmpl_token *items; /* ends with CB_TMPL_END */
    size_t count, capacity;
};
/* The action at TEXT[AT], behind its "{{", up to TEXT[END]. TOKENS is the caller's to
 * free.
 */
int cb_tmpl_lex(struct cb_arena *arena, const char *text, size_t at, size_t end,
                struct cb_tmpl_tokens *tokens, struct cb_error **err);
/* "template: :LINE: " in front of the message. Returns -1. */
int cb_tmpl_syntax_error(const char *text, size_t at, struct cb_error **err,
                         const char *format, ...) CB_PRINTF(4, 5);

/* ── The tree (template-parse.c, template-pipeline.c) ── */

enum cb_tmpl_operand_kind {
    CB_TMPL_OPERAND_DOT,
    CB_TMPL_OPERAND_CONSTANT, /* string, number, true, false, nil */
    CB_TMPL_OPERAND_VARIABLE,
    CB_TMPL_OPERAND_PIPELINE, /* in parentheses */
    CB_TMPL_OPERAND_FUNCTION,
};
struct cb_tmpl_pipeline;
struct cb_tmpl_function;
struct cb_tmpl_operand {
    enum cb_tmpl_operand_kind kind;
    json_t *constant; /* owned by the template; NULL for nil */
    const char *name; /* of a variable */
    struct cb_tmpl_pipeline *pipeline;
    const struct cb_tmpl_function *function;
    const char **fields; /* .A.B behind it */
    size_t field_count;
    size_t at, end; /* in the template, for messages */
    /* where Go says that a field is missing: at the second of .A.B, the first of $x.A */
    size_t fields_at;
};
struct cb_tmpl_command { /* operands: the first is applied to the others */
    struct cb_tmpl_operand *operands;
    size_t count;
};
struct cb_tmpl_pipeline {
    const char *variables[2]; /* declared or assigned; or NULL */
    int assigns;
    struct cb_tmpl_command *commands;
    size_t count;
    size_t at, end;
};

enum cb_tmpl_node_kind {
    CB_TMPL_TEXT,
    CB_TMPL_ACTION,
    CB_TMPL_IF,
    CB_TMPL_RANGE,
    CB_TMPL_WITH,
    CB_TMPL_TEMPLATE,
    CB_TMPL_BREAK,
    CB_TMPL_CONTINUE,
};
struct cb_tmpl_node {
    enum cb_tmpl_node_kind kind;
    const char *text; /* of text; a template's name */
    size_t len;
    struct cb_tmpl_pipeline *pipeline; /* NULL: `template "x"` without an argument */
    struct cb_tmpl_node *body, *otherwise;
    struct cb_tmpl_node *next;
    size_t at, end; /* END: behind the braces of {{template}} */
};
struct cb_tmpl_definition {
    const char *name;
    struct cb_tmpl_node *body;
};
struct cb_template {
    struct cb_arena *arena;
    const char *text;
    struct cb_tmpl_node *body;
    CB_VEC(struct cb_tmpl_definition) definitions;
    CB_VEC(json_t *) constants;
};

/* ── Values and functions (template-functions.c) ── */

/* A value is a json_t reference; NULL is Go's "no value". */
struct cb_tmpl_function {
    const char *name;
    int min, max; /* arguments; max -1: any number */
    /* A new reference in *OUT. The message lacks the place. */
    int (*call)(json_t *const *args, size_t count, json_t **out, struct cb_error **err);
};
/* NULL if there is none. `and` and `or` are here for their names only: what they leave
 * out is not evaluated. */
const struct cb_tmpl_function *cb_tmpl_function_find(const char *name);
int cb_tmpl_is_true(const json_t *value);
/* As fmt's %v. */
void cb_tmpl_print(struct cb_strbuf *out, const json_t *value);
/* The same, with the empty fields of structs that FIELDS (or NULL) knows the places of.
 */
void cb_tmpl_print_typed(struct cb_strbuf *out, const json_t *value,
                         const struct cb_template_field *fields);
/* As fmt's %T, of what the JSON is decoded to. */
const char *cb_tmpl_type_name(const json_t *value);
/* As fmt.Sprintf; arguments that are missing or too many are told in the text, as Go
 * does. */
void cb_tmpl_printf(struct cb_strbuf *out, const char *format, json_t *const *args,
                    size_t count);
/* The object's keys in byte order, as Go ranges over and prints maps. Borrowed keys. */
const char **cb_tmpl_sorted_keys(const json_t *object, size_t *count);
/* The shortest text that reads back as NUMBER, as Go prints one. */
void cb_tmpl_real(char text[64], double number);
/* Do all keys look like exported Go names, and is there one? */
int cb_tmpl_is_struct(const json_t *object);

#endif
