#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cb_clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t cb_clock_ms(void)
{
    return cb_clock_ns() / 1000000;
}

int64_t cb_now_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}
