/* cbuild import: a root filesystem's archive, from here or from a URL, becomes an image.
 */
#include "commands/archive.h"

#include "base/redact.h"
#include "context/remote.h"
#include "engine/settings.h"
#include "frontend/frontend.h"
#include "http/http.h"
#include "store/journal.h"

#include <stdio.h>

struct values {
    struct cb_strings changes;
    const char *message, *platform;
};

static const struct cb_option options[] = {
    {"change", 'c', CB_OPTION_LIST, offsetof(struct values, changes), "INSTRUCTION",
     "Apply a Dockerfile instruction to the image (CMD, ENV, EXPOSE, ...)"},
    {"message", 'm', CB_OPTION_TEXT, offsetof(struct values, message), "TEXT",
     "Comment of the image's history"},
    {"platform", 0, CB_OPTION_TEXT, offsetof(struct values, platform), "OS/ARCH",
     "What the files are for (default: this machine)"},
    {0},
};

/* What a server sends is in the store before it is read: half an archive is none. */
static int open_url(struct cb_app *app, struct cb_store *store, const char *url, int *fd,
                    struct cb_error **err)
{
    const struct cb_settings *settings;
    struct cb_http_options http_options = {.cancel = app->cancel};
    struct cb_remote remote = {.store = store, .cancel = app->cancel};
    cb_auto(cb_http) http = NULL;
    struct cb_url_body body;

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    http_options.http_proxy = settings->registry.http_proxy;
    http_options.https_proxy = settings->registry.https_proxy;
    http_options.no_proxy = settings->registry.no_proxy;
    remote.http = http = cb_http_new(&http_options);
    if (cb_url_resolve_body(&remote, url, NULL, &body, err) < 0)
        return -1;
    return cb_url_open_body(&remote, url, &body, fd, err);
}

static int configure(struct cb_image_config *config, const struct values *values,
                     struct cb_error **err)
{
    const struct cb_platform *given;
    struct cb_platform buffer;

    if (cb_app_default_platform(values->platform, &buffer, &given, err) < 0)
        return -1;
    config->platform = given ? *given : cb_platform_host();
    for (size_t i = 0; i < values->changes.count; i++)
        if (cb_frontend_change(config, values->changes.items[i], err) < 0)
            return -1;
    return 0;
}

static int import(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(cb_archive_session) session = {0};
    cb_auto(cb_image_config) config = cb_image_config_new();
    cb_auto(cb_reference) reference = NULL;
    const char *source = args->items[0];
    cb_autofree char *shown = cb_redact_urls(source);
    cb_autofree char *canonical = NULL;
    cb_autofd int fd = -1;
    struct cb_import what;
    struct cb_digest id;
    char text[CB_DIGEST_MAX_TEXT];

    if (args->count == 2) {
        if (cb_reference_parse(&reference, args->items[1], err) < 0 ||
            cb_reference_check_tag(reference, err) < 0)
            return -1;
        cb_reference_default_tag(reference);
        canonical = cb_reference_canonical(reference);
    }
    if (configure(config, values, err) < 0 ||
        (!cb_is_url(source) && cb_archive_input(source, "name a file", &fd, err) < 0) ||
        cb_archive_session_open(&session, app, CB_STORE_CREATE, 1, err) < 0 ||
        (fd < 0 && open_url(app, session.store, source, &fd, err) < 0))
        return -1;
    /* As docker's: the host's paths do not become part of an image. */
    what = (struct cb_import){fd, cb_is_url(source) ? shown : "-", values->message,
                              canonical};
    if (cb_archive_import(&session.env, &what, config, &id, err) < 0)
        return cb_error_wrap(err, "import %s", shown);
    printf("%s\n", cb_digest_text(&id, text));
    cb_journal_name(session.store, "import", canonical ? canonical : text);
    return 0;
}

const struct cb_cli_command cb_import_command = {
    .name = "import",
    .summary = "Make an image of a root filesystem's tar archive",
    .usage = "import [OPTIONS] FILE|URL|- [NAME[:TAG]]",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 2,
    .act = import,
};
