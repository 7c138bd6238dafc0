/* What is said of words that are no command: what may have been meant, or for commands of
 * docker, buildah, podman, skopeo and crane what is here instead. */
#include "commands/table.h"

#include "base/suggest.h"
#include "context/remote.h"

#include <string.h>
#include <sys/stat.h>

#define ONE_CONTEXT "there is one context, this machine: start cbuild where it is to work"
#define NO_SWARM    "there is no swarm: `cbuild run` starts containers on this machine"

static const struct {
    const char *group, *verb; /* verb NULL: whatever follows */
    const char *instead;
} elsewhere[] = {
    {"bake", NULL, "a `cbuild build` for each target, or --target"},
    {"buildx", "bake", "a `cbuild build` for each target, or --target"},
    {"buildx", "dial-stdio", "there is no daemon to talk to"},
    {"buildx", "policy", "there are no policies: `cbuild lint` checks Dockerfiles"},
    {"catalog", NULL, "`cbuild search HOST/`"},
    {"compose", NULL,
     "containers are started one by one: see `cbuild run` and `network`"},
    {"config", NULL, NO_SWARM},
    {"context", "create", ONE_CONTEXT},
    {"context", "export", ONE_CONTEXT},
    {"context", "import", ONE_CONTEXT},
    {"context", "rm", ONE_CONTEXT},
    {"context", "update", ONE_CONTEXT},
    {"delete", NULL, "on a registry: `cbuild manifest delete NAME:TAG`"},
    {"desktop", NULL, "cbuild runs on this machine"},
    {"digest", NULL,
     "`cbuild buildx imagetools inspect --format '{{.Manifest.Digest}}' NAME`"},
    {"from", NULL, "a Dockerfile and `cbuild build`, or `cbuild create` and `commit`"},
    {"generate", NULL, "see contrib/cbuild-containers.service"},
    {"list-tags", NULL, "`cbuild search --list-tags NAME`"},
    {"image", "scp", "`cbuild save IMAGE | ssh HOST cbuild load`"},
    {"image", "search", "`cbuild search`"},
    {"image", "sign", "names with a digest are verified: NAME@sha256:..."},
    {"image", "trust", "names with a digest are verified: NAME@sha256:..."},
    {"kube", NULL, "containers are started one by one: see `cbuild run`"},
    {"machine", NULL, "cbuild runs on this machine"},
    {"model", NULL, "there are no models"},
    {"mount", NULL, "`cbuild cp` copies files out of a container and into it"},
    {"node", NULL, NO_SWARM},
    {"play", NULL, "containers are started one by one: see `cbuild run`"},
    {"plugin", NULL, "there are no plugins"},
    {"pod", NULL,
     "`--network container:NAME` shares one container's network with others"},
    {"scan", NULL, "images are not searched for vulnerabilities"},
    {"sbom", NULL, "`cbuild image tree` shows what an image holds"},
    {"scout", NULL, "images are not searched for vulnerabilities"},
    {"secret", NULL, "`cbuild build --secret` gives a step one"},
    {"service", NULL, NO_SWARM},
    {"stack", NULL, NO_SWARM},
    {"swarm", NULL, "`cbuild run` starts containers on this machine"},
    {"sync", NULL, "`cbuild copy --all` for each image, or `cbuild pull -a`"},
    {"system", "dial-stdio", "there is no daemon to talk to"},
    {"system", "migrate", "there is nothing to migrate"},
    {"system", "reset",
     "`cbuild system prune -a --volumes`, or remove the store's directory"},
    {"trust", NULL, "names with a digest are verified: NAME@sha256:..."},
    {"unmount", NULL, "`cbuild cp` copies files out of a container and into it"},
    {"volume", "export", "`cbuild run -v VOLUME:/v IMAGE tar -C /v -c .`"},
    {"volume", "import", "`cbuild run -i -v VOLUME:/v IMAGE tar -C /v -x`"},
    {"volume", "update", "that is of a swarm's volumes, and there is no swarm"},
};

/* -1 with err if it is one of these. */
static int is_elsewhere(const char *group, const char *verb, struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(elsewhere); i++) {
        if (strcmp(elsewhere[i].group, group) != 0 ||
            (elsewhere[i].verb && (!verb || strcmp(elsewhere[i].verb, verb) != 0)))
            continue;
        cb_error_set(err, CB_ERR_USAGE, "`%s%s%s` is not here", group,
                     elsewhere[i].verb ? " " : "",
                     elsewhere[i].verb ? elsewhere[i].verb : "");
        return cb_error_hint(err, "%s", elsewhere[i].instead);
    }
    return 0;
}

/* ── What may have been meant ── */

struct words {
    const char **items;
    size_t count, capacity;
};
static void words_free(struct words *words)
{
    cb_vec_free(words);
}
CB_AUTO_VALUE_DEFINE(words, words_free)

/* `cbuild image x`: the words that may follow. */
static int unknown_verb(const char *group, const char *verb, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) verbs = {0};
    cb_auto_value(words) words = {0};
    const char *word, *summary, *near;

    for (size_t at = 0; (word = cb_command_next_verb(group, &at, &summary));) {
        cb_vec_push(&words, word);
        cb_strbuf_addf(&verbs, "%s%s", verbs.len ? ", " : "", word);
    }
    if (!words.count)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "`%s %s` is not a cbuild command", group, verb);
    near = cb_suggest(verb, words.items, words.count);
    if (near)
        return cb_error_hint(err, "did you mean `cbuild %s %s`?", group, near);
    return cb_error_hint(err, "`cbuild %s` is followed by %s", group,
                         cb_strbuf_text(&verbs));
}

/* The first word is none of ours. */
static const char *nearest(const char *name)
{
    cb_auto_value(words) words = {0};
    const char *group;

    for (size_t i = 0; cb_commands[i]; i++)
        cb_vec_push(&words, cb_commands[i]->name);
    for (size_t at = 0; (group = cb_command_next_group(&at));)
        cb_vec_push(&words, group);
    return cb_suggest(name, words.items, words.count);
}

static int is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int cb_command_unknown(int argc, char **argv, struct cb_error **err)
{
    const char *name = argv[0];
    const char *near;

    if (!is_directory(name) && is_elsewhere(name, argc > 1 ? argv[1] : NULL, err) < 0)
        return -1;
    if (argc > 1 && unknown_verb(name, argv[1], err) < 0)
        return -1;
    cb_error_set(err, CB_ERR_USAGE, "`%s` is not a cbuild command", name);
    if (is_directory(name))
        return cb_error_hint(err, "to build that directory: `cbuild build %s`", name);
    if (strcmp(name, "-") == 0 || cb_context_is_remote(name))
        return cb_error_hint(err, "to build from there: `cbuild build %s`", name);
    near = nearest(name);
    if (near)
        return cb_error_hint(err, "did you mean `cbuild %s`?", near);
    return cb_error_hint(err, "see `cbuild --help`");
}
