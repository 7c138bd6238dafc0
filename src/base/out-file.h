/* Where a command's output goes: "-" is standard output, a pipe or device is written as
 * it is (never removed or replaced, which would cost the host its /dev/null), and a file
 * appears under its name only when it is whole. */
#ifndef CB_BASE_OUT_FILE_H
#define CB_BASE_OUT_FILE_H

#include "base/error.h"

struct cb_out_file;

/* Refuses to write to a terminal (USAGE). Standard output is not closed. */
int cb_out_file_open(struct cb_out_file **out, const char *path, struct cb_error **err);
int cb_out_file_fd(const struct cb_out_file *file);
/* Takes *FILE. */
int cb_out_file_commit(struct cb_out_file **file, struct cb_error **err);
void cb_out_file_discard(struct cb_out_file *file);
CB_AUTO_DEFINE(cb_out_file, cb_out_file_discard)

/* A small file at once; "-" has no meaning here, and a terminal may be written to. */
int cb_out_file_write(const char *path, const char *text, struct cb_error **err);
/* PATH is a regular file, or nothing yet, so that it may be replaced. */
int cb_out_file_is_plain(const char *path);

#endif
