/* COPY and ADD → a copy vertex. Sources come from the context, a stage, an image
 * (--from), the text itself (heredocs), or, for ADD, from elsewhere (convert-fetch.c).
 * Each source is told apart for itself. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>

struct copy { /* what the options point to */
    CB_VEC(struct cb_copy_source) sources;
    CB_VEC(struct cb_edge) inputs; /* of the vertex */
    int origin;              /* index of the one that plain paths are of; 0: none yet */
    struct cb_strings texts; /* expanded words and bodies */
    struct cb_strings shown; /* sources, as the history tells them */
    struct cb_strings exclude;
    char *dest, *dest_text, *chown, *chmod, *checksum;
};

static void copy_free(struct copy *copy)
{
    cb_vec_free(&copy->sources);
    cb_vec_free(&copy->inputs);
    cb_strings_free(&copy->texts);
    cb_strings_free(&copy->shown);
    cb_strings_free(&copy->exclude);
    free(copy->dest);
    free(copy->dest_text);
    free(copy->chown);
    free(copy->chmod);
    free(copy->checksum);
}

/* ── Sources ── */

static int add_plain(struct cb_stage *stage, const struct cb_item *item, const char *path,
                     struct copy *copy, struct cb_error **err)
{
    struct cb_copy_source source = {.path = path};
    struct cb_edge edge;

    if (!copy->origin) {
        if (cb_convert_origin(stage, item, item->origins, &edge, err) < 0)
            return -1;
        copy->origin = (int)copy->inputs.count;
        cb_vec_push(&copy->inputs, edge);
    }
    source.input = copy->origin;
    cb_vec_push(&copy->sources, source);
    if (item->origins->kind == CB_ORIGIN_CONTEXT)
        cb_checks_ignored(stage, item, path);
    return 0;
}

/* What is fetched is a path of its own input. */
static void add_fetched(struct cb_added_source *added, struct copy *copy)
{
    struct cb_copy_source source = {.input = (int)copy->inputs.count,
                                    .path = added->name,
                                    .fetched = 1,
                                    .with_times = added->with_times,
                                    .unpack = added->unpack};

    cb_strings_take(&copy->texts, added->name);
    cb_vec_push(&copy->inputs, added->edge);
    cb_vec_push(&copy->sources, source);
}

