/* Reads what history.c wrote. The files are ours but may be cut off by a crash or be of
 * another version: a line that does not parse is left out, and nothing read is trusted to
 * be of a sensible size. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/lockfile.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES  (4u << 20)
#define TAIL_BYTES      (64u << 10)
#define STEPS_MAX       100000
#define INPUTS_MAX      10000 /* of a step */
#define SUFFIX          ".jsonl"
#define SHORTEST_SUFFIX 3

/* ── Which builds there are ── */

static int open_builds(struct cb_store *store)
{
    return openat(cb_store_root_fd(store), "builds",
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int cb_builds_list(struct cb_store *store, struct cb_strings *ids, struct cb_error **err)
{
    cb_autofd int builds = open_builds(store);
    cb_auto_value(cb_strings) names = {0};

    if (builds < 0 && errno == ENOENT)
        return 0;
    if (builds < 0)
        return cb_error_errno(err, errno, "open `builds`");
    if (cb_fs_list(builds, &names, err) < 0)
        return -1;
    for (size_t i = names.count; i-- > 0;)
        cb_strings_take(ids, xstrndup(names.items[i], strcspn(names.items[i], ".")));
    return 0;
}

static int not_found(const char *text, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND, "no such build: %s", text);
    return cb_error_hint(err, "`cbuild builds ls` lists those that are kept");
}

/* "^2": the third newest. */
static int find_by_age(const struct cb_strings *ids, const char *text, char **id,
                       struct cb_error **err)
{
    char *end = NULL;
    unsigned long age = text ? strtoul(text + 1, &end, 10) : 0;

    if (end && (*end || end == text + 1))
        return not_found(text, err);
    if (age >= ids->count) {
        if (text)
            return not_found(text, err);
        cb_error_set(err, CB_ERR_NOT_FOUND, "no build is kept in this store");
        return cb_error_hint(err, "`cbuild build` makes one");
    }
    *id = xstrdup(ids->items[age]);
    return 0;
}

int cb_builds_find(struct cb_store *store, const char *text, char **id,
                   struct cb_error **err)
{
    cb_auto_value(cb_strings) ids = {0};
    const char *found = NULL;

    if (cb_builds_list(store, &ids, err) < 0)
        return -1;
    if (!text || *text == '^')
        return find_by_age(&ids, text, id, err);
    for (size_t i = 0; i < ids.count; i++) {
        if (strlen(text) < SHORTEST_SUFFIX || !cb_ends_with(ids.items[i], text))
            continue;
        if (found)
            return cb_error_set(err, CB_ERR_USAGE,
                                "several builds end in `%s`: %s and %s", text,
                                ids.items[i], found);
        found = ids.items[i];
    }
    if (!found)
        return not_found(text, err);
    *id = xstrdup(found);
    return 0;
}

static int open_log(struct cb_store *store, const char *id, int *fd,
                    struct cb_error **err)
{
    cb_autofd int builds = open_builds(store);
    cb_autofree char *whole = xasprintf("%s/events" SUFFIX, id);
    cb_autofree char *single = xasprintf("%s" SUFFIX, id);
    int log = openat(builds, whole, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (log < 0)
        log = openat(builds, single, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (log < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "open the log of build %s", id);
    if (log < 0)
        return not_found(id, err);
    *fd = log;
    return 0;
}

/* ── Lines ── */

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static uint64_t step_of(const json_t *line)
{
    return (uint64_t)json_integer_value(json_object_get(line, "step"));
}

static json_t *parse_line(const char *text, size_t len)
{
    json_t *line = json_loadb(text, len, 0, NULL);

    if (json_is_object(line) && text_of(line, "event"))
        return line;
    json_decref(line);
    return NULL;
}

/* Calls EACH for every line, until it returns other than 0, which is returned. */
static int each_line(int fd,
                     int (*each)(void *arg, const json_t *line, struct cb_error **err),
                     void *arg, struct cb_error **err)
{
    FILE *file = fdopen(fd, "re");
    cb_autofree char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int result = 0;

    if (!file) {
        cb_close(&fd);
        return cb_error_errno(err, errno, "read the log of a build");
    }
    while (result == 0 && (len = getline(&text, &size, file)) > 0) {
        json_t *line = len <= LINE_MAX_BYTES ? parse_line(text, (size_t)len) : NULL;

        if (line)
            result = each(arg, line, err);
        json_decref(line);
    }
    fclose(file);
    return result;
}

/* ── A build and its steps ── */

void cb_built_clear(struct cb_built *built)
{
    cb_vec_foreach (step, &built->steps) {
        free(step->name);
        free(step->miss);
        free(step->error);
        cb_vec_free(&step->inputs);
    }
    cb_vec_free(&built->steps);
    cb_strings_free(&built->names);
    free(built->id);
    free(built->context);
    free(built->dockerfile);
    free(built->target);
    free(built->platform);
    free(built->image);
    free(built->error);
    *built = (struct cb_built){0};
}

static void set_text(char **slot, const json_t *line, const char *key)
{
    free(*slot);
    *slot = xstrdup(text_of(line, key));
}

static void read_begin(struct cb_built *built, const json_t *line)
{
    const json_t *names = json_object_get(line, "names");

    built->start_s = json_number_value(json_object_get(line, "time"));
    set_text(&built->context, line, "context");
    set_text(&built->dockerfile, line, "dockerfile");
    set_text(&built->target, line, "target");
    set_text(&built->platform, line, "platform");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));

        if (name)
            cb_strings_add(&built->names, name);
    }
}

