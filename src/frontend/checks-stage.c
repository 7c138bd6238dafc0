/* Build checks that need values: what a FROM expands to, which variables are set, what a
 * stage already has. */
#include "frontend/frontend-priv.h"

#include <string.h>

/* ── FROM ── */

static void check_default_base(struct cb_planner *planner, const struct cb_stage_def *def,
                               const struct cb_strings *defaults)
{
    const struct cb_word *image = &def->from->from.image;
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;

    if (!strchr(image->text, '$') ||
        cb_scope_expand_global(planner, defaults, image, NULL, NULL, &name, NULL) < 0)
        return;
    if (!*name || (!cb_map_has(planner->stage_names, name) &&
                   cb_reference_parse(&reference, name, NULL) < 0))
        cb_checks_warn(
            planner, "InvalidDefaultArgInFrom", planner->file->source, def->from->span,
            "Default value for ARG %s results in empty or invalid base image name",
            image->text);
}

static void check_platform_flag(struct cb_planner *planner,
                                const struct cb_stage_def *def)
{
    const struct cb_word *flag = &def->from->from.platform;
    cb_auto_value(cb_strings) unknown = {0};
    cb_auto_value(cb_strings) used = {0};
    cb_autofree char *value = NULL;
    const char *target = cb_env_get(&planner->globals, "TARGETPLATFORM");
    struct cb_platform platform;

    if (!flag->text || cb_scope_expand_global(planner, &planner->globals, flag, &unknown,
                                              &used, &value, NULL) < 0)
        return;
    if (used.count == 1 && !unknown.count && !strcmp(used.items[0], "TARGETPLATFORM") &&
        target && !strcmp(value, target))
        cb_checks_warn(
            planner, "RedundantTargetPlatform", planner->file->source, def->from->span,
            "Setting platform to predefined %s in FROM is redundant as this is the "
            "default behavior",
            flag->text);
    if (used.count || unknown.count || cb_platform_parse(&platform, value, NULL) < 0)
        return;
    if (!def->name ||
        (!strstr(def->name, platform.os) && !strstr(def->name, platform.arch)))
        cb_checks_warn(planner, "FromPlatformFlagConstDisallowed", planner->file->source,
                       def->from->span,
                       "FROM --platform flag should not use constant value \"%s\"",
                       value);
}

void cb_checks_from(struct cb_planner *planner, const struct cb_stage_def *def,
                    const struct cb_strings *defaults)
{
    check_default_base(planner, def, defaults);
    check_platform_flag(planner, def);
}

void cb_checks_base_platform(struct cb_planner *planner, const struct cb_stage *stage)
{
    const struct cb_platform *have = &stage->config->platform;
    const struct cb_platform *want = &stage->platform;
    cb_autofree char *have_text = cb_platform_text(have);
    cb_autofree char *want_text = cb_platform_text(want);

    if (!strcmp(have->os, want->os) && !strcmp(have->arch, want->arch))
        return;
    cb_checks_warn(
        planner, "InvalidBaseImagePlatform", planner->file->source,
        stage->def->from->span,
        "Base image %s was pulled with platform \"%s\", expected \"%s\" for current "
        "build",
        stage->base->name, have_text, want_text);
}

/* ── Variables ── */

static int is_declared(const struct cb_stage *stage, const char *name)
{
    return cb_strings_contain(&stage->args, name) ||
           cb_env_get(&stage->planner->quiet_env, name) != NULL;
}

void cb_checks_undefined(struct cb_stage *stage, const struct cb_item *item,
                         const char *name)
{
    cb_autofree char *near = NULL;

    if (!stage->planner || stage->planner->checks.skip_all ||
        cb_checks_full(stage->planner) || is_declared(stage, name))
        return;
    near = cb_checks_suggest(name, &stage->env);
    cb_checks_warn_item(stage, item, "UndefinedVar",
                        near ? "Usage of undefined variable '$%s' (did you mean $%s?)"
                             : "Usage of undefined variable '$%s'",
                        name, near);
}

/* ── CMD, ENTRYPOINT, HEALTHCHECK ── */

void cb_checks_shell_form(struct cb_stage *stage, const struct cb_item *item)
{
    if (item->inst->command.is_exec || stage->config->shell.count)
        return;
    cb_checks_warn_item(
        stage, item, "JSONArgsRecommended",
        "JSON arguments recommended for %s to prevent unintended behavior "
        "related to OS signals",
        cb_instruction_name(item->inst->kind));
}

/* Points at the earlier one, which has no effect. */
void cb_checks_once(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_item **last)
{
    if (*last)
        cb_checks_warn_item(
            stage, *last, "MultipleInstructionsDisallowed",
            "Multiple %s instructions should not be used in the same stage "
            "because only the last one will be used",
            cb_instruction_name(item->inst->kind));
    *last = item;
}

/* ── COPY ── */

void cb_checks_ignored(struct cb_stage *stage, const struct cb_item *item,
                       const char *path)
{
    struct cb_context *context = stage->planner->options->context;
    cb_autofree char *rooted = NULL;
    const char *relative;

    if (!cb_context_ignore(context))
        return;
    rooted = cb_path_join("/", path);
    relative = rooted + 1;
    if (!*relative || !cb_context_ignored(context, relative))
        return;
    cb_checks_warn_item(stage, item, "CopyIgnoredFile",
                        "Attempting to %s file \"%s\" that is excluded by .dockerignore",
                        item->inst->kind == CB_INST_ADD ? "Add" : "Copy", relative);
}
