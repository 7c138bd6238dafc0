/* Whatever order jobs end in, a graph gives the same result, each step executes once, and
 * events stay in order. The pool of base/ is replaced by one whose threads take any job
 * that is queued. Also the program to run under TSan. */
#include "fake.h"

#include <sched.h>
#include <stdio.h>

/* ── The pool ── */
struct cb_pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    CB_VEC(struct queued {
        void (*run)(void *);
        void *arg;
    })
    jobs;
    unsigned random;
    int stop;
    unsigned count;
    pthread_t threads[4];
};

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void *pool_thread(void *arg)
{
    struct cb_pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct queued job;
        size_t pick;

        while (pool->jobs.count == 0 && !pool->stop)
            pthread_cond_wait(&pool->more, &pool->lock);
        if (pool->jobs.count == 0)
            break;
        pick = next_random(&pool->random) % pool->jobs.count;
        job = pool->jobs.items[pick];
        pool->jobs.items[pick] = pool->jobs.items[--pool->jobs.count];
        pthread_mutex_unlock(&pool->lock);
        job.run(job.arg);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct cb_pool *cb_pool_new(unsigned cpu_threads, unsigned io_threads)
{
    struct cb_pool *pool = xcalloc(1, sizeof(*pool));

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    pool->random = io_threads;
    pool->count = cpu_threads;
    for (unsigned i = 0; i < pool->count; i++)
        assert_int_equal(pthread_create(&pool->threads[i], NULL, pool_thread, pool), 0);
    return pool;
}

void cb_pool_free(struct cb_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->threads[i], NULL);
    cb_vec_free(&pool->jobs);
    free(pool);
}

unsigned cb_pool_cpu_threads(const struct cb_pool *pool)
{
    return pool->count;
}

void cb_pool_submit(struct cb_pool *pool, enum cb_pool_class class, void (*job)(void *),
                    void *arg)
{
    pthread_mutex_lock(&pool->lock);
    cb_vec_push(&pool->jobs, ((struct queued){job, arg}));
    pthread_cond_signal(&pool->more);
    pthread_mutex_unlock(&pool->lock);
}

int cb_pool_for_each(struct cb_pool *pool, size_t count,
                     int (*job)(void *arg, size_t index, struct cb_error **err),
                     void *arg, struct cb_error **err)
{
    for (size_t i = 0; i < count; i++)
        if (job(arg, i, err) < 0)
            return -1;
    return 0;
}

/* ── A random graph ── */
#define STEPS 60

struct random_graph {
    struct fake fakes[STEPS];
    char names[STEPS][16], makes[STEPS][32];
    struct cb_edge edges[STEPS];
    struct cb_graph *graph;
};

static int dawdle(struct fake *fake, struct cb_exec_context *context,
                  struct cb_error **err)
{
    for (uintptr_t i = 0; i < (uintptr_t)fake->arg; i++)
        sched_yield();
    return 0;
}

static void add_step(struct random_graph *random, size_t i, unsigned *state)
{
    struct fake *fake = &random->fakes[i];
    struct cb_edge inputs[3];
    size_t count = i ? next_random(state) % 4 : 0;

    snprintf(random->names[i], sizeof(random->names[i]), "%zu", i);
    snprintf(random->makes[i], sizeof(random->makes[i]), "a=%u;b=%zu",
             next_random(state) % 3, i);
    *fake = (struct fake){.name = random->names[i],
                          .value = random->names[i],
                          .makes = random->makes[i],
                          .uncacheable = next_random(state) % 8 == 0,
                          .wants_content = next_random(state),
                          .selector = next_random(state) % 2 ? "a" : NULL,
                          .hook = dawdle,
                          .arg = (void *)(uintptr_t)(next_random(state) % 4)};
    for (size_t k = 0; k < count; k++)
        inputs[k] = random->edges[next_random(state) % i];
    struct cb_vertex_options options = fake_options(fake, inputs, count);
    options.op = next_random(state) % 2 ? &fake_op : &fake_cheap_op;
    random->edges[i] = fake_add(random->graph, &options);
}

static void check_events(const struct fake_sink *sink, const struct fake *fake,
                         int cached)
{
    cb_autofree char *start = xasprintf("START %s\n", fake->name);
    cb_autofree char *end = xasprintf("%s %s\n", cached ? "CACHED" : "DONE", fake->name);
    const char *text = cb_strbuf_text(&sink->text);
    const char *first = strstr(text, start);

    if (!fake->maps)
        return;
    assert_non_null(first);
    assert_non_null(strstr(first, end));
}

