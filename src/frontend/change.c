/* One instruction applied to a configuration alone: `import -c` and `commit -c`. */
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>
#include <strings.h>

static const enum cb_instruction_kind allowed[] = {
    CB_INST_CMD,         CB_INST_ENTRYPOINT, CB_INST_ENV,     CB_INST_EXPOSE,
    CB_INST_HEALTHCHECK, CB_INST_LABEL,      CB_INST_USER,    CB_INST_ONBUILD,
    CB_INST_STOPSIGNAL,  CB_INST_VOLUME,     CB_INST_WORKDIR,
};

/* The first word tells before anything is parsed: 1 and the kind when it is one of those
 * above. */
static int find_kind(const char *text, size_t len, enum cb_instruction_kind *out)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(allowed); i++) {
        const char *name = cb_instruction_name(allowed[i]);

        if (strlen(name) != len || strncasecmp(name, text, len))
            continue;
        *out = allowed[i];
        return 1;
    }
    return 0;
}

/* What variables mean: the configuration's ENV. */
static int fill_scope(struct cb_stage *stage, struct cb_error **err)
{
    for (size_t i = 0; i < stage->config->env.count; i++) {
        const char *pair = stage->config->env.items[i];
        cb_autofree char *name = xstrndup(pair, strcspn(pair, "="));
        const char *value = cb_env_get(&stage->config->env, name);

        if (cb_scope_set(stage, name, value ? value : "", err) < 0)
            return -1;
    }
    return 0;
}

static int apply(struct cb_image_config *config, struct cb_instruction *inst,
                 struct cb_source *source, struct cb_error **err)
{
    struct cb_stage stage = {.config = config, .no_history = 1, .cmd_set = 1};
    struct cb_item item = {.inst = inst, .source = source, .place = inst->span};
    int rc = fill_scope(&stage, err);

    if (rc == 0)
        rc = cb_convert_item(&stage, &item, err);
    cb_strings_free(&stage.env);
    cb_strings_free(&stage.args);
    return rc;
}

int cb_frontend_change(struct cb_image_config *config, const char *instruction,
                       struct cb_error **err)
{
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_auto(cb_source) source = NULL;
    struct cb_instruction *inst = NULL;
    enum cb_instruction_kind kind;
    const char *text = instruction + strspn(instruction, " \t");
    size_t len = strcspn(text, " \t");

    if (!find_kind(text, len, &kind))
        return cb_error_set(err, CB_ERR_USAGE, "%.*s is not a valid change command",
                            (int)len, text);
    /* The parser takes a trigger without the ONBUILD in front. */
    if (kind == CB_INST_ONBUILD)
        text += len + strspn(text + len, " \t");
    source = cb_source_new("change", text, strlen(text));
    if (cb_instruction_parse(&inst, arena, source, err) < 0)
        return -1;
    if (kind != CB_INST_ONBUILD)
        return apply(config, inst, source, err);
    cb_strings_add(&config->onbuild, text);
    return 0;
}
