/* The state machine of one step. Looking at a step again is always safe: it goes as far
 * as what is known allows and otherwise leaves a wish (cb_step_want) or a job behind,
 * whose end brings it back here.
 *
 *   NEW → MAPPING → INPUTS ─fast key→ HIT → LOADING → DONE
 *                     ↑    └miss→ CONTENT ─slow key→ HIT
 *                     │               └miss→ MISS → READY → EXECUTING → DONE
 *                     └── an input turned out to be something else ──┘
 *
 * Nothing here blocks but the cache's lookup, which is a query of a local index. */
#include "solver/solver-priv.h"

#include "base/clock.h"

void cb_step_want(struct solve *solve, struct step *step, enum step_want want)
{
    if (step->want >= want)
        return;
    step->want = want;
    cb_solve_queue(solve, step);
}

static void wake_dependents(struct solve *solve, struct step *step)
{
    cb_vec_foreach (dependent, &step->dependents)
        cb_solve_queue(solve, *dependent);
}

int cb_step_may_look_up(const struct solve *solve, const struct step *step)
{
    return solve->options->cache && !step->map.uncacheable && !step->vertex->no_cache &&
           step->gone < 2;
}

const struct cb_digest *cb_step_key(const struct step *step)
{
    return &step->keys[step->key_count - 1];
}

/* ── Inputs ── */

/* Without a cache nobody looks for the key, and content is not hashed for it. */
static int wants_content(const struct solve *solve, const struct step *step, size_t i)
{
    return solve->options->cache && !step->map.uncacheable && step->map.inputs &&
           step->map.inputs[i].wants_content;
}

/* An input that has no key of its own (a local directory) says nothing by its identity:
 * only its content counts. */
static int only_content_counts(const struct solve *solve, const struct step *step,
                               size_t i)
{
    return wants_content(solve, step, i) && step->inputs[i]->map.uncacheable;
}

