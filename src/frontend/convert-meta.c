/* Instructions that change the image's configuration and no file: ENV, ARG, LABEL, CMD,
 * ENTRYPOINT, VOLUME, USER, SHELL, STOPSIGNAL, MAINTAINER; and WORKDIR, which also makes
 * its directory. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include "base/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

/* ── ENV, LABEL, ARG ── */

struct pairs {
    struct cb_strings keys, values;
};

static void pairs_free(struct pairs *pairs)
{
    cb_strings_free(&pairs->keys);
    cb_strings_free(&pairs->values);
}

/* All pairs are expanded before any of them is set: `ENV a=bye b=$a` gives b the earlier
 * a. */
static int expand_pairs(struct cb_stage *stage, const struct cb_item *item,
                        struct pairs *out, struct cb_error **err)
{
    const struct cb_pairs *pairs = &item->inst->pairs;

    for (size_t i = 0; i < pairs->count; i++) {
        cb_autofree char *key = NULL, *value = NULL;

        if (cb_scope_expand(stage, item, &pairs->items[i].key, &key, err) < 0 ||
            (pairs->items[i].value.text &&
             cb_scope_expand(stage, item, &pairs->items[i].value, &value, err) < 0))
            return -1;
        if (!*key) {
            cb_error_set(err, CB_ERR_SYNTAX, "%s names can not be blank",
                         cb_instruction_name(item->inst->kind));
            return cb_error_at(err, item->source, pairs->items[i].key.span);
        }
        cb_strings_take(&out->keys, cb_steal(&key));
        cb_strings_take(&out->values, value ? cb_steal(&value) : xstrdup(""));
    }
    return 0;
}

static void add_pairs_history(struct cb_stage *stage, const char *keyword,
                              const struct pairs *pairs)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, keyword);
    for (size_t i = 0; i < pairs->keys.count; i++)
        cb_strbuf_addf(&text, " %s=%s", pairs->keys.items[i], pairs->values.items[i]);
    cb_config_history(stage, cb_strbuf_text(&text), 0, 0);
}

static int set_env(struct cb_stage *stage, const struct pairs *pairs,
                   struct cb_error **err)
{
    for (size_t i = 0; i < pairs->keys.count; i++) {
        if (cb_scope_set(stage, pairs->keys.items[i], pairs->values.items[i], err) < 0)
            return -1;
        cb_env_set(&stage->config->env, pairs->keys.items[i], pairs->values.items[i]);
    }
    add_pairs_history(stage, "ENV", pairs);
    return 0;
}

int cb_convert_env(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err)
{
    struct pairs pairs = {0};
    int rc = expand_pairs(stage, item, &pairs, err);

    cb_checks_legacy_pair(stage, item);
    for (size_t i = 0; i < pairs.keys.count; i++)
        cb_checks_secret(stage, item, i, pairs.keys.items[i]);
    if (rc == 0)
        rc = set_env(stage, &pairs, err);
    pairs_free(&pairs);
    return rc;
}

int cb_convert_label(struct cb_stage *stage, const struct cb_item *item,
                     struct cb_error **err)
{
    struct pairs pairs = {0};
    int rc = expand_pairs(stage, item, &pairs, err);

    cb_checks_legacy_pair(stage, item);
    if (rc == 0 && stage->config->label_keys.count + pairs.keys.count > CB_MAX_VARIABLES)
        rc = cb_error_set(err, CB_ERR_UNSUPPORTED, "more than %d labels",
                          CB_MAX_VARIABLES);
    for (size_t i = 0; rc == 0 && i < pairs.keys.count; i++) {
        rc = cb_scope_charge(
            stage, strlen(pairs.keys.items[i]) + strlen(pairs.values.items[i]), err);
        cb_image_config_set_label(stage->config, pairs.keys.items[i],
                                  pairs.values.items[i]);
    }
    if (rc == 0)
        add_pairs_history(stage, "LABEL", &pairs);
    pairs_free(&pairs);
    return rc;
}

/* History shows the default, not what was given. */
static int declare_arg(struct cb_stage *stage, const struct cb_item *item, size_t index,
                       struct cb_strbuf *history, struct cb_error **err)
{
    const struct cb_pair *pair = &item->inst->pairs.items[index];
    cb_auto_value(cb_declared) arg = {0};

    if (cb_scope_declare(stage, item, pair, &arg, err) < 0)
        return -1;
    cb_checks_secret(stage, item, index, arg.name);
    cb_outline_note_arg(stage, item, &arg);
    cb_strbuf_addf(history, " %s", arg.name);
    if (pair->value.text)
        cb_strbuf_addf(history, "=%s", arg.initial ? arg.initial : pair->value.text);
    return 0;
}

