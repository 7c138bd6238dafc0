/* Docker's restart policies. */
#include "container/restart.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE_MS 100
#define LAST_PAUSE_MS  60000
#define SETTLED_MS     10000

static const char *const names[] = {
    [CB_RESTART_NO] = "no",
    [CB_RESTART_ON_FAILURE] = "on-failure",
    [CB_RESTART_ALWAYS] = "always",
    [CB_RESTART_UNLESS_STOPPED] = "unless-stopped",
};

static int parse_count(const char *text, unsigned *out, struct cb_error **err)
{
    char *end;
    long count;

    errno = 0;
    count = strtol(text, &end, 10);
    if (end == text || *end || errno || count > INT_MAX)
        return cb_error_set(err, CB_ERR_FLAG,
                            "invalid restart policy format: maximum retry count must be "
                            "an integer");
    if (count < 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid restart policy: maximum retry count cannot be "
                            "negative");
    *out = (unsigned)count;
    return 0;
}

int cb_restart_policy_parse(struct cb_restart_policy *out, const char *text,
                            struct cb_error **err)
{
    size_t len = text ? strcspn(text, ":") : 0;
    const char *count = text && text[len] ? text + len + 1 : NULL;

    *out = (struct cb_restart_policy){0};
    if (!text || !*text)
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (strlen(names[i]) != len || strncmp(names[i], text, len) != 0)
            continue;
        out->kind = (enum cb_restart_kind)i;
        if (!count)
            return 0;
        if (out->kind != CB_RESTART_ON_FAILURE)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid restart policy: maximum retry count can only be "
                                "used with 'on-failure'");
        return parse_count(count, &out->most, err);
    }
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid restart policy: unknown policy '%s'; use one of 'no', "
                        "'always', 'on-failure', or 'unless-stopped'",
                        text);
}

const char *cb_restart_policy_name(const struct cb_restart_policy *policy)
{
    return names[policy->kind];
}

int cb_restart_wanted(const struct cb_restart_policy *policy, int exit_code,
                      unsigned restarts)
{
    if (policy->kind == CB_RESTART_ON_FAILURE)
        return exit_code != 0 && (!policy->most || restarts < policy->most);
    return policy->kind != CB_RESTART_NO;
}

int cb_restart_pause_ms(int last_ms, int64_t ran_ms)
{
    if (!last_ms || ran_ms >= SETTLED_MS)
        return FIRST_PAUSE_MS;
    return last_ms * 2 < LAST_PAUSE_MS ? last_ms * 2 : LAST_PAUSE_MS;
}
