/* Between the files that implement glob.h. */
#ifndef CB_BASE_GLOB_PRIV_H
#define CB_BASE_GLOB_PRIV_H

#include "base/glob.h"

#include <stdint.h>

/* A line of an ignore file, compiled. */
struct cb_pattern;

/* TEXT is cleaned and without "!". SYNTAX if it is malformed. */
int cb_pattern_compile(struct cb_pattern **out, const char *text, struct cb_error **err);
void cb_pattern_free(struct cb_pattern *pattern);
CB_AUTO_DEFINE(cb_pattern, cb_pattern_free)
/* Does it match PATH or any parent directory of it? One pass, linear in the path. */
int cb_pattern_matches(const struct cb_pattern *pattern, const char *path, size_t len);
/* Can it match anything below the directory DIR? */
int cb_pattern_reaches_below(const struct cb_pattern *pattern, const char *dir,
                             size_t len);
/* The first path component that everything matched has, borrowed; NULL if there is none
 * such. */
const char *cb_pattern_first_component(const struct cb_pattern *pattern, size_t *len);

/* The next character, U+FFFD of width 1 for bytes that are no UTF-8, as Go decodes. LEN
 * is not 0. */
size_t cb_glob_character(const char *text, size_t len, unsigned *point);

/* The regular expressions that ignore patterns become, as a program for a machine that
 * follows all alternatives at once: literals, classes, a class repeated, and "(.*" "/)?".
 */
struct cb_glob_program;
int cb_glob_program_compile(struct cb_glob_program **out, const char *expression,
                            size_t len, const char *pattern, struct cb_error **err);
void cb_glob_program_free(struct cb_glob_program *program);
/* Does it match TEXT or a part of it from the start up to a slash? */
int cb_glob_program_matches(const struct cb_glob_program *program, const char *text,
                            size_t len);
/* Is there a continuation of TEXT that it matches? */
int cb_glob_program_continues(const struct cb_glob_program *program, const char *text,
                              size_t len);

#endif
