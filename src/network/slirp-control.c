/* Ports by slirp4netns. It takes commands, each a JSON object on a connection of its own
 * to a socket it makes where it is told; which is in a directory of ours that is removed
 * as soon as the ports are open, so that nobody else ever talks to it. The path is
 * through a descriptor: the name of a socket has 107 bytes, that of a store any number.
 */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME    "control"
#define ANSWER_MAX     4096
#define ANSWER_WAIT_MS 10000

struct cb_slirp_control {
    char *dir;
    int dir_fd;
    char path[48];
};

void cb_slirp_control_free(struct cb_slirp_control *control)
{
    if (!control)
        return;
    if (control->dir_fd >= 0)
        unlinkat(control->dir_fd, SOCKET_NAME, 0);
    if (control->dir)
        rmdir(control->dir);
    cb_close(&control->dir_fd);
    free(control->dir);
    free(control);
}

int cb_slirp_control_new(struct cb_slirp_control **out, const char *dir,
                         struct cb_error **err)
{
    cb_auto(cb_slirp_control) control = xcalloc(1, sizeof(*control));
    cb_autofree char *template = xasprintf("%s/slirp-XXXXXX", dir);

    control->dir_fd = -1;
    if (cb_fs_mkdirs(dir, 0700, err) < 0)
        return -1;
    if (!mkdtemp(template))
        return cb_error_errno(err, errno, "mkdir `%s`", template);
    control->dir = cb_steal(&template);
    control->dir_fd = open(control->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (control->dir_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", control->dir);
    snprintf(control->path, sizeof(control->path), "/proc/%d/fd/%d/" SOCKET_NAME,
             getpid(), control->dir_fd);
    *out = cb_steal(&control);
    return 0;
}

const char *cb_slirp_control_path(const struct cb_slirp_control *control)
{
    return control->path;
}

static int connect_to(const struct cb_slirp_control *control, int *out,
                      struct cb_error **err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cb_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", control->path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return cb_error_errno(err, errno, "slirp4netns: connect to its socket");
    *out = cb_steal_fd(&fd);
    return 0;
}

/* Until it closes the connection. */
static int read_answer(int fd, struct cb_strbuf *answer, struct cb_error **err)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char buffer[512];
    ssize_t got;

    do {
        if (poll(&wait, 1, ANSWER_WAIT_MS) <= 0)
            return cb_error_set(err, CB_ERR_SYSTEM, "slirp4netns does not answer");
        got = read(fd, buffer, sizeof(buffer));
        if (got < 0)
            return cb_error_errno(err, errno, "slirp4netns: read its answer");
        cb_strbuf_add(answer, buffer, (size_t)got);
    } while (got > 0 && answer->len < ANSWER_MAX);
    return 0;
}

static int check_answer(const struct cb_port *port, const struct cb_strbuf *answer,
                        struct cb_error **err)
{
    cb_auto_json *document = json_loadb(cb_strbuf_text(answer), answer->len, 0, NULL);
    const json_t *error = json_object_get(document, "error");

    if (document && !error)
        return 0;
    return cb_error_set(
        err, CB_ERR_SYSTEM, "slirp4netns: publish port %u: %s", port->host,
        error ? json_string_value(json_object_get(error, "desc")) ?: "it refuses"
              : "its answer is no JSON");
}

static int publish_one(const struct cb_slirp_control *control, const struct cb_port *port,
                       const char *guest, struct cb_error **err)
{
    cb_auto_json *command = json_pack(
        "{s:s, s:{s:s, s:s, s:i, s:s, s:i}}", "execute", "add_hostfwd", "arguments",
        "proto", port->protocol, "host_addr", *port->host_ip ? port->host_ip : "0.0.0.0",
        "host_port", (int)port->host, "guest_addr", guest, "guest_port",
        (int)port->container);
    cb_autofree char *text = command ? json_dumps(command, JSON_COMPACT) : NULL;
    cb_auto_value(cb_strbuf) answer = {0};
    cb_autofd int fd = -1;

    if (!text)
        return cb_error_set(err, CB_ERR_SYSTEM, "slirp4netns: publish port %u",
                            port->host);
    if (connect_to(control, &fd, err) < 0)
        return -1;
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text) ||
        shutdown(fd, SHUT_WR) < 0)
        return cb_error_errno(err, errno, "slirp4netns: publish port %u", port->host);
    if (read_answer(fd, &answer, err) < 0)
        return -1;
    return check_answer(port, &answer, err);
}

int cb_slirp_publish(struct cb_slirp_control *control, const struct cb_ports *ports,
                     const char *guest, struct cb_error **err)
{
    for (size_t i = 0; i < ports->count; i++) {
        const struct cb_port *port = &ports->items[i];

        if (strchr(port->host_ip, ':') || strcmp(port->protocol, "sctp") == 0) {
            cb_error_set(err, CB_ERR_UNSUPPORTED,
                         "slirp4netns publishes ports of TCP and UDP on IPv4 only");
            return cb_error_hint(err, "install the package passt");
        }
        if (publish_one(control, port, guest, err) < 0)
            return -1;
    }
    return 0;
}
