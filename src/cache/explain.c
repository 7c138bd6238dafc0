/* The earlier step a miss is compared with. A Dockerfile is edited between two builds:
 * steps get other numbers, or another command in the same place. So records are looked at
 * that have the same instruction or the same place, and the one that has most parts of
 * its key in common with the step is taken for its earlier self. One that shares nothing
 * but the place belongs to another Dockerfile. */
#include "cache/explain.h"

#include "cache/parts-json.h"
#include "store/record.h"

#define CANDIDATES 8 /* of each kind */

struct best {
    struct cb_key_parts parts;
    size_t common;
};

static const char *instruction(const char *name)
{
    const char *rest = strstr(name, "] ");

    return rest ? rest + 2 : name;
}

/* The same instruction counts for as much as it takes to be believed. */
static void consider(struct best *best, const struct cb_record *record, const char *name,
                     const struct cb_key_parts *step)
{
    cb_auto_value(cb_key_parts) parts = {0};
    int same = strcmp(instruction(record->name), instruction(name)) == 0;
    size_t common;

    if (!record->parts_json ||
        cb_key_parts_from_json(&parts, record->parts_json, NULL) < 0)
        return;
    common = cb_key_parts_common(step, &parts) + (same ? step->count / 3 + 1 : 0);
    if (common <= best->common)
        return;
    cb_key_parts_free(&best->parts);
    best->parts = parts;
    best->common = common;
    parts = (struct cb_key_parts){0};
}

char *cb_cache_explain(struct cb_store *store, const char *name,
                       const struct cb_key_parts *step)
{
    cb_auto_value(cb_records) records = {0};
    cb_auto_value(cb_key_parts) parts = {0};
    cb_autofree char *json = NULL;
    struct best best = {0};
    char *text = NULL;

    if (!*name || cb_records_like(store, name, CANDIDATES, &records, NULL) < 0)
        return NULL;
    /* Through the same mill, so that bytes JSON cannot hold are no difference. */
    json = cb_key_parts_to_json(step);
    if (records.count == 0 || cb_key_parts_from_json(&parts, json, NULL) < 0)
        return NULL;
    best.common = parts.count / 3;
    cb_vec_foreach (record, &records)
        consider(&best, record, name, &parts);
    if (best.parts.count > 0)
        text = cb_step_explain(name, &best.parts, &parts);
    cb_key_parts_free(&best.parts);
    return text;
}
