/* --ulimit: docker's names for setrlimit(2) resources. */
#include "executor/limits.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    int resource;
} resources[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

const char *cb_rlimit_name(int resource)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(resources); i++) {
        if (resources[i].resource == resource)
            return resources[i].name;
    }
    return "";
}

/* A number, or -1 for no limit. */
static int parse_limit(const char *text, size_t len, uint64_t *out)
{
    cb_autofree char *copy = xstrndup(text, len);
    char *end;

    if (!strcmp(copy, "-1")) {
        *out = UINT64_MAX;
        return 0;
    }
    if (!isdigit((unsigned char)*copy))
        return -1;
    errno = 0;
    *out = strtoull(copy, &end, 10);
    return *end || errno ? -1 : 0;
}

int cb_rlimit_parse(struct cb_rlimit *out, const char *text, struct cb_error **err)
{
    size_t name = strcspn(text, "=");
    const char *soft = text[name] ? text + name + 1 : "";
    size_t soft_len = strcspn(soft, ":");
    const char *hard = soft[soft_len] ? soft + soft_len + 1 : soft;

    out->resource = -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(resources); i++) {
        if (strlen(resources[i].name) == name && !strncmp(text, resources[i].name, name))
            out->resource = resources[i].resource;
    }
    if (!text[name])
        return cb_error_set(err, CB_ERR_USAGE, "expected name=soft[:hard]");
    if (out->resource < 0)
        return cb_error_set(err, CB_ERR_USAGE, "invalid ulimit type: %.*s", (int)name,
                            text);
    if (parse_limit(soft, soft_len, &out->soft) < 0 ||
        parse_limit(hard, strlen(hard), &out->hard) < 0)
        return cb_error_set(err, CB_ERR_USAGE, "limits are numbers, or -1 for none");
    if (out->soft > out->hard)
        return cb_error_set(err, CB_ERR_USAGE,
                            "ulimit soft limit must be less than or equal to hard limit");
    return 0;
}
