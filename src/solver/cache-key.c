/* Keys. A change of what is hashed here, or of its order, makes every record of every
 * store useless: then KEY_VERSION changes, so that old records are misses instead of
 * wrong hits. See docs/design/cache-keys.md. */
#include "solver/solver-priv.h"

#define KEY_VERSION "cbuild step 2"

void cb_key_parts_add(struct cb_key_parts *parts, const char *name, const char *value)
{
    struct cb_key_part part = {xstrdup(name), xstrdup(value ? value : "")};

    cb_vec_push(parts, part);
}

void cb_key_parts_free(struct cb_key_parts *parts)
{
    cb_vec_foreach (part, parts) {
        free(part->name);
        free(part->value);
    }
    cb_vec_free(parts);
}

struct cb_digest cb_key_op_digest(const char *op, const struct cb_key_parts *parts)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    size_t count = 0;

    cb_vec_foreach (part, parts)
        count += !cb_key_part_is_note(part);
    cb_hasher_field(hasher, KEY_VERSION);
    cb_hasher_field(hasher, op);
    cb_hasher_u64(hasher, count);
    cb_vec_foreach (part, parts) {
        if (cb_key_part_is_note(part))
            continue;
        cb_hasher_field(hasher, part->name);
        cb_hasher_field(hasher, part->value);
    }
    return cb_hasher_finish(hasher);
}

struct cb_digest cb_key_step(const struct cb_digest *op_digest,
                             const struct key_input *inputs, size_t count)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_digest(hasher, op_digest);
    cb_hasher_u64(hasher, count);
    for (size_t i = 0; i < count; i++) {
        cb_hasher_u64(hasher, inputs[i].kind);
        cb_hasher_digest(hasher, &inputs[i].digest);
        if (inputs[i].kind == KEY_SELECTION)
            cb_hasher_field(hasher, inputs[i].selector);
    }
    return cb_hasher_finish(hasher);
}
