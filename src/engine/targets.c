/* What is built: one target, or several in one solve. Each of several has names and
 * outputs of its own, and is checked like a build of its own; how its steps run, and what
 * they may see, is the same for all. So what two targets share is one step, and secrets
 * are read once. */
#include "engine/build-priv.h"

#include <string.h>

static void add_part(struct cb_building *build, const struct cb_build_request *request,
                     const struct cb_build_target *target)
{
    struct cb_building_part part = {.request = *request};

    if (target) {
        part.request.target = target->stage;
        part.request.tags = target->tags;
        part.request.outputs = target->outputs;
        part.request.iidfile = target->iidfile;
        part.request.metadata_file = target->metadata_file;
        part.request.push = target->push;
        part.request.load = target->load;
    }
    cb_vec_push(&build->parts, part);
}

static int refuse_twice(const char *what, const char *value, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE, "%s `%s` is given to two targets", what,
                        value);
}

static int check_names(const struct cb_checked_request *one,
                       const struct cb_checked_request *other, struct cb_error **err)
{
    cb_vec_foreach (name, &one->names) {
        cb_vec_foreach (taken, &other->names) {
            if (strcmp(*name, *taken) == 0)
                return refuse_twice("the name", *name, err);
        }
    }
    return 0;
}

static int check_places(const struct cb_checked_request *one,
                        const struct cb_checked_request *other, struct cb_error **err)
{
    cb_vec_foreach (output, &one->outputs) {
        cb_vec_foreach (taken, &other->outputs) {
            if (!output->dest || !taken->dest || strcmp(output->dest, taken->dest) != 0)
                continue;
            if (strcmp(output->dest, "-") == 0)
                return cb_error_set(err, CB_ERR_USAGE,
                                    "only one output can go to standard output");
            return refuse_twice("the output", output->dest, err);
        }
    }
    return 0;
}

static int check_file(const char *option, const char *one, const char *other,
                      struct cb_error **err)
{
    if (!one || !other || strcmp(one, other) != 0)
        return 0;
    return refuse_twice(option, one, err);
}

/* The second would take the place of the first. */
static int check_apart(const struct cb_building_part *one,
                       const struct cb_building_part *other, struct cb_error **err)
{
    if (check_names(&one->checked, &other->checked, err) < 0 ||
        check_places(&one->checked, &other->checked, err) < 0 ||
        check_file("--iidfile", one->request.iidfile, other->request.iidfile, err) < 0)
        return -1;
    return check_file("--metadata-file", one->request.metadata_file,
                      other->request.metadata_file, err);
}

int cb_building_check(struct cb_building *build, const struct cb_build_request *request,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    cb_vec_foreach (target, &request->targets)
        add_part(build, request, target);
    if (!build->parts.count)
        add_part(build, request, NULL);
    cb_vec_foreach (part, &build->parts) {
        if (cb_request_check(&part->checked, &part->request, err) < 0)
            return -1;
        for (struct cb_building_part *other = build->parts.items; other < part; other++) {
            if (check_apart(other, part, err) < 0)
                return -1;
        }
        cb_strings_copy(&build->names, &part->checked.names);
        cb_strings_copy(&build->familiar, &part->checked.familiar);
        cb_strings_copy(&build->insecure, &part->checked.insecure);
    }
    return cb_request_secrets(&build->parts.items[0].checked, request, cancel, err);
}

char *cb_building_target(const struct cb_build_request *request)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (!request->targets.count)
        return request->target ? xstrdup(request->target) : NULL;
    cb_vec_foreach (target, &request->targets)
        cb_strbuf_addf(&text, "%s%s", text.len ? ", " : "", target->stage);
    return cb_strbuf_steal(&text);
}
