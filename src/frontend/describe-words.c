/* One word as JSON: as written, where, and what it comes to. What a word comes to is
 * asked of scope.c, as a build does; a word that cannot be resolved has an error in place
 * of a value, and the rest goes on. */
#include "frontend/convert-priv.h"
#include "frontend/describe-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>

void cb_describe_place(struct cb_describer *describer, struct cb_span span)
{
    unsigned line, column;

    if (!describer->source)
        return;
    cb_source_position(describer->source, span.start, &line, &column);
    cb_writer_int(&describer->writer, "line", line);
    cb_writer_int(&describer->writer, "column", column);
}

/* "value", or "error"; then on which variables of the base it hangs. */
static void write_value(struct cb_describer *describer, const char *value,
                        const struct cb_error *error)
{
    struct cb_writer *writer = &describer->writer;
    struct cb_hidden *hidden = describer->stage ? describer->stage->hidden : NULL;

    cb_writer_text(writer, "value", value);
    if (error)
        cb_writer_text(writer, "error", cb_error_message(error));
    if (hidden)
        cb_writer_strings(writer, "base_variables", &hidden->used);
}

/* All values of an instruction hang on what its --if hangs on. */
static void forget_hidden(struct cb_describer *describer)
{
    if (!describer->stage || !describer->stage->hidden)
        return;
    cb_strings_free(&describer->stage->hidden->used);
    cb_strings_copy(&describer->stage->hidden->used, &describer->behind);
}

static void write_split(struct cb_describer *describer, const struct cb_word *word)
{
    cb_auto_value(cb_strings) values = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_writer *writer = &describer->writer;

    if (cb_scope_expand_split(describer->stage, describer->item, word, &values, &error) <
        0) {
        write_value(describer, NULL, error);
        return;
    }
    cb_writer_open(writer, "values", '[');
    for (size_t i = 0; i < values.count; i++)
        cb_writer_text(writer, NULL, values.items[i]);
    cb_writer_close(writer, ']');
    if (describer->stage->hidden)
        cb_writer_strings(writer, "base_variables", &describer->stage->hidden->used);
}

static void resolve(struct cb_describer *describer, const struct cb_word *word,
                    enum cb_resolve how)
{
    cb_autofree char *value = NULL;
    cb_auto(cb_error) error = NULL;

    forget_hidden(describer);
    if (how == CB_RESOLVE_SPLIT) {
        write_split(describer, word);
        return;
    }
    if (how == CB_RESOLVE_GLOBAL)
        cb_scope_expand_global(&describer->planner, &describer->globals, word, NULL,
                               &value, &error);
    else
        cb_scope_expand(describer->stage, describer->item, word, &value, &error);
    write_value(describer, value, error);
}

void cb_describe_word(struct cb_describer *describer, const char *key,
                      const struct cb_word *word, enum cb_resolve how)
{
    struct cb_writer *writer = &describer->writer;
    int can =
        describer->options->expand && (how == CB_RESOLVE_GLOBAL || describer->stage);

    cb_writer_open(writer, key, '{');
    cb_describe_text(describer, "text", word->text);
    cb_describe_place(describer, word->span);
    if (how != CB_RESOLVE_NOT && can)
        resolve(describer, word, how);
    cb_writer_close(writer, '}');
    cb_describe_flush(describer);
}

/* ── --if ── */

static int decide(struct cb_describer *describer, const struct cb_instruction *inst,
                  struct cb_error **err)
{
    struct cb_item item = *describer->item;

    if (!describer->stage)
        return cb_conditions_global(&describer->planner, inst, &describer->globals, err);
    forget_hidden(describer);
    return cb_conditions_decide(describer->stage, &item, err);
}

