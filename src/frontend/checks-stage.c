/* Build checks that need values: what a FROM expands to, which variables are set, what a
 * stage already has. */
#include "frontend/checks-priv.h"
#include "frontend/scope-priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ── FROM ── */

static void check_default_base(struct cb_planner *planner, const struct cb_stage_def *def,
                               const struct cb_strings *defaults)
{
    const struct cb_word *image = &def->from->from.image;
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;

    if (!strchr(image->text, '$') ||
        cb_scope_expand_global(planner, defaults, image, NULL, &name, NULL) < 0)
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
    cb_auto_value(cb_named_args) args = {0};
    cb_autofree char *value = NULL;
    const char *target = cb_env_get(&planner->globals, "TARGETPLATFORM");
    struct cb_platform platform;

    if (!flag->text ||
        cb_scope_expand_global(planner, &planner->globals, flag, &args, &value, NULL) < 0)
        return;
    if (args.used.count == 1 && !args.unknown.count &&
        !strcmp(args.used.items[0], "TARGETPLATFORM") && target && !strcmp(value, target))
        cb_checks_warn(
            planner, "RedundantTargetPlatform", planner->file->source, def->from->span,
            "Setting platform to predefined %s in FROM is redundant as this is the "
            "default behavior",
            flag->text);
    if (args.used.count || args.unknown.count ||
        cb_platform_parse(&platform, value, NULL) < 0)
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

void cb_checks_base_platform(struct cb_planner *planner, const struct cb_base *base,
                             struct cb_span span)
{
    const struct cb_image_config *config = base->image ? base->image->config : NULL;
    const struct cb_platform *want = &base->platform;
    cb_autofree char *have_text = config ? cb_platform_text(&config->platform) : NULL;
    cb_autofree char *want_text = cb_platform_text(want);

    if (!config || !config->diff_ids.count)
        return;
    if (!strcmp(config->platform.os, want->os) &&
        !strcmp(config->platform.arch, want->arch))
        return;
    cb_checks_warn(
        planner, "InvalidBaseImagePlatform", planner->file->source, span,
        "Base image %s was pulled with platform \"%s\", expected \"%s\" for current "
        "build",
        base->name, have_text, want_text);
}

/* ── Variables ── */

/* The variable that NAME was perhaps meant to be; NULL when there is none, or when
 * looking for it in this file has cost enough. Caller frees. */
static char *near_variable(struct cb_stage *stage, const char *name)
{
    size_t *left = &stage->planner->checks.comparisons;

    if (*left < stage->env.count)
        return NULL;
    *left -= stage->env.count;
    return cb_checks_suggest(name, &stage->env);
}

/* By an ARG here, or in a stage that this one starts from. When too much was compared
 * already, the answer is yes: nothing is said. */
int cb_checks_is_declared(const struct cb_stage *stage, const char *name)
{
    size_t *left = &stage->planner->checks.comparisons;

    for (; stage; stage = stage->base_stage) {
        if (*left < stage->args.count || cb_strings_contain(&stage->args, name))
            return 1;
        *left -= stage->args.count;
    }
    return 0;
}

/* Of an image that was not looked up any variable may come: only what looks like a slip
 * is told. */
void cb_checks_undefined(struct cb_stage *stage, const struct cb_item *item,
                         const char *name)
{
    cb_autofree char *near = NULL;

    if (!stage->planner || cb_checks_full(stage->planner) || cb_scans_is_arg(name) ||
        cb_checks_is_declared(stage, name) || cb_conditions_may_set(stage->planner, name))
        return;
    if (cb_checks_is_global_arg(stage->planner, name)) {
        cb_checks_warn_item(stage, item, "UndefinedVar",
                            "Usage of undefined variable '$%s' (its ARG is before the "
                            "first FROM: repeat `ARG %s` in this stage)",
                            name, name);
        return;
    }
    near = near_variable(stage, name);
    if (stage->env_unknown && !near)
        return;
    cb_checks_warn_item(stage, item, "UndefinedVar",
                        near ? "Usage of undefined variable '$%s' (did you mean $%s?)"
                             : "Usage of undefined variable '$%s'",
                        name, near);
}

/* ── ENV and ARG ── */

/* Is one of WORDS a part of NAME, between underscores? */
static int has_part(const char *name, const char *const *words, size_t count)
{
    while (*name) {
        size_t len = strcspn(name, "_");

        for (size_t i = 0; i < count; i++) {
            if (strlen(words[i]) == len && !strncasecmp(name, words[i], len))
                return 1;
        }
        name += len + (name[len] == '_');
    }
    return 0;
}

/* A trigger stands at its FROM as a whole. */
static void warn_pair(struct cb_stage *stage, const struct cb_item *item, size_t index,
                      const char *rule, const char *message)
{
    const struct cb_pair *pair = &item->inst->pairs.items[index];

    if (stage->planner)
        cb_checks_warn(stage->planner, rule, stage->planner->file->source,
                       item->onbuild ? item->place : pair->key.span, "%s", message);
}

void cb_checks_secret(struct cb_stage *stage, const struct cb_item *item, size_t index,
                      const char *name)
{
    static const char *const secret[] = {"apikey", "auth",  "credential", "credentials",
                                         "key",    "pword", "password",   "passwd",
                                         "secret", "token"};
    static const char *const harmless[] = {"public", "file", "version"};
    cb_autofree char *message = NULL;

    if (!has_part(name, secret, CB_ARRAY_SIZE(secret)) ||
        has_part(name, harmless, CB_ARRAY_SIZE(harmless)))
        return;
    message =
        xasprintf("Do not use ARG or ENV instructions for sensitive data (%s \"%s\")",
                  cb_instruction_name(item->inst->kind), name);
    warn_pair(stage, item, index, "SecretsUsedInArgOrEnv", message);
}

void cb_checks_legacy_pair(struct cb_stage *stage, const struct cb_item *item)
{
    const char *keyword = item->inst->keyword;
    cb_autofree char *message = NULL;

    if (!item->inst->legacy_pair)
        return;
    message = xasprintf("\"%s key=value\" should be used instead of legacy \"%s key "
                        "value\" format",
                        keyword, keyword);
    warn_pair(stage, item, 0, "LegacyKeyValueFormat", message);
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
        item->inst->keyword);
}

