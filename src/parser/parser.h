/* Dockerfile text → struct cb_dockerfile: values with spans, no meaning, no I/O.
 *
 * The parser knows lines, directives, heredocs, flags, JSON forms and which arguments
 * each instruction takes. It expands no variables: words are kept as written, the
 * frontend expands them with cb_word_expand when the scope is known. Reference: BuildKit
 * frontend/dockerfile (parser, instructions, shell) as described in
 * docs/design/dockerfile-support.md. Limits: 16 MiB of text, 1000 stages, 65535 bytes a
 * line. */
#ifndef CB_PARSER_PARSER_H
#define CB_PARSER_PARSER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/source.h"
#include "base/vec.h"

#include <stdint.h>

#define CB_DOCKERFILE_MAX_BYTES (16u << 20)
#define CB_MAX_STAGES           1000

enum cb_instruction_kind {
    CB_INST_FROM,
    CB_INST_RUN,
    CB_INST_CMD,
    CB_INST_LABEL,
    CB_INST_MAINTAINER,
    CB_INST_EXPOSE,
    CB_INST_ENV,
    CB_INST_ADD,
    CB_INST_COPY,
    CB_INST_ENTRYPOINT,
    CB_INST_VOLUME,
    CB_INST_USER,
    CB_INST_WORKDIR,
    CB_INST_ARG,
    CB_INST_ONBUILD,
    CB_INST_STOPSIGNAL,
    CB_INST_HEALTHCHECK,
    CB_INST_SHELL,
};
const char *cb_instruction_name(enum cb_instruction_kind kind); /* "FROM" */

/* Text as written, with its place. In the arena. */
struct cb_word {
    const char *text;
    struct cb_span span;
};

struct cb_words {
    struct cb_word *items;
    size_t count;
};

struct cb_heredoc {
    const char *name;    /* "EOF" */
    const char *content; /* body, tabs already chomped for <<- */
    size_t len;
    unsigned fd; /* 3<<EOF: 3; none given: 0 */
    int expand;  /* delimiter was not quoted */
    int chomp;
    struct cb_span span; /* of the body */
};

struct cb_heredocs {
    struct cb_heredoc *items;
    size_t count;
};

/* KEY=VALUE of ENV, LABEL, ARG. Both as written (quotes and all). */
struct cb_pair {
    struct cb_word key;
    struct cb_word value; /* text NULL: ARG without default */
};

struct cb_pairs {
    struct cb_pair *items;
    size_t count;
};

/* RUN, CMD, ENTRYPOINT, HEALTHCHECK CMD. */
struct cb_command {
    int is_exec;          /* JSON form: `argv`; else shell form: `shell` */
    struct cb_words argv; /* decoded JSON strings */
    const char
        *shell; /* rest of the instruction, joined lines, heredoc bodies NOT included */
    int json_like; /* began with [ but was not valid JSON (silent fallback to shell form)
                    */
    struct cb_span span;
};

enum cb_run_mount_type {
    CB_RUN_MOUNT_BIND,
    CB_RUN_MOUNT_CACHE,
    CB_RUN_MOUNT_TMPFS,
    CB_RUN_MOUNT_SECRET,
    CB_RUN_MOUNT_SSH,
};
enum cb_sharing { CB_SHARING_SHARED, CB_SHARING_PRIVATE, CB_SHARING_LOCKED };

/* RUN --mount, after expansion of its values. Strings NULL when not given. */
struct cb_run_mount {
    enum cb_run_mount_type type;
    const char *from, *source, *target, *id, *env;
    int read_only; /* effective: bind default 1, cache default 0 */
    int required;
    enum cb_sharing sharing;
    int has_mode, has_uid, has_gid;
    unsigned mode, uid, gid;
    uint64_t size_bytes; /* tmpfs; 0: none */
    struct cb_span span;
};

struct cb_flag { /* --name=value as written, for those whose value is expanded later */
    const char *name;
    const char *value; /* NULL: given without = */
    struct cb_span span;
};

/* --if: what an instruction hangs on. */
enum cb_condition_kind {
    CB_CONDITION_WORD,  /* LEFT is something else than nothing, 0 and false */
    CB_CONDITION_EQUAL, /* LEFT and RIGHT are the same */
    CB_CONDITION_ALL,   /* of the list FIRST */
    CB_CONDITION_ANY,
};
struct cb_condition { /* in the arena */
    enum cb_condition_kind kind;
    int negated;
    struct cb_word left, right;              /* as written */
    const struct cb_condition *first, *next; /* parts; the next of the same list */
};
/* What WORD comes to, in *OUT (the caller frees). */
typedef int cb_condition_expand(void *arg, const struct cb_word *word, char **out,
                                struct cb_error **err);
