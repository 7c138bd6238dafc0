/* Two grammars for one thing. What is wrong is told in docker's words, which differ
 * between them. */
#include "container/mount-spec.h"

#include "base/fs.h"
#include "base/text.h"
#include "container/propagation.h"
#include "container/volume.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {
    [CB_MOUNT_KIND_VOLUME] = "volume",
    [CB_MOUNT_KIND_BIND] = "bind",
    [CB_MOUNT_KIND_TMPFS] = "tmpfs",
    [CB_MOUNT_KIND_IMAGE] = "image",
};

const char *cb_mount_kind_name(enum cb_mount_kind kind)
{
    return kinds[kind];
}

void cb_mount_spec_clear(struct cb_mount_spec *spec)
{
    free(spec->source);
    free(spec->target);
    free(spec->mode);
    free(spec->propagation);
    free(spec->subpath);
    free(spec->driver);
    free(spec->tmpfs_options);
    cb_strings_free(&spec->labels);
    cb_strings_free(&spec->options);
    *spec = (struct cb_mount_spec){0};
}

static void set(char **field, const char *text)
{
    free(*field);
    *field = xstrdup(text);
}

/* ── What both must be ── */

static int invalid_config(const struct cb_mount_spec *spec, struct cb_error **err,
                          const char *what)
{
    return cb_error_set(err, CB_ERR_USAGE, "invalid mount config for type \"%s\": %s",
                        kinds[spec->kind], what);
}

static int settle_target(struct cb_mount_spec *spec, struct cb_error **err)
{
    cb_autofree char *target = cb_path_clean(spec->target);

    if (*spec->target != '/')
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"%s\": invalid mount path: "
                            "'%s' mount path must be absolute",
                            kinds[spec->kind], spec->target);
    if (strcmp(target, "/") == 0)
        return invalid_config(spec, err,
                              "invalid specification: destination can't be '/'");
    set(&spec->target, target);
    return 0;
}

/* ── -v ── */

static int invalid_mode(const char *mode, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE, "invalid mode: %s", mode);
}

/* Of each kind there may be one. z and Z are SELinux's, the consistency is Docker
 * Desktop's: neither changes anything. */
enum mode_kind {
    MODE_UNKNOWN,
    MODE_ACCESS = 1,
    MODE_LABEL = 2,
    MODE_CONSISTENCY = 4,
    MODE_COPY = 8,
    MODE_PROPAGATION = 16,
    MODE_OWNER = 32, /* podman's */
};

static enum mode_kind kind_of(const struct cb_mount_spec *spec, const char *mode)
{
    static const struct {
        const char *name;
        enum mode_kind kind;
    } modes[] = {
        {"ro", MODE_ACCESS},
        {"rw", MODE_ACCESS},
        {"z", MODE_LABEL},
        {"Z", MODE_LABEL},
        {"U", MODE_OWNER},
        {"cached", MODE_CONSISTENCY},
        {"delegated", MODE_CONSISTENCY},
        {"consistent", MODE_CONSISTENCY},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(modes); i++)
        if (strcmp(modes[i].name, mode) == 0)
            return modes[i].kind;
    if (spec->kind == CB_MOUNT_KIND_VOLUME && strcmp(mode, "nocopy") == 0)
        return MODE_COPY;
    return spec->kind == CB_MOUNT_KIND_BIND && cb_propagation_is_known(mode)
               ? MODE_PROPAGATION
               : MODE_UNKNOWN;
}

static void set_mode(struct cb_mount_spec *spec, enum mode_kind kind, const char *mode)
{
    if (kind == MODE_ACCESS)
        spec->read_only = strcmp(mode, "ro") == 0;
    else if (kind == MODE_COPY)
        spec->no_copy = 1;
    else if (kind == MODE_OWNER)
        spec->makes_owner = 1;
    else if (kind == MODE_PROPAGATION)
        set(&spec->propagation, mode);
}

static int read_modes(struct cb_mount_spec *spec, const char *modes,
                      struct cb_error **err)
{
    unsigned seen = 0;

