/* Rules by iptables-restore, many of them by one call, beside those of docker, podman and
 * the host's owner: what is ours is in chains of our own, which are asked first of all,
 * so that a policy of DROP does not count for networks of ours, and which say nothing
 * about packets of others.
 *
 * The chains stay once they are there, as docker's do: to make them anew each time would
 * cost more than the rules, and to remove rules takes the kernel tens of milliseconds.
 * Somebody may flush them at any time; so each call that adds a rule also asks, in the
 * same breath, whether all it needs is there (-C), and fails as a whole when it is not.
 * Who adds none asks only if that is not known (firewall-known.c). */
#include "network/firewall-priv.h"

#include "base/log.h"
#include "base/subprocess.h"
#include "network/network-priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define TIMEOUT_MS 30000

/* Those with contents of their own; a network's rules go into the others. */
static const char *const chains[][2] = {
    {"filter", "CBUILD-FORWARD"}, {"filter", "CBUILD-GUARD"}, {"filter", "CBUILD-LEAVE"},
    {"filter", "CBUILD-INNER"},   {"filter", "CBUILD-INTO"},  {"filter", "CBUILD-OUT"},
    {"filter", "CBUILD-HOST"},    {"nat", "CBUILD-DNAT"},     {"nat", "CBUILD-MASQ"},
};
/* FAMILY 0: of both. What comes in for the loopback was sent by a container through a
 * bridge with route_localnet: what is published there is for the host itself. IPv6's is
 * kept by the kernel. */
static const struct {
    const char *table, *rule;
    int family;
} jumps[] = {
    {"filter", "FORWARD -j CBUILD-FORWARD", 0},
    {"filter", "INPUT -j CBUILD-HOST", 0},
    {"nat", "PREROUTING ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j CBUILD-DNAT",
     AF_INET},
    {"nat", "PREROUTING -m addrtype --dst-type LOCAL -j CBUILD-DNAT", AF_INET6},
    {"nat", "OUTPUT -m addrtype --dst-type LOCAL -j CBUILD-DNAT", 0},
    {"nat", "POSTROUTING -j CBUILD-MASQ", 0},
};
/* Private networks, each behind an interface cbuild-N, have their rules here. What leaves
 * one of our networks does not get at containers of docker's and podman's networks, which
 * count on a policy of DROP, but for what they publish. */
static const char contents[] = "-F CBUILD-FORWARD\n"
                               "-F CBUILD-GUARD\n"
                               "-F CBUILD-LEAVE\n"
                               "-A CBUILD-FORWARD -j CBUILD-INNER\n"
                               "-A CBUILD-FORWARD -o cbuild-+ -j CBUILD-GUARD\n"
                               "-A CBUILD-FORWARD -j CBUILD-INTO\n"
                               "-A CBUILD-FORWARD -i cbuild-+ -j CBUILD-LEAVE\n"
                               "-A CBUILD-FORWARD -j CBUILD-OUT\n"
                               "-A CBUILD-GUARD -m conntrack --ctstate "
                               "RELATED,ESTABLISHED,DNAT -j ACCEPT\n"
                               "-A CBUILD-GUARD -j DROP\n"
                               "-A CBUILD-LEAVE -o docker0 -j CBUILD-GUARD\n"
                               "-A CBUILD-LEAVE -o podman+ -j CBUILD-GUARD\n"
                               "-A CBUILD-LEAVE -j ACCEPT\n";

/* ── Running the programs ── */

/* Where it is not ours to lock /run/xtables.lock, the rules are nobody else's either. A
 * line of an environment, or NULL; caller frees. */
static char *own_lock(void)
{
    cb_autofree char *path = NULL;
    cb_autofd int dir = -1;

    if (access("/run", W_OK) == 0 || cb_net_lease_dir(&dir, &path, NULL) < 0)
        return NULL;
    return xasprintf("XTABLES_LOCKFILE=%s/xtables.lock", path);
}

static const char *program_name(int family, int restore)
{
    if (family == AF_INET6)
        return restore ? "ip6tables-restore" : "ip6tables";
    return restore ? "iptables-restore" : "iptables";
}

int cb_firewall_check(struct cb_error **err)
{
    cb_autofree char *restore = cb_subprocess_find("iptables-restore");

    if (restore)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "iptables is not installed");
    return cb_error_hint(err, "install the package iptables");
}

