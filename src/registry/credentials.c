/* Entries are looked up as docker does: the key of `auths` may be a URL; for docker.io it
 * is https://index.docker.io/v1/. A helper named by credHelpers or credsStore is asked
 * with the same key on its standard input. As podman has it, a key that is no URL may be
 * of a part of a registry: "registry.example/team" is for the repositories below. */
#include "registry/credentials.h"

#include "base/base64.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#define DOCKER_HUB_KEY "https://index.docker.io/v1/"
#define HELPER_SECONDS 10

void cb_credentials_clear(struct cb_credentials *credentials)
{
    free(credentials->username);
    free(credentials->password);
    free(credentials->identity_token);
    memset(credentials, 0, sizeof(*credentials));
}

char *cb_credentials_basic(const struct cb_credentials *credentials)
{
    cb_autofree char *pair =
        xasprintf("%s:%s", credentials->username, credentials->password);
    cb_auto_value(cb_strbuf) out = {0};

    cb_strbuf_adds(&out, "Basic ");
    cb_base64_encode(&out, pair, strlen(pair));
    return cb_strbuf_steal(&out);
}

const char *cb_credentials_key(const char *host)
{
    return strcmp(host, "docker.io") == 0 ? DOCKER_HUB_KEY : host;
}

/* ── The document ── */

/* What KEY has behind a host's name: "team" of "registry.example/team/". NULL: it is for
 * all of the host, as URLs and "registry.example/v1" are. *LEN without the last slash. */
static const char *part_of(const char *key, size_t *len)
{
    const char *part = strstr(key, "://") ? NULL : strchr(key, '/');

    if (!part)
        return NULL;
    part++;
    *len = strlen(part);
    while (*len && part[*len - 1] == '/')
        --*len;
    if (!*len ||
        (*len == 2 && (memcmp(part, "v1", 2) == 0 || memcmp(part, "v2", 2) == 0)))
        return NULL;
    return part;
}

/* "https://index.docker.io/v1/" and "index.docker.io" name docker.io. */
static int names_host(const char *key, const char *host)
{
    cb_autofree char *name = NULL;

    if (strncasecmp(key, "http://", 7) == 0)
        key += 7;
    else if (strncasecmp(key, "https://", 8) == 0)
        key += 8;
    name = xstrndup(key, strcspn(key, "/"));
    if (strcasecmp(name, "index.docker.io") == 0 ||
        strcasecmp(name, "registry-1.docker.io") == 0)
        return strcmp(host, "docker.io") == 0;
    return strcasecmp(name, host) == 0;
}

int cb_credentials_key_names(const char *key, const char *host)
{
    size_t len;

    return !part_of(key, &len) && names_host(key, host);
}

/* The member of OBJECT whose key names HOST, the exact key first. */
static struct cb_json find_entry(const struct cb_json *object, const char *host)
{
    struct cb_json none = {0};
    const char *key;
    json_t *value;

    if (cb_json_is_absent(object) || !json_is_object(object->value))
        return none;
    if (json_object_get(object->value, host))
        return cb_json_member(object, host);
    json_object_foreach(object->value, key, value)
    {
        if (cb_credentials_key_names(key, host))
            return cb_json_member(object, key);
    }
    return none;
}

/* The member of OBJECT for the smallest part of HOST that PATH lies in. */
static struct cb_json find_part(const struct cb_json *object, const char *host,
                                const char *path)
{
    struct cb_json best = {0};
    size_t best_len = 0;
    const char *key;
    json_t *value;

    if (cb_json_is_absent(object) || !json_is_object(object->value))
        return best;
    json_object_foreach(object->value, key, value)
    {
        size_t len;
        const char *part = part_of(key, &len);

        if (!part || len <= best_len || strncmp(path, part, len) != 0 ||
            (path[len] && path[len] != '/') || !names_host(key, host))
            continue;
        best = cb_json_member(object, key);
        best_len = len;
    }
    return best;
}

