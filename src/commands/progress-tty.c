/* The live view: a line for every step with its time, the last log lines of running ones,
 * redrawn in place. What a finished build leaves on the screen is its steps, and below
 * them what a failed step said last. */
#include "commands/progress-tty.h"

#include "base/clock.h"
#include "base/thread.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_MS 100
#define WIDTH_MIN 20
#define WIDTH_MAX 500

#define PARTIAL_MAX  (1u << 16)
#define PARTIAL_LONG (1u << 12)

struct tty {
    struct cb_progress base;
    pthread_cond_t wake;
    pthread_t ticker;
    int has_ticker, closing, colour;
    int64_t start_ns;
    unsigned finished;
    CB_VEC(unsigned) drawn; /* columns of each line that is on the screen */
};

static void clear_items(struct cb_tty_step *step)
{
    cb_vec_foreach (item, &step->items)
        free(item->name);
    cb_vec_free(&step->items);
}

static void free_step(void *value)
{
    struct cb_tty_step *step = value;

    for (size_t i = 0; i < step->tail_count; i++)
        free(step->tail[i]);
    cb_strbuf_free(&step->partial);
    cb_step_log_clear(&step->log);
    clear_items(step);
    free(step->base.name);
    free(step);
}

/* Without colours, which are ours here, and whatever else commands a terminal. */
static void add_tail(struct cb_tty_step *step, const char *line, size_t len)
{
    cb_auto_value(cb_strbuf) text = {0};

    line = cb_progress_line(line, &len);
    cb_colour_drop(&text, line, len);
    if (step->tail_count == CB_TTY_TAIL) {
        free(step->tail[0]);
        memmove(step->tail, step->tail + 1, (CB_TTY_TAIL - 1) * sizeof(*step->tail));
        step->tail_count--;
    }
    step->tail[step->tail_count++] =
        xstrndup(cb_strbuf_text(&text), text.len > WIDTH_MAX ? WIDTH_MAX : text.len);
}

/* Of a line that is overwritten again and again, as a download's, the last is kept; one
 * that has no end is cut off. */
static void add_partial(struct cb_strbuf *partial, const char *text, size_t len)
{
    size_t shown;
    const char *line;

    if (partial->len < PARTIAL_MAX)
        cb_strbuf_add(partial, text, len);
    if (partial->len < PARTIAL_LONG)
        return;
    shown = partial->len;
    line = cb_progress_line(partial->text, &shown);
    len = (size_t)(partial->text + partial->len - line);
    memmove(partial->text, line, len);
    cb_strbuf_truncate(partial, len);
}

static void add_log(struct cb_tty_step *step, const char *text, size_t left)
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
    add_partial(&step->partial, text, left);
}

static void finish(struct tty *tty, struct cb_tty_step *step,
                   const struct cb_event *event, enum cb_tty_state state)
{
    clear_items(step);
    step->state = state;
    step->end_ns = event->time_ns;
    tty->finished++;
    if (state != CB_TTY_FAILED)
        cb_step_log_clear(&step->log);
}

/* Bytes of ITEM came or went; when it is over it has no line any more. */
static void move_item(struct cb_tty_step *step, const struct cb_event *event)
{
    const char *name = event->item ? event->item : "";
    struct cb_tty_item *item = NULL;

    cb_vec_foreach (one, &step->items)
        if (strcmp(one->name, name) == 0)
            item = one;
    if (event->done) {
        step->moved += event->current;
        if (item) {
            free(item->name);
            memmove(item, item + 1,
                    (size_t)(step->items.items + --step->items.count - item) *
                        sizeof(*item));
        }
        return;
    }
    if (!item) {
        cb_vec_push(&step->items, ((struct cb_tty_item){.name = xstrdup(name),
                                                        .first = event->current,
                                                        .start_ns = event->time_ns}));
        item = &step->items.items[step->items.count - 1];
    }
    item->current = event->current;
    item->total = event->total;
    item->last_ns = event->time_ns;
}

