/* --secret id=NAME,src=FILE or env=VARIABLE: read once, when the request is checked, so
 * that a missing file is an error before any work. Values stay in memory, are wiped at
 * the end, and go nowhere but into the mounts of RUN steps; with cache=key a digest that
 * needs the store's own key goes into those steps' keys. */
#include "engine/engine-priv.h"

#include "base/input.h"
#include "base/log.h"
#include "store/machine-key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

struct secret {
    char *id;
    void *bytes;
    size_t len;
    int in_key;                   /* cache=key */
    char mac[CB_DIGEST_MAX_TEXT]; /* "" while it has none */
};

struct cb_secrets {
    CB_VEC(struct secret) items;
};

struct fields { /* of one option */
    char *id, *source, *env, *type, *cache;
};

static void fields_free(struct fields *fields)
{
    free(fields->id);
    free(fields->source);
    free(fields->env);
    free(fields->type);
    free(fields->cache);
}

static int set_field(struct fields *fields, const char *key, const char *value,
                     struct cb_error **err)
{
    char **slot = NULL;

    if (!strcasecmp(key, "id"))
        slot = &fields->id;
    else if (!strcasecmp(key, "src") || !strcasecmp(key, "source"))
        slot = &fields->source;
    else if (!strcasecmp(key, "env"))
        slot = &fields->env;
    else if (!strcasecmp(key, "type"))
        slot = &fields->type;
    else if (!strcasecmp(key, "cache"))
        slot = &fields->cache;
    if (!slot)
        return cb_error_set(err, CB_ERR_USAGE,
                            "unexpected key '%s': expected id, src, env, type or cache",
                            key);
    free(*slot);
    *slot = *value ? xstrdup(value) : NULL; /* as docker has it, nothing is not given */
    return 0;
}

static int split_fields(struct fields *fields, const char *option, struct cb_error **err)
{
    while (*option) {
        size_t len = strcspn(option, ",");
        cb_autofree char *field = xstrndup(option, len);
        char *equals = strchr(field, '=');

        if (!equals)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid field '%s' must be a key=value pair", field);
        *equals = '\0';
        if (set_field(fields, field, equals + 1, err) < 0)
            return -1;
        option += len + (option[len] == ',');
    }
    if (!fields->id)
        return cb_error_set(err, CB_ERR_USAGE, "id=NAME is missing");
    if (fields->type && strcmp(fields->type, "file") && strcmp(fields->type, "env"))
        return cb_error_set(err, CB_ERR_USAGE, "unsupported secret type \"%s\"",
                            fields->type);
    if (fields->cache && strcmp(fields->cache, "key"))
        return cb_error_set(err, CB_ERR_USAGE,
                            "unsupported value \"%s\" of cache: expected key",
                            fields->cache);
    return 0;
}

/* `id=X` alone is the variable X, else the file X; type=env turns src into a variable's
 * name. */
static void settle_origin(struct fields *fields)
{
    int env_type = fields->type && !strcmp(fields->type, "env");
    int file_type = fields->type && !strcmp(fields->type, "file");

    if (env_type && !fields->env && fields->source) {
        fields->env = fields->source;
        fields->source = NULL;
    }
    if (fields->env)
        free(cb_steal(&fields->source)); /* a variable comes before a file */
    if (fields->source || fields->env)
        return;
    if (env_type || (!file_type && getenv(fields->id)))
        fields->env = xstrdup(fields->id);
    else
        fields->source = xstrdup(fields->id);
}

/* The buffer never moves, so that wiping it at the end wipes all. */
static int read_all(int fd, struct cb_cancel *cancel, struct cb_strbuf *text,
                    struct cb_error **err)
{
    ssize_t got;

    cb_strbuf_reserve(text, CB_SECRET_MAX_BYTES + 2);
    do {
        got = cb_input_read(fd, cancel, text->text + text->len,
                            CB_SECRET_MAX_BYTES + 1 - text->len, err);
        if (got < 0)
            return -1;
        text->len += (size_t)got;
    } while (got && text->len <= CB_SECRET_MAX_BYTES);
    if (text->len > CB_SECRET_MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "larger than %u bytes",
                            CB_SECRET_MAX_BYTES);
    return 0;
}