/* 1/0. Words that do not matter any more are not expanded. */
int cb_condition_holds(const struct cb_condition *condition, cb_condition_expand *expand,
                       void *arg, struct cb_error **err);

struct cb_inst_from {
    struct cb_words words; /* IMAGE [AS NAME], as written */
    struct cb_word image;
    struct cb_word name;     /* AS; text NULL if none; lower-cased */
    struct cb_word platform; /* --platform; NULL if none */
    const char *as_keyword;  /* "AS" as written, or NULL */
};
struct cb_inst_run {
    struct cb_command command;
    struct cb_heredocs heredocs;
    struct cb_flag *mounts; /* each --mount value unexpanded; see cb_run_mount_expand */
    size_t mount_count;
    struct cb_word network;  /* default|none|host; NULL if not given */
    struct cb_word security; /* sandbox|insecure */
    struct cb_words devices;
};
struct cb_inst_copy {            /* COPY and ADD */
    struct cb_words words;       /* all of them, as written */
    struct cb_words sources;     /* without the heredocs */
    struct cb_heredocs heredocs; /* sources given as <<NAME, in order among themselves */
    struct cb_word dest;
    struct cb_word from, chown, chmod, checksum;
    struct cb_words exclude;
    int link, parents, if_exists;
    int keep_git_dir; /* -1 not given, else 0/1 */
    int unpack;       /* -1 not given, else 0/1 */
};
struct cb_inst_healthcheck {
    int none;
    struct cb_command command;
    struct cb_word interval, timeout, start_period, start_interval,
        retries; /* text NULL: not given */
    int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns, retry_count;
};
struct cb_inst_onbuild {
    const char *text;                     /* verbatim trigger, as stored in the image */
    enum cb_instruction_kind kind;        /* of the trigger */
    const struct cb_instruction *trigger; /* what it is where it was written */
};

struct cb_instruction {
    enum cb_instruction_kind kind;
    const char *keyword;  /* as written */
    const char *original; /* the logical line as written, continuation joined, heredocs
                             included */
    struct cb_span span;  /* first to last line, heredocs included */
    unsigned line, end_line;
    const char *doc_comment; /* comment lines right above, without a check's, or NULL */
    struct cb_word
        check; /* value of the first `# check=` among them; text NULL if none */
    struct cb_flag *flags; /* as written, in order */
    size_t flag_count;
    const struct cb_condition *condition; /* of its --if; or NULL */
    union {
        struct cb_inst_from from;
        struct cb_inst_run run;
        struct cb_command command; /* CMD, ENTRYPOINT */
        struct cb_inst_copy copy;  /* COPY, ADD */
        struct cb_pairs pairs;     /* ENV, LABEL, ARG */
        struct cb_words words;     /* EXPOSE, VOLUME, SHELL */
        struct cb_word word;       /* USER, WORKDIR, STOPSIGNAL, MAINTAINER */
        struct cb_inst_healthcheck healthcheck;
        struct cb_inst_onbuild onbuild;
    };
    int legacy_pair; /* ENV k v */
    int words_json;  /* VOLUME, COPY, ADD given in JSON form */
};

struct cb_stage_def {
    struct cb_instruction *from;   /* the FROM instruction */
    struct cb_instruction **items; /* what follows it */
    size_t count;
    const char *name; /* or NULL */
    size_t index;
};

enum cb_directive_kind {
    CB_DIRECTIVE_SYNTAX,
    CB_DIRECTIVE_ESCAPE,
    CB_DIRECTIVE_CHECK,
    CB_DIRECTIVE_CBUILD, /* the dialect, for what no other builder reads */
};

struct cb_lint { /* what the text alone already tells; the frontend's checks turn them
                    into warnings */
    const char *rule; /* "NoEmptyContinuation"; NULL: none, always told */
    const char *message;
    struct cb_span span;
};

struct cb_dockerfile {
    struct cb_arena *arena;
    struct cb_source *source;
    char escape;                  /* \ or ` */
    const char *escapes;          /* of each part of the source; "": it is one file */
    struct cb_word syntax, check; /* directive values; text NULL if absent */
    struct cb_word escape_word;   /* of `# escape=`; the same */
    struct cb_word dialect;       /* of `# cbuild=`: "1"; the same */
    struct cb_instruction **global_args; /* ARG before the first FROM */
    size_t global_arg_count;
    struct cb_stage_def *stages;
    size_t stage_count;
    struct cb_lint *lints;
    size_t lint_count;
};

