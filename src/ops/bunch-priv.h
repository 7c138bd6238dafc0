/* Files for the pool, several at a time: enough to be worth handing over, few enough to
 * keep all threads busy to the end. */
#ifndef CB_OPS_BUNCH_PRIV_H
#define CB_OPS_BUNCH_PRIV_H

#include "base/vec.h"

#include <stdint.h>

struct cb_bunches {
    CB_VEC(size_t) starts;
    size_t count; /* files */
    /* of the last bunch */
    size_t files, directory_len;
    int64_t bytes;
    const char *path;
};
static inline void cb_bunches_free(struct cb_bunches *bunches)
{
    cb_vec_free(&bunches->starts);
}
CB_AUTO_VALUE_DEFINE(cb_bunches, cb_bunches_free)

/* The next file in order. PATH must live as long as files are added. */
void cb_bunches_add(struct cb_bunches *bunches, const char *path, int64_t size);
/* Files FIRST to END, not included, are bunch INDEX. */
void cb_bunch_range(const struct cb_bunches *bunches, size_t index, size_t *first,
                    size_t *end);

#endif