static const char *known_result(const char *text)
{
    static const char *const known[] = {"succeeded", "failed", "canceled"};

    for (size_t i = 0; text && i < CB_ARRAY_SIZE(known); i++)
        if (strcmp(text, known[i]) == 0)
            return known[i];
    return "interrupted";
}

static void read_end(struct cb_built *built, const json_t *line)
{
    built->end_s = json_number_value(json_object_get(line, "time"));
    built->result = known_result(text_of(line, "result"));
    built->steps_total = json_integer_value(json_object_get(line, "steps"));
    built->steps_cached = json_integer_value(json_object_get(line, "cached"));
    built->steps_executed = json_integer_value(json_object_get(line, "executed"));
    set_text(&built->image, line, "image");
    set_text(&built->error, line, "error");
}

static struct cb_built_step *find_step(struct cb_built *built, uint64_t number)
{
    struct cb_built_step step = {.number = number, .state = "unfinished"};

    for (size_t i = built->steps.count; i-- > 0;)
        if (built->steps.items[i].number == number)
            return &built->steps.items[i];
    if (built->steps.count >= STEPS_MAX)
        return NULL;
    cb_vec_push(&built->steps, step);
    return &built->steps.items[built->steps.count - 1];
}

static uint64_t number_of(const json_t *line, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(line, key));

    return number > 0 ? (uint64_t)number : 0;
}

/* Of several attempts the last. */
static void read_usage(struct cb_built_step *step, const json_t *line)
{
    step->has_usage = 1;
    step->usage = (struct cb_step_usage){
        .peak_memory_bytes = number_of(line, "peak_memory"),
        .cpu_ns = number_of(line, "cpu_ns"),
        .read_bytes = number_of(line, "read_bytes"),
        .written_bytes = number_of(line, "written_bytes"),
        .oom_killed = json_is_true(json_object_get(line, "oom_killed")),
    };
}

static void read_inputs(struct cb_built_step *step, const json_t *line)
{
    const json_t *inputs = json_object_get(line, "inputs");

    cb_vec_free(&step->inputs);
    for (size_t i = 0; i < json_array_size(inputs) && i < INPUTS_MAX; i++) {
        json_int_t number = json_integer_value(json_array_get(inputs, i));

        if (number > 0)
            cb_vec_push(&step->inputs, (uint64_t)number);
    }
}

static void read_step(struct cb_built *built, const json_t *line, const char *event)
{
    static const char *const ends[] = {"cached", "done", "error", "canceled"};
    double time = json_number_value(json_object_get(line, "time"));
    struct cb_built_step *step = find_step(built, step_of(line));

    if (!step)
        return;
    if (strcmp(event, "start") == 0) {
        set_text(&step->name, line, "name");
        step->start_s = time;
    } else if (strcmp(event, "log") == 0) {
        step->log_bytes += json_string_length(json_object_get(line, "text"));
    } else if (strcmp(event, "miss") == 0) {
        set_text(&step->miss, line, "text");
    } else if (strcmp(event, "usage") == 0) {
        read_usage(step, line);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(ends); i++) {
        if (strcmp(event, ends[i]))
            continue;
        step->state = ends[i];
        step->end_s = time;
        set_text(&step->error, line, "error");
        read_inputs(step, line);
    }
}