    set(&spec->mode, modes);
    for (const char *rest = modes;; rest++) {
        size_t len = strcspn(rest, ",");
        cb_autofree char *mode = xstrndup(rest, len);
        enum mode_kind kind = kind_of(spec, mode);

        if (!kind || (seen & kind))
            return invalid_mode(modes, err);
        seen |= kind;
        set_mode(spec, kind, mode);
        rest += len;
        if (!*rest)
            return 0;
    }
}

static int invalid_volume(const char *text, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE, "invalid volume specification: '%s'", text);
}

/* "./x" and "../x" are paths of ours, "x" is a name: docker's client tells them apart by
 * their dots. */
static int settle_source(struct cb_mount_spec *spec, const char *source,
                         struct cb_error **err)
{
    const char *dots = source + strspn(source, ".");
    int is_relative =
        dots > source && dots - source <= 2 && (*dots == '/' || *dots == '\0');
    cb_autofree char *here = is_relative ? realpath(".", NULL) : NULL;

    spec->makes_source = 1;
    if (*source == '/' || is_relative) {
        spec->kind = CB_MOUNT_KIND_BIND;
        spec->source = here ? cb_path_join(here, source) : cb_path_clean(source);
        return 0;
    }
    spec->source = xstrdup(source);
    return cb_volume_check_name(source, err);
}

int cb_mount_spec_parse_volume(struct cb_mount_spec *out, const char *text,
                               struct cb_error **err)
{
    cb_autofree char *copy = xstrdup(text);
    char *rest = copy, *parts[4] = {0}, *part;
    size_t count = 0;

    while (count < 4 && (part = strsep(&rest, ":")))
        parts[count++] = part;
    if (!*text)
        return cb_error_set(err, CB_ERR_USAGE, "invalid empty volume spec");
    if (rest || count > 3)
        return cb_error_set(err, CB_ERR_USAGE, "invalid spec: %s: too many colons", text);
    for (size_t i = 0; i < count; i++)
        if (!*parts[i])
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid spec: %s: empty section between colons", text);
    if (count == 2 && *parts[1] != '/' && kind_of(out, parts[1]))
        return invalid_volume(text, err);
    if (count > 1 && settle_source(out, parts[0], err) < 0)
        return -1;
    set(&out->target, parts[count > 1 ? 1 : 0]);
    if (count == 3 && read_modes(out, parts[2], err) < 0)
        return -1;
    if (settle_target(out, err) < 0)
        return cb_error_wrap(err, "invalid volume specification: '%s'", text);
    return 0;
}

/* ── --mount ── */

struct reader {
    struct cb_mount_spec *spec;
    const char *text;  /* all of it */
    const char *type;  /* as typed, or NULL */
    const char *mixed; /* of which kind the options were that belong to one only */
    char *size, *mode; /* of a tmpfs */
};

static void reader_clear(struct reader *reader)
{
    free(reader->size);
    free(reader->mode);
}
CB_AUTO_VALUE_DEFINE(reader, reader_clear)

#define BAD(reader, err, ...) cb_error_flag(err, (reader)->text, "--mount", __VA_ARGS__)

static int is_valid_size(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;

    if (!digits || digits > 15)
        return 0;
    unit += *unit && strchr("kKmMgG", *unit);
    unit += *unit == 'b' || *unit == 'B';
    return *unit == '\0';
}

static int read_flag(struct reader *reader, const char *key, const char *value, int *out,
                     struct cb_error **err)
{
    *out = 1;
    if (!value || cb_parse_bool(value, out))
        return 0;
    return BAD(reader, err, "invalid value for %s: %s", key, value);
}

/* 1: KEY was one of those that need no value; 0 not. */
static int read_switch(struct reader *reader, const char *key, const char *value,
                       struct cb_error **err)
{
    struct cb_mount_spec *spec = reader->spec;
    int *flag = NULL;

