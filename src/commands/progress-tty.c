/* The live view: a line for every step with its time, the last log lines of running ones,
 * redrawn in place. What a finished build leaves on the screen is its steps, and below
 * them everything that a failed step said. */
#include "base/map.h"
#include "base/timestamp.h"
#include "commands/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TAIL_LINES 6
#define REDRAW_MS  100
#define WIDTH_MIN  20
#define WIDTH_MAX  500

enum step_state { RUNNING, CACHED, DONE, FAILED, CANCELED };

struct step {
    char *name;
    int64_t start_ns, end_ns;
    enum step_state state;
    char *tail[TAIL_LINES]; /* the newest last */
    size_t tail_count;
    struct cb_strbuf partial;
    struct cb_step_log log;
    char *item; /* transfer in progress */
    uint64_t current, total;
};

struct tty {
    struct cb_event_sink sink;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t ticker;
    int has_ticker, closing, dirty, colour;
    struct cb_map *steps;
    int64_t start_ns;
    unsigned drawn_lines;
    unsigned finished;
};

static void free_step(void *value)
{
    struct step *step = value;

    for (size_t i = 0; i < step->tail_count; i++)
        free(step->tail[i]);
    cb_strbuf_free(&step->partial);
    cb_step_log_clear(&step->log);
    free(step->item);
    free(step->name);
    free(step);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct step *step_of(struct tty *tty, const struct cb_event *event)
{
    char key[24];
    struct step *step;

    snprintf(key, sizeof(key), "%" PRIu64, event->id);
    step = cb_map_get(tty->steps, key);
    if (step)
        return step;
    step = xcalloc(1, sizeof(*step));
    step->name = xstrdup(event->name ? event->name : "");
    step->start_ns = event->time_ns;
    cb_map_set(tty->steps, key, step);
    return step;
}

/* Without colours, which are ours here. */
static void add_tail(struct step *step, const char *line, size_t len)
{
    cb_auto_value(cb_strbuf) text = {0};

    line = cb_progress_line(line, &len);
    cb_colour_add(&text, line, len, 0);
    if (step->tail_count == TAIL_LINES) {
        free(step->tail[0]);
        memmove(step->tail, step->tail + 1, (TAIL_LINES - 1) * sizeof(*step->tail));
        step->tail_count--;
    }
    step->tail[step->tail_count++] =
        xstrndup(cb_strbuf_text(&text), text.len > WIDTH_MAX ? WIDTH_MAX : text.len);
}

static void add_log(struct step *step, const char *text, size_t left)
{
    const char *end;

    cb_step_log_add(&step->log, text, left);
    while ((end = memchr(text, '\n', left))) {
        size_t len = (size_t)(end - text);

        cb_strbuf_add(&step->partial, text, len);
        add_tail(step, cb_strbuf_text(&step->partial), step->partial.len);
        cb_strbuf_truncate(&step->partial, 0);
        text = end + 1;
        left -= len + 1;
    }
    if (step->partial.len < 1 << 16)
        cb_strbuf_add(&step->partial, text, left);
}

static void finish(struct tty *tty, struct step *step, const struct cb_event *event,
                   enum step_state state)
{
    step->state = state;
    step->end_ns = event->time_ns;
    tty->finished++;
    if (state != FAILED)
        cb_step_log_clear(&step->log);
}

static void apply(struct tty *tty, const struct cb_event *event)
{
    struct step *step = step_of(tty, event);

    switch (event->kind) {
    case CB_EVENT_STEP_LOG:
        add_log(step, event->text, event->len);
        break;
    case CB_EVENT_STEP_STATUS:
        free(step->item);
        step->item = event->done ? NULL : xstrdup(event->item);
        step->current = event->current;
        step->total = event->total;
        break;
    case CB_EVENT_STEP_CACHED:
        finish(tty, step, event, CACHED);
        break;
    case CB_EVENT_STEP_DONE:
        if (step->state == RUNNING)
            finish(tty, step, event, DONE);
        break;
    case CB_EVENT_STEP_ERROR:
        finish(tty, step, event, FAILED);
        break;
    case CB_EVENT_STEP_CANCELED:
        finish(tty, step, event, CANCELED);
        break;
    default:
        break;
    }
}

/* Adds TEXT escaped and cut to WIDTH columns (bytes outside ASCII count as they are: one
 * or more columns each). */
static void add_cut(struct cb_strbuf *out, const char *text, size_t width)
{
    cb_auto_value(cb_strbuf) clean = {0};

    cb_strbuf_add_escaped(&clean, text, strlen(text), 0);
    if (clean.len > width) {
        size_t cut = width > 3 ? width - 3 : width;

        while (cut && ((unsigned char)clean.text[cut] & 0xc0) == 0x80)
            cut--;
        cb_strbuf_truncate(&clean, cut);
        if (width > 3)
            cb_strbuf_adds(&clean, "...");
    }
    cb_strbuf_add(out, cb_strbuf_text(&clean), clean.len);
}

static void add_colour(struct cb_strbuf *out, const struct tty *tty, const char *code)
{
    if (tty->colour)
        cb_strbuf_addf(out, "\x1b[%sm", code);
}

static void draw_step(struct tty *tty, const struct step *step, int64_t now, size_t width,
                      int last, struct cb_strbuf *out, unsigned *lines)
{
    static const char *const colours[] = {"0", "36", "34", "31", "33"};
    char seconds[32];
    cb_auto_value(cb_strbuf) label = {0};

    cb_progress_seconds((step->state == RUNNING ? now : step->end_ns) - step->start_ns,
                        seconds);
    if (step->state == CACHED)
        cb_strbuf_adds(&label, "CACHED ");
    else if (step->state == FAILED)
        cb_strbuf_adds(&label, "ERROR ");
    else if (step->state == CANCELED)
        cb_strbuf_adds(&label, "CANCELED ");
    cb_strbuf_adds(&label, step->name);
    add_colour(out, tty, colours[step->state]);
    cb_strbuf_adds(out, step->state == RUNNING ? " > " : "=> ");
    {
        size_t room = width > 14 ? width - 14 : 6;
        size_t before = out->len;

        add_cut(out, cb_strbuf_text(&label), room);
        for (size_t used = out->len - before; used < room; used++)
            cb_strbuf_addc(out, ' ');
    }
    cb_strbuf_addf(out, " %8s", step->state == CACHED ? "0.0s" : seconds);
    add_colour(out, tty, "0");
    cb_strbuf_adds(out, "\x1b[K\n");
    ++*lines;
    if (step->state == RUNNING && step->item) {
        cb_autofree char *current = cb_size_human(step->current);
        cb_autofree char *total = cb_size_human(step->total);
        cb_autofree char *text = step->total
                                     ? xasprintf("%s %s / %s", step->item, current, total)
                                     : xasprintf("%s %s", step->item, current);

        cb_strbuf_adds(out, "    ");
        add_cut(out, text, width > 5 ? width - 5 : width);
        cb_strbuf_adds(out, "\x1b[K\n");
        ++*lines;
    }
    if (step->state == RUNNING || (step->state == FAILED && !last)) {
        for (size_t i = 0; i < step->tail_count; i++) {
            add_colour(out, tty, "2");
            cb_strbuf_adds(out, "    ");
            add_cut(out, step->tail[i], width > 5 ? width - 5 : width);
            add_colour(out, tty, "0");
            cb_strbuf_adds(out, "\x1b[K\n");
            ++*lines;
        }
    }
}

static void screen_size(size_t *width, unsigned *height)
{
    struct winsize size = {0};

    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    *width = size.ws_col ? size.ws_col : 80;
    *height = size.ws_row ? size.ws_row : 24;
    if (*width < WIDTH_MIN)
        *width = WIDTH_MIN;
    if (*width > WIDTH_MAX)
        *width = WIDTH_MAX;
}

/* Finished steps scroll off the top when there are more lines than the screen has. */
static void draw(struct tty *tty, int last)
{
    cb_auto_value(cb_strbuf) out = {0};
    size_t width, position = 0, total = cb_map_count(tty->steps), index = 0;
    unsigned height, lines = 0;
    const char *key;
    void *value;
    int64_t now = now_ns();

    screen_size(&width, &height);
    if (tty->drawn_lines)
        cb_strbuf_addf(&out, "\x1b[%uA\r", tty->drawn_lines);
    cb_strbuf_addf(&out, "[+] %.1fs (%u/%zu)\x1b[K\n",
                   (double)(now - tty->start_ns) / 1e9, tty->finished, total);
    lines++;
    while (cb_map_next(tty->steps, &position, &key, &value)) {
        struct step *step = value;
        size_t following = total - index++ - 1;

        if (!last && step->state != RUNNING &&
            lines + following + TAIL_LINES + 2 > height)
            continue;
        if (!last && lines + TAIL_LINES + 2 > height)
            break;
        draw_step(tty, step, now, width, last, &out, &lines);
    }
    cb_strbuf_adds(&out, "\x1b[J");
    tty->drawn_lines = lines;
    fwrite(out.text, 1, out.len, stderr);
    fflush(stderr);
    tty->dirty = 0;
}

static void *tick(void *arg)
{
    struct tty *tty = arg;

    pthread_mutex_lock(&tty->lock);
    while (!tty->closing) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += REDRAW_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        pthread_cond_timedwait(&tty->wake, &tty->lock, &until);
        if (!tty->closing)
            draw(tty, 0);
    }
    pthread_mutex_unlock(&tty->lock);
    return NULL;
}

