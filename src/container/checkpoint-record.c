/* What is written down beside criu's images, and what criu has to say. */
#include "container/checkpoint-priv.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAX_BYTES (4u << 20)
#define LOG_MAX_BYTES    (64u << 20)
#define MAX_MOUNTS       100000

void cb_checkpoint_clear(struct cb_checkpoint *checkpoint)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(checkpoint->streams); i++)
        free(checkpoint->streams[i]);
    cb_strings_free(&checkpoint->ours);
    cb_strings_free(&checkpoint->theirs);
}

static json_t *strings_json(const struct cb_strings *strings)
{
    json_t *array = json_array();

    cb_vec_foreach (text, strings)
        json_array_append_new(array, cb_json_from_text(*text));
    return array;
}

/* How long each of criu's files is: from one that is cut off it would read for ever. */
static json_t *sizes_json(int dir_fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto_json *sizes = json_object();
    struct stat st;

    if (cb_fs_list(dir_fd, &names, err) < 0)
        return NULL;
    cb_vec_foreach (name, &names) {
        if (fstatat(dir_fd, *name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && strcmp(*name, CB_CHECKPOINT_LOCK) != 0)
            json_object_set_new(sizes, *name, json_integer(st.st_size));
    }
    return json_incref(sizes);
}

static int check_sizes(int dir_fd, const struct cb_json *root, struct cb_error **err)
{
    struct cb_json sizes = cb_json_member(root, "Sizes");
    const char *name;
    json_t *size;

    if (cb_json_expect_object(&sizes, err) < 0)
        return -1;
    json_object_foreach(sizes.value, name, size)
    {
        struct stat st;

        if (strchr(name, '/') || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode) || st.st_size != json_integer_value(size))
            return cb_error_set(err, CB_ERR_INTEGRITY,
                                "the checkpoint is damaged: `%s` is not as it was", name);
        if (st.st_uid != geteuid() || st.st_mode & 022)
            return cb_error_set(err, CB_ERR_DENIED,
                                "the checkpoint's file `%s`: others may write to it",
                                name);
    }
    return 0;
}

int cb_checkpoint_save(const struct cb_checkpoint *checkpoint, int dir_fd,
                       const char *name, struct cb_error **err)
{
    cb_auto_json *document = json_object();
    json_t *streams = json_array(), *sizes = sizes_json(dir_fd, err);
    cb_autofree char *text = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(checkpoint->streams); i++)
        json_array_append_new(streams, json_string(checkpoint->streams[i]));
    json_object_set_new(document, "Name", json_string(name));
    json_object_set_new(document, "Streams", streams);
    if (!sizes)
        return -1;
    json_object_set_new(document, "Sizes", sizes);
    json_object_set_new(document, "Mounted", strings_json(&checkpoint->ours));
    json_object_set_new(document, "Made", strings_json(&checkpoint->theirs));
    text = cb_json_dump(document);
    return cb_atomic_file_write(dir_fd, CB_CHECKPOINT_CONFIG, text, strlen(text), 0600, 1,
                                err);
}

static int load_streams(struct cb_checkpoint *checkpoint, const struct cb_json *root,
                        struct cb_error **err)
{
    struct cb_json streams = cb_json_member(root, "Streams");
    cb_auto_value(cb_strings) texts = {0};

    if (cb_json_strings(&streams, 3, &texts, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(checkpoint->streams); i++)
        checkpoint->streams[i] = xstrdup(i < texts.count ? texts.items[i] : "");
    return 0;
}

int cb_checkpoint_load(struct cb_checkpoint *checkpoint, int dir_fd,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *document = NULL;
    struct cb_json root, ours, theirs;

    if (cb_fs_read_file(dir_fd, CB_CHECKPOINT_CONFIG, CONFIG_MAX_BYTES, &text, err) < 0 ||
        cb_json_parse(&document, CB_CHECKPOINT_CONFIG, text.text, text.len,
                      CONFIG_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, CB_CHECKPOINT_CONFIG);
    if (cb_json_expect_object(&root, err) < 0 || check_sizes(dir_fd, &root, err) < 0)
        return -1;
    ours = cb_json_member(&root, "Mounted");
    theirs = cb_json_member(&root, "Made");
    return load_streams(checkpoint, &root, err) < 0 ||
                   cb_json_strings(&ours, MAX_MOUNTS, &checkpoint->ours, err) < 0 ||
                   cb_json_strings(&theirs, MAX_MOUNTS, &checkpoint->theirs, err) < 0
               ? -1
               : 0;
}

/* ── criu ── */

int cb_checkpoint_find_criu(char **path, struct cb_error **err)
{
    *path = cb_subprocess_find("criu");
    if (*path)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "`criu`: program not found");
    return cb_error_hint(err, "checkpoints are made by criu: install the package criu");
}

/* Said in any case: of limits that it cannot raise, of rules that are not there. */
static int says_nothing(const char *error)
{
    static const char *const noise[] = {"rlimit:", "exited, status="};

    for (size_t i = 0; i < CB_ARRAY_SIZE(noise); i++) {
        if (strncmp(error, noise[i], strlen(noise[i])) == 0)
            return 1;
    }
    return 0;
}

/* "(00.05) Error (criu/x.c:1): why": the first is the cause, the others follow from it.
 */
static char *find_cause(const char *log)
{
    for (const char *at = strstr(log, "Error ("); at; at = strstr(at + 1, "Error (")) {
        const char *text = strstr(at, "): ");
        const char *end = strchrnul(at, '\n');

        if (text && text < end && !says_nothing(text + 3))
            return xstrndup(text + 3, (size_t)(end - text - 3));
    }
    return NULL;
}

int cb_checkpoint_explain(int dir_fd, const char *log, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *cause = NULL;
    char path[PATH_MAX];
    ssize_t len = readlink(cb_fd_path(dir_fd).text, path, sizeof(path) - 1);

    if (!err || !*err || len <= 0 ||
        cb_fs_read_file(dir_fd, log, LOG_MAX_BYTES, &text, NULL) < 0)
        return -1;
    path[len] = '\0';
    cause = find_cause(cb_strbuf_text(&text));
    if (cause) {
        cb_error_free(cb_steal(err));
        cb_error_set(err, CB_ERR_SYSTEM, "criu: %s", cause);
    }
    return cb_error_hint(err, "all that criu has to say is in %s/%s", path, log);
}
