/* Addresses of names, asked in a way that can be given up. */
#ifndef CB_BASE_RESOLVE_H
#define CB_BASE_RESOLVE_H

#include "base/cancel.h"
#include "base/vec.h"

/* The addresses that NAME has, as text; none if nobody knows it, or once CANCEL is
 * requested, which nothing that the resolver waits for can delay. */
void cb_host_resolve(const char *name, const struct cb_cancel *cancel,
                     struct cb_strings *out);

#endif
