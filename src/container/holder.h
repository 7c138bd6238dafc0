/* The lock of a container's monitor is a file that anybody can lock who gets at it. Those
 * who wait for it do not wait for somebody who will not let go of it. */
#ifndef CB_CONTAINER_HOLDER_H
#define CB_CONTAINER_HOLDER_H

#include "container/record.h"

struct cb_holder_watch { /* {0} */
    int64_t looked_ms;
    int bad_looks;
};
/* To be called again and again while the lock is waited for. -1 with who holds it: for
 * some seconds that has been no program of ours, or a process that is stopped. */
int cb_holder_check(struct cb_holder_watch *watch, const struct cb_container *container,
                    struct cb_error **err);

#endif
