/* Threads that take no signals: those are for the one that asked for them, on a signalfd
 * too, which gets none that any thread leaves open. */
#ifndef CB_BASE_THREAD_H
#define CB_BASE_THREAD_H

#include <pthread.h>

/* 0, or an errno. */
int cb_thread_start(pthread_t *out, void *(*run)(void *), void *arg);

#endif
