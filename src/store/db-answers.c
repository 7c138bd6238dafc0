/* The file is a digest of the rest, the stamp's bytes and, each with its NUL, the texts:
 * question, number of answers, answers. */
#include "store/db-answers.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME         "answers"
#define NEW_NAME     "answers.new"
#define MAGIC        "cbuild answers 1"
#define MAX_BYTES    (64u << 10)
#define DIGEST_BYTES 72 /* "sha256:…" and its NUL */
#define HEADER_BYTES 96 /* of the shared memory: two copies of 48 */
#define FRAMES_AT    16 /* in a header: frames in the log, 4 bytes */
/* What changes later than that has another time, by the clock of a file system that has
 * whole seconds, and of one that has ticks. */
#define SECONDS_NS (2 * INT64_C(1000000000))
#define TICKS_NS   (100 * INT64_C(1000000))

struct file_stamp {
    uint64_t device, inode;
    int64_t size, changed_s, changed_ns, modified_s, modified_ns;
};

struct stamp {
    char magic[24];
    int64_t schema;
    char boot[40];
    struct file_stamp index, log, memory;
    unsigned char header[HEADER_BYTES];
};

#define MAX_TEXTS (MAX_BYTES - DIGEST_BYTES - sizeof(struct stamp))

struct cb_db_answers {
    char *root, *index, *log, *memory; /* paths */
    unsigned char *header;             /* mapped; NULL: nothing can be said */
    int is_lent;                       /* … by a connection */
    struct stamp stamp;                /* of the index when this was said: */
    struct cb_map *said;               /* question: its texts, a struct cb_strings * */
    size_t bytes;
    int grew;
};

/* ── The stamp ── */

/* What writes through a mapping changes times at some time only, and room that is
 * reserved changes the log's. */
enum watched { WATCH_SIZE, WATCH_CONTENT, WATCH_ALL };

static int stamp_file(const char *path, enum watched watched, struct file_stamp *out)
{
    struct stat st;

    if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return -1;
    out->device = st.st_dev;
    out->inode = st.st_ino;
    out->size = st.st_size;
    if (watched >= WATCH_CONTENT) {
        out->modified_s = st.st_mtim.tv_sec;
        out->modified_ns = st.st_mtim.tv_nsec;
    }
    if (watched >= WATCH_ALL) {
        out->changed_s = st.st_ctim.tv_sec;
        out->changed_ns = st.st_ctim.tv_nsec;
    }
    return 0;
}

/* The caller has zeroed what lies between the members. */
static int take_stamp(const struct cb_db_answers *answers, struct stamp *out)
{
    memcpy(out->magic, MAGIC, sizeof(MAGIC));
    out->schema = answers->stamp.schema;
    memcpy(out->boot, answers->stamp.boot, sizeof(out->boot));
    if (!answers->header || stamp_file(answers->memory, WATCH_SIZE, &out->memory) < 0 ||
        stamp_file(answers->index, WATCH_ALL, &out->index) < 0 ||
        stamp_file(answers->log, WATCH_CONTENT, &out->log) < 0)
        return -1;
    memcpy(out->header, answers->header, HEADER_BYTES);
    return 0;
}

static int is_same(const struct cb_db_answers *answers)
{
    struct stamp now;

    memset(&now, 0, sizeof(now));
    return take_stamp(answers, &now) == 0 &&
           memcmp(&now, &answers->stamp, sizeof(now)) == 0;
}

/* Both copies of a header that somebody has set up are the same; a log with frames is
 * named by them, and of an empty one the header says nothing. */
static int is_settled(const struct stamp *stamp)
{
    static const unsigned char nothing[HEADER_BYTES / 2];
    const struct file_stamp *index = &stamp->index;
    int64_t age = cb_now_ns() - index->changed_s * 1000000000 - index->changed_ns;
    uint32_t frames;

    if (memcmp(stamp->header, stamp->header + HEADER_BYTES / 2, HEADER_BYTES / 2) != 0 ||
        memcmp(stamp->header, nothing, sizeof(nothing)) == 0)
        return 0;
    memcpy(&frames, stamp->header + FRAMES_AT, sizeof(frames));
    return frames > 0 || age > (index->changed_ns ? TICKS_NS : SECONDS_NS);
}

/* ── The file ── */

static void free_texts(void *texts)
{
    cb_strings_free(texts);
    free(texts);
}

