/* cbuild logout: forgets credentials for a registry, for a part of one, or all there are.
 */
#include "commands/commands.h"
#include "commands/login.h"
#include "commands/options.h"
#include "registry/credentials.h"

#include <stdio.h>

struct values {
    const char *authfile;
    int all;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Forget those for all registries"},
    {"authfile", 0, CB_OPTION_TEXT, AT(authfile), "FILE",
     "The file with the credentials, instead of the usual one"},
    {0},
};

static int forget_all(struct cb_app *app, const struct values *values,
                      struct cb_error **err)
{
    if (cb_credentials_forget_all(values->authfile, app->cancel, err) < 0)
        return -1;
    printf("Removed login credentials for all registries\n");
    return 0;
}

static int logout(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(cb_login_server) server = {0};
    int status;

    if (values->all && args->count)
        return cb_error_set(err, CB_ERR_USAGE, "--all takes no arguments");
    if (values->all)
        return forget_all(app, values, err);
    if (cb_login_server_parse(&server, args->count ? args->items[0] : NULL, err) < 0)
        return -1;
    status = cb_credentials_forget(
        &(struct cb_credentials_place){values->authfile, server.host, server.part},
        app->cancel, err);
    if (status < 0)
        return -1;
    printf(status ? "Removing login credentials for %s\n" : "Not logged in to %s\n",
           server.shown);
    return 0;
}

const struct cb_cli_command cb_logout_command = {
    .name = "logout",
    .summary = "Forget the credentials for a registry",
    .usage = "logout [OPTIONS] [SERVER[/PART]]",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = logout,
    .stays_out = 1,
};
