/* Between a lock file and who resolves names. A build with --locked takes nothing but
 * what the file says. `cbuild lock` keeps what the file says of names that are still
 * used, unless it is to look anew, and notes what the others are: once each, so that a
 * name means one thing in a file even if it moves meanwhile. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/out-file.h"
#include "engine/lock-file.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

struct cb_locking {
    struct cb_pins pins;
    char *path;
    int is_build; /* nothing is noted */
    int update;
    struct cb_strbuf text; /* as the file is */
    struct cb_lock_file old;
    pthread_mutex_t lock; /* guards NOW */
    struct cb_lock_file now;
};

/* ── What resolvers ask and tell ── */

/* As it stands in the file: nothing that a terminal would act on, and valid UTF-8. */
static char *key_of(const char *name)
{
    struct cb_strbuf out = {0};

    cb_strbuf_add_escaped(&out, name, strlen(name), 0);
    return cb_strbuf_steal(&out);
}

static int not_there(const struct cb_locking *locking, const char *key,
                     struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND, "`%s` is not in the lock file `%s`", key,
                 locking->path);
    return cb_error_hint(err, "`cbuild lock` adds what is missing there");
}

static int find(void *arg, enum cb_pin_kind kind, const char *name, char **pin,
                struct cb_error **err)
{
    struct cb_locking *locking = arg;
    cb_autofree char *key = key_of(name);
    const char *known =
        locking->update ? NULL : cb_lock_file_find(&locking->old, kind, key);
    const char *noted;

    if (locking->is_build) {
        if (!known)
            return not_there(locking, key, err);
        *pin = xstrdup(known);
        return 1;
    }
    pthread_mutex_lock(&locking->lock);
    noted = cb_lock_file_find(&locking->now, kind, key);
    if (!noted && known) {
        cb_lock_file_add(&locking->now, kind, key, known);
        noted = known;
    }
    *pin = noted ? xstrdup(noted) : NULL;
    pthread_mutex_unlock(&locking->lock);
    return *pin != NULL;
}

static int nowhere(const char *key, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "`%s` cannot be locked: no registry is known to have it", key);
    return cb_error_hint(err, "push it, or give it with --build-context "
                              "NAME=oci-layout://DIR");
}

static int note(void *arg, enum cb_pin_kind kind, const char *name, const char *pin,
                struct cb_error **err)
{
    struct cb_locking *locking = arg;
    cb_autofree char *key = key_of(name);
    const char *noted;
    int moved;

    if (locking->is_build)
        return 0;
    if (!pin)
        return nowhere(key, err);
    pthread_mutex_lock(&locking->lock);
    noted = cb_lock_file_find(&locking->now, kind, key);
    moved = noted && strcmp(noted, pin) != 0;
    if (!noted)
        cb_lock_file_add(&locking->now, kind, key, pin);
    pthread_mutex_unlock(&locking->lock);
    if (moved)
        return cb_error_set(err, CB_ERR_NETWORK,
                            "`%s` changed while it was looked at: try again", key);
    return 0;
}

/* ── Which file ── */

static int is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* NULL: the Dockerfile is no file of this machine. Caller frees. */
static char *dockerfile_of(const struct cb_build_request *request)
{
    const char *context = request->context ? request->context : "";
    const char *dockerfile = request->dockerfile;
    const int is_remote =
        cb_is_stdin(context) || (!is_there(context) && cb_context_is_remote(context));

    if (dockerfile && (cb_is_stdin(dockerfile) || cb_is_url(dockerfile)))
        return NULL;
    if (is_remote && !(dockerfile && *dockerfile == '/'))
        return NULL;
    if (dockerfile)
        return xstrdup(dockerfile);
    for (const char *const *name = cb_dockerfile_names; *name; name++) {
        cb_autofree char *path = cb_path_join(context, *name);

        if (is_there(path))
            return cb_steal(&path);
    }
    return cb_path_join(context, cb_dockerfile_names[0]);
}

static int choose_path(struct cb_locking *locking, const struct cb_build_request *request,
                       struct cb_error **err)
{
    cb_autofree char *dockerfile = NULL;

    if (request->lock_file) {
        locking->path = xstrdup(request->lock_file);
        return 0;
    }
    dockerfile = dockerfile_of(request);
    if (dockerfile) {
        locking->path = xasprintf("%s.lock", dockerfile);
        return 0;
    }
    cb_error_set(err, CB_ERR_USAGE,
                 "the Dockerfile is no file here that a lock file "
                 "could lie beside");
    return cb_error_hint(err, "name one with --lock-file");
}

int cb_locking_open(struct cb_locking **out, const struct cb_build_request *request,
                    struct cb_error **err)
{
    const int is_build = request->call != CB_CALL_LOCK;
    cb_auto(cb_locking) locking = NULL;
    int found;

    if (is_build && !request->locked)
        return 0;
    locking = xcalloc(1, sizeof(*locking));
    pthread_mutex_init(&locking->lock, NULL);
    locking->pins = (struct cb_pins){.arg = locking, .find = find, .note = note};
    locking->is_build = is_build;
    locking->update = request->lock_update;
    if (choose_path(locking, request, err) < 0)
        return -1;
    found = cb_lock_file_read(&locking->old, locking->path, &locking->text, err);
    if (found < 0)
        return -1;
    if (!found && is_build) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "--locked: there is no lock file `%s`",
                     locking->path);
        return cb_error_hint(err, "`cbuild lock` writes it");
    }
    *out = cb_steal(&locking);
    return 0;
}

const struct cb_pins *cb_locking_pins(struct cb_locking *locking)
{
    return locking ? &locking->pins : NULL;
}

void cb_locking_free(struct cb_locking *locking)
{
    if (!locking)
        return;
    cb_lock_file_clear(&locking->old);
    cb_lock_file_clear(&locking->now);
    cb_strbuf_free(&locking->text);
    pthread_mutex_destroy(&locking->lock);
    free(locking->path);
    free(locking);
}

/* ── The end of `cbuild lock` ── */

static void add_change(struct cb_lock_result *out, const char *name, const char *from,
                       const char *to)
{
    struct cb_lock_change change = {.name = key_of(name)};

    if (from && to && strcmp(from, to) == 0) {
        free(change.name);
        return;
    }
    change.from = from ? xstrdup(from) : NULL;
    change.to = to ? xstrdup(to) : NULL;
    cb_vec_push(&out->changes, change);
}

static void compare(const struct cb_locking *locking, struct cb_lock_result *out)
{
    cb_vec_foreach (entry, &locking->now)
        add_change(out, entry->name,
                   cb_lock_file_find(&locking->old, entry->kind, entry->name),
                   entry->pin);
    cb_vec_foreach (entry, &locking->old) {
        if (!cb_lock_file_find(&locking->now, entry->kind, entry->name))
            add_change(out, entry->name, entry->pin, NULL);
    }
}

int cb_locking_write(struct cb_locking *locking, struct cb_lock_result *out,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    compare(locking, out);
    out->path = xstrdup(locking->path);
    out->count = locking->now.count;
    cb_lock_file_format(&locking->now, &text);
    if (text.len == locking->text.len &&
        memcmp(cb_strbuf_text(&text), cb_strbuf_text(&locking->text), text.len) == 0)
        return 0;
    if (cb_out_file_write(locking->path, cb_strbuf_text(&text), err) < 0)
        return cb_error_wrap(err, "write the lock file `%s`", locking->path);
    return 0;
}
