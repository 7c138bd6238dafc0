/* What people see of a step, and what is kept to explain why it was not found.
 *
 * The parts a record keeps are those of the step's definition followed by those of each
 * input: its digest and, for people only, what it is (a note) or a listing of what was
 * selected from it. So the first part that differs says it all: the definition if that
 * was edited, else the input that became something else. */
#include "solver/solver-priv.h"

void cb_trace_start(struct solve *solve, struct step *step)
{
    if (step->event_id || step->vertex->op->silent)
        return;
    step->event_id = step->number = cb_event_next_id();
    cb_event_emit(solve->options->sink, (struct cb_event){.kind = CB_EVENT_STEP_START,
                                                          .id = step->event_id,
                                                          .name = step->vertex->name});
}

struct numbers {
    uint64_t *items;
    size_t count, capacity;
};

/* The steps STEP takes its files from, past those that people do not see. */
static void find_inputs(struct solve *solve, const struct step *step,
                        struct numbers *numbers)
{
    CB_VEC(const struct step *) trail = {0};

    solve->looks++;
    cb_vec_push(&trail, step);
    while (trail.count) {
        const struct step *at = trail.items[--trail.count];

        for (size_t i = 0; i < at->vertex->input_count; i++) {
            struct step *input = at->inputs[i];

            if (input->seen == solve->looks)
                continue;
            input->seen = solve->looks;
            if (input->number)
                cb_vec_push(numbers, input->number);
            else
                cb_vec_push(&trail, input);
        }
    }
    cb_vec_free(&trail);
}

void cb_trace_end(struct solve *solve, struct step *step, enum cb_event_kind kind,
                  const struct cb_error *error)
{
    struct numbers numbers = {0};

    if (!step->event_id)
        return;
    find_inputs(solve, step, &numbers);
    cb_event_emit(solve->options->sink, (struct cb_event){.kind = kind,
                                                          .id = step->event_id,
                                                          .error = error,
                                                          .inputs = numbers.items,
                                                          .input_count = numbers.count});
    cb_vec_free(&numbers);
    step->event_id = 0;
}

/* What people call the result of STEP: an image by its name, else by the instruction. */
static char *result_note(const struct step *step)
{
    const char *name = step->vertex->name;
    const char *rest = strstr(name, "] ");

    return xstrdup(step->map.note ? step->map.note : rest ? rest + 2 : name);
}

static void add_content(const struct step *step, size_t i, struct cb_key_parts *parts)
{
    const struct content *content = step->contents[i];
    const char *label = step->map.inputs[i].label ? step->map.inputs[i].label : "files";
    cb_autofree char *name = xasprintf("%s%s", KEY_PART_CONTENT, label);
    cb_autofree char *listing_name = xasprintf("%s%s", KEY_PART_LISTING, label);
    struct cb_result *result = content->producer->result;
    char text[CB_DIGEST_MAX_TEXT];

    cb_key_parts_add(parts, name, cb_digest_text(&content->digest, text));
    if (result && result->class->listing) {
        cb_autofree char *listing = result->class->listing(result, content->selector);

        if (listing)
            cb_key_parts_add(parts, listing_name, listing);
    }
}

static void add_identity(const struct step *step, size_t i, struct cb_key_parts *parts)
{
    cb_autofree char *name = xasprintf("%s%zu", KEY_PART_INPUT, i + 1);
    cb_autofree char *note_name = xasprintf("%s%zu", KEY_PART_NOTE, i + 1);
    cb_autofree char *note = result_note(step->inputs[i]);
    char text[CB_DIGEST_MAX_TEXT];

    cb_key_parts_add(parts, name, cb_digest_text(&step->used[i], text));
    cb_key_parts_add(parts, note_name, note);
}

void cb_trace_parts(const struct step *step, struct cb_key_parts *parts)
{
    if (step->map.note)
        cb_key_parts_add(parts, "image", step->map.note);
    cb_vec_foreach (part, &step->map.parts)
        cb_key_parts_add(parts, part->name, part->value);
    for (size_t i = 0; i < step->vertex->input_count; i++) {
        if (step->contents[i] && step->contents[i]->done)
            add_content(step, i, parts);
        else
            add_identity(step, i, parts);
    }
}

void cb_trace_miss(const struct solve *solve, const struct step *step,
                   const struct cb_key_parts *parts)
{
    struct cb_cache_store *cache = solve->options->cache;
    cb_autofree char *text = NULL;

    if (step->vertex->no_cache)
        text = xstrdup("the cache is not used for this step");
    else if (step->stale)
        text = xstrdup("the recorded result is older than --cache-ttl");
    else if (step->gone > 0)
        text = xstrdup("the recorded result is no longer there");
    else
        text = cache->class->explain(cache, step->vertex->name, parts);
    if (!text)
        text = xstrdup("nothing is recorded for a step like this one");
    cb_event_emit(solve->options->sink, (struct cb_event){.kind = CB_EVENT_MISS,
                                                          .id = step->event_id,
                                                          .text = text,
                                                          .len = strlen(text)});
}