static void print_miss(const struct step *step, const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_add_escaped(&text, step->name, strlen(step->name), 0);
    cb_strbuf_adds(&text, ": not cached: ");
    cb_strbuf_add_escaped(&text, event->text, event->len, 0);
    fprintf(stderr, "%s\n", cb_strbuf_text(&text));
}

static void print_warning(const struct step *step, const struct cb_event *event)
{
    cb_autofree char *prefix = step ? xasprintf("%s: ", step->name) : xstrdup("");

    cb_progress_print_warning(event, prefix);
}

static void print_above(struct tty *tty, const struct cb_event *event)
{
    if (tty->drawn_lines)
        fprintf(stderr, "\x1b[%uA\r\x1b[J", tty->drawn_lines);
    tty->drawn_lines = 0;
    if (event->kind == CB_EVENT_MISS)
        print_miss(step_of(tty, event), event);
    else
        print_warning(event->id ? step_of(tty, event) : NULL, event);
    tty->dirty = 1;
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct tty *tty = (struct tty *)sink;

    pthread_mutex_lock(&tty->lock);
    if (event->kind == CB_EVENT_WARNING || event->kind == CB_EVENT_NOTICE ||
        event->kind == CB_EVENT_MISS) {
        print_above(tty, event);
    } else if (event->id) {
        apply(tty, event);
        tty->dirty = 1;
        if (!tty->has_ticker)
            tty->has_ticker = pthread_create(&tty->ticker, NULL, tick, tty) == 0;
    }
    pthread_mutex_unlock(&tty->lock);
}

