/* Reading back what journald keeps of a container, with journalctl: see containers.md for
 * why it is a program. One that looks from the end finds where the last lines begin, and
 * where the journal ended when the reading began; the next one is read from there on.
 * Places are cursors, which no clock moves. */
#include "container/log-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 200
#define LAST_SECOND   253402300799 /* of the year 9999: what journalctl understands */

struct reader {
    struct cb_container *container;
    const struct cb_log_wish *wish;
    int (*show)(void *arg, const struct cb_log_line *line);
    void *arg;
    struct cb_cancel *cancel;
    char *from;            /* where what is shown begins; NULL: with the first */
    char *last;            /* the newest when the reading began */
    struct cb_strbuf seen; /* behind this the reading goes on, once there is one */
    int64_t counted;       /* from the end */
    int is_done;
};

static void reader_free(struct reader *reader)
{
    free(reader->from);
    free(reader->last);
    cb_strbuf_free(&reader->seen);
}
CB_AUTO_VALUE_DEFINE(reader, reader_free)

static int is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int is_too_new(const struct reader *reader, const struct cb_log_line *line)
{
    return reader->wish->has_until && is_before(&reader->wish->until, &line->time);
}

/* ── The program ── */

/* A moment that is not earlier by PLUS microseconds. */
static void add_moment(struct cb_strings *args, const char *option,
                       const struct timespec *moment, int plus)
{
    int64_t second = moment->tv_sec;
    long micros = moment->tv_nsec / 1000 + plus;

    if (second < 0) {
        second = 0;
        micros = plus;
    }
    second += micros / 1000000;
    if (second < LAST_SECOND)
        cb_strings_addf(args, "--%s=@%" PRId64 ".%06ld", option, second,
                        micros % 1000000);
}

/* The owner of the container's files can write lines of it anyway; so who sent an entry,
 * which the kernel vouches for, must be he. */
static void add_matches(const struct reader *reader, struct cb_strings *args)
{
    struct stat st;
    uint32_t owner =
        fstat(reader->container->dir_fd, &st) == 0 ? (uint32_t)st.st_uid : geteuid();

    cb_strings_addf(args, "CONTAINER_ID_FULL=%s", reader->container->id);
    cb_strings_addf(args, "_UID=%" PRIu32, cb_outer_uid(owner));
    cb_strings_add(args, "PRIORITY=6");
    cb_strings_add(args, "PRIORITY=3");
}

/* journalctl with all of ARGS, and which entries. */
static int start(const struct reader *reader, const struct cb_strings *args,
                 struct cb_program **out, struct cb_error **err)
{
    cb_auto_value(cb_strings) words = {0};
    cb_autofree char **argv = NULL;
    struct cb_subprocess_options options = {
        .cwd_fd = -1, .inherit_fd = -1, .cancel = reader->cancel};

    cb_strings_add(&words, "journalctl");
    cb_strings_add(&words, "--no-pager");
    cb_strings_add(&words, "--output=export");
    if (!reader->wish->details)
        cb_strings_add(&words,
                       "--output-fields=MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE");
    cb_vec_foreach (arg, args)
        cb_strings_add(&words, *arg);
    add_matches(reader, &words);
    argv = cb_strings_argv(&words);
    options.argv = (const char *const *)argv;
    return cb_program_start(out, &options, err);
}

static int is_stranger(void)
{
    return cb_in_user_namespace() || geteuid() != 0;
}

/* Who may read none of its files hears so from journalctl. */
static int explain(struct cb_error **err)
{
    const char *hint = err ? cb_error_hint_text(*err) : NULL;

    if (!err || cb_error_kind(*err) == CB_ERR_CANCELED)
        return -1;
    if (cb_error_kind(*err) != CB_ERR_EXIT || !is_stranger() || !hint ||
        !strstr(hint, "permission")) {
        if (cb_error_kind(*err) == CB_ERR_EXIT)
            cb_error_set_kind(err, CB_ERR_SYSTEM);
        return cb_error_wrap(err, "read the journal");
    }
    cb_error_free(cb_steal(err));
    cb_error_set(err, CB_ERR_DENIED, "this user may not read the journal");
    return cb_error_hint(err, "members of the group systemd-journal may: `usermod -aG "
                              "systemd-journal USER`, then log in anew");
}

/* What TAKE says of the entries that are there: 1 for enough. */
typedef int take_entry(struct reader *reader, const struct cb_entry *entry);

static int take_all(struct reader *reader, struct cb_entries *entries, take_entry *take,
                    struct cb_error **err)
{
    struct cb_entry entry;
    int status;

    while ((status = cb_entries_next(entries, &entry, err)) > 0)
        if (take(reader, &entry))
            return 1;
    return status;
}

/* All that ARGS ask for, until it is enough. */
static int read_all(struct reader *reader, const struct cb_strings *args,
                    take_entry *take, struct cb_error **err)
{
    cb_auto(cb_program) program = NULL;
    cb_auto(cb_entries) entries = cb_entries_new(reader->wish->details);
    int more = 1, status = 0;

    if (start(reader, args, &program, err) < 0)
        return -1;
    while (more > 0 && status == 0) {
        more = cb_program_read(program, cb_entries_input(entries), -1, err);
        status = more < 0 ? -1 : take_all(reader, entries, take, err);
    }
    return status < 0 ? -1 : 0;
}

