/* The loop. The thread that called cb_solve owns every step; it looks at the steps
 * something happened to, starts the jobs that follow, and sleeps until one ends or the
 * caller cancels.
 *
 * A job that is alone — nothing else is under way and nothing else could start — runs
 * right here: handing it to a worker would only add a switch of threads. So a chain of
 * steps, and a build that is all cached, starts no thread.
 *
 * Of the executions that could start, the one with the longest way still before it goes
 * first. How long a way is, is estimated by weights; when there is a choice to be made
 * for the first time, by what the steps took in earlier builds. */
#include "solver/solver-priv.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>

void cb_solve_queue(struct solve *solve, struct step *step)
{
    if (step->queued)
        return;
    step->queued = 1;
    cb_vec_push(&solve->queue, step);
}

static int is_io(const struct step *step)
{
    return step->vertex->op->pool == CB_POOL_IO;
}

static void execution_ended(struct solve *solve, struct step *step)
{
    size_t i = 0;

    while (solve->executing.items[i] != step)
        i++;
    solve->executing.items[i] = solve->executing.items[--solve->executing.count];
    solve->cpu_running -= !is_io(step);
}

static void complete(struct solve *solve, struct job *job)
{
    solve->io_running -= (unsigned)job->downloads;
    if (job->kind == JOB_EXEC)
        execution_ended(solve, job->step);
    cb_step_complete(solve, job);
}

/* Nobody sleeps meanwhile to pass the caller's wish to cancel on to our own token, so the
 * job gets the caller's. */
static void run_here(struct solve *solve, struct job *job)
{
    job->cancel =
        solve->options->cancel && !solve->failed ? solve->options->cancel : solve->cancel;
    cb_job_run(job);
    complete(solve, job);
}

void cb_solve_submit(struct solve *solve, enum job_kind kind, struct step *step,
                     struct content *content)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->solve = solve;
    job->kind = kind;
    job->step = step;
    job->content = content;
    job->downloads = kind == JOB_EXEC && is_io(step);
    if (kind == JOB_MAP && step->vertex->op->cheap_map)
        run_here(solve, job);
    else
        cb_vec_push(&solve->jobs, job);
}

static int is_canceled_by_caller(const struct solve *solve)
{
    return cb_cancel_requested(solve->options->cancel);
}

/* Of steps that fail at about the same time the one that stands first is named, so that
 * the same mistakes give the same message. Vertices are in the order of the file. */
static int is_first_failure(const struct solve *solve, const struct step *step)
{
    return !solve->failed ||
           (solve->at_fault && step->vertex->index < solve->at_fault->index);
}

void cb_solve_fail(struct solve *solve, struct step *step, struct cb_error **error)
{
    /* What dies while everything is being stopped dies of that. */
    int canceled =
        cb_error_kind(*error) == CB_ERR_CANCELED || is_canceled_by_caller(solve);

    step->phase = STEP_FAILED;
    if (canceled) {
        cb_trace_end(solve, step, CB_EVENT_STEP_CANCELED, NULL);
        if (!solve->failed)
            cb_error_set(&solve->error, CB_ERR_CANCELED, "canceled");
    } else {
        if (step->vertex->source)
            cb_error_at(error, step->vertex->source, step->vertex->span);
        cb_trace_start(solve, step);
        cb_trace_end(solve, step, CB_EVENT_STEP_ERROR, *error);
        if (is_first_failure(solve, step)) {
            cb_error_free(solve->error);
            solve->error = cb_steal(error);
            solve->at_fault = step->vertex;
        }
    }
    cb_error_free(cb_steal(error));
    solve->failed = 1;
    cb_cancel_request(solve->cancel);
}

/* ── Choosing ── */

/* The same key under way already: wait for it here instead of on a worker, and find it
 * done. */
