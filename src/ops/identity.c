/* Content identities of snapshots. A step that ran has H(parent's identity, tree digest
 * of its layer): the same result gives the same identity, whatever made it. A COPY's
 * follows from its key, which holds the content already; an image's from its chain id.
 * Each is remembered as the fact "identity" of the snapshot.
 *
 * Where SOURCE_DATE_EPOCH decides the times of files they are part of the result, and the
 * diff id, which has them, takes the place of the tree digest, which has not. */
#include "ops/ops-priv.h"

#include "store/layer.h"
#include "store/record.h"
#include "store/trim.h"

#include <string.h>

#define IDENTITY_VERSION "cbuild identity 1"

struct cb_digest cb_identity_of_empty(void)
{
    return cb_digest_of(IDENTITY_VERSION " empty", sizeof(IDENTITY_VERSION " empty") - 1);
}

struct cb_digest cb_identity_from(const char *name, const struct cb_digest *digest)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_field(hasher, IDENTITY_VERSION);
    cb_hasher_field(hasher, name);
    cb_hasher_digest(hasher, digest);
    return cb_hasher_finish(hasher);
}

/* 1: known. A fact that does not parse counts as none. */
static int known_identity(struct cb_snapshot *snapshot, struct cb_digest *out)
{
    cb_autofree char *fact = cb_snapshot_fact(snapshot, "identity");
    cb_auto(cb_error) ignored = NULL;

    return fact && cb_digest_parse(out, fact, &ignored) == 0;
}

/* DATED: by what is in its files, and their times. */
static struct cb_digest identity_of_layer(const struct cb_digest *parent,
                                          const struct cb_layer_info *info, int dated)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_field(hasher, IDENTITY_VERSION);
    cb_hasher_field(hasher, dated ? "dated layer" : "layer");
    cb_hasher_digest(hasher, parent);
    cb_hasher_digest(hasher, dated ? &info->diff_id : &info->tree);
    return cb_hasher_finish(hasher);
}

/* What a record says need not be so: those of a cache from elsewhere were never checked,
 * and a snapshot taken for another would be in every image made here. */
static int is_equal(struct cb_snapshot *snapshot, struct cb_snapshot *made,
                    const struct cb_digest *identity, const struct cb_layer_info *info,
                    struct cb_build_env *env, struct cb_error **err)
{
    struct cb_snapshot *parent = cb_snapshot_parent(snapshot);
    struct cb_snapshot *wanted = cb_snapshot_parent(made);
    struct cb_layer_info layer;
    struct cb_digest known;

    if (known_identity(snapshot, &known))
        return cb_digest_equal(&known, identity);
    if (!parent != !wanted ||
        (parent && strcmp(cb_snapshot_id(parent), cb_snapshot_id(wanted)) != 0))
        return 0;
    if (cb_layer_info(snapshot, env->pool, &layer, err) < 0)
        return -1;
    return cb_times_are_clamped(env) ? cb_digest_equal(&layer.diff_id, &info->diff_id)
                                     : cb_digest_equal(&layer.tree, &info->tree);
}

/* 1: *OUT is a snapshot that is the same as MADE already. */
static int find_equal(struct cb_build_env *env, struct cb_snapshot *made,
                      const struct cb_digest *identity, const struct cb_layer_info *info,
                      struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto_value(cb_record) record = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    int found = cb_record_find_identity(env->store, identity, &record, err);
    int equal;

    if (found <= 0 || !record.snapshot_id || !*record.snapshot_id)
        return found < 0 ? -1 : 0;
    found = cb_snapshot_get(env->store, record.snapshot_id, &snapshot, err);
    if (found <= 0)
        return found;
    equal = is_equal(snapshot, made, identity, info, env, err);
    if (equal > 0)
        *out = cb_steal(&snapshot);
    return equal;
}

int cb_snapshot_adopt(struct cb_build_env *env, struct cb_snapshot **snapshot,
                      const struct cb_digest *parent, struct cb_pool *pool,
                      struct cb_result **out, struct cb_error **err)
{
    cb_auto(cb_snapshot) earlier = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    struct cb_layer_info info;
    struct cb_digest identity;
    int found;

    if (cb_snapshot_trim(*snapshot, err) < 0 || cb_times_clamp(env, *snapshot, err) < 0 ||
        cb_layer_measure(*snapshot, pool, &info, err) < 0)
        return -1;
    identity = identity_of_layer(parent, &info, cb_times_are_clamped(env));
    found = find_equal(env, *snapshot, &identity, &info, &earlier, err);
    if (found < 0)
        return -1;
    /* An active snapshot that is not committed goes with its last reference. */
    if (!found &&
        cb_layer_commit(*snapshot, &info, cb_digest_text(&identity, text), err) < 0)
        return -1;
    *out = cb_snapshot_result_new(env, found ? earlier : *snapshot, &identity);
    return 0;
}

int cb_snapshot_seal(struct cb_build_env *env, struct cb_snapshot *snapshot,
                     const struct cb_digest *identity, struct cb_result **out,
                     struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_layer_commit(snapshot, NULL, cb_digest_text(identity, text), err) < 0)
        return -1;
    *out = cb_snapshot_result_new(env, snapshot, identity);
    return 0;
}
