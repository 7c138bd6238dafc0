/* What a variable means where. Three scopes: the ARGs before the first FROM with the
 * platform's own (visible to FROM lines, and importable by `ARG NAME`), a stage's
 * environment (ENV and ARG in one list, the latest wins, as BuildKit keeps it), and
 * proxies given as build arguments, which RUN gets without any declaration and without a
 * part in its cache key. */
#include "frontend/scope-priv.h"

#include "frontend/checks-priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const proxy_names[] = {"http_proxy", "https_proxy", "ftp_proxy",
                                          "no_proxy", "all_proxy"};

const char *cb_scope_build_arg(const struct cb_planner *planner, const char *name)
{
    if (planner && planner->epoch && !strcmp(name, "SOURCE_DATE_EPOCH"))
        return planner->epoch;
    if (!planner || !planner->options->build_args)
        return NULL;
    return cb_env_get(planner->options->build_args, name);
}

/* ── Global scope ── */

static void add_platform_arg(struct cb_strings *globals, const struct cb_planner *planner,
                             const char *prefix, const char *name, const char *value)
{
    cb_autofree char *key = xasprintf("%s%s", prefix, name);
    const char *given = planner ? cb_scope_build_arg(planner, key) : NULL;

    cb_strings_addf(globals, "%s=%s", key, given ? given : value);
}

static void add_platform(struct cb_strings *globals, const struct cb_planner *planner,
                         const char *prefix, const struct cb_platform *platform)
{
    cb_autofree char *text = cb_platform_text(platform);

    add_platform_arg(globals, planner, prefix, "PLATFORM", text);
    add_platform_arg(globals, planner, prefix, "OS", platform->os);
    add_platform_arg(globals, planner, prefix, "OSVERSION", platform->os_version);
    add_platform_arg(globals, planner, prefix, "ARCH", platform->arch);
    add_platform_arg(globals, planner, prefix, "VARIANT", platform->variant);
}

/* TARGETSTAGE is the stage asked for, or the last one's name. */
static const char *target_stage_name(const struct cb_planner *planner)
{
    const struct cb_dockerfile *file = planner->file;
    const char *name = planner->options->target;

    if ((!name || !*name) && file->stage_count)
        name = file->stages[file->stage_count - 1].name;
    return name && *name ? name : "default";
}

void cb_declared_free(struct cb_declared *declared)
{
    free(declared->name);
    free(declared->initial);
}

int cb_scope_declare_global(struct cb_planner *planner, const struct cb_pair *pair,
                            int use_given, struct cb_strings *globals,
                            struct cb_declared *out, struct cb_error **err)
{
    if (globals->count >= CB_MAX_VARIABLES) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "more than %d global ARGs",
                     CB_MAX_VARIABLES);
        return cb_error_at(err, planner->file->source, pair->key.span);
    }
    out->name = xstrdup(pair->key.text);
    out->value = use_given ? cb_scope_build_arg(planner, pair->key.text) : NULL;
    out->origin = out->value ? CB_ARG_GIVEN : CB_ARG_UNSET;
    if (!out->value && pair->value.text) {
        if (cb_scope_expand_global(planner, globals, &pair->value, NULL, &out->initial,
                                   err) < 0)
            return -1;
        out->value = out->initial;
        out->origin = CB_ARG_DEFAULT;
    }
    if (out->value)
        cb_env_set(globals, pair->key.text, out->value);
    return 0;
}

static int add_global_args(struct cb_planner *planner, const struct cb_instruction *inst,
                           int use_given, struct cb_strings *globals,
                           struct cb_error **err)
{
    int counts = cb_conditions_global(planner, inst, globals, err);

    for (size_t i = 0; counts > 0 && i < inst->pairs.count; i++) {
        cb_auto_value(cb_declared) ignored = {0};

        if (cb_scope_declare_global(planner, &inst->pairs.items[i], use_given, globals,
                                    &ignored, err) < 0)
            return -1;
    }
    return counts < 0 ? -1 : 0;
}

void cb_scope_platform_args(struct cb_planner *planner, int use_given,
                            struct cb_strings *globals)
{
    const struct cb_frontend_options *options = planner->options;
    const struct cb_planner *given = use_given ? planner : NULL;

    add_platform(globals, given, "BUILD", &options->build_platform);
    add_platform(globals, given, "TARGET", &options->platform);
    add_platform_arg(globals, given, "TARGET", "STAGE", target_stage_name(planner));
}

static int fill_globals(struct cb_planner *planner, int use_given,
                        struct cb_strings *globals, struct cb_error **err)
{
    cb_scope_platform_args(planner, use_given, globals);
    for (size_t i = 0; i < planner->file->global_arg_count; i++) {
        if (add_global_args(planner, planner->file->global_args[i], use_given, globals,
                            err) < 0)
            return -1;
    }
    return 0;
}

