/* Lines of the live view. No line is wider than the screen: what is cut ends in "...",
 * and wide characters count for two. Time stands at the right edge. */
#include "commands/progress-tty.h"

#include "base/timestamp.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define TIME_WIDTH 9 /* a blank, and "9999.9s" */

void cb_tty_screen_free(struct cb_tty_screen *screen)
{
    cb_strbuf_free(&screen->out);
    cb_vec_free(&screen->columns);
}

/* ── Text in columns ── */

/* The bytes of TEXT that fit WIDTH; *COLUMNS: what they take. */
static size_t fit(const char *text, size_t len, size_t width, size_t *columns)
{
    size_t at = 0;

    *columns = 0;
    while (at < len) {
        unsigned point = 0;
        size_t size = cb_utf8_decode(text + at, len - at, &point);
        unsigned wide = size ? cb_utf8_columns(point) : 1;

        if (*columns + wide > width)
            break;
        *columns += wide;
        at += size ? size : 1;
    }
    return at;
}

size_t cb_tty_add_cut(struct cb_strbuf *out, const char *text, size_t width)
{
    cb_auto_value(cb_strbuf) clean = {0};
    size_t columns, kept;

    cb_strbuf_add_escaped(&clean, text, strlen(text), 0);
    kept = fit(cb_strbuf_text(&clean), clean.len, width, &columns);
    if (kept == clean.len || width <= 3) {
        cb_strbuf_add(out, cb_strbuf_text(&clean), kept);
        return columns;
    }
    kept = fit(clean.text, clean.len, width - 3, &columns);
    cb_strbuf_add(out, clean.text, kept);
    cb_strbuf_adds(out, "...");
    return columns + 3;
}

static void add_colour(struct cb_tty_screen *screen, const char *code)
{
    if (screen->colour)
        cb_strbuf_addf(&screen->out, "\x1b[%sm", code);
}

static void end_line(struct cb_tty_screen *screen, size_t columns)
{
    cb_strbuf_adds(&screen->out, "\x1b[K\n");
    cb_vec_push(&screen->columns, (unsigned)columns);
}

/* Below a step, dimmed. */
static void add_below(struct cb_tty_screen *screen, const char *text)
{
    size_t columns;

    add_colour(screen, "2");
    cb_strbuf_adds(&screen->out, "    ");
    columns =
        cb_tty_add_cut(&screen->out, text, screen->width > 5 ? screen->width - 5 : 1);
    add_colour(screen, "0");
    end_line(screen, columns + 4);
}

/* ── Transfers ── */

/* "extracting sha256:0123...": as much of it as tells which, so that the numbers behind
 * it fit. Caller frees. */
static char *short_name(const char *name)
{
    static const char algorithm[] = "sha256:";
    const char *digest = strstr(name, algorithm);
    const size_t whole = strlen(algorithm) + 64;

    if (!digest || strspn(digest + strlen(algorithm), "0123456789abcdef") != 64)
        return xstrdup(name);
    return xasprintf("%.*s%.12s%s", (int)(digest - name), name,
                     digest + strlen(algorithm), digest + whole);
}

/* "12.3MB / 45MB  27%  3.1MB/s". */
static char *transfer_text(const char *name, uint64_t current, uint64_t total,
                           double bytes_per_second)
{
    cb_autofree char *have = cb_size_human(current);
    cb_autofree char *all = cb_size_human(total);
    cb_autofree char *rate = cb_size_human((uint64_t)bytes_per_second);
    cb_autofree char *which = short_name(name);
    struct cb_strbuf text = {0};

    cb_strbuf_addf(&text, "%s  %s", which, have);
    if (total)
        cb_strbuf_addf(
            &text, " / %s  %u%%", all,
            (unsigned)(current >= total ? 100 : (double)current * 100 / (double)total));
    if (bytes_per_second >= 1)
        cb_strbuf_addf(&text, "  %s/s", rate);
    return cb_strbuf_steal(&text);
}

/* Since it began; not for the first moments, which say nothing. */
static double rate_of(const struct cb_tty_item *item, int64_t now_ns)
{
    double seconds = (double)(now_ns - item->start_ns) / 1e9;

    return seconds < 0.3 || item->current < item->first
               ? 0
               : (double)(item->current - item->first) / seconds;
}

