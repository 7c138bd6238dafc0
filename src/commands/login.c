/* cbuild login and logout: credentials for registries, kept where docker keeps them. */
#include "commands/access.h"
#include "commands/prompt.h"
#include "registry/credentials.h"
#include "registry/registry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DEFAULT_SERVER   "docker.io"
#define PASSWORD_MAX_LEN 65536

struct values {
    struct cb_access_values access; /* no --creds */
    const char *username, *password;
    struct cb_strings insecure;
    int password_stdin, tls_verify;
};

#define AT(field) offsetof(struct values, field)

/* A server as users write it, "https://registry.example/v1/", as a reference has it.
 * Caller frees. */
static char *host_of(const char *server, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *host = NULL;
    cb_autofree char *name = NULL;
    const char *rest = server;

    if (strncasecmp(rest, "https://", 8) == 0)
        rest += 8;
    else if (strncasecmp(rest, "http://", 7) == 0)
        rest += 7;
    host = xstrndup(rest, strcspn(rest, "/"));
    if (cb_credentials_key_names(host, DEFAULT_SERVER))
        return xstrdup(DEFAULT_SERVER);
    /* The only check of a host's name there is: that a reference can start with it. */
    name = xasprintf("%s/x", host);
    if (!*host || cb_reference_parse(&reference, name, NULL) < 0 ||
        strcmp(reference->path, "x") != 0) {
        cb_error_set(err, CB_ERR_USAGE, "`%s` is not the name of a registry", server);
        cb_error_hint(err, "a registry is a host name with a dot or a port: "
                           "registry.example, localhost:5000");
        return NULL;
    }
    return cb_steal(&host);
}

static const char *server_name(const char *host)
{
    return cb_credentials_key(host);
}

/* ── login ── */

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

static int ask_username(struct cb_app *app, const char *host, const char *known,
                        char **out, struct cb_error **err)
{
    cb_autofree char *question =
        known ? xasprintf("Username (%s): ", known) : xstrdup("Username: ");

    if (need_terminal(err) < 0)
        return -1;
    fprintf(stderr, "Login to %s\n", server_name(host));
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
static int gather(struct cb_app *app, const struct values *values, const char *host,
                  const struct cb_credentials *known, struct cb_credentials *out,
                  struct cb_error **err)
{
    if (values->username && *values->username)
        out->username = xstrdup(values->username);
    else if (ask_username(app, host,
                          known->username && *known->username ? known->username : NULL,
                          &out->username, err) < 0)
        return -1;
    if (strchr(out->username, ':'))
        return cb_error_set(err, CB_ERR_USAGE, "a username cannot contain a colon");
    return ask_password(app, values, &out->password, err);
}

static int keep(struct cb_app *app, const struct values *values, const char *host,
                const struct cb_credentials *credentials, struct cb_error **err)
{
    cb_autofree char *file = NULL;

    if (cb_credentials_keep(values->access.authfile, host, credentials, app->cancel,
                            &file, err) < 0)
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
static int find_known(struct cb_app *app, const char *authfile, const char *host,
                      struct cb_credentials *out, struct cb_error **err)
{
    if (!authfile)
        return cb_credentials_find(host, NULL, app->cancel, out, err);
    return access(authfile, F_OK) < 0
               ? 0
               : cb_credentials_find_in(authfile, host, NULL, app->cancel, out, err);
}

static int login(struct cb_app *app, const struct values *values, const char *server,
                 struct cb_error **err)
{
    cb_auto(cb_registry) registry = NULL;
    cb_auto_value(cb_credentials) known = {0};
    cb_auto_value(cb_credentials) credentials = {0};
    cb_autofree char *host = host_of(server, err);
    struct cb_registry_options options = {.cancel = app->cancel,
                                          .insecure = &values->insecure,
                                          .tls_verify = values->tls_verify};
    const struct cb_settings *settings;
    int found;

    if (!host || check(values, err) < 0 ||
        cb_access_apply(&values->access, app, err) < 0 ||
        cb_app_settings(app, &settings, err) < 0)
        return -1;
    options.settings = &settings->registry;
    if (cb_registry_new(&registry, &options, err) < 0)
        return -1;
    found = find_known(app, values->access.authfile, host, &known, err);
    if (found < 0)
        return -1;
    if (found && !values->username && !values->password) {
        fprintf(stderr, "Authenticating with existing credentials...\n");
        if (cb_registry_login(registry, host, &known, err) == 0)
            return keep(app, values, host, &known, err);
        if (!isatty(STDIN_FILENO) || cb_error_kind(*err) != CB_ERR_DENIED)
            return -1;
        fprintf(stderr, "Login did not succeed, error: %s\n", cb_error_message(*err));
        cb_error_free(*err);
        *err = NULL;
    }
    if (gather(app, values, host, &known, &credentials, err) < 0 ||
        cb_registry_login(registry, host, &credentials, err) < 0)
        return -1;
    return keep(app, values, host, &credentials, err);
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
    return login(app, given, args->count ? args->items[0] : DEFAULT_SERVER, err);
}

const struct cb_cli_command cb_login_command = {
    .name = "login",
    .summary = "Keep credentials for a registry",
    .usage = "login [OPTIONS] [SERVER]",
    .about =
        "The credentials are tried, and kept as docker keeps them: in\n"
        "~/.docker/config.json ($DOCKER_CONFIG, $REGISTRY_AUTH_FILE), or with the\n"
        "program docker-credential-NAME when that file says \"credsStore\": \"NAME\"\n"
        "or names it for the registry in credHelpers. Without SERVER: docker.io.",
    .options = login_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.tls_verify = 1},
    .max_args = 1,
    .act = run_login,
    .stays_out = 1,
};

/* ── logout ── */

static const struct cb_option logout_options[] = {AUTHFILE, {0}};

static int run_logout(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    const struct values *values = given;
    cb_autofree char *host = NULL;
    int status;

    host = host_of(args->count ? args->items[0] : DEFAULT_SERVER, err);
    if (!host)
        return -1;
    status = cb_credentials_forget(values->access.authfile, host, app->cancel, err);
    if (status < 0)
        return -1;
    printf(status ? "Removing login credentials for %s\n" : "Not logged in to %s\n",
           server_name(host));
    return 0;
}

const struct cb_cli_command cb_logout_command = {
    .name = "logout",
    .summary = "Forget the credentials for a registry",
    .usage = "logout [OPTIONS] [SERVER]",
    .options = logout_options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run_logout,
    .stays_out = 1,
};
