/* What the parser's files share. Stages of one instruction:
 *
 *     bytes → physical lines → logical line (joined text + map back to the source)
 *           → request (keyword, flags, arguments, JSON form, heredoc bodies)
 *           → struct cb_instruction, by the keyword's row in the table
 *
 * Inside a logical line places are ranges of its text; cb_line_span turns them into spans
 * of the source. */
#ifndef CB_PARSER_PARSER_PRIV_H
#define CB_PARSER_PARSER_PRIV_H

#include "base/utf8.h"
#include "parser/parser.h"

#include <stdint.h>

#define CB_MAX_LINE_BYTES   65535u
#define CB_MAX_LINES        1000000u
#define CB_MAX_INSTRUCTIONS 50000u
#define CB_MAX_WORDS        200000u /* in all instructions together */
#define CB_MAX_ERRORS       20u
#define CB_MAX_STRAY_LINES  1000u

/* ── Text (text.c) ── */

struct cb_range {
    size_t start;
    size_t end;
};

/* What separates the words of a list: ASCII only. */
int cb_text_is_blank(char c);
/* RANGE without Unicode space at either end. */
struct cb_range cb_text_trim(const char *text, struct cb_range range);
struct cb_range cb_text_trim_left(const char *text, struct cb_range range);
/* In double quotes, as Go's %q, cut at 200 bytes. Caller frees. */
char *cb_text_quote(const char *text);
/* A copy cut at 200 bytes, for messages. Caller frees. */
char *cb_text_short(const char *text);
/* " (did you mean X?)" or "". Caller frees. */
char *cb_text_suggestion(const char *word, const char *const *candidates, size_t count);
/* Adds the hint "WHAT PREFIXa, PREFIXb or PREFIXc", or none where nothing can be chosen.
 * Returns -1. */
int cb_text_choices(struct cb_error **err, const char *what, const char *prefix,
                    const char *const *choices, size_t count);

/* ── Lines (lines.c) ── */

/* The joined text from AT on comes from SOURCE_AT on. */
struct cb_piece {
    uint32_t at;
    uint32_t source_at;
};

struct cb_line {
    const char *text; /* ends in NUL; in the arena */
    size_t len;
    struct cb_piece *pieces; /* the parser's; valid until the next line */
    size_t piece_count;
    struct cb_span span;
    const char *comment;  /* comment lines right above, or NULL */
    struct cb_word check; /* of a `# check=` among them */
    struct cb_span blank_span;
    int has_blank; /* a blank line inside the continuation, at blank_span */
};

struct cb_physical_line {
    size_t start, end; /* without the line end */
    size_t next;
};

/* What parser directives said. */
struct cb_directives {
    struct cb_word syntax, check, escape_word, dialect;
};

/* INCLUDE: the files it names, as far as they have been entered. */
struct cb_include {
    struct cb_words words;
    size_t next;
    const struct cb_condition *condition; /* of all that is in them; or NULL */
};

/* A file that was entered, and what to put back behind it. */
struct cb_include_frame {
    struct cb_include include;
    struct cb_word path; /* in the root; its span is INCLUDE's word */
    size_t part;
    char escape;
    unsigned line;
    unsigned directives_seen;
    struct cb_directives directives;
};

struct cb_parser {
    struct cb_arena *arena;
    struct cb_source *source;
    const char *text;
    size_t len;
    size_t pos;
    char escape;

    size_t counted; /* up to here lines are, */
    unsigned line;  /* of which this is the last */

    int directives_done;
    unsigned directives_seen;
    struct cb_directives directives;
    int is_trigger; /* the text is one instruction, stored by a file that is not here */

    struct cb_strbuf joined, comments;
    struct cb_word check_comment; /* among `comments` */
    CB_VEC(struct cb_piece) pieces;
    CB_VEC(struct cb_lint) lints;
    size_t word_count;
    struct cb_error *errors;
    size_t error_count;
    const struct cb_includes *includes; /* files are read; NULL: they are there */
    CB_VEC(struct cb_include_frame) frames;
    CB_VEC(char) escapes;   /* of each part */
    size_t part, next_part; /* of the source */
    int include_failed;
    size_t below_unknown; /* where the line below an unknown instruction begins, or 0 */
    size_t stray_count;
};

/* SOURCE must outlive PARSER. SYNTAX if the text is no text, or too big. */
int cb_parser_init(struct cb_parser *parser, struct cb_arena *arena,
                   struct cb_source *source, struct cb_error **err);
void cb_parser_free(struct cb_parser *parser);
CB_AUTO_VALUE_DEFINE(cb_parser, cb_parser_free)
/* Are the lines from the byte START on as many and as long as they may be? */
int cb_parser_check_lines(struct cb_parser *parser, size_t start, struct cb_error **err);
/* Goes on behind a byte order mark. */
void cb_parser_skip_mark(struct cb_parser *parser);
/* The line that the byte AT is on. Asked in order, so that each line is counted once. */
unsigned cb_parser_line_at(struct cb_parser *parser, size_t at);
/* Keeps *ERROR (taken, unless there are enough) for later: parsing goes on with the next
 * instruction. 0 when there are so many that it should not. */
