/* Rules that are known to be there, so that nobody has to ask a program that takes longer
 * for it than all else that a container's network takes.
 *
 * nf_tables counts the changes of a network namespace's rules. What was found there while
 * that number stayed the same is there as long as it still does: any change, by
 * whomever, of whatever table, makes the note worthless, and the next who needs the rules
 * asks anew. The note says for which boot and which namespace it holds, since numbers of
 * inodes, after which its directory is called, are given again.
 *
 * The old iptables keep their rules elsewhere, and count nothing: where they are used,
 * there is no note. */
#include "network/firewall-priv.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "network/network-priv.h"
#include "network/rtnl-priv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NOTE_NAME      "rules"
#define NOTE_MAX_BYTES (64u << 10)
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* ── What is there now ── */

/* 0, or -1: this kernel does not tell. */
static int ask_generation(int fd, uint32_t *out)
{
    const struct nfgenmsg body = {.version = NFNETLINK_V0};
    struct cb_rtnl_message message, answer;
    const char *attribute = answer.bytes + NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(body));
    struct nlattr head;

    cb_rtnl_begin(&message, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, &body,
                  sizeof(body));
    if (cb_rtnl_ask(fd, &message, &answer) < 0)
        return -1;
    memcpy(&head, attribute, sizeof(head));
    if (head.nla_type != NFTA_GEN_ID || head.nla_len != NLA_HDRLEN + sizeof(*out))
        return -1;
    memcpy(out, attribute + NLA_HDRLEN, sizeof(*out));
    *out = ntohl(*out);
    return 0;
}

void cb_rules_stamp(char out[CB_RULES_STAMP_BYTES])
{
    cb_autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    cb_auto_value(cb_strbuf) boot = {0};
    uint64_t namespace = 0;
    socklen_t size = sizeof(namespace);
    uint32_t generation;

    *out = '\0';
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &namespace, &size) < 0 ||
        ask_generation(fd, &generation) < 0 ||
        cb_fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, NULL) < 0)
        return;
    snprintf(out, CB_RULES_STAMP_BYTES, "%.36s %" PRIu64 " %" PRIu32 "\n",
             cb_strbuf_text(&boot), namespace, generation);
}

/* ── The note ── */

static int read_note(int dir, struct cb_strbuf *out)
{
    return cb_fs_read_file(dir, NOTE_NAME, NOTE_MAX_BYTES, out, NULL);
}

static int begins_with(const struct cb_strbuf *note, const char *stamp)
{
    return strncmp(cb_strbuf_text(note), stamp, strlen(stamp)) == 0;
}

int cb_rules_are_known(const char *rules)
{
    cb_auto_value(cb_strbuf) note = {0};
    cb_autofd int dir = -1;
    char now[CB_RULES_STAMP_BYTES];

    if (cb_net_lease_dir(&dir, NULL, NULL) < 0 || read_note(dir, &note) < 0 ||
        !strstr(cb_strbuf_text(&note), rules))
        return 0;
    cb_rules_stamp(now);
    return *now && begins_with(&note, now);
}

/* Of two who write at once one is forgotten, and asks again. */
void cb_rules_note(const char *rules, const char *before)
{
    cb_auto_value(cb_strbuf) note = {0};
    cb_autofd int dir = -1;
    char now[CB_RULES_STAMP_BYTES];

    cb_rules_stamp(now);
    if (!*now || strcmp(now, before) != 0 || cb_net_lease_dir(&dir, NULL, NULL) < 0)
        return;
    if (read_note(dir, &note) < 0 || !begins_with(&note, now) ||
        note.len + strlen(rules) > NOTE_MAX_BYTES) {
        cb_strbuf_free(&note);
        cb_strbuf_adds(&note, now);
    }
    cb_strbuf_adds(&note, rules);
    cb_atomic_file_write(dir, NOTE_NAME, note.text, note.len, 0600, 0, NULL);
}