/* A pipe will do too: `src=<(command)` of a shell is one. O_NONBLOCK: one that nobody
 * writes to yet is waited for where the build can be cancelled. */
static int read_source(const struct fields *fields, struct cb_cancel *cancel,
                       struct cb_strbuf *text, struct cb_error **err)
{
    cb_autofd int fd = open(fields->source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "secret `%s`: open `%s`", fields->id,
                              fields->source);
    if (read_all(fd, cancel, text, err) < 0)
        return cb_error_wrap(err, "secret `%s`: `%s`", fields->id, fields->source);
    return 0;
}

static int read_variable(const struct fields *fields, struct cb_strbuf *text,
                         struct cb_error **err)
{
    const char *value = getenv(fields->env);

    if (!value) {
        cb_warn("secret `%s`: environment variable `%s` is not set, so it is empty",
                fields->id, fields->env);
        value = "";
    }
    if (strlen(value) > CB_SECRET_MAX_BYTES)
        return cb_error_set(err, CB_ERR_USAGE, "secret `%s`: larger than %u bytes",
                            fields->id, CB_SECRET_MAX_BYTES);
    cb_strbuf_reserve(text, strlen(value));
    cb_strbuf_adds(text, value);
    return 0;
}

static int read_value(const struct fields *fields, struct cb_cancel *cancel,
                      struct secret *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    int failed = fields->source ? read_source(fields, cancel, &text, err) < 0
                                : read_variable(fields, &text, err) < 0;

    if (failed) {
        if (text.text)
            explicit_bzero(text.text, text.capacity);
        return -1;
    }
    out->len = text.len;
    out->id = xstrdup(fields->id);
    out->in_key = fields->cache != NULL;
    out->bytes = cb_strbuf_steal(&text);
    return 0;
}

static int add_secret(struct cb_secrets *secrets, const char *option,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    struct fields fields = {0};
    struct secret secret = {0};
    cb_auto(cb_error) cause = NULL;
    int rc;

    if (split_fields(&fields, option, &cause) < 0) {
        rc = cb_error_argument(err, option, "--secret", "%s", cb_error_message(cause));
    } else {
        settle_origin(&fields);
        rc = read_value(&fields, cancel, &secret, err);
    }
    if (rc == 0)
        cb_vec_push(&secrets->items, secret);
    fields_free(&fields);
    return rc;
}

int cb_secrets_new(struct cb_secrets **out, const struct cb_strings *options,
                   struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_secrets) secrets = xcalloc(1, sizeof(*secrets));

    for (size_t i = 0; i < options->count; i++) {
        if (add_secret(secrets, options->items[i], cancel, err) < 0)
            return -1;
    }
    *out = cb_steal(&secrets);
    return 0;
}

void cb_secrets_free(struct cb_secrets *secrets)
{
    if (!secrets)
        return;
    cb_vec_foreach (secret, &secrets->items) {
        explicit_bzero(secret->bytes, secret->len);
        free(secret->bytes);
        free(secret->id);
    }
    cb_vec_free(&secrets->items);
    free(secrets);
}

int cb_secrets_digest(struct cb_secrets *secrets, struct cb_store *store,
                      struct cb_error **err)
{
    cb_vec_foreach (secret, &secrets->items) {
        if (secret->in_key && cb_store_mac(store, secret->id, secret->bytes, secret->len,
                                           secret->mac, err) < 0)
            return cb_error_wrap(err, "secret `%s`", secret->id);
    }
    return 0;
}

static const struct secret *find(const struct cb_secrets *secrets, const char *id)
{
    cb_vec_foreach (secret, &secrets->items) {
        if (strcmp(secret->id, id) == 0)
            return secret;
    }
    return NULL;
}

int cb_secrets_get(void *arg, const char *id, const void **bytes, size_t *len)
{
    const struct secret *secret = find(arg, id);

    if (!secret)
        return 0;
    *bytes = secret->bytes;
    *len = secret->len;
    return 1;
}

const char *cb_secrets_mac(void *arg, const char *id)
{
    const struct secret *secret = find(arg, id);

    return secret && *secret->mac ? secret->mac : NULL;
}
