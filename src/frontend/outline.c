/* What a target can be given: build arguments with their values and descriptions,
 * secrets, SSH agents, cache mounts. Converters note what they meet, stage by stage; here
 * it is put together for the target: its own notes first, then those of the stage it
 * starts from and of the stages it copies from. The first of a name counts, but for ARGs
 * that a stage declares twice: of these the last says what the value is. */
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include "base/redact.h"

#include <string.h>

void cb_outline_clear(struct cb_outline *outline)
{
    cb_vec_foreach (entry, &outline->entries) {
        free(entry->name);
        free(entry->value);
        free(entry->description);
    }
    cb_vec_free(&outline->entries);
    free(outline->name);
    free(outline->description);
}

char *cb_description_of(const char *comment, const char *name)
{
    size_t len = strlen(name);

    for (; comment; comment = strchr(comment, '\n')) {
        comment += *comment == '\n';
        if (!strncmp(comment, name, len) && comment[len] == ' ')
            return xstrndup(comment + len + 1, strcspn(comment + len + 1, "\n"));
    }
    return NULL;
}

/* ── Notes ── */

static int is_wanted(const struct cb_stage *stage)
{
    return stage->planner && stage->planner->options->purpose == CB_PLAN_OUTLINE;
}

void cb_outline_note_arg(struct cb_stage *stage, const struct cb_item *item,
                         const struct cb_declared *declared)
{
    struct cb_arena *arena;
    struct cb_outline_note note = {.kind = CB_OUTLINE_ARG, .inst = item->inst};

    if (!is_wanted(stage))
        return;
    arena = stage->planner->arena;
    note.name = cb_arena_strdup(arena, declared->name);
    note.value = declared->value ? cb_arena_strdup(arena, declared->value) : NULL;
    note.is_global = declared->origin == CB_ARG_GLOBAL;
    cb_vec_push(&stage->notes, note);
}

void cb_outline_note_mount(struct cb_stage *stage, const struct cb_item *item,
                           const struct cb_run_mount *mount,
                           const struct cb_exec_mount *made)
{
    struct cb_outline_note note = {.inst = item->inst, .required = mount->required};

    if (!is_wanted(stage))
        return;
    if (mount->type == CB_RUN_MOUNT_SECRET) {
        note.kind = CB_OUTLINE_SECRET;
        note.name = made->id;
    } else if (mount->type == CB_RUN_MOUNT_CACHE) {
        note.kind = CB_OUTLINE_CACHE;
        note.name = made->id;
        note.required = 0;
    } else if (mount->type == CB_RUN_MOUNT_SSH) {
        note.kind = CB_OUTLINE_SSH;
        note.name = mount->id && *mount->id ? mount->id : "default";
    } else {
        return;
    }
    cb_vec_push(&stage->notes, note);
}

/* ── Global ARGs ── */

struct gathering {
    struct cb_outline *out;
    struct cb_planner *planner;
    struct cb_map *seen; /* "kind:name" */
    char *visited;       /* by index of the stage */
};

/* The last global ARG of that name. */
static const struct cb_instruction *find_global(const struct cb_planner *planner,
                                                const char *name)
{
    const struct cb_instruction *found = NULL;

    for (size_t i = 0; i < planner->file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &planner->file->global_args[i]->pairs;

        for (size_t n = 0; n < pairs->count; n++) {
            if (strcmp(pairs->items[n].key.text, name) == 0)
                found = planner->file->global_args[i];
        }
    }
    return found;
}

/* Has it been taken? Marks it so. */
static int is_seen(struct gathering *gathering, enum cb_outline_kind kind,
                   const char *name)
{
    cb_autofree char *key = xasprintf("%d:%s", kind, name);

    if (cb_map_has(gathering->seen, key))
        return 1;
    cb_map_set(gathering->seen, key, gathering);
    return 0;
}

static void add(struct gathering *gathering, const struct cb_outline_note *note)
{
    struct cb_outline_entry entry = {
        .kind = note->kind,
        .required = note->required,
        .span = note->inst->span,
        .line = note->inst->line,
        .end_line = note->inst->end_line,
    };

    if (is_seen(gathering, note->kind, note->name))
        return;
    entry.name = xstrdup(note->name);
    entry.value = note->value ? cb_redact_urls(note->value) : NULL;
    if (note->kind == CB_OUTLINE_ARG)
        entry.description = cb_description_of(note->inst->doc_comment, note->name);
    cb_vec_push(&gathering->out->entries, entry);
}

static void add_used(struct gathering *gathering, const struct cb_word *word);

