/* Owners of files that a build makes. Unlike the ids of a process (USER), a number alone
 * means the same number as group. */
#include "ops/ops-priv.h"

#include <errno.h>

/* Decimal, at most 2^32-2: -1 would mean "unchanged" to chown(2). 1/0. */
static int parse_id(const char *text, size_t len, uint32_t *out)
{
    uint64_t value = 0;

    if (len == 0 || len > 10)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (uint32_t)value;
    return value < UINT32_MAX;
}

/* Two numbers need no look-up: they work in an empty filesystem as well. */
static int parse_numeric(const char *text, struct cb_owner *out)
{
    const char *colon = strchr(text, ':');
    struct cb_owner owner = {0};

    if (!parse_id(text, colon ? (size_t)(colon - text) : strlen(text), &owner.uid))
        return 0;
    owner.gid = owner.uid;
    if (colon && colon[1] && !parse_id(colon + 1, strlen(colon + 1), &owner.gid))
        return 0;
    *out = owner;
    return 1;
}

int cb_copy_owner_is_named(const char *chown)
{
    struct cb_owner owner;

    return chown && !parse_numeric(chown, &owner);
}

int cb_owner_resolve(struct cb_result *root, const char *text, struct cb_owner *out,
                     struct cb_error **err)
{
    cb_auto_value(cb_user) user = {0};
    const char *colon = strchr(text, ':');
    cb_autofree char *spelled = NULL;
    int fd;

    if (parse_numeric(text, out))
        return 0;
    if (colon && !colon[1])
        spelled = xstrndup(text, (size_t)(colon - text)); /* "name:": the primary group */
    else if (colon == text)
        spelled = xasprintf("0%s", text); /* ":group" */
    else
        spelled = xstrdup(text);
    if (cb_result_root(root, &fd, err) < 0)
        return -1;
    if (cb_user_resolve(fd, spelled, &user, err) < 0)
        return -1;
    *out = (struct cb_owner){user.uid, user.gid};
    return 0;
}
