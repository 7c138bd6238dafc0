/* Digests of a local context's files, kept between builds and trusted while (dev, inode,
 * size, mtime, ctime, mode) are unchanged, as git's index: an entry whose mtime is not
 * older than the index itself is "racily clean" and read again. One mmap'd file per
 * context directory (named by device and inode of its root), sorted by path, replaced
 * atomically. */
#ifndef CB_STORE_STAT_INDEX_H
#define CB_STORE_STAT_INDEX_H

#include "base/digest.h"
#include "store/store.h"

#include <sys/stat.h>

struct cb_stat_index;

/* Never fails: an index that is absent or damaged is empty. */
struct cb_stat_index *cb_stat_index_open(struct cb_store *store, int context_dir_fd);
/* 1: *digest is that of the file's bytes. Thread-safe. */
int cb_stat_index_find(struct cb_stat_index *index, const char *path,
                       const struct stat *st, struct cb_digest *digest);
/* To be written by close. Thread-safe. */
void cb_stat_index_add(struct cb_stat_index *index, const char *path,
                       const struct stat *st, const struct cb_digest *digest);
/* Writes what changed (best effort) and frees. */
void cb_stat_index_close(struct cb_stat_index *index);
CB_AUTO_DEFINE(cb_stat_index, cb_stat_index_close)

#endif
