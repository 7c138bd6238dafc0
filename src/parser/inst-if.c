/* --if=EXPRESSION, which any instruction but FROM may have where the file says
 * `# cbuild=1`. It is taken off before the instruction sees its own flags. */
#include "parser/parser-priv.h"

#include <string.h>

static int refuse(struct cb_request *request, const struct cb_flag_word *flag,
                  struct cb_error **err)
{
    if (request->is_trigger) {
        cb_syntax_error(request, flag->span, err,
                        "an ONBUILD trigger takes no --if: other builders could not "
                        "read it in the image");
        return cb_error_hint(err,
                             "ONBUILD takes one, for whether the trigger is stored: "
                             "ONBUILD --if=… %s …",
                             cb_request_name(request));
    }
    cb_syntax_error(request, flag->span, err, "FROM takes no --if");
    return cb_error_hint(err, "a stage is chosen by its name: FROM base-$VARIANT");
}

/* `--if=$A = b`: the rest of an expression without quotes would be taken for arguments.
 */
int cb_inst_condition_quoted(struct cb_request *request, struct cb_error **err)
{
    static const char *const operators[] = {"=", "==", "!=", "&&", "||"};
    const char *args = request->line->text + request->args.start;
    size_t len = strcspn(args, " \t\n");

    for (size_t i = 0; i < CB_ARRAY_SIZE(operators); i++) {
        if (strlen(operators[i]) != len || strncmp(args, operators[i], len) != 0)
            continue;
        cb_syntax_error(
            request,
            cb_request_span(request, (struct cb_range){request->args.start,
                                                       request->args.start + len}),
            err, "--if ends before `%s`", operators[i]);
        return cb_error_hint(err, "an expression with blanks is quoted: --if='$A = b'");
    }
    return 0;
}

/* Of those that are left, the last is no longer --if. */
static void remove_flag(struct cb_request *request, size_t index)
{
    free(request->flags.items[index].name);
    memmove(request->flags.items + index, request->flags.items + index + 1,
            (request->flags.count - index - 1) * sizeof(*request->flags.items));
    request->flags.count--;
}

int cb_inst_condition(struct cb_request *request, struct cb_instruction *out,
                      struct cb_error **err)
{
    if (!request->parser->directives.dialect.text)
        return 0;
    for (size_t i = 0; i < request->flags.count; i++) {
        const struct cb_flag_word *flag = &request->flags.items[i];
        struct cb_word text = {flag->value, flag->value_span};

        if (strcmp(flag->name, "--if") != 0)
            continue;
        if (request->is_trigger || out->kind == CB_INST_FROM)
            return refuse(request, flag, err);
        if (out->condition)
            return cb_syntax_error(request, flag->span, err,
                                   "duplicate flag specified: --if");
        if (!text.text)
            return cb_syntax_error(request, flag->span, err,
                                   "missing a value on flag: --if");
        if (cb_condition_parse(&out->condition, request->parser, &text, err) < 0)
            return -1;
        if (i + 1 == request->flags.count && cb_inst_condition_quoted(request, err) < 0)
            return -1;
        remove_flag(request, i--);
    }
    return 0;
}
