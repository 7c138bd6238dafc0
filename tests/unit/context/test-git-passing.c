/* Which of git's complaints are worth another attempt. */
#include "context/remote-priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void busy_servers_and_broken_connections_are_asked_again(void **state)
{
    static const char *const rows[] = {
        "fatal: unable to access 'http://h/r.git/': The requested URL returned error: "
        "503",
        "fatal: unable to access 'https://h/r.git/': The requested URL returned error: "
        "429",
        "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
        "error: RPC failed; curl 18 transfer closed with outstanding read data "
        "remaining\n"
        "fatal: early EOF",
        "fetch-pack: unexpected disconnect while reading sideband packet",
        "fatal: unable to access 'https://h/r/': Recv failure: Connection reset by peer",
        "fatal: unable to access 'https://h/r/': Empty reply from server",
        "fatal: read error: Connection reset by peer",
        "kex_exchange_identification: Connection closed by remote host",
        "fatal: unable to connect to h:\nh[0: 192.0.2.1]: errno=Connection timed out",
    };

    (void)state;
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        if (!cb_git_is_passing(rows[i]))
            fail_msg("not asked again: %s", rows[i]);
}

static void answers_are_taken_for_answers(void **state)
{
    static const char *const rows[] = {
        "",
        "fatal: repository 'http://h/r.git/' not found",
        "fatal: unable to access 'http://h/r.git/': The requested URL returned error: "
        "403",
        "fatal: unable to access 'http://h/r.git/': The requested URL returned error: ",
        "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413",
        "fatal: unable to access 'https://h/r/': Could not resolve host: h",
        "fatal: unable to access 'https://h/r/': Failed to connect to h port 443 after 0 "
        "ms: Couldn't connect to server",
        "fatal: unable to connect to h:\nh[0: 192.0.2.1]: errno=Connection refused",
        "fatal: Authentication failed for 'https://h/r.git/'",
        "git@h: Permission denied (publickey).\nfatal: Could not read from remote "
        "repository.",
        "Host key verification failed.\nfatal: Could not read from remote repository.",
        "fatal: couldn't find remote ref none",
    };

    (void)state;
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        if (cb_git_is_passing(rows[i]))
            fail_msg("asked again: %s", rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(busy_servers_and_broken_connections_are_asked_again),
        cmocka_unit_test(answers_are_taken_for_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
