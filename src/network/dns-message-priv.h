/* Questions of the domain name system and answers to them (RFC 1035). Private to this
 * directory. */
#ifndef CB_NETWORK_DNS_MESSAGE_PRIV_H
#define CB_NETWORK_DNS_MESSAGE_PRIV_H

#include "base/strbuf.h"
#include "network/address.h"

#define CB_DNS_NAME_MAX      256
#define CB_DNS_DATAGRAM_MAX  512 /* of who has not said that he takes more */
#define CB_DNS_MESSAGE_MAX   65535
#define CB_DNS_REVERSE_MAX   80
#define CB_DNS_SERVER_FAILED 2

enum cb_dns_type { CB_DNS_A = 1, CB_DNS_PTR = 12, CB_DNS_AAAA = 28 };

struct cb_dns_question {
    char name[CB_DNS_NAME_MAX]; /* in small letters, without a dot at its end */
    unsigned type;
    size_t end; /* where it ends in its message */
};
/* -1: MESSAGE is not one question about the internet, and nothing else. */
int cb_dns_question_read(struct cb_dns_question *out, const void *message, size_t len);

/* Makes *OUT, which is empty, a question. -1: NAME is none that could be asked for. */
int cb_dns_query(struct cb_strbuf *out, const char *name, enum cb_dns_type type);

/* Makes *OUT, which is empty, an answer to MESSAGE that says nothing yet. CODE: 0, or
 * what went wrong. */
void cb_dns_answer_begin(struct cb_strbuf *out, const void *message,
                         const struct cb_dns_question *question, unsigned code);
/* The question's name has address IP. */
void cb_dns_answer_add_ip(struct cb_strbuf *out, const struct cb_ip *ip);
/* The question's address has NAME. */
void cb_dns_answer_add_name(struct cb_strbuf *out, const char *name);
/* Leaves out what is behind the first MOST bytes, and says so. */
void cb_dns_answer_fit(struct cb_strbuf *out, const struct cb_dns_question *question,
                       size_t most);

/* The name by which IP's name is asked for. */
const char *cb_dns_reverse(const struct cb_ip *ip, char buffer[CB_DNS_REVERSE_MAX]);

#endif
