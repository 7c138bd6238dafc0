/* INCLUDE [--if=…] PATH...: the text of other files in its place, where the file says
 * `# cbuild=1`. It is done twice by the same code. cb_dockerfile_include reads the files
 * and makes one source of all texts; whoever parses that finds the parts where they are,
 * and reads nothing.
 *
 * A file is lexed by its own: the parser's end is that of the file, its directives are
 * read anew, and what the file above it said is put back behind it. */
#include "parser/parser-priv.h"

#include <string.h>
#include <strings.h>

#define MAX_DEPTH 16u
#define MAX_FILES 100u

int cb_include_is_one(const struct cb_request *request)
{
    static const char name[] = "INCLUDE";
    struct cb_range keyword = request->keyword;

    return keyword.end - keyword.start == sizeof(name) - 1 &&
           strncasecmp(request->line->text + keyword.start, name, sizeof(name) - 1) == 0;
}

/* ── Which file ── */

/* The path of the file that PARSER is in, in the root. */
static const char *current_path(const struct cb_parser *parser)
{
    return parser->frames.count ? parser->frames.items[parser->frames.count - 1].path.text
                                : parser->includes->path;
}

/* What WORD names, seen from the file it is in, in the root; NULL: it leads out. In the
 * arena. */
static const char *resolve(const struct cb_parser *parser, const char *word)
{
    const char *from = current_path(parser), *slash = strrchr(from, '/');
    cb_autofree char *dir = xstrndup(from, slash ? (size_t)(slash - from) : 0);
    cb_autofree char *joined =
        *word == '/' ? xstrdup(word) : xasprintf("%s/%s", dir, word);
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) path = {0};

    for (const char *at = joined; *at;) {
        size_t len = strcspn(at, "/");

        if (len == 2 && !strncmp(at, "..", 2)) {
            if (!names.count)
                return NULL;
            free(names.items[--names.count]);
        } else if (len && !(len == 1 && *at == '.')) {
            cb_strings_take(&names, xstrndup(at, len));
        }
        at += len + (at[len] == '/');
    }
    for (size_t i = 0; i < names.count; i++)
        cb_strbuf_addf(&path, "%s%s", i ? "/" : "", names.items[i]);
    return cb_arena_strdup(parser->arena, cb_strbuf_text(&path));
}

/* ── What may not be included ── */

/* "Dockerfile:2, a:1, b:1": the lines that led from the file PATH to here. */
static char *chain(const struct cb_parser *parser, size_t from, struct cb_span last)
{
    cb_auto_value(cb_strbuf) out = {0};

    for (size_t i = from; i <= parser->frames.count; i++) {
        struct cb_span place =
            i < parser->frames.count ? parser->frames.items[i].path.span : last;
        struct cb_span file = place;
        unsigned line;

        cb_source_position(parser->source, place.start, &line, NULL);
        cb_strbuf_addf(&out, "%s%s:%u", i > from ? ", " : "",
                       cb_source_name(cb_source_file(parser->source, &file)), line);
    }
    return cb_strbuf_steal(&out);
}

/* Is the file that is included one of those that include it? */
static int check_circle(const struct cb_parser *parser, const struct cb_word *path,
                        struct cb_error **err)
{
    for (size_t i = 0; i <= parser->frames.count; i++) {
        const char *above =
            i ? parser->frames.items[i - 1].path.text : parser->includes->path;
        cb_autofree char *lines = NULL;

        if (strcmp(above, path->text) != 0)
            continue;
        lines = chain(parser, i, path->span);
        cb_error_set(err, CB_ERR_SYNTAX, "`%s` includes itself: %s", path->text, lines);
        return cb_error_hint(err, "what both need goes into a third file");
    }
    return 0;
}

static int check_limits(const struct cb_parser *parser, struct cb_error **err)
{
    if (parser->frames.count == MAX_DEPTH)
        return cb_error_set(err, CB_ERR_SYNTAX, "INCLUDE is more than %u files deep",
                            MAX_DEPTH);
    if (cb_source_part_count(parser->source) > MAX_FILES)
        return cb_error_set(err, CB_ERR_SYNTAX, "INCLUDE is used for more than %u files",
                            MAX_FILES);
    return 0;
}

/* ── The file's text ── */

