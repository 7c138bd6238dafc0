/* Owners of files that a build makes. Unlike the ids of a process (USER), a number alone
 * means the same number as group. */
#include "ops/ops-priv.h"

int cb_owner_resolve(struct cb_result *root, const char *text, struct cb_owner *out,
                     struct cb_error **err)
{
    cb_auto_value(cb_user) user = {0};
    const char *colon = strchr(text, ':');
    cb_autofree char *spelled = NULL;
    int fd;

    if (cb_owner_parse_ids(text, out))
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
