/* cbuild squash: an image of fewer layers is made of one that is there. */
#include "commands/transfer.h"

#include "base/text.h"
#include "exporter/exporter.h"
#include "store/journal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct values {
    struct cb_strings names;
    const char *from, *platform;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"from", 0, CB_OPTION_TEXT, AT(from), "LAYER",
     "Keep the layers up to this one: of the image it is made on, a digest, or a number "
     "(default: keep none)"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to squash"},
    {"tag", 't', CB_OPTION_LIST, AT(names), "NAME[:TAG]",
     "Name the result (several allowed)"},
    {0},
};

/* ── Which layers ── */

/* "3": that many. A longer one is the beginning of a digest. */
static int as_number(const char *text, size_t *out)
{
    size_t len = strspn(text, "0123456789");

    if (!len || len > 3 || text[len])
        return 0;
    *out = (size_t)atoi(text);
    return 1;
}

/* The only diff id that begins with TEXT: the layers up to it. */
static int as_digest(const struct cb_image_config *config, const char *text, size_t *out)
{
    const char *hex = strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;
    size_t len = strlen(hex), found = 0;

    if (len < 4)
        return 0;
    for (size_t i = 0; i < config->diff_ids.count; i++) {
        char all[CB_DIGEST_MAX_TEXT];

        cb_digest_hex(&config->diff_ids.items[i], all);
        if (strncmp(all, hex, len) == 0) {
            *out = i + 1;
            found++;
        }
    }
    return found == 1;
}

/* An image whose layers are the lowest of CONFIG's. */
static int as_image(struct cb_store *store, const struct cb_image_config *config,
                    const char *text, const char *name, size_t *out,
                    struct cb_error **err)
{
    cb_auto(cb_image) base = NULL;
    int by_id,
        found = cb_image_find_for(store, text, &config->platform, &base, &by_id, err);
    size_t count = found > 0 ? base->config->diff_ids.count : 0;

    if (found < 0)
        return -1;
    if (!found) {
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "--from %s: no layer of `%s`, and no image in the store", text,
                     name);
        return cb_error_hint(err, "`cbuild inspect %s` tells its layers: RootFS.Layers",
                             name);
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= config->diff_ids.count ||
            !cb_digest_equal(&base->config->diff_ids.items[i],
                             &config->diff_ids.items[i]))
            return cb_error_set(err, CB_ERR_USAGE, "--from %s: `%s` is not made on it",
                                text, name);
    }
    *out = count;
    return 0;
}

static int count_kept(struct cb_store *store, const struct cb_image_config *config,
                      const char *from, const char *name, size_t *out,
                      struct cb_error **err)
{
    *out = 0;
    if (!from || (!as_number(from, out) && as_digest(config, from, out)))
        return 0;
    if (!as_number(from, out))
        return as_image(store, config, from, name, out, err);
    if (*out <= config->diff_ids.count)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "--from %s: `%s` has %zu %s", from, name,
                        config->diff_ids.count,
                        config->diff_ids.count == 1 ? "layer" : "layers");
}

/* ── The command ── */

static int parse_names(const struct cb_strings *given, struct cb_strings *out,
                       struct cb_error **err)
{
    cb_vec_foreach (text, given) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *canonical = NULL;

        if (cb_reference_parse(&reference, *text, err) < 0 ||
            cb_reference_check_tag(reference, err) < 0)
            return -1;
        cb_reference_default_tag(reference);
        canonical = cb_reference_canonical(reference);
        cb_strings_add(out, canonical);
    }
    return 0;
}

/* The image's documents, and its layers unpacked. */
static int open_image(struct cb_transfer *transfer, const char *name,
                      const struct cb_platform *platform,
                      struct cb_resolved_image **image, struct cb_snapshot **top,
                      struct cb_error **err)
{
    cb_auto(cb_image) found = NULL;
    char id[CB_DIGEST_MAX_TEXT];
    int by_id;

    if (cb_image_get_for(transfer->store, name, platform, &found, &by_id, err) < 0)
        return -1;
    cb_digest_text(&found->id, id);
    if (cb_registry_resolve(transfer->registry, id, &found->config->platform,
                            CB_PULL_NEVER, image, err) < 0)
        return -1;
    return cb_registry_fetch(transfer->registry, *image, 0, top, err);
}

/* It has as few layers as it can have. */
static int name_same(struct cb_store *store, const struct cb_digest *image,
                     const struct cb_strings *names, struct cb_digest *id,
                     struct cb_error **err)
{
    *id = *image;
    cb_vec_foreach (name, names) {
        if (cb_ref_set(store, *name, image, err) < 0)
            return -1;
    }
    return 0;
}

static int squash(struct cb_app *app, const struct values *values, const char *name,
                  struct cb_error **err)
{
    const struct cb_transfer_values how = {.quiet = 1, .tls_verify = 1};
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_resolved_image) image = NULL;
    cb_auto(cb_snapshot) top = NULL;
    struct cb_archive_env env;
    struct cb_image_squash what;
    struct cb_platform buffer;
    const struct cb_platform *platform;
    struct cb_digest id;
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        parse_names(&values->names, &names, err) < 0 ||
        cb_transfer_open(&transfer, app, &how, NULL, err) < 0 ||
        open_image(&transfer, name, platform, &image, &top, err) < 0 ||
        count_kept(transfer.store, image->config, values->from, name, &what.kept, err) <
            0)
        return -1;
    what.config = image->config;
    what.top = top;
    what.names = &names;
    env = (struct cb_archive_env){
        .store = transfer.store, .pool = transfer.pool, .cancel = app->cancel};
    if (image->config->diff_ids.count < what.kept + 2
            ? name_same(transfer.store, &image->id, &names, &id, err) < 0
            : cb_image_squash(&env, &what, &id, err) < 0)
        return -1;
    printf("%s\n", cb_digest_text(&id, text));
    cb_vec_foreach (each, &names)
        cb_journal_name(transfer.store, "tag", *each);
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return squash(app, values, args->items[0], err);
}

const struct cb_cli_command cb_squash_command = {
    .name = "squash",
    .summary = "Make an image of fewer layers of an image",
    .usage = "squash [OPTIONS] IMAGE",
    .about = "The files are the same, but for those that one layer has and another\n"
             "deletes. IMAGE stays as it is; the id of the result is printed.",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .act = run,
};