static int read_event(void *arg, const json_t *line, struct cb_error **err)
{
    struct cb_built *built = arg;
    const char *event = text_of(line, "event");

    (void)err;
    if (strcmp(event, "begin") == 0)
        read_begin(built, line);
    else if (strcmp(event, "end") == 0)
        read_end(built, line);
    else if (step_of(line))
        read_step(built, line, event);
    return 0;
}

static int read_first(void *arg, const json_t *line, struct cb_error **err)
{
    read_event(arg, line, err);
    return 1;
}

/* The last WANT bytes of the file. NULL: it does not end in a whole line. */
static char *read_tail(int fd, off_t size, size_t want, size_t *len)
{
    cb_autofree char *text = xmalloc(want);
    off_t from = size > (off_t)want ? size - (off_t)want : 0;
    ssize_t got = pread(fd, text, want, from);

    if (got <= 0 || text[got - 1] != '\n')
        return NULL;
    *len = (size_t)got;
    return cb_steal(&text);
}

/* The end is the last line; a log may be long, and so may be what a failure said. */
static json_t *last_line(int fd, off_t size)
{
    for (size_t want = TAIL_BYTES;; want *= 4) {
        size_t len = 0;
        cb_autofree char *text = read_tail(fd, size, want, &len);
        const char *before = text ? memrchr(text, '\n', len - 1) : NULL;
        const char *start = before ? before + 1 : text;

        if (before || (text && (off_t)len >= size))
            return parse_line(start, (size_t)(text + len - start));
        if (!text || want >= LINE_MAX_BYTES)
            return NULL;
    }
}

static void read_last(struct cb_built *built, int fd, off_t size)
{
    json_t *line = last_line(fd, size);

    if (line && strcmp(text_of(line, "event"), "end") == 0)
        read_end(built, line);
    json_decref(line);
}

/* What a step of a build that goes on has not done yet, it is doing. */
static void name_running(struct cb_built *built)
{
    if (strcmp(built->result, "running"))
        return;
    cb_vec_foreach (step, &built->steps)
        if (strcmp(step->state, "unfinished") == 0)
            step->state = "running";
}

int cb_builds_read(struct cb_store *store, const char *id, int with_steps,
                   struct cb_built *out, struct cb_error **err)
{
    cb_auto_value(cb_built) built = {.id = xstrdup(id)};
    cb_autofd int fd = -1;
    struct stat st;

    if (open_log(store, id, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat the log of build %s", id);
    built.bytes = (uint64_t)st.st_blocks * 512;
    built.result = cb_lock_is_marked(fd) ? "running" : "interrupted";
    if (!with_steps)
        read_last(&built, fd, st.st_size);
    if (each_line(cb_steal_fd(&fd), with_steps ? read_event : read_first, &built, err) <
        0)
        return -1;
    name_running(&built);
    *out = built;
    built = (struct cb_built){0};
    return 0;
}

/* ── Output ── */

struct output {
    uint64_t number;
    int (*write)(void *arg, uint64_t number, int stream, const char *text,
                 struct cb_error **err);
    void *arg;
};

static int write_event(void *arg, const json_t *line, struct cb_error **err)
{
    const struct output *output = arg;
    const char *text = text_of(line, "text");

    if (strcmp(text_of(line, "event"), "log") != 0 || !text ||
        (output->number && step_of(line) != output->number))
        return 0;
    return output->write(output->arg, step_of(line),
                         (int)json_integer_value(json_object_get(line, "stream")), text,
                         err);
}

int cb_builds_log(struct cb_store *store, const char *id, uint64_t number,
                  int (*write)(void *arg, uint64_t number, int stream, const char *text,
                               struct cb_error **err),
                  void *arg, struct cb_error **err)
{
    struct output output = {number, write, arg};
    int fd = -1;

    if (open_log(store, id, &fd, err) < 0)
        return -1;
    return each_line(fd, write_event, &output, err) < 0 ? -1 : 0;
}

int cb_builds_remove(struct cb_store *store, const char *id, struct cb_error **err)
{
    cb_autofd int builds = open_builds(store);
    cb_autofd int fd = -1;
    cb_autofree char *single = xasprintf("%s" SUFFIX, id);

    if (open_log(store, id, &fd, err) < 0)
        return -1;
    if (cb_lock_is_marked(fd))
        return cb_error_set(err, CB_ERR_DENIED, "build %s is still running", id);
    if (unlinkat(builds, single, 0) == 0)
        return 0;
    return cb_build_remove(store, builds, id, err);
}
