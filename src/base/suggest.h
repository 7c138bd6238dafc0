/* "Did you mean": the closest of a few known words. */
#ifndef CB_BASE_SUGGEST_H
#define CB_BASE_SUGGEST_H

#include <stddef.h>

/* Closest candidate within Levenshtein distance < 3 (case-insensitive), or NULL; of a
 * word of up to four letters within 1, or 2 if it has the same letters or is its
 * beginning. Of those equally close one in which two neighbours changed places, else the
 * first. */
const char *cb_suggest(const char *word, const char *const *candidates, size_t count);

#endif