static void forget_all(struct cb_db_answers *answers)
{
    cb_map_free(answers->said);
    answers->said = cb_map_new(free_texts);
    answers->bytes = 0;
    answers->grew = 0;
}

/* NULL at the end, or where a text has none of its own. */
static const char *next_text(const char **at, const char *end)
{
    const char *text = *at;
    const char *nul = memchr(text, '\0', (size_t)(end - text));

    if (!nul)
        return NULL;
    *at = nul + 1;
    return text;
}

static int read_answer(struct cb_db_answers *answers, const char **at, const char *end)
{
    const char *question = next_text(at, end);
    const char *count = question ? next_text(at, end) : NULL;
    struct cb_strings *texts;
    long left = count ? strtol(count, NULL, 10) : -1;

    if (left < 0)
        return -1;
    texts = xcalloc(1, sizeof(*texts));
    for (; left > 0; left--) {
        const char *text = next_text(at, end);

        if (!text)
            break;
        cb_strings_add(texts, text);
    }
    cb_map_set(answers->said, question, texts);
    return left == 0 ? 0 : -1;
}

static int is_whole(const struct cb_strbuf *file)
{
    const char *body = file->text + DIGEST_BYTES;
    struct cb_digest digest = cb_digest_of(body, file->len - DIGEST_BYTES);
    char text[CB_DIGEST_MAX_TEXT];

    return memcmp(file->text, cb_digest_text(&digest, text), DIGEST_BYTES) == 0;
}

static void read_all(struct cb_db_answers *answers, const struct cb_strbuf *file)
{
    const char *at = file->text + DIGEST_BYTES + sizeof(struct stamp);
    const char *end = file->text + file->len;

    while (at < end) {
        if (read_answer(answers, &at, end) < 0) {
            forget_all(answers);
            return;
        }
    }
    answers->bytes = file->len - DIGEST_BYTES - sizeof(struct stamp);
}

static void format_all(const struct cb_db_answers *answers, struct cb_strbuf *out)
{
    const char *question;
    void *value;
    size_t at = 0;

    cb_strbuf_add(out, (const char *)&answers->stamp, sizeof(answers->stamp));
    while (cb_map_next(answers->said, &at, &question, &value)) {
        const struct cb_strings *texts = value;

        cb_strbuf_add(out, question, strlen(question) + 1);
        cb_strbuf_addf(out, "%zu", texts->count);
        cb_strbuf_addc(out, '\0');
        cb_vec_foreach (text, texts)
            cb_strbuf_add(out, *text, strlen(*text) + 1);
    }
}

/* One that is there is being written, or its writer was killed: it goes, and the next
 * writes. So another's may get its name when half of it is written, which its digest
 * tells. */
static void write_all(const struct cb_db_answers *answers, int root_fd)
{
    cb_auto_value(cb_strbuf) file = {0};
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT] = "";
    cb_autofd int fd = openat(root_fd, NEW_NAME,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    cb_strbuf_add(&file, text, DIGEST_BYTES);
    format_all(answers, &file);
    digest = cb_digest_of(file.text + DIGEST_BYTES, file.len - DIGEST_BYTES);
    memcpy(file.text, cb_digest_text(&digest, text), DIGEST_BYTES);
    if (fd < 0 || cb_fs_write_all(fd, file.text, file.len) < 0 ||
        renameat(root_fd, NEW_NAME, root_fd, NAME) < 0)
        unlinkat(root_fd, NEW_NAME, 0);
}

/* ── Opening ── */

