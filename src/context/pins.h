/* What a name from outside is held to: an image to a digest, the body of a URL to its
 * digest, a branch or tag to a commit. Whoever resolves a name asks here first, and tells
 * what it found. A name that says it itself (x@sha256:…, a full commit, --checksum) is
 * not asked about. */
#ifndef CB_CONTEXT_PINS_H
#define CB_CONTEXT_PINS_H

#include "base/error.h"

enum cb_pin_kind { CB_PIN_IMAGE, CB_PIN_HTTP, CB_PIN_GIT };
#define CB_PIN_KINDS 3

/* The way out when a pin and what it is for do not go together. */
#define CB_PINS_RENEW "`cbuild lock --update` takes what is there now"

/* Used by several threads at once. */
struct cb_pins {
    void *arg;
    /* 1: *PIN is what NAME is held to, the caller's; 0: it is resolved; -1: it may not be
     * used. */
    int (*find)(void *arg, enum cb_pin_kind kind, const char *name, char **pin,
                struct cb_error **err);
    /* NAME, which was not held to anything, is PIN now; NULL: nothing that others could
     * get it by. */
    int (*note)(void *arg, enum cb_pin_kind kind, const char *name, const char *pin,
                struct cb_error **err);
};

/* PINS may be NULL. */
static inline int cb_pins_find(const struct cb_pins *pins, enum cb_pin_kind kind,
                               const char *name, char **pin, struct cb_error **err)
{
    return pins ? pins->find(pins->arg, kind, name, pin, err) : 0;
}

static inline int cb_pins_note(const struct cb_pins *pins, enum cb_pin_kind kind,
                               const char *name, const char *pin, struct cb_error **err)
{
    return pins ? pins->note(pins->arg, kind, name, pin, err) : 0;
}

#endif
