/* A snapshot made of another one, and found again by what is noted there: a fact "BASE
 * RESULT" of ids. */
#include "store/snapshot-priv.h"

#include <string.h>

static const char *id_of(struct cb_snapshot *base)
{
    return base ? cb_snapshot_id(base) : "-";
}

int cb_snapshot_find_remade(struct cb_snapshot *top, const char *key,
                            struct cb_snapshot *base, struct cb_snapshot **out,
                            struct cb_error **err)
{
    cb_autofree char *fact = cb_snapshot_fact(top, key);
    const char *space = fact ? strchr(fact, ' ') : NULL;
    size_t len = strlen(id_of(base));

    if (!space || strncmp(fact, id_of(base), len) != 0 || fact + len != space)
        return 0;
    return cb_snapshot_get(top->store, space + 1, out, err);
}

int cb_snapshot_note_remade(struct cb_snapshot *top, const char *key,
                            struct cb_snapshot *base, struct cb_snapshot *made,
                            struct cb_error **err)
{
    cb_autofree char *fact = xasprintf("%s %s", id_of(base), cb_snapshot_id(made));

    return cb_snapshot_set_fact(top, key, fact, err);
}
