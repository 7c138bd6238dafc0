/* A reader who has gone away is no error: `cbuild ps | head -1` has done its work. */
#include "commands/output.h"

#include "base/json.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cb_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

int cb_stdout_is_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) > 0 && out.revents & (POLLERR | POLLHUP);
}

void cb_print_error(struct cb_error **error)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_error_errnum(*error) == ENOENT && access("/proc/self", F_OK) < 0)
        cb_error_hint(error, "/proc is not mounted: builds and containers need it");
    cb_error_format(*error, "cbuild", &text);
    fflush(stdout);
    fputs(cb_strbuf_text(&text), stderr);
}

int cb_flush_stdout(struct cb_error **err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno == EPIPE || cb_stdout_is_unread())
        return 0;
    return cb_error_errno(err, errno, "write to standard output");
}

void cb_print_foreign(const struct cb_strbuf *text)
{
    cb_auto_value(cb_strbuf) escaped = {0};

    if (cb_stdout_is_terminal()) {
        cb_strbuf_add_escaped(&escaped, cb_strbuf_text(text), text->len, 1);
        text = &escaped;
    }
    fwrite(cb_strbuf_text(text), 1, text->len, stdout);
}

void cb_print_json_text(const char *text, size_t len)
{
    cb_auto_value(cb_strbuf) escaped = {0};

    if (cb_stdout_is_terminal()) {
        cb_strbuf_add_escaped_json(&escaped, text, len);
        text = cb_strbuf_text(&escaped);
        len = escaped.len;
    }
    fwrite(text, 1, len, stdout);
}

void cb_print_json(const json_t *value)
{
    cb_autofree char *text = cb_json_dump(value);

    cb_print_json_text(text, strlen(text));
    putchar('\n');
}

int cb_wants_json(const char *format, const char *plain, struct cb_error **err)
{
    if (!format || strcmp(format, plain) == 0)
        return 0;
    if (strcmp(format, "json") == 0)
        return 1;
    return cb_error_argument(err, format, "--format", "expected %s or json", plain);
}

void cb_short_id(const struct cb_digest *id, char out[13])
{
    char hex[CB_DIGEST_MAX_TEXT];

    memcpy(out, cb_digest_hex(id, hex), 12);
    out[12] = '\0';
}