/* What it says first is enough. LOCK_FD: a file to lock, or -1. */
static int run(int family, const char *const *argv, const char *input, int lock_fd,
               struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *lock =
        lock_fd < 0 ? own_lock()
                    : xasprintf("XTABLES_LOCKFILE=/proc/self/fd/%d", lock_fd);
    const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", lock, NULL};
    struct cb_subprocess_options options = {.argv = argv,
                                            .env = env,
                                            .cwd_fd = -1,
                                            .inherit_fd = lock_fd,
                                            .input = input,
                                            .input_len = input ? strlen(input) : 0,
                                            .timeout_ms = TIMEOUT_MS,
                                            .cancel = cancel};
    cb_auto_value(cb_strbuf) errors = {0};
    int code;

    if (cb_subprocess_run(&options, NULL, &errors, &code, err) < 0)
        return -1;
    if (code == 0)
        return 0;
    if (!errors.len)
        return cb_error_set(err, CB_ERR_SYSTEM, "%s failed", program_name(family, 1));
    return cb_error_set(err, CB_ERR_SYSTEM, "%.*s",
                        (int)strcspn(cb_strbuf_text(&errors), "\n"),
                        cb_strbuf_text(&errors));
}

static int restore(int family, const char *text, int lock_fd, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    cb_autofree char *program = cb_subprocess_find(program_name(family, 1));
    const char *const argv[] = {program, "--wait=30", "--noflush", NULL};

    if (!program)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "%s is not installed",
                            program_name(family, 1));
    return run(family, argv, text, lock_fd, cancel, err);
}

/* Without a file of a directory of leases, which such a network has not. */
int cb_firewall_restore_alone(int family, const char *text, struct cb_error **err)
{
    cb_autofd int lock = memfd_create("xtables.lock", MFD_CLOEXEC);

    if (lock < 0)
        return cb_error_errno(err, errno, "memfd_create");
    return restore(family, text, lock, NULL, err);
}

static int restore_here(int family, const char *text, struct cb_cancel *cancel,
                        struct cb_error **err)
{
    return restore(family, text, -1, cancel, err);
}

/* `iptables -t TABLE VERB RULE`, whose words have no blanks; whether it worked is all
 * that is asked. */
static int run_one(int family, const char *table, const char *verb, const char *rule)
{
    cb_autofree char *program = cb_subprocess_find(program_name(family, 0));
    cb_autofree char *copy = xstrdup(rule);
    const char *argv[48] = {program, "-w", "30", "-t", table, verb};
    size_t count = 6;
    char *rest = copy, *word;

    if (!program)
        return -1;
    while ((word = strsep(&rest, " ")) && count + 1 < CB_ARRAY_SIZE(argv))
        argv[count++] = word;
    return run(family, argv, NULL, -1, NULL, NULL);
}

/* ── Texts for iptables-restore ── */

static void add_all(struct cb_strbuf *out, const char *verb,
                    const struct cb_strings *rules)
{
    cb_vec_foreach (rule, rules)
        cb_strbuf_addf(out, "%s %s\n", verb, *rule);
}

static int is_of(int family, size_t jump)
{
    return !jumps[jump].family || jumps[jump].family == family;
}

static void add_jumps(struct cb_strbuf *out, int family, const char *verb,
                      const char *table)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(jumps); i++)
        if (is_of(family, i) && strcmp(jumps[i].table, table) == 0)
            cb_strbuf_addf(out, "%s %s\n", verb, jumps[i].rule);
}

static void remove_jumps(int family)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(jumps); i++)
        if (is_of(family, i))
            run_one(family, jumps[i].table, "-D", jumps[i].rule);
}

static void add_chains(struct cb_strbuf *out, const char *verb, const char *table)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(chains); i++)
        if (strcmp(chains[i][0], table) == 0)
            cb_strbuf_addf(out, "%s %s\n", verb, chains[i][1]);
}

/* KEPT is what VERB says: -C is there, -A is to be added. */
static void add_table(struct cb_strbuf *out, int family, const char *table,
                      const char *verb, const struct cb_strings *kept,
                      const struct cb_strings *added)
{
    cb_strbuf_addf(out, "*%s\n", table);
    add_jumps(out, family, "-C", table);
    add_all(out, verb, kept);
    add_all(out, "-A", added);
    cb_strbuf_adds(out, "COMMIT\n");
}

static char *make_text(const char *verb, const struct cb_rules *kept,
                       const struct cb_rules *added)
{
    struct cb_strbuf out = {0};

    add_table(&out, kept->family, "filter", verb, &kept->filter, &added->filter);
    add_table(&out, kept->family, "nat", verb, &kept->nat, &added->nat);
    return cb_strbuf_steal(&out);
}

/* Are the rules those that nf_tables counts the changes of? The program says so by its
 * own name (xtables-nft-multi). */
