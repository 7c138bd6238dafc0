/* The fields of a template's operands: found in JSON, with what the field is known to be
 * where it is empty. */
#include "base/template-run-priv.h"

#include <string.h>
#include <strings.h>

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
    return cb_tmpl_fail_at(run, operand->fields_at, operand->at, operand->end, message,
                           err);
}

/* The operand's field I, of VALUE, which the fields before it led to: a new reference. */
static int get_field(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                     size_t i, const json_t *value, json_t **out, struct cb_error **err)
{
    const char *name = operand->fields[i], *parent = i ? operand->fields[i - 1] : NULL;
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

int cb_tmpl_get_fields(struct cb_tmpl_run *run, const struct cb_tmpl_operand *operand,
                       json_t **value, struct cb_error **err)
{
    for (size_t i = 0; i < operand->field_count; i++) {
        json_t *next;

        if (get_field(run, operand, i, *value, &next, err) < 0) {
            json_decref(*value);
            *value = NULL;
            return -1;
        }
        json_decref(*value);
        *value = next;
    }
    return 0;
}
