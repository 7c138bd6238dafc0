/* Manual pages out of the tables that help is made of, in mdoc(7). docs/man/cbuild.1 is
 * the prose: a page by itself, of which a section `.Ss build ...` tells of a command and
 * its `.It Fl` items of options. What an option is called and what it takes is the
 * table's; what it does the prose's, or where that is silent, the table's as well. */
#ifndef CB_COMMANDS_MAN_H
#define CB_COMMANDS_MAN_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "commands/commands.h"

/* ── man-markup.c ── */
/* "NAME[:TAG]", "[OPTIONS] PATH": words in capitals are places for values. Adds macros
 * for a line that is already a macro's. */
void cb_man_add_values(struct cb_strbuf *out, const char *text);
/* Running text as help has it: `code`, empty lines between paragraphs, indented lines as
 * they are. Capitals are places for values where VALUES has them too. */
void cb_man_add_text(struct cb_strbuf *out, const char *text, const char *values);

/* ── man-prose.c ── */
struct cb_man_item {
    struct cb_strings options; /* "memory", or "L" where there is only the letter */
    struct cb_strbuf text;
};

struct cb_man_section {
    const char *title; /* "stop, restart [-s signal] container ..."; borrowed */
    struct cb_strbuf text;
    CB_VEC(struct cb_man_item *) items;
};

struct cb_man_prose {
    struct cb_strings lines;
    const char *date;        /* the line `.Dd` */
    struct cb_strbuf before; /* up to COMMANDS, and from its end on */
    struct cb_strbuf after;
    CB_VEC(struct cb_man_section *) sections;
};

int cb_man_prose_read(struct cb_man_prose *prose, const char *path,
                      struct cb_error **err);
void cb_man_prose_free(struct cb_man_prose *prose);
CB_AUTO_VALUE_DEFINE(cb_man_prose, cb_man_prose_free)

/* ── man-match.c ── */
/* Is COMMAND one of the title's: "volume rm [-f] name ..., volume prune [-af]"? */
int cb_man_is_about(const struct cb_man_section *section,
                    const struct cb_cli_command *command);
/* NAME is a letter, or longer. NULL: COMMAND has none. */
const struct cb_option *cb_man_find_option(const struct cb_cli_command *command,
                                           const char *name);
/* What the prose says of an option of COMMAND's, in its section or in that of another
 * with the same row in its table. Or NULL. */
const struct cb_man_item *cb_man_item_of(const struct cb_man_prose *prose,
                                         const struct cb_cli_command *command,
                                         const struct cb_option *option);

/* ── man-page.c: sections, each with its heading, where there is something to say ── */
void cb_man_add_synopsis(struct cb_strbuf *out, const struct cb_cli_command *command);
void cb_man_add_description(struct cb_strbuf *out, const struct cb_man_prose *prose,
                            const struct cb_cli_command *command);
void cb_man_add_options(struct cb_strbuf *out, const struct cb_man_prose *prose,
                        const struct cb_cli_command *command);
void cb_man_add_verbs(struct cb_strbuf *out, const char *group);
void cb_man_add_docker_options(struct cb_strbuf *out,
                               const struct cb_cli_command *command);
void cb_man_add_foreign_options(struct cb_strbuf *out,
                                const struct cb_cli_command *command);
void cb_man_add_examples(struct cb_strbuf *out, const struct cb_cli_command *command);

#endif
