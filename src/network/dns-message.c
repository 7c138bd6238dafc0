/* Only what a server needs that knows addresses and names. Whatever else is in a question
 * is for those to whom it is passed on, byte by byte. */
#include "network/dns-message-priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER_BYTES  12
#define MAX_LABEL     63
#define MAX_NAME      253 /* which takes two bytes more in a message */
#define CLASS_IN      1
#define IS_ANSWER     0x80
#define IS_OPERATION  0x78 /* a question is 0 */
#define WANTS_OTHERS  0x01 /* recursion */
#define HAS_OTHERS    0x80
#define IS_CUT        0x02
#define SAME_NAME     "\xc0\x0c" /* that of the question, which is behind the header */
#define SAME_BYTES    2
#define ANSWER_COUNT  6
#define FIXED_BYTES   10 /* of an answer, between its name and its data */
#define ADDRESS_BYTES (SAME_BYTES + FIXED_BYTES)

static unsigned number(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void add_number(struct cb_strbuf *out, unsigned value)
{
    cb_strbuf_addc(out, (char)(value >> 8));
    cb_strbuf_addc(out, (char)value);
}

/* -1: it cannot be said so. */
static int add_labels(struct cb_strbuf *out, const char *name)
{
    size_t before = out->len;

    while (*name) {
        size_t len = strcspn(name, ".");

        if (!len || len > MAX_LABEL)
            return -1;
        cb_strbuf_addc(out, (char)len);
        cb_strbuf_add(out, name, len);
        name += len + (name[len] == '.');
    }
    cb_strbuf_addc(out, '\0');
    return out->len - before > MAX_NAME + 2 ? -1 : 0;
}

/* ── Questions ── */

int cb_dns_query(struct cb_strbuf *out, const char *name, enum cb_dns_type type)
{
    cb_strbuf_add(out, "\0\1\1\0\0\1\0\0\0\0\0\0", HEADER_BYTES);
    if (add_labels(out, name) < 0)
        return -1;
    add_number(out, type);
    add_number(out, CLASS_IN);
    return 0;
}

/* The place behind the name at AT; 0: it is none. */
static size_t read_name(char *out, const unsigned char *bytes, size_t len, size_t at)
{
    size_t filled = 0;

    while (at < len && bytes[at]) {
        size_t label = bytes[at++];

        if (label > MAX_LABEL || at + label > len || filled + !!filled + label > MAX_NAME)
            return 0;
        if (filled)
            out[filled++] = '.';
        for (size_t i = 0; i < label; i++) {
            if (!bytes[at + i] || bytes[at + i] == '.')
                return 0;
            out[filled++] = (char)tolower(bytes[at + i]);
        }
        at += label;
    }
    out[filled] = '\0';
    return at < len ? at + 1 : 0;
}

int cb_dns_question_read(struct cb_dns_question *out, const void *message, size_t len)
{
    const unsigned char *bytes = message;
    size_t at;

    if (len < HEADER_BYTES || bytes[2] & (IS_ANSWER | IS_OPERATION) ||
        number(bytes + 4) != 1)
        return -1;
    at = read_name(out->name, bytes, len, HEADER_BYTES);
    if (!at || at + 4 > len || number(bytes + at + 2) != CLASS_IN)
        return -1;
    out->type = number(bytes + at);
    out->end = at + 4;
    return 0;
}

/* ── Answers ── */

void cb_dns_answer_begin(struct cb_strbuf *out, const void *message,
                         const struct cb_dns_question *question, unsigned code)
{
    const unsigned char *bytes = message;

    cb_strbuf_add(out, bytes, 2);
    cb_strbuf_addc(out, (char)(IS_ANSWER | (bytes[2] & (IS_OPERATION | WANTS_OTHERS))));
    cb_strbuf_addc(out, (char)(HAS_OTHERS | code));
    cb_strbuf_add(out, "\0\1\0\0\0\0\0\0", 8);
    cb_strbuf_add(out, bytes + HEADER_BYTES, question->end - HEADER_BYTES);
}

/* Nobody is to keep it: a container that starts again may have another address. */
static void add_fixed(struct cb_strbuf *out, unsigned type, size_t data_bytes)
{
    unsigned count = number((unsigned char *)out->text + ANSWER_COUNT) + 1;

    out->text[ANSWER_COUNT] = (char)(count >> 8);
    out->text[ANSWER_COUNT + 1] = (char)count;
    cb_strbuf_add(out, SAME_NAME, SAME_BYTES);
    add_number(out, type);
    add_number(out, CLASS_IN);
    cb_strbuf_add(out, "\0\0\0\0", 4);
    add_number(out, (unsigned)data_bytes);
}

void cb_dns_answer_add_ip(struct cb_strbuf *out, const struct cb_ip *ip)
{
    size_t bytes = ip->family == AF_INET ? 4 : 16;

    add_fixed(out, ip->family == AF_INET ? CB_DNS_A : CB_DNS_AAAA, bytes);
    cb_strbuf_add(out, ip->bytes, bytes);
}

void cb_dns_answer_add_name(struct cb_strbuf *out, const char *name)
{
    cb_auto_value(cb_strbuf) labels = {0};

    if (add_labels(&labels, name) < 0)
        return;
    add_fixed(out, CB_DNS_PTR, labels.len);
    cb_strbuf_add(out, labels.text, labels.len);
}

void cb_dns_answer_fit(struct cb_strbuf *out, const struct cb_dns_question *question,
                       size_t most)
{
    size_t at = question->end;
    unsigned count = 0;

    if (out->len <= most)
        return;
    for (;;) {
        size_t next = at + ADDRESS_BYTES +
                      number((unsigned char *)out->text + at + ADDRESS_BYTES - 2);

        if (next > most)
            break;
        at = next;
        count++;
    }
    cb_strbuf_truncate(out, at);
    out->text[2] |= IS_CUT;
    out->text[ANSWER_COUNT] = (char)(count >> 8);
    out->text[ANSWER_COUNT + 1] = (char)count;
}

const char *cb_dns_reverse(const struct cb_ip *ip, char buffer[CB_DNS_REVERSE_MAX])
{
    const unsigned char *bytes = ip->bytes;
    char *at = buffer;

    if (ip->family == AF_INET) {
        snprintf(buffer, CB_DNS_REVERSE_MAX, "%u.%u.%u.%u.in-addr.arpa", bytes[3],
                 bytes[2], bytes[1], bytes[0]);
        return buffer;
    }
    for (size_t i = 16; i-- > 0; at += 4)
        snprintf(at, 5, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
    snprintf(at, (size_t)(buffer + CB_DNS_REVERSE_MAX - at), "ip6.arpa");
    return buffer;
}
