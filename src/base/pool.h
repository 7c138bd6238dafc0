/* Worker threads in two classes, so that slow downloads never hold the last cpu worker.
 */
#ifndef CB_BASE_POOL_H
#define CB_BASE_POOL_H

#include "base/error.h"

enum cb_pool_class { CB_POOL_CPU, CB_POOL_IO };

struct cb_pool;

/* Cores this process may run on. */
unsigned cb_pool_core_count(void);

/* Threads start when first needed. cpu_threads 0: number of cores. */
struct cb_pool *cb_pool_new(unsigned cpu_threads, unsigned io_threads);
/* Waits for everything submitted. */
void cb_pool_free(struct cb_pool *pool);
CB_AUTO_DEFINE(cb_pool, cb_pool_free)
unsigned cb_pool_cpu_threads(const struct cb_pool *pool);
void cb_pool_submit(struct cb_pool *pool, enum cb_pool_class class, void (*job)(void *),
                    void *arg);

/* Fork and join: runs job(arg, i) for i in [0, count), on the caller and idle cpu
 * workers (as many as there are cores at most), and returns when all are done. The first
 * failure (by index) is returned; after a failure no new index starts. Safe to call from
 * inside a job (the caller always makes progress by itself). POOL may be NULL: serial. */
int cb_pool_for_each(struct cb_pool *pool, size_t count,
                     int (*job)(void *arg, size_t index, struct cb_error **err),
                     void *arg, struct cb_error **err);
/* The same for jobs that wait for the network or for each other: on at most WIDTH
 * threads, the caller and idle i/o workers. The failure that came first in time is
 * returned: those after it are often its consequence. */
int cb_pool_fan_out(struct cb_pool *pool, size_t width, size_t count,
                    int (*job)(void *arg, size_t index, struct cb_error **err), void *arg,
                    struct cb_error **err);

#endif