/* What the defaults of all global ARGs of that name take from others: a later one may be
 * made of an earlier one. */
static void add_used_by_global(struct gathering *gathering, const char *name)
{
    const struct cb_dockerfile *file = gathering->planner->file;

    for (size_t i = 0; i < file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &file->global_args[i]->pairs;

        for (size_t n = 0; n < pairs->count; n++) {
            if (strcmp(pairs->items[n].key.text, name) == 0)
                add_used(gathering, &pairs->items[n].value);
        }
    }
}

/* A platform argument that nothing declares is none to be given. */
static void add_global(struct gathering *gathering, const char *name)
{
    const struct cb_planner *planner = gathering->planner;
    struct cb_outline_note note = {.kind = CB_OUTLINE_ARG, .name = name};

    note.inst = find_global(planner, name);
    if (!note.inst)
        return;
    note.value = cb_env_get(&planner->globals, name);
    add(gathering, &note);
    if (!cb_scope_build_arg(planner, name))
        add_used_by_global(gathering, name);
}

/* The global ARGs that WORD names, and those that their defaults name. */
static void add_used(struct gathering *gathering, const struct cb_word *word)
{
    cb_auto_value(cb_named_args) args = {0};
    cb_autofree char *ignored = NULL;

    if (!word->text ||
        cb_scope_expand_global(gathering->planner, &gathering->planner->globals, word,
                               &args, &ignored, NULL) < 0)
        return;
    cb_vec_foreach (name, &args.used) {
        cb_autofree char *key = xasprintf("%d:%s", CB_OUTLINE_ARG, *name);

        if (!cb_map_has(gathering->seen, key))
            add_global(gathering, *name);
    }
}

/* ── Stages ── */

static void add_stage(struct gathering *gathering, const struct cb_stage *stage)
{
    cb_auto(cb_map) last = cb_map_new(NULL);

    if (gathering->visited[stage->index])
        return;
    gathering->visited[stage->index] = 1;
    cb_vec_foreach (note, &stage->notes) {
        if (note->kind == CB_OUTLINE_ARG)
            cb_map_set(last, note->name, note);
    }
    cb_vec_foreach (note, &stage->notes) {
        if (note->kind == CB_OUTLINE_ARG && cb_map_get(last, note->name) != note)
            continue;
        if (note->kind == CB_OUTLINE_ARG && note->is_global)
            add_global(gathering, note->name);
        else
            add(gathering, note);
    }
    add_used(gathering, &stage->def->from->from.image);
    add_used(gathering, &stage->def->from->from.platform);
    if (stage->base_stage)
        add_stage(gathering, stage->base_stage);
    cb_vec_foreach (item, &stage->items) {
        for (size_t i = 0; i < item->origin_count; i++) {
            if (item->origins[i].stage && !item->left_out)
                add_stage(gathering, item->origins[i].stage);
        }
    }
}

static int by_place(const void *a, const void *b)
{
    const struct cb_outline_entry *one = a, *other = b;

    if (one->span.start != other->span.start)
        return one->span.start < other->span.start ? -1 : 1;
    return strcmp(one->name, other->name);
}

static void gather(struct cb_outline *out, struct cb_planner *planner,
                   const struct cb_stage *target)
{
    struct gathering gathering = {.out = out,
                                  .planner = planner,
                                  .seen = cb_map_new(NULL),
                                  .visited = xcalloc(planner->stage_count, 1)};
    const struct cb_stage_def *def = target->def;

    if (def->name) {
        out->name = xstrdup(def->name);
        out->description = cb_description_of(def->from->doc_comment, def->name);
    }
    add_stage(&gathering, target);
    if (out->entries.count)
        qsort(out->entries.items, out->entries.count, sizeof(*out->entries.items),
              by_place);
    cb_map_free(gathering.seen);
    free(gathering.visited);
}

int cb_frontend_outline(struct cb_outline *out, const struct cb_frontend_options *options,
                        struct cb_error **err)
{
    struct cb_frontend_options all = *options;
    struct cb_planner planner;
    struct cb_stage *target = NULL;
    int rc;

    all.purpose = CB_PLAN_OUTLINE;
    all.allow_host_network = all.allow_insecure = 1;
    cb_planner_init(&planner, &all);
    planner.checks.silent = 1;
    rc = cb_planner_run(&planner, &target, err);
    if (rc == 0)
        rc = cb_planner_end(&planner, err);
    if (rc == 0)
        gather(out, &planner, target);
    cb_planner_clear(&planner);
    return rc;
}
