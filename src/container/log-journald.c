/* A log that journald keeps. Every line is a datagram of fields, in the native protocol
 * of its socket; what is too large for one goes as a sealed file. A container never
 * depends on whether journald is there, or listens: what it does not take is lost. */
#include "container/log-priv.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/message.h"
#include "container/setup.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS "/run/systemd/journal/socket"
#define SEALS   (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
/* So long is waited for room in its queue, in all, before the rest is lost. */
#define PATIENCE_NS 1000000000

/* A line that comes in pieces. */
struct pieces {
    char id[CB_CONTAINER_ID_DIGITS + 1];
    unsigned count;
};
struct cb_journald {
    int fd;
    struct cb_strbuf fields; /* those of every line, as they are sent */
    struct pieces lines[2];  /* of each stream */
    int is_behind;           /* it has not taken the last one */
    int64_t patience_ns;     /* that is left */
    uint64_t lost;
};

static int reach(const struct cb_journald *journald)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ADDRESS};

    return connect(journald->fd, (const struct sockaddr *)&address, sizeof(address));
}

int cb_journald_open(struct cb_journald **out, struct cb_error **err)
{
    cb_auto(cb_journald) journald = xcalloc(1, sizeof(*journald));

    journald->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (journald->fd < 0)
        return cb_error_errno(err, errno, "socket");
    if (reach(journald) < 0) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "failed to initialize logging driver: journald is not enabled on "
                     "this host");
        return cb_error_hint(err, "nobody listens at " ADDRESS ": %s", strerror(errno));
    }
    *out = cb_steal(&journald);
    return 0;
}

/* ── Fields ── */

/* The name of a label or variable as one of a field: upper case, digits and underscores,
 * which do not begin it. */
static char *field_name(const char *name)
{
    cb_auto_value(cb_strbuf) out = {0};

    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;

        if (c >= 'a' && c <= 'z')
            c = (unsigned char)(c - 'a' + 'A');
        else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
            c = (c & 0xc0) == 0x80 ? '\0' : '_'; /* one for a character */
        if (c && (c != '_' || out.len))
            cb_strbuf_addc(&out, (char)c);
    }
    return cb_strbuf_steal(&out);
}

/* What says whose a line is comes from nobody's labels. */
json_t *cb_journald_fields(const struct cb_container *container, json_t *extra,
                           const char *tag)
{
    const char *image = container->options.request.image_name;
    cb_autofree char *short_id = xstrndup(container->id, 12);
    cb_auto_json *own = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s}", "CONTAINER_ID", short_id, "CONTAINER_ID_FULL",
        container->id, "CONTAINER_NAME", container->name ? container->name : "",
        "CONTAINER_TAG", tag, "SYSLOG_IDENTIFIER", tag, "IMAGE_NAME", image ? image : "");
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach(extra, key, value)
    {
        cb_autofree char *name = field_name(key);

        if (*name && strcmp(name, "MESSAGE") != 0 && strcmp(name, "PRIORITY") != 0 &&
            strncmp(name, "CONTAINER_PARTIAL_", 18) != 0)
            json_object_set(out, name, value);
    }
    json_object_update(out, own);
    return out;
}

/* A value with a newline needs its length before it. */
static void add_field(struct cb_strbuf *out, const char *name, const char *value,
                      size_t len)
{
    uint64_t size = htole64(len);

    cb_strbuf_adds(out, name);
    if (len && memchr(value, '\n', len)) {
        cb_strbuf_addc(out, '\n');
        cb_strbuf_add(out, &size, sizeof(size));
    } else {
        cb_strbuf_addc(out, '=');
    }
    cb_strbuf_add(out, value, len);
    cb_strbuf_addc(out, '\n');
}

void cb_journald_set_fields(struct cb_journald *journald, const json_t *fields)
{
    const char *key;
    json_t *value;

    cb_strbuf_truncate(&journald->fields, 0);
    json_object_foreach((json_t *)fields, key, value)
    {
        add_field(&journald->fields, key, json_string_value(value),
                  json_string_length(value));
    }
}

/* ── Sending ── */

