/* Output of steps that is only shown when they fail: as BuildKit shows it, between two
 * rules, every line whole. A long one is told by its end, which says what went wrong; all
 * of it is in the build's log. */
#include "commands/display.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX     (4u << 20) /* of a step, in memory */
#define LINES_SHOWN 200

/* Of a log that is too long the older half goes. */
void cb_step_log_add(struct cb_step_log *log, const char *text, size_t len)
{
    const size_t max = log->max ? log->max : LOG_MAX;

    cb_strbuf_add(&log->text, text, len);
    if (log->text.len <= max)
        return;
    memmove(log->text.text, log->text.text + log->text.len - max / 2, max / 2);
    cb_strbuf_truncate(&log->text, max / 2);
    log->cut = 1;
}

void cb_step_log_clear(struct cb_step_log *log)
{
    cb_strbuf_free(&log->text);
}

/* Where the last lines begin. */
static const char *find_end(const struct cb_step_log *log, int wanted)
{
    const char *at = log->text.text + log->text.len - 1;

    for (int lines = 0; at > log->text.text; at--) {
        if (at[-1] == '\n' && ++lines == wanted)
            break;
    }
    return at;
}

static void add_lines(struct cb_strbuf *out, const char *text, size_t left)
{
    int colour = cb_colour_wanted(STDERR_FILENO);

    while (left) {
        const char *end = memchr(text, '\n', left);
        size_t len = end ? (size_t)(end - text) : left;
        size_t shown = len;
        const char *line = cb_progress_line(text, &shown);

        cb_colour_add(out, line, shown, colour);
        cb_strbuf_addc(out, '\n');
        len += end != NULL;
        text += len;
        left -= len;
    }
}

void cb_step_log_print(const struct cb_step_log *log, const char *name, int lines)
{
    cb_auto_value(cb_strbuf) out = {0};
    const char *end;

    if (!log->text.len)
        return;
    end = find_end(log, lines ? lines : LINES_SHOWN);
    cb_strbuf_adds(&out, "------\n > ");
    cb_strbuf_add_escaped(&out, name, strlen(name), 0);
    cb_strbuf_adds(&out, ":\n");
    if (!lines && (log->cut || end > log->text.text))
        cb_strbuf_adds(&out, "[earlier output: `cbuild builds logs`]\n");
    add_lines(&out, end, (size_t)(log->text.text + log->text.len - end));
    cb_strbuf_adds(&out, "------\n");
    fwrite(out.text, 1, out.len, stderr);
}