static void solve_random(unsigned seed, struct cb_cache_store *cache, int round)
{
    cb_auto(cb_pool) pool = cb_pool_new(4, seed * 7 + (unsigned)round);
    struct fake_sink sink;
    struct cb_solve_options options = {
        .pool = pool, .cache = cache, .sink = &sink.base, .max_parallel = 3};
    struct random_graph *random = xcalloc(1, sizeof(*random));
    cb_auto(cb_result) result = NULL;
    unsigned state = seed;

    fake_sink_open(&sink);
    random->graph = cb_graph_new();
    for (size_t i = 0; i < STEPS; i++)
        add_step(random, i, &state);
    assert_int_equal(cb_solve(random->graph, &random->edges[STEPS - 1], 1, &options,
                              &result, NULL, NULL),
                     0);
    assert_string_equal(fake_text(result), random->makes[STEPS - 1]);
    for (size_t i = 0; i < STEPS; i++) {
        const struct fake *fake = &random->fakes[i];
        int cached = round > 0 && !fake->uncacheable;

        assert_true(fake->runs <= !cached);
        assert_true(fake->maps <= 1);
        if (!fake->uncacheable || fake->runs)
            check_events(&sink, fake, cached);
    }
    cb_graph_free(random->graph);
    fake_sink_close(&sink);
    free(random);
}

static void any_order_of_completion_gives_the_same(void **state)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        cb_auto(cb_cache_store) cache = cb_cache_memory_new();

        for (int round = 0; round < 3; round++)
            solve_random(seed, cache, round);
    }
}

/* One step fails, at a random place in a random order. */
static int fail_here(struct fake *fake, struct cb_exec_context *context,
                     struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYSTEM, "step %s", fake->name);
}

static void failure_anywhere_ends_the_build_with_that_error(void **state)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        cb_auto(cb_pool) pool = cb_pool_new(4, seed);
        struct cb_solve_options options = {.pool = pool};
        struct random_graph *random = xcalloc(1, sizeof(*random));
        cb_auto(cb_error) error = NULL;
        unsigned random_state = seed;
        struct fake *bad = &random->fakes[seed % STEPS];

        random->graph = cb_graph_new();
        for (size_t i = 0; i < STEPS; i++)
            add_step(random, i, &random_state);
        bad->hook = fail_here;
        if (cb_solve(random->graph, random->edges, STEPS, &options,
                     (struct cb_result *[STEPS]){0}, NULL, &error) == 0)
            fail_msg("seed %u: the failure went unnoticed", seed);
        assert_int_equal(strncmp(cb_error_message(error), "step ", 5), 0);
        assert_string_equal(cb_error_message(error) + 5, bad->name);
        cb_graph_free(random->graph);
        free(random);
    }
}

/* The caller cancels after a random number of events: the solve ends, with nothing under
 * way, and says so, or was done before. */
struct canceling {
    struct cb_event_sink base;
    struct cb_cancel *cancel;
    atomic_int left;
};

static void count_down(struct cb_event_sink *base, const struct cb_event *event)
{
    struct canceling *canceling = (struct canceling *)base;

    if (atomic_fetch_sub(&canceling->left, 1) == 1)
        cb_cancel_request(canceling->cancel);
}

static void cancel_anywhere_ends_the_build(void **state)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        cb_auto(cb_pool) pool = cb_pool_new(4, seed);
        cb_auto(cb_cache_store) cache = cb_cache_memory_new();
        cb_auto(cb_cancel) cancel = cb_cancel_new();
        struct canceling canceling = {{count_down}, cancel, 1 + (int)(seed * 3 % 60)};
        struct cb_solve_options options = {.pool = pool,
                                           .cache = cache,
                                           .cancel = cancel,
                                           .sink = &canceling.base,
                                           .max_downloads = 1};
        struct random_graph *random = xcalloc(1, sizeof(*random));
        struct cb_result *results[STEPS] = {0};
        cb_auto(cb_error) error = NULL;
        unsigned random_state = seed;

        random->graph = cb_graph_new();
        for (size_t i = 0; i < STEPS; i++)
            add_step(random, i, &random_state);
        if (cb_solve(random->graph, random->edges, STEPS, &options, results, NULL,
                     &error) < 0)
            assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
        for (size_t i = 0; i < STEPS; i++)
            cb_result_unref(results[i]);
        cb_graph_free(random->graph);
        free(random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_completion_gives_the_same),
        cmocka_unit_test(failure_anywhere_ends_the_build_with_that_error),
        cmocka_unit_test(cancel_anywhere_ends_the_build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
