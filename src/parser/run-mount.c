/* RUN --mount=type=…,key=value: fields split first, each value expanded for itself, so
 * that no variable can bring in another option. Options may depend on those before them:
 * `required` and `size` need their type to come first.
 * Reference: BuildKit instructions/commands_runmount.go. */
#include "parser/parser-priv.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static const char *const types[] = {
    [CB_RUN_MOUNT_BIND] = "bind",   [CB_RUN_MOUNT_CACHE] = "cache",
    [CB_RUN_MOUNT_TMPFS] = "tmpfs", [CB_RUN_MOUNT_SECRET] = "secret",
    [CB_RUN_MOUNT_SSH] = "ssh",
};

static const char *const sharings[] = {
    [CB_SHARING_SHARED] = "shared",
    [CB_SHARING_PRIVATE] = "private",
    [CB_SHARING_LOCKED] = "locked",
};

struct mount_state {
    struct cb_run_mount mount;
    struct cb_arena *arena;
    int access_given, sharing_given;
};

struct option {
    const char *name;
    int (*set)(struct mount_state *state, const char *key, const char *value,
               struct cb_error **err);
};

static char *lower_copy(const char *text, size_t len)
{
    char *copy = xstrndup(text, len);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static int find(const char *const *names, size_t count, const char *name)
{
    cb_autofree char *lower = lower_copy(name, strlen(name));

    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], lower) == 0)
            return (int)i;
    }
    return -1;
}

static int unsupported(const char *what, const char *value, const char *const *names,
                       size_t count, struct cb_error **err)
{
    cb_autofree char *shown = cb_text_quote(value);
    cb_autofree char *suggestion = cb_text_suggestion(value, names, count);

    cb_error_set(err, CB_ERR_SYNTAX, "unsupported %s %s%s", what, shown, suggestion);
    return *suggestion ? -1 : cb_text_choices(err, "expected", "", names, count);
}

static int invalid(const char *key, const char *value, const char *expected,
                   struct cb_error **err)
{
    cb_autofree char *shown = cb_text_short(value);

    cb_error_set(err, CB_ERR_SYNTAX, "invalid value for %s: %s", key, shown);
    return cb_error_hint(err, "expected %s", expected);
}

static int not_bool(const char *key, const char *value, struct cb_error **err)
{
    return invalid(key, value, "true or false", err);
}

static int wrong_type(const struct mount_state *state, const char *key,
                      struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX, "unexpected key '%s' for mount type '%s'",
                        key, types[state->mount.type]);
}

/* ── Options ── */

static int set_type(struct mount_state *state, const char *key, const char *value,
                    struct cb_error **err)
{
    int type = find(types, CB_ARRAY_SIZE(types), value);

    if (type < 0)
        return unsupported("mount type", value, types, CB_ARRAY_SIZE(types), err);
    state->mount.type = (enum cb_run_mount_type)type;
    return 0;
}

/* An empty string is as good as none. */
static const char *keep(struct mount_state *state, const char *value)
{
    return value[0] ? cb_arena_strdup(state->arena, value) : NULL;
}

static int set_from(struct mount_state *state, const char *key, const char *value,
                    struct cb_error **err)
{
    state->mount.from = keep(state, value);
    return 0;
}

static int set_source(struct mount_state *state, const char *key, const char *value,
                      struct cb_error **err)
{
    state->mount.source = keep(state, value);
    return 0;
}

static int set_target(struct mount_state *state, const char *key, const char *value,
                      struct cb_error **err)
{
    state->mount.target = keep(state, value);
    return 0;
}

static int set_id(struct mount_state *state, const char *key, const char *value,
                  struct cb_error **err)
{
    state->mount.id = keep(state, value);
    return 0;
}

static int set_env(struct mount_state *state, const char *key, const char *value,
                   struct cb_error **err)
{
    state->mount.env = cb_arena_strdup(state->arena, value);
    return 0;
}

static int set_read_only(struct mount_state *state, const char *key, const char *value,
                         struct cb_error **err)
{
    if (!cb_parse_bool(value, &state->mount.read_only))
        return not_bool(key, value, err);
    state->access_given = 1;
    return 0;
}

static int set_read_write(struct mount_state *state, const char *key, const char *value,
                          struct cb_error **err)
{
    int writable;

    if (!cb_parse_bool(value, &writable))
        return not_bool(key, value, err);
    state->mount.read_only = !writable;
    state->access_given = 1;
    return 0;
}