int cb_parser_keep_error(struct cb_parser *parser, struct cb_error **error);
void cb_parser_lint(struct cb_parser *parser, const char *rule, struct cb_span span,
                    const char *format, ...) CB_PRINTF(4, 5);

/* 1: the physical line at PARSER->pos, 0: end of text. Does not advance. */
int cb_physical_line(const struct cb_parser *parser, struct cb_physical_line *line);
/* 1: the next logical line, 0: end of text. */
int cb_logical_line(struct cb_parser *parser, struct cb_line *line);
struct cb_span cb_line_span(const struct cb_line *line, struct cb_range range);

/* ── Directives (directive.c) ── */

/* Looks at a line while still at the top of the file; 1 if it is a directive. */
int cb_directive_take(struct cb_parser *parser, struct cb_physical_line line);
/* Value of the comment in RANGE (from its # on) if it is a `# check=`. */
int cb_directive_check_comment(struct cb_parser *parser, struct cb_range range,
                               struct cb_word *value);
/* Finds all but `escape` behind a first line "#!…". */
void cb_directive_skip_shebang(struct cb_parser *parser);

/* ── Requests (request.c) ── */

struct cb_flag_word {
    char *name;        /* "--from" */
    const char *value; /* NULL: none given */
    struct cb_span span, value_span;
    int used;
};

struct cb_instruction_class;

struct cb_request {
    struct cb_parser *parser;
    const struct cb_line *line;
    const struct cb_instruction_class *class;
    struct cb_range keyword, args;
    CB_VEC(struct cb_flag_word) flags;
    int is_json;
    int json_like;
    struct cb_words json;
    struct cb_heredocs heredocs; /* bodies, in order */
    struct cb_span end;          /* the last heredoc's terminator, if any */
    struct cb_request *trigger;  /* of ONBUILD */
    int is_trigger;
};

/* Splits LINE from START on; REQUEST is zero. The keyword must be known. */
int cb_request_init(struct cb_request *request, struct cb_parser *parser,
                    const struct cb_line *line, size_t start, struct cb_error **err);
void cb_request_free(struct cb_request *request);
CB_AUTO_VALUE_DEFINE(cb_request, cb_request_free)
/* Text of RANGE, ending in NUL. */
const char *cb_request_text(const struct cb_request *request, struct cb_range range);
/* The same with the heredocs below it, as in the source. */
const char *cb_request_with_bodies(const struct cb_request *request,
                                   struct cb_range range);
struct cb_word cb_request_word(const struct cb_request *request, struct cb_range range);
struct cb_span cb_request_span(const struct cb_request *request, struct cb_range range);
/* Where the arguments are, or the keyword when there are none. */
struct cb_span cb_request_args_span(const struct cb_request *request);
const char *cb_request_name(const struct cb_request *request);
struct cb_command cb_request_command(const struct cb_request *request);

/* Sets a SYNTAX error at SPAN; -1. */
#define cb_syntax_error(request, span, err, ...)      \
    (cb_error_set((err), CB_ERR_SYNTAX, __VA_ARGS__), \
     cb_error_at((err), (request)->parser->source, (span)))

/* ── Words of an instruction (split.c) ── */

struct cb_word_list {
    struct cb_word *items;
    size_t count;
    size_t capacity;
};
void cb_word_list_free(struct cb_word_list *list);
CB_AUTO_VALUE_DEFINE(cb_word_list, cb_word_list_free)
/* The budget of words for the whole file. */
int cb_word_list_check(struct cb_request *request, struct cb_span span,
                       struct cb_error **err);
int cb_word_list_add(struct cb_word_list *list, struct cb_request *request,
                     struct cb_word word, struct cb_error **err);
/* The arena's copy. */
struct cb_words cb_word_list_take(struct cb_word_list *list, struct cb_arena *arena);
/* Of the arguments: at ASCII blanks, quotes meaning nothing. */
int cb_split_blanks(struct cb_word_list *list, struct cb_request *request,
                    struct cb_error **err);
/* Of the arguments: at spaces outside quotes, quotes kept. */
int cb_split_quoted(struct cb_word_list *list, struct cb_request *request,
                    struct cb_error **err);

/* ── Flags (flags.c) ── */

enum cb_flag_type { CB_FLAG_BOOL, CB_FLAG_STRING, CB_FLAG_STRINGS };

struct cb_flag_rule {
    const char *name;
    enum cb_flag_type type;
};

