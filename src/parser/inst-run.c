/* RUN [--mount=… --network=… --security=… --device=…] COMMAND, in either form, with
 * heredocs. Mounts are checked as far as they can be while variables are not known. */
#include "parser/parser-priv.h"

#include <string.h>

static const struct cb_flag_rule rules[] = {
    {"mount", CB_FLAG_STRINGS},
    {"network", CB_FLAG_STRING},
    {"security", CB_FLAG_STRING},
    {"device", CB_FLAG_STRINGS},
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

static int take_network(struct cb_request *request, struct cb_inst_run *run,
                        struct cb_error **err)
{
    const char *value;
    cb_autofree char *shown = NULL;

    run->network = cb_flags_string(request, "network");
    value = run->network.text;
    if (!value || strcmp(value, "default") == 0 || strcmp(value, "none") == 0 ||
        strcmp(value, "host") == 0)
        return 0;
    shown = cb_text_quote(value);
    return cb_syntax_error(request, run->network.span, err, "invalid network mode %s",
                           shown);
}

static int take_security(struct cb_request *request, struct cb_inst_run *run,
                         struct cb_error **err)
{
    const char *value;
    cb_autofree char *shown = NULL;

    run->security = cb_flags_string(request, "security");
    value = run->security.text;
    if (!value || strcmp(value, "sandbox") == 0 || strcmp(value, "insecure") == 0)
        return 0;
    shown = cb_text_quote(value);
    return cb_syntax_error(request, run->security.span, err, "security %s is not valid",
                           shown);
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

int cb_inst_run(struct cb_request *request, struct cb_instruction *out,
                struct cb_error **err)
{
    struct cb_inst_run *run = &out->run;

    if (cb_flags_check(request, rules, CB_ARRAY_SIZE(rules), err) < 0 ||
        take_mounts(request, run, err) < 0 || take_network(request, run, err) < 0 ||
        take_security(request, run, err) < 0 || take_devices(request, run, err) < 0)
        return -1;
    run->command = cb_request_command(request);
    run->heredocs = request->heredocs;
    return 0;
}
