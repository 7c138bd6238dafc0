/* Which ids a user was given to hand on: /etc/subuid and /etc/subgid. newuidmap checks
 * them again; here they are only looked up to be asked for. */
#include "executor/userns-priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RANGES 64

static int is_users(const char *owner, const char *name, uint32_t uid)
{
    char number[16];

    snprintf(number, sizeof(number), "%u", uid);
    return (name && strcmp(owner, name) == 0) || strcmp(owner, number) == 0;
}

/* ":NUMBER", behind which *AT is then. */
static int take_number(const char **at, uint64_t *out)
{
    char *end;

    if ((*at)[0] != ':' || (*at)[1] < '0' || (*at)[1] > '9')
        return 0;
    *out = strtoull(*at + 1, &end, 10);
    *at = end;
    return *out <= UINT32_MAX;
}

void cb_subids_parse(const char *text, const char *name, uint32_t uid,
                     struct cb_subid_ranges *out)
{
    while (*text && out->count < MAX_RANGES) {
        size_t len = strcspn(text, "\n");
        cb_autofree char *line = xstrndup(text, len);
        const char *at = line + strcspn(line, ":");
        cb_autofree char *owner = xstrndup(line, (size_t)(at - line));
        uint64_t start, count;

        text += len + (text[len] == '\n');
        if (is_users(owner, name, uid) && take_number(&at, &start) &&
            take_number(&at, &count) && !*at && count && start + count <= UINT32_MAX) {
            struct cb_subid_range range = {(uint32_t)start, (uint32_t)count};

            cb_vec_push(out, range);
        }
    }
}
