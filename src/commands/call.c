/* build --call: which question is asked, and the exit status of its answer. */
#include "commands/call.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum cb_call_kind kind;
    void (*text)(struct cb_strbuf *out, const struct cb_call_result *result);
    void (*json)(struct cb_strbuf *out, const struct cb_call_result *result);
} calls[] = {
    {"build", CB_CALL_BUILD, NULL, NULL},
    {"check", CB_CALL_CHECK, cb_call_text_check, cb_call_json_check},
    {"lint", CB_CALL_CHECK, cb_call_text_check, cb_call_json_check},
    {"outline", CB_CALL_OUTLINE, cb_call_text_outline, cb_call_json_outline},
    {"targets", CB_CALL_TARGETS, cb_call_text_targets, cb_call_json_targets},
    {"subrequests.describe", CB_CALL_DESCRIBE, cb_call_text_describe,
     cb_call_json_describe},
};

const struct cb_call_known cb_call_known[] = {
    {"outline", "List all parameters current build target supports", 1, 0},
    {"targets", "List all targets current build supports", 0, 0},
    {"lint", "Lint a Dockerfile", 0, 1},
    {"subrequests.describe", "List available subrequest types", 0, 0},
};
const size_t cb_call_known_count = CB_ARRAY_SIZE(cb_call_known);

static int invalid(const char *text, const char *expected, struct cb_error **err)
{
    return cb_error_argument(err, text, "--call", "expected %s", expected);
}

static int parse_name(struct cb_call *out, const char *name, const char *text,
                      struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(calls); i++) {
        if (strcmp(calls[i].name, name) != 0)
            continue;
        out->kind = calls[i].kind;
        return 0;
    }
    return invalid(text, "build, check, outline or targets", err);
}

static int parse_option(struct cb_call *out, const char *field, const char *text,
                        struct cb_error **err)
{
    if (!strcmp(field, "format=json") || !strcmp(field, "format=text")) {
        out->is_json = field[7] == 'j';
        return 0;
    }
    if (!strncmp(field, "ignorestatus=", 13) &&
        cb_parse_bool(field + 13, &out->ignore_status))
        return 0;
    return invalid(text, "format=json or ignorestatus=true behind what to call", err);
}

int cb_call_parse(struct cb_call *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};
    int named = 0;

    if (!text || !*text)
        return 0;
    if (cb_csv_split(&fields, text, NULL) < 0)
        return invalid(text, "check, outline or targets", err);
    for (size_t i = 0; i < fields.count; i++) {
        const char *field = fields.items[i];
        int is_option = strchr(field, '=') || !strcmp(field, "ignorestatus");

        if (!is_option && named++)
            return invalid(text, "one thing to call", err);
        if (!strcmp(field, "ignorestatus"))
            out->ignore_status = 1;
        else if (is_option ? parse_option(out, field, text, err) < 0
                           : parse_name(out, field, text, err) < 0)
            return -1;
    }
    return 0;
}

unsigned cb_call_first_line(const struct cb_check_warning *warning)
{
    return strcmp(warning->rule->name, "NoEmptyContinuation") ? warning->line
                                                              : warning->end_line;
}

static int status_of(const struct cb_call *call, struct cb_call_result *result,
                     struct cb_error **err)
{
    if (call->kind != CB_CALL_CHECK)
        return 0;
    if (!call->is_json && result->check.error)
        return cb_error_move(err, &result->check.error);
    if (call->ignore_status)
        return 0;
    return result->check.error || result->check.warnings.count;
}

int cb_call_print(const struct cb_call *call, struct cb_call_result *result,
                  struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(calls); i++) {
        if (calls[i].kind != call->kind)
            continue;
        (call->is_json ? calls[i].json : calls[i].text)(&out, result);
        break;
    }
    fwrite(cb_strbuf_text(&out), 1, out.len, stdout);
    return status_of(call, result, err);
}