int cb_describe_condition(struct cb_describer *describer,
                          const struct cb_instruction *inst)
{
    struct cb_writer *writer = &describer->writer;
    cb_auto(cb_error) error = NULL;
    const struct cb_hidden *hidden;
    int counts;

    cb_strings_free(&describer->behind);
    if (!inst->condition || !describer->options->expand || !describer->item)
        return 1;
    counts = decide(describer, inst, &error);
    hidden = describer->stage ? describer->stage->hidden : NULL;
    cb_writer_open(writer, "condition", '{');
    if (counts < 0)
        cb_writer_text(writer, "value", NULL);
    else
        cb_writer_bool(writer, "value", counts);
    if (error)
        cb_writer_text(writer, "error", cb_error_message(error));
    if (hidden)
        cb_writer_strings(writer, "base_variables", &hidden->used);
    cb_writer_close(writer, '}');
    if (hidden)
        cb_strings_copy(&describer->behind, &hidden->used);
    return counts != 0 || describer->behind.count;
}

/* ── ENV, LABEL, ARG ── */

static void write_declared(struct cb_describer *describer,
                           const struct cb_declared *declared,
                           const struct cb_error *error)
{
    static const char *const origins[] = {
        [CB_ARG_UNSET] = NULL,
        [CB_ARG_GIVEN] = "build-arg",
        [CB_ARG_DEFAULT] = "default",
        [CB_ARG_GLOBAL] = "global",
    };
    struct cb_writer *writer = &describer->writer;

    cb_writer_open(writer, "effective", '{');
    write_value(describer, error ? NULL : declared->value, error);
    cb_writer_text(writer, "from", error ? NULL : origins[declared->origin]);
    cb_writer_close(writer, '}');
}

static void declare(struct cb_describer *describer, const struct cb_pair *pair)
{
    cb_auto_value(cb_declared) declared = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_stage *stage = describer->stage;

    forget_hidden(describer);
    if (stage)
        cb_scope_declare(stage, describer->item, pair, &declared, &error);
    else
        cb_scope_declare_global(&describer->planner, pair, 1, &describer->globals,
                                &declared, &error);
    write_declared(describer, &declared, error);
    if (stage && stage->hidden && declared.value)
        cb_hidden_set(stage->hidden, declared.name, &stage->hidden->used);
}

/* The variables an ENV is going to set, and on what their values hang. */
struct behind {
    CB_VEC(struct variable {
        char *name;
        struct cb_strings names;
    })
    variables;
};

static void behind_free(struct behind *behind)
{
    cb_vec_foreach (variable, &behind->variables) {
        free(variable->name);
        cb_strings_free(&variable->names);
    }
    cb_vec_free(&behind->variables);
}
CB_AUTO_VALUE_DEFINE(behind, behind_free)

static void keep_behind(struct cb_describer *describer, const struct cb_pair *pair,
                        struct behind *behind)
{
    struct variable variable = {0};

    cb_strings_copy(&variable.names, &describer->stage->hidden->used);
    if (cb_scope_expand(describer->stage, describer->item, &pair->key, &variable.name,
                        NULL) < 0)
        variable.name = xstrdup("");
    cb_vec_push(&behind->variables, variable);
}

static void set_env(struct cb_describer *describer, const struct behind *behind)
{
    if (cb_convert_env(describer->stage, describer->item, NULL) < 0)
        return;
    cb_vec_foreach (variable, &behind->variables)
        cb_hidden_set(describer->stage->hidden, variable->name, &variable->names);
}

