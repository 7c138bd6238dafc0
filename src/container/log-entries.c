/* Entries of journald's, out of what `journalctl -o export` prints: lines of NAME=VALUE,
 * or NAME alone and then eight bytes that say how long the value behind them is; an empty
 * line ends an entry. Whoever may write to the journal chose names, values and how long
 * they are: what is not asked for is passed over without being kept. */
#include "container/log-priv.h"

#include <ctype.h>
#include <endian.h>
#include <string.h>

#define MAX_NAME    255
#define MAX_VALUE   (1u << 20)
#define MAX_DETAILS (8u << 20) /* of an entry, in all */

enum state { NAME, NOTE, VALUE, SIZE, BYTES, NEWLINE };

struct cb_entries {
    struct cb_strbuf input;
    size_t at; /* what is before that has been taken */
    enum state state;
    struct cb_strbuf name, value;
    int is_wanted; /* the value */
    uint64_t left; /* of it */
    int with_details;
    int is_told; /* the entry, of which this is what is known: */
    struct cb_strbuf cursor, text;
    struct timespec time;
    int has_text, has_time, is_part, stream;
    json_t *details;
    size_t details_bytes;
};

struct cb_entries *cb_entries_new(int with_details)
{
    struct cb_entries *entries = xcalloc(1, sizeof(*entries));

    entries->with_details = with_details;
    entries->is_told = 1; /* none has begun */
    return entries;
}

void cb_entries_free(struct cb_entries *entries)
{
    if (!entries)
        return;
    cb_strbuf_free(&entries->input);
    cb_strbuf_free(&entries->name);
    cb_strbuf_free(&entries->value);
    cb_strbuf_free(&entries->cursor);
    cb_strbuf_free(&entries->text);
    json_decref(entries->details);
    free(entries);
}

struct cb_strbuf *cb_entries_input(struct cb_entries *entries)
{
    return &entries->input;
}

/* ── Fields ── */

static int is(const struct cb_strbuf *text, const char *word)
{
    return text->len == strlen(word) &&
           memcmp(cb_strbuf_text(text), word, text->len) == 0;
}

/* What the container's options named, and not what every entry has. */
static int is_detail(const char *name)
{
    static const char *const others[] = {
        "CODE_FILE",         "CODE_FUNC",         "CODE_LINE",     "CONTAINER_ID",
        "CONTAINER_ID_FULL", "CONTAINER_NAME",    "CONTAINER_TAG", "ERRNO",
        "IMAGE_NAME",        "MESSAGE",           "MESSAGE_ID",    "PRIORITY",
        "SYSLOG_FACILITY",   "SYSLOG_IDENTIFIER", "SYSLOG_PID",    "SYSLOG_TIMESTAMP"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(others); i++)
        if (strcmp(name, others[i]) == 0)
            return 0;
    return name[0] != '_' && strncmp(name, "CONTAINER_PARTIAL_", 18) != 0;
}

static int is_wanted(const struct cb_entries *entries)
{
    static const char *const always[] = {"CONTAINER_PARTIAL_MESSAGE", "MESSAGE",
                                         "PRIORITY", "__CURSOR", "__REALTIME_TIMESTAMP"};
    const char *name = cb_strbuf_text(&entries->name);

    for (size_t i = 0; i < CB_ARRAY_SIZE(always); i++)
        if (strcmp(name, always[i]) == 0)
            return 1;
    return entries->with_details && is_detail(name);
}

static void take_time(struct cb_entries *entries)
{
    const char *digits = cb_strbuf_text(&entries->value);
    uint64_t micros = 0;

    if (!*digits || strspn(digits, "0123456789") != entries->value.len ||
        entries->value.len > 18)
        return;
    for (; *digits; digits++)
        micros = micros * 10 + (uint64_t)(*digits - '0');
    entries->time.tv_sec = (time_t)(micros / 1000000);
    entries->time.tv_nsec = (long)(micros % 1000000 * 1000);
    entries->has_time = 1;
}