int cb_scope_default_globals(struct cb_planner *planner, struct cb_strings *out,
                             struct cb_error **err)
{
    return fill_globals(planner, 0, out, err);
}

int cb_scope_globals(struct cb_planner *planner, struct cb_error **err)
{
    return fill_globals(planner, 1, &planner->globals, err);
}

/* ── Build arguments with a meaning of their own ── */

/* Both spellings, since programs disagree on the case they read. */
static void add_proxies(struct cb_planner *planner, const struct cb_strings *given)
{
    for (size_t i = 0; given && i < given->count; i++) {
        const char *arg = given->items[i];
        const char *equals = strchr(arg, '=');
        size_t len = equals ? (size_t)(equals - arg) : 0;

        for (size_t n = 0; n < CB_ARRAY_SIZE(proxy_names); n++) {
            char upper[16] = "";

            if (strlen(proxy_names[n]) != len ||
                strncasecmp(arg, proxy_names[n], len) != 0)
                continue;
            for (size_t c = 0; c < len; c++)
                upper[c] =
                    proxy_names[n][c] == '_' ? '_' : (char)(proxy_names[n][c] - 32);
            cb_env_set(&planner->quiet_env, upper, equals + 1);
            cb_env_set(&planner->quiet_env, proxy_names[n], equals + 1);
        }
    }
}

int cb_scope_init(struct cb_planner *planner, struct cb_error **err)
{
    const char *hostname = cb_scope_build_arg(planner, "BUILDKIT_SANDBOX_HOSTNAME");

    if (hostname && *hostname)
        planner->options->env->hostname = hostname;
    add_proxies(planner, planner->options->proxies);
    add_proxies(planner, planner->options->build_args);
    if (cb_scope_globals(planner, err) < 0)
        return -1;
    return cb_epoch_init(planner, err);
}

struct global_lookup {
    const struct cb_strings *globals;
    struct cb_named_args *named; /* or NULL */
};

void cb_named_args_clear(struct cb_named_args *named)
{
    cb_strings_free(&named->used);
    cb_strings_free(&named->unknown);
}

static const char *global_get(void *arg, const char *name)
{
    struct global_lookup *lookup = arg;
    const char *value = cb_env_get(lookup->globals, name);

    if (value && lookup->named)
        cb_strings_add_once(&lookup->named->used, name);
    return value;
}

static void global_undefined(void *arg, const char *name)
{
    struct global_lookup *lookup = arg;

    if (lookup->named)
        cb_strings_add_once(&lookup->named->unknown, name);
}

int cb_scope_expand_global(struct cb_planner *planner, const struct cb_strings *globals,
                           const struct cb_word *word, struct cb_named_args *named,
                           char **out, struct cb_error **err)
{
    struct global_lookup arg = {.globals = globals, .named = named};
    struct cb_scope_lookup lookup = {global_get, global_undefined, &arg, &planner->work,
                                     NULL};

    char escape = cb_dockerfile_escape(planner->file, planner->file->source, word->span);

    if (cb_word_expand(out, word->text, escape, &lookup, err) < 0)
        return cb_error_at(err, planner->file->source, word->span);
    return 0;
}

/* ── A stage's scope ── */

int cb_scope_charge(struct cb_stage *stage, size_t count, struct cb_error **err)
{
    if (!stage->planner)
        return 0;
    stage->planner->variable_bytes += count;
    if (stage->planner->variable_bytes <= CB_MAX_VARIABLE_BYTES)
        return 0;
    return cb_error_set(err, CB_ERR_UNSUPPORTED,
                        "the variables and labels of all stages hold more than %u MiB",
                        CB_MAX_VARIABLE_BYTES >> 20);
}

static void uncharge(struct cb_stage *stage, size_t count)
{
    if (stage->planner)
        stage->planner->variable_bytes -= count;
}

int cb_scope_inherit(struct cb_stage *stage, const struct cb_stage *base,
                     struct cb_error **err)
{
    for (size_t i = 0; i < base->env.count; i++) {
        if (cb_scope_charge(stage, strlen(base->env.items[i]), err) < 0)
            return -1;
        cb_strings_add(&stage->env, base->env.items[i]);
    }
    return 0;
}

int cb_scope_set(struct cb_stage *stage, const char *name, const char *value,
                 struct cb_error **err)
{
    struct cb_strings *env = &stage->env;
    size_t len = strlen(name);

    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->items[i], name, len) != 0 || env->items[i][len] != '=')
            continue;
        uncharge(stage, strlen(env->items[i]));
        free(env->items[i]);
        memmove(env->items + i, env->items + i + 1,
                (env->count - i - 1) * sizeof(*env->items));
        env->count--;
        break;
    }
    if (env->count >= CB_MAX_VARIABLES)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "more than %d variables in one stage", CB_MAX_VARIABLES);
    if (cb_scope_charge(stage, len + 1 + strlen(value), err) < 0)
        return -1;
    cb_strings_addf(env, "%s=%s", name, value);
    return 0;
}

