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

void cb_subids_parse(const char *text, const char *name, uint32_t uid,
                     struct cb_subid_ranges *out)
{
    while (*text && out->count < MAX_RANGES) {
        size_t len = strcspn(text, "\n");
        cb_autofree char *line = xstrndup(text, len);
        unsigned long long start, count;
        char *colon = strchr(line, ':');
        int used = 0;

        text += len + (text[len] == '\n');
        if (!colon || sscanf(colon, ":%10llu:%10llu%n", &start, &count, &used) != 2 ||
            colon[used])
            continue;
        *colon = '\0';
        if (is_users(line, name, uid) && count && start + count <= UINT32_MAX) {
            struct cb_subid_range range = {(uint32_t)start, (uint32_t)count};

            cb_vec_push(out, range);
        }
    }
}