static void apply(struct tty *tty, const struct cb_event *event)
{
    struct cb_tty_step *step = cb_progress_step(&tty->base, event);

    switch (event->kind) {
    case CB_EVENT_STEP_LOG:
        add_log(step, event->text, event->len);
        break;
    case CB_EVENT_STEP_STATUS:
        move_item(step, event);
        break;
    case CB_EVENT_STEP_CACHED:
        finish(tty, step, event, CB_TTY_CACHED);
        break;
    case CB_EVENT_STEP_DONE:
        if (step->state == CB_TTY_RUNNING)
            finish(tty, step, event, CB_TTY_DONE);
        break;
    case CB_EVENT_STEP_ERROR:
        finish(tty, step, event, CB_TTY_FAILED);
        break;
    case CB_EVENT_STEP_CANCELED:
        finish(tty, step, event, CB_TTY_CANCELED);
        break;
    default:
        break;
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

/* How far up the picture begins: a line that was drawn when the screen was wider takes
 * several of today's. */
static unsigned lines_up(const struct tty *tty, size_t width)
{
    unsigned lines = 0;

    cb_vec_foreach (columns, &tty->drawn)
        lines += *columns ? (*columns + (unsigned)width - 1) / (unsigned)width : 1;
    return lines;
}

static void erase(struct tty *tty, struct cb_strbuf *out, size_t width, unsigned height)
{
    unsigned up = lines_up(tty, width);

    if (up)
        cb_strbuf_addf(out, "\x1b[%uA\r", up < height ? up : height);
    cb_vec_free(&tty->drawn);
}

/* In the order they began; the array is the caller's. */
static struct cb_tty_step **list_steps(const struct tty *tty)
{
    size_t position = 0, index = 0;
    struct cb_tty_step **steps =
        xcalloc(cb_map_count(tty->base.steps) + 1, sizeof(*steps));
    const char *key;
    void *value;

    while (cb_map_next(tty->base.steps, &position, &key, &value))
        steps[index++] = value;
    return steps;
}

/* In a word, once it is over. */
static const char *end_of(const struct tty *tty)
{
    size_t position = 0;
    const char *key, *end = "FINISHED";
    void *value;

    if (tty->finished < cb_map_count(tty->base.steps))
        return "";
    while (cb_map_next(tty->base.steps, &position, &key, &value)) {
        const struct cb_tty_step *step = value;

        if (step->state == CB_TTY_FAILED)
            return "FAILED";
        if (step->state == CB_TTY_CANCELED)
            end = "CANCELED";
    }
    return end;
}

static void draw(struct tty *tty, int last)
{
    cb_auto_value(cb_tty_screen) screen = {.colour = tty->colour};
    size_t count = cb_map_count(tty->base.steps);
    cb_autofree struct cb_tty_step **steps = list_steps(tty);
    cb_autofree char *chosen = NULL, *hidden = NULL;
    int64_t now = cb_clock_ns();
    unsigned height;

    screen_size(&screen.width, &height);
    chosen = cb_tty_choose(steps, count, last ? UINT_MAX : height, &hidden);
    erase(tty, &screen.out, screen.width, height);
    cb_tty_draw_head(&screen, (double)(now - tty->start_ns) / 1e9, tty->finished, count,
                     last ? end_of(tty) : hidden);
    for (size_t i = 0; i < count; i++)
        if (chosen[i] != CB_TTY_HIDDEN)
            cb_tty_draw_step(&screen, steps[i], now, chosen[i] == CB_TTY_WHOLE && !last);
    cb_strbuf_adds(&screen.out, "\x1b[J");
    cb_vec_foreach (columns, &screen.columns)
        cb_vec_push(&tty->drawn, *columns);
    fwrite(screen.out.text, 1, screen.out.len, stderr);
    fflush(stderr);
}

static void *tick(void *arg)
{
    struct tty *tty = arg;

    pthread_mutex_lock(&tty->base.lock);
    while (!tty->closing) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += REDRAW_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        pthread_cond_timedwait(&tty->wake, &tty->base.lock, &until);
        if (!tty->closing)
            draw(tty, 0);
    }
    pthread_mutex_unlock(&tty->base.lock);
    return NULL;
}

static void print_miss(const struct cb_tty_step *step, const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_add_escaped(&text, step->base.name, strlen(step->base.name), 0);
    cb_strbuf_adds(&text, ": not cached: ");
    cb_strbuf_add_escaped(&text, event->text, event->len, 0);
    fprintf(stderr, "%s\n", cb_strbuf_text(&text));
}

static void print_warning(const struct cb_tty_step *step, const struct cb_event *event)
{
    cb_autofree char *prefix = step ? xasprintf("%s: ", step->base.name) : xstrdup("");

    cb_progress_print_warning(event, prefix);
}

static void print_above(struct tty *tty, const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) out = {0};
    unsigned height;
    size_t width;

    screen_size(&width, &height);
    erase(tty, &out, width, height);
    cb_strbuf_adds(&out, "\x1b[J");
    fwrite(out.text, 1, out.len, stderr);
    if (event->kind == CB_EVENT_MISS)
        print_miss(cb_progress_step(&tty->base, event), event);
    else
        print_warning(event->id ? cb_progress_step(&tty->base, event) : NULL, event);
}

static void take(struct cb_progress *progress, const struct cb_event *event)
{
    struct tty *tty = (struct tty *)progress;

    if (event->kind == CB_EVENT_WARNING || event->kind == CB_EVENT_NOTICE ||
        event->kind == CB_EVENT_MISS) {
        print_above(tty, event);
        return;
    }
    apply(tty, event);
    if (!tty->has_ticker)
        tty->has_ticker = cb_thread_start(&tty->ticker, tick, tty) == 0;
}

static void open_tty(struct cb_progress *progress)
{
    struct tty *tty = (struct tty *)progress;
    const char *no_colour = getenv("NO_COLOR");
    pthread_condattr_t attr;

    tty->start_ns = cb_clock_ns();
    tty->colour = !(no_colour && *no_colour);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&tty->wake, &attr);
    pthread_condattr_destroy(&attr);
}

static void print_failed_logs(const struct tty *tty)
{
    size_t position = 0;
    const char *key;
    void *value;

    while (cb_map_next(tty->base.steps, &position, &key, &value)) {
        const struct cb_tty_step *step = value;

        if (step->state == CB_TTY_FAILED)
            cb_step_log_print(&step->log, step->base.name, 0);
    }
}

static void close_tty(struct cb_progress *progress)
{
    struct tty *tty = (struct tty *)progress;

    pthread_mutex_lock(&tty->base.lock);
    tty->closing = 1;
    pthread_cond_signal(&tty->wake);
    pthread_mutex_unlock(&tty->base.lock);
    if (tty->has_ticker)
        pthread_join(tty->ticker, NULL);
    if (cb_map_count(tty->base.steps))
        draw(tty, 1);
    print_failed_logs(tty);
    cb_vec_free(&tty->drawn);
    pthread_cond_destroy(&tty->wake);
}

static void suspend_tty(struct cb_progress *progress)
{
    struct tty *tty = (struct tty *)progress;

    if (tty->drawn.count)
        draw(tty, 0);
    cb_vec_free(&tty->drawn);
}

const struct cb_progress_class cb_progress_tty = {
    .mode = "tty",
    .size = sizeof(struct tty),
    .step_size = sizeof(struct cb_tty_step),
    .open = open_tty,
    .take = take,
    .suspend = suspend_tty,
    .close = close_tty,
    .free_step = free_step,
};
