/* "user[:group]" to ids, by the rootfs's own /etc/passwd and /etc/group. The files are
 * foreign: read through the root's descriptor, regular files only, bounded; ids are
 * decimal and at most 2^32 - 2. A number is never looked up as a name, so an entry called
 * "1000" with uid 0 gains nothing, and nothing defaults to root by accident. */
#include "executor/executor.h"

#include "base/fs.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <string.h>

#define MAX_FILE (10U << 20) /* bytes */
#define MAX_ID   4294967294ULL

void cb_user_clear(struct cb_user *user)
{
    free(user->home);
    free(user->name);
    *user = (struct cb_user){0};
}

static int is_number(const char *text)
{
    return text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* 1: an id, 0: not one. */
static int parse_id(const char *text, size_t len, uint32_t *out)
{
    uint64_t value = 0;

    if (len == 0 || len > 10)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return 0;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > MAX_ID)
        return 0;
    *out = value;
    return 1;
}

/* ── Lines of colon-separated fields ── */

#define MAX_FIELDS 7
struct line {
    const char *text[MAX_FIELDS];
    size_t len[MAX_FIELDS];
    size_t count;
};

/* The next line of the file at *AT, skipping empty ones and comments; 0 at the end. */
static int next_line(const struct cb_strbuf *file, size_t *at, struct line *line)
{
    while (*at < file->len) {
        const char *start = file->text + *at;
        const char *end = memchr(start, '\n', file->len - *at);

        if (!end)
            end = file->text + file->len;
        *at = end - file->text + 1;
        if (end == start || *start == '#')
            continue;
        line->count = 0;
        while (line->count < MAX_FIELDS) {
            const char *colon = memchr(start, ':', end - start);
            const char *stop = colon ? colon : end;

            line->text[line->count] = start;
            line->len[line->count++] = stop - start;
            if (!colon)
                break;
            start = colon + 1;
        }
        return 1;
    }
    return 0;
}

static int field_is(const struct line *line, size_t index, const char *text)
{
    size_t len = strlen(text);

    return index < line->count && line->len[index] == len &&
           !memcmp(line->text[index], text, len);
}

static int field_id(const struct line *line, size_t index, uint32_t *out)
{
    return index < line->count && parse_id(line->text[index], line->len[index], out);
}

/* Is NAME one of the comma-separated members of a group line? */
static int has_member(const struct line *line, const char *name)
{
    size_t want = strlen(name);
    const char *at, *end;

    if (line->count < 4)
        return 0;
    at = line->text[3];
    end = at + line->len[3];
    while (at < end) {
        const char *comma = memchr(at, ',', end - at);
        const char *stop = comma ? comma : end;

        if ((size_t)(stop - at) == want && !memcmp(at, name, want))
            return 1;
        at = stop + 1;
    }
    return 0;
}

/* ── Looking up ── */

/* Finds the entry for NAME, or, when it is a number, the first with that uid. */
static int find_user(const struct cb_strbuf *passwd, const char *name, uint32_t number,
                     struct cb_user *out)
{
    int numeric = is_number(name);
    struct line line;
    size_t at = 0;

    while (next_line(passwd, &at, &line)) {
        uint32_t uid, gid;

        if (!field_id(&line, 2, &uid) || !field_id(&line, 3, &gid))
            continue;
        if (numeric ? uid != number : !field_is(&line, 0, name))
            continue;
        out->uid = uid;
        out->gid = gid;
        out->name = xstrndup(line.text[0], line.len[0]);
        if (line.count > 5 && line.len[5] && line.text[5][0] == '/' &&
            !memchr(line.text[5], '\0', line.len[5]))
            out->home = xstrndup(line.text[5], line.len[5]);
        return 1;
    }
    return 0;
}

static int find_group(const struct cb_strbuf *file, const char *name, uint32_t *gid,
                      struct cb_error **err)
{
    struct line line;
    size_t at = 0;

