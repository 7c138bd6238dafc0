/* Whom --creds of a build are for: the one registry that the command line names. A
 * Dockerfile's images get them when they are on it, and what else a Dockerfile names, a
 * stranger's maybe, does not. */
#include "commands/build-tools.h"

#include "oci/oci.h"

#include <string.h>

struct naming {
    const struct cb_access_values *access;
    struct cb_app *app;
    size_t count; /* names so far */
};

static int add(struct naming *naming, const char *name, struct cb_error **err)
{
    naming->count++;
    return cb_access_name(naming->access, naming->app, name, err);
}

/* "team/app" may be meant for nobody but this machine. */
static int names_a_registry(const char *tag)
{
    size_t len = strcspn(tag, "/");
    cb_autofree char *first = xstrndup(tag, len);

    return tag[len] && (strpbrk(first, ".:") || strcmp(first, "localhost") == 0);
}

static int add_tags(struct naming *naming, const struct cb_strings *tags, int push,
                    struct cb_error **err)
{
    cb_vec_foreach (tag, tags) {
        if ((push || names_a_registry(*tag)) && add(naming, *tag, err) < 0)
            return -1;
    }
    return 0;
}

/* "type=registry,ref=NAME", "type=image,name=NAME,push=true", or a NAME alone. */
static int add_attributes(struct naming *naming, const char *text, struct cb_error **err)
{
    if (!strchr(text, '='))
        return add(naming, text, err);
    if (!strstr(text, "type=registry") && !strstr(text, "push=true"))
        return 0;
    for (const char *at = text; *at; at += strcspn(at, ","), at += *at == ',') {
        size_t key = strncmp(at, "ref=", 4) == 0    ? 4
                     : strncmp(at, "name=", 5) == 0 ? 5
                                                    : 0;
        cb_autofree char *name = xstrndup(at + key, strcspn(at + key, ","));

        if (key && add(naming, name, err) < 0)
            return -1;
    }
    return 0;
}

static int add_all(struct naming *naming, const struct cb_strings *texts,
                   struct cb_error **err)
{
    cb_vec_foreach (text, texts)
        if (add_attributes(naming, *text, err) < 0)
            return -1;
    return 0;
}

static int add_targets(struct naming *naming, const struct cb_build_request *request,
                       struct cb_error **err)
{
    if (add_tags(naming, &request->tags, request->push, err) < 0 ||
        add_all(naming, &request->outputs, err) < 0)
        return -1;
    cb_vec_foreach (target, &request->targets) {
        if (add_tags(naming, &target->tags, target->push, err) < 0 ||
            add_all(naming, &target->outputs, err) < 0)
            return -1;
    }
    return 0;
}

static int add_contexts(struct naming *naming, const struct cb_build_request *request,
                        struct cb_error **err)
{
    static const char mark[] = "=docker-image://";

    cb_vec_foreach (context, &request->contexts) {
        const char *found = strstr(*context, mark);

        if (found && add(naming, found + sizeof(mark) - 1, err) < 0)
            return -1;
    }
    return 0;
}

int cb_build_creds(const struct cb_build_tools *tools,
                   const struct cb_build_request *request, struct cb_app *app,
                   struct cb_error **err)
{
    struct naming naming = {.access = &tools->access, .app = app};

    if (!tools->access.creds)
        return 0;
    if (add_targets(&naming, request, err) < 0 ||
        add_all(&naming, &request->cache_from, err) < 0 ||
        add_all(&naming, &request->cache_to, err) < 0 ||
        add_contexts(&naming, request, err) < 0)
        return -1;
    if (request->from && names_a_registry(request->from) &&
        add(&naming, request->from, err) < 0)
        return -1;
    if (naming.count)
        return 0;
    cb_error_set(err, CB_ERR_USAGE,
                 "--creds: the command line names no registry that they are for");
    return cb_error_hint(err,
                         "a Dockerfile's registries get what `cbuild login` keeps or "
                         "--authfile has; -t names one, too");
}
