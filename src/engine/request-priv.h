/* Between the files that check a build's request. */
#ifndef CB_ENGINE_REQUEST_PRIV_H
#define CB_ENGINE_REQUEST_PRIV_H

#include "engine/engine-priv.h"

/* ── request.c ── */
/* The VALUE of OPTION is wrong: what the parser said, after docker's opening words, and
 * always a matter of usage. CAUSE is taken. */
int cb_request_invalid(struct cb_error **err, const char *value, const char *option,
                       struct cb_error *cause);
/* The same where docker's client refuses it while it reads its options. */
int cb_request_invalid_flag(struct cb_error **err, const char *value, const char *option,
                            struct cb_error *cause);
int cb_request_each(struct cb_checked_request *out, const struct cb_strings *values,
                    int (*check)(struct cb_checked_request *, const char *,
                                 struct cb_error **),
                    struct cb_error **err);

/* ── request-image.c: what is made: names, arguments, labels, platforms ── */
int cb_request_image(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_error **err);

/* ── request-steps.c: what RUN steps find, and what they may do. After the image. ── */
int cb_request_steps(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_error **err);

#endif
