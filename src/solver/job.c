/* What workers do. A job reads its step, which stays as it is meanwhile, and writes its
 * own fields only; the scheduler applies them.
 *
 * An execution takes the key's lock, asks the cache again, executes and records in one go
 * on one worker: whoever holds a lock is running, never waiting in a queue behind
 * somebody who waits for that lock, here or in another process. */
#include "solver/solver-priv.h"

#include "base/clock.h"

#include <assert.h>

static void map_free(struct cb_cache_map *map)
{
    cb_key_parts_free(&map->parts);
    free(map->inputs);
    free(map->note);
    *map = (struct cb_cache_map){0};
}

void cb_job_free(struct job *job)
{
    cb_error_free(job->error);
    map_free(&job->map);
    cb_result_unref(job->result);
    cb_cache_entry_free(&job->entry);
    free(job);
}

static void run_map(struct job *job)
{
    const struct cb_vertex *vertex = job->step->vertex;

    vertex->op->cache_map(vertex->payload, &job->map, job->cancel, &job->error);
}

static void run_content(struct job *job)
{
    struct cb_result *result = job->content->producer->result;

    result->class->content_digest(result, job->content->selector,
                                  job->solve->options->pool, job->cancel, &job->digest,
                                  &job->error);
}

static void run_load(struct job *job)
{
    struct cb_cache_store *cache = job->solve->options->cache;
    const struct cb_vertex *vertex = job->step->vertex;

    job->found = cache->class->load(cache, &job->step->entry, &job->result, &job->error);
    if (job->found > 0 && vertex->op->verify)
        job->found = vertex->op->verify(vertex->payload, job->result, &job->error);
}

static void emit_of_step(struct cb_event_sink *base, const struct cb_event *event)
{
    struct step_sink *sink = (struct step_sink *)base;
    struct cb_event own = *event;

    if (!own.id && (own.kind == CB_EVENT_NOTICE || own.kind == CB_EVENT_WARNING))
        own.id = sink->id;
    sink->next->emit(sink->next, &own);
}

static struct cb_event_sink *sink_of(struct job *job)
{
    job->sink = (struct step_sink){
        {emit_of_step}, job->solve->options->sink, job->step->event_id};
    return job->sink.next ? &job->sink.base : NULL;
}

static void execute(struct job *job)
{
    const struct step *step = job->step;
    const struct cb_vertex *vertex = step->vertex;
    cb_autofree struct cb_result **inputs =
        xcalloc(vertex->input_count + 1, sizeof(*inputs));
    struct cb_exec_context context = {
        .event_id = step->event_id,
        .sink = sink_of(job),
        .cancel = job->cancel,
        .pool = job->solve->options->pool,
        .key = *cb_step_key(step),
        .inputs = inputs,
        .input_count = vertex->input_count,
    };

    for (size_t i = 0; i < vertex->input_count; i++)
        inputs[i] = step->inputs[i]->result;
    if (vertex->op->exec(vertex->payload, &context, &job->result, &job->error) == 0)
        assert(cb_digest_is_set(&job->result->identity));
}

/* Times are kept to tell the next build which steps are worth starting first. */
static void execute_timed(struct job *job)
{
    struct cb_cache_store *cache = job->solve->options->cache;
    int64_t start = cb_clock_ms();

    execute(job);
    if (!job->error && cache->class->took)
        cache->class->took(cache, job->step->vertex->name, cb_clock_ms() - start);
}

/* A result that cannot be recorded is a result nonetheless. */
static void record(struct job *job, const struct cb_key_parts *parts)
{
    struct cb_cache_store *cache = job->solve->options->cache;
    const struct cb_executed_step executed = {.name = job->step->vertex->name,
                                              .keys = job->step->keys,
                                              .key_count = job->step->key_count,
                                              .parts = parts,
                                              .result = job->result};
    cb_auto(cb_error) error = NULL;

    if (cache->class->save(cache, &executed, &error) == 0)
        return;
    cb_error_wrap(&error, "remember the result of `%s`", executed.name);
    cb_event_say(sink_of(job), CB_EVENT_WARNING, 0, "%s", cb_error_message(error));
}

static void run_recorded(struct job *job)
{
    cb_auto_value(cb_key_parts) parts = {0};

    cb_trace_parts(job->step, &parts);
    if (job->solve->options->explain)
        cb_trace_miss(job->solve, job->step, &parts);
    execute_timed(job);
    if (!job->error)
        record(job, &parts);
}

static void run_locked(struct job *job)
{
    struct cb_cache_store *cache = job->solve->options->cache;
    const struct cb_step_claim claim = {.key = cb_step_key(job->step),
                                        .name = job->step->vertex->name,
                                        .cancel = job->cancel,
                                        .sink = sink_of(job)};
    void *lock = NULL;
    int stale;

    if (cache->class->lock(cache, &claim, &lock, &job->error) < 0)
        return;
    job->found = cb_cache_ask(job->solve, job->step, &job->entry, &stale, &job->error);
    if (job->found == 0 && cb_cancel_check(job->cancel, &job->error) == 0)
        run_recorded(job);
    cache->class->unlock(cache, lock);
}

static void run_exec(struct job *job)
{
    if (!job->solve->options->cache || job->step->map.uncacheable)
        execute(job);
    else if (cb_step_may_look_up(job->solve, job->step))
        run_locked(job);
    else
        run_recorded(job);
}

void cb_job_run(struct job *job)
{
    static void (*const run[])(struct job *) = {
        [JOB_MAP] = run_map,
        [JOB_CONTENT] = run_content,
        [JOB_LOAD] = run_load,
        [JOB_EXEC] = run_exec,
    };

    if (cb_cancel_check(job->cancel, &job->error) == 0)
        run[job->kind](job);
}