    if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0) {
        flag = &spec->read_only;
    } else if (strcmp(key, "volume-nocopy") == 0) {
        flag = &spec->no_copy;
        reader->mixed = "volume";
    } else if (strcmp(key, "bind-nonrecursive") == 0) {
        flag = &spec->not_recursive;
        reader->mixed = "bind";
    } else if (strcmp(key, "bind-create-src") == 0) {
        flag = &spec->makes_source;
        reader->mixed = "bind";
    }
    if (!flag)
        return 0;
    return read_flag(reader, key, value, flag, err) < 0 ? -1 : 1;
}

static void add_pair(struct cb_strings *pairs, const char *text)
{
    cb_autofree char *key = xstrndup(text, strcspn(text, "="));
    const char *equals = strchr(text, '=');

    cb_env_set(pairs, key, equals ? equals + 1 : "");
}

static int read_tmpfs(struct reader *reader, const char *key, const char *value,
                      struct cb_error **err)
{
    int is_size = strcmp(key, "tmpfs-size") == 0;

    reader->mixed = "tmpfs";
    if (is_size
            ? !is_valid_size(value)
            : !*value || strlen(value) > 5 || strspn(value, "01234567") != strlen(value))
        return BAD(reader, err, "invalid value for %s: %s", key, value);
    set(is_size ? &reader->size : &reader->mode, value);
    return 0;
}

/* 1: KEY was one of those whose value is a text. */
static int read_text(struct reader *reader, const char *key, const char *value)
{
    struct cb_mount_spec *spec = reader->spec;
    const struct {
        const char *key, *kind;
        char **field;
    } texts[] = {
        {"source", NULL, &spec->source},
        {"src", NULL, &spec->source},
        {"target", NULL, &spec->target},
        {"dst", NULL, &spec->target},
        {"destination", NULL, &spec->target},
        {"bind-propagation", "bind", &spec->propagation},
        {"volume-subpath", "volume", &spec->subpath},
        {"volume-driver", "volume", &spec->driver},
        {"image-subpath", "image", &spec->subpath},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(texts); i++) {
        if (strcmp(texts[i].key, key) != 0)
            continue;
        set(texts[i].field, value);
        if (texts[i].kind)
            reader->mixed = texts[i].kind;
        return 1;
    }
    return 0;
}

static int read_pair(struct reader *reader, const char *key, const char *value,
                     const char *field, struct cb_error **err)
{
    struct cb_mount_spec *spec = reader->spec;

    if (read_text(reader, key, value))
        return 0;
    if (strcmp(key, "tmpfs-size") == 0 || strcmp(key, "tmpfs-mode") == 0)
        return read_tmpfs(reader, key, value, err);
    if (strcmp(key, "volume-label") == 0 || strcmp(key, "volume-opt") == 0) {
        reader->mixed = "volume";
        add_pair(key[7] == 'l' ? &spec->labels : &spec->options, value);
        return 0;
    }
    if (strcmp(key, "bind-recursive") == 0) {
        reader->mixed = "bind";
        spec->not_recursive = strcmp(value, "disabled") == 0;
        return 0;
    }
    if (strcmp(key, "type") == 0)
        reader->type = value;
    else if (strcmp(key, "consistency") != 0)
        return BAD(reader, err, "unexpected key '%s' in '%s'", key, field);
    return 0;
}

/* Also "TYPE=bind". */
static char *key_of(const char *field)
{
    char *key = xstrndup(field, strcspn(field, "="));

    for (char *c = key; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    return key;
}

static int read_field(struct reader *reader, const char *field, struct cb_error **err)
{
    const char *equals = strchr(field, '=');
    cb_autofree char *key = key_of(field);
    int done = read_switch(reader, key, equals ? equals + 1 : NULL, err);

    if (done)
        return done < 0 ? -1 : 0;
    if (!equals)
        return BAD(reader, err, "invalid field '%s' must be a key=value pair", field);
    return read_pair(reader, key, equals + 1, field, err);
}

static int settle_kind(struct reader *reader, struct cb_error **err)
{
    const char *type = reader->type ? reader->type : "volume";

    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        if (strcasecmp(kinds[i], type) != 0)
            continue;
        reader->spec->kind = (enum cb_mount_kind)i;
        if (reader->mixed && strcmp(reader->mixed, kinds[i]) != 0)
            return BAD(reader, err, "cannot mix '%s-*' options with mount type '%s'",
                       reader->mixed, kinds[i]);
        return 0;
    }
    if (strcasecmp(type, "npipe") && strcasecmp(type, "cluster"))
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"%s\": mount type unknown",
                            type);
    cb_error_set(err, CB_ERR_UNSUPPORTED, "--mount: type \"%s\" is not provided", type);
    return cb_error_hint(err, "type is volume, bind, tmpfs or image");
}

