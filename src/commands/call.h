/* build --call: what was found out, printed as docker prints it. */
#ifndef CB_COMMANDS_CALL_H
#define CB_COMMANDS_CALL_H

#include "engine/engine.h"

struct cb_call {
    enum cb_call_kind kind;
    int is_json;
    int ignore_status; /* exit with 0 whatever a check found */
};
/* check[,format=json][,ignorestatus]; NULL is build. USAGE. */
int cb_call_parse(struct cb_call *out, const char *text, struct cb_error **err);
/* On standard output. The exit status; or -1 with what is wrong with the Dockerfile,
 * taken from RESULT. */
int cb_call_print(const struct cb_call *call, struct cb_call_result *result,
                  struct cb_error **err);

/* What can be called, as BuildKit's frontends tell it. */
struct cb_call_known {
    const char *name, *description;
    int has_target, has_status;
};
extern const struct cb_call_known cb_call_known[];
extern const size_t cb_call_known_count;
#define CB_CALL_VERSION "1.0.0"

/* ── Between call.c, call-text.c and call-json.c ── */
/* The lines that BuildKit tells for a warning: those of its instruction; of an empty
 * continuation line the instruction's last. */
unsigned cb_call_first_line(const struct cb_check_warning *warning);
void cb_call_text_check(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_text_outline(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_text_targets(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_text_describe(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_json_check(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_json_outline(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_json_targets(struct cb_strbuf *out, const struct cb_call_result *result);
void cb_call_json_describe(struct cb_strbuf *out, const struct cb_call_result *result);

#endif
