/* What is said on the command line goes before the files. A password that is typed there
 * is for a registry that is typed there, and never for one that a Dockerfile, a manifest
 * or a mirror names. */
#include "commands/access.h"

#include "oci/oci.h"

#include <string.h>

static int check(const char *option, const char *creds, struct cb_error **err)
{
    if (strchr(creds, ':') && *creds != ':')
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "%s: expected user:password", option);
    return cb_error_hint(err, "`cbuild login` asks for a password");
}

struct cb_registry_settings *cb_access_settings(struct cb_app *app, struct cb_error **err)
{
    const struct cb_settings *loaded;

    return cb_app_settings(app, &loaded, err) < 0 ? NULL : &app->settings->registry;
}

int cb_access_login(struct cb_app *app, const char *option, const char *creds,
                    const char *host, struct cb_error **err)
{
    struct cb_registry_settings *settings =
        check(option, creds, err) < 0 ? NULL : cb_access_settings(app, err);
    struct cb_registry_login login = {0};

    if (!settings)
        return -1;
    login.host = xstrdup(host);
    login.creds = xstrdup(creds);
    cb_vec_push(&settings->logins, login);
    return 0;
}

int cb_access_apply(const struct cb_access_values *values, struct cb_app *app,
                    struct cb_error **err)
{
    struct cb_registry_settings *settings = cb_access_settings(app, err);

    if (!settings)
        return -1;
    if (values->authfile) {
        free(settings->auth_file);
        settings->auth_file = xstrdup(values->authfile);
    }
    if (values->cert_dir) {
        free(settings->cert_dir);
        settings->cert_dir = xstrdup(values->cert_dir);
    }
    return values->creds ? check("--creds", values->creds, err) : 0;
}

/* Where the configuration has something else in its place, it is for that. Caller frees.
 */
static char *host_of(const struct cb_registry_settings *settings, const char *name)
{
    static const char transport[] = "docker://";
    size_t len =
        strncmp(name, transport, sizeof(transport) - 1) == 0 ? sizeof(transport) - 1 : 0;
    cb_auto(cb_reference) reference = NULL;
    const struct cb_registry_rule *rule;
    const char *rest;

    if (cb_reference_parse(&reference, name + len, NULL) < 0)
        return NULL;
    rule = cb_registry_rule_find(settings, reference->host, reference->path, &rest);
    return rule && rule->rewrite ? xstrndup(rule->rewrite, strcspn(rule->rewrite, "/"))
                                 : xstrdup(reference->host);
}

int cb_access_name(const struct cb_access_values *values, struct cb_app *app,
                   const char *name, struct cb_error **err)
{
    const struct cb_settings *loaded;
    cb_autofree char *host = NULL;

    if (!values->creds)
        return 0;
    if (cb_app_settings(app, &loaded, err) < 0)
        return -1;
    host = host_of(&loaded->registry, name);
    if (!host)
        return 0;
    cb_vec_foreach (login, &loaded->registry.logins) {
        if (strcmp(login->host, host) == 0)
            return 0;
        cb_error_set(err, CB_ERR_USAGE,
                     "--creds are for one registry, and both %s and %s are named",
                     login->host, host);
        return cb_error_hint(err, "`cbuild login` keeps credentials for each, and "
                                  "--authfile names a file with them");
    }
    return cb_access_login(app, "--creds", values->creds, host, err);
}
