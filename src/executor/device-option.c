/* --device: nodes of the host by path. What may be done with one is not a matter of its
 * mount; where not everything may be, the devices control group refuses the rest. */
#include "executor/security.h"

#include "base/fs.h"
#include "executor/devices-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX 8
#define NAMES_MAX 65536 /* in a directory that is given as a device */
#define ALL       "rwm"

void cb_device_nodes_clear(struct cb_device_nodes *nodes)
{
    cb_vec_foreach (node, nodes) {
        free(node->host);
        free(node->path);
    }
    cb_vec_free(nodes);
}

int cb_device_is_cdi(const char *text)
{
    const char *slash = strchr(text, '/');
    const char *equals = strchr(text, '=');

    return slash && slash > text && equals && equals > slash + 1 && equals[1] &&
           !strchr(text, ':');
}

/* Some of "rwm", none twice. */
static int is_mode(const char *text)
{
    size_t len = strlen(text);

    if (!len || len > 3 || text[strspn(text, ALL)])
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (strchr(text + i + 1, text[i]))
            return 0;
    }
    return 1;
}

static void add_node(struct cb_device_nodes *out, const char *host, const char *path,
                     const char *mode, const struct stat *st)
{
    struct cb_device_node node = {
        .host = xstrdup(host),
        .path = xstrdup(path),
        .rule = {.type = S_ISCHR(st->st_mode) ? 'c' : 'b',
                 .major = major(st->st_rdev),
                 .minor = minor(st->st_rdev)},
    };
    size_t refused = 0;

    for (const char *right = ALL; *right; right++) {
        if (!strchr(mode, *right))
            node.rule.refused[refused++] = *right;
    }
    cb_vec_push(out, node);
}

/* What is being looked at for nodes. */
struct search {
    struct cb_device_nodes *out;
    const char *mode;
    unsigned left; /* names that may still be looked at */
};

/* Docker looks into none of these either. */
static int is_passed_over(const char *name)
{
    static const char *const names[] = {"pts",  "shm",         "fd",   "mqueue",
                                        ".lxc", ".lxd-mounts", ".udev"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return 1;
    }
    return 0;
}

static int is_node(const struct stat *st)
{
    return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* All nodes below a directory; links in it are not followed. What cannot be read has
 * none. */
static int add_below(struct search *search, const char *host, const char *path,
                     unsigned depth, struct cb_error **err)
{
    cb_autofd int dir =
        open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
    cb_auto_value(cb_strings) names = {0};

    if (depth > DEPTH_MAX || dir < 0 || cb_fs_list(dir, &names, NULL) < 0)
        return 0;
    cb_vec_foreach (name, &names) {
        cb_autofree char *sub = xasprintf("%s/%s", host, *name);
        cb_autofree char *sub_path = xasprintf("%s/%s", path, *name);
        struct stat st;

        if (!search->left--)
            return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                "more than %d files to find devices among", NAMES_MAX);
        if (fstatat(dir, *name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (is_node(&st))
            add_node(search->out, sub, sub_path, search->mode, &st);
        else if (S_ISDIR(st.st_mode) && !is_passed_over(*name) &&
                 add_below(search, sub, sub_path, depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

#define GATHERING "error gathering device information while adding custom device \"%s\""

/* A node, or all nodes below a directory. */
static int add_path(struct cb_device_nodes *out, const char *host, const char *path,
                    const char *mode, struct cb_error **err)
{
    struct search search = {.out = out, .mode = mode, .left = NAMES_MAX};
    size_t before = out->count;
    struct stat st;

    if (stat(host, &st) < 0)
        return cb_error_errno(err, errno, GATHERING, host);
    if (is_node(&st)) {
        add_node(out, host, path, mode, &st);
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        if (faccessat(AT_FDCWD, host, R_OK, 0) < 0)
            return cb_error_errno(err, errno, GATHERING, host);
        if (add_below(&search, host, path, 0, err) < 0)
            return cb_error_wrap(err, GATHERING, host);
    }
    return out->count > before
               ? 0
               : cb_error_set(err, CB_ERR_USAGE, GATHERING ": not a device node", host);
}

/* HOST is the text's beginning, cut off. */
struct device_wish {
    char *host;
    const char *path, *mode;
};

static int read_wish(struct device_wish *out, const char *text, struct cb_error **err)
{
    char *fields[3] = {out->host, NULL, NULL};
    size_t count = 1;

    for (char *colon = strchr(out->host, ':'); colon; colon = strchr(colon + 1, ':')) {
        if (count == 3)
            return cb_error_set(err, CB_ERR_USAGE, "bad format for path: %s", text);
        *colon = '\0';
        fields[count++] = colon + 1;
    }
    if (!*fields[0])
        return cb_error_set(err, CB_ERR_USAGE, "bad format for path: %s", text);
    if (count == 3 && !is_mode(fields[2]))
        return cb_error_set(err, CB_ERR_USAGE, "bad mode specified: %s", fields[2]);
    out->path = out->host;
    out->mode = count == 3 ? fields[2] : ALL;
    if (count == 2 && is_mode(fields[1]))
        out->mode = fields[1];
    else if (count > 1)
        out->path = fields[1];
    if (*out->path != '/')
        return cb_error_set(err, CB_ERR_USAGE, "%s is not an absolute path", out->path);
    return 0;
}

int cb_device_check(const char *text, struct cb_error **err)
{
    cb_autofree char *copy = xstrdup(text);
    struct device_wish wish = {.host = copy};

    return read_wish(&wish, text, err);
}

int cb_device_parse(struct cb_device_nodes *out, const char *text, struct cb_error **err)
{
    cb_autofree char *copy = xstrdup(text);
    struct device_wish wish = {.host = copy};

    if (read_wish(&wish, text, err) < 0)
        return -1;
    return add_path(out, wish.host, wish.path, wish.mode, err);
}

int cb_device_limit(struct cb_limits *limits, const struct cb_device_nodes *nodes,
                    struct cb_error **err)
{
    cb_vec_foreach (node, nodes) {
        /* What is made anew cannot be opened anyway; and nobody is refused what all
         * have. */
        if (!strcmp(node->rule.refused, "m") || !*node->rule.refused ||
            cb_device_is_everybodys(&node->rule))
            continue;
        if (limits->device_count == CB_LIMIT_ITEMS_MAX)
            return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                "more than %d devices with restricted use",
                                CB_LIMIT_ITEMS_MAX);
        limits->devices[limits->device_count++] = node->rule;
    }
    return 0;
}