static int is_twin_executing(const struct solve *solve, const struct step *step)
{
    if (!cb_step_may_look_up(solve, step))
        return 0;
    cb_vec_foreach (other, &solve->executing)
        if (cb_digest_equal(cb_step_key(*other), cb_step_key(step)))
            return 1;
    return 0;
}

static int may_start(const struct solve *solve, const struct step *step)
{
    return (is_io(step) ? solve->io_running < solve->io_max
                        : solve->cpu_running < solve->cpu_max) &&
           !is_twin_executing(solve, step);
}

static struct step *take_ready(struct solve *solve)
{
    size_t best = SIZE_MAX;
    struct step *step;

    if (solve->ready.count > 1 && !solve->estimated) {
        solve->estimated = 1;
        cb_solve_set_priorities(solve, 1);
    }
    for (size_t i = 0; i < solve->ready.count; i++)
        if (may_start(solve, solve->ready.items[i]) &&
            (best == SIZE_MAX ||
             solve->ready.items[i]->priority > solve->ready.items[best]->priority))
            best = i;
    if (best == SIZE_MAX)
        return NULL;
    step = solve->ready.items[best];
    solve->ready.count--;
    memmove(&solve->ready.items[best], &solve->ready.items[best + 1],
            (solve->ready.count - best) * sizeof(*solve->ready.items));
    return step;
}

static void prepare_executions(struct solve *solve)
{
    struct step *step;

    while ((step = take_ready(solve))) {
        step->phase = STEP_EXECUTING;
        solve->cpu_running += !is_io(step);
        solve->io_running += (unsigned)is_io(step);
        cb_vec_push(&solve->executing, step);
        cb_trace_start(solve, step);
        cb_solve_submit(solve, JOB_EXEC, step, NULL);
    }
}

static enum cb_pool_class pool_class(const struct job *job)
{
    switch (job->kind) {
    case JOB_MAP:
    case JOB_EXEC:
        return job->step->vertex->op->pool;
    case JOB_CONTENT:
        return CB_POOL_CPU;
    case JOB_LOAD:
        break;
    }
    return CB_POOL_IO;
}

/* ── Running ── */