/* Points at the earlier one, which has no effect; a `# check=` above either counts. */
void cb_checks_once(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_item **last)
{
    static const char rule[] = "MultipleInstructionsDisallowed";

    if (*last && stage->planner && !cb_checks_skip(stage->planner, rule, item->place))
        cb_checks_warn_item(stage, *last, rule,
                            "Multiple %s instructions should not be used in the same "
                            "stage because only the last one will be used",
                            item->inst->keyword);
    *last = item;
}

/* ── COPY ── */

/* What version control and tools keep beside the sources. */
static const char *find_clutter(int root_fd)
{
    static const char *const names[] = {".git",  ".hg",         ".svn", "node_modules",
                                        ".venv", "__pycache__", ".env", ".terraform",
                                        ".idea", ".vscode"};

    for (size_t i = 0; root_fd >= 0 && i < CB_ARRAY_SIZE(names); i++) {
        if (faccessat(root_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return names[i];
    }
    return NULL;
}

static void check_missing_ignore(struct cb_stage *stage, const struct cb_item *item)
{
    const struct cb_frontend_options *options = stage->planner->options;
    const char *found;

    if (options->purpose != CB_PLAN_CHECK || item->inst->copy.exclude.count)
        return;
    found = find_clutter(cb_context_root_fd(options->context));
    if (found)
        cb_checks_warn_item(stage, item, "MissingDockerignore",
                            "The whole context is copied, with its `%s`: no ignore "
                            "file leaves anything out",
                            found);
}

/* Does the root of the context hold entries, and all of them are left out? */
static int all_ignored(struct cb_context *context)
{
    int fd = openat(cb_context_root_fd(context), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    size_t left_out = 0;
    int kept = !dir;

    if (fd >= 0 && !dir)
        close(fd);
    while (!kept && (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        kept = !cb_context_ignored(context, entry->d_name);
        left_out++;
    }
    if (dir)
        closedir(dir);
    return !kept && left_out;
}

void cb_checks_ignored(struct cb_stage *stage, const struct cb_item *item,
                       const char *path)
{
    struct cb_context *context = stage->planner->options->context;
    cb_autofree char *rooted = cb_path_join("/", path);
    const char *relative = rooted + 1;
    int is_left_out;

    if (!context || cb_checks_full(stage->planner))
        return;
    if (!cb_context_ignore(context)) {
        if (!*relative)
            check_missing_ignore(stage, item);
        return;
    }
    is_left_out =
        *relative ? cb_context_ignored(context, relative) : all_ignored(context);
    if (is_left_out)
        cb_checks_warn_item(
            stage, item, "CopyIgnoredFile",
            "Attempting to %s file \"%s\" that is excluded by .dockerignore",
            item->inst->kind == CB_INST_ADD ? "Add" : "Copy", *relative ? relative : ".");
}
