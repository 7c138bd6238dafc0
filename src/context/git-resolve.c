/* Which commit a branch or tag is: asked of the server, so that the answer can be a key
 * of the cache before anything is fetched. A branch goes before a tag of the same name,
 * as `git checkout` has it; of an annotated tag the commit counts. */
#include "context/remote-priv.h"

#include <string.h>
#include <strings.h>

void cb_git_commit_clear(struct cb_git_commit *commit)
{
    free(commit->name);
    free(commit->object);
    free(commit->commit);
    memset(commit, 0, sizeof(*commit));
}

static void set(struct cb_git_commit *out, const char *name, const char *object,
                const char *commit)
{
    out->name = xstrdup(name);
    out->object = xstrdup(object);
    out->commit = xstrdup(commit);
}

static int begins_with(const char *id, const char *checksum)
{
    return strncasecmp(id, checksum, strlen(checksum)) == 0;
}

static int check(const struct cb_git_ref *ref, const struct cb_git_commit *found,
                 struct cb_error **err)
{
    const char *want = ref->checksum;

    if (!want || begins_with(found->commit, want) || begins_with(found->object, want))
        return 0;
    if (strcmp(found->object, found->commit) != 0)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "expected checksum to match %s, got %s or %s", want,
                            found->object, found->commit);
    return cb_error_set(err, CB_ERR_INTEGRITY, "expected checksum to match %s, got %s",
                        want, found->commit);
}

/* ── ls-remote's lines: "<object>\t<name>" ── */

/* The object that NAME has in LISTING, or NULL. Caller frees. */
static char *object_of(const char *listing, const char *name)
{
    size_t len = strlen(name);

    while (*listing) {
        size_t line = strcspn(listing, "\n");
        const char *tab = memchr(listing, '\t', line);

        if (tab && (size_t)(listing + line - tab - 1) == len &&
            memcmp(tab + 1, name, len) == 0) {
            cb_autofree char *object = xstrndup(listing, (size_t)(tab - listing));

            if (cb_git_is_commit(object))
                return cb_steal(&object);
        }
        listing += line + (listing[line] == '\n');
    }
    return NULL;
}

/* The branch that HEAD is: "ref: refs/heads/x\tHEAD". Caller frees; NULL if detached. */
static char *default_branch(const char *listing)
{
    static const char mark[] = "ref: refs/heads/";
    const char *name;

    if (strncmp(listing, mark, sizeof(mark) - 1) != 0)
        return NULL;
    name = listing + strlen("ref: ");
    return xstrndup(name, strcspn(name, "\t\n"));
}

static int resolve_default(struct cb_git *git, struct cb_git_commit *out,
                           struct cb_error **err)
{
    cb_auto_value(cb_strbuf) listing = {0};
    cb_autofree char *branch = NULL;
    cb_autofree char *object = NULL;

    if (cb_git_call(git, &listing, err, "ls-remote", "--symref", "--", git->ref->remote,
                    "HEAD") < 0)
        return -1;
    object = object_of(cb_strbuf_text(&listing), "HEAD");
    if (!object)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "could not find default branch for repository: %s",
                            git->ref->remote);
    branch = default_branch(cb_strbuf_text(&listing));
    set(out, branch ? branch : "HEAD", object, object);
    return 0;
}

static const char *without(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 ? name + len : name;
}

/* Full name, branch, tag, in this order. */
static int choose(const char *listing, const char *ref, struct cb_git_commit *out)
{
    const char *const names[] = {"refs/", "refs/heads/", "refs/tags/"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        cb_autofree char *name = xasprintf("%s%s", names[i], without(ref, names[i]));
        cb_autofree char *peeled_name = xasprintf("%s^{}", name);
        cb_autofree char *object = object_of(listing, name);
        cb_autofree char *peeled = object_of(listing, peeled_name);

        if (object) {
            set(out, name, object, peeled ? peeled : object);
            return 1;
        }
    }
    return 0;
}

static int resolve_name(struct cb_git *git, struct cb_git_commit *out,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) listing = {0};
    cb_autofree char *peeled = xasprintf("%s^{}", git->ref->ref);

    if (cb_git_call(git, &listing, err, "ls-remote", "--", git->ref->remote,
                    git->ref->ref, peeled) < 0)
        return -1;
    if (choose(cb_strbuf_text(&listing), git->ref->ref, out))
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND, "repository `%s` does not contain ref %s",
                        git->ref->remote, git->ref->ref);
}

