/* Asks each kind of package database, and puts what they have in an order that does not
 * depend on how files lie on a disk. */
#include "exporter/sbom.h"

#include "base/fs.h"
#include "exporter/sbom-priv.h"

#include <string.h>

#define OS_RELEASE_BYTES (64u << 10)

static void package_clear(struct cb_package *package)
{
    free(package->name);
    free(package->version);
    free(package->arch);
    free(package->epoch);
    free(package->license);
    free(package->supplier);
    free(package->path);
    *package = (struct cb_package){0};
}

void cb_packages_free(struct cb_packages *packages)
{
    cb_vec_foreach (package, packages)
        package_clear(package);
    cb_vec_free(packages);
}

static int is_name(const char *text)
{
    return text && *text && strnlen(text, CB_SBOM_MAX_TEXT + 1) <= CB_SBOM_MAX_TEXT;
}

static void cut(char **text)
{
    char *all = *text;

    if (!all || strnlen(all, CB_SBOM_MAX_TEXT + 1) <= CB_SBOM_MAX_TEXT)
        return;
    *text = xstrndup(all, CB_SBOM_MAX_TEXT);
    free(all);
}

void cb_packages_take(struct cb_packages *out, struct cb_package *package)
{
    cut(&package->arch);
    cut(&package->epoch);
    cut(&package->license);
    cut(&package->supplier);
    cut(&package->path);
    if (!is_name(package->name) || !is_name(package->version)) {
        package_clear(package);
        return;
    }
    if (out->count == CB_SBOM_MAX_PACKAGES) {
        out->left_out++;
        package_clear(package);
        return;
    }
    cb_vec_push(out, *package);
    *package = (struct cb_package){0};
}

void cb_sbom_tell(const struct cb_sbom_options *options, const char *path,
                  const char *why)
{
    if (options->sink)
        cb_event_say(options->sink, CB_EVENT_WARNING, 0,
                     "--sbom: the packages in `/%s` are left out: %s", path, why);
}

int cb_sbom_read(const struct cb_sbom_options *options, const char *path, size_t max,
                 struct cb_strbuf *out)
{
    cb_auto(cb_error) error = NULL;
    int found = cb_fs_read_in_root(options->root_fd, path, max, out, &error);

    if (found < 0)
        cb_sbom_tell(options, path, cb_error_message(error));
    return found > 0;
}

int cb_sbom_line(const char *text, size_t len, size_t *at, const char **line,
                 size_t *line_len)
{
    const char *end;

    if (*at >= len)
        return 0;
    *line = text + *at;
    end = memchr(*line, '\n', len - *at);
    *line_len = end ? (size_t)(end - *line) : len - *at;
    *at += *line_len + (end != NULL);
    return 1;
}

/* ── /etc/os-release ── */

static void os_release_clear(struct cb_os_release *os)
{
    free(os->id);
    free(os->version);
    free(os->pretty_name);
}

/* KEY=value, KEY="value". */
static void set_if(char **slot, const char *key, const char *line, size_t len)
{
    size_t key_len = strlen(key);

    if (len <= key_len || memcmp(line, key, key_len) != 0)
        return;
    line += key_len;
    len -= key_len;
    if (len >= 2 && (*line == '"' || *line == '\'') && line[len - 1] == *line) {
        line++;
        len -= 2;
    }
    free(*slot);
    *slot = xstrndup(line, len);
}

static void read_os_release(int root_fd, struct cb_os_release *out)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *line;
    size_t at = 0, len;

    if (cb_fs_read_in_root(root_fd, "etc/os-release", OS_RELEASE_BYTES, &text, NULL) <=
            0 &&
        cb_fs_read_in_root(root_fd, "usr/lib/os-release", OS_RELEASE_BYTES, &text,
                           NULL) <= 0)
        return;
    while (cb_sbom_line(text.text, text.len, &at, &line, &len)) {
        set_if(&out->id, "ID=", line, len);
        set_if(&out->version, "VERSION_ID=", line, len);
        set_if(&out->pretty_name, "PRETTY_NAME=", line, len);
    }
}

/* ── Order ── */

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* But for where it was found. */
static int compare_same(const struct cb_package *a, const struct cb_package *b)
{
    int result = strcmp(a->type, b->type);

    if (!result)
        result = strcmp(a->name, b->name);
    if (!result)
        result = strcmp(a->version, b->version);
    if (!result)
        result = compare_texts(a->epoch, b->epoch);
    return result ? result : compare_texts(a->arch, b->arch);
}

static int compare(const void *a, const void *b)
{
    const struct cb_package *left = a, *right = b;
    int result = compare_same(left, right);

    return result ? result : compare_texts(left->path, right->path);
}

static void sort_once(struct cb_packages *packages)
{
    size_t kept = 0;

    if (!packages->count)
        return;
    qsort(packages->items, packages->count, sizeof(*packages->items), compare);
    for (size_t i = 1; i < packages->count; i++) {
        if (compare_same(&packages->items[i], &packages->items[kept]) == 0)
            package_clear(&packages->items[i]);
        else
            packages->items[++kept] = packages->items[i];
    }
    packages->count = kept + 1;
}

static void tell_of_left_out(const struct cb_sbom_options *options, size_t count)
{
    if (count && options->sink)
        cb_event_say(options->sink, CB_EVENT_WARNING, 0,
                     "--sbom: %zu packages are left out: it holds at most %d", count,
                     CB_SBOM_MAX_PACKAGES);
}

int cb_sbom_make(const struct cb_sbom_options *options, json_t **out,
                 struct cb_error **err)
{
    __attribute__((cleanup(os_release_clear))) struct cb_os_release os = {0};
    cb_auto_value(cb_packages) packages = {0};
    int root_fd = options->root_fd;

    if (root_fd >= 0) {
        read_os_release(root_fd, &os);
        cb_sbom_apk(options, &packages);
        cb_sbom_rpm(options, &packages);
        if (cb_sbom_dpkg(options, &packages, err) < 0 ||
            cb_sbom_files(options, &packages, err) < 0)
            return -1;
    }
    sort_once(&packages);
    tell_of_left_out(options, packages.left_out);
    *out = cb_spdx_document(options, &os, &packages);
    return 0;
}
