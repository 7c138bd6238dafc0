/* What the displays of progress are made of: a class, a struct of its own for what is on
 * the screen, and one for each step. Both begin with the structs here. */
#ifndef CB_COMMANDS_DISPLAY_H
#define CB_COMMANDS_DISPLAY_H

#include "base/map.h"
#include "base/strbuf.h"
#include "commands/progress.h"

#include <pthread.h>

struct cb_progress {
    struct cb_event_sink sink;
    const struct cb_progress_class *class;
    pthread_mutex_t lock; /* held whenever the class is called, but by open and close, and
                             between suspend and resume */
    struct cb_map *steps; /* by number as text, in the order in which they came */
};

struct cb_progress_step {
    char *name;
    int64_t start_ns; /* of the first event, CLOCK_MONOTONIC */
};

struct cb_progress_class {
    const char *mode;       /* of --progress */
    size_t size, step_size; /* of its structs, which start as zeroes */
    void (*open)(struct cb_progress *progress); /* or NULL */
    /* Warnings and notices, and all that is of a step. */
    void (*take)(struct cb_progress *progress, const struct cb_event *event);
    void (*suspend)(struct cb_progress *progress); /* or NULL: nothing to put away */
    /* Draws the last state and frees what is its own, but for the steps; or NULL. */
    void (*close)(struct cb_progress *progress);
    void (*free_step)(void *step); /* its name, too */
    int no_summary;                /* nothing else is said */
    int tells_image;               /* shows what the step "exporting to image" says */
    int legacy_result;             /* "Successfully built", where others print the id */
};
extern const struct cb_progress_class cb_progress_plain, cb_progress_tty,
    cb_progress_quiet, cb_progress_json, cb_progress_legacy;

/* The step EVENT is of, made when it is the first of it. */
void *cb_progress_step(struct cb_progress *progress, const struct cb_event *event);
/* The same, or NULL. */
void *cb_progress_find_step(struct cb_progress *progress, const struct cb_event *event);
/* Frees it. */
void cb_progress_drop_step(struct cb_progress *progress, const struct cb_event *event);

/* What a step said, kept for the case that it fails. Starts as zeroes. */
struct cb_step_log {
    struct cb_strbuf text;
    size_t max; /* of it in memory; 0: 4 MiB */
    int cut;    /* the oldest is gone */
};
void cb_step_log_add(struct cb_step_log *log, const char *text, size_t len);
void cb_step_log_clear(struct cb_step_log *log);
/* Its last lines, to stderr; nothing when the step was silent. With LINES 0 they are
 * many, and it is said where the earlier ones are. */
void cb_step_log_print(const struct cb_step_log *log, const char *name, int lines);
/* Adds to OUT what is to be said of EVENT's item, whose state is kept in *ITEMS (NULL at
 * first): 1, or 0, nothing. */
int cb_progress_item(struct cb_map **items, const struct cb_event *event,
                     struct cb_strbuf *out);
/* "1.2s". */
const char *cb_progress_seconds(int64_t ns, char buffer[32]);
/* Leaves out what a carriage return overwrote with at least as much text, as a terminal
 * would: "5%\r10%\r" is "10%". Returns where the rest of LINE starts; *LEN gets shorter.
 */
const char *cb_progress_line(const char *line, size_t *len);

#endif
