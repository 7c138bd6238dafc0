/* The submodules of a tree that was checked out, each by way of the repository that the
 * store keeps of its URL, as the tree itself came. Which there are, and what their URLs
 * are, says git (`submodule init`), by its own rules. A URL that is not plainly one of a
 * server is left to it altogether, and so are all where .git is kept. */
#include "context/remote-priv.h"

#include "base/fs.h"
#include "base/redact.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 32 /* a server could go on for ever */

struct module {
    char *name, *path;
    char *url;    /* NULL: not wanted */
    char *commit; /* NULL: there is none at the path */
};

static void module_clear(struct module *module)
{
    free(module->name);
    free(module->path);
    free(module->url);
    free(module->commit);
}

struct modules {
    struct module *items;
    size_t count, capacity;
};

static void modules_clear(struct modules *modules)
{
    cb_vec_foreach (module, modules)
        module_clear(module);
    cb_vec_free(modules);
}
CB_AUTO_VALUE_DEFINE(modules, modules_clear)

/* ── By git itself ── */

/* Undoes what was begun, for another way of fetching to start afresh. */
static int forget(struct cb_git *git, const char *path, struct cb_error **err)
{
    if (cb_git_call(git, NULL, err, "submodule", "--quiet", "deinit", "--force", "--",
                    path) < 0)
        return -1;
    return cb_fs_remove_tree(git->dir_fd, ".git/modules", err);
}

/* Those below PATH. Only the commits that are named, or, from a server that does not give
 * single commits, everything. The first failure is the one that is told. */
static int update_by_git(struct cb_git *git, const char *path, struct cb_error **err)
{
    cb_auto(cb_error) first = NULL;

    if (git->remote->offline)
        return cb_remote_refuse_offline(git->ref->host, err);
    if (cb_git_call(git, NULL, &first, "submodule", "update", "--progress", "--init",
                    "--recursive", "--depth=1", "--", path) == 0)
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0)
        return -1;
    if (cb_error_kind(first) == CB_ERR_NETWORK && forget(git, path, NULL) == 0 &&
        cb_git_call(git, NULL, NULL, "submodule", "update", "--progress", "--init",
                    "--recursive", "--", path) == 0)
        return 0;
    return cb_cancel_check(git->remote->cancel, err) < 0 ? -1
                                                         : cb_error_move(err, &first);
}

/* ── Which there are ── */

/* What `git config` has under submodule.NAME.KEY, or NULL. */
static char *setting(struct cb_git *git, const struct module *module, const char *key)
{
    cb_autofree char *full = xasprintf("submodule.%s.%s", module->name, key);
    cb_auto_value(cb_strbuf) value = {0};

    if (cb_git_call(git, &value, NULL, "config", "-z", "--get", full) < 0)
        return NULL;
    return xstrdup(cb_strbuf_text(&value));
}

/* "160000 commit ID\tPATH" */
static char *commit_at(struct cb_git *git, const char *path)
{
    static const char kind[] = "160000 commit ";
    cb_auto_value(cb_strbuf) entry = {0};
    const char *id, *tab;

    if (cb_git_call(git, &entry, NULL, "ls-tree", "-z", "HEAD", "--", path) < 0)
        return NULL;
    id = cb_strbuf_text(&entry);
    tab = strchr(id, '\t');
    if (strncmp(id, kind, sizeof(kind) - 1) != 0 || !tab || strcmp(tab + 1, path) != 0)
        return NULL;
    id += sizeof(kind) - 1;
    return xstrndup(id, (size_t)(tab - id));
}

/* Of two with one path the later counts, as for git. */
static void add_module(struct modules *modules, const char *key, const char *path)
{
    static const char head[] = "submodule.", tail[] = ".path";
    size_t len = strcspn(key, "\n");
    struct module added;

    if (len < sizeof(head) + sizeof(tail) - 2)
        return;
    added = (struct module){
        .name = xstrndup(key + sizeof(head) - 1, len - (sizeof(head) + sizeof(tail) - 2)),
        .path = xstrdup(path)};
    cb_vec_foreach (module, modules) {
        if (strcmp(module->path, path) == 0) {
            module_clear(module);
            *module = added;
            return;
        }
    }
    cb_vec_push(modules, added);
}

/* Of the committed file: what stands in the tree may be a link. git fails where it has
 * none; what it should have and has not, `submodule init` has told. */
