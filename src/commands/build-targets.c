/* --target, and the options that say what becomes of it. One target, or none, takes them
 * wherever they stand, as docker has it. Of several each takes those that follow it, up
 * to the next; one that stands before the first could be meant for any, and a target of
 * which nothing is said for nothing, so both are refused. */
#include "commands/build-targets.h"

#include <string.h>

static int is_target(const char *name)
{
    return strcmp(name, "target") == 0;
}

static size_t count_targets(const struct cb_strings *ordered)
{
    size_t count = 0;

    for (size_t i = 0; i < ordered->count; i += 2)
        count += is_target(ordered->items[i]);
    return count;
}

/* An empty value is no value, as with docker. */
static void take(struct cb_build_target *out, const char *name, const char *value)
{
    if (strcmp(name, "push") == 0)
        out->push = *value == 't';
    else if (strcmp(name, "load") == 0)
        out->load = *value == 't';
    else if (strcmp(name, "tag") == 0)
        cb_strings_add(&out->tags, value);
    else if (strcmp(name, "iidfile") == 0)
        out->iidfile = *value ? value : NULL;
    else if (strcmp(name, "metadata-file") == 0)
        out->metadata_file = *value ? value : NULL;
    else if (*value) /* output */
        cb_strings_add(&out->outputs, value);
}

static void settle_one(const struct cb_strings *ordered, struct cb_build_request *request)
{
    struct cb_build_target all = {0};

    for (size_t i = 0; i < ordered->count; i += 2) {
        if (is_target(ordered->items[i]))
            request->target = ordered->items[i + 1];
        else
            take(&all, ordered->items[i], ordered->items[i + 1]);
    }
    request->tags = all.tags;
    request->outputs = all.outputs;
    request->iidfile = all.iidfile;
    request->metadata_file = all.metadata_file;
    request->push = all.push;
    request->load = all.load;
}

static int refuse_early(const char *name, const char *value, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_USAGE, "--%s %s stands before the first of several --target",
                 name, value);
    return cb_error_hint(err, "give it after the --target it belongs to");
}

static int open_target(struct cb_build_request *request, const char *stage,
                       struct cb_error **err)
{
    struct cb_build_target target = {.stage = stage};

    if (!*stage)
        return cb_error_argument(err, stage, "--target", "each of several names a stage");
    cb_vec_push(&request->targets, target);
    return 0;
}

static int settle_several(const struct cb_strings *ordered,
                          struct cb_build_request *request, struct cb_error **err)
{
    for (size_t i = 0; i < ordered->count; i += 2) {
        const char *name = ordered->items[i], *value = ordered->items[i + 1];
        size_t count = request->targets.count;

        if (is_target(name)) {
            if (open_target(request, value, err) < 0)
                return -1;
        } else if (!count) {
            return refuse_early(name, value, err);
        } else {
            take(&request->targets.items[count - 1], name, value);
        }
    }
    cb_vec_foreach (target, &request->targets) {
        if (target->tags.count || target->outputs.count || target->push || target->load ||
            target->iidfile || target->metadata_file)
            continue;
        cb_error_set(err, CB_ERR_USAGE, "nothing says what becomes of --target %s",
                     target->stage);
        return cb_error_hint(err, "give -t or -o after it; `-o type=cacheonly` builds it "
                                  "and keeps no image");
    }
    return 0;
}

int cb_build_targets_settle(const struct cb_strings *ordered,
                            struct cb_build_request *request, struct cb_error **err)
{
    if (count_targets(ordered) > 1)
        return settle_several(ordered, request, err);
    settle_one(ordered, request);
    return 0;
}

int cb_build_targets_check(const struct cb_build_request *request, struct cb_error **err)
{
    if (!request->targets.count)
        return 0;
    if (request->call != CB_CALL_BUILD)
        return cb_error_set(err, CB_ERR_USAGE, "--call and --check ask about one target");
    if (request->tags.count || request->outputs.count)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--destination and kaniko's other outputs go with one "
                            "target; -t, -o and --push with several");
    return 0;
}