static int set_required(struct mount_state *state, const char *key, const char *value,
                        struct cb_error **err)
{
    if (state->mount.type != CB_RUN_MOUNT_SECRET && state->mount.type != CB_RUN_MOUNT_SSH)
        return wrong_type(state, key, err);
    return cb_parse_bool(value, &state->mount.required) ? 0 : not_bool(key, value, err);
}

static int set_sharing(struct mount_state *state, const char *key, const char *value,
                       struct cb_error **err)
{
    int sharing = find(sharings, CB_ARRAY_SIZE(sharings), value);

    if (sharing < 0)
        return unsupported("sharing value", value, sharings, CB_ARRAY_SIZE(sharings),
                           err);
    state->mount.sharing = (enum cb_sharing)sharing;
    state->sharing_given = 1;
    return 0;
}

/* Docker's sizes: a number, perhaps a fraction, and k, m, g, t or p, perhaps with b or
 * ib; powers of 1024. */
static int parse_size(const char *text, uint64_t *out)
{
    static const char letters[] = "bkmgtp";
    size_t digits = strspn(text, "0123456789.");
    const char *suffix = text + digits, *letter;
    char *end;
    double size;

    if (!isdigit((unsigned char)text[0]))
        return 0;
    size = strtod(text, &end);
    if (end != suffix)
        return 0;
    suffix += *suffix == ' ';
    if (*suffix) {
        letter = strchr(letters, tolower((unsigned char)*suffix));
        if (!letter || !*letter)
            return 0;
        size *= (double)(1ull << 10 * (letter - letters));
        suffix++;
        if (letter != letters && tolower((unsigned char)suffix[0]) == 'i' &&
            tolower((unsigned char)suffix[1]) == 'b')
            suffix += 2;
        else if (letter != letters && tolower((unsigned char)suffix[0]) == 'b')
            suffix++;
    }
    if (*suffix || size >= 9.2e18)
        return 0;
    *out = (uint64_t)size;
    return 1;
}

static int set_size(struct mount_state *state, const char *key, const char *value,
                    struct cb_error **err)
{
    if (state->mount.type != CB_RUN_MOUNT_TMPFS)
        return wrong_type(state, key, err);
    if (parse_size(value, &state->mount.size_bytes))
        return 0;
    return invalid(key, value, "bytes, or a size such as 64m or 1g", err);
}

static int parse_number(const char *value, int base, unsigned *out)
{
    unsigned long long number;
    char *end;

    if (!isdigit((unsigned char)value[0]))
        return 0;
    errno = 0;
    number = strtoull(value, &end, base);
    if (*end || errno || number > UINT_MAX)
        return 0;
    *out = (unsigned)number;
    return 1;
}

static int invalid_number(const char *key, const char *value, const char *expected,
                          struct cb_error **err)
{
    cb_autofree char *shown = cb_text_short(value);

    cb_error_set(err, CB_ERR_SYNTAX, "invalid value %s for %s", shown, key);
    return cb_error_hint(err, "expected %s", expected);
}

static int set_mode(struct mount_state *state, const char *key, const char *value,
                    struct cb_error **err)
{
    if (!parse_number(value, 8, &state->mount.mode))
        return invalid_number(key, value, "an octal number", err);
    state->mount.has_mode = 1;
    return 0;
}

static int set_uid(struct mount_state *state, const char *key, const char *value,
                   struct cb_error **err)
{
    if (!parse_number(value, 10, &state->mount.uid))
        return invalid_number(key, value, "a number", err);
    state->mount.has_uid = 1;
    return 0;
}

static int set_gid(struct mount_state *state, const char *key, const char *value,
                   struct cb_error **err)
{
    if (!parse_number(value, 10, &state->mount.gid))
        return invalid_number(key, value, "a number", err);
    state->mount.has_gid = 1;
    return 0;
}

static const struct option options[] = {
    {"type", set_type},
    {"from", set_from},
    {"source", set_source},
    {"target", set_target},
    {"readonly", set_read_only},
    {"id", set_id},
    {"sharing", set_sharing},
    {"required", set_required},
    {"size", set_size},
    {"mode", set_mode},
    {"uid", set_uid},
    {"gid", set_gid},
    {"src", set_source},
    {"dst", set_target},
    {"destination", set_target},
    {"ro", set_read_only},
    {"rw", set_read_write},
    {"readwrite", set_read_write},
    {"env", set_env},
};

/* ── Fields ── */

static int set_bare(struct mount_state *state, const char *key, const char *field,
                    struct cb_error **err)
{
    cb_autofree char *shown = NULL;

