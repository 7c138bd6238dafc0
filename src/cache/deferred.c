/* From the build to the outbox, and from there to the registry. No build waits for a
 * lock of those who send. */
#include "cache/deferred.h"

#include "base/subprocess.h"
#include "store/content.h"

#include <fcntl.h>
#include <unistd.h>

/* Caller frees; NULL if nothing can be sent to PLACE. */
static char *canonical(const char *place, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, place, err) < 0)
        return NULL;
    cb_reference_default_tag(reference);
    if (reference->tag)
        return cb_reference_canonical(reference);
    cb_error_set(err, CB_ERR_USAGE, "cannot push to a digest: `%s`", place);
    return NULL;
}

/* ── From a build ── */

void cb_deferred_tell(struct cb_build_env *env, const char *place,
                      struct cb_outbox_entry **earlier)
{
    cb_autofree char *name = canonical(place, NULL);
    struct cb_outbox_entry *entry = NULL;

    *earlier = NULL;
    if (!name || cb_outbox_find(env->store, name, &entry, NULL) <= 0)
        return;
    *earlier = entry;
    if (entry->is_held)
        return;
    if (entry->error)
        cb_event_say(env->sink, CB_EVENT_WARNING, 0,
                     "the cache of an earlier build could not be sent to %s: %s", place,
                     entry->error);
    else
        cb_event_say(env->sink, CB_EVENT_WARNING, 0,
                     "the cache of an earlier build was not sent to %s, and gives way to "
                     "this one's",
                     place);
}

static int start(struct cb_build_env *env, const char *name, struct cb_error **err)
{
    const char *const argv[] = {CB_PUSHER_NAME, cb_store_root(env->store), name, NULL};
    cb_autofd int log = -1;

    if (cb_outbox_open_log(env->store, name, &log, NULL) < 0)
        log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return cb_subprocess_detach("/proc/self/exe", argv, log, NULL, 0, err);
}

int cb_deferred_add(struct cb_build_env *env, const struct cb_manifest *manifest,
                    const struct cb_cache_location *to, struct cb_error **err)
{
    cb_auto(cb_outbox_entry) entry = xcalloc(1, sizeof(*entry));

    entry->name = canonical(to->place, err);
    if (!entry->name || cb_manifest_parse(&entry->manifest, manifest->bytes,
                                          manifest->len, manifest->media_type, err) < 0)
        return -1;
    cb_registry_reach(env->registry, &entry->reach);
    if (cb_outbox_put(env->store, entry, err) < 0)
        return -1;
    return env->offline ? 0 : start(env, entry->name, err);
}

/* ── From the outbox ── */

struct waiting {
    struct cb_event_sink *sink;
    const char *name;
};

static void tell_wait(void *arg, pid_t holder)
{
    const struct waiting *waiting = arg;

    cb_event_say(waiting->sink, CB_EVENT_NOTICE, 0,
                 "waiting for process %ld, which sends a cache to %s", (long)holder,
                 waiting->name);
}

/* What is being sent stays, also when another takes its place in the outbox. What is not
 * here may be in the registry. */
static void lease(struct cb_store *store, const struct cb_manifest *manifest)
{
    cb_content_has(store, &manifest->config.digest, NULL);
    cb_vec_foreach (layer, &manifest->layers)
        cb_content_has(store, &layer->digest, NULL);
}

static int put(const struct cb_deferred_sender *sender,
               const struct cb_outbox_entry *entry, uint64_t event_id,
               struct cb_error **err)
{
    struct cb_registry_settings settings = *sender->settings; /* all of it borrowed */
    const struct cb_registry_options options = {.store = sender->store,
                                                .pool = sender->pool,
                                                .cancel = sender->cancel,
                                                .sink = sender->sink,
                                                .insecure = &entry->reach.insecure,
                                                .settings = &settings,
                                                .tls_verify = entry->reach.tls_verify};
    cb_auto(cb_registry) registry = NULL;

    if (entry->reach.auth_file)
        settings.auth_file = entry->reach.auth_file;
    if (sender->auth_file)
        settings.auth_file = (char *)sender->auth_file;
    if (entry->reach.cert_dir)
        settings.cert_dir = entry->reach.cert_dir;
    if (cb_registry_new(&registry, &options, err) < 0)
        return -1;
    lease(sender->store, entry->manifest);
    return cb_registry_put_artifact(registry, entry->name, entry->manifest, event_id,
                                    err);
}

static int send_entry(const struct cb_deferred_sender *sender,
                      const struct cb_outbox_entry *entry, struct cb_error **err)
{
    cb_autofree char *title = xasprintf("exporting cache to registry %s", entry->name);
    uint64_t id = cb_event_step_start(sender->sink, title);
    struct cb_error *error = NULL;
    int status = put(sender, entry, id, &error);

    return cb_event_step_end(sender->sink, id, status, &error, err);
}

/* With the name held. Who is told to stop has not failed. */
static int send_held(const struct cb_deferred_sender *sender, const char *name,
                     struct cb_error **err)
{
    cb_auto(cb_outbox_entry) entry = NULL;
    cb_auto(cb_error) error = NULL;
    int found = cb_outbox_find(sender->store, name, &entry, err);

    if (found <= 0)
        return found;
    if (sender->log_fd >= 0 && ftruncate(sender->log_fd, 0) < 0)
        cb_event_say(sender->sink, CB_EVENT_WARNING, 0, "the log keeps what it had");
    if (send_entry(sender, entry, &error) == 0)
        return cb_outbox_settle(sender->store, entry, NULL, err) < 0 ? -1 : 1;
    if (cb_error_kind(error) != CB_ERR_CANCELED)
        cb_outbox_settle(sender->store, entry, cb_error_message(error), NULL);
    cb_error_move(err, &error);
    return cb_error_wrap(err, "export cache to %s", name);
}

int cb_deferred_send(const struct cb_deferred_sender *sender, const char *name,
                     struct cb_error **err)
{
    struct waiting waiting = {sender->sink, name};
    const struct cb_lock_wait wait = {sender->cancel, tell_wait, &waiting};
    struct cb_lock *lock = NULL;
    int sent;

    if (cb_outbox_hold(sender->store, name, &wait, &lock, err) < 0)
        return -1;
    sent = send_held(sender, name, err);
    cb_lock_release_unlink(lock);
    return sent;
}
