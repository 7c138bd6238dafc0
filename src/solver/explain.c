/* Why a step was not found: the first part of its key that differs from those of an
 * earlier record, in words. */
#include "solver/solver-priv.h"

#define SHOWN_VALUE_MAX 60 /* longer values are only said to have changed */

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

int cb_key_part_is_note(const struct cb_key_part *part)
{
    return strip_prefix(part->name, KEY_PART_NOTE) ||
           strip_prefix(part->name, KEY_PART_LISTING);
}

static int is_shown(const char *value)
{
    return strlen(value) <= SHOWN_VALUE_MAX && !strchr(value, '\n') &&
           !strip_prefix(value, "sha256:");
}

static const char *value_of(const struct cb_key_parts *parts, const char *prefix,
                            const char *label)
{
    cb_autofree char *name = xasprintf("%s%s", prefix, label);

    cb_vec_foreach (part, parts)
        if (strcmp(part->name, name) == 0)
            return part->value;
    return NULL;
}

/* The files selected under LABEL: the first that differs, by name, where both sides kept
 * a list. */
static struct difference describe_content(const struct cb_key_parts *old,
                                          const struct cb_key_parts *new,
                                          const char *label, const char *verb)
{
    const char *before = value_of(old, KEY_PART_LISTING, label);
    const char *after = value_of(new, KEY_PART_LISTING, label);
    cb_autofree char *file = before && after ? cb_listing_explain(before, after) : NULL;

    if (file)
        return (struct difference){DIFFERENT_CONTENT, xasprintf("%s: %s", label, file)};
    return (struct difference){DIFFERENT_CONTENT,
                               xasprintf("%s: content %s", label, verb)};
}

/* What the step works on, by the note that was kept of it. */
static struct difference describe_input(const struct cb_key_parts *old,
                                        const struct cb_key_parts *new, const char *label,
                                        const char *verb)
{
    const char *before = value_of(old, KEY_PART_NOTE, label);
    const char *after = value_of(new, KEY_PART_NOTE, label);

    if (!before || !after)
        return (struct difference){DIFFERENT_INPUT,
                                   xasprintf("input %s %s", label, verb)};
    if (strcmp(before, after) == 0)
        return (struct difference){DIFFERENT_INPUT,
                                   xasprintf("the result of `%s` changed", after)};
    if (strstr(before, "@sha256:") && strstr(after, "@sha256:"))
        return (struct difference){DIFFERENT_INPUT,
                                   xasprintf("base image changed: %s→%s", before, after)};
    return (struct difference){
        DIFFERENT_INPUT, xasprintf("it follows `%s` instead of `%s`", after, before)};
}

/* "ARG VERSION" of the part "env VERSION", if that is what it was or is. Mounts are not
 * counted by people. */
static char *shown_name(const struct cb_key_parts *old, const struct cb_key_parts *new,
                        const char *name)
{
    const char *variable = strip_prefix(name, CB_KEY_ENV);
    const struct cb_key_parts *both[] = {new, old};

    if (strip_prefix(name, CB_KEY_MOUNT))
        return xstrdup("mount");
    for (size_t i = 0; variable && i < CB_ARRAY_SIZE(both); i++)
        cb_vec_foreach (part, both[i])
            if (strcmp(part->name, CB_KEY_NOTE_ARG) == 0 &&
                strcmp(part->value, variable) == 0)
                return xasprintf("ARG %s", variable);
    return variable ? xasprintf("ENV %s", variable) : xstrdup(name);
}

/* Without the numbers of inputs, and what is not set. */
static char *shown_value(const char *name, const char *value)
{
    const char *colon = strcmp(name, CB_KEY_SOURCE) == 0 ? strchr(value, ':') : NULL;
    cb_autofree char *shown = xstrdup(colon ? colon + 1 : value);
    static const char *const unsaid[] = {" from ", " size 0"};
    size_t len;

    for (size_t i = 0; strip_prefix(name, CB_KEY_MOUNT) && i < CB_ARRAY_SIZE(unsaid); i++)
        if (strstr(shown, unsaid[i]))
            *strstr(shown, unsaid[i]) = '\0';
    len = strlen(shown);
    while (len > 0 && shown[len - 1] == ' ')
        shown[--len] = '\0';
    return cb_steal(&shown);
}

