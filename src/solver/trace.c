/* What people see of a step, and why it was not found.
 *
 * The parts a record keeps are those of the step's definition followed by one for each
 * input, so that the first part that differs says it all: the definition if that was
 * edited, else the input that became something else. */
#include "solver/solver-priv.h"

#define SHOWN_VALUE_MAX 60 /* longer values are only said to have changed */

void cb_trace_start(struct solve *solve, struct step *step)
{
    if (step->event_id || step->vertex->op->silent)
        return;
    step->event_id = cb_event_next_id();
    cb_event_emit(solve->options->sink, (struct cb_event){.kind = CB_EVENT_STEP_START,
                                                          .id = step->event_id,
                                                          .name = step->vertex->name});
}

void cb_trace_end(struct solve *solve, struct step *step, enum cb_event_kind kind,
                  const struct cb_error *error)
{
    if (!step->event_id)
        return;
    cb_event_emit(solve->options->sink,
                  (struct cb_event){.kind = kind, .id = step->event_id, .error = error});
    step->event_id = 0;
}

void cb_trace_parts(const struct step *step, struct cb_key_parts *parts)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_vec_foreach (part, &step->map.parts)
        cb_key_parts_add(parts, part->name, part->value);
    for (size_t i = 0; i < step->vertex->input_count; i++) {
        const char *label = step->map.inputs ? step->map.inputs[i].label : NULL;
        int content = step->contents[i] && step->contents[i]->done;
        const struct cb_digest *digest =
            content ? &step->contents[i]->digest : &step->used[i];
        cb_autofree char *name = NULL;

        name = label
                   ? xasprintf("%s%s", content ? KEY_PART_CONTENT : KEY_PART_INPUT, label)
                   : xasprintf("%sinput %zu", content ? KEY_PART_CONTENT : KEY_PART_INPUT,
                               i + 1);
        cb_key_parts_add(parts, name, cb_digest_text(digest, text));
    }
}

void cb_trace_miss(const struct solve *solve, const struct step *step,
                   const struct cb_key_parts *parts)
{
    struct cb_cache_store *cache = solve->options->cache;
    cb_autofree char *text = NULL;

    if (step->vertex->no_cache)
        text = xstrdup("the cache is not used for this step");
    else if (step->gone > 0)
        text = xstrdup("the recorded result is no longer there");
    else
        text = cache->class->explain(cache, step->vertex->name, parts);
    if (!text)
        text = xstrdup("nothing is recorded for a step of this name");
    cb_event_emit(solve->options->sink, (struct cb_event){.kind = CB_EVENT_MISS,
                                                          .id = step->event_id,
                                                          .text = text,
                                                          .len = strlen(text)});
}

/* ── The first difference ── */

enum difference_kind {
    DIFFERENT_NOTHING,
    DIFFERENT_DEFINITION,
    DIFFERENT_INPUT,
    DIFFERENT_CONTENT
};

struct difference {
    enum difference_kind kind;
    char *text;
};

static const char *strip_prefix(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* Names may repeat: the third "source" is compared with the third. */
static const struct cb_key_part *
counterpart(const struct cb_key_parts *in, const struct cb_key_parts *from, size_t index)
{
    const char *name = from->items[index].name;
    size_t nth = 0;

    for (size_t i = 0; i < index; i++)
        nth += strcmp(from->items[i].name, name) == 0;
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->items[i].name, name) == 0 && nth-- == 0)
            return &in->items[i];
    return NULL;
}

static int is_shown(const char *value)
{
    return strlen(value) <= SHOWN_VALUE_MAX && !strchr(value, '\n') &&
           !strip_prefix(value, "sha256:");
}

/* OLD or NEW is NULL when the part is not there on that side. */
static struct difference describe(const struct cb_key_part *old,
                                  const struct cb_key_part *new)
{
    const char *name = new ? new->name : old->name;
    const char *label = strip_prefix(name, KEY_PART_CONTENT);
    const char *verb = !old ? "added" : !new ? "removed" : "changed";

    if (label)
        return (struct difference){DIFFERENT_CONTENT,
                                   xasprintf("%s: content %s", label, verb)};
    label = strip_prefix(name, KEY_PART_INPUT);
    if (label)
        return (struct difference){DIFFERENT_INPUT, xasprintf("%s %s", label, verb)};
    if (old && new &&is_shown(old->value) && is_shown(new->value))
        return (struct difference){DIFFERENT_DEFINITION,
                                   xasprintf("%s %s→%s", name, old->value, new->value)};
    return (struct difference){DIFFERENT_DEFINITION, xasprintf("%s %s", name, verb)};
}

static struct difference first_difference(const struct cb_key_parts *old,
                                          const struct cb_key_parts *new)
{
    for (size_t i = 0; i < new->count; i++) {
        const struct cb_key_part *part = counterpart(old, new, i);

        if (!part || strcmp(part->value, new->items[i].value) != 0)
            return describe(part, &new->items[i]);
    }
    for (size_t i = 0; i < old->count; i++)
        if (!counterpart(new, old, i))
            return describe(&old->items[i], NULL);
    for (size_t i = 0; i < new->count; i++)
        if (strcmp(old->items[i].name, new->items[i].name) != 0)
            return (struct difference){DIFFERENT_DEFINITION,
                                       xasprintf("%s moved", new->items[i].name)};
    return (struct difference){DIFFERENT_NOTHING,
                               xstrdup("the recorded result is no longer there")};
}

char *cb_key_parts_explain(const struct cb_key_parts *old, const struct cb_key_parts *new)
{
    return first_difference(old, new).text;
}

/* The instruction in "[builder 3/7] RUN make": "RUN". Empty if the name has another form.
 */
static char *instruction_word(const char *name)
{
    const char *start = strstr(name, "] ");
    size_t len;

    start = start ? start + 2 : name;
    len = strspn(start, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return xstrndup(start, start[len] == ' ' || start[len] == '\0' ? len : 0);
}

char *cb_step_explain(const char *name, const struct cb_key_parts *old,
                      const struct cb_key_parts *new)
{
    struct difference difference = first_difference(old, new);
    cb_autofree char *text = difference.text;
    cb_autofree char *word = instruction_word(name);

    if (!*word)
        return cb_steal(&text);
    switch (difference.kind) {
    case DIFFERENT_DEFINITION:
        return xasprintf("%s: %s", word, text);
    case DIFFERENT_CONTENT:
        return xasprintf("%s %s", word, text);
    case DIFFERENT_INPUT:
    case DIFFERENT_NOTHING:
        break;
    }
    return cb_steal(&text);
}
