/* A snapshot made of another one, and found again by what is noted there: a fact "BASE
 * RESULT" of ids. */
#include "store/snapshot-priv.h"

#include <string.h>

static const char *id_of(struct cb_snapshot *base)
{
    return base ? cb_snapshot_id(base) : "-";
}

void cb_snapshot_note_sharing(struct cb_snapshot *top, const struct cb_snapshot *base)
{
    for (struct cb_snapshot *at = top; at && at != base; at = at->parent)
        cb_snapshot_set_fact(at, CB_FACT_SHARES, "1", NULL);
}

/* 1/0 */
static int find(struct cb_snapshot *top, const char *key, struct cb_snapshot *base,
                struct cb_snapshot **out, struct cb_error **err)
{
    cb_autofree char *fact = cb_snapshot_fact(top, key);
    const char *space = fact ? strchr(fact, ' ') : NULL;
    size_t len = strlen(id_of(base));

    if (!space || strncmp(fact, id_of(base), len) != 0 || fact + len != space)
        return 0;
    return cb_snapshot_get(top->store, space + 1, out, err);
}

int cb_snapshot_remake(struct cb_snapshot *top, struct cb_snapshot *base,
                       const struct cb_remaking *how, struct cb_cancel *cancel,
                       struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto(cb_snapshot) made = NULL;
    cb_autofree char *fact = NULL;
    int found;

    if (top == base || top->parent == base) {
        *out = cb_snapshot_ref(top);
        return 0;
    }
    found = find(top, how->key, base, out, err);
    if (found)
        return found < 0 ? -1 : 0;
    if (how->make(top, base, cancel, &made, err) < 0)
        return cb_error_wrap(err, "%s", how->what);
    fact = xasprintf("%s %s", id_of(base), cb_snapshot_id(made));
    if (cb_snapshot_set_fact(top, how->key, fact, err) < 0)
        return -1;
    cb_snapshot_note_sharing(top, base);
    cb_snapshot_note_sharing(made, base);
    *out = cb_steal(&made);
    return 0;
}