    if (is_number(name)) {
        if (parse_id(name, strlen(name), gid))
            return 0;
        return cb_error_set(err, CB_ERR_USAGE, "group id `%s` is out of range", name);
    }
    while (next_line(file, &at, &line)) {
        if (field_is(&line, 0, name) && field_id(&line, 2, gid))
            return 0;
    }
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "unable to find group %s: no matching entries in group file",
                        name);
}

static void add_group(struct cb_user *user, uint32_t gid)
{
    for (size_t i = 0; i < user->group_count; i++) {
        if (user->groups[i] == gid)
            return;
    }
    if (user->group_count < CB_ARRAY_SIZE(user->groups))
        user->groups[user->group_count++] = gid;
}

static void add_memberships(struct cb_user *user, const struct cb_strbuf *file)
{
    struct line line;
    size_t at = 0;
    uint32_t gid;

    while (user->name && next_line(file, &at, &line)) {
        if (has_member(&line, user->name) && field_id(&line, 2, &gid))
            add_group(user, gid);
    }
}

static int read_database(int rootfs_fd, const char *path, struct cb_strbuf *out,
                         struct cb_error **err)
{
    return cb_fs_read_in_root(rootfs_fd, path, MAX_FILE, out, err) < 0 ? -1 : 0;
}

/* USER_TEXT to uid, gid, name and home. */
static int resolve_user(int rootfs_fd, const char *text, struct cb_user *user,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) passwd = {0};
    uint32_t number = 0;

    if (is_number(text) && !parse_id(text, strlen(text), &number))
        return cb_error_set(err, CB_ERR_USAGE, "user id `%s` is out of range", text);
    if (read_database(rootfs_fd, "/etc/passwd", &passwd, err) < 0) {
        /* Ids need no file; a name does. */
        if (!is_number(text))
            return cb_error_wrap(err, "unable to find user %s", text);
        if (err)
            cb_error_free(cb_steal(err));
    }
    if (find_user(&passwd, text, number, user))
        return 0;
    if (!is_number(text))
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "unable to find user %s: no matching entries in passwd file",
                            text);
    user->uid = number;
    user->gid = 0;
    return 0;
}

int cb_user_resolve(int rootfs_fd, const char *text, struct cb_user *out,
                    struct cb_error **err)
{
    cb_auto_value(cb_strbuf) groups = {0};
    cb_auto_value(cb_user) user = {0};
    const char *colon = strchr(text, ':');
    cb_autofree char *name = colon ? xstrndup(text, colon - text) : xstrdup(text);
    const char *group = colon ? colon + 1 : "";

    if (!*name && colon)
        return cb_error_set(err, CB_ERR_USAGE, "user `%s` has no name before the colon",
                            text);
    if (colon && (!*group || strchr(group, ':')))
        return cb_error_set(err, CB_ERR_USAGE, "user `%s` has no valid group", text);
    if (resolve_user(rootfs_fd, *name ? name : "0", &user, err) < 0)
        return -1;
    if (!is_number(group) && read_database(rootfs_fd, "/etc/group", &groups, err) < 0) {
        if (*group)
            return cb_error_wrap(err, "unable to find group %s", group);
        if (err)
            cb_error_free(cb_steal(err));
    }
    if (*group && find_group(&groups, group, &user.gid, err) < 0)
        return -1;
    add_group(&user, user.gid);
    if (!*group)
        add_memberships(&user, &groups);
    if (!user.home)
        user.home = xstrdup("/");
    *out = user;
    user = (struct cb_user){0};
    return 0;
}

int cb_user_add_group(int rootfs_fd, const char *text, struct cb_user *user,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) groups = {0};
    uint32_t gid;

    if (!is_number(text) && read_database(rootfs_fd, "/etc/group", &groups, err) < 0)
        return cb_error_wrap(err, "unable to find group %s", text);
    if (find_group(&groups, text, &gid, err) < 0)
        return -1;
    add_group(user, gid);
    return 0;
}