void cb_describe_pairs(struct cb_describer *describer, const struct cb_instruction *inst)
{
    struct cb_writer *writer = &describer->writer;
    enum cb_resolve how = describer->stage ? CB_RESOLVE_STAGE : CB_RESOLVE_GLOBAL;
    int expand = describer->options->expand && describer->item;
    cb_auto_value(behind) behind = {0};

    cb_writer_open(writer, "pairs", '[');
    for (size_t i = 0; i < inst->pairs.count; i++) {
        const struct cb_pair *pair = &inst->pairs.items[i];

        cb_writer_open(writer, NULL, '{');
        cb_describe_word(describer, "key", &pair->key,
                         describer->stage ? how : CB_RESOLVE_NOT);
        if (pair->value.text)
            cb_describe_word(describer, "value", &pair->value,
                             expand ? how : CB_RESOLVE_NOT);
        else
            cb_writer_text(writer, "value", NULL);
        if (inst->kind == CB_INST_ENV && expand && describer->stage->hidden)
            keep_behind(describer, pair, &behind);
        if (inst->kind == CB_INST_ARG && expand)
            declare(describer, pair);
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, ']');
    if (inst->kind == CB_INST_ENV && expand)
        set_env(describer, &behind);
}

/* ── Heredocs ── */

static void write_body(struct cb_describer *describer, const struct cb_heredoc *heredoc)
{
    cb_autofree char *value = NULL;
    cb_auto(cb_error) error = NULL;

    forget_hidden(describer);
    cb_scope_expand_heredoc(describer->stage, describer->item, heredoc, &value, &error);
    write_value(describer, value, error);
}

void cb_describe_heredocs(struct cb_describer *describer,
                          const struct cb_heredocs *heredocs, int resolve)
{
    struct cb_writer *writer = &describer->writer;

    if (!heredocs->count)
        return;
    cb_writer_open(writer, "heredocs", '[');
    for (size_t i = 0; i < heredocs->count; i++) {
        const struct cb_heredoc *heredoc = &heredocs->items[i];

        cb_writer_open(writer, NULL, '{');
        cb_writer_text(writer, "name", heredoc->name);
        cb_describe_text(describer, "text", heredoc->content);
        cb_writer_int(writer, "fd", heredoc->fd);
        cb_writer_bool(writer, "expand", heredoc->expand);
        cb_writer_bool(writer, "chomp", heredoc->chomp);
        cb_describe_place(describer, heredoc->span);
        if (resolve && heredoc->expand && describer->options->expand && describer->stage)
            write_body(describer, heredoc);
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, ']');
}

/* ── RUN --mount ── */

static void write_mount(struct cb_writer *writer, const struct cb_run_mount *mount)
{
    static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
    static const char *const sharings[] = {"shared", "private", "locked"};

    cb_writer_open(writer, "mount", '{');
    cb_writer_text(writer, "type", types[mount->type]);
    cb_writer_string(writer, "from", mount->from);
    cb_writer_string(writer, "source", mount->source);
    cb_writer_string(writer, "target", mount->target);
    cb_writer_string(writer, "id", mount->id);
    cb_writer_string(writer, "env", mount->env);
    cb_writer_bool(writer, "readonly", mount->read_only);
    cb_writer_true(writer, "required", mount->required);
    if (mount->type == CB_RUN_MOUNT_CACHE)
        cb_writer_text(writer, "sharing", sharings[mount->sharing]);
    if (mount->has_mode)
        cb_writer_int(writer, "mode", mount->mode);
    if (mount->has_uid)
        cb_writer_int(writer, "uid", mount->uid);
    if (mount->has_gid)
        cb_writer_int(writer, "gid", mount->gid);
    if (mount->size_bytes)
        cb_writer_int(writer, "size", (int64_t)mount->size_bytes);
    cb_writer_close(writer, '}');
}

void cb_describe_mount(struct cb_describer *describer, const struct cb_flag *flag)
{
    struct cb_writer *writer = &describer->writer;
    struct cb_stage *stage = describer->stage;
    struct cb_run_mount mount = {0};
    cb_auto(cb_error) error = NULL;

    if (!describer->options->expand || !stage)
        return;
    forget_hidden(describer);
    if (cb_scope_expand_mount(stage, describer->item, flag, &mount, &error) < 0)
        cb_writer_text(writer, "error", cb_error_message(error));
    else
        write_mount(writer, &mount);
    if (stage->hidden)
        cb_writer_strings(writer, "base_variables", &stage->hidden->used);
}
