/* COPY and ADD as a vertex. The key holds what decides the result: where to, as whom,
 * how, and the content of what is selected, not the directory it comes from. The result's
 * identity follows from that key, so equal copies are equal without looking at them. */
#include "ops/copy-op-priv.h"

#include "base/fs.h"

static void copy_free(void *arg)
{
    struct cb_copy_payload *self = arg;

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
    const struct cb_copy_payload *self = payload;

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

static const struct cb_op_class copy_op = {
    .name = "copy",
    .pool = CB_POOL_CPU,
    .cheap_map = 1,
    .cache_map = copy_cache_map,
    .exec = cb_copy_exec,
    .free_payload = copy_free,
};

/* ── Construction ── */

static void add_source(struct cb_copy_payload *self, const struct cb_copy_source *from,
                       const struct cb_copy_options *options,
                       struct cb_selector *selectors)
{
    struct cb_copy_origin source = {.input = from->input,
                                    .unpack =
                                        from->fetched ? from->unpack : options->unpack,
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
static void select_names(struct cb_copy_payload *self)
{
    cb_auto_value(cb_selector) selector = {.literal = 1, .optional = 1};

    selector.verb = xstrdup("COPY --chown");
    cb_strings_add(&selector.paths, "/etc/passwd");
    cb_strings_add(&selector.paths, "/etc/group");
    self->selectors[self->owner_input] = cb_selector_text(&selector);
    self->labels[self->owner_input] = xstrdup("names of users and groups");
}

static void make_selectors(struct cb_copy_payload *self,
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
static void add_source_part(struct cb_copy_payload *self,
                            const struct cb_copy_origin *source, int parents)
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

static void make_parts(struct cb_copy_payload *self,
                       const struct cb_copy_options *options)
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
    struct cb_copy_payload *self;

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
