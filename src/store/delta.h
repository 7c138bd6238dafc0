/* One layer's tar told by another's: `zstd --patch-from`, in pieces, so that neither side
 * needs the memory for a layer. A piece is compressed with that part of the base before
 * it which it is most like; which part that is the delta says.
 *
 * A delta is as hostile as any archive. It says nothing that is believed: parts lie in
 * the base as it is, pieces have the size they are given room for, and what comes out is
 * checked by whoever writes it against the digest that is wanted. */
#ifndef CB_STORE_DELTA_H
#define CB_STORE_DELTA_H

#include "base/cancel.h"
#include "base/digest.h"

#include <stdint.h>
#include <sys/types.h>

/* What takes the bytes, in order. */
struct cb_delta_sink {
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
};

/* What a delta is of: the base, by which it is found, and how long the result is. */
struct cb_delta_head {
    struct cb_digest chain_id, diff_id; /* of the base; SHA-256 */
    int64_t bytes;                      /* of the result */
};

/* The tar that NEW_FD has, of HEAD->bytes, from that of BASE_FD. */
int cb_delta_make(const struct cb_delta_head *head, int base_fd, int new_fd,
                  const struct cb_delta_sink *sink, struct cb_cancel *cancel,
                  struct cb_error **err);
/* What the delta at the start of FD says of itself. INTEGRITY. */
int cb_delta_head_read(int fd, struct cb_delta_head *out, struct cb_error **err);
/* The result, of the delta in FD, from behind its head on. INTEGRITY. */
int cb_delta_apply(const struct cb_delta_head *head, int fd, int base_fd,
                   const struct cb_delta_sink *sink, struct cb_cancel *cancel,
                   struct cb_error **err);

#endif
