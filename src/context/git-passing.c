/* Which failures of git are worth another attempt: git says so in words only. As with
 * downloads (http/retry.c) it is what breaks on the way, and servers that are busy; a
 * refusal, an unknown name or a missing repository is an answer. */
#include "context/remote-priv.h"

#include "http/retry.h"

#include <stdlib.h>
#include <string.h>

/* "The requested URL returned error: 503", "RPC failed; HTTP 502 curl 22 …" */
static int is_busy(const char *complaints)
{
    static const char *const before[] = {"returned error: ", "RPC failed; HTTP "};

    for (size_t i = 0; i < CB_ARRAY_SIZE(before); i++) {
        const char *found = strstr(complaints, before[i]);

        if (found && cb_retry_status(atoi(found + strlen(before[i]))))
            return 1;
    }
    return 0;
}

int cb_git_is_passing(const char *complaints)
{
    static const char *const broken[] = {
        "RPC failed; curl",     "early EOF",    "unexpected disconnect",
        "Connection reset by",  "Empty reply",  "Connection closed by",
        "Recv failure",         "Send failure", "timed out",
        "transfer closed with",
    };

    if (is_busy(complaints))
        return 1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(broken); i++)
        if (strstr(complaints, broken[i]))
            return 1;
    return 0;
}