/* Takes the leading --words of REST off; returns where the arguments begin. */
size_t cb_flags_split(struct cb_request *request, struct cb_range rest);
/* Every flag given is one of RULES, with a value of its type, and once. Those that
 * are not are errors, all of them. */
int cb_flags_check(struct cb_request *request, const struct cb_flag_rule *rules,
                   size_t count, struct cb_error **err);
/* Value of a string flag, text NULL if it was not given. */
struct cb_word cb_flags_string(const struct cb_request *request, const char *name);
/* 1 or 0; -1 if it was not given. */
int cb_flags_bool(const struct cb_request *request, const char *name);
struct cb_words cb_flags_strings(const struct cb_request *request, const char *name);

/* ── JSON form (json-form.c) ── */

/* 1: the arguments of REQUEST from START on are a JSON array of strings, now in
 * request->json; 0: they are not JSON; -1: an array with something else in it. */
int cb_json_form_parse(struct cb_request *request, size_t start, struct cb_error **err);

/* ── Heredocs (heredoc.c) ── */

/* 1 if WORD opens a heredoc; NAME's text in ARENA, no content yet. */
int cb_heredoc_parse_word(struct cb_heredoc *out, struct cb_arena *arena,
                          const char *word, struct cb_error **err);
/* Reads the bodies of the heredocs that the line opens; the parser goes on behind them.
 */
int cb_heredoc_read(struct cb_request *request, struct cb_error **err);

/* ── Instructions (instruction.c and inst-*.c) ── */

enum {
    CB_ARGS_JSON = 1,    /* may be given in JSON form */
    CB_ARGS_HEREDOC = 2, /* may open heredocs */
};

struct cb_instruction_class {
    const char *name;
    unsigned features;
    int (*parse)(struct cb_request *request, struct cb_instruction *out,
                 struct cb_error **err);
};

/* By name, any case; NULL if there is none. */
const struct cb_instruction_class *cb_instruction_class_find(const char *name,
                                                             size_t len);
enum cb_instruction_kind
cb_instruction_class_kind(const struct cb_instruction_class *class);
/* "unknown instruction: FRM (did you mean FROM?)" */
int cb_instruction_unknown(struct cb_request *request, struct cb_error **err);
/* What REQUEST says of itself; its arguments are not read yet. */
struct cb_instruction *cb_instruction_new(const struct cb_request *request);
/* The next instruction, in *OUT; 0 at the end of the text; -1 with the parser behind the
 * instruction at fault; 2 for a stray line, that only goes on with the mistake above it.
 */
int cb_instruction_next(struct cb_parser *parser, struct cb_instruction **out,
                        enum cb_instruction_kind *kind_at_fault, struct cb_error **err);

int cb_inst_from(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_run(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_command(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_pairs(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_arg(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_copy(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_maintainer(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_expose(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_volume(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_single(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_shell(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_onbuild(struct cb_request *, struct cb_instruction *, struct cb_error **);
int cb_inst_healthcheck(struct cb_request *, struct cb_instruction *, struct cb_error **);

/* "RUN requires at least one argument" and its like, at the keyword. */
int cb_inst_too_few(struct cb_request *request, struct cb_error **err);
/* Refuses every flag. */
int cb_inst_no_flags(struct cb_request *request, struct cb_error **err);

/* inst-if.c: takes --if off the flags of REQUEST, where the dialect has it. */
int cb_inst_condition(struct cb_request *request, struct cb_instruction *out,
                      struct cb_error **err);
/* An expression that is not quoted ends at its first blank: what stands there is no
 * operator. */
int cb_inst_condition_quoted(struct cb_request *request, struct cb_error **err);
/* condition.c: both of them hold. Either may be NULL. */
const struct cb_condition *cb_condition_both(struct cb_arena *arena,
                                             const struct cb_condition *one,
                                             const struct cb_condition *other);
/* TEXT as an expression. */
int cb_condition_parse(const struct cb_condition **out, struct cb_parser *parser,
                       const struct cb_word *text, struct cb_error **err);

/* ── INCLUDE (include.c) ── */

int cb_include_is_one(const struct cb_request *request);
/* Goes on in the files that REQUEST names: 2; -1: it says none. Mistakes of the files are
 * kept. */
int cb_include_start(struct cb_request *request, struct cb_error **err);
/* At the end of a file: 1, behind it or in the next one; 0: it is the end of all. */
int cb_include_leave(struct cb_parser *parser);
/* What the --if of INCLUDE means for INST of an included file. */
int cb_include_apply(struct cb_request *request, struct cb_instruction *inst,
                     struct cb_error **err);
/* May the text have an INCLUDE? PARSER is at its beginning and does not go on. */
int cb_include_is_used(struct cb_parser *parser);

/* ── Values of flags ── */

/* Checks a --mount as written as far as it can be before expansion. */
int cb_run_mount_check(const char *value, struct cb_error **err);
int cb_run_device_check(const char *value, struct cb_error **err);

#endif
