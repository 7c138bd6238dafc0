/* Files of environment variables and labels: a line each, taken as it is, `#` before what
 * is not meant. */
#include "commands/run.h"

#include "base/fs.h"
#include "base/utf8.h"
#include "commands/labels.h"

#include <ctype.h>
#include <string.h>

#define MAX_BYTES       (4u << 20)
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* editors of Windows write it in front */

/* "KEY=VALUE"; WITH_OURS: of "KEY" alone our value, or nothing. */
static int add_line(struct cb_strings *out, const char *path, const char *line,
                    int with_ours, struct cb_error **err)
{
    cb_autofree char *key = xstrndup(line, strcspn(line, "="));
    const char *ours;

    for (const char *p = key; *p; p++)
        if (isspace((unsigned char)*p))
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid env file (%s): variable '%s' contains "
                                "whitespaces",
                                path, key);
    if (!*key)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid env file (%s): no variable name on line '%s'", path,
                            line);
    if (strchr(line, '=')) {
        cb_strings_add(out, line);
        return 0;
    }
    ours = with_ours ? getenv(key) : "";
    if (ours)
        cb_strings_addf(out, "%s=%s", key, ours);
    return 0;
}

/* What is no UTF-8 could not be told from other text in `inspect`. */
static int check_line(const char *path, const char *line, size_t number,
                      struct cb_error **err)
{
    size_t len = strlen(line), width;
    unsigned point;

    for (; len; line += width, len -= width) {
        width = cb_utf8_decode(line, len, &point);
        if (!width)
            return cb_error_set(err, CB_ERR_USAGE,
                                "env file %s contains invalid utf8 bytes at line %zu",
                                path, number);
    }
    return 0;
}

static int read_file(struct cb_strings *out, const char *path, int with_ours,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    char *lines, *line;
    size_t len;

    if (cb_fs_read_given(path, MAX_BYTES, &text, err) < 0)
        return -1;
    if (!text.len)
        return 0;
    lines = text.text;
    if (strlen(lines) != text.len)
        return cb_error_set(err, CB_ERR_USAGE, "env file %s contains a NUL byte", path);
    if (strncmp(lines, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        lines += strlen(BYTE_ORDER_MARK);
    for (size_t number = 1; (line = strsep(&lines, "\n")); number++) {
        len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[len - 1] = '\0';
        if (check_line(path, line, number, err) < 0)
            return -1;
        line += strspn(line, " \t");
        if (*line && *line != '#' && add_line(out, path, line, with_ours, err) < 0)
            return -1;
    }
    return 0;
}

/* A name alone takes our value, or stays to take the image's away. */
static int take_typed(struct cb_strings *out, const char *text, struct cb_error **err)
{
    const char *ours = strchr(text, '=') ? NULL : getenv(text);

    if (!*text || *text == '=')
        return cb_error_flag(err, text, "-e, --env", "invalid environment variable: %s",
                             text);
    if (ours)
        cb_strings_addf(out, "%s=%s", text, ours);
    else
        cb_strings_add(out, text);
    return 0;
}

/* What is typed wins over what is in files. */
int cb_run_read_files(struct cb_run_values *values, struct cb_error **err)
{
    cb_auto_value(cb_strings) typed = values->container.request.env;
    cb_auto_value(cb_strings) labels = {0};

    values->container.request.env = (struct cb_strings){0};
    cb_vec_foreach (path, &values->env_files) {
        if (read_file(&values->container.request.env, *path, 1, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &typed)
        if (take_typed(&values->container.request.env, *text, err) < 0)
            return -1;
    cb_vec_foreach (path, &values->label_files) {
        if (read_file(&values->container.labels, *path, 0, err) < 0)
            return -1;
    }
    if (cb_labels_check(&values->labels, "-l, --label", err) < 0)
        return -1;
    cb_vec_foreach (text, &values->labels)
        cb_strings_addf(&labels, strchr(*text, '=') ? "%s" : "%s=", *text);
    cb_env_merge(&values->container.labels, &labels);
    return 0;
}
