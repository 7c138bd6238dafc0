/* Docker takes any address of a registry, and of that the host; podman takes a part of a
 * registry's repositories, too. An address is what has a scheme, or a path that only an
 * API has. */
#include "commands/login.h"

#include "oci/oci.h"
#include "registry/credentials.h"

#include <string.h>
#include <strings.h>

#define DEFAULT_SERVER "docker.io"

void cb_login_server_clear(struct cb_login_server *server)
{
    free(server->host);
    free(server->part);
    free(server->shown);
    *server = (struct cb_login_server){0};
}

static size_t scheme_len(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0  ? 8
           : strncasecmp(text, "http://", 7) == 0 ? 7
                                                  : 0;
}

/* Caller frees; NULL with an error. */
static char *host_of(const char *text, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    const char *rest = text + scheme_len(text);
    cb_autofree char *host = xstrndup(rest, strcspn(rest, "/"));
    cb_autofree char *name = NULL;

    if (cb_credentials_key_names(host, DEFAULT_SERVER))
        return xstrdup(DEFAULT_SERVER);
    /* The only check of a host's name there is: that a reference can start with it. */
    name = xasprintf("%s/x", host);
    if (!*host || cb_reference_parse(&reference, name, NULL) < 0 ||
        strcmp(reference->path, "x") != 0) {
        cb_error_set(err, CB_ERR_USAGE, "`%s` is not the name of a registry", text);
        cb_error_hint(err, "a registry is a host name with a dot or a port: "
                           "registry.example, localhost:5000");
        return NULL;
    }
    return cb_steal(&host);
}

/* "", "v1/", "v2/_catalog" */
static int is_of_an_api(const char *path)
{
    return !path[strspn(path, "/")] ||
           (path[0] == 'v' && (path[1] == '1' || path[1] == '2') &&
            (!path[2] || path[2] == '/'));
}

static int find_part(struct cb_login_server *out, const char *text, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;
    const char *slash = strchr(text, '/');

    if (scheme_len(text) || !slash || is_of_an_api(slash + 1))
        return 0;
    name = xasprintf("%s%s", out->host, slash);
    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    if (reference->tag || cb_digest_is_set(&reference->digest))
        return cb_error_set(err, CB_ERR_USAGE, "reference \"%s\" contains tag or digest",
                            text);
    out->part = xstrdup(slash + 1);
    return 0;
}

int cb_login_server_parse(struct cb_login_server *out, const char *text,
                          struct cb_error **err)
{
    const char *typed = text ? text : DEFAULT_SERVER;

    out->host = host_of(typed, err);
    if (!out->host || find_part(out, typed, err) < 0)
        return -1;
    out->shown = out->part ? xasprintf("%s/%s", out->host, out->part)
                           : xstrdup(cb_credentials_key(out->host));
    return 0;
}
