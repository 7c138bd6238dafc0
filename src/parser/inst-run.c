/* RUN [--mount=… --network=… --security=… --device=… --export=…] COMMAND, in either form,
 * with heredocs. Mounts are checked as far as they can be while variables are not known.
 */
#include "parser/parser-priv.h"

#include <string.h>

static const struct cb_flag_rule rules[] = {
    {"mount", CB_FLAG_STRINGS},   {"network", CB_FLAG_STRING},
    {"security", CB_FLAG_STRING}, {"device", CB_FLAG_STRINGS},
    {"export", CB_FLAG_STRINGS}, /* of the dialect alone; last */
};

static int take_mounts(struct cb_request *request, struct cb_inst_run *run,
                       struct cb_error **err)
{
    struct cb_words values = cb_flags_strings(request, "mount");

    if (values.count == 0)
        return 0;
    run->mounts =
        cb_arena_alloc(request->parser->arena, values.count * sizeof(*run->mounts));
    run->mount_count = values.count;
    for (size_t i = 0; i < values.count; i++) {
        const struct cb_word *value = &values.items[i];

        if (cb_run_mount_check(value->text, err) < 0)
            return cb_error_at(err, request->parser->source, value->span);
        run->mounts[i] = (struct cb_flag){"mount", value->text, value->span};
    }
    return 0;
}

/* The value is named between BEFORE and AFTER. */
/* What a flag may be, and the words around another value in the error. */
struct choices {
    const char *const *items;
    size_t count;
    const char *before, *after;
};

static int check_choice(struct cb_request *request, const struct cb_word *value,
                        const struct choices *choices, struct cb_error **err)
{
    cb_autofree char *shown = NULL, *suggestion = NULL;

    for (size_t i = 0; i < choices->count; i++)
        if (!value->text || strcmp(value->text, choices->items[i]) == 0)
            return 0;
    shown = cb_text_quote(value->text);
    suggestion = cb_text_suggestion(value->text, choices->items, choices->count);
    cb_syntax_error(request, value->span, err, "%s%s%s%s", choices->before, shown,
                    choices->after, suggestion);
    return *suggestion
               ? -1
               : cb_text_choices(err, "expected", "", choices->items, choices->count);
}

static int take_network(struct cb_request *request, struct cb_inst_run *run,
                        struct cb_error **err)
{
    static const char *const modes[] = {"default", "none", "host"};
    static const struct choices choices = {modes, CB_ARRAY_SIZE(modes),
                                           "invalid network mode ", ""};

    run->network = cb_flags_string(request, "network");
    return check_choice(request, &run->network, &choices, err);
}

static int take_security(struct cb_request *request, struct cb_inst_run *run,
                         struct cb_error **err)
{
    static const char *const modes[] = {"sandbox", "insecure"};
    static const struct choices choices = {modes, CB_ARRAY_SIZE(modes), "security ",
                                           " is not valid"};

    run->security = cb_flags_string(request, "security");
    return check_choice(request, &run->security, &choices, err);
}

static int take_devices(struct cb_request *request, struct cb_inst_run *run,
                        struct cb_error **err)
{
    run->devices = cb_flags_strings(request, "device");
    for (size_t i = 0; i < run->devices.count; i++) {
        const struct cb_word *value = &run->devices.items[i];

        if (cb_run_device_check(value->text, err) < 0)
            return cb_error_at(err, request->parser->source, value->span);
    }
    return 0;
}

static int take_exports(struct cb_request *request, struct cb_inst_run *run,
                        struct cb_error **err)
{
    struct cb_words values = cb_flags_strings(request, "export");

    return values.count ? cb_run_exports_parse(request, &values, run, err) : 0;
}

int cb_inst_run(struct cb_request *request, struct cb_instruction *out,
                struct cb_error **err)
{
    struct cb_inst_run *run = &out->run;
    size_t known = CB_ARRAY_SIZE(rules) - !request->parser->directives.dialect.text;

    if (cb_flags_check(request, rules, known, err) < 0 ||
        take_mounts(request, run, err) < 0 || take_network(request, run, err) < 0 ||
        take_security(request, run, err) < 0 || take_devices(request, run, err) < 0 ||
        take_exports(request, run, err) < 0)
        return -1;
    run->command = cb_request_command(request);
    run->heredocs = request->heredocs;
    return 0;
}
