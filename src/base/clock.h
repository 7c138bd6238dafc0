/* The two clocks. What is measured goes by the one that only runs forward; what is
 * written down or compared with a date by the one on the wall, which may be set. */
#ifndef CB_BASE_CLOCK_H
#define CB_BASE_CLOCK_H

#include <stdint.h>

/* Since some start of the machine's: CLOCK_MONOTONIC. */
int64_t cb_clock_ns(void);
int64_t cb_clock_ms(void);

/* Since 1970: CLOCK_REALTIME. */
int64_t cb_now_ns(void);

#endif