static int split_auth(const char *auth, struct cb_credentials *out)
{
    cb_auto_value(cb_strbuf) pair = {0};
    const char *text, *colon;

    if (cb_base64_decode(&pair, auth) < 0)
        return -1;
    text = cb_strbuf_text(&pair);
    colon = strchr(text, ':');
    if (!colon || strlen(text) != pair.len || strpbrk(text, "\r\n"))
        return -1;
    out->username = xstrndup(text, (size_t)(colon - text));
    out->password = xstrdup(colon + 1);
    return 0;
}

static int read_entry(const char *name, const struct cb_json *entry, const char *host,
                      struct cb_credentials *out, struct cb_error **err)
{
    struct cb_json auth = cb_json_member(entry, "auth");
    struct cb_json token = cb_json_member(entry, "identitytoken");
    const char *auth_text, *token_text;

    if (cb_json_string(&auth, &auth_text, err) < 0 ||
        cb_json_string(&token, &token_text, err) < 0)
        return -1;
    if (auth_text && *auth_text && split_auth(auth_text, out) < 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: auths[\"%s\"].auth is malformed",
                            name, host);
    if (token_text && *token_text)
        out->identity_token = xstrdup(token_text);
    return out->username || out->identity_token;
}

/* ── Helpers ── */

static int helper_answer(const char *helper, const struct cb_strbuf *text,
                         struct cb_credentials *out, struct cb_error **err)
{
    cb_autofree char *program = xasprintf("docker-credential-%s", helper);
    cb_auto_json *document = NULL;
    struct cb_json root, user, secret;
    const char *username, *password;

    if (cb_json_parse(&document, program, cb_strbuf_text(text), text->len,
                      CB_CREDENTIALS_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, program);
    user = cb_json_member(&root, "Username");
    secret = cb_json_member(&root, "Secret");
    if (cb_json_expect_object(&root, err) < 0 ||
        cb_json_string(&user, &username, err) < 0 ||
        cb_json_string(&secret, &password, err) < 0)
        return -1;
    if (!username || !password || !*password)
        return 0;
    if (strcmp(username, "<token>") == 0) {
        out->identity_token = xstrdup(password);
    } else {
        out->username = xstrdup(username);
        out->password = xstrdup(password);
    }
    return 1;
}

int cb_credential_helper_run(const char *helper, const char *verb, const char *input,
                             struct cb_cancel *cancel, struct cb_strbuf *output,
                             struct cb_error **err)
{
    cb_autofree char *program = xasprintf("docker-credential-%s", helper);
    const char *argv[] = {program, verb, NULL};
    struct cb_subprocess_options options = {.argv = argv,
                                            .cwd_fd = -1,
                                            .inherit_fd = -1,
                                            .input = input,
                                            .input_len = strlen(input),
                                            .timeout_ms = HELPER_SECONDS * 1000,
                                            .cancel = cancel};
    cb_auto_value(cb_strbuf) errors = {0};
    int exit_code = 0;

