/* cbuild login: credentials for a registry or a part of one, tried, and kept where docker
 * keeps them. */
#include "commands/login.h"

#include "commands/access.h"
#include "commands/prompt.h"
#include "registry/credentials.h"
#include "registry/registry.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD_MAX_LEN 65536

struct values {
    struct cb_access_values access; /* no --creds */
    const char *username, *password;
    struct cb_strings insecure;
    int password_stdin, tls_verify;
};

#define AT(field) offsetof(struct values, field)

static int check(const struct values *values, struct cb_error **err)
{
    if (values->password && values->password_stdin)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--password and --password-stdin are mutually exclusive");
    if (values->password_stdin && (!values->username || !*values->username))
        return cb_error_set(err, CB_ERR_USAGE,
                            "Must provide --username with --password-stdin");
    return 0;
}

static int need_terminal(struct cb_error **err)
{
    if (isatty(STDIN_FILENO))
        return 0;
    cb_error_set(err, CB_ERR_USAGE,
                 "Cannot perform an interactive login from a non TTY device");
    return cb_error_hint(err, "give --username, and the password with --password-stdin");
}

static int ask_username(struct cb_app *app, const char *shown, const char *known,
                        char **out, struct cb_error **err)
{
    cb_autofree char *question =
        known ? xasprintf("Username (%s): ", known) : xstrdup("Username: ");

    if (need_terminal(err) < 0)
        return -1;
    fprintf(stderr, "Login to %s\n", shown);
    if (cb_prompt(question, 0, app->cancel, out, err) < 0)
        return -1;
    if ((!*out || !**out) && known) {
        free(*out);
        *out = xstrdup(known);
    }
    if (!*out || !**out)
        return cb_error_set(err, CB_ERR_USAGE, "username is empty");
    return 0;
}

static int ask_password(struct cb_app *app, const struct values *values, char **out,
                        struct cb_error **err)
{
    if (values->password) {
        fprintf(stderr, "WARNING! Using --password via the CLI is insecure. Use "
                        "--password-stdin.\n");
        *out = xstrdup(values->password);
    } else if (values->password_stdin) {
        if (cb_read_secret(app->cancel, PASSWORD_MAX_LEN, out, err) < 0)
            return -1;
    } else if (need_terminal(err) < 0 ||
               cb_prompt("Password: ", 1, app->cancel, out, err) < 0) {
        return -1;
    }
    if (!*out || !**out)
        return cb_error_set(err, CB_ERR_USAGE, "password is empty");
    return 0;
}

/* From the command line and the terminal. KNOWN: what is kept already, or cleared. */
static int gather(struct cb_app *app, const struct values *values, const char *shown,
                  const struct cb_credentials *known, struct cb_credentials *out,
                  struct cb_error **err)
{
    if (values->username && *values->username)
        out->username = xstrdup(values->username);
    else if (ask_username(app, shown,
                          known->username && *known->username ? known->username : NULL,
                          &out->username, err) < 0)
        return -1;
    if (strchr(out->username, ':'))
        return cb_error_set(err, CB_ERR_USAGE, "a username cannot contain a colon");
    return ask_password(app, values, &out->password, err);
}

static int keep(struct cb_app *app, const struct values *values,
                const struct cb_login_server *server,
                const struct cb_credentials *credentials, struct cb_error **err)
{
    const struct cb_credentials_place place = {values->access.authfile, server->host,
                                               server->part};
    cb_autofree char *file = NULL;

    if (cb_credentials_keep(&place, credentials, app->cancel, &file, err) < 0)
        return -1;
    if (file)
        fprintf(stderr,
                "WARNING! Your password will be stored unencrypted in %s.\n"
                "Configure a credential helper to remove this warning: see `cbuild "
                "login --help`\n",
                file);
    printf("Login Succeeded\n");
    return 0;
}

/* Of the file that is meant, if it is there, else of the usual ones. */
static int find_known(struct cb_app *app, const char *authfile,
                      const struct cb_login_server *server, struct cb_credentials *out,
                      struct cb_error **err)
{
    if (!authfile)
        return cb_credentials_find(server->host, server->part, app->cancel, out, err);
    return access(authfile, F_OK) < 0
               ? 0
               : cb_credentials_find_in(authfile, server->host, server->part, app->cancel,
                                        out, err);
}

static int login(struct cb_app *app, const struct values *values,
                 const struct cb_login_server *server, struct cb_error **err)
{
    cb_auto(cb_registry) registry = NULL;
    cb_auto_value(cb_credentials) known = {0};
    cb_auto_value(cb_credentials) credentials = {0};
    const struct cb_registry_options options = {.insecure = &values->insecure,
                                                .tls_verify = values->tls_verify};
    int found = 0;

    if (check(values, err) < 0 || cb_access_apply(&values->access, app, err) < 0 ||
        cb_app_registry(app, &options, &registry, err) < 0)
        return -1;
    /* As docker: whoever says who he is need not have a helper that works. */
    if (!values->username && !values->password)
        found = find_known(app, values->access.authfile, server, &known, err);
    if (found < 0)
        return -1;
    if (found) {
        fprintf(stderr, "Authenticating with existing credentials...\n");
        if (cb_registry_login(registry, server->host, &known, err) == 0)
            return keep(app, values, server, &known, err);
        if (!isatty(STDIN_FILENO) || cb_error_kind(*err) != CB_ERR_DENIED)
            return -1;
        fprintf(stderr, "Login did not succeed, error: %s\n", cb_error_message(*err));
        cb_error_free(*err);
        *err = NULL;
    }
    if (gather(app, values, server->shown, &known, &credentials, err) < 0 ||
        cb_registry_login(registry, server->host, &credentials, err) < 0)
        return -1;
    return keep(app, values, server, &credentials, err);
}

#define AUTHFILE                                                      \
    {                                                                 \
        "authfile", 0, CB_OPTION_TEXT, AT(access.authfile), "FILE",   \
            "The file with the credentials, instead of the usual one" \
    }

static const struct cb_option login_options[] = {
    AUTHFILE,
    CB_ACCESS_CERT_DIR(struct values, access),
    {"insecure-registry", 0, CB_OPTION_LIST, AT(insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"password", 'p', CB_OPTION_TEXT, AT(password), "PASSWORD",
     "The password; others on this machine can see it"},
    {"password-stdin", 0, CB_OPTION_FLAG, AT(password_stdin), NULL,
     "Read the password from standard input"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates (default true)"},
    {"username", 'u', CB_OPTION_TEXT, AT(username), "NAME", "The user's name"},
    {0},
};

static int run_login(struct cb_app *app, void *given, const struct cb_strings *args,
                     struct cb_error **err)
{
    cb_auto_value(cb_login_server) server = {0};

    if (cb_login_server_parse(&server, args->count ? args->items[0] : NULL, err) < 0)
        return -1;
    return login(app, given, &server, err);
}

const struct cb_cli_command cb_login_command = {
    .name = "login",
    .summary = "Keep credentials for a registry",
    .usage = "login [OPTIONS] [SERVER[/PART]]",
    .about =
        "The credentials are tried, and kept as docker keeps them: in\n"
        "~/.docker/config.json ($DOCKER_CONFIG, $REGISTRY_AUTH_FILE), or with the\n"
        "program docker-credential-NAME when that file says \"credsStore\": \"NAME\"\n"
        "or names it for the registry in credHelpers. Without SERVER: docker.io.\n"
        "Those for a PART are for the repositories below it, and kept in the file.",
    .options = login_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.tls_verify = 1},
    .max_args = 1,
    .act = run_login,
    .stays_out = 1,
};
