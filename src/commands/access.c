/* What is said on the command line goes before the files. */
#include "commands/access.h"

#include <string.h>

int cb_access_login(struct cb_app *app, const char *option, const char *creds,
                    const char *host, struct cb_error **err)
{
    const struct cb_settings *loaded;
    struct cb_registry_login login = {0};

    if (!strchr(creds, ':') || *creds == ':') {
        cb_error_set(err, CB_ERR_USAGE, "%s: expected user:password", option);
        return cb_error_hint(err, "`cbuild login` asks for a password");
    }
    if (cb_app_settings(app, &loaded, err) < 0)
        return -1;
    login.host = xstrdup(host);
    login.creds = xstrdup(creds);
    cb_vec_push(&app->settings->registry.logins, login);
    return 0;
}

int cb_access_apply(const struct cb_access_values *values, struct cb_app *app,
                    struct cb_error **err)
{
    const struct cb_settings *loaded;
    struct cb_registry_settings *settings;

    if (cb_app_settings(app, &loaded, err) < 0)
        return -1;
    settings = &app->settings->registry;
    if (values->authfile) {
        free(settings->auth_file);
        settings->auth_file = xstrdup(values->authfile);
    }
    if (values->cert_dir) {
        free(settings->cert_dir);
        settings->cert_dir = xstrdup(values->cert_dir);
    }
    return values->creds ? cb_access_login(app, "--creds", values->creds, NULL, err) : 0;
}