int cb_convert_arg(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err)
{
    const struct cb_pairs *pairs = &item->inst->pairs;
    cb_auto_value(cb_strbuf) history = {0};

    cb_strbuf_adds(&history, "ARG");
    for (size_t i = 0; i < pairs->count; i++) {
        if (declare_arg(stage, item, i, &history, err) < 0)
            return -1;
    }
    cb_config_history(stage, cb_strbuf_text(&history), 0, 0);
    return 0;
}

/* ── CMD, ENTRYPOINT, SHELL ── */

static void command_argv(const struct cb_image_config *config,
                         const struct cb_command *command, struct cb_strings *out)
{
    if (!command->is_exec) {
        cb_config_shell_argv(config, command->shell ? command->shell : "", out);
        return;
    }
    for (size_t i = 0; i < command->argv.count; i++)
        cb_strings_add(out, command->argv.items[i].text);
}

static void add_quoted_history(struct cb_stage *stage, const char *keyword,
                               const struct cb_strings *argv)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "%s ", keyword);
    cb_config_quote_list(&text, argv);
    cb_config_history(stage, cb_strbuf_text(&text), 0, 0);
}

static void replace_strings(struct cb_strings *slot, struct cb_strings *with)
{
    cb_strings_free(slot);
    *slot = *with;
    *with = (struct cb_strings){0};
}

int cb_convert_cmd(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err)
{
    struct cb_image_config *config = stage->config;
    cb_auto_value(cb_strings) argv = {0};

    cb_checks_once(stage, item, &stage->last_cmd);
    cb_checks_shell_form(stage, item);
    command_argv(config, &item->inst->command, &argv);
    replace_strings(&config->cmd, &argv);
    config->has_cmd = config->cmd.count > 0;
    config->args_escaped = 1;
    stage->cmd_set = 1;
    add_quoted_history(stage, "CMD", &config->cmd);
    return 0;
}

int cb_convert_entrypoint(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_error **err)
{
    struct cb_image_config *config = stage->config;
    cb_auto_value(cb_strings) argv = {0};

    cb_checks_once(stage, item, &stage->last_entrypoint);
    cb_checks_shell_form(stage, item);
    command_argv(config, &item->inst->command, &argv);
    replace_strings(&config->entrypoint, &argv);
    config->has_entrypoint = config->entrypoint.count > 0;
    if (!stage->cmd_set) {
        /* The base's CMD was meant for the base's ENTRYPOINT. */
        cb_strings_free(&config->cmd);
        config->cmd = (struct cb_strings){0};
        config->has_cmd = 0;
    }
    add_quoted_history(stage, "ENTRYPOINT", &config->entrypoint);
    return 0;
}

static void add_list_history(struct cb_stage *stage, const char *keyword,
                             const struct cb_strings *list)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addf(&text, "%s ", keyword);
    cb_config_plain_list(&text, list);
    cb_config_history(stage, cb_strbuf_text(&text), 0, 0);
}

int cb_convert_shell(struct cb_stage *stage, const struct cb_item *item,
                     struct cb_error **err)
{
    const struct cb_words *words = &item->inst->words;
    cb_auto_value(cb_strings) shell = {0};

    for (size_t i = 0; i < words->count; i++)
        cb_strings_add(&shell, words->items[i].text);
    replace_strings(&stage->config->shell, &shell);
    stage->config->has_shell = stage->config->shell.count > 0;
    add_list_history(stage, "SHELL", &stage->config->shell);
    return 0;
}

/* ── VOLUME, USER, STOPSIGNAL, MAINTAINER ── */

int cb_convert_volume(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_error **err)
{
    const struct cb_words *words = &item->inst->words;
    cb_auto_value(cb_strings) volumes = {0};

    for (size_t i = 0; i < words->count; i++) {
        cb_autofree char *path = NULL;

        if (cb_scope_expand(stage, item, &words->items[i], &path, err) < 0)
            return -1;
        if (!*path) {
            cb_error_set(err, CB_ERR_SYNTAX,
                         "VOLUME specified can not be an empty string");
            return cb_error_at(err, item->source, words->items[i].span);
        }
        if (stage->config->volumes.count >= CB_MAX_VARIABLES)
            return cb_error_set(err, CB_ERR_UNSUPPORTED, "more than %d volumes",
                                CB_MAX_VARIABLES);
        cb_strings_add_once(&stage->config->volumes, path);
        cb_strings_take(&volumes, cb_steal(&path));
    }
    add_list_history(stage, "VOLUME", &volumes);
    return 0;
}

