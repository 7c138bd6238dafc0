/* Where a name is really asked for: the mirrors that the settings have for it, in their
 * order, then the registry itself, or what is to stand for it. Whatever a mirror answers
 * is verified as any registry's is, so one that is wrong or away costs a question and no
 * more; one that could not be reached is not asked again by this process. */
#include "registry/registry-priv.h"

#include <string.h>

void cb_place_clear(struct cb_place *place)
{
    free(place->address);
    free(place->path);
    free(place->scope);
    memset(place, 0, sizeof(*place));
}

/* TARGET ("[scheme://]host[/path]") and what follows the prefix it stands for. */
static struct cb_place place_at(const char *target, const char *rest, const char *actions)
{
    const char *scheme = strstr(target, "://");
    const char *slash = strchr(scheme ? scheme + 3 : target, '/');
    size_t host_len = slash ? (size_t)(slash - target) : strlen(target);
    cb_autofree char *base = slash ? xstrdup(slash + 1) : xstrdup("");
    struct cb_place place = {.address = xstrndup(target, host_len)};
    size_t len = strlen(base);

    while (len && base[len - 1] == '/')
        base[--len] = '\0';
    place.path = xasprintf("%s%s%s", base, *base && *rest ? "/" : "", rest);
    place.scope = xasprintf("repository:%s:%s", place.path, actions);
    return place;
}

static int find_rule(struct cb_registry *registry, const struct cb_reference *reference,
                     const struct cb_registry_rule **rule, const char **rest,
                     struct cb_error **err)
{
    *rule =
        cb_registry_rule_find(registry->settings, reference->host, reference->path, rest);
    if (*rule && (*rule)->blocked) {
        cb_error_set(err, CB_ERR_DENIED,
                     "the configuration says that `%s` is not to be asked",
                     (*rule)->prefix);
        return cb_error_hint(err,
                             "`cbuild info` names the file: registries, \"blocked\"");
    }
    return 0;
}

int cb_place_own(struct cb_registry *registry, const struct cb_reference *reference,
                 const char *actions, struct cb_place *out, struct cb_error **err)
{
    const struct cb_registry_rule *rule;
    const char *rest = NULL;

    if (find_rule(registry, reference, &rule, &rest, err) < 0)
        return -1;
    if (rule && rule->rewrite)
        *out = place_at(rule->rewrite, rest, actions);
    else
        *out = place_at(reference->host, reference->path, actions);
    return 0;
}

int cb_place_open(struct cb_registry *registry, const struct cb_place *place,
                  struct cb_repository *out, struct cb_error **err)
{
    *out = (struct cb_repository){.path = place->path, .scope = place->scope};
    return cb_endpoint_get(registry, place->address, &out->endpoint, err);
}

char *cb_place_neighbour(struct cb_registry *registry,
                         const struct cb_reference *reference,
                         const struct cb_place *target)
{
    cb_auto_value(cb_place) place = {0};

    if (cb_place_own(registry, reference, "pull", &place, NULL) < 0 ||
        strcmp(place.address, target->address) != 0 ||
        strcmp(place.path, target->path) == 0)
        return NULL;
    return cb_steal(&place.path);
}

char *cb_repository_url(const struct cb_repository *repository, const char *kind,
                        const char *name)
{
    cb_auto_value(cb_strbuf) url = {0};

    cb_strbuf_addf(&url, "%s/v2/%s/%s/%s", repository->endpoint->base, repository->path,
                   kind, name);
    if (repository->ns) {
        cb_strbuf_adds(&url, "?ns=");
        cb_url_encode(&url, repository->ns);
    }
    return cb_strbuf_steal(&url);
}

/* ── Mirrors ── */

static int is_away(struct cb_registry *registry, const char *address)
{
    int away;

    pthread_mutex_lock(&registry->endpoint_mutex);
    away = cb_strings_contain(&registry->away, address);
    pthread_mutex_unlock(&registry->endpoint_mutex);
    return away;
}

/* Told once for each mirror that does not work; that it lacks a thing is ordinary. */
static void mirror_failed(struct cb_registry *registry, const char *address,
                          const struct cb_error *error)
{
    int first = 0;

    if (cb_error_kind(error) == CB_ERR_NOT_FOUND)
        return;
    pthread_mutex_lock(&registry->endpoint_mutex);
    if (!cb_strings_contain(&registry->away, address)) {
        cb_strings_add(&registry->away, address);
        first = 1;
    }
    pthread_mutex_unlock(&registry->endpoint_mutex);
    if (first)
        cb_event_say(registry->sink, CB_EVENT_WARNING, 0,
                     "mirror `%s` is passed over: %s", address, cb_error_message(error));
}

/* What is looked for at one mirror after the other. */
struct quest {
    struct cb_registry *registry;
    const char *host, *rest; /* of the reference: the rest is behind the rule's prefix */
    cb_place_attempt *attempt;
    void *arg;
};

/* 1: done, 0: not from here, -1: the user does not want to wait any longer. A mirror of
 * several registries is told which is meant, by ?ns= as containerd does it. */
static int try_mirror(const struct quest *quest, const char *mirror,
                      struct cb_error **err)
{
    struct cb_registry *registry = quest->registry;
    cb_auto_value(cb_place) place = place_at(mirror, quest->rest, "pull");
    cb_auto(cb_error) error = NULL;
    struct cb_repository repository;
    struct cb_endpoint once;

    if (is_away(registry, place.address))
        return 0;
    if (cb_place_open(registry, &place, &repository, &error) == 0) {
        once = *repository.endpoint;
        once.tries = 1; /* there is somewhere else to go */
        repository.endpoint = &once;
        repository.ns = quest->host;
        if (quest->attempt(quest->arg, &repository, &error) == 0)
            return 1;
    }
    if (cb_error_kind(error) == CB_ERR_CANCELED)
        return cb_error_move(err, &error);
    mirror_failed(registry, place.address, error);
    return 0;
}

int cb_places_try(struct cb_registry *registry, const struct cb_reference *reference,
                  cb_place_attempt *attempt, void *arg, struct cb_error **err)
{
    struct quest quest = {
        .registry = registry, .host = reference->host, .attempt = attempt, .arg = arg};
    const struct cb_registry_rule *rule;
    cb_auto_value(cb_place) own = {0};
    struct cb_repository repository;

    if (find_rule(registry, reference, &rule, &quest.rest, err) < 0)
        return -1;
    for (size_t i = 0; rule && !registry->offline && i < rule->mirrors.count; i++) {
        int done = try_mirror(&quest, rule->mirrors.items[i], err);

        if (done)
            return done < 0 ? -1 : 0;
    }
    if (rule && rule->only_mirrors)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "none of the mirrors of `%s` has it, and it is not to be "
                            "asked itself",
                            rule->prefix);
    if (cb_place_own(registry, reference, "pull", &own, err) < 0 ||
        cb_place_open(registry, &own, &repository, err) < 0)
        return -1;
    return attempt(arg, &repository, err);
}
