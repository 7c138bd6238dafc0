/* Logins are kept as docker keeps them: members of `auths` in config.json, or with a
 * helper, then only an empty member says that there is a login. The file is shared with
 * docker and podman: what else it says is written back unchanged, a link is followed, and
 * whoever changes it with us waits for the lock on its directory. */
#include "registry/credentials.h"

#include "base/atomic-file.h"
#include "base/base64.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    char *path; /* for messages */
    char *name; /* below DIR_FD */
    int dir_fd;
    json_t *root;
};

static void file_close(struct file *file)
{
    free(file->path);
    free(file->name);
    json_decref(file->root);
    cb_close(&file->dir_fd);
}
CB_AUTO_VALUE_DEFINE(file, file_close)

static char *choose_path(const char *given, struct cb_error **err)
{
    const char *auth_file = given ? given : getenv("REGISTRY_AUTH_FILE");
    char *path =
        auth_file && *auth_file ? xstrdup(auth_file) : cb_credentials_docker_config();

    if (!path)
        cb_error_set(err, CB_ERR_USAGE,
                     "nowhere to keep credentials: neither $DOCKER_CONFIG nor $HOME is "
                     "set");
    return path;
}

/* Where a link leads, even if nothing is there yet. Caller frees. */
static char *behind_links(const char *path)
{
    char *real = realpath(path, NULL);
    const char *slash = strrchr(path, '/');
    char target[PATH_MAX];
    ssize_t len;

    if (real)
        return real;
    len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0)
        return xstrdup(path);
    target[len] = '\0';
    return *target == '/' || !slash
               ? xstrdup(target)
               : xasprintf("%.*s/%s", (int)(slash - path), path, target);
}

static int open_directory(struct file *file, int make, struct cb_error **err)
{
    cb_autofree char *path = behind_links(file->path);
    const char *slash = strrchr(path, '/');
    cb_autofree char *dir =
        slash ? xstrndup(path, (size_t)(slash - path) + (slash == path)) : xstrdup(".");

    file->name = xstrdup(slash ? slash + 1 : path);
    if (make && cb_fs_mkdirs(dir, 0700, err) < 0)
        return -1;
    file->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->dir_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", dir);
    if (flock(file->dir_fd, LOCK_EX) < 0)
        return cb_error_errno(err, errno, "lock `%s`", dir);
    return 0;
}

