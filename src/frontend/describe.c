/* A Dockerfile as JSON, for editors and tools: directives, global ARGs, stages with their
 * instructions in order. With `expand` the planner's tables are filled as for a build,
 * but no image is looked up, nothing is converted, and each word is resolved when its
 * turn comes. The schema is docs/design/parse-json.md. */
#include "frontend/convert-priv.h"
#include "frontend/describe-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>

#define SCHEMA_VERSION 1
#define FLUSH_BYTES    65536

static void flush(struct cb_describer *describer)
{
    struct cb_strbuf *out = describer->writer.out;

    describer->options->write(describer->options->arg, cb_strbuf_text(out), out->len);
    cb_strbuf_truncate(out, 0);
}

void cb_describe_flush(struct cb_describer *describer)
{
    if (describer->writer.out->len >= FLUSH_BYTES)
        flush(describer);
}

/* Length of a piece of TEXT that ends between two characters. */
static size_t piece_length(const char *text)
{
    size_t len = strnlen(text, FLUSH_BYTES);

    while (text[len] && len > FLUSH_BYTES - 4 &&
           ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void cb_describe_text(struct cb_describer *describer, const char *key, const char *text)
{
    struct cb_strbuf *out = describer->writer.out;

    cb_writer_begin(&describer->writer, key);
    cb_strbuf_addc(out, '"');
    for (size_t len; *text; text += len) {
        cb_auto_value(cb_strbuf) quoted = {0};
        cb_autofree char *piece = NULL;

        len = piece_length(text);
        piece = xstrndup(text, len);
        cb_strbuf_add_json(&quoted, piece);
        cb_strbuf_add(out, quoted.text + 1, quoted.len - 2);
        cb_describe_flush(describer);
    }
    cb_strbuf_addc(out, '"');
}

/* ── Directives ── */

struct directive {
    const char *name;
    const struct cb_word *value;
};

static int by_place(const void *a, const void *b)
{
    const struct directive *one = a, *other = b;
    size_t first = one->value->span.start, second = other->value->span.start;

    return first < second ? -1 : first > second;
}

static void write_directives(struct cb_describer *describer)
{
    const struct cb_dockerfile *file = describer->planner.file;
    struct cb_writer *writer = &describer->writer;
    struct directive directives[] = {{"syntax", &file->syntax},
                                     {"escape", &file->escape_word},
                                     {"check", &file->check},
                                     {"cbuild", &file->dialect}};

    qsort(directives, CB_ARRAY_SIZE(directives), sizeof(*directives), by_place);
    cb_writer_open(writer, "directives", '[');
    for (size_t i = 0; i < CB_ARRAY_SIZE(directives); i++) {
        if (!directives[i].value->text)
            continue;
        cb_writer_open(writer, NULL, '{');
        cb_writer_text(writer, "name", directives[i].name);
        cb_writer_text(writer, "value", directives[i].value->text);
        cb_describe_place(describer, directives[i].value->span);
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, ']');
}

static void write_global_args(struct cb_describer *describer)
{
    const struct cb_dockerfile *file = describer->planner.file;

    cb_writer_open(&describer->writer, "global_args", '[');
    for (size_t i = 0; i < file->global_arg_count; i++) {
        struct cb_item item = {.inst = file->global_args[i], .source = file->source};

        describer->item = &item;
        cb_describe_instruction(describer, NULL, item.inst);
        describer->item = NULL;
        cb_describe_flush(describer);
    }
    cb_writer_close(&describer->writer, ']');
}

/* ── Stages ── */

/* The variables a stage starts with: those of the stage it starts from, those of the
 * empty image, or, of an image that is not looked up, none. */
static void start_scope(struct cb_stage *stage)
{
    const struct cb_stage *base = stage->base_stage;

    stage->no_history = 1;
    if (base) {
        stage->config = cb_image_config_copy(base->config);
        cb_scope_inherit(stage, base, NULL);
        if (base->hidden)
            stage->hidden = cb_hidden_new(base->hidden);
        return;
    }
    stage->config = cb_config_scratch(&stage->platform);
    if (stage->base)
        stage->hidden = cb_hidden_new(NULL);
    else
        cb_convert_start_env(stage, NULL);
}

static void write_base(struct cb_describer *describer, const struct cb_stage *stage)
{
    struct cb_writer *writer = &describer->writer;
    cb_autofree char *platform = cb_platform_text(&stage->platform);

    cb_writer_open(writer, "base", '{');
    if (stage->base_stage) {
        cb_writer_text(writer, "kind", "stage");
        cb_writer_text(writer, "name", stage->base_stage->def->name);
        cb_writer_int(writer, "index", (int64_t)stage->base_stage->index);
    } else if (stage->base) {
        cb_writer_text(writer, "kind", "image");
        cb_writer_text(writer, "name", stage->base->name);
    } else {
        cb_writer_text(writer, "kind", "scratch");
    }
    if (!stage->base_stage)
        cb_writer_text(writer, "platform", platform);
    cb_writer_bool(writer, "env_known", !stage->hidden);
    cb_writer_close(writer, '}');
}

/* ONBUILD lines of the stage it starts from. */
static void write_triggers(struct cb_describer *describer, struct cb_stage *stage)
{
    struct cb_source *source = describer->source;

    cb_writer_open(&describer->writer, "triggers", '[');
    describer->source = NULL;
    cb_vec_foreach (item, &stage->items) {
        if (!item->onbuild)
            break;
        describer->item = item;
        cb_describe_instruction(describer, NULL, item->inst);
        cb_describe_flush(describer);
    }
    describer->source = source;
    describer->item = NULL;
    cb_writer_close(&describer->writer, ']');
}

static void write_instructions(struct cb_describer *describer,
                               const struct cb_stage_def *def)
{
    cb_writer_open(&describer->writer, "instructions", '[');
    cb_describe_instruction(describer, NULL, def->from);
    for (size_t i = 0; i < def->count; i++) {
        struct cb_item item = {.inst = def->items[i], .source = describer->source};

        describer->item = &item;
        item.place = item.inst->span;
        cb_describe_instruction(describer, NULL, item.inst);
        describer->item = NULL;
        cb_describe_flush(describer);
    }
    cb_writer_close(&describer->writer, ']');
}

static void write_stage(struct cb_describer *describer, const struct cb_stage_def *def)
{
    struct cb_writer *writer = &describer->writer;
    struct cb_stage *stage = NULL;

    cb_writer_open(writer, NULL, '{');
    cb_writer_int(writer, "index", (int64_t)def->index);
    cb_writer_text(writer, "name", def->name);
    if (describer->options->expand) {
        stage = &describer->planner.stages[def->index];
        start_scope(stage);
        write_base(describer, stage);
        describer->stage = stage;
        write_triggers(describer, stage);
    }
    write_instructions(describer, def);
    describer->stage = NULL;
    cb_writer_close(writer, '}');
}

static void write_file(struct cb_describer *describer)
{
    const struct cb_dockerfile *file = describer->planner.file;
    struct cb_writer *writer = &describer->writer;
    const char escape[] = {file->escape, '\0'};

    cb_writer_open(writer, NULL, '{');
    cb_writer_int(writer, "version", SCHEMA_VERSION);
    cb_writer_text(writer, "file", cb_source_name(file->source));
    cb_writer_text(writer, "escape", escape);
    write_directives(describer);
    write_global_args(describer);
    cb_writer_open(writer, "stages", '[');
    for (size_t i = 0; i < file->stage_count; i++)
        write_stage(describer, &file->stages[i]);
    cb_writer_close(writer, ']');
    cb_writer_close(writer, '}');
    cb_strbuf_addc(writer->out, '\n');
    flush(describer);
}

/* ── The planner, as far as words need it ── */

static int prepare(struct cb_describer *describer, struct cb_error **err)
{
    struct cb_planner *planner = &describer->planner;

    if (cb_dockerfile_parse_partly(&planner->file, describer->options->source, err) < 0)
        return describer->options->expand ? cb_planner_rehearse_too(planner, 1, err) : -1;
    describer->source = planner->file->source;
    describer->main = cb_source_nth_file(describer->source, 0);
    if (!describer->options->expand)
        return 0;
    if (cb_scope_globals(planner, err) < 0 || cb_stages_init(planner, err) < 0 ||
        !cb_stages_target(planner, err))
        return -1;
    for (size_t i = 0; i < planner->stage_count; i++) {
        if (planner->stages[i].base_stage &&
            cb_convert_triggers(&planner->stages[i], err) < 0)
            return -1;
    }
    cb_scope_platform_args(planner, 1, &describer->globals);
    return 0;
}

int cb_frontend_describe(const struct cb_describe_options *options, struct cb_error **err)
{
    struct cb_build_env env = {.source_date_epoch = -1};
    struct cb_frontend_options frontend = {
        .env = &env,
        .source = options->source,
        .build_args = options->build_args,
        .target = options->target,
        .platform = options->platform,
        .build_platform = options->build_platform,
    };
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_describer describer = {
        .options = options,
        .planner = {.options = &frontend,
                    .arena = cb_arena_new(),
                    .work = CB_MAX_EXPANSION_WORK},
        .writer = {.out = &out, .indent = 2},
    };
    int rc;

    /* Warnings are `cbuild lint`'s. */
    describer.planner.checks.silent = 1;
    describer.planner.checks.seen = cb_map_new(NULL);
    rc = prepare(&describer, err);
    if (rc == 0)
        write_file(&describer);
    cb_strings_free(&describer.globals);
    cb_strings_free(&describer.behind);
    cb_planner_clear(&describer.planner);
    return rc;
}