/* ── From the end ── */

static int count(struct reader *reader, const struct cb_entry *entry)
{
    int64_t tail = reader->wish->tail;

    if (is_too_new(reader, &entry->line))
        return 0;
    if (!reader->last)
        reader->last = xstrdup(entry->cursor);
    if (tail <= 0)
        return 1;
    if (++reader->counted < tail)
        return 0;
    reader->from = xstrdup(entry->cursor);
    return 1;
}

/* 1: of journals in DIR some are not for us. */
static int has_closed(const char *dir)
{
    cb_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_auto_value(cb_strings) machines = {0};

    if (fd < 0 || cb_fs_list(fd, &machines, NULL) < 0)
        return errno == EACCES;
    cb_vec_foreach (machine, &machines) {
        cb_autofree char *path = xasprintf("%s/system.journal", *machine);

        if (faccessat(fd, path, R_OK, AT_EACCESS) < 0 && errno == EACCES)
            return 1;
    }
    return 0;
}

static int look(struct reader *reader, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};

    cb_strings_add(&args, "--reverse");
    if (reader->wish->has_until)
        add_moment(&args, "until", &reader->wish->until, 1);
    if (read_all(reader, &args, count, err) < 0)
        return -1;
    if (!reader->last &&
        (has_closed("/run/log/journal") || has_closed("/var/log/journal")))
        cb_warn("no line of it is in the journals that you may read; members of the "
                "group systemd-journal may read all");
    if (reader->wish->tail == 0 && reader->last)
        cb_strbuf_adds(&reader->seen, reader->last);
    return 0;
}

/* ── Lines ── */

static int take_line(struct reader *reader, const struct cb_entry *entry)
{
    const struct cb_log_wish *wish = reader->wish;

    cb_strbuf_truncate(&reader->seen, 0);
    cb_strbuf_adds(&reader->seen, entry->cursor);
    if (is_too_new(reader, &entry->line))
        reader->is_done = 1;
    else if (!wish->has_since || !is_before(&entry->line.time, &wish->since))
        reader->is_done = reader->show(reader->arg, &entry->line) < 0;
    if (!wish->follow && reader->last && strcmp(entry->cursor, reader->last) == 0)
        reader->is_done = 1;
    return reader->is_done;
}

/* From where the reading is. */
static void add_place(const struct reader *reader, struct cb_strings *args)
{
    if (reader->seen.len)
        cb_strings_addf(args, "--after-cursor=%s", reader->seen.text);
    else if (reader->from)
        cb_strings_addf(args, "--cursor=%s", reader->from);
    else if (reader->wish->has_since)
        add_moment(args, "since", &reader->wish->since, 0);
}

static int read_rest(struct reader *reader, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};

    add_place(reader, &args);
    return read_all(reader, &args, take_line, err);
}

static int follow_with(struct reader *reader, struct cb_program *program,
                       struct cb_error **err)
{
    cb_auto(cb_entries) entries = cb_entries_new(reader->wish->details);

    while (!reader->is_done && cb_container_refresh(reader->container, NULL) == 0 &&
           cb_container_is_running(reader->container)) {
        int more;

        if (reader->wish->rest && reader->wish->rest(reader->arg) < 0) {
            reader->is_done = 1;
            return 0;
        }
        more = cb_program_read(program, cb_entries_input(entries), LOOK_AGAIN_MS, err);
        if (more < 0 || take_all(reader, entries, take_line, err) < 0)
            return -1;
        if (more == 0)
            return cb_error_set(err, CB_ERR_SYSTEM, "`journalctl` has ended too early");
    }
    return 0;
}

/* Until the container has ended; journald tells readers of lines a little later than it
 * has them, so the last are read once more. */
static int follow(struct reader *reader, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_program) program = NULL;

    cb_strings_add(&args, "--follow");
    cb_strings_add(&args, "--no-tail");
    add_place(reader, &args);
    if (start(reader, &args, &program, err) < 0 || follow_with(reader, program, err) < 0)
        return -1;
    if (reader->is_done)
        return 0;
    cb_program_stop(cb_steal(&program));
    cb_journald_settle();
    return read_rest(reader, err);
}

static int read_journal(struct reader *reader, struct cb_error **err)
{
    cb_journald_settle();
    if (look(reader, err) < 0)
        return -1;
    if (reader->wish->follow && cb_container_is_running(reader->container))
        return follow(reader, err);
    if (!reader->last || reader->wish->tail == 0)
        return 0;
    return read_rest(reader, err);
}

int cb_journald_read(struct cb_container *container, const struct cb_log_wish *wish,
                     int (*show)(void *arg, const struct cb_log_line *line), void *arg,
                     struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(reader) reader = {
        .container = container, .wish = wish, .show = show, .arg = arg, .cancel = cancel};
    cb_autofree char *path = cb_subprocess_find("journalctl");

    if (!path) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "configured logging driver does not support reading");
        return cb_error_hint(err,
                             "`journalctl CONTAINER_ID_FULL=%s` shows it, where there "
                             "is a journalctl",
                             container->id);
    }
    return read_journal(&reader, err) < 0 ? explain(err) : 0;
}
