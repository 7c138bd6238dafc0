/* COPY and ADD as a vertex. The key holds what decides the result: where to, as whom,
 * how, and the content of what is selected, not the directory it comes from. The result's
 * identity follows from that key, so equal copies are equal without looking at them. */
#include "ops/copy-priv.h"

#include "base/fs.h"

#include <errno.h>

struct source {
    int input;
    char *path, *name;
    void *content;
    size_t content_len;
    int unpack;
    int keeps_path; /* --parents */
    size_t index;   /* among the paths of its input's selector */
};

struct copy_payload {
    struct cb_build_env *env;
    CB_VEC(struct source) sources;
    char *dest, *chown;
    char *chmod_text;
    struct cb_chmod *chmod;
    int is_add, from_stage;
    size_t owner_input;
    char **selectors; /* per input; NULL for input 0 and those without a path */
    int *by_identity; /* per input: its times count, too */
    char **labels;
    size_t input_count;
    struct cb_key_parts parts;
};

static void copy_free(void *arg)
{
    struct copy_payload *self = arg;

    cb_vec_foreach (source, &self->sources) {
        free(source->path);
        free(source->name);
        free(source->content);
    }
    cb_vec_free(&self->sources);
    for (size_t i = 0; i < self->input_count; i++) {
        free(self->selectors[i]);
        free(self->labels[i]);
    }
    free(self->selectors);
    free(self->by_identity);
    free(self->labels);
    free(self->dest);
    free(self->chown);
    free(self->chmod_text);
    cb_chmod_free(self->chmod);
    cb_key_parts_free(&self->parts);
    free(self);
}

/* ── Key ── */

static int copy_cache_map(void *payload, struct cb_cache_map *map,
                          struct cb_cancel *cancel, struct cb_error **err)
{
    const struct copy_payload *self = payload;

    (void)cancel;
    (void)err;
    cb_vec_foreach (part, &self->parts)
        cb_key_parts_add(&map->parts, part->name, part->value);
    map->inputs = xcalloc(self->input_count, sizeof(*map->inputs));
    for (size_t i = 1; i < self->input_count; i++) {
        map->inputs[i].wants_content = self->selectors[i] && !self->by_identity[i];
        map->inputs[i].selector = self->selectors[i];
        map->inputs[i].label = self->labels[i];
    }
    return 0;
}

/* ── Execution ── */