/* Of several fields of one name the first counts. */
static void take_text(struct cb_entries *entries)
{
    if (entries->has_text)
        return;
    cb_strbuf_add(&entries->text, cb_strbuf_text(&entries->value), entries->value.len);
    entries->has_text = 1;
}

static void take_detail(struct cb_entries *entries)
{
    const char *name = cb_strbuf_text(&entries->name);
    size_t bytes = entries->name.len + entries->value.len;

    if (bytes > MAX_DETAILS - entries->details_bytes ||
        json_object_get(entries->details, name))
        return;
    entries->details_bytes += bytes;
    json_object_set_new_nocheck(
        entries->details, name,
        json_stringn_nocheck(cb_strbuf_text(&entries->value), entries->value.len));
}

static void take_field(struct cb_entries *entries)
{
    const char *name = cb_strbuf_text(&entries->name);

    if (strcmp(name, "__CURSOR") == 0) {
        cb_strbuf_truncate(&entries->cursor, 0);
        cb_strbuf_add(&entries->cursor, cb_strbuf_text(&entries->value),
                      entries->value.len);
    } else if (strcmp(name, "__REALTIME_TIMESTAMP") == 0) {
        take_time(entries);
    } else if (strcmp(name, "MESSAGE") == 0) {
        take_text(entries);
    } else if (strcmp(name, "PRIORITY") == 0) {
        if (!entries->stream)
            entries->stream = is(&entries->value, "6") ? 1 : is(&entries->value, "3") * 2;
    } else if (strcmp(name, "CONTAINER_PARTIAL_MESSAGE") == 0) {
        entries->is_part = is(&entries->value, "true");
    } else {
        take_detail(entries);
    }
}

/* ── Bytes ── */

static int refuse(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY,
                        "what `journalctl` printed is not the journal's export format");
}

static void end_field(struct cb_entries *entries)
{
    if (entries->is_wanted)
        take_field(entries);
    cb_strbuf_truncate(&entries->name, 0);
    cb_strbuf_truncate(&entries->value, 0);
    entries->state = NAME;
}

static void add_value(struct cb_entries *entries, const char *bytes, size_t len)
{
    if (entries->is_wanted && len > MAX_VALUE - entries->value.len)
        entries->is_wanted = 0;
    if (entries->is_wanted)
        cb_strbuf_add(&entries->value, bytes, len);
}

static int is_name(const struct cb_strbuf *name)
{
    for (size_t i = 0; i < name->len; i++)
        if (!isupper((unsigned char)name->text[i]) &&
            !isdigit((unsigned char)name->text[i]) && name->text[i] != '_')
            return 0;
    return name->len > 0;
}

static void clear_entry(struct cb_entries *entries)
{
    cb_strbuf_truncate(&entries->cursor, 0);
    cb_strbuf_truncate(&entries->text, 0);
    entries->has_text = entries->has_time = entries->is_part = entries->stream = 0;
    json_decref(entries->details);
    entries->details = entries->with_details ? json_object() : NULL;
    entries->details_bytes = 0;
}

/* The name, to END, which is '=' or a newline. 1: that was the end of an entry. "--" and
 * words are told people, between entries. */
static int end_name(struct cb_entries *entries, char end, struct cb_error **err)
{
    if (end == '\n' && !entries->name.len)
        return 1;
    if (!is_name(&entries->name))
        return refuse(err);
    entries->is_wanted = is_wanted(entries);
    entries->left = 0;
    entries->state = end == '=' ? VALUE : SIZE;
    return 0;
}

