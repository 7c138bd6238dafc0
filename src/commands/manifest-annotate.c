/* cbuild manifest annotate: what a list says of one of its entries. */
#include "commands/manifest.h"

#include <stdio.h>
#include <string.h>

static const struct cb_option annotate_options[] = {
    {"annotation", 0, CB_OPTION_LIST, CB_MANIFEST_AT(annotations), "KEY=VALUE",
     "Set an annotation of the entry"},
    {"arch", 0, CB_OPTION_TEXT, CB_MANIFEST_AT(arch), "ARCH", "Set the architecture"},
    {"os", 0, CB_OPTION_TEXT, CB_MANIFEST_AT(os), "OS", "Set the operating system"},
    {"os-features", 0, CB_OPTION_LIST, CB_MANIFEST_AT(os_features), "FEATURE[,...]",
     "Add features of the operating system"},
    {"os-version", 0, CB_OPTION_TEXT, CB_MANIFEST_AT(os_version), "VERSION",
     "Set the operating system's version"},
    {"variant", 0, CB_OPTION_TEXT, CB_MANIFEST_AT(variant), "VARIANT",
     "Set the architecture's variant"},
    {0},
};

#define WORD_BYTES               \
    "abcdefghijklmnopqrstuvwxyz" \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789._-"

static int set_text(char *to, size_t size, const char *option, const char *value,
                    struct cb_error **err)
{
    if (!value)
        return 0;
    if (strlen(value) >= size || value[strspn(value, WORD_BYTES)])
        return cb_error_argument(err, value, option, "no word, or too long");
    snprintf(to, size, "%s", value);
    return 0;
}

/* Is it one of a list with commas? */
static int has_word(const char *list, const char *word, size_t len)
{
    while (*list) {
        size_t at = strcspn(list, ",");

        if (at == len && strncmp(list, word, len) == 0)
            return 1;
        list += at + (list[at] != '\0');
    }
    return 0;
}

/* Each once, behind those that are there, as docker does it. */
static int add_features(struct cb_platform *platform, const char *list,
                        struct cb_error **err)
{
    const char *feature = list;

    while (*feature) {
        size_t len = strcspn(feature, ",");
        size_t used = strlen(platform->os_features);

        if (!len || strspn(feature, WORD_BYTES) != len ||
            used + len + 2 > sizeof(platform->os_features))
            return cb_error_argument(err, list, "--os-features", "no words, or too long");
        if (!has_word(platform->os_features, feature, len))
            snprintf(platform->os_features + used, sizeof(platform->os_features) - used,
                     "%s%.*s", used ? "," : "", (int)len, feature);
        feature += len + (feature[len] != '\0');
    }
    return 0;
}

/* What there are compilers for, by Go's names. */
static int is_known(const struct cb_platform *platform)
{
    static const struct {
        const char *os, *archs;
    } known[] = {
        {"aix", "ppc64"},
        {"android", "386,amd64,arm,arm64"},
        {"darwin", "386,amd64,arm,arm64"},
        {"dragonfly", "amd64"},
        {"freebsd", "386,amd64,arm,arm64,riscv64"},
        {"illumos", "amd64"},
        {"ios", "amd64,arm64"},
        {"js", "wasm"},
        {"linux", "386,amd64,arm,arm64,loong64,mips,mips64,mips64le,mipsle,ppc64,ppc64le,"
                  "riscv64,s390x"},
        {"netbsd", "386,amd64,arm,arm64"},
        {"openbsd", "386,amd64,arm,arm64,ppc64,riscv64"},
        {"plan9", "386,amd64,arm"},
        {"solaris", "amd64"},
        {"unknown", "unknown"}, /* of attestations */
        {"wasi", "wasm"},
        {"wasip1", "wasm"},
        {"windows", "386,amd64,arm,arm64"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(known); i++) {
        if (strcmp(known[i].os, platform->os) == 0)
            return has_word(known[i].archs, platform->arch, strlen(platform->arch));
    }
    return 0;
}

/* Nobody would choose the entry: a misspelt name is found now, or by those who pull. */
static int check_platform(const struct cb_platform *platform, struct cb_error **err)
{
    if (is_known(platform))
        return 0;
    cb_error_set(err, CB_ERR_USAGE,
                 "manifest entry for image has unsupported os/arch combination: %s/%s",
                 platform->os, platform->arch);
    return cb_error_hint(err, "names are Go's, as in linux/amd64 and linux/arm64; a "
                              "variant as v7 has an option of its own");
}

static int annotate_entry(struct cb_draft_entry *entry,
                          const struct cb_manifest_values *values, struct cb_error **err)
{
    struct cb_platform *platform = &entry->what.platform;

    if (set_text(platform->os, sizeof(platform->os), "--os", values->os, err) < 0 ||
        set_text(platform->arch, sizeof(platform->arch), "--arch", values->arch, err) <
            0 ||
        set_text(platform->variant, sizeof(platform->variant), "--variant",
                 values->variant, err) < 0 ||
        set_text(platform->os_version, sizeof(platform->os_version), "os-version",
                 values->os_version, err) < 0)
        return -1;
    if ((values->os || values->arch) && check_platform(platform, err) < 0)
        return -1;
    cb_vec_foreach (list, &values->os_features) {
        if (add_features(platform, *list, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < values->annotations.count; i++) {
        const char *text = values->annotations.items[i];
        size_t len = strcspn(text, "=");
        cb_autofree char *key = xstrndup(text, len);
        json_t *value = text[len] ? json_string(text + len + 1) : NULL;

        if (!*key || !value)
            return cb_error_argument(err, text, "--annotation", "expected KEY=VALUE");
        if (!entry->what.annotations)
            entry->what.annotations = json_object();
        json_object_set_new(entry->what.annotations, key, value);
    }
    return 0;
}

static int annotate(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    struct cb_manifest_values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_draft) draft = NULL;
    struct cb_draft_entry *entry;

    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_manifest_list(store, args->items[0], &draft, err) < 0 ||
        cb_draft_find(draft, args->items[1], &entry, err) < 0 ||
        annotate_entry(entry, values, err) < 0)
        return -1;
    return cb_draft_write(store, draft, err);
}

const struct cb_cli_command cb_manifest_annotate_command = {
    .name = "manifest annotate",
    .summary = "Say for which platform an image of a list is",
    .usage = "manifest annotate [OPTIONS] LIST MANIFEST",
    .options = annotate_options,
    .values_size = sizeof(struct cb_manifest_values),
    .defaults = CB_MANIFEST_DEFAULTS,
    .min_args = 2,
    .max_args = 2,
    .act = annotate,
};