/* "chown 1→2", and without arrows where one side is empty. */
static char *describe_values(const char *name, const char *shown, const char *old,
                             const char *new)
{
    cb_autofree char *before = shown_value(name, old);
    cb_autofree char *after = shown_value(name, new);

    if (strcmp(before, after) == 0)
        return xasprintf("%s changed", shown);
    if (!*before)
        return xasprintf("%s now %s", shown, after);
    if (!*after)
        return xasprintf("%s no longer %s", shown, before);
    return xasprintf("%s %s→%s", shown, before, after);
}

/* What else OLD took content from, where NEW does not any more; or NULL. */
static const char *find_dropped(const struct cb_key_parts *old,
                                const struct cb_key_parts *new)
{
    for (size_t i = 0; i < old->count; i++) {
        const char *label = strip_prefix(old->items[i].name, KEY_PART_CONTENT);

        if (label && !counterpart(new, old, i))
            return label;
    }
    return NULL;
}

/* LABEL is taken now: in place of something else, or too. */
static struct difference describe_taken(const struct cb_key_parts *old,
                                        const struct cb_key_parts *new, const char *label)
{
    const char *dropped = find_dropped(old, new);

    if (!dropped)
        return describe_content(old, new, label, "added");
    return (struct difference){DIFFERENT_DEFINITION,
                               xasprintf("takes `%s` instead of `%s`", label, dropped)};
}

/* OLD or NEW is NULL when the part is not there on that side. */
static struct difference describe(const struct cb_key_parts *old_parts,
                                  const struct cb_key_parts *new_parts,
                                  const struct cb_key_part *old,
                                  const struct cb_key_part *new)
{
    const char *name = new ? new->name : old->name;
    const char *label = strip_prefix(name, KEY_PART_CONTENT);
    const char *verb = !old ? "added" : !new ? "removed" : "changed";
    cb_autofree char *shown = shown_name(old_parts, new_parts, name);

    if (label && !old)
        return describe_taken(old_parts, new_parts, label);
    if (label)
        return describe_content(old_parts, new_parts, label, verb);
    label = strip_prefix(name, KEY_PART_INPUT);
    if (label)
        return describe_input(old_parts, new_parts, label, verb);
    if (old && new &&is_shown(old->value) && is_shown(new->value))
        return (struct difference){DIFFERENT_DEFINITION,
                                   describe_values(name, shown, old->value, new->value)};
    return (struct difference){DIFFERENT_DEFINITION, xasprintf("%s %s", shown, verb)};
}

static struct difference first_difference(const struct cb_key_parts *old,
                                          const struct cb_key_parts *new)
{
    for (size_t i = 0; i < new->count; i++) {
        const struct cb_key_part *part = counterpart(old, new, i);

        if (!cb_key_part_is_note(&new->items[i]) &&
            (!part || strcmp(part->value, new->items[i].value) != 0))
            return describe(old, new, part, &new->items[i]);
    }
    for (size_t i = 0; i < old->count; i++)
        if (!cb_key_part_is_note(&old->items[i]) && !counterpart(new, old, i))
            return describe(old, new, &old->items[i], NULL);
    for (size_t i = 0; i < new->count &&i < old->count; i++)
        if (strcmp(old->items[i].name, new->items[i].name) != 0)
            return (struct difference){DIFFERENT_DEFINITION,
                                       xasprintf("%s moved", new->items[i].name)};
    return (struct difference){DIFFERENT_NOTHING,
                               xstrdup("the recorded result is no longer there")};
}

size_t cb_key_parts_common(const struct cb_key_parts *a, const struct cb_key_parts *b)
{
    size_t common = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct cb_key_part *part = counterpart(b, a, i);

        common += part && strcmp(part->value, a->items[i].value) == 0;
    }
    return common;
}

/* The instruction in "[builder 3/7] RUN make": "RUN". Empty if the name has another form.
 */
static char *instruction_word(const char *name)
{
    const char *start = strstr(name, "] ");
    size_t len;

    start = start ? start + 2 : name;
    start += strncmp(start, "ONBUILD ", 8) == 0 ? 8 : 0;
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