static int check_bytes(const struct cb_parser *parser, const struct cb_word *path,
                       const struct cb_source *file, struct cb_error **err)
{
    size_t len, whole;
    const char *text = cb_source_text(file, &len);

    cb_source_text(parser->source, &whole);
    if (whole + len + 1 > CB_DOCKERFILE_MAX_BYTES)
        return cb_error_set(err, CB_ERR_SYNTAX,
                            "the Dockerfile is larger than %u MiB with `%s`",
                            CB_DOCKERFILE_MAX_BYTES >> 20, path->text);
    if (!memchr(text, '\0', len))
        return 0;
    cb_error_set(err, CB_ERR_SYNTAX, "`%s` is no text: it has a NUL byte", path->text);
    return cb_error_hint(err, "INCLUDE is for instructions; COPY takes any file");
}

/* A file that is there already is not read again. */
static struct cb_source *known_file(const struct cb_parser *parser, const char *name)
{
    for (size_t i = 1; i < cb_source_part_count(parser->source); i++) {
        struct cb_source *file = cb_source_part_file(parser->source, i);

        if (strcmp(cb_source_name(file), name) == 0)
            return cb_source_ref(file);
    }
    return NULL;
}

static int read_file(const struct cb_parser *parser, const struct cb_word *path,
                     struct cb_source **out, struct cb_error **err)
{
    const struct cb_includes *includes = parser->includes;
    cb_autofree char *name =
        xasprintf("%s%s", includes->prefix ? includes->prefix : "", path->text);
    cb_auto(cb_source) file = known_file(parser, name);
    cb_auto_value(cb_strbuf) text = {0};

    if (!file) {
        if (includes->read(includes->arg, path->text, &text, err) < 0)
            return -1;
        file = cb_source_new(name, cb_strbuf_text(&text), text.len);
    }
    if (check_bytes(parser, path, file, err) < 0)
        return -1;
    *out = cb_steal(&file);
    return 0;
}

static void use_text(struct cb_parser *parser, size_t part)
{
    parser->text = cb_source_text(parser->source, NULL);
    parser->len = cb_source_part_range(parser->source, part).end;
}

/* Puts the file that WORD names into the source; *PATH: what it is called in the root. */
static int fetch(struct cb_parser *parser, const struct cb_word *word,
                 struct cb_word *path, struct cb_error **err)
{
    cb_auto(cb_source) file = NULL;

    path->text = resolve(parser, word->text);
    if (!path->text) {
        cb_error_set(err, CB_ERR_SYNTAX, "`%s` leads out of %s", word->text,
                     parser->includes->root);
        return cb_error_hint(err, "what is included lies in it: copy the file there");
    }
    if (check_limits(parser, err) < 0 || check_circle(parser, path, err) < 0 ||
        read_file(parser, path, &file, err) < 0)
        return -1;
    cb_source_include(parser->source, parser->part, parser->pos, file, word->span);
    parser->text = cb_source_text(parser->source, NULL);
    return 0;
}

/* ── Into a file and out of it ── */

static void push(struct cb_parser *parser, size_t part, const struct cb_include *include,
                 struct cb_word path)
{
    struct cb_include_frame frame = {
        .include = *include,
        .path = path,
        .part = parser->part,
        .escape = parser->escape,
        .line = cb_parser_line_at(parser, parser->pos),
        .directives_seen = parser->directives_seen,
        .directives = parser->directives,
    };

    if (!parser->escapes.count)
        cb_vec_push(&parser->escapes, parser->escape);
    cb_vec_push(&parser->escapes, '\\');
    cb_vec_push(&parser->frames, frame);
    parser->next_part = part + 1;
    parser->part = part;
    parser->escape = '\\';
    parser->directives = (struct cb_directives){.dialect = frame.directives.dialect};
    parser->directives_done = 0;
    parser->directives_seen = 0;
    parser->counted = parser->pos;
    parser->line = 1;
    parser->below_unknown = 0;
    use_text(parser, part);
}

/* Faults of the file's bytes are told at their place, not at INCLUDE's. */
static int begin(struct cb_parser *parser, struct cb_error **err)
{
    if (cb_parser_check_lines(parser, parser->pos, err) < 0) {
        parser->pos = parser->len;
        return -1;
    }
    cb_parser_skip_mark(parser);
    return 0;
}

/* Enters the file that the next word names. -1: there is no such file, or it is faulty.
 */
static int enter(struct cb_parser *parser, struct cb_include *include,
                 struct cb_error **err)
{
    const struct cb_word *word = &include->words.items[include->next++];
    struct cb_word path = {word->text, word->span};
    size_t part = parser->next_part;

