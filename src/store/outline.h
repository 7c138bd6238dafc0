/* The outline of a layer's tar: all of it but the bytes of its files, which the unpacked
 * layer has. With both the tar can be made again to the byte, so a layer that came
 * uncompressed need not be kept as a blob too.
 *
 * It is a file beside the layer's directory in snapshots/<id>/, and ends with it. */
#ifndef CB_STORE_OUTLINE_H
#define CB_STORE_OUTLINE_H

#include "store/snapshot.h"

/* ── While a tar is unpacked ── */

struct cb_outline_writer;
/* For the active SNAPSHOT. What is not finished leaves no file. */
int cb_outline_writer_new(struct cb_snapshot *snapshot, struct cb_outline_writer **out,
                          struct cb_error **err);
/* ARG is a writer: the bytes of the tar, in order. */
int cb_outline_take(void *arg, const void *bytes, size_t len, struct cb_error **err);
/* The next SIZE bytes (not none) of a file that the tar had went to PATH, relative to the
 * layer's root and cleaned. */
int cb_outline_file(struct cb_outline_writer *writer, const char *path, uint64_t size,
                    struct cb_error **err);
/* The files do not have it all: one replaced another, say. */
void cb_outline_give_up(struct cb_outline_writer *writer);
/* The tar has ended: 1, or 0 when it cannot be made again from what was told. */
int cb_outline_finish(struct cb_outline_writer *writer, struct cb_error **err);
void cb_outline_writer_free(struct cb_outline_writer *writer);
CB_AUTO_DEFINE(cb_outline_writer, cb_outline_writer_free)

/* ── Making the tar again ── */

int cb_outline_exists(const struct cb_snapshot *snapshot);
/* The bytes of the tar, at most MAX, from the outline and the files of the committed
 * SNAPSHOT. Each file has a check sum, so INTEGRITY names the one that is not what it
 * was; whoever wants more has the whole tar's digest. */
int cb_outline_play(struct cb_snapshot *snapshot, uint64_t max,
                    int (*write)(void *arg, const void *bytes, size_t len,
                                 struct cb_error **err),
                    void *arg, struct cb_error **err);
/* FROM's layer, as it is, is TO's too: so is its outline, if there is one. */
int cb_outline_share(const struct cb_snapshot *from, const struct cb_snapshot *to,
                     struct cb_error **err);

#endif