struct copy_run {
    const struct copy_payload *self;
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

static int copy_source(struct copy_run *run, const struct source *source,
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
    const struct copy_payload *self = run->self;

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

static int copy_exec(void *payload, struct cb_exec_context *context,
                     struct cb_result **out, struct cb_error **err)
{
    struct copy_payload *self = payload;
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

static const struct cb_op_class copy_op = {
    .name = "copy",
    .pool = CB_POOL_CPU,
    .cheap_map = 1,
    .cache_map = copy_cache_map,
    .exec = copy_exec,
    .free_payload = copy_free,
};

/* ── Construction ── */

static void add_source(struct copy_payload *self, const struct cb_copy_source *from,
                       const struct cb_copy_options *options,
                       struct cb_selector *selectors)
{
    struct source source = {.input = from->input,
                            .unpack = from->fetched ? from->unpack : options->unpack,
                            .keeps_path = options->parents && !from->fetched};

    if (from->input < 0) {
        source.name = xstrdup(from->name);
        source.content = xmemdup(from->content ? from->content : "", from->content_len);
        source.content_len = from->content_len;
    } else {
        source.path = xstrdup(from->path);
        source.index = selectors[from->input].paths.count;
        cb_strings_add(&selectors[from->input].paths, from->path);
        selectors[from->input].literal |= from->fetched;
        selectors[from->input].parents |= source.keeps_path;
        self->is_add |= from->fetched;
        self->by_identity[from->input] |= from->with_times;
    }
    cb_vec_push(&self->sources, source);
}

static size_t count_inputs(const struct cb_copy_options *options, size_t given)
{
    size_t count = given > 1 ? given : 1;

    for (size_t i = 0; i < options->source_count; i++)
        if (options->sources[i].input >= (int)count)
            count = (size_t)options->sources[i].input + 1;
    if (options->owner_input >= (int)count)
        count = (size_t)options->owner_input + 1;
    return count;
}

/* Of the tree that --chown's names are looked up in, only the files they are in count. */
static void select_names(struct copy_payload *self)
{
    cb_auto_value(cb_selector) selector = {.literal = 1, .optional = 1};

    selector.verb = xstrdup("COPY --chown");
    cb_strings_add(&selector.paths, "/etc/passwd");
    cb_strings_add(&selector.paths, "/etc/group");
    self->selectors[self->owner_input] = cb_selector_text(&selector);
    self->labels[self->owner_input] = xstrdup("names of users and groups");
}

static void make_selectors(struct copy_payload *self,
                           const struct cb_copy_options *options)
{
    struct cb_selector *selectors = xcalloc(self->input_count, sizeof(*selectors));

    for (size_t i = 0; i < options->source_count; i++) {
        add_source(self, &options->sources[i], options, selectors);
    }
    for (size_t i = 0; i < self->input_count; i++) {
        struct cb_selector *selector = &selectors[i];

        if (i > 0 && selector->paths.count > 0) {
            selector->verb = xstrdup(self->is_add ? "ADD" : "COPY");
            if (options->exclude)
                cb_strings_copy(&selector->exclude, options->exclude);
            selector->owners = options->from_stage && !options->chown;
            selector->required = !options->allow_missing_glob;
            selector->optional = options->optional;
            selector->dated = cb_times_are_clamped(self->env);
            selector->newest_s = self->env->source_date_epoch;
            self->selectors[i] = cb_selector_text(selector);
            self->labels[i] = cb_strings_joined(&selector->paths);
        }
        cb_selector_clear(selector);
    }
    free(selectors);
}

/* The last name of a source counts (a file is called so at the destination), and all of a
 * pattern's; the directory it is in does not, unless it is kept. */
static void add_source_part(struct copy_payload *self, const struct source *source,
                            int parents)
{
    cb_autofree char *clean = NULL;

    if (source->input < 0) {
        cb_autofree char *name = xasprintf("content %s", source->name);

        cb_key_parts_add_bytes(&self->parts, name, source->content, source->content_len);
        return;
    }
    clean = cb_path_join("/", source->path);
    cb_key_parts_addf(&self->parts, CB_KEY_SOURCE, "%d:%s%s", source->input,
                      parents ? source->path : cb_path_base(clean),
                      source->unpack ? " unpack" : "");
}

static void make_parts(struct copy_payload *self, const struct cb_copy_options *options)
{
    cb_vec_foreach (source, &self->sources)
        add_source_part(self, source, options->parents);
    cb_key_parts_add(&self->parts, "dest", self->dest);
    cb_key_parts_add(&self->parts, "chown", self->chown);
    cb_key_parts_add(&self->parts, "chmod", self->chmod_text);
    cb_key_parts_addf(
        &self->parts, "flags", "%s%s%s%s", options->parents ? "parents " : "",
        options->unpack ? "unpack " : "", options->from_stage ? "from-stage " : "",
        options->link ? "link " : "");
    if (!options->from_stage && self->input_count > 1)
        cb_key_parts_add(&self->parts, "context-mode",
                         self->env->context_git_modes ? "git" : "keep");
    if (options->exclude && options->exclude->count > 0) {
        cb_autofree char *exclude = cb_strings_quoted(options->exclude);

        cb_key_parts_add(&self->parts, "exclude", exclude);
    }
    cb_times_key_part(self->env, &self->parts);
}

int cb_op_copy(struct cb_vertex_options *out, struct cb_build_env *env,
               const struct cb_copy_options *options, struct cb_error **err)
{
    cb_auto_value(cb_strings) selectors = {0};
    cb_auto(cb_chmod) chmod = NULL;
    struct copy_payload *self;

    if (options->chmod && cb_chmod_parse(&chmod, options->chmod, err) < 0)
        return -1;
    self = xcalloc(1, sizeof(*self));
    self->env = env;
    self->dest = xstrdup(options->dest);
    self->chown = xstrdup(options->chown);
    self->chmod_text = xstrdup(options->chmod);
    self->chmod = cb_steal(&chmod);
    self->is_add = options->unpack;
    self->from_stage = options->from_stage;
    self->owner_input = (size_t)options->owner_input;
    self->input_count = count_inputs(options, out->input_count);
    self->selectors = xcalloc(self->input_count, sizeof(*self->selectors));
    self->by_identity = xcalloc(self->input_count, sizeof(*self->by_identity));
    self->labels = xcalloc(self->input_count, sizeof(*self->labels));
    make_selectors(self, options);
    if (self->owner_input)
        select_names(self);
    make_parts(self, options);
    for (size_t i = 1; i < self->input_count; i++)
        cb_strings_add(&selectors, self->selectors[i] ? self->selectors[i] : "");
    out->op = &copy_op;
    out->payload = self;
    out->definition = cb_definition_digest(copy_op.name, &self->parts, &selectors);
    return 0;
}