static int take_name(struct cb_entries *entries, const char *bytes, size_t len,
                     size_t *taken, struct cb_error **err)
{
    size_t part = 0;

    if (!entries->name.len && bytes[0] == '-') {
        entries->state = NOTE;
        return 0;
    }
    while (part < len && bytes[part] != '=' && bytes[part] != '\n')
        part++;
    cb_strbuf_add(&entries->name, bytes, part);
    *taken = part + (part < len);
    if (part < len && entries->name.len <= MAX_NAME)
        return end_name(entries, bytes[part], err);
    return entries->name.len <= MAX_NAME ? 0 : refuse(err);
}

/* To the end of the line, of a value or of what is no field. */
static void take_to_newline(struct cb_entries *entries, const char *bytes, size_t len,
                            size_t *taken)
{
    const char *newline = memchr(bytes, '\n', len);
    size_t part = newline ? (size_t)(newline - bytes) : len;

    *taken = part + (newline != NULL);
    if (entries->state == VALUE)
        add_value(entries, bytes, part);
    if (newline && entries->state == VALUE)
        end_field(entries);
    else if (newline)
        entries->state = NAME;
}

/* How long the value is, in eight bytes that are gathered where it will be. */
static void take_size(struct cb_entries *entries, const char *bytes, size_t len,
                      size_t *taken)
{
    uint64_t size;
    size_t wanted = sizeof(size) - entries->value.len;

    *taken = len < wanted ? len : wanted;
    cb_strbuf_add(&entries->value, bytes, *taken);
    if (entries->value.len < sizeof(size))
        return;
    memcpy(&size, entries->value.text, sizeof(size));
    cb_strbuf_truncate(&entries->value, 0);
    entries->left = le64toh(size);
    entries->state = entries->left ? BYTES : NEWLINE;
}

static void take_bytes(struct cb_entries *entries, const char *bytes, size_t len,
                       size_t *taken)
{
    *taken = len < entries->left ? len : (size_t)entries->left;
    add_value(entries, bytes, *taken);
    entries->left -= *taken;
    if (!entries->left)
        entries->state = NEWLINE;
}

/* Some of LEN bytes, at least one or a change of the state. 1: an entry has ended. */
static int take(struct cb_entries *entries, const char *bytes, size_t len, size_t *taken,
                struct cb_error **err)
{
    *taken = 0;
    switch (entries->state) {
    case NAME:
        return take_name(entries, bytes, len, taken, err);
    case NOTE:
    case VALUE:
        take_to_newline(entries, bytes, len, taken);
        return 0;
    case SIZE:
        take_size(entries, bytes, len, taken);
        return 0;
    case BYTES:
        take_bytes(entries, bytes, len, taken);
        return 0;
    case NEWLINE:
        break;
    }
    if (*bytes != '\n')
        return refuse(err);
    *taken = 1;
    end_field(entries);
    return 0;
}

/* 0 if it is no line of a container's. */
static int fill(struct cb_entries *entries, struct cb_entry *out)
{
    if (!entries->has_text || !entries->has_time || !entries->stream ||
        !entries->cursor.len)
        return 0;
    if (!entries->is_part)
        cb_strbuf_addc(&entries->text, '\n');
    out->cursor = cb_strbuf_text(&entries->cursor);
    out->line = (struct cb_log_line){.time = entries->time,
                                     .stream = entries->stream,
                                     .text = cb_strbuf_text(&entries->text),
                                     .len = entries->text.len,
                                     .attributes = entries->details};
    return 1;
}

int cb_entries_next(struct cb_entries *entries, struct cb_entry *out,
                    struct cb_error **err)
{
    int status = 0;

    if (entries->is_told) {
        clear_entry(entries);
        entries->is_told = 0;
    }
    while (entries->at < entries->input.len) {
        size_t taken;

        status = take(entries, entries->input.text + entries->at,
                      entries->input.len - entries->at, &taken, err);
        entries->at += taken;
        if (status < 0)
            return -1;
        if (status && fill(entries, out)) {
            entries->is_told = 1;
            return 1;
        }
        if (status)
            clear_entry(entries);
    }
    entries->at = 0;
    cb_strbuf_truncate(&entries->input, 0);
    return 0;
}
