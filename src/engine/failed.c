/* RUN steps that failed: shown to people while their sandbox is still there
 * (--on-error=shell), or kept for later (--keep-failed): the layer is pinned for the
 * build, and what the command got lies beside the build's log, as failed.json. Secrets
 * and mounts are not kept. Both end with the build's log. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define KEPT_NAME      "failed.json"
#define KEPT_MAX_BYTES (64u << 20)
#define WORDS_MAX      100000

struct cb_failures {
    const struct cb_engine_env *given;
    struct cb_history_log *log;
    int keep, shell;
    pthread_mutex_t lock; /* one at a time */
    int kept;
};

struct cb_failures *cb_failures_new(const struct cb_engine_env *given,
                                    struct cb_history_log *log, int keep, int shell)
{
    struct cb_failures *failures = xcalloc(1, sizeof(*failures));

    failures->given = given;
    failures->log = log;
    /* Without a terminal there is nobody to look around; later there may be. */
    failures->keep = keep || (shell && !given->shell);
    failures->shell = shell && given->shell;
    pthread_mutex_init(&failures->lock, NULL);
    return failures;
}

void cb_failures_free(struct cb_failures *failures)
{
    if (!failures)
        return;
    pthread_mutex_destroy(&failures->lock);
    free(failures);
}

/* ── Keeping ── */

static char *owner_of(const char *id)
{
    return xasprintf("failed-%s", id);
}

static json_t *strings_json(const struct cb_strings *strings)
{
    json_t *array = json_array();

    cb_vec_foreach (text, strings)
        json_array_append_new(array, json_stringn_nocheck(*text, strlen(*text)));
    return array;
}

static char *step_text(const struct cb_failed_step *step)
{
    static const char *const networks[] = {"default", "none", "host"};
    const struct cb_process_spec *spec = step->spec;
    cb_auto_json *object = json_pack(
        "{s:s,s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:b}", "snapshot", cb_snapshot_id(step->layer),
        "error", step->error, "argv", strings_json(spec->argv), "env",
        strings_json(step->env), "cwd", spec->cwd ? spec->cwd : "/", "user",
        spec->user ? spec->user : "", "hostname", spec->hostname ? spec->hostname : "",
        "network", networks[step->network], "insecure",
        spec->security == CB_SECURITY_INSECURE);

    return object ? cb_json_dump(object) : NULL;
}

static void say(struct cb_failures *failures, uint64_t id, const char *text)
{
    cb_event_emit(failures->given->sink, (struct cb_event){.kind = CB_EVENT_NOTICE,
                                                           .id = id,
                                                           .text = text,
                                                           .len = strlen(text)});
}

static int keep(struct cb_failures *failures, const struct cb_failed_step *step,
                char id[CB_BUILD_ID_LEN + 1], struct cb_error **err)
{
    cb_autofree char *text = step_text(step);
    cb_autofree char *owner = NULL;

    if (!text)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "its command is not UTF-8");
    if (cb_history_log_keep(failures->log, KEPT_NAME, text, id, err) < 0)
        return -1;
    owner = owner_of(id);
    return cb_snapshot_pin(step->layer, owner, err);
}

static void keep_first(struct cb_failures *failures, const struct cb_failed_step *step)
{
    cb_auto(cb_error) error = NULL;
    cb_autofree char *text = NULL;
    char id[CB_BUILD_ID_LEN + 1];

    if (failures->kept)
        return;
    if (keep(failures, step, id, &error) < 0) {
        text = xasprintf("the step that failed is not kept: %s", cb_error_message(error));
    } else {
        failures->kept = 1;
        text = xasprintf("the files of the step that failed are kept as snapshot %s; "
                         "`cbuild debug %s` opens a shell in them",
                         cb_snapshot_id(step->layer), id);
    }
    say(failures, step->event_id, text);
}

void cb_failures_tell(void *arg, const struct cb_failed_step *step)
{
    struct cb_failures *failures = arg;

    pthread_mutex_lock(&failures->lock);
    if (failures->shell && !cb_cancel_requested(failures->given->cancel))
        failures->given->shell(failures->given->shell_arg, step->spec, step->error);
    if (failures->keep)
        keep_first(failures, step);
    pthread_mutex_unlock(&failures->lock);
}

int cb_build_remove(struct cb_store *store, int builds_fd, const char *name,
                    struct cb_error **err)
{
    cb_autofree char *kept = xasprintf("%s/" KEPT_NAME, name);
    cb_autofree char *owner = owner_of(name);

    if (faccessat(builds_fd, kept, F_OK, 0) == 0 &&
        cb_snapshot_unpin(store, owner, err) < 0)
        return -1;
    return cb_fs_remove_tree(builds_fd, name, err);
}

/* ── Coming back ── */

void cb_kept_step_clear(struct cb_kept_step *step)
{
    free(step->error);
    cb_snapshot_unref(step->layer);
    cb_strings_free(&step->argv);
    cb_strings_free(&step->env);
    free(step->cwd);
    free(step->user);
    free(step->hostname);
    free(step->network);
}

static int take_strings(const struct cb_json *object, const char *key,
                        struct cb_strings *out, struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);

    return cb_json_strings(&member, WORDS_MAX, out, err);
}

static int take_step(struct cb_store *store, const struct cb_json *object,
                     struct cb_kept_step *out, struct cb_error **err)
{
    struct cb_json insecure = cb_json_member(object, "insecure");
    cb_autofree char *snapshot = NULL;
    int found;

    if (cb_json_required_text(object, "snapshot", &snapshot, err) < 0 ||
        cb_json_required_text(object, "error", &out->error, err) < 0 ||
        cb_json_required_text(object, "cwd", &out->cwd, err) < 0 ||
        cb_json_required_text(object, "user", &out->user, err) < 0 ||
        cb_json_required_text(object, "hostname", &out->hostname, err) < 0 ||
        cb_json_required_text(object, "network", &out->network, err) < 0 ||
        take_strings(object, "argv", &out->argv, err) < 0 ||
        take_strings(object, "env", &out->env, err) < 0 ||
        cb_json_bool(&insecure, &out->insecure, err) < 0)
        return -1;
    found = cb_snapshot_get(store, snapshot, &out->layer, err);
    if (found < 0)
        return -1;
    return found ? 0
                 : cb_error_set(err, CB_ERR_NOT_FOUND, "snapshot %s is gone", snapshot);
}

int cb_kept_step_open(struct cb_store *store, const char *id, struct cb_kept_step *out,
                      struct cb_error **err)
{
    cb_autofree char *path = xasprintf("builds/%s/" KEPT_NAME, id);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_kept_step) step = {0};
    cb_auto_json *root = NULL;
    struct cb_json object;

    if (faccessat(cb_store_root_fd(store), path, F_OK, 0) < 0) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "build %s kept no step", id);
        return cb_error_hint(err,
                             "`cbuild build --keep-failed` keeps the step that fails");
    }
    if (cb_fs_read_file(cb_store_root_fd(store), path, KEPT_MAX_BYTES, &text, err) < 0 ||
        cb_json_parse(&root, KEPT_NAME, cb_strbuf_text(&text), text.len, KEPT_MAX_BYTES,
                      err) < 0)
        return -1;
    object = cb_json_root(root, KEPT_NAME);
    if (cb_json_expect_object(&object, err) < 0 ||
        take_step(store, &object, &step, err) < 0)
        return -1;
    *out = step;
    step = (struct cb_kept_step){0};
    return 0;
}