static void draw_items(struct cb_tty_screen *screen, const struct cb_tty_step *step,
                       int64_t now_ns)
{
    uint64_t current = step->moved, total = step->moved;
    double rate = 0;
    int known = 1;

    for (size_t i = 0; i < step->items.count; i++) {
        const struct cb_tty_item *item = &step->items.items[i];
        double one = rate_of(item, now_ns);

        current += item->current;
        total += item->total;
        known &= item->total > 0;
        rate += one;
        if (i < CB_TTY_ITEMS) {
            cb_autofree char *text =
                transfer_text(item->name, item->current, item->total, one);

            add_below(screen, text);
        }
    }
    if (step->items.count > CB_TTY_ITEMS) {
        cb_autofree char *name =
            xasprintf("%zu more, together", step->items.count - CB_TTY_ITEMS);
        cb_autofree char *text = transfer_text(name, current, known ? total : 0, rate);

        add_below(screen, text);
    }
}

/* ── A step ── */

/* The line that has not ended yet, as a terminal would show it; *LEN 0: none. */
static const char *unfinished(const struct cb_tty_step *step, size_t *len)
{
    *len = step->state == CB_TTY_RUNNING ? step->partial.len : 0;
    return cb_progress_line(cb_strbuf_text(&step->partial), len);
}

static void draw_tail(struct cb_tty_screen *screen, const struct cb_tty_step *step)
{
    cb_auto_value(cb_strbuf) last = {0};
    size_t len;
    const char *line = unfinished(step, &len);

    cb_colour_drop(&last, line, len);
    for (size_t i = last.len && step->tail_count == CB_TTY_TAIL; i < step->tail_count;
         i++)
        add_below(screen, step->tail[i]);
    if (last.len)
        add_below(screen, cb_strbuf_text(&last));
}

static int tells_more(const struct cb_tty_step *step)
{
    return step->state == CB_TTY_RUNNING || step->state == CB_TTY_FAILED;
}

unsigned cb_tty_step_lines(const struct cb_tty_step *step, int all)
{
    size_t items = step->items.count, tail = step->tail_count, len;

    if (!all || !tells_more(step))
        return 1;
    if (step->state != CB_TTY_RUNNING)
        items = 0;
    unfinished(step, &len);
    tail += len && tail < CB_TTY_TAIL;
    return (unsigned)(1 + tail + (items > CB_TTY_ITEMS ? CB_TTY_ITEMS + 1 : items));
}

void cb_tty_draw_step(struct cb_tty_screen *screen, const struct cb_tty_step *step,
                      int64_t now_ns, int all)
{
    static const char *const colours[] = {"0", "36", "34", "31", "33"};
    static const char *const words[] = {"", "CACHED ", "", "ERROR ", "CANCELED "};
    int64_t end_ns = step->state == CB_TTY_RUNNING ? now_ns : step->end_ns;
    cb_autofree char *label = xasprintf("%s%s", words[step->state], step->base.name);
    size_t room = screen->width > TIME_WIDTH + 4 ? screen->width - TIME_WIDTH - 4 : 1;
    char seconds[32];
    size_t columns;

    cb_progress_seconds(step->state == CB_TTY_CACHED ? 0 : end_ns - step->base.start_ns,
                        seconds);
    add_colour(screen, colours[step->state]);
    cb_strbuf_adds(&screen->out, step->state == CB_TTY_RUNNING ? " > " : "=> ");
    columns = cb_tty_add_cut(&screen->out, label, room);
    cb_strbuf_addf(&screen->out, "%*s%*s", (int)(room - columns), "", TIME_WIDTH,
                   seconds);
    add_colour(screen, "0");
    end_line(screen, 3 + room + TIME_WIDTH);
    if (!all || !tells_more(step))
        return;
    if (step->state == CB_TTY_RUNNING)
        draw_items(screen, step, now_ns);
    draw_tail(screen, step);
}

void cb_tty_draw_head(struct cb_tty_screen *screen, double seconds, unsigned finished,
                      size_t total, const char *end)
{
    cb_autofree char *text = xasprintf("[+] %.1fs (%u/%zu)%s%s", seconds, finished, total,
                                       *end ? " " : "", end);
    size_t columns = cb_tty_add_cut(&screen->out, text, screen->width - 1);

    end_line(screen, columns);
}
