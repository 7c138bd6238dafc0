/* Manual pages out of the tables that help is made of, in mdoc(7). docs/man/cbuild.1 is
 * the prose: a page by itself, of which a section `.Ss build ...` tells of a command and
 * its `.It Fl` items of options. What an option is called and what it takes is the
 * table's; what it does the prose's, or where that is silent, the table's as well. */
#ifndef CB_COMMANDS_MAN_H
#define CB_COMMANDS_MAN_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/vec.h"

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

#endif
