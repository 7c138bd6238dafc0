/* cbuild copy: images between registries, archives, directories and the store. */
#include "commands/transfer.h"

#include "base/out-file.h"
#include "exporter/copy.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    const char *platform, *digest_file;
    const char *src_creds, *dest_creds;
    const char *multi_arch, *os, *arch,
        *variant; /* skopeo's words for two of the above */
    unsigned retries;
    int all, src_tls_verify, dest_tls_verify;
};

#define USUAL_TRIES 5 /* of a request */
#define AT(field)   offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL,
     "Copy all platforms of an image and their index"},
    CB_TRANSFER_AUTHFILE(struct values),
    CB_TRANSFER_CERT_DIR(struct values),
    {"dest-creds", 0, CB_OPTION_TEXT, AT(dest_creds), "USER:PASSWORD",
     "Credentials for the registry it goes to"},
    {"dest-tls-verify", 0, CB_OPTION_FLAG, AT(dest_tls_verify), NULL,
     "Verify the certificate of where it goes (default true)"},
    {"digestfile", 0, CB_OPTION_TEXT, AT(digest_file), "FILE",
     "Write the digest of what was copied to a file"},
    CB_TRANSFER_INSECURE(struct values),
    {"insecure-policy", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"multi-arch", 0, CB_OPTION_TEXT, AT(multi_arch), "WHAT", NULL},
    {"override-arch", 0, CB_OPTION_TEXT, AT(arch), "ARCH", NULL},
    {"override-os", 0, CB_OPTION_TEXT, AT(os), "OS", NULL},
    {"override-variant", 0, CB_OPTION_TEXT, AT(variant), "VARIANT", NULL},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Of several platforms this one (default: this machine's)"},
    {"preserve-digests", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Show no progress"},
    {"remove-signatures", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"retry-times", 0, CB_OPTION_UNSIGNED, AT(retries), "N", NULL},
    {"src-creds", 0, CB_OPTION_TEXT, AT(src_creds), "USER:PASSWORD",
     "Credentials for the registry it comes from"},
    {"src-tls-verify", 0, CB_OPTION_FLAG, AT(src_tls_verify), NULL,
     "Verify the certificate of where it comes from (default true)"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

/* What skopeo can change on the way. */
static const struct cb_absent_option foreign[] = {
    {"additional-tag", 0, "`cbuild copy` for each name"},
    {"decryption-key", 0, "images that are encrypted cannot be read"},
    {"dest-authfile", 0, "--authfile, with the credentials of both, or --dest-creds"},
    {"dest-cert-dir", 0, "--cert-dir, with the certificates of both, or certs.d"},
    {"dest-compress", 0, "layers stay as they are; `cbuild push --compression`"},
    {"dest-compress-format", 0, "layers stay as they are; `cbuild push --compression`"},
    {"dest-decompress", 0, "layers stay as they are; `cbuild push --compression`"},
    {"encryption-key", 0, "images are not encrypted"},
    {"format", 0, "manifests stay as they are; `cbuild push --format`"},
    {"sign-by", 0, "names with a digest are verified: NAME@sha256:..."},
    {"src-authfile", 0, "--authfile, with the credentials of both, or --src-creds"},
    {"src-cert-dir", 0, "--cert-dir, with the certificates of both, or certs.d"},
    {0},
};

/* ── What holds for one end ── */

static const char *host_of(const struct cb_copy_end *end)
{
    return end->kind == CB_COPY_REGISTRY ? end->reference->host : NULL;
}

static int log_in(struct cb_app *app, const char *option, const char *creds,
                  const struct cb_copy_end *end, struct cb_error **err)
{
    if (!creds)
        return 0;
    if (!host_of(end))
        return cb_error_set(err, CB_ERR_USAGE, "%s: that is no registry", option);
    return cb_access_login(app, option, creds, host_of(end), err);
}

static int apply_ends(struct cb_app *app, struct values *values,
                      const struct cb_copy_end *from, const struct cb_copy_end *to,
                      struct cb_error **err)
{
    const char *source = host_of(from), *target = host_of(to);

    if (values->src_creds && values->dest_creds && source && target &&
        strcmp(source, target) == 0 && strcmp(values->src_creds, values->dest_creds) != 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--src-creds and --dest-creds are for one registry, and "
                            "differ");
    if (!values->src_tls_verify && source)
        cb_strings_add(&values->common.insecure, source);
    if (!values->dest_tls_verify && target)
        cb_strings_add(&values->common.insecure, target);
    if (log_in(app, "--src-creds", values->src_creds, from, err) < 0)
        return -1;
    return log_in(app, "--dest-creds", values->dest_creds, to, err);
}

/* ── skopeo's words ── */

/* --override-*: of this machine's platform, what is given. Caller frees. */
static char *overridden(const struct values *values)
{
    struct cb_platform host = cb_platform_host();

    if (!values->os && !values->arch && !values->variant)
        return xstrdup(values->platform);
    return xasprintf("%s/%s%s%s", values->os ? values->os : host.os,
                     values->arch ? values->arch : host.arch, values->variant ? "/" : "",
                     values->variant ? values->variant : "");
}

static int take_words(struct cb_app *app, struct values *values, struct cb_error **err)
{
    const struct cb_settings *settings;

    if (values->multi_arch && strcmp(values->multi_arch, "all") == 0)
        values->all = 1;
    else if (values->multi_arch && strcmp(values->multi_arch, "system") != 0)
        return cb_error_argument(err, values->multi_arch, "--multi-arch",
                                 "expected system or all");
    if (values->all && values->platform)
        return cb_error_set(err, CB_ERR_USAGE, "--all and --platform exclude each other");
    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    if (values->retries >= USUAL_TRIES)
        app->settings->registry.tries = values->retries + 1;
    return 0;
}

/* ── The copy ── */

/* The digest goes where it does not mix with an archive. */
static int report(struct cb_transfer *transfer, const struct values *values,
                  const struct cb_copy_end *to, const struct cb_descriptor *root,
                  struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&root->digest, text);
    if (!to->path || strcmp(to->path, "-") != 0)
        cb_transfer_say(transfer, "%s\n", text);
    return values->digest_file ? cb_out_file_write(values->digest_file, text, err) : 0;
}

static int copy(struct cb_app *app, struct values *values, const char *from_text,
                const char *to_text, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto_value(cb_copy_end) from = {0};
    cb_auto_value(cb_copy_end) to = {0};
    cb_auto_value(cb_descriptor) root = {0};
    struct cb_archive_env env;
    struct cb_platform buffer;
    struct cb_copy what = {.env = &env, .from = &from, .to = &to};
    cb_autofree char *platform = overridden(values);

    if (take_words(app, values, err) < 0 ||
        cb_app_platform(platform, &buffer, &what.platform, err) < 0 ||
        cb_copy_end_parse(&from, from_text, err) < 0 ||
        cb_copy_end_parse(&to, to_text, err) < 0 ||
        apply_ends(app, values, &from, &to, err) < 0 ||
        cb_transfer_open(&transfer, app, &values->common, NULL, err) < 0)
        return -1;
    env = (struct cb_archive_env){.store = transfer.store,
                                  .registry = transfer.registry,
                                  .pool = transfer.pool,
                                  .cancel = app->cancel,
                                  .sink = cb_progress_sink(transfer.progress)};
    what.registry = transfer.registry;
    what.all = values->all;
    if (cb_copy_run(&what, &root, err) < 0)
        return -1;
    return report(&transfer, values, &to, &root, err);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return copy(app, values, args->items[0], args->items[1], err);
}

const struct cb_cli_command cb_copy_command = {
    .name = "copy",
    .summary = "Copy an image between registries, archives and the store",
    .usage = "copy [OPTIONS] SOURCE DESTINATION",
    .about =
        "SOURCE and DESTINATION are docker://NAME (a registry), oci:DIR[:TAG],\n"
        "oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], dir:DIR, [store:]NAME.\n"
        "Digests stay as they are; prints the digest.",
    .options = options,
    .foreign = foreign,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS,
                                       .src_tls_verify = 1,
                                       .dest_tls_verify = 1},
    .min_args = 2,
    .max_args = 2,
    .act = run,
};