/* It takes files that nobody can change any more, in a message of nothing else. */
static int send_file(const struct cb_journald *journald, const struct cb_strbuf *message)
{
    cb_autofd int file = memfd_create("line", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (file < 0 || cb_fs_write_all(file, message->text, message->len) < 0 ||
        fcntl(file, F_ADD_SEALS, SEALS) < 0)
        return -1;
    return cb_message_send(journald->fd, "", 0, &file, 1);
}

static int transmit(const struct cb_journald *journald, const struct cb_strbuf *message)
{
    if (cb_message_send(journald->fd, message->text, message->len, NULL, 0) == 0)
        return 0;
    return errno == EMSGSIZE || errno == ENOBUFS ? send_file(journald, message) : -1;
}

static void wait_for_room(struct cb_journald *journald)
{
    struct pollfd room = {.fd = journald->fd, .events = POLLOUT};
    int64_t before = cb_clock_ns();

    poll(&room, 1, (int)(journald->patience_ns / 1000000) + 1);
    journald->patience_ns -= cb_clock_ns() - before;
}

/* One that was started again listens at the same place. */
static int deliver(struct cb_journald *journald, const struct cb_strbuf *message)
{
    int status = transmit(journald, message);

    if (status < 0 && errno != EAGAIN && reach(journald) == 0)
        status = transmit(journald, message);
    while (status < 0 && errno == EAGAIN && journald->patience_ns > 0) {
        wait_for_room(journald);
        status = transmit(journald, message);
    }
    return status;
}

void cb_journald_renew(struct cb_journald *journald)
{
    journald->patience_ns = journald->is_behind ? 0 : PATIENCE_NS;
}

static void add_pieces(struct cb_strbuf *message, struct pieces *line, int is_part)
{
    if (!is_part && !line->count)
        return;
    if (!line->count++)
        cb_container_new_id(line->id);
    if (is_part)
        cb_strbuf_adds(message, "CONTAINER_PARTIAL_MESSAGE=true\n");
    cb_strbuf_addf(message,
                   "CONTAINER_PARTIAL_ID=%s\nCONTAINER_PARTIAL_ORDINAL=%u\n"
                   "CONTAINER_PARTIAL_LAST=%s\n",
                   line->id, line->count, is_part ? "false" : "true");
    if (!is_part)
        line->count = 0;
}

void cb_journald_add(struct cb_journald *journald, int stream,
                     const struct cb_strbuf *line, int is_part)
{
    cb_auto_value(cb_strbuf) message = {0};
    size_t len = line->len;

    if (len && !is_part && line->text[len - 1] == '\n')
        len--;
    add_field(&message, "MESSAGE", line->text, len);
    cb_strbuf_adds(&message, stream == 1 ? "PRIORITY=6\n" : "PRIORITY=3\n");
    cb_strbuf_add(&message, journald->fields.text, journald->fields.len);
    add_pieces(&message, &journald->lines[stream - 1], is_part);
    if (deliver(journald, &message) == 0) {
        journald->is_behind = 0;
        return;
    }
    journald->is_behind = errno == EAGAIN;
    if (!journald->lost++)
        cb_warn("journald does not take what is printed: %s", strerror(errno));
}

/* It reads message by message: once it has taken this one, which says nothing and is
 * passed over, those before it are in the journal. */
void cb_journald_settle(void)
{
    struct cb_journald journald = {.patience_ns = PATIENCE_NS};
    cb_autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int64_t began = cb_clock_ns();
    int left = 1;

    journald.fd = fd;
    if (fd < 0 || reach(&journald) < 0 || deliver(&journald, &(struct cb_strbuf){0}) < 0)
        return;
    while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0 &&
           cb_clock_ns() - began < PATIENCE_NS)
        poll(NULL, 0, 1);
}

void cb_journald_close(struct cb_journald *journald)
{
    if (!journald)
        return;
    if (journald->lost)
        cb_warn("journald has not taken %" PRIu64 " lines", journald->lost);
    cb_close(&journald->fd);
    cb_strbuf_free(&journald->fields);
    free(journald);
}
