/* One line per message, written by one call so that lines of several threads do not mix.
 * The only state is the debug switch, set before threads start. */
#include "base/log.h"

#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

static int debug_enabled;

void cb_log_set_debug(int enabled)
{
    debug_enabled = enabled;
}

static void print_line(const char *level, const char *text)
{
    cb_auto_value(cb_strbuf) line = {0};

    cb_strbuf_adds(&line, level);
    cb_strbuf_add_escaped(&line, text, strlen(text), 1);
    cb_strbuf_addc(&line, '\n');
    fwrite(line.text, 1, line.len, stderr);
}

void cb_debug(const char *format, ...)
{
    cb_autofree char *text = NULL;
    va_list args;

    if (!debug_enabled)
        return;
    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    print_line("debug: ", text);
}

void cb_warn(const char *format, ...)
{
    cb_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    print_line("warning: ", text);
}