    if (parser->includes && fetch(parser, word, &path, err) < 0)
        return cb_error_at(err, parser->source, word->span);
    if (part >= cb_source_part_count(parser->source) ||
        cb_source_part_range(parser->source, part).start != parser->pos) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "no files can be included here");
        return cb_error_at(err, parser->source, word->span);
    }
    push(parser, part, include, path);
    return begin(parser, err);
}

/* The first of what is left of INCLUDE that can be entered. */
static void go_on(struct cb_parser *parser, struct cb_include *include)
{
    while (include->next < include->words.count) {
        cb_auto(cb_error) error = NULL;
        size_t depth = parser->frames.count;

        if (enter(parser, include, &error) < 0) {
            parser->include_failed = 1;
            if (!cb_parser_keep_error(parser, &error))
                return;
        }
        if (parser->frames.count > depth)
            return;
    }
}

int cb_include_leave(struct cb_parser *parser)
{
    struct cb_include_frame frame;

    if (!parser->frames.count)
        return 0;
    frame = parser->frames.items[--parser->frames.count];
    parser->escapes.items[parser->part] = parser->escape;
    parser->part = frame.part;
    parser->escape = frame.escape;
    parser->directives = frame.directives;
    parser->directives_seen = frame.directives_seen;
    parser->directives_done = 1;
    parser->counted = parser->pos;
    parser->line = frame.line;
    parser->below_unknown = 0;
    use_text(parser, parser->part);
    go_on(parser, &frame.include);
    return 1;
}

/* ── The instruction ── */

/* Of the file that PARSER is in, and all that include it. */
static const struct cb_condition *condition_of(const struct cb_parser *parser)
{
    return parser->frames.count
               ? parser->frames.items[parser->frames.count - 1].include.condition
               : NULL;
}

static int check_words(struct cb_request *request, const struct cb_word_list *words,
                       struct cb_error **err)
{
    if (!words->count)
        return cb_syntax_error(request, cb_request_span(request, request->keyword), err,
                               "INCLUDE requires at least one argument");
    for (size_t i = 0; i < words->count; i++) {
        if (strstr(words->items[i].text, "://")) {
            cb_syntax_error(request, words->items[i].span, err,
                            "INCLUDE takes no URLs: it reads files of the build context");
            return cb_error_hint(err, "copy the file there");
        }
        if (!strchr(words->items[i].text, '$'))
            continue;
        cb_syntax_error(request, words->items[i].span, err,
                        "INCLUDE takes no variables: files are read before any variable "
                        "has a value");
        return cb_error_hint(
            err, "include all that may be needed, each with its --if=…, or choose among "
                 "the stages of a file by FROM name-$VARIABLE");
    }
    return 0;
}

int cb_include_start(struct cb_request *request, struct cb_error **err)
{
    static const struct cb_flag_rule rules[] = {{"if", CB_FLAG_STRING}};
    struct cb_parser *parser = request->parser;
    struct cb_include include = {.condition = condition_of(parser)};
    struct cb_word text = {0};
    cb_auto_value(cb_word_list) words = {0};

    if (cb_flags_check(request, rules, CB_ARRAY_SIZE(rules), err) < 0)
        return -1;
    text = cb_flags_string(request, "if");
    if (cb_split_blanks(&words, request, err) < 0 ||
        check_words(request, &words, err) < 0)
        return -1;
    if (text.text) {
        const struct cb_condition *own;

        if (cb_condition_parse(&own, parser, &text, err) < 0 ||
            cb_inst_condition_quoted(request, err) < 0)
            return -1;
        include.condition = cb_condition_both(parser->arena, include.condition, own);
    }
    include.words = cb_word_list_take(&words, parser->arena);
    go_on(parser, &include);
    return 2;
}

int cb_include_apply(struct cb_request *request, struct cb_instruction *inst,
                     struct cb_error **err)
{
    const struct cb_condition *condition = condition_of(request->parser);

    if (!condition)
        return 0;
    if (inst->kind == CB_INST_FROM) {
        cb_syntax_error(request, inst->span, err,
                        "FROM cannot be in a file that INCLUDE --if names");
        return cb_error_hint(err, "a stage that nothing names is not built: include it "
                                  "without --if");
    }
    inst->condition =
        cb_condition_both(request->parser->arena, condition, inst->condition);
    return 0;
}

/* ── Reading ── */

int cb_include_is_used(struct cb_parser *parser)
{
    struct cb_physical_line line;

    while (cb_physical_line(parser, &line) && cb_directive_take(parser, line))
        parser->pos = line.next;
    return parser->directives.dialect.text && strcasestr(parser->text, "INCLUDE");
}