/* "../x" would leave the volume, or image, in words, though it could not in deed. */
static int check_subpath(const struct cb_mount_spec *spec, struct cb_error **err)
{
    cb_autofree char *clean = spec->subpath ? cb_path_clean(spec->subpath) : NULL;

    if (!clean || (*clean != '/' && strcmp(clean, "..") && strncmp(clean, "../", 3)))
        return 0;
    return cb_error_set(
        err, CB_ERR_USAGE,
        "invalid mount config for type \"%s\": subpath must be a relative "
        "path within the %s",
        kinds[spec->kind], kinds[spec->kind]);
}

static int check_fields(const struct cb_mount_spec *spec, struct cb_error **err)
{
    int has_source = spec->source && *spec->source;

    if (spec->kind == CB_MOUNT_KIND_TMPFS)
        return has_source
                   ? invalid_config(spec, err, "field Source must not be specified")
                   : 0;
    if (spec->kind == CB_MOUNT_KIND_VOLUME) {
        if (!has_source && spec->read_only)
            return invalid_config(
                spec, err, "must not set ReadOnly mode when using anonymous volumes");
        if (!has_source && spec->subpath)
            return invalid_config(spec, err,
                                  "must not set Subpath when using anonymous volumes");
        return (has_source && cb_volume_check_name(spec->source, err) < 0)
                   ? -1
                   : check_subpath(spec, err);
    }
    if (!has_source)
        return invalid_config(spec, err, "field Source must not be empty");
    if (spec->kind == CB_MOUNT_KIND_IMAGE)
        return check_subpath(spec, err);
    if (*spec->source != '/')
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"bind\": invalid mount path: "
                            "'%s' mount path must be absolute",
                            spec->source);
    if (spec->propagation && !cb_propagation_is_known(spec->propagation))
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"bind\": invalid propagation "
                            "mode: %s",
                            spec->propagation);
    if (!spec->makes_source && access(spec->source, F_OK) < 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"bind\": bind source path "
                            "does not exist: %s",
                            spec->source);
    return 0;
}

static void settle_tmpfs(struct reader *reader)
{
    const char *size = reader->size, *mode = reader->mode;

    if (size && strtoul(size, NULL, 10) == 0)
        size = NULL; /* the kernel's "any" is not docker's */
    if (!size && !mode)
        return;
    reader->spec->tmpfs_options = xasprintf(
        "%s%.*s%s%s%s", size ? "size=" : "", size ? (int)strcspn(size, "bB") : 0,
        size ? size : "", size && mode ? "," : "", mode ? "mode=" : "", mode ? mode : "");
}

int cb_mount_spec_parse_mount(struct cb_mount_spec *out, const char *text,
                              struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};
    cb_auto_value(reader) reader = {.spec = out, .text = text};

    if (cb_csv_split(&fields, text, err) < 0)
        return -1;
    set(&out->mode, "");
    cb_vec_foreach (field, &fields) {
        if (read_field(&reader, *field, err) < 0)
            return -1;
    }
    if (!out->target || !*out->target)
        return BAD(&reader, err, "%s", "target is required");
    if (settle_kind(&reader, err) < 0 || check_fields(out, err) < 0)
        return -1;
    settle_tmpfs(&reader);
    return settle_target(out, err);
}