static void wake(struct solve *solve)
{
    static const uint64_t one = 1;

    while (write(solve->finished_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

static void work(void *arg)
{
    struct job *job = arg;
    struct solve *solve = job->solve;

    cb_job_run(job);
    pthread_mutex_lock(&solve->lock);
    job->next = solve->finished;
    solve->finished = job;
    /* Inside the lock: once the scheduler has seen the last job, the descriptor may be
     * gone. */
    if (!job->next)
        wake(solve);
    pthread_mutex_unlock(&solve->lock);
}

/* A map of the io class may ask a server: it takes one of the places for downloads, or
 * has to wait for one. */
static int has_to_wait(struct solve *solve, struct job *job)
{
    if (job->kind != JOB_MAP || !is_io(job->step))
        return 0;
    if (solve->io_running >= solve->io_max)
        return 1;
    job->downloads = 1;
    solve->io_running++;
    return 0;
}

static void start_jobs(struct solve *solve)
{
    struct cb_pool *pool = solve->options->pool;
    int here = !pool || (solve->in_flight == 0 && solve->jobs.count == 1);
    __typeof__(solve->jobs) jobs = solve->jobs;

    memset(&solve->jobs, 0, sizeof(solve->jobs));
    cb_vec_foreach (slot, &jobs) {
        struct job *job = *slot;

        if (has_to_wait(solve, job)) {
            cb_vec_push(&solve->jobs, job);
            continue;
        }
        if (here) {
            run_here(solve, job);
            continue;
        }
        job->cancel = solve->cancel;
        solve->in_flight++;
        cb_pool_submit(pool, pool_class(job), work, job);
    }
    cb_vec_free(&jobs);
}

static void drop_jobs(struct solve *solve)
{
    cb_vec_foreach (slot, &solve->jobs)
        cb_job_free(*slot);
    solve->jobs.count = 0;
    solve->ready.count = 0;
}

static void look_at_queue(struct solve *solve)
{
    while (solve->queue_head < solve->queue.count) {
        struct step *step = solve->queue.items[solve->queue_head++];

        step->queued = 0;
        cb_step_advance(solve, step);
    }
    solve->queue.count = solve->queue_head = 0;
}

static void await_jobs(struct solve *solve)
{
    struct pollfd fds[2] = {{.fd = solve->finished_fd, .events = POLLIN},
                            {.fd = -1, .events = POLLIN}};
    struct job *job;
    uint64_t count;

    if (!cb_cancel_requested(solve->cancel))
        fds[1].fd = cb_cancel_fd(solve->options->cancel);
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        continue;
    if (fds[1].revents)
        cb_cancel_request(solve->cancel);
    if (!(fds[0].revents & POLLIN))
        return;
    pthread_mutex_lock(&solve->lock);
    if (read(solve->finished_fd, &count, sizeof(count)) < 0)
        count = 0;
    job = cb_steal(&solve->finished);
    pthread_mutex_unlock(&solve->lock);
    while (job) {
        struct job *next = job->next;

        solve->in_flight--;
        complete(solve, job);
        job = next;
    }
}

/* Found, and the caller does with what it was found as. */
static int is_left(const struct step *step)
{
    return step->leave && step->phase == STEP_HIT && step->want < WANT_RESULT;
}

static int is_done(const struct solve *solve)
{
    cb_vec_foreach (step, &solve->wanted)
        if (!(*step)->result && !is_left(*step))
            return 0;
    return 1;
}

/* ── Growing ── */

/* Nobody's step has failed. */
static void end_by_caller(struct solve *solve, struct cb_error **error)
{
    solve->error = cb_steal(error);
    solve->failed = 1;
    cb_cancel_request(solve->cancel);
}

static void tell(struct solve *solve, struct step *step)
{
    const struct cb_solve_options *options = solve->options;
    struct cb_edge edge = {solve->graph->vertices.items[step->vertex->index]};
    struct cb_wanted more = {0};
    struct cb_error *error = NULL;

    step->told = 1;
    if (options->arrived(options->arrived_arg, edge, step->result, &more, &error) < 0)
        end_by_caller(solve, &error);
    else if (more.count)
        cb_solve_want(solve, more.items, more.count);
    if (!solve->failed && more.begun.count)
        cb_solve_begin(solve, more.begun.items, more.begun.count);
    cb_vec_free(&more.begun);
    cb_vec_free(&more);
}

/* Tells of the results that have come. What is wanted then may have one already. */
static void grow(struct solve *solve)
{
    for (size_t i = 0; solve->options->arrived && i < solve->wanted.count; i++) {
        struct step *step = solve->wanted.items[i];

        if (step->result && !step->told && !solve->failed)
            tell(solve, step);
    }
}

static void notice_cancel(struct solve *solve)
{
    if (solve->failed || !is_canceled_by_caller(solve))
        return;
    solve->failed = 1;
    cb_error_set(&solve->error, CB_ERR_CANCELED, "canceled");
    cb_cancel_request(solve->cancel);
}

void cb_solve_run(struct solve *solve)
{
    for (;;) {
        int over;

        look_at_queue(solve);
        grow(solve);
        look_at_queue(solve);
        over = is_done(solve);
        if (!over)
            notice_cancel(solve);
        over |= solve->failed;
        if (over)
            drop_jobs(solve);
        if (over && solve->in_flight == 0)
            return;
        prepare_executions(solve);
        /* Every wish leads to a job: with nothing to do and nothing under way, something
         * was forgotten. */
        assert(solve->jobs.count > 0 || solve->in_flight > 0);
        if (solve->jobs.count > 0)
            start_jobs(solve);
        if (solve->in_flight > 0)
            await_jobs(solve);
    }
}