static int read_root(struct file *file, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_json root;

    if (cb_fs_read_file(file->dir_fd, file->name, CB_CREDENTIALS_MAX_BYTES, &text,
                        &error) < 0 &&
        cb_error_kind(error) != CB_ERR_NOT_FOUND)
        return cb_error_move(err, &error);
    if (text.len == 0) {
        file->root = json_object();
        return 0;
    }
    if (cb_json_parse(&file->root, file->path, cb_strbuf_text(&text), text.len,
                      CB_CREDENTIALS_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(file->root, file->path);
    return cb_json_expect_object(&root, err);
}

/* With its lock held until it is closed. */
static int open_file(struct file *file, const char *given, int make,
                     struct cb_error **err)
{
    file->dir_fd = -1;
    file->path = choose_path(given, err);
    if (!file->path || open_directory(file, make, err) < 0)
        return -1;
    return read_root(file, err);
}

/* What root writes in a user's file stays that user's, as docker leaves it. */
static void keep_owner(const struct file *file, int fd)
{
    struct stat old;

    if (fstatat(file->dir_fd, file->name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(old.st_mode) && old.st_uid != geteuid() &&
        fchown(fd, old.st_uid, old.st_gid) < 0)
        cb_debug("%s: its owner changes: %s", file->path, strerror(errno));
}

static int save(struct file *file, struct cb_error **err)
{
    cb_auto(cb_atomic_file) written = NULL;
    cb_autofree char *text = json_dumps(file->root, JSON_INDENT(4) | JSON_ENSURE_ASCII);

    if (!text)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s cannot be written as JSON",
                            file->path);
    if (cb_atomic_file_open(&written, file->dir_fd, file->name, 0600, err) < 0)
        return cb_error_wrap(err, "%s", file->path);
    keep_owner(file, cb_atomic_file_fd(written));
    if (dprintf(cb_atomic_file_fd(written), "%s\n", text) < 0)
        return cb_error_errno(err, errno, "write `%s`", file->path);
    if (cb_atomic_file_commit(&written, 1, err) < 0)
        return cb_error_wrap(err, "%s", file->path);
    return 0;
}

/* The member `auths`, made if missing. Borrowed. */
static json_t *auths_of(struct file *file, struct cb_error **err)
{
    json_t *auths = json_object_get(file->root, "auths");

    if (!auths || json_is_null(auths)) {
        auths = json_object();
        json_object_set_new(file->root, "auths", auths);
    }
    if (!json_is_object(auths)) {
        cb_error_set(err, CB_ERR_INTEGRITY, "%s: auths: expected an object", file->path);
        return NULL;
    }
    return auths;
}

/* What a file calls the part. Caller frees. */
static char *part_key(const char *host, const char *part)
{
    return part ? xasprintf("%s/%s", host, part) : NULL;
}

/* Removes whatever names the host, or the part of it; returns how many there were. */
static int remove_entries(json_t *auths, const struct cb_credentials_place *place)
{
    cb_autofree char *whole = part_key(place->host, place->part);
    const char *key;
    json_t *value;
    void *next;
    int removed = 0;

    json_object_foreach_safe(auths, next, key, value)
    {
        if (whole ? strcmp(key, whole) == 0
                  : cb_credentials_key_names(key, place->host)) {
            json_object_del(auths, key);
            removed++;
        }
    }
    return removed;
}

/* {"auth": base64("user:password")}, and the token of an OAuth login. */
static json_t *plain_entry(const struct cb_credentials *credentials)
{
    cb_autofree char *pair =
        xasprintf("%s:%s", credentials->username ? credentials->username : "",
                  credentials->identity_token ? "" : credentials->password);
    cb_auto_value(cb_strbuf) auth = {0};
    json_t *entry = json_object();

    cb_base64_encode(&auth, pair, strlen(pair));
    json_object_set_new(entry, "auth", json_string(cb_strbuf_text(&auth)));
    if (credentials->identity_token)
        json_object_set_new(entry, "identitytoken",
                            json_string(credentials->identity_token));
    return entry;
}

static int give_to_helper(const char *helper, const char *host,
                          const struct cb_credentials *credentials,
                          struct cb_cancel *cancel, struct cb_error **err)
{
    int token = credentials->identity_token != NULL;
    cb_auto_json *document =
        json_pack("{s:s,s:s,s:s}", "ServerURL", cb_credentials_key(host), "Username",
                  token ? "<token>" : credentials->username, "Secret",
                  token ? credentials->identity_token : credentials->password);
    cb_autofree char *input = document ? cb_json_dump(document) : NULL;
    cb_auto_value(cb_strbuf) output = {0};

    if (!input)
        return cb_error_set(err, CB_ERR_USAGE, "the credentials are not UTF-8");
    if (cb_credential_helper_run(helper, "store", input, cancel, &output, err) < 0)
        return cb_error_wrap(err, "error storing credentials");
    return 0;
}

/* The helper for the host; none for a part of it. */
static int find_helper(const struct file *file, const struct cb_credentials_place *place,
                       const char **helper, struct cb_error **err)
{
    struct cb_json root = cb_json_root(file->root, file->path);

    *helper = NULL;
    return place->part ? 0 : cb_credentials_helper(&root, place->host, helper, err);
}

int cb_credentials_keep(const struct cb_credentials_place *place,
                        const struct cb_credentials *credentials,
                        struct cb_cancel *cancel, char **out, struct cb_error **err)
{
    cb_auto_value(file) file = {0};
    cb_autofree char *key = part_key(place->host, place->part);
    const char *helper;
    json_t *auths;

    *out = NULL;
    if (open_file(&file, place->file, 1, err) < 0)
        return -1;
    auths = auths_of(&file, err);
    if (!auths || find_helper(&file, place, &helper, err) < 0 ||
        (helper && give_to_helper(helper, place->host, credentials, cancel, err) < 0))
        return -1;
    remove_entries(auths, place);
    if (json_object_set_new(auths, key ? key : cb_credentials_key(place->host),
                            helper ? json_object() : plain_entry(credentials)) < 0)
        return cb_error_set(err, CB_ERR_USAGE, "the credentials are not UTF-8");
    if (save(&file, err) < 0)
        return -1;
    if (!helper)
        *out = cb_steal(&file.path);
    return 0;
}

int cb_credentials_forget(const struct cb_credentials_place *place,
                          struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(file) file = {0};
    cb_auto_value(cb_strbuf) output = {0};
    cb_auto(cb_error) error = NULL;
    const char *helper;
    json_t *auths;
    int found = 0;

    if (open_file(&file, place->file, 0, &error) < 0) {
        if (cb_error_kind(error) == CB_ERR_NOT_FOUND)
            return 0;
        return cb_error_move(err, &error);
    }
    auths = auths_of(&file, err);
    if (!auths || find_helper(&file, place, &helper, err) < 0)
        return -1;
    if (helper) {
        found = cb_credential_helper_run(helper, "erase", cb_credentials_key(place->host),
                                         cancel, &output, err);
        if (found < 0)
            return cb_error_wrap(err, "could not erase credentials");
    }
    if (remove_entries(auths, place) == 0)
        return found;
    return save(&file, err) < 0 ? -1 : 1;
}

/* ── All ── */

static int erase(const char *helper, const char *key, struct cb_cancel *cancel,
                 struct cb_error **err)
{
    cb_auto_value(cb_strbuf) output = {0};

    return cb_credential_helper_run(helper, "erase", key, cancel, &output, err) < 0
               ? cb_error_wrap(err, "could not erase credentials")
               : 0;
}

/* What `credHelpers` names, each at its helper. */
static int erase_named(const struct file *file, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    json_t *helpers = json_object_get(file->root, "credHelpers"), *helper;
    const char *key;

    json_object_foreach(helpers, key, helper)
    {
        if (json_string_value(helper) && *json_string_value(helper) &&
            erase(json_string_value(helper), key, cancel, err) < 0)
            return -1;
    }
    return 0;
}

/* All that the helper of the rest says it has. */
static int erase_stored(const struct file *file, struct cb_cancel *cancel,
                        struct cb_error **err)
{
    const char *helper = json_string_value(json_object_get(file->root, "credsStore"));
    cb_auto_value(cb_strbuf) output = {0};
    cb_auto_json *list = NULL;
    const char *key;
    json_t *user;

    if (!helper || !*helper)
        return 0;
    if (cb_credential_helper_run(helper, "list", "", cancel, &output, err) < 0 ||
        cb_json_parse(&list, helper, cb_strbuf_text(&output), output.len,
                      CB_CREDENTIALS_MAX_BYTES, err) < 0)
        return cb_error_wrap(err, "could not list credentials");
    json_object_foreach(list, key, user)
    {
        if (erase(helper, key, cancel, err) < 0)
            return -1;
    }
    return 0;
}

int cb_credentials_forget_all(const char *given, struct cb_cancel *cancel,
                              struct cb_error **err)
{
    cb_auto_value(file) file = {0};
    cb_auto(cb_error) error = NULL;
    json_t *auths;

    if (open_file(&file, given, 0, &error) < 0)
        return cb_error_kind(error) == CB_ERR_NOT_FOUND ? 0 : cb_error_move(err, &error);
    auths = auths_of(&file, err);
    if (!auths || erase_named(&file, cancel, err) < 0 ||
        erase_stored(&file, cancel, err) < 0)
        return -1;
    if (!json_object_size(auths))
        return 0;
    json_object_clear(auths);
    return save(&file, err);
}