static void map_header(struct cb_db_answers *answers)
{
    cb_autofd int fd = open(answers->memory, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    void *header;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < HEADER_BYTES)
        return;
    header = mmap(NULL, HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    if (header != MAP_FAILED)
        answers->header = header;
}

static void unmap_header(struct cb_db_answers *answers)
{
    if (answers->header && !answers->is_lent)
        munmap(answers->header, HEADER_BYTES);
    answers->header = NULL;
}

/* The file's stamp says what the index must be like; that of another schema or boot is as
 * good as none. */
static void recall(struct cb_db_answers *answers)
{
    cb_auto_value(cb_strbuf) file = {0};
    cb_autofd int fd = -1;
    struct stamp stamp;

    fd = open(answers->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || cb_fs_read_file(fd, NAME, MAX_BYTES, &file, NULL) < 0 ||
        file.len < DIGEST_BYTES + sizeof(stamp))
        return;
    memcpy(&stamp, file.text + DIGEST_BYTES, sizeof(stamp));
    if (memcmp(stamp.magic, answers->stamp.magic, sizeof(stamp.magic)) != 0 ||
        stamp.schema != answers->stamp.schema ||
        memcmp(stamp.boot, answers->stamp.boot, sizeof(stamp.boot)) != 0)
        return;
    answers->stamp = stamp;
    map_header(answers);
    if (is_same(answers) && is_whole(&file))
        read_all(answers, &file);
}

struct cb_db_answers *cb_db_answers_open(const char *root, int schema,
                                         const char *boot_id)
{
    struct cb_db_answers *answers = xcalloc(1, sizeof(*answers));

    answers->root = xstrdup(root);
    answers->index = xasprintf("%s/meta.db", root);
    answers->log = xasprintf("%s/meta.db-wal", root);
    answers->memory = xasprintf("%s/meta.db-shm", root);
    answers->said = cb_map_new(free_texts);
    memcpy(answers->stamp.magic, MAGIC, sizeof(MAGIC));
    answers->stamp.schema = schema;
    snprintf(answers->stamp.boot, sizeof(answers->stamp.boot), "%s", boot_id);
    if (*answers->stamp.boot)
        recall(answers);
    return answers;
}

void cb_db_answers_free(struct cb_db_answers *answers)
{
    if (!answers)
        return;
    unmap_header(answers);
    cb_map_free(answers->said);
    free(answers->root);
    free(answers->index);
    free(answers->log);
    free(answers->memory);
    free(answers);
}

/* ── Asking ── */

int cb_db_answers_any(const struct cb_db_answers *answers)
{
    return cb_map_count(answers->said) > 0;
}

static char *question_of(const char *sql, const char *argument)
{
    return xasprintf("%s\n%s", sql, argument);
}

int cb_db_answers_find(struct cb_db_answers *answers, const char *sql,
                       const char *argument, struct cb_strings *out)
{
    cb_autofree char *question = question_of(sql, argument);
    const struct cb_strings *texts = cb_map_get(answers->said, question);

    if (!texts || !is_same(answers))
        return 0;
    cb_strings_copy(out, texts);
    return 1;
}

static void lend_header(struct cb_db_answers *answers, sqlite3 *handle)
{
    sqlite3_file *file = NULL;
    void volatile *memory = NULL;

    unmap_header(answers);
    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
            SQLITE_OK ||
        !file || !file->pMethods || file->pMethods->iVersion < 2 ||
        file->pMethods->xShmMap(file, 0, 32768, 0, &memory) != SQLITE_OK)
        return;
    answers->header = (unsigned char *)memory;
    answers->is_lent = 1;
}

void cb_db_answers_connected(struct cb_db_answers *answers, sqlite3 *handle)
{
    lend_header(answers, handle);
    if (is_same(answers))
        return;
    forget_all(answers);
    memset(&answers->stamp.index, 0, sizeof(answers->stamp.index));
    memset(&answers->stamp.log, 0, sizeof(answers->stamp.log));
    memset(&answers->stamp.memory, 0, sizeof(answers->stamp.memory));
    take_stamp(answers, &answers->stamp);
}

void cb_db_answers_note(struct cb_db_answers *answers, const char *sql,
                        const char *argument, const struct cb_strings *texts)
{
    cb_autofree char *question = question_of(sql, argument);
    struct cb_strings *copy = xcalloc(1, sizeof(*copy));
    size_t bytes = strlen(question) + 24;

    cb_vec_foreach (text, texts)
        bytes += strlen(*text) + 1;
    if (bytes + answers->bytes > MAX_TEXTS)
        forget_all(answers);
    cb_strings_copy(copy, texts);
    cb_map_set(answers->said, question, copy);
    answers->bytes += bytes;
    answers->grew = 1;
}

void cb_db_answers_keep(struct cb_db_answers *answers, sqlite3 *handle)
{
    cb_autofd int root_fd = -1;

    if (!answers->grew)
        return;
    lend_header(answers, handle);
    if (answers->bytes > MAX_TEXTS || !is_same(answers) || !is_settled(&answers->stamp))
        return;
    root_fd = open(answers->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root_fd >= 0)
        write_all(answers, root_fd);
}
