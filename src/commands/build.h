/* Parts of `cbuild build`. */
#ifndef CB_COMMANDS_BUILD_H
#define CB_COMMANDS_BUILD_H

#include "commands/build-tools.h"
#include "commands/call.h"
#include "commands/commands.h"

/* What is typed. */
struct cb_build_values {
    struct cb_build_request request;
    struct cb_strings ordered; /* of several targets: build-targets.h */
    const char *progress, *pull, *builder;
    int quiet, check, tls_verify;
    const char *call;
    struct cb_call asked;
    struct cb_build_tools tools;
};

/* ── build-options.c ── */
/* They fill a struct cb_build_values. */
extern const struct cb_option cb_build_options[];
extern const struct cb_absent_option cb_build_absent[];
extern const struct cb_harmless_option cb_build_harmless[];
/* ── build-foreign.c ── */
extern const struct cb_absent_option cb_build_foreign[];

/* ── build-settle.c ── */
/* Makes VALUES' request whole. ARGS, which it goes on to use: the context. USAGE. */
int cb_build_settle(struct cb_build_values *values, const struct cb_strings *args,
                    struct cb_error **err);

#endif
