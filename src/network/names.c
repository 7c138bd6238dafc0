/* aardvark-dns reads a directory: a file for each network, whose first line says where to
 * listen, and a line for each container. It is told to read again by SIGHUP, is started
 * for the first container and stopped after the last. Changes happen under a lock, so
 * that nobody talks to one that is about to end. */
#include "network/names-priv.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "base/subprocess.h"
#include "base/user-namespace.h"
#include "network/network-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_BYTES        (4u << 20)
#define START_TIMEOUT_MS 10000
#define WAIT_MS          2000
#define PID_FILE         "aardvark.pid"

struct place {
    int dir;    /* of its files */
    char *path; /* the same */
    int parent;
    struct cb_lock *lock;
};

static void place_clear(struct place *place)
{
    cb_lock_release(place->lock);
    cb_close(&place->dir);
    cb_close(&place->parent);
    free(place->path);
}
CB_AUTO_VALUE_DEFINE(place, place_clear)

/* One that hangs is waited for by each whom it is to know, side by side. */
static void let_others(struct place *place)
{
    cb_lock_release(cb_steal(&place->lock));
}

static int open_directory(const char *path, int *out, struct cb_error **err)
{
    if (cb_fs_mkdirs(path, 0700, err) < 0)
        return -1;
    *out = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    return *out < 0 ? cb_error_errno(err, errno, "open `%s`", path) : 0;
}

static int place_open(struct place *place, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    cb_autofree char *leases = NULL;
    cb_autofree char *parent = NULL;
    cb_autofd int dir = -1;

    if (cb_net_lease_dir(&dir, &leases, err) < 0)
        return -1;
    parent = xasprintf("%s/names", leases);
    place->path = xasprintf("%s/aardvark-dns", parent);
    if (open_directory(parent, &place->parent, err) < 0 ||
        open_directory(place->path, &place->dir, err) < 0)
        return -1;
    return cb_lock_take(&place->lock, place->parent, "lock", CB_LOCK_EXCLUSIVE,
                        &(struct cb_lock_wait){.cancel = cancel}, err);
}

int cb_names_can(void)
{
    cb_autofree char *program = cb_subprocess_find("aardvark-dns");

    return program != NULL;
}

/* ── The server ── */

/* Its process id; 0: it does not run. A number of one that was killed may be another's;
 * of one that has ended but was not waited for the command line is empty. */
static pid_t find_server(const struct place *place)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) command = {0};
    char path[40];
    long pid;

    if (cb_fs_read_file(place->dir, PID_FILE, 64, &text, NULL) < 0)
        return 0;
    pid = strtol(cb_strbuf_text(&text), NULL, 10);
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    if (pid <= 1 || cb_fs_read_file(AT_FDCWD, path, MAX_BYTES, &command, NULL) < 0 ||
        !memmem(cb_strbuf_text(&command), command.len, place->path, strlen(place->path)))
        return 0;
    return (pid_t)pid;
}

/* Where systemd is, root's is not to end with the session or service we are in. */
static int start(const struct place *place, struct cb_cancel *cancel,
                 struct cb_error **err)
{
    cb_autofree char *program = cb_subprocess_find("aardvark-dns");
    cb_autofree char *scope = cb_subprocess_find("systemd-run");
    const char *const argv[] = {scope,       "-q", "--scope", program, "--config",
                                place->path, "-p", "53",      "run",   NULL};
    int has_scope =
        scope && !cb_in_user_namespace() && access("/run/systemd/system", F_OK) == 0;
    struct cb_subprocess_options options = {.argv = has_scope ? argv : argv + 3,
                                            .cwd_fd = -1,
                                            .inherit_fd = -1,
                                            .timeout_ms = START_TIMEOUT_MS,
                                            .cancel = cancel};
    cb_auto_value(cb_strbuf) errors = {0};
    int code;

    if (!program)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "aardvark-dns is not installed");
    if (cb_subprocess_run(&options, NULL, &errors, &code, err) < 0)
        return -1;
    if (code != 0)
        return cb_error_set(err, CB_ERR_SYSTEM, "aardvark-dns: %s",
                            cb_strbuf_text(&errors));
    return 0;
}

/* Ended by us, and not by itself: then it is gone when the lock is. */
static void stop(const struct place *place)
{
    pid_t pid = find_server(place);
    cb_autofd int watch = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd end = {.fd = watch, .events = POLLIN};

    if (watch >= 0 && kill(pid, SIGKILL) == 0)
        poll(&end, 1, WAIT_MS);
    unlinkat(place->dir, PID_FILE, 0);
}

static int notify(const struct place *place, struct cb_cancel *cancel,
                  struct cb_error **err)
{
    pid_t pid = find_server(place);

    if (pid && kill(pid, SIGHUP) == 0)
        return 0;
    return start(place, cancel, err);
}

static int has_networks(const struct place *place)
{
    cb_auto_value(cb_strings) names = {0};

    return cb_fs_list(place->dir, &names, NULL) == 0 &&
           names.count > (size_t)cb_strings_contain(&names, PID_FILE);
}

/* It has said that it runs, and writes down its number. */
static pid_t await_pid(const struct place *place, struct cb_cancel *cancel)
{
    cb_autofd int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    struct pollfd waits[] = {{.fd = changes, .events = POLLIN},
                             {.fd = cb_cancel_fd(cancel), .events = POLLIN}};
    char events[4096];
    pid_t pid;

    inotify_add_watch(changes, place->path, IN_CLOSE_WRITE | IN_MOVED_TO);
    while (!(pid = find_server(place)) && poll(waits, 2, WAIT_MS) > 0 &&
           !waits[1].revents)
        if (read(changes, events, sizeof(events)) < 0)
            break;
    return pid;
}

