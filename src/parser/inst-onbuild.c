/* ONBUILD TRIGGER. The trigger is stored as written and parsed again when it fires; it is
 * parsed here too, so that the one who writes it sees its mistakes. */
#include "parser/parser-priv.h"

#include <string.h>

/* What the image will carry: the rest of the line, be it behind ONBUILD's own --if, then
 * the heredocs' bodies. */
static const char *trigger_text(const struct cb_request *request, int is_conditional)
{
    const struct cb_line *line = request->line;
    struct cb_range rest = {request->keyword.end, line->len};

    if (is_conditional)
        rest.start = request->args.start;
    while (rest.start < rest.end && cb_text_is_blank(line->text[rest.start]))
        rest.start++;
    return cb_request_with_bodies(request, rest);
}

int cb_inst_onbuild(struct cb_request *request, struct cb_instruction *out,
                    struct cb_error **err)
{
    struct cb_request *trigger = request->trigger;
    struct cb_instruction *inst;
    struct cb_span span;

    if (!trigger)
        return cb_inst_too_few(request, err);
    if (cb_inst_no_flags(request, err) < 0)
        return -1;
    out->onbuild.kind = cb_instruction_class_kind(trigger->class);
    span = cb_request_span(request, trigger->keyword);
    switch (out->onbuild.kind) {
    case CB_INST_ONBUILD:
        return cb_syntax_error(request, span, err,
                               "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    case CB_INST_FROM:
    case CB_INST_MAINTAINER:
        return cb_syntax_error(request, span, err,
                               "%s isn't allowed as an ONBUILD trigger",
                               cb_request_name(trigger));
    default:
        break;
    }
    trigger->heredocs = request->heredocs;
    trigger->end = request->end;
    inst = cb_instruction_new(trigger);
    if (cb_inst_condition(trigger, inst, err) < 0 ||
        trigger->class->parse(trigger, inst, err) < 0)
        return -1;
    out->onbuild.trigger = inst;
    out->onbuild.text = trigger_text(request, out->condition != NULL);
    return 0;
}
