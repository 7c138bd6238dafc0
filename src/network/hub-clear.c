/* What a hub leaves in its directory and beside: the leases of its network with what was
 * set up for them, which ended with the network, and its server of names, which would go
 * on and keep it. Usually the keeper clears that at its end; of one that was killed who
 * makes the next hub does, unless containers are there still. */
#include "network/hub-priv.h"

#include "base/fs.h"
#include "network/network-priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAMES_PROGRAM "aardvark-dns"
#define ARGV_BYTES    4096

/* ── Servers of names ── */

/* Does one of its arguments lie in DIR? */
static int serves(int proc, const char *pid, const char *dir)
{
    cb_autofree char *path = xasprintf("%s/cmdline", pid);
    cb_auto_value(cb_strbuf) text = {0};
    const size_t len = strlen(dir);
    const char *end, *base;

    if (cb_fs_read_file(proc, path, ARGV_BYTES, &text, NULL) < 0 || !text.len)
        return 0;
    end = cb_strbuf_text(&text) + text.len;
    base = strrchr(text.text, '/');
    if (strcmp(base ? base + 1 : text.text, NAMES_PROGRAM) != 0)
        return 0;
    for (const char *word = text.text; word < end; word += strlen(word) + 1)
        if (strncmp(word, dir, len) == 0 && word[len] == '/')
            return 1;
    return 0;
}

static void end_names(const char *dir)
{
    cb_auto_value(cb_strings) pids = {0};
    cb_autofd int proc = open("/proc", O_DIRECTORY | O_RDONLY | O_CLOEXEC);

    if (proc < 0 || cb_fs_list(proc, &pids, NULL) < 0)
        return;
    cb_vec_foreach (pid, &pids) {
        if (isdigit((unsigned char)**pid) && serves(proc, *pid, dir))
            kill((pid_t)strtol(*pid, NULL, 10), SIGKILL);
    }
}

/* ── Leases ── */

static char *mark_of(const char *hub)
{
    return xasprintf("of-%s", hub);
}

int cb_hub_mark(int dir, const char *hub)
{
    cb_autofree char *name = mark_of(hub);
    cb_autofd int fd =
        openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? -1 : 0;
}

int cb_hub_clear_network(int base, const char *path, const char *name)
{
    cb_autofree char *dir = xasprintf("%s/%s", path, name);

    end_names(dir);
    return cb_fs_remove_tree(base, name, NULL);
}

static int is_in_use(int dir)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(dir, &names, NULL) < 0)
        return 1;
    cb_vec_foreach (name, &names) {
        if (cb_lock_is_held(dir, *name))
            return 1;
    }
    return 0;
}

static int was_of(int dir, const char *hub)
{
    cb_autofree char *name = mark_of(hub);

    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void cb_hub_clear_left(int base, const char *path, const char *hub)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(base, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        cb_autofd int dir = -1;

        if (strncmp(*name, "net-", 4) != 0)
            continue;
        dir = openat(base, *name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (dir >= 0 && was_of(dir, hub) && !is_in_use(dir))
            cb_hub_clear_network(base, path, *name);
    }
}