/* SOURCE is referenced. SYNTAX errors carry source and span; several independent ones
 * come chained. */
int cb_dockerfile_parse(struct cb_dockerfile **out, struct cb_source *source,
                        struct cb_error **err);
/* The same, but of a text with mistakes (-1) *OUT has what is right, as far as there is
 * anything: for warnings. */
int cb_dockerfile_parse_partly(struct cb_dockerfile **out, struct cb_source *source,
                               struct cb_error **err);
/* What INCLUDE reads, for cb_dockerfile_include. */
struct cb_includes {
    const char *path;   /* of the Dockerfile in the root that PATHs are confined to */
    const char *prefix; /* what names of files begin with when they are shown; or NULL */
    const char *root;   /* what the root is called: "the build context" */
    /* The text of the file PATH (clean, in the root). */
    int (*read)(void *arg, const char *path, struct cb_strbuf *text,
                struct cb_error **err);
    void *arg;
};
/* Replaces *SOURCE by a whole in which the files are that its INCLUDEs name, ready to be
 * parsed; leaves it as it is when there are none. What fails carries the place of the
 * INCLUDE; other mistakes are left to the functions above, but for those that come
 * together with such a one. */
int cb_dockerfile_include(struct cb_source **source, const struct cb_includes *includes,
                          struct cb_error **err);
/* The escape character where SPAN of SOURCE was written. */
char cb_dockerfile_escape(const struct cb_dockerfile *file,
                          const struct cb_source *source, struct cb_span span);
void cb_dockerfile_free(struct cb_dockerfile *file);
CB_AUTO_DEFINE(cb_dockerfile, cb_dockerfile_free)
/* One instruction alone, as an ONBUILD trigger is stored: allocated in ARENA, spans into
 * SOURCE (the trigger's own text). */
int cb_instruction_parse(struct cb_instruction **out, struct cb_arena *arena,
                         struct cb_source *source, struct cb_error **err);
/* Text form of the tree for golden tests. */
void cb_dockerfile_dump(const struct cb_dockerfile *file, struct cb_strbuf *out);

/* ── Word expansion, as BuildKit does it ── */

/* Values in scope. Returns NULL when unset; the text is borrowed until the next call. */
struct cb_scope_lookup {
    const char *(*get)(void *arg, const char *name);
    /* Called for every unset name that is used with no default (or NULL). */
    void (*undefined)(void *arg, const char *name);
    void *arg;
    size_t *work;  /* what all words together may still cost, in bytes; or NULL */
    int *demanded; /* set to 1 when what fails is a ${NAME:?}: a matter of values, not of
                      the text; or NULL */
};
#define CB_WORD_MAX_BYTES (1u << 20)

/* Expands and removes quotes: one word in, one string out (caller frees). SYNTAX errors
 * have no place: callers attach the word's span. */
int cb_word_expand(char **out, const char *word, char escape,
                   const struct cb_scope_lookup *lookup, struct cb_error **err);
/* As above, then splits at unquoted blanks (EXPOSE). */
int cb_word_expand_split(struct cb_strings *out, const char *word, char escape,
                         const struct cb_scope_lookup *lookup, struct cb_error **err);
/* Variables only, quotes kept (heredoc bodies, RUN --mount values); in heredocs every \x
 * becomes x. */
int cb_word_expand_raw(char **out, const char *text, size_t len, char escape,
                       const struct cb_scope_lookup *lookup, struct cb_error **err);

/* RUN --device, as written. Strings in ARENA. */
struct cb_run_device {
    const char *name; /* vendor/class=device */
    int required;
};
int cb_run_device_parse(struct cb_run_device *out, struct cb_arena *arena,
                        const char *value, struct cb_error **err);

/* A --mount value as written, LOOKUP NULL: without variables. The fields are split first,
 * then each value is expanded for itself (what BuildKit does), so that no variable's text
 * can add an option. What `from` comes to was decided before (frontend/from-args.c),
 * whatever OUT->from is. Strings in ARENA. Errors are SYNTAX without place. */
int cb_run_mount_expand(struct cb_run_mount *out, struct cb_arena *arena,
                        const char *value, char escape,
                        const struct cb_scope_lookup *lookup, struct cb_error **err);

#endif