static int add_path(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_word *word, struct copy *copy, struct cb_error **err)
{
    const struct cb_adding adding = {.stage = stage,
                                     .item = item,
                                     .word = word,
                                     .checksum = copy->checksum,
                                     .dest = copy->dest};
    struct cb_added_source added;
    char *path = NULL;
    int found;

    if (cb_scope_expand(stage, item, word, &path, err) < 0)
        return -1;
    cb_strings_take(&copy->texts, path);
    cb_strings_add(&copy->shown, path);
    if (cb_exports_check_source(stage, item, path, err) < 0)
        return cb_error_at(err, item->source, word->span);
    found = cb_convert_fetch(&adding, path, &added, err);
    if (found > 0) {
        add_fetched(&added, copy);
        return 0;
    }
    if (found < 0) {
        free(added.name);
        return cb_error_at(err, item->source, word->span);
    }
    if (copy->checksum) {
        cb_error_set(err, CB_ERR_SYNTAX, "checksum requires HTTP(S) or Git sources");
        return cb_error_at(err, item->source, item->inst->copy.checksum.span);
    }
    return add_plain(stage, item, path, copy, err);
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

        if (cb_scope_expand_heredoc(stage, item, heredoc, &text, err) < 0)
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

/* BuildKit takes patterns as written, with their own backslashes and quotes: only those
 * that hold a variable are expanded. */
static int add_excludes(struct cb_stage *stage, const struct cb_item *item,
                        struct copy *copy, struct cb_error **err)
{
    const struct cb_inst_copy *inst = &item->inst->copy;

    for (size_t i = 0; i < inst->exclude.count; i++) {
        const struct cb_word *word = &inst->exclude.items[i];
        char *pattern = NULL;

        if (!strchr(word->text, '$')) {
            cb_strings_add(&copy->exclude, word->text);
            continue;
        }
        if (cb_scope_expand(stage, item, word, &pattern, err) < 0)
            return -1;
        cb_strings_take(&copy->exclude, pattern);
        if (!*pattern) {
            cb_error_set(err, CB_ERR_SYNTAX, "--exclude=%s is empty", word->text);
            return cb_error_at(err, item->source, word->span);
        }
    }
    return 0;
}

static int expand_flags(struct cb_stage *stage, const struct cb_item *item,
                        struct copy *copy, struct cb_error **err)
{
    const struct cb_inst_copy *inst = &item->inst->copy;

    if (cb_scope_expand(stage, item, &inst->dest, &copy->dest_text, err) < 0 ||
        expand_flag(stage, item, &inst->chown, &copy->chown, err) < 0 ||
        expand_flag(stage, item, &inst->chmod, &copy->chmod, err) < 0 ||
        expand_flag(stage, item, &inst->checksum, &copy->checksum, err) < 0)
        return -1;
    if (copy->chmod && cb_chmod_check(copy->chmod, err) < 0)
        return cb_error_at(err, item->source, inst->chmod.span);
    if (copy->checksum && inst->sources.count + inst->heredocs.count != 1) {
        cb_error_set(err, CB_ERR_SYNTAX,
                     "checksum can't be specified for multiple sources");
        return cb_error_at(err, item->source, inst->checksum.span);
    }
    set_dest(stage, copy);
    return add_excludes(stage, item, copy, err);
}

/* ── The vertex ── */

static void add_history(struct cb_stage *stage, const struct cb_item *item,
                        const struct copy *copy)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, cb_instruction_name(item->inst->kind));
    cb_vec_foreach (word, &copy->shown) {
        cb_autofree char *shown = cb_redact_urls(*word);

        cb_strbuf_addf(&text, " %s", shown);
    }
    cb_vec_foreach (source, &copy->sources) {
        if (!source->path)
            cb_strbuf_addf(&text, " <<%s", source->name);
    }
    cb_strbuf_addf(&text, " %s", copy->dest_text);
    cb_config_history(stage, cb_strbuf_text(&text), 1, 1);
}

/* What is copied to: the stage's files, or nothing when the copy is to be linked. */
static int add_destination(struct cb_stage *stage, const struct cb_item *item,
                           struct copy *copy, struct cb_error **err)
{
    const struct cb_edge nothing = {0};
    struct cb_edge root;

    if (cb_convert_filled(stage->planner, item->inst->copy.link ? nothing : stage->root,
                          &root, err) < 0)
        return -1;
    cb_vec_push(&copy->inputs, root);
    return 0;
}

/* The input that --chown's names are looked up in: a linked copy's is the stage, although
 * it is not what is copied to. */
static int owner_input(struct cb_stage *stage, const struct cb_item *item,
                       struct copy *copy)
{
    if (!item->inst->copy.link || !stage->root.vertex ||
        !cb_copy_owner_is_named(copy->chown))
        return 0;
    cb_vec_push(&copy->inputs, stage->root);
    return (int)copy->inputs.count - 1;
}

static int add_vertex(struct cb_stage *stage, const struct cb_item *item,
                      struct copy *copy, struct cb_error **err)
{
    const struct cb_inst_copy *inst = &item->inst->copy;
    const struct cb_edge base = stage->root;
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
        .optional = inst->if_exists,
        .owner_input = owner_input(stage, item, copy),
    };
    struct cb_vertex_options vertex = {.input_count = copy->inputs.count};

    if (cb_op_copy(&vertex, stage->planner->options->env, &options, err) < 0 ||
        cb_convert_step(stage, item, &vertex, copy->inputs.items, copy->inputs.count,
                        err) < 0)
        return -1;
    return inst->link ? cb_convert_linked(stage, item, base, err) : 0;
}

int cb_convert_copy(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err)
{
    struct copy copy = {0};
    int rc = expand_flags(stage, item, &copy, err);

    if (rc == 0)
        rc = add_destination(stage, item, &copy, err);
    if (rc == 0)
        rc = add_sources(stage, item, &copy, err);
    if (rc == 0)
        rc = add_vertex(stage, item, &copy, err);
    if (rc == 0) {
        cb_checks_copied(stage, item, copy.dest);
        add_history(stage, item, &copy);
    }
    copy_free(&copy);
    return rc;
}
