/* COPY and ADD → a copy vertex. Sources come from the context, a stage, an image
 * (--from), or the text itself (heredocs). ADD of URLs and git repositories is told apart
 * here and refused. */
#include "frontend/frontend-priv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct copy { /* what the options point to */
    CB_VEC(struct cb_copy_source) sources;
    struct cb_strings texts; /* expanded words and bodies */
    struct cb_strings exclude;
    char *dest, *dest_text, *chown, *chmod;
};

static void copy_free(struct copy *copy)
{
    cb_vec_free(&copy->sources);
    cb_strings_free(&copy->texts);
    cb_strings_free(&copy->exclude);
    free(copy->dest);
    free(copy->dest_text);
    free(copy->chown);
    free(copy->chmod);
}

/* ── Sources ── */

static int has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int is_url(const char *text)
{
    return has_prefix(text, "http://") || has_prefix(text, "https://");
}

/* git@host:path, ssh://, git://, and http(s) URLs of which the path ends in .git. */
static int is_git(const char *text)
{
    size_t len = strcspn(text, "#?");

    if (has_prefix(text, "git@") || has_prefix(text, "ssh://") ||
        has_prefix(text, "git://"))
        return 1;
    return is_url(text) && len > 4 && !strncmp(text + len - 4, ".git", 4);
}

static int check_source(const struct cb_item *item, const char *path,
                        struct cb_error **err)
{
    int add = item->inst->kind == CB_INST_ADD;

    if (is_git(path))
        return add ? cb_error_set(err, CB_ERR_UNSUPPORTED,
                                  "ADD of a git repository is not supported: `%s`", path)
                   : cb_error_set(err, CB_ERR_SYNTAX,
                                  "source can't be a git ref for COPY: `%s`", path);
    if (is_url(path))
        return add ? cb_error_set(err, CB_ERR_UNSUPPORTED,
                                  "ADD of a URL is not supported: `%s`", path)
                   : cb_error_set(err, CB_ERR_SYNTAX,
                                  "source can't be a URL for COPY: `%s`", path);
    return 0;
}

static int add_path(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_word *word, struct copy *copy, struct cb_error **err)
{
    struct cb_copy_source source = {.input = 1};
    char *path = NULL;

    if (cb_scope_expand(stage, item, word, &path, err) < 0)
        return -1;
    cb_strings_take(&copy->texts, path);
    if (check_source(item, path, err) < 0) {
        if (item->inst->kind == CB_INST_ADD)
            cb_error_hint(err, "fetch it in a RUN step, or before the build and COPY it");
        return cb_error_at(err, item->source, word->span);
    }
    source.path = path;
    cb_vec_push(&copy->sources, source);
    if (item->origins->kind == CB_ORIGIN_CONTEXT)
        cb_checks_ignored(stage, item, path);
    return 0;
}

static int add_heredoc(struct cb_stage *stage, const struct cb_item *item,
                       const struct cb_heredoc *heredoc, struct copy *copy,
                       struct cb_error **err)
{
    struct cb_copy_source source = {
        .input = -1,
        .name = heredoc->name,
        .content = heredoc->content,
        .content_len = heredoc->len,
    };

    if (heredoc->expand) {
        char *text = NULL;

        if (cb_scope_expand_raw(stage, item, heredoc->content, heredoc->len,
                                heredoc->span, &text, err) < 0)
            return -1;
        cb_strings_take(&copy->texts, text);
        source.content = text;
        source.content_len = strlen(text);
    }
    cb_vec_push(&copy->sources, source);
    return 0;
}

static int add_sources(struct cb_stage *stage, const struct cb_item *item,
                       struct copy *copy, struct cb_error **err)
{
    const struct cb_inst_copy *inst = &item->inst->copy;