/* fetch-by-commit: the checksum is believed, the name is a label. */
static int by_commit(const struct cb_git_ref *ref, struct cb_git_commit *out,
                     struct cb_error **err)
{
    cb_autofree char *name = NULL;

    if (!ref->checksum)
        return cb_error_set(err, CB_ERR_USAGE,
                            "fetch-by-commit requires a checksum or a commit SHA ref");
    if (!cb_git_is_commit(ref->checksum))
        return cb_error_set(err, CB_ERR_USAGE,
                            "fetch-by-commit requires a full commit SHA checksum, got "
                            "\"%s\"",
                            ref->checksum);
    if (*ref->ref)
        name = xasprintf("%s%s", strncmp(ref->ref, "refs/", 5) == 0 ? "" : "refs/heads/",
                         ref->ref);
    set(out, name ? name : "", ref->checksum, ref->checksum);
    return 0;
}

/* Having built once does not help: a name is asked for each time. */
static int refuse_offline(const struct cb_git_ref *ref, struct cb_error **err)
{
    cb_autofree char *what =
        *ref->ref ? xasprintf("`%s` is", ref->ref) : xstrdup("the default branch is");

    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "what commit %s now only `%s` can tell, and it may not be asked "
                 "(--offline)",
                 what, ref->host);
    return cb_error_hint(err, "name the commit in full, or build --locked");
}

static int ask(const struct cb_remote *remote, const struct cb_git_ref *ref,
               struct cb_git_commit *out, struct cb_error **err)
{
    cb_auto_value(cb_git) git = {.dir_fd = -1};

    if (remote->offline)
        return refuse_offline(ref, err);
    if (cb_git_open(&git, remote, ref, err) < 0)
        return -1;
    return *ref->ref ? resolve_name(&git, out, err) : resolve_default(&git, out, err);
}

/* What the pins say stands for the name, as if the URL had said the commit. 1: they do,
 * 0: the server was asked. */
static int pinned_or_asked(const struct cb_remote *remote, const struct cb_git_ref *ref,
                           struct cb_git_commit *out, struct cb_error **err)
{
    cb_autofree char *whole =
        xasprintf("%s%s%s", ref->remote, *ref->ref ? "#" : "", ref->ref);
    cb_autofree char *name = cb_redact_place(whole);
    cb_autofree char *pin = NULL;
    int found = cb_pins_find(remote->pins, CB_PIN_GIT, name, &pin, err);

    if (found < 0)
        return -1;
    if (found) {
        set(out, "", pin, pin);
        return 1;
    }
    if (ask(remote, ref, out, err) < 0)
        return -1;
    return cb_pins_note(remote->pins, CB_PIN_GIT, name, out->commit, err);
}

int cb_git_resolve(const struct cb_remote *remote, const struct cb_git_ref *ref,
                   struct cb_git_commit *out, struct cb_error **err)
{
    cb_auto_value(cb_git_commit) found = {0};
    int is_pinned = 0;

    if (cb_git_is_commit(ref->ref)) {
        set(&found, "", ref->ref, ref->ref);
    } else if (ref->fetch_by_commit) {
        if (by_commit(ref, &found, err) < 0)
            return -1;
    } else {
        is_pinned = pinned_or_asked(remote, ref, &found, err);
        if (is_pinned < 0)
            return -1;
    }
    if (check(ref, &found, err) < 0)
        return is_pinned ? cb_error_hint(err, CB_PINS_RENEW) : -1;
    *out = found;
    memset(&found, 0, sizeof(found));
    return 0;
}

/* Without its .git directory a tree is the same by whatever name it was found. */
char *cb_git_tree_key(const struct cb_git_ref *ref, const struct cb_git_commit *commit)
{
    cb_auto_value(cb_strbuf) key = {0};
    int keep = ref->keep_git_dir > 0 && !*ref->subdir;

    cb_strbuf_adds(&key, keep ? commit->object : commit->commit);
    if (keep)
        cb_strbuf_addf(&key, ".git#%s %s", commit->name, ref->remote);
    if (*ref->subdir)
        cb_strbuf_addf(&key, ":%s", ref->subdir);
    if (ref->submodules == 0)
        cb_strbuf_adds(&key, "(skip-submodules)");
    if (ref->commit_times)
        cb_strbuf_adds(&key, "(mtime=commit)");
    return cb_strbuf_steal(&key);
}