    if (!*helper ||
        helper[strspn(helper, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789-_.")])
        return cb_error_set(err, CB_ERR_USAGE, "bad name of a credential helper: `%s`",
                            helper);
    if (cb_subprocess_run(&options, output, &errors, &exit_code, err) < 0)
        return -1;
    if (exit_code == 0)
        return 1;
    if (strstr(cb_strbuf_text(output), "credentials not found"))
        return 0;
    return cb_error_set(err, CB_ERR_DENIED, "%s %s: exit %d: %.200s", program, verb,
                        exit_code, cb_strbuf_text(output->len ? output : &errors));
}

static int ask_helper(const char *helper, const char *host, struct cb_cancel *cancel,
                      struct cb_credentials *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) output = {0};
    int found = cb_credential_helper_run(helper, "get", cb_credentials_key(host), cancel,
                                         &output, err);

    if (found < 0)
        return cb_error_wrap(err, "credentials for %s", host);
    return found ? helper_answer(helper, &output, out, err) : 0;
}

/* ── Looking up ── */

int cb_credentials_helper(const struct cb_json *root, const char *host,
                          const char **helper, struct cb_error **err)
{
    struct cb_json helpers = cb_json_member(root, "credHelpers");
    struct cb_json store = cb_json_member(root, "credsStore");
    struct cb_json entry = find_entry(&helpers, host);

    *helper = NULL;
    if (!cb_json_is_absent(&entry) && cb_json_string(&entry, helper, err) < 0)
        return -1;
    if (!*helper && cb_json_string(&store, helper, err) < 0)
        return -1;
    if (*helper && !**helper)
        *helper = NULL;
    return 0;
}

int cb_credentials_from(const struct cb_credentials_text *text, const char *host,
                        const char *path, struct cb_cancel *cancel,
                        struct cb_credentials *out, struct cb_error **err)
{
    const char *name = text->name;
    cb_auto_json *document = NULL;
    struct cb_json root, entry, auths;
    const char *helper = NULL;

    if (cb_json_parse(&document, name, text->bytes, text->len, CB_CREDENTIALS_MAX_BYTES,
                      err) < 0)
        return -1;
    root = cb_json_root(document, name);
    if (cb_json_expect_object(&root, err) < 0 ||
        (!path && cb_credentials_helper(&root, host, &helper, err) < 0))
        return -1;
    if (helper) {
        int found = ask_helper(helper, host, cancel, out, err);

        if (found < 0)
            return cb_error_hint(
                err, "`credsStore` or `credHelpers` of %s names that helper", name);
        if (found)
            return found;
    }
    auths = cb_json_member(&root, "auths");
    entry = path ? find_part(&auths, host, path) : find_entry(&auths, host);
    if (cb_json_is_absent(&entry))
        return 0;
    if (cb_json_expect_object(&entry, err) < 0)
        return -1;
    return read_entry(name, &entry, host, out, err);
}

static int find_in_file(const char *file, const char *host, const char *path,
                        struct cb_cancel *cancel, struct cb_credentials *out,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_fs_read_file(AT_FDCWD, file, CB_CREDENTIALS_MAX_BYTES, &text, &error) < 0) {
        if (cb_error_kind(error) == CB_ERR_NOT_FOUND)
            return 0;
        return cb_error_move(err, &error);
    }
    if (text.len == 0)
        return 0;
    return cb_credentials_from(
        &(struct cb_credentials_text){file, cb_strbuf_text(&text), text.len}, host, path,
        cancel, out, err);
}

int cb_credentials_find_in(const char *file, const char *host, const char *path,
                           struct cb_cancel *cancel, struct cb_credentials *out,
                           struct cb_error **err)
{
    if (access(file, R_OK) < 0)
        return cb_error_errno(err, errno, "credentials `%s`", file);
    return find_in_file(file, host, path, cancel, out, err);
}

char *cb_credentials_docker_config(void)
{
    const char *dir = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");

    if (dir && *dir)
        return xasprintf("%s/config.json", dir);
    return home && *home ? xasprintf("%s/.docker/config.json", home) : NULL;
}

int cb_credentials_find(const char *host, const char *path, struct cb_cancel *cancel,
                        struct cb_credentials *out, struct cb_error **err)
{
    const char *auth_file = getenv("REGISTRY_AUTH_FILE");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    cb_autofree char *docker = cb_credentials_docker_config();
    cb_autofree char *podman =
        runtime && *runtime ? xasprintf("%s/containers/auth.json", runtime) : NULL;
    const char *const files[] = {auth_file && *auth_file ? auth_file : NULL, docker,
                                 podman};
    int found = 0;

    for (size_t i = 0; i < CB_ARRAY_SIZE(files) && found == 0; i++)
        if (files[i])
            found = find_in_file(files[i], host, path, cancel, out, err);
    return found;
}