static struct cb_event_sink *open_tty(void)
{
    struct tty *tty = xcalloc(1, sizeof(*tty));
    pthread_condattr_t attr;
    const char *no_colour = getenv("NO_COLOR");

    tty->sink.emit = emit;
    tty->start_ns = now_ns();
    tty->colour = !(no_colour && *no_colour);
    tty->steps = cb_map_new(free_step);
    pthread_mutex_init(&tty->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&tty->wake, &attr);
    pthread_condattr_destroy(&attr);
    return &tty->sink;
}

static void print_failed_logs(const struct tty *tty)
{
    size_t position = 0;
    const char *key;
    void *value;

    while (cb_map_next(tty->steps, &position, &key, &value)) {
        const struct step *step = value;

        if (step->state == FAILED)
            cb_step_log_print(&step->log, step->name);
    }
}

static void close_tty(struct cb_event_sink *sink)
{
    struct tty *tty = (struct tty *)sink;

    pthread_mutex_lock(&tty->lock);
    tty->closing = 1;
    pthread_cond_signal(&tty->wake);
    pthread_mutex_unlock(&tty->lock);
    if (tty->has_ticker)
        pthread_join(tty->ticker, NULL);
    if (cb_map_count(tty->steps))
        draw(tty, 1);
    print_failed_logs(tty);
    cb_map_free(tty->steps);
    pthread_cond_destroy(&tty->wake);
    pthread_mutex_destroy(&tty->lock);
    free(tty);
}

static void suspend_tty(struct cb_event_sink *sink, int suspend)
{
    struct tty *tty = (struct tty *)sink;

    if (suspend) {
        pthread_mutex_lock(&tty->lock);
        if (tty->drawn_lines)
            draw(tty, 0);
        tty->drawn_lines = 0;
        tty->dirty = 1;
        fflush(stderr);
    } else {
        pthread_mutex_unlock(&tty->lock);
    }
}

const struct cb_progress_class cb_progress_tty = {
    .mode = "tty",
    .open = open_tty,
    .close = close_tty,
    .suspend = suspend_tty,
};
