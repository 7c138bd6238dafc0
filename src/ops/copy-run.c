/* A COPY or ADD carried out: what was selected of each input goes to the destination in a
 * new layer. */
#include "ops/copy-op-priv.h"

#include "base/fs.h"

#include <errno.h>

struct copy_run {
    const struct cb_copy_payload *self;
    struct cb_exec_context *context;
    struct cb_copying copying;
    const struct cb_selection **selections; /* per input */
    struct cb_selection **owned;
    char *dest;      /* resolved, relative */
    int into_dir;    /* written with a slash at its end */
    int dest_filled; /* a file of this COPY became DEST itself */
};

static int ends_in_directory(const char *dest)
{
    size_t len = strlen(dest);

    return len == 0 || dest[len - 1] == '/' ||
           (dest[len - 1] == '.' && (len == 1 || dest[len - 2] == '/'));
}

/* Makes PATH and what is missing on the way. An archive's destination is 0755, whatever
 * --chmod says: its entries have modes of their own. */
static int make_dirs(struct copy_run *run, const char *path, int for_archive,
                     struct cb_error **err)
{
    const struct cb_owner root = {0, 0};

    return cb_dest_dirs(run->copying.dest, path,
                        run->copying.owner ? run->copying.owner : &root,
                        for_archive ? 0755 : cb_chmod_parents(run->copying.chmod), err);
}

/* Where a file called BASE goes: into the destination if that is a directory. Makes
 * directories on the way. */
static int file_target(struct copy_run *run, const char *base, char **out,
                       struct cb_error **err)
{
    struct cb_dest *dest = run->copying.dest;
    struct stat st;
    char *slash;
    int there =
        run->into_dir || !*run->dest ? 0 : cb_dest_lookup(dest, run->dest, &st, err);

    if (there < 0)
        return -1;
    if (run->into_dir || !*run->dest || (there && S_ISDIR(st.st_mode))) {
        *out = *run->dest ? xasprintf("%s/%s", run->dest, base) : xstrdup(base);
        return make_dirs(run, run->dest, 0, err);
    }
    if (run->dest_filled)
        return cb_error_set(
            err, CB_ERR_USAGE,
            "when using %s with more than one source file, the destination "
            "must be a directory and end with a /",
            run->self->is_add ? "ADD" : "COPY");
    run->dest_filled = 1;
    *out = xstrdup(run->dest);
    slash = strrchr(*out, '/');
    if (!slash)
        return 0;
    cb_autofree char *parent = xstrndup(*out, (size_t)(slash - *out));
    return make_dirs(run, parent, 0, err);
}

static int copy_match(struct copy_run *run, int root, int unpack,
                      const struct cb_selection *selection, const struct cb_match *match,
                      struct cb_error **err)
{
    const struct cb_entry *entry = &selection->entries.items[match->first];
    cb_autofree char *target = NULL;
    int archive = 0;

    if (unpack) {
        archive = cb_unpack_wanted(root, entry, err);
        if (archive < 0)
            return -1;
    }
    if (archive || cb_entry_is_dir(entry)) {
        if (make_dirs(run, run->dest, archive, err) < 0)
            return -1;
        return archive ? cb_unpack(&run->copying, root, entry, run->dest, err)
                       : cb_copy_directory(&run->copying, root, selection, match,
                                           run->dest, err);
    }
    if (file_target(run, match->base, &target, err) < 0)
        return -1;
    return cb_copy_file(&run->copying, root, entry, target, err);
}

static int copy_source(struct copy_run *run, const struct cb_copy_origin *source,
                       struct cb_error **err)
{
    const struct cb_selection *selection;
    cb_autofree char *target = NULL;
    int root;

    if (source->input < 0) {
        if (file_target(run, source->name, &target, err) < 0)
            return -1;
        return cb_copy_content(&run->copying, source->content, source->content_len,
                               target, err);
    }
    selection = run->selections[source->input];
    run->copying.source =
        cb_result_is_snapshot(run->context->inputs[source->input])
            ? cb_snapshot_result_get(run->context->inputs[source->input])
            : NULL;
    if (cb_result_root(run->context->inputs[source->input], &root, err) < 0 ||
        (source->keeps_path && make_dirs(run, run->dest, 0, err) < 0))
        return -1;
    cb_vec_foreach (match, &selection->matches) {
        if (match->source == source->index &&
            copy_match(run, root, source->unpack, selection, match, err) < 0)
            return -1;
    }
    return 0;
}