static int is_counted(int family)
{
    cb_autofree char *program = cb_subprocess_find(program_name(family, 1));
    cb_autofree char *real = program ? realpath(program, NULL) : NULL;

    return real && strstr(strrchr(real, '/'), "nft");
}

/* Is all of it there? Once found so, that is known until somebody changes a rule. */
static int find(const struct cb_rules *kept, struct cb_cancel *cancel,
                struct cb_error **err)
{
    static const struct cb_rules none;
    cb_autofree char *text = make_text("-C", kept, &none);
    char before[CB_RULES_STAMP_BYTES];

    if (cb_rules_are_known(text))
        return 0;
    if (!is_counted(kept->family))
        return restore_here(kept->family, text, cancel, err);
    cb_rules_stamp(before);
    if (restore_here(kept->family, text, cancel, err) < 0)
        return -1;
    cb_rules_note(text, before);
    return 0;
}

int cb_firewall_add(const struct cb_rules *kept, int is_new, const struct cb_rules *added,
                    struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *text = NULL;

    if (!is_new && !added->filter.count && !added->nat.count)
        return find(kept, cancel, err);
    text = make_text(is_new ? "-A" : "-C", kept, added);
    return restore_here(kept->family, text, cancel, err);
}

/* ── What is there for everybody ── */

/* Where nothing is. */
static int make_base(int family, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "*filter\n");
    add_chains(&text, "-N", "filter");
    cb_strbuf_adds(&text, contents);
    add_jumps(&text, family, "-I", "filter");
    cb_strbuf_adds(&text, "COMMIT\n*nat\n");
    add_chains(&text, "-N", "nat");
    add_jumps(&text, family, "-I", "nat");
    cb_strbuf_adds(&text, "COMMIT\n");
    return restore_here(family, cb_strbuf_text(&text), cancel, err);
}

/* Where some of it is. Networks that are in use keep their rules. */
static int mend_base(int family, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(chains); i++)
        run_one(family, chains[i][0], "-N", chains[i][1]);
    remove_jumps(family);
    cb_strbuf_adds(&text, "*filter\n");
    cb_strbuf_adds(&text, contents);
    add_jumps(&text, family, "-I", "filter");
    cb_strbuf_adds(&text, "COMMIT\n*nat\n");
    add_jumps(&text, family, "-I", "nat");
    cb_strbuf_adds(&text, "COMMIT\n");
    return restore_here(family, cb_strbuf_text(&text), cancel, err);
}

/* A table is changed as a whole, but one after the other: what the first has got is taken
 * back before the next attempt. */
int cb_firewall_install(const struct cb_rules *kept, const struct cb_rules *added,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *text = make_text("-A", kept, added);
    int is_first = make_base(kept->family, cancel, NULL) == 0;

    if (!is_first)
        cb_firewall_remove(kept);
    if (restore_here(kept->family, text, cancel, is_first ? err : NULL) == 0)
        return 0;
    if (is_first || mend_base(kept->family, cancel, err) < 0)
        return -1;
    cb_firewall_remove(kept);
    return restore_here(kept->family, text, cancel, err);
}

/* ── Removing ── */

void cb_firewall_remove(const struct cb_rules *rules)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    if (!rules->filter.count && !rules->nat.count)
        return;
    cb_strbuf_adds(&text, "*filter\n");
    add_all(&text, "-D", &rules->filter);
    cb_strbuf_adds(&text, "COMMIT\n*nat\n");
    add_all(&text, "-D", &rules->nat);
    cb_strbuf_adds(&text, "COMMIT\n");
    if (restore_here(rules->family, cb_strbuf_text(&text), NULL, &error) == 0)
        return;
    cb_debug("%s", cb_error_message(error));
    cb_vec_foreach (rule, &rules->filter)
        run_one(rules->family, "filter", "-D", *rule);
    cb_vec_foreach (rule, &rules->nat)
        run_one(rules->family, "nat", "-D", *rule);
}

void cb_firewall_remove_all(int family)
{
    cb_auto_value(cb_strbuf) text = {0};

    remove_jumps(family);
    cb_strbuf_adds(&text, "*filter\n");
    add_chains(&text, "-F", "filter");
    add_chains(&text, "-X", "filter");
    cb_strbuf_adds(&text, "COMMIT\n*nat\n");
    add_chains(&text, "-F", "nat");
    add_chains(&text, "-X", "nat");
    cb_strbuf_adds(&text, "COMMIT\n");
    restore_here(family, cb_strbuf_text(&text), NULL, NULL);
}