    for (size_t i = 0; i < inst->sources.count; i++) {
        if (add_path(stage, item, &inst->sources.items[i], copy, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < inst->heredocs.count; i++) {
        if (add_heredoc(stage, item, &inst->heredocs.items[i], copy, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Destination and flags ── */

/* The trailing slash says "into a directory"; "" and "." mean the WORKDIR, which is one.
 */
static void set_dest(struct cb_stage *stage, struct copy *copy)
{
    const char *text = copy->dest_text;
    size_t len = strlen(text);
    int slash = !len || text[len - 1] == '/' || !strcmp(text, ".") ||
                (len >= 2 && !strcmp(text + len - 2, "/."));
    cb_autofree char *path = cb_convert_path(stage, text);

    copy->dest = slash && strcmp(path, "/") ? xasprintf("%s/", path) : xstrdup(path);
}

/* Octal from 0 to 07777, or symbolic (which the copy itself understands). */
static int check_chmod(const char *mode, struct cb_error **err)
{
    char *end;
    unsigned long value;

    if (!isdigit((unsigned char)*mode) && *mode)
        return 0;
    value = strtoul(mode, &end, 8);
    if (*mode && !*end && value <= 07777)
        return 0;
    return cb_error_set(
        err, CB_ERR_SYNTAX,
        "invalid chmod parameter: '%s'. it should be octal string and between 0 "
        "and 07777",
        mode);
}

static int expand_flag(struct cb_stage *stage, const struct cb_item *item,
                       const struct cb_word *word, char **out, struct cb_error **err)
{
    if (!word->text || cb_scope_expand(stage, item, word, out, err) < 0)
        return word->text ? -1 : 0;
    if (**out)
        return 0;
    free(*out);
    *out = NULL;
    return 0;
}

static int expand_flags(struct cb_stage *stage, const struct cb_item *item,
                        struct copy *copy, struct cb_error **err)
{
    const struct cb_inst_copy *inst = &item->inst->copy;

    if (cb_scope_expand(stage, item, &inst->dest, &copy->dest_text, err) < 0 ||
        expand_flag(stage, item, &inst->chown, &copy->chown, err) < 0 ||
        expand_flag(stage, item, &inst->chmod, &copy->chmod, err) < 0)
        return -1;
    if (copy->chmod && check_chmod(copy->chmod, err) < 0)
        return cb_error_at(err, item->source, inst->chmod.span);
    if (inst->checksum.text) {
        cb_error_set(err, CB_ERR_SYNTAX, "--checksum requires an HTTP(S) or git source");
        return cb_error_at(err, item->source, inst->checksum.span);
    }
    for (size_t i = 0; i < inst->exclude.count; i++)
        cb_strings_add(&copy->exclude, inst->exclude.items[i].text);
    set_dest(stage, copy);
    return 0;
}

/* ── The vertex ── */

static void add_history(struct cb_stage *stage, const struct cb_item *item,
                        const struct copy *copy)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, cb_instruction_name(item->inst->kind));
    cb_vec_foreach (source, &copy->sources)
        cb_strbuf_addf(&text, source->path ? " %s" : " <<%s",
                       source->path ? source->path : source->name);
    cb_strbuf_addf(&text, " %s", copy->dest_text);
    cb_config_history(stage, cb_strbuf_text(&text), 1, 1);
}

/* What a linked copy is copied to: nothing. Names in --chown are still the stage's. */
static int link_inputs(struct cb_stage *stage, struct cb_copy_options *options,
                       struct cb_edge inputs[3], size_t *input_count,
                       struct cb_error **err)
{
    if (cb_convert_filled(stage->planner, (struct cb_edge){0}, &inputs[0], err) < 0)
        return -1;
    if (!stage->root.vertex || !cb_copy_owner_is_named(options->chown))
        return 0;
    options->owner_input = (int)*input_count;
    inputs[(*input_count)++] = stage->root;
    return 0;
}

static int add_vertex(struct cb_stage *stage, const struct cb_item *item,
                      const struct copy *copy, struct cb_error **err)
{
    const struct cb_inst_copy *inst = &item->inst->copy;
    struct cb_vertex_options vertex = {0};
    struct cb_edge inputs[3], base = stage->root;
    size_t input_count = inst->sources.count ? 2 : 1;
    struct cb_copy_options options = {
        .sources = copy->sources.items,
        .source_count = copy->sources.count,
        .dest = copy->dest,
        .chown = copy->chown,
        .chmod = copy->chmod,
        .exclude = copy->exclude.count ? &copy->exclude : NULL,
        .parents = inst->parents,
        .unpack = item->inst->kind == CB_INST_ADD && inst->unpack != 0,
        .from_stage = item->origins->kind != CB_ORIGIN_CONTEXT &&
                      item->origins->kind != CB_ORIGIN_NAMED,
        .link = inst->link,
        .allow_missing_glob = 1,
    };

    if ((input_count == 2 &&
         cb_convert_origin(stage, item, item->origins, &inputs[1], err) < 0) ||
        (inst->link
             ? link_inputs(stage, &options, inputs, &input_count, err)
             : cb_convert_filled(stage->planner, stage->root, &inputs[0], err)) < 0 ||
        cb_op_copy(&vertex, stage->planner->options->env, &options, err) < 0 ||
        cb_convert_step(stage, item, &vertex, inputs, input_count, err) < 0)
        return -1;
    return inst->link ? cb_convert_linked(stage, item, base, err) : 0;
}

int cb_convert_copy(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err)
{
    struct copy copy = {0};
    int rc = expand_flags(stage, item, &copy, err);

    if (rc == 0)
        rc = add_sources(stage, item, &copy, err);
    if (rc == 0)
        rc = add_vertex(stage, item, &copy, err);
    if (rc == 0)
        add_history(stage, item, &copy);
    copy_free(&copy);
    return rc;
}
