/* What the live view knows of a step, and how it is drawn. */
#ifndef CB_COMMANDS_PROGRESS_TTY_H
#define CB_COMMANDS_PROGRESS_TTY_H

#include "base/vec.h"
#include "commands/display.h"

/* Adds TEXT escaped and cut to WIDTH, with "..." where something is left out. Returns the
 * columns it takes. */
size_t cb_tty_add_cut(struct cb_strbuf *out, const char *text, size_t width);

#define CB_TTY_TAIL  6
#define CB_TTY_ITEMS 4 /* transfers of a step that have lines of their own */

struct cb_tty_item { /* a layer on its way, packed or unpacked */
    char *name;
    uint64_t current, total; /* bytes; TOTAL 0: not known */
    uint64_t first;          /* there at START_NS: it may have gone on from there */
    int64_t start_ns, last_ns;
};
enum cb_tty_state {
    CB_TTY_RUNNING,
    CB_TTY_CACHED,
    CB_TTY_DONE,
    CB_TTY_FAILED,
    CB_TTY_CANCELED
};
struct cb_tty_step {
    struct cb_progress_step base;
    int64_t end_ns;
    enum cb_tty_state state;
    char *tail[CB_TTY_TAIL]; /* what it said last, the newest last */
    size_t tail_count;
    struct cb_strbuf partial;
    struct cb_step_log log;
    CB_VEC(struct cb_tty_item) items; /* under way */
    uint64_t moved;                   /* bytes of those that are over */
};

/* One picture: lines that are as wide as they say, each ended. */
struct cb_tty_screen {
    struct cb_strbuf out;
    size_t width;
    int colour;
    CB_VEC(unsigned) columns; /* of each line */
};
/* FINISHED of TOTAL steps. END: a word on how it ended or goes, or "". */
void cb_tty_draw_head(struct cb_tty_screen *screen, double seconds, unsigned finished,
                      size_t total, const char *end);
/* ALL: with what it says and moves. */
void cb_tty_draw_step(struct cb_tty_screen *screen, const struct cb_tty_step *step,
                      int64_t now_ns, int all);
/* How many lines that takes. */
unsigned cb_tty_step_lines(const struct cb_tty_step *step, int all);
enum { CB_TTY_HIDDEN, CB_TTY_ONE_LINE, CB_TTY_WHOLE };
/* Which of STEPS, oldest first, are on a screen of HEIGHT (UINT_MAX: all), by step; and
 * in *HIDDEN a text on those that run and are not, or "". Caller frees both. */
char *cb_tty_choose(struct cb_tty_step *const *steps, size_t count, unsigned height,
                    char **hidden);
void cb_tty_screen_free(struct cb_tty_screen *screen);
CB_AUTO_VALUE_DEFINE(cb_tty_screen, cb_tty_screen_free)

#endif
