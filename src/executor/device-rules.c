/* --device-cgroup-rule: which devices may be used through nodes that the container makes
 * itself. Where there is such a rule the root may have nodes, so the devices control
 * group refuses what is not granted: everything but docker's usual devices, those that
 * were named, and the rules. */
#include "executor/security.h"

#include "base/user-namespace.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ANY (-1)

/* As docker has them: every node may be made, and these may be opened. */
static const struct cb_device_grant usual[] = {
    {'c', ANY, ANY, "m"}, {'b', ANY, ANY, "m"},   {'c', 1, 3, "rwm"},
    {'c', 1, 5, "rwm"},   {'c', 1, 7, "rwm"},     {'c', 1, 8, "rwm"},
    {'c', 1, 9, "rwm"},   {'c', 5, 0, "rwm"},     {'c', 5, 1, "rwm"},
    {'c', 5, 2, "rwm"},   {'c', 136, ANY, "rwm"},
};

static void add_right(char access[4], char right)
{
    size_t len = strlen(access);

    if (strchr(access, right) || len == 3)
        return;
    access[len] = right;
    access[len + 1] = '\0';
}

/* What is said twice of a device is one grant. */
static int add_grant(struct cb_limits *limits, const struct cb_device_grant *grant,
                     struct cb_error **err)
{
    struct cb_device_grant *to = NULL;

    for (size_t i = 0; i < limits->grant_count && !to; i++) {
        struct cb_device_grant *known = &limits->grants[i];

        if (known->type == grant->type && known->major == grant->major &&
            known->minor == grant->minor)
            to = known;
    }
    if (!to && limits->grant_count == CB_DEVICE_GRANTS_MAX)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "--device-cgroup-rule: more than %d devices and rules",
                            CB_DEVICE_GRANTS_MAX);
    if (!to) {
        to = &limits->grants[limits->grant_count++];
        *to = *grant;
        *to->access = '\0';
    }
    for (const char *right = grant->access; *right; right++)
        add_right(to->access, *right);
    return 0;
}

static int grant_node(struct cb_limits *limits, const struct cb_device_rule *rule,
                      struct cb_error **err)
{
    struct cb_device_grant grant = {rule->type, rule->major, rule->minor, ""};

    for (const char *right = "rwm"; *right; right++) {
        if (!strchr(rule->refused, *right))
            add_right(grant.access, *right);
    }
    return add_grant(limits, &grant, err);
}

/* One that is not there is missed when it is opened. */
static int grant_path(struct cb_limits *limits, const char *path, struct cb_error **err)
{
    struct cb_device_rule rule = {0};
    struct stat st;

    if (stat(path, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
        return 0;
    rule.type = S_ISCHR(st.st_mode) ? 'c' : 'b';
    rule.major = major(st.st_rdev);
    rule.minor = minor(st.st_rdev);
    return grant_node(limits, &rule, err);
}

/* ── TYPE MAJOR:MINOR RIGHTS ── */

/* The number or "*" at *AT, which ENDS it; 0: it is none. */
static int read_number(const char **at, char ends, int64_t *out)
{
    size_t len = strspn(*at, "0123456789");

    *out = ANY;
    if (!len && **at == '*')
        len = 1;
    else if (len)
        *out = len > 10 ? INT64_MAX : strtoll(*at, NULL, 10);
    if (!len || (*at)[len] != ends)
        return 0;
    *at += len + 1;
    return 1;
}

/* TYPE 'a' is both. */
static int read_rule(const char *text, struct cb_device_grant *out)
{
    const char *at = text + 2;
    size_t len;

    if (!*text || !strchr("acb", *text) || text[1] != ' ' ||
        !read_number(&at, ':', &out->major) || !read_number(&at, ' ', &out->minor))
        return 0;
    len = strlen(at);
    if (!len || len > 3 || at[strspn(at, "rwm")])
        return 0;
    out->type = *text;
    memcpy(out->access, at, len + 1);
    return 1;
}

static int add_rule(struct cb_limits *limits, const char *text, struct cb_error **err)
{
    struct cb_device_grant grant = {0};
    const int both = *text == 'a';

    if (!read_rule(text, &grant))
        return cb_error_flag(err, text, "--device-cgroup-rule",
                             "invalid device cgroup format '%s'", text);
    if (grant.major > UINT32_MAX || grant.minor > UINT32_MAX)
        return cb_error_flag(err, text, "--device-cgroup-rule",
                             "there is no device of that number");
    grant.type = both ? 'c' : grant.type;
    if (add_grant(limits, &grant, err) < 0)
        return -1;
    grant.type = 'b';
    return both ? add_grant(limits, &grant, err) : 0;
}

static int check_place(struct cb_error **err)
{
    if (!cb_in_user_namespace())
        return 0;
    cb_error_set(
        err, CB_ERR_UNSUPPORTED,
        "--device-cgroup-rule: without root no device node can be made or opened");
    return cb_error_hint(err,
                         "name devices that you may open yourself: --device /dev/NAME");
}

int cb_device_rules_parse(struct cb_limits *limits, const struct cb_strings *rules,
                          const struct cb_device_nodes *nodes,
                          const struct cb_cdi_edits *cdi, struct cb_error **err)
{
    struct cb_limits ignored = {0};
    const int is_ignored = !limits;

    if (!rules->count)
        return 0;
    limits = limits ? limits : &ignored;
    limits->only_granted = 1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(usual); i++) {
        if (add_grant(limits, &usual[i], err) < 0)
            return -1;
    }
    cb_vec_foreach (text, rules) {
        if (add_rule(limits, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (node, nodes) {
        if (grant_node(limits, &node->rule, err) < 0)
            return -1;
    }
    cb_vec_foreach (node, &cdi->nodes) {
        if (grant_path(limits, node->host, err) < 0)
            return -1;
    }
    return is_ignored ? 0 : check_place(err);
}