static void add_word_history(struct cb_stage *stage, const char *keyword,
                             const char *word)
{
    cb_autofree char *text = xasprintf("%s %s", keyword, word);

    cb_config_history(stage, text, 0, 0);
}

int cb_convert_user(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err)
{
    cb_autofree char *user = NULL;

    if (cb_scope_expand(stage, item, &item->inst->word, &user, err) < 0)
        return -1;
    add_word_history(stage, "USER", user);
    free(stage->config->user);
    stage->config->user = cb_steal(&user);
    return 0;
}

/* "MIN", "MIN+1" … "MIN+15", "MAX-14" … "MAX-1", "MAX" */
static int is_realtime(const char *text)
{
    int is_min = strncasecmp(text, "MIN", 3) == 0;
    char *end;
    long offset;

    if (!is_min && strncasecmp(text, "MAX", 3) != 0)
        return 0;
    if (!text[3])
        return 1;
    offset = strtol(text + 3, &end, 10);
    return text[3] == (is_min ? '+' : '-') && isdigit((unsigned char)text[4]) && !*end &&
           labs(offset) <= (is_min ? 15 : 14);
}

/* Of those that programs end at: the others are rarely meant. */
static int hint_signal(const char *name, struct cb_error **err)
{
    static const char *const usual[] = {"SIGTERM", "SIGINT",  "SIGQUIT", "SIGKILL",
                                        "SIGHUP",  "SIGUSR1", "SIGUSR2", "SIGWINCH"};
    const char *near = cb_suggest(name, usual, CB_ARRAY_SIZE(usual));

    return near ? cb_error_hint(err, "did you mean %s?", near) : -1;
}

/* A number but 0, or a name with or without SIG. */
static int is_signal(const char *text)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end != text && !*end)
        return value != 0 && !errno;
    for (int number = 1; number < SIGRTMIN; number++) {
        const char *known = sigabbrev_np(number);

        if (known && !strcasecmp(known, name))
            return 1;
    }
    if (!strcasecmp(name, "IOT") || !strcasecmp(name, "CLD"))
        return 1;
    return strncasecmp(name, "RT", 2) == 0 && is_realtime(name + 2);
}

int cb_convert_stopsignal(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_error **err)
{
    cb_autofree char *name = NULL;

    if (cb_scope_expand(stage, item, &item->inst->word, &name, err) < 0)
        return -1;
    if (!is_signal(name)) {
        cb_error_set(err, CB_ERR_SYNTAX, "invalid signal: `%s`", name);
        hint_signal(name, err);
        return cb_error_at(err, item->source, item->inst->word.span);
    }
    add_word_history(stage, "STOPSIGNAL", name);
    free(stage->config->stop_signal);
    stage->config->stop_signal = cb_steal(&name);
    return 0;
}

int cb_convert_maintainer(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_error **err)
{
    const char *author = item->inst->word.text;

    add_word_history(stage, "MAINTAINER", author);
    free(stage->config->author);
    stage->config->author = xstrdup(author);
    return 0;
}

/* ── WORKDIR ── */

static int add_directory(struct cb_stage *stage, const struct cb_item *item,
                         const char *path, struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};
    struct cb_edge input;

    if (cb_convert_filled(stage->planner, stage->root, &input, err) < 0 ||
        cb_op_mkdir(&vertex, stage->planner->options->env, path, stage->config->user,
                    err) < 0)
        return -1;
    return cb_convert_step(stage, item, &vertex, &input, 1, err);
}

int cb_convert_workdir(struct cb_stage *stage, const struct cb_item *item,
                       struct cb_error **err)
{
    cb_autofree char *written = NULL, *path = NULL;
    int makes_layer;

    if (cb_scope_expand(stage, item, &item->inst->word, &written, err) < 0)
        return -1;
    /* A variable without a value leaves the directory as it is. */
    if (!stage->workdir_set && *written && *written != '/')
        cb_checks_warn_item(
            stage, item, "WorkdirRelativePath",
            "Relative workdir \"%s\" can have unexpected results if the base "
            "image changes",
            written);
    stage->workdir_set = 1;
    path = cb_convert_path(stage, written);
    makes_layer = stage->planner && strcmp(path, "/") != 0;
    if (makes_layer && add_directory(stage, item, path, err) < 0)
        return -1;
    free(stage->config->working_dir);
    stage->config->working_dir = xstrdup(path);
    cb_autofree char *text = xasprintf("WORKDIR %s", path);
    cb_config_history(stage, text, makes_layer, 0);
    return 0;
}
