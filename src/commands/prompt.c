/* The line is read byte by byte, so that nothing of the next answer is taken, and waited
 * for together with the cancel token, so that Ctrl-C finds the terminal echoing again. */
#include "commands/prompt.h"

#include "base/input.h"
#include "base/strbuf.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 65536

/* 1: a byte, 0: the end, -1. */
static int read_byte(struct cb_cancel *cancel, char *out, struct cb_error **err)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = cb_cancel_fd(cancel), .events = POLLIN}};
    ssize_t count;

    do {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return cb_error_errno(err, errno, "poll");
        if (cb_cancel_check(cancel, err) < 0)
            return -1;
    } while (!fds[0].revents);
    count = read(STDIN_FILENO, out, 1);
    if (count < 0)
        return cb_error_errno(err, errno, "read standard input");
    return (int)count;
}

static void drop_last(struct cb_strbuf *text, char c)
{
    if (text->len && text->text[text->len - 1] == c)
        cb_strbuf_truncate(text, text->len - 1);
}

static int read_line(struct cb_cancel *cancel, char **out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) line = {0};
    char byte;
    int got;

    *out = NULL;
    while ((got = read_byte(cancel, &byte, err)) > 0 && byte != '\n') {
        if (line.len >= LINE_MAX_BYTES)
            return cb_error_set(err, CB_ERR_USAGE, "the answer is over %d bytes long",
                                LINE_MAX_BYTES);
        cb_strbuf_add(&line, &byte, 1);
    }
    if (got < 0)
        return -1;
    if (got == 0 && line.len == 0)
        return 0;
    drop_last(&line, '\r');
    *out = cb_strbuf_steal(&line);
    return 0;
}

int cb_prompt(const char *text, int hidden, struct cb_cancel *cancel, char **out,
              struct cb_error **err)
{
    struct termios before, silent;
    int result;

    /* Silent first: what is typed once the question is seen is neither shown nor lost. */
    hidden = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
    if (hidden) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    fputs(text, stderr);
    fflush(stderr);
    result = read_line(cancel, out, err);
    if (hidden) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return result;
}

int cb_read_secret(struct cb_cancel *cancel, size_t max, char **out,
                   struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_input_read_all(STDIN_FILENO, cancel, max, &text, err) < 0)
        return cb_error_wrap(err, "standard input");
    drop_last(&text, '\n');
    drop_last(&text, '\r');
    if (strlen(cb_strbuf_text(&text)) != text.len)
        return cb_error_set(err, CB_ERR_USAGE, "standard input holds a NUL byte");
    *out = cb_strbuf_steal(&text);
    return 0;
}

int cb_confirmed(const char *what)
{
    int answer;

    fprintf(stderr, "WARNING! This will remove%s%s%s\n", *what == ':' ? "" : " ", what,
            *what == ':' ? "" : ".");
    fputs("Are you sure you want to continue? [y/N] ", stderr);
    answer = getchar();
    if (answer == EOF)
        fputs("\nNothing is removed: nobody answered (-f does not ask)\n", stderr);
    return answer == 'y' || answer == 'Y';
}
