/* Stamps events and hands them to the sink. */
#include "base/event.h"

#include <stdatomic.h>
#include <time.h>

void cb_event_emit(struct cb_event_sink *sink, struct cb_event event)
{
    struct timespec now;

    if (!sink)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event.time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    sink->emit(sink, &event);
}

uint64_t cb_event_next_id(void)
{
    /* The one counter of the process: numbers only have to differ. */
    static atomic_uint_fast64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}
