/* What a base that cannot be had was perhaps meant to be: a stage, an image that the
 * store has under this name or a near one, an image that everybody knows. Only looked for
 * when a build has failed already, so it may read all of the store's names. */
#include "frontend/frontend-priv.h"

#include "base/suggest.h"
#include "store/refs.h"

#include <string.h>

#define MAX_TAGS 3 /* of the same repository are named */

static const char *const common_images[] = {"alpine", "busybox", "centos", "debian",
                                            "fedora", "golang",  "ubuntu"};

struct search {
    const struct cb_planner *planner;
    const struct cb_base *base;
    struct cb_reference *wanted;
    char *exact;                 /* the wanted image is here: what to do about it */
    struct cb_strings platforms; /* for which it is here, none of them the wanted one */
    struct cb_strings tags;      /* of the wanted repository */
    struct cb_strings names;     /* of all others */
};

static void search_clear(struct search *search)
{
    cb_reference_free(search->wanted);
    free(search->exact);
    cb_strings_free(&search->platforms);
    cb_strings_free(&search->tags);
    cb_strings_free(&search->names);
}

static int same_text(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

/* Why the image was not taken: it is of another platform, or the registry was asked. */
static void note_exact(struct search *search, const struct cb_image *image)
{
    cb_autofree char *name = cb_reference_familiar(search->wanted);
    cb_autofree char *platform = NULL;

    if (search->exact)
        return;
    if (cb_platform_score(&image->config->platform, &search->base->platform) <= 0) {
        platform = cb_platform_text(&image->config->platform);
        cb_strings_add_once(&search->platforms, platform);
    } else if (search->planner->options->pins) {
        search->exact = xasprintf(
            "`%s` is in the store, but only what a registry has can be locked", name);
    } else if (search->planner->options->pull == CB_PULL_ALWAYS ||
               search->planner->options->pull == CB_PULL_NEWER) {
        search->exact =
            xasprintf("`%s` is in the store and is used without --pull", name);
    }
}

static void look_at(struct search *search, const struct cb_image *image, const char *name)
{
    cb_auto(cb_reference) known = NULL;

    if (cb_reference_parse(&known, name, NULL) < 0)
        return;
    if (strcmp(known->host, search->wanted->host) != 0 ||
        strcmp(known->path, search->wanted->path) != 0)
        cb_strings_take(&search->names, cb_reference_familiar_name(known));
    else if (same_text(known->tag, search->wanted->tag))
        note_exact(search, image);
    else
        cb_strings_take(&search->tags, cb_reference_familiar(known));
}

static void look_in_store(struct search *search)
{
    struct cb_store *store = search->planner->options->env->store;
    cb_auto_value(cb_images) images = {0};

    if (!store || cb_image_list(store, &images, NULL) < 0)
        return; /* a text may be looked at without a store */
    for (size_t i = 0; i < images.count; i++) {
        const struct cb_image *image = images.items[i];

        for (size_t n = 0; n < image->names.count; n++)
            look_at(search, image, image->names.items[n]);
        for (size_t n = 0; n < image->platform_names.count; n++)
            look_at(search, image, image->platform_names.items[n]);
    }
}

static char *name_tags(const struct cb_strings *tags)
{
    cb_auto_value(cb_strbuf) out = {0};

    cb_strbuf_adds(&out, "the store has ");
    for (size_t i = 0; i < tags->count && i < MAX_TAGS; i++)
        cb_strbuf_addf(&out, i ? ", `%s`" : "`%s`", tags->items[i]);
    if (tags->count > MAX_TAGS)
        cb_strbuf_addf(&out, " and %zu more tags", tags->count - MAX_TAGS);
    return cb_strbuf_steal(&out);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *name_platforms(struct search *search)
{
    cb_autofree char *name = cb_reference_familiar(search->wanted);
    cb_auto_value(cb_strbuf) out = {0};

    qsort(search->platforms.items, search->platforms.count, sizeof(char *), by_text);
    cb_strbuf_addf(&out, "the store has `%s` for ", name);
    for (size_t i = 0; i < search->platforms.count; i++)
        cb_strbuf_addf(&out, i ? ", %s" : "%s", search->platforms.items[i]);
    return cb_strbuf_steal(&out);
}

static char *name_near(struct search *search)
{
    cb_autofree char *name = cb_reference_familiar_name(search->wanted);
    const char *near;

    for (size_t i = 0; i < CB_ARRAY_SIZE(common_images); i++)
        cb_strings_add_once(&search->names, common_images[i]);
    near =
        cb_suggest(name, (const char *const *)search->names.items, search->names.count);
    return near ? xasprintf("did you mean `%s`?", near) : NULL;
}

/* A stage or a named context of nearly this name; or NULL. */
static char *name_of_file(const struct cb_planner *planner, const char *name)
{
    const struct cb_named_contexts *given = planner->options->contexts;
    const char *stage = cb_stages_suggest(planner, name);
    CB_VEC(const char *) names = {0};
    const char *near;

    if (stage)
        cb_vec_push(&names, stage);
    for (size_t i = 0; given && i < given->count; i++)
        cb_vec_push(&names, given->items[i].name);
    near = names.count ? cb_suggest(name, names.items, names.count) : NULL;
    cb_vec_free(&names);
    if (!near)
        return NULL;
    return near == stage ? xasprintf("did you mean stage `%s`?", near)
                         : xasprintf("did you mean --build-context `%s`?", near);
}

char *cb_bases_hint(const struct cb_planner *planner, const struct cb_base *base)
{
    struct search search = {.planner = planner, .base = base};
    char *hint = name_of_file(planner, base->name);

    if (hint)
        return hint;
    if (cb_reference_parse(&search.wanted, base->name, NULL) == 0) {
        cb_reference_default_tag(search.wanted);
        look_in_store(&search);
        if (search.exact)
            hint = cb_steal(&search.exact);
        else if (search.platforms.count)
            hint = name_platforms(&search);
        else if (search.tags.count)
            hint = name_tags(&search.tags);
        else
            hint = name_near(&search);
    }
    search_clear(&search);
    return hint;
}