struct stage_lookup {
    struct cb_stage *stage;
    const struct cb_item *item;
    int demanded;
};

static const char *stage_get(void *arg, const char *name)
{
    struct stage_lookup *lookup = arg;
    const char *value = cb_env_get(&lookup->stage->env, name);

    if (lookup->stage->hidden)
        cb_hidden_note(lookup->stage->hidden, name, value);
    cb_doubt_note(lookup->stage, name, value);
    return value;
}

static void stage_undefined(void *arg, const char *name)
{
    struct stage_lookup *lookup = arg;

    cb_checks_undefined(lookup->stage, lookup->item, name);
}

static char escape_of(const struct cb_stage *stage, const struct cb_item *item,
                      struct cb_span span)
{
    return stage->planner ? cb_dockerfile_escape(stage->planner->file, item->source, span)
                          : '\\';
}

static size_t *work_of(const struct cb_stage *stage)
{
    return stage->planner ? &stage->planner->work : NULL;
}

static struct cb_scope_lookup stage_lookup(struct stage_lookup *lookup)
{
    return (struct cb_scope_lookup){stage_get, stage_undefined, lookup,
                                    work_of(lookup->stage), &lookup->demanded};
}

/* What is wrong with the text is wrong whatever the variables are. */
static int cannot_expand(const struct stage_lookup *lookup, struct cb_span span,
                         struct cb_error **err)
{
    if (!lookup->demanded)
        cb_doubt_begin(lookup->stage);
    return cb_error_at(err, lookup->item->source, span);
}

int cb_scope_expand(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_word *word, char **out, struct cb_error **err)
{
    struct stage_lookup arg = {stage, item, 0};
    struct cb_scope_lookup lookup = stage_lookup(&arg);

    if (cb_word_expand(out, word->text, escape_of(stage, item, word->span), &lookup,
                       err) < 0)
        return cannot_expand(&arg, word->span, err);
    return 0;
}

int cb_scope_expand_split(struct cb_stage *stage, const struct cb_item *item,
                          const struct cb_word *word, struct cb_strings *out,
                          struct cb_error **err)
{
    struct stage_lookup arg = {stage, item, 0};
    struct cb_scope_lookup lookup = stage_lookup(&arg);

    if (cb_word_expand_split(out, word->text, escape_of(stage, item, word->span), &lookup,
                             err) < 0)
        return cannot_expand(&arg, word->span, err);
    return 0;
}

int cb_scope_expand_mount(struct cb_stage *stage, const struct cb_item *item,
                          const struct cb_flag *flag, struct cb_run_mount *out,
                          struct cb_error **err)
{
    struct stage_lookup arg = {stage, item, 0};
    struct cb_scope_lookup lookup = stage_lookup(&arg);

    if (cb_run_mount_expand(out, stage->planner->arena, flag->value ? flag->value : "",
                            escape_of(stage, item, flag->span), &lookup, err) < 0)
        return cb_error_at(err, item->source, flag->span);
    return 0;
}

int cb_scope_expand_heredoc(struct cb_stage *stage, const struct cb_item *item,
                            const struct cb_heredoc *heredoc, char **out,
                            struct cb_error **err)
{
    struct stage_lookup arg = {stage, item, 0};
    struct cb_scope_lookup lookup = stage_lookup(&arg);

    /* The escape character of heredoc bodies is always a backslash. */
    if (cb_word_expand_raw(out, heredoc->content, heredoc->len, '\\', &lookup, err) < 0)
        return cannot_expand(&arg, heredoc->span, err);
    return 0;
}

int cb_scope_declare(struct cb_stage *stage, const struct cb_item *item,
                     const struct cb_pair *pair, struct cb_declared *out,
                     struct cb_error **err)
{
    if (cb_scope_expand(stage, item, &pair->key, &out->name, err) < 0)
        return -1;
    out->value = cb_scope_build_arg(stage->planner, out->name);
    out->origin = out->value ? CB_ARG_GIVEN : CB_ARG_UNSET;
    if (pair->value.text && !out->value) {
        if (cb_scope_expand(stage, item, &pair->value, &out->initial, err) < 0)
            return -1;
        out->value = out->initial;
        out->origin = CB_ARG_DEFAULT;
    }
    if (!out->value) {
        out->value = cb_env_get(&stage->planner->globals, out->name);
        out->origin = out->value ? CB_ARG_GLOBAL : CB_ARG_UNSET;
    }
    if (out->value && cb_scans_is_arg(out->name))
        cb_scans_note(stage, out->name, out->value);
    else if (out->value && cb_scope_set(stage, out->name, out->value, err) < 0)
        return -1;
    if (stage->args.count >= CB_MAX_VARIABLES)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "more than %d ARGs in one stage",
                            CB_MAX_VARIABLES);
    cb_strings_add(&stage->args, out->name);
    return 0;
}
