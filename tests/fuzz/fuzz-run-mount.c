/* The value of RUN --mount. A variable's text is a value and nothing else: whatever it
 * holds, the options of the mount are the same. */
#include "parser/parser.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *get(void *arg, const char *name)
{
    return strcmp(name, "V") == 0 ? arg : NULL;
}

static int read_with(struct cb_run_mount *out, struct cb_arena *arena, const char *value,
                     char *variable)
{
    struct cb_scope_lookup lookup = {.get = get, .arg = variable};
    cb_auto(cb_error) error = NULL;
    int status = cb_run_mount_expand(out, arena, value, '\\', &lookup, &error);

    if ((status < 0) == !error)
        abort();
    return status;
}

static void check(const struct cb_run_mount *mount)
{
    if (mount->type > CB_RUN_MOUNT_SSH || mount->sharing > CB_SHARING_LOCKED)
        abort();
    if (mount->size_bytes && mount->type != CB_RUN_MOUNT_TMPFS)
        abort();
    if (mount->type == CB_RUN_MOUNT_SECRET && mount->source && mount->id)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char plain[] = "x", hostile[] = ",rw,uid=7";
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_autofree char *value = xstrndup((const char *)data, size);
    struct cb_run_mount written, one, other;

    if (cb_run_mount_expand(&written, arena, value, '\\', NULL, NULL) == 0)
        check(&written);
    if (read_with(&one, arena, value, plain) < 0 ||
        read_with(&other, arena, value, hostile) < 0)
        return 0;
    check(&one);
    check(&other);
    if (one.type != other.type || one.read_only != other.read_only ||
        one.has_uid != other.has_uid || one.has_gid != other.has_gid ||
        one.has_mode != other.has_mode || one.required != other.required)
        abort();
    return 0;
}