static int select_inputs(struct copy_run *run, struct cb_error **err)
{
    const struct cb_copy_payload *self = run->self;

    for (size_t i = 1; i < self->input_count; i++)
        if (self->selectors[i] && i != self->owner_input &&
            cb_result_select(run->context->inputs[i], self->selectors[i],
                             run->context->pool, run->context->cancel,
                             &run->selections[i], &run->owned[i], err) < 0)
            return -1;
    return 0;
}

/* Is any source an archive to be unpacked? Then the destination must be the merged tree.
 */
static int needs_merged(struct copy_run *run, int *out, struct cb_error **err)
{
    *out = 0;
    cb_vec_foreach (source, &run->self->sources) {
        const struct cb_selection *selection;
        int root;

        if (!source->unpack || source->input < 0)
            continue;
        selection = run->selections[source->input];
        if (cb_result_root(run->context->inputs[source->input], &root, err) < 0)
            return -1;
        cb_vec_foreach (match, &selection->matches) {
            int wanted;

            if (match->source != source->index)
                continue;
            wanted = cb_unpack_wanted(root, &selection->entries.items[match->first], err);

            if (wanted < 0)
                return -1;
            *out |= wanted;
        }
    }
    return 0;
}

static int copy_all(struct copy_run *run, struct cb_error **err)
{
    struct cb_dest *dest = run->copying.dest;

    if (cb_dest_resolve(dest, run->self->dest, &run->dest, err) < 0)
        return cb_error_wrap(err, "destination %s", run->self->dest);
    run->into_dir = ends_in_directory(run->self->dest);
    cb_vec_foreach (source, &run->self->sources) {
        if (copy_source(run, source, err) < 0)
            return -1;
    }
    if (cb_copy_flush(&run->copying, err) < 0)
        return -1;
    return cb_dest_finish(dest, err);
}

static int copy_into(struct copy_run *run, struct cb_snapshot *snapshot,
                     struct cb_error **err)
{
    cb_auto_value(cb_dest) dest = {.fd = -1};
    struct cb_result *parent = run->context->inputs[0];
    int merged;

    if (select_inputs(run, err) < 0 || needs_merged(run, &merged, err) < 0 ||
        cb_dest_open(&dest, snapshot, parent, merged, run->self->env->source_date_epoch,
                     err) < 0)
        return -1;
    run->copying.dest = &dest;
    return copy_all(run, err);
}

static void copy_run_clear(struct copy_run *run)
{
    for (size_t i = 0; run->owned && i < run->self->input_count; i++)
        cb_selection_free(run->owned[i]);
    free(run->owned);
    free(run->selections);
    free(run->dest);
    cb_copying_clear(&run->copying);
}
CB_AUTO_VALUE_DEFINE(copy_run, copy_run_clear)

static int resolve_owner(struct cb_result *root, const char *chown, struct cb_owner *out,
                         struct cb_error **err)
{
    if (cb_owner_resolve(root, chown, out, err) == 0)
        return 0;
    cb_error_wrap(err, "--chown=%s", chown);
    if (!err || cb_error_kind(*err) != CB_ERR_NOT_FOUND)
        return -1;
    return cb_error_hint(err, "names are looked up in /etc/passwd and /etc/group of the "
                              "stage that is copied to; a number needs no look-up");
}

int cb_copy_exec(void *payload, struct cb_exec_context *context, struct cb_result **out,
                 struct cb_error **err)
{
    struct cb_copy_payload *self = payload;
    struct cb_result *parent = context->inputs[0];
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto_value(copy_run) run = {.self = self, .context = context};
    struct cb_digest identity = cb_identity_from("copy", &context->key);
    struct cb_owner owner;

    run.selections = xcalloc(self->input_count, sizeof(*run.selections));
    run.owned = xcalloc(self->input_count, sizeof(*run.owned));
    run.copying.chmod = self->chmod;
    run.copying.pool = context->pool;
    run.copying.cancel = context->cancel;
    run.copying.sink = context->sink;
    run.copying.event_id = context->event_id;
    if (self->chown) {
        if (resolve_owner(context->inputs[self->owner_input], self->chown, &owner, err) <
            0)
            return -1;
        run.copying.owner = &owner;
    }
    if (cb_snapshot_prepare(self->env->store, cb_snapshot_result_get(parent), &snapshot,
                            err) < 0 ||
        copy_into(&run, snapshot, err) < 0 ||
        cb_times_clamp(self->env, snapshot, err) < 0)
        return -1;
    cb_early_write_keep(run.copying.early);
    return cb_snapshot_seal(self->env, snapshot, &identity, out, err);
}