static int same_selector(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct content *find_content(struct solve *solve, struct step *step, size_t i)
{
    struct step *producer = step->inputs[i];
    const char *selector = step->map.inputs[i].selector;
    struct content *content = producer->offers;

    while (content && !same_selector(content->selector, selector))
        content = content->next;
    if (!content) {
        content = cb_arena_new_of(solve->arena, struct content);
        content->producer = producer;
        content->selector = selector;
        content->asker = step;
        content->next = producer->offers;
        producer->offers = content;
    }
    return content;
}

/* Is the digest of what STEP selects from input I there? If not, it is on its way. */
static int content_ready(struct solve *solve, struct step *step, size_t i)
{
    if (!step->contents[i])
        step->contents[i] = find_content(solve, step, i);
    if (step->contents[i]->done)
        return 1;
    if (!step->inputs[i]->result) {
        cb_step_want(solve, step->inputs[i], WANT_RESULT);
    } else if (!step->contents[i]->started) {
        step->contents[i]->started = 1;
        cb_solve_submit(solve, JOB_CONTENT, step->contents[i]->asker, step->contents[i]);
    }
    return 0;
}

/* An input whose entry had gone was executed again, and may have become something else.
 */
static int inputs_changed(const struct step *step)
{
    for (size_t i = 0; i < step->vertex->input_count; i++)
        if (!cb_digest_equal(&step->used[i], &step->inputs[i]->identity))
            return 1;
    return 0;
}

/* ── Keys ── */

/* CONTENT: the slow key. Otherwise the fast one, or (for a step nobody looks up) one that
 * merely is unique. */
static void make_key(const struct solve *solve, struct step *step, int content)
{
    size_t count = step->vertex->input_count;
    cb_autofree struct key_input *inputs = xcalloc(count + 1, sizeof(*inputs));
    int claimed = 0;

    for (size_t i = 0; i < count; i++) {
        const struct step *input = step->inputs[i];

        step->used[i] = input->identity;
        inputs[i].kind = KEY_IDENTITY;
        inputs[i].digest = input->identity;
        if (!wants_content(solve, step, i))
            continue;
        if (content || only_content_counts(solve, step, i)) {
            inputs[i].kind = KEY_CONTENT;
            inputs[i].digest = step->contents[i]->digest;
        } else {
            inputs[i].kind = KEY_SELECTION;
            inputs[i].selector = step->map.inputs[i].selector;
        }
    }
    step->key_count = content ? 2 : 1;
    step->keys[content] = cb_key_step(&step->op_digest, inputs, count);
    step->foreign[content] = step->keys[content];
    for (size_t i = 0; i < count; i++) {
        if (inputs[i].kind == KEY_CONTENT ||
            cb_digest_equal(&inputs[i].digest, &step->inputs[i]->claimed))
            continue;
        inputs[i].digest = step->inputs[i]->claimed;
        claimed = 1;
    }
    if (claimed)
        step->foreign[content] = cb_key_step(&step->op_digest, inputs, count);
}

static void hit(struct solve *solve, struct step *step)
{
    step->phase = STEP_HIT;
    step->known = 1;
    step->identity = step->entry.identity;
    step->claimed =
        cb_digest_is_set(&step->entry.foreign) ? step->entry.foreign : step->identity;
    if (!step->vertex->internal) {
        solve->stats.cached++;
        cb_trace_start(solve, step);
    }
    cb_trace_end(solve, step, CB_EVENT_STEP_CACHED, NULL);
    if (step->leave && !solve->options->leave(solve->options->leave_arg, &step->entry))
        cb_step_want(solve, step, WANT_RESULT);
    wake_dependents(solve, step);
}

int cb_cache_ask(const struct solve *solve, const struct step *step,
                 struct cb_cache_entry *out, int *stale, struct cb_error **err)
{
    struct cb_cache_store *cache = solve->options->cache;
    size_t last = step->key_count - 1;
    int found =
        cache->class->lookup(cache, &step->keys[last], &step->foreign[last], out, err);

    if (found <= 0 || !solve->options->has_cache_ttl)
        return found;
    if (cb_now_ns() - out->created_ns < solve->options->cache_ttl_ns)
        return found;
    cb_cache_entry_free(out);
    *stale = 1;
    return 0;
}

/* 1: phase is HIT, 0: miss, -1: failed. */
static int look_up(struct solve *solve, struct step *step)
{
    struct cb_error *error = NULL;
    int found;

    if (!cb_step_may_look_up(solve, step))
        return 0;
    found = cb_cache_ask(solve, step, &step->entry, &step->stale, &error);
    if (found > 0)
        hit(solve, step);
    else if (found < 0)
        cb_solve_fail(solve, step, &error);
    return found;
}

/* The slow key's hit: next time the fast one will do. Forgetting that costs time only. */
static void learn_alias(struct solve *solve, struct step *step)
{
    struct cb_cache_store *cache = solve->options->cache;
    struct cb_error *error = NULL;

    if (cache->class->alias(cache, &step->keys[0], &step->entry, &error) < 0)
        cb_error_free(error);
}

/* ── Phases: each returns whether the next one can be looked at ── */

static int begin(struct solve *solve, struct step *step)
{
    if (step->want == WANT_NOTHING)
        return 0;
    step->phase = STEP_MAPPING;
    for (size_t i = 0; i < step->vertex->input_count; i++)
        cb_step_want(solve, step->inputs[i], WANT_IDENTITY);
    cb_solve_submit(solve, JOB_MAP, step, NULL);
    return 1;
}

static int await_inputs(struct solve *solve, struct step *step)
{
    int missing = 0;

    if (step->map.uncacheable) {
        step->phase = STEP_MISS;
        return 1;
    }
    for (size_t i = 0; i < step->vertex->input_count; i++) {
        if (!step->inputs[i]->mapped)
            missing = 1;
        else if (only_content_counts(solve, step, i))
            missing |= !content_ready(solve, step, i);
        else
            missing |= !step->inputs[i]->known;
    }
    if (missing)
        return 0;
    make_key(solve, step, 0);
    if (look_up(solve, step) == 0)
        step->phase = STEP_CONTENT;
    return 1;
}

static int await_content(struct solve *solve, struct step *step)
{
    int missing = 0, slow = 0;

    for (size_t i = 0; i < step->vertex->input_count; i++) {
        if (!wants_content(solve, step, i))
            continue;
        missing |= !content_ready(solve, step, i);
        slow |= !only_content_counts(solve, step, i);
    }
    if (missing)
        return 0;
    if (inputs_changed(step)) {
        step->phase = STEP_INPUTS;
        return 1;
    }
    if (slow) {
        make_key(solve, step, 1);
        switch (look_up(solve, step)) {
        case 1:
            learn_alias(solve, step);
            return 1;
        case -1:
            return 0;
        }
    }
    step->phase = STEP_MISS;
    return 1;
}

static int await_results(struct solve *solve, struct step *step)
{
    int missing = 0;

    if (!step->expected && step->vertex->op->expect)
        step->vertex->op->expect(step->vertex->payload);
    step->expected = 1;
    for (size_t i = 0; i < step->vertex->input_count; i++) {
        cb_step_want(solve, step->inputs[i], WANT_RESULT);
        missing |= !step->inputs[i]->result;
    }
    if (missing)
        return 0;
    if (step->map.uncacheable) {
        make_key(solve, step, 0);
    } else if (inputs_changed(step)) {
        step->phase = STEP_INPUTS;
        return 1;
    }
    step->phase = STEP_READY;
    cb_vec_push(&solve->ready, step);
    return 0;
}

static int advance_once(struct solve *solve, struct step *step)
{
    switch (step->phase) {
    case STEP_NEW:
        return begin(solve, step);
    case STEP_MAPPING:
        if (!step->mapped)
            return 0;
        step->phase = STEP_INPUTS;
        return 1;
    case STEP_INPUTS:
        return await_inputs(solve, step);
    case STEP_CONTENT:
        return await_content(solve, step);
    case STEP_MISS:
        return await_results(solve, step);
    case STEP_HIT:
        if (step->want < WANT_RESULT)
            return 0;
        step->phase = STEP_LOADING;
        cb_solve_submit(solve, JOB_LOAD, step, NULL);
        return 0;
    case STEP_READY:
    case STEP_EXECUTING:
    case STEP_LOADING:
    case STEP_DONE:
    case STEP_FAILED:
        return 0;
    }
    return 0;
}

void cb_step_advance(struct solve *solve, struct step *step)
{
    while (!solve->failed && advance_once(solve, step))
        continue;
}

/* ── Ends of jobs ── */

static void mapped(struct solve *solve, struct step *step, struct job *job)
{
    step->map = job->map;
    job->map = (struct cb_cache_map){0};
    step->op_digest = cb_key_op_digest(step->vertex->op->name, &step->map.parts);
    step->mapped = 1;
    cb_solve_queue(solve, step);
    wake_dependents(solve, step);
}

static void take_result(struct solve *solve, struct step *step, struct job *job)
{
    step->result = cb_steal(&job->result);
    /* What was only claimed goes on being asked for; what was made here is claimed by
     * nobody else. */
    if (!step->known || !cb_digest_equal(&step->identity, &step->result->identity))
        step->claimed = step->result->identity;
    step->known = 1;
    step->identity = step->result->identity;
    step->phase = STEP_DONE;
    wake_dependents(solve, step);
}

/* The entry is worth nothing any more: what it stood for is made again. */
static void entry_gone(struct solve *solve, struct step *step)
{
    cb_cache_entry_free(&step->entry);
    step->gone++;
    if (!step->vertex->internal)
        solve->stats.cached--;
    step->phase = STEP_MISS;
    cb_solve_queue(solve, step);
}

static void executed(struct solve *solve, struct step *step, struct job *job)
{
    if (job->found) {
        step->entry = job->entry;
        job->entry = (struct cb_cache_entry){0};
        hit(solve, step);
        cb_solve_queue(solve, step);
        return;
    }
    if (!step->vertex->internal)
        solve->stats.executed++;
    take_result(solve, step, job);
    cb_trace_end(solve, step, CB_EVENT_STEP_DONE, NULL);
}

void cb_step_complete(struct solve *solve, struct job *job)
{
    struct step *step = job->step;

    if (job->error) {
        cb_solve_fail(solve, step, &job->error);
    } else if (job->kind == JOB_MAP) {
        mapped(solve, step, job);
    } else if (job->kind == JOB_CONTENT) {
        job->content->digest = job->digest;
        job->content->done = 1;
        wake_dependents(solve, job->content->producer);
    } else if (job->kind == JOB_LOAD) {
        if (job->found)
            take_result(solve, step, job);
        else
            entry_gone(solve, step);
    } else {
        executed(solve, step, job);
    }
    cb_job_free(job);
}