static int list(struct cb_git *git, struct modules *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *at, *end;

    if (cb_git_call(git, &text, NULL, "config", "-z", "--blob", "HEAD:.gitmodules",
                    "--get-regexp", "^submodule\\..*\\.path$") < 0)
        return cb_cancel_check(git->remote->cancel, err);
    at = cb_strbuf_text(&text);
    for (end = at + text.len; at < end; at += strlen(at) + 1) {
        const char *path = strchr(at, '\n');

        if (path)
            add_module(out, at, path + 1);
    }
    cb_vec_foreach (module, out) {
        cb_autofree char *update = setting(git, module, "update");

        if (update && strcmp(update, "none") == 0)
            continue;
        module->url = setting(git, module, "url");
        module->commit = commit_at(git, module->path);
    }
    return 0;
}

/* ── One ── */

/* Where the host is, or NULL: no plain URL of one. */
static const char *host_of(const char *url, size_t *len)
{
    static const char *const schemes[] = {"http://", "https://", "ssh://", "git://"};
    cb_autofree char *shown = cb_redact_place(url);
    const char *host = NULL, *at;

    for (const unsigned char *c = (const unsigned char *)url; *c; c++)
        if (*c <= ' ' || *c == 0x7f)
            return NULL;
    for (size_t i = 0; i < CB_ARRAY_SIZE(schemes); i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            host = url + strlen(schemes[i]);
    if (!host && (at = strchr(url, '@')) && strchr(at, ':') &&
        strcspn(url, ":/") > (size_t)(at - url))
        host = url; /* user@host:path */
    if (!host || *host == '-' || strcmp(shown, url) != 0)
        return NULL;
    *len = strcspn(host, "/:");
    at = memchr(host, '@', *len);
    if (at) {
        *len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    return *len && isalnum((unsigned char)*host) ? host : NULL;
}

/* "../" for each directory of PATH. */
static char *way_up(const char *path)
{
    cb_auto_value(cb_strbuf) up = {0};

    cb_strbuf_adds(&up, "../");
    for (; (path = strchr(path, '/')); path++)
        cb_strbuf_adds(&up, "../");
    return cb_strbuf_steal(&up);
}

static int update_all(struct cb_git *git, unsigned depth, struct cb_error **err);

/* The authorization stays that of the repository that was named, and for that. */
static int take(struct cb_git *git, const struct module *module, const char *host,
                unsigned depth, struct cb_error **err)
{
    struct cb_git_ref ref = {.remote = module->url,
                             .host = (char *)host,
                             .ref = (char *)"",
                             .subdir = (char *)""};
    struct cb_git_commit commit = {
        .name = (char *)"", .object = module->commit, .commit = module->commit};
    cb_autofree char *more = way_up(module->path);
    cb_autofree char *up = xasprintf("%s%s", git->up, more);
    struct cb_git sub = *git;
    int64_t time;
    int result;

    sub.ref = &ref;
    sub.up = up;
    sub.shared_fd = sub.dir_fd = -1;
    if (cb_git_open_subdir(git->dir_fd, module->path, &sub.dir_fd, err) < 0)
        return -1;
    result = cb_git_init(&sub, &commit, err) < 0 ||
                     cb_git_take(&sub, &commit, &time, err) < 0 ||
                     update_all(&sub, depth + 1, err) < 0
                 ? -1
                 : 0;
    cb_close(&sub.dir_fd);
    return result;
}

static int update(struct cb_git *git, const struct module *module, unsigned depth,
                  struct cb_error **err)
{
    size_t len = 0;
    const char *at = host_of(module->url, &len);
    cb_autofree char *host = at ? xstrndup(at, len) : NULL;

    if (!host)
        return update_by_git(git, module->path, err);
    if (take(git, module, host, depth, err) < 0)
        return cb_error_wrap(err, "submodule `%s`", module->path);
    return 0;
}

static int update_all(struct cb_git *git, unsigned depth, struct cb_error **err)
{
    cb_auto_value(modules) modules = {0};
    struct stat st;

    if (fstatat(git->dir_fd, ".gitmodules", &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (depth == MAX_DEPTH)
        return cb_error_set(err, CB_ERR_INTEGRITY, "submodules nested more than %d deep",
                            MAX_DEPTH);
    if (git->ref->keep_git_dir > 0)
        return update_by_git(git, ".", err);
    if (cb_git_call(git, NULL, err, "submodule", "--quiet", "init") < 0 ||
        list(git, &modules, err) < 0)
        return -1;
    cb_vec_foreach (module, &modules) {
        if (cb_cancel_check(git->remote->cancel, err) < 0 ||
            (module->url && module->commit && update(git, module, depth, err) < 0))
            return -1;
    }
    return 0;
}

int cb_git_submodules(struct cb_git *git, struct cb_error **err)
{
    return git->ref->submodules == 0 ? 0 : update_all(git, 0, err);
}