int cb_names_watch(struct cb_cancel *cancel)
{
    cb_auto_value(place) place = {.dir = -1, .parent = -1};
    pid_t pid;

    if (place_open(&place, cancel, NULL) < 0 || !has_networks(&place))
        return -1;
    pid = find_server(&place);
    if (!pid && start(&place, cancel, NULL) == 0)
        pid = await_pid(&place, cancel);
    return pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/* ── Its files ── */

/* Nothing that is half written is ever in its directory. */
static int replace(const struct place *place, const char *name,
                   const struct cb_strbuf *text, struct cb_error **err)
{
    cb_autofd int fd =
        openat(place->parent, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, text->text, text->len) < 0 ||
        renameat(place->parent, "new", place->dir, name) < 0)
        return cb_error_errno(err, errno, "write `%s/%s`", place->path, name);
    return 0;
}

static void add_ips(struct cb_strbuf *out, const struct cb_ip *ips, int family)
{
    const char *before = "";
    char text[CB_IP_MAX_TEXT];

    for (size_t i = 0; i < 2; i++) {
        if (!ips[i].family || (family && ips[i].family != family))
            continue;
        cb_strbuf_addf(out, "%s%s", before, cb_ip_text(&ips[i], text));
        before = ",";
    }
}

static void add_list(struct cb_strbuf *out, const struct cb_strings *texts)
{
    for (size_t i = 0; texts && i < texts->count; i++)
        cb_strbuf_addf(out, "%c%s", i ? ',' : ' ', texts->items[i]);
}

static void add_line(struct cb_strbuf *out, const struct cb_names *names)
{
    cb_strbuf_addf(out, "%s ", names->id);
    add_ips(out, names->ips, AF_INET);
    cb_strbuf_addc(out, ' ');
    add_ips(out, names->ips, AF_INET6);
    add_list(out, &names->names);
    add_list(out, names->dns);
    cb_strbuf_addc(out, '\n');
}

int cb_names_add(const struct cb_names *names, struct cb_cancel *cancel,
                 struct cb_error **err)
{
    cb_auto_value(place) place = {.dir = -1, .parent = -1};
    cb_auto_value(cb_strbuf) text = {0};

    if (place_open(&place, cancel, err) < 0)
        return -1;
    if (cb_fs_read_file(place.dir, names->network, MAX_BYTES, &text, NULL) < 0) {
        add_ips(&text, names->gateway, 0);
        cb_strbuf_addc(&text, '\n');
    }
    add_line(&text, names);
    if (replace(&place, names->network, &text, err) < 0 ||
        notify(&place, cancel, err) < 0)
        return -1;
    let_others(&place);
    cb_names_await(names, cancel);
    return 0;
}

/* A line is "ID IPV4 IPV6 NAMES [SERVERS]"; NULL: TEXT has none of ID. */
static const char *find_names(const char *text, const char *id)
{
    size_t len = strlen(id);

    for (const char *line = text; *line; line++) {
        if (strncmp(line, id, len) == 0 && line[len] == ' ') {
            const char *ipv6 = strchr(line + len + 1, ' ');
            const char *names = ipv6 ? strchr(ipv6 + 1, ' ') : NULL;

            return names && names < strchrnul(line, '\n') ? names : NULL;
        }
        line = strchrnul(line, '\n');
        if (!*line)
            break;
    }
    return NULL;
}

int cb_names_rename(const struct cb_names *names, struct cb_error **err)
{
    cb_auto_value(place) place = {.dir = -1, .parent = -1};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) changed = {0};
    const char *before;

    if (place_open(&place, NULL, err) < 0 ||
        cb_fs_read_file(place.dir, names->network, MAX_BYTES, &text, err) < 0)
        return -1;
    before = find_names(cb_strbuf_text(&text), names->id);
    if (!before)
        return 0;
    cb_strbuf_add(&changed, text.text, (size_t)(before - text.text));
    add_list(&changed, &names->names);
    cb_strbuf_adds(&changed, before + 1 + strcspn(before + 1, " \n"));
    if (replace(&place, names->network, &changed, err) < 0 ||
        notify(&place, NULL, err) < 0)
        return -1;
    let_others(&place);
    cb_names_await(names, NULL);
    return 0;
}

/* Its line goes; what is left in *TEXT counts as lines of others. */
static int drop_line(struct cb_strbuf *text, const char *id)
{
    cb_auto_value(cb_strbuf) kept = {0};
    const char *line = cb_strbuf_text(text);
    size_t len = strlen(id);
    int others = -1; /* the first line is nobody's */

    while (*line) {
        size_t end = strcspn(line, "\n");

        end += line[end] == '\n';
        if (strncmp(line, id, len) != 0 || line[len] != ' ') {
            cb_strbuf_add(&kept, line, end);
            others++;
        }
        line += end;
    }
    cb_strbuf_truncate(text, 0);
    cb_strbuf_add(text, cb_strbuf_text(&kept), kept.len);
    return others;
}

void cb_names_remove(const char *network, const char *id)
{
    cb_auto_value(place) place = {.dir = -1, .parent = -1};
    cb_auto_value(cb_strbuf) text = {0};

    if (place_open(&place, NULL, NULL) < 0)
        return;
    if (cb_fs_read_file(place.dir, network, MAX_BYTES, &text, NULL) == 0) {
        if (drop_line(&text, id) > 0)
            replace(&place, network, &text, NULL);
        else
            unlinkat(place.dir, network, 0);
    }
    if (!has_networks(&place))
        stop(&place);
    else
        notify(&place, NULL, NULL);
}