    if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0)
        return set_read_only(state, key, "true", err);
    if (strcmp(key, "readwrite") == 0 || strcmp(key, "rw") == 0)
        return set_read_write(state, key, "true", err);
    if (strcmp(key, "required") == 0)
        return set_required(state, key, "true", err);
    shown = cb_text_short(field);
    return cb_error_set(err, CB_ERR_SYNTAX, "invalid field '%s' must be a key=value pair",
                        shown);
}

static int unknown_option(const char *key, const char *field, struct cb_error **err)
{
    const char *names[CB_ARRAY_SIZE(options)];
    cb_autofree char *suggestion = NULL, *short_key = cb_text_short(key),
                     *short_field = cb_text_short(field);

    for (size_t i = 0; i < CB_ARRAY_SIZE(options); i++)
        names[i] = options[i].name;
    suggestion = cb_text_suggestion(key, names, CB_ARRAY_SIZE(options));
    return cb_error_set(err, CB_ERR_SYNTAX, "unexpected key '%s' in '%s'%s", short_key,
                        short_field, suggestion);
}

static int apply_field(struct mount_state *state, const char *field, char escape,
                       const struct cb_scope_lookup *lookup, struct cb_error **err)
{
    const char *equals = strchr(field, '=');
    cb_autofree char *key =
        lower_copy(field, equals ? (size_t)(equals - field) : strlen(field));
    cb_autofree char *expanded = NULL;

    if (!equals)
        return set_bare(state, key, field, err);
    if (lookup && cb_word_expand(&expanded, equals + 1, escape, lookup, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(options); i++) {
        if (strcmp(options[i].name, key) == 0)
            return options[i].set(state, key, expanded ? expanded : equals + 1, err);
    }
    return unknown_option(key, field, err);
}

/* ── The mount as a whole ── */

static int check_owner(const struct cb_run_mount *mount, struct cb_error **err)
{
    const char *given = mount->has_mode  ? "mode"
                        : mount->has_uid ? "uid"
                        : mount->has_gid ? "gid"
                                         : NULL;

    if (!given || (mount->type != CB_RUN_MOUNT_BIND && mount->type != CB_RUN_MOUNT_TMPFS))
        return 0;
    return cb_error_set(err, CB_ERR_SYNTAX, "%s not allowed for \"%s\" type mounts",
                        given, types[mount->type]);
}

static int check_secret(const struct mount_state *state, struct cb_error **err)
{
    const struct cb_run_mount *mount = &state->mount;

    if (mount->type != CB_RUN_MOUNT_SECRET)
        return 0;
    if (mount->from)
        return cb_error_set(err, CB_ERR_SYNTAX, "secret mount should not have a from");
    if (state->sharing_given)
        return cb_error_set(err, CB_ERR_SYNTAX, "secret mount should not define sharing");
    if (!mount->source && !mount->target && !mount->id)
        return cb_error_set(err, CB_ERR_SYNTAX,
                            "invalid secret mount. one of source, target required");
    if (mount->source && mount->id)
        return cb_error_set(err, CB_ERR_SYNTAX, "both source and id can't be set");
    return 0;
}

static int finish(struct mount_state *state, struct cb_error **err)
{
    struct cb_run_mount *mount = &state->mount;

    if (check_owner(mount, err) < 0 || check_secret(state, err) < 0)
        return -1;
    if (state->sharing_given && mount->type != CB_RUN_MOUNT_CACHE)
        return cb_error_set(err, CB_ERR_SYNTAX, "invalid cache sharing set for %s mount",
                            types[mount->type]);
    if (!state->access_given)
        mount->read_only =
            mount->type != CB_RUN_MOUNT_CACHE && mount->type != CB_RUN_MOUNT_TMPFS;
    return 0;
}

int cb_run_mount_expand(struct cb_run_mount *out, struct cb_arena *arena,
                        const char *value, char escape,
                        const struct cb_scope_lookup *lookup, struct cb_error **err)
{
    struct mount_state state = {.arena = arena};
    cb_auto_value(cb_strings) fields = {0};

    if (cb_csv_split(&fields, value, err) < 0)
        return cb_error_wrap(err, "failed to parse csv mounts");
    for (size_t i = 0; i < fields.count; i++) {
        if (apply_field(&state, fields.items[i], escape, lookup, err) < 0)
            return -1;
    }
    if (finish(&state, err) < 0)
        return -1;
    *out = state.mount;
    return 0;
}

int cb_run_mount_check(const char *value, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};

    if (cb_csv_split(&fields, value, err) < 0)
        return cb_error_wrap(err, "failed to parse csv mounts");
    return 0;
}
