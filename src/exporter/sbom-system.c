/* The databases of dpkg and apk: paragraphs of text, a line for each field. Images made
 * without dpkg ("distroless") have a file for each package in status.d. */
#include "exporter/sbom-priv.h"

#include "base/fs.h"

#include <fcntl.h>
#include <string.h>

#define PARAGRAPH_BYTES (1u << 20)
#define MAX_FILES       20000

/* The value of KEY in LINE, without blanks around it; NULL: it is another's. */
static char *value_of(const char *key, const char *line, size_t len)
{
    size_t key_len = strlen(key);

    if (len < key_len || memcmp(line, key, key_len) != 0)
        return NULL;
    line += key_len;
    len -= key_len;
    while (len && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len && strchr(" \t\r", line[len - 1]))
        len--;
    return xstrndup(line, len);
}

static void set_once(char **slot, const char *key, const char *line, size_t len)
{
    if (!*slot)
        *slot = value_of(key, line, len);
}

/* ── dpkg ── */

/* What is removed, or half there, is not installed. */
static int is_installed(const char *status)
{
    const char *last = status ? strrchr(status, ' ') : NULL;

    return !status || (last && strcmp(last, " installed") == 0);
}

static void end_dpkg(struct cb_package *package, char **status, const char *path,
                     struct cb_packages *out)
{
    package->type = "deb";
    package->path = xstrdup(path);
    if (!is_installed(*status)) {
        free(package->version);
        package->version = NULL;
    }
    cb_packages_take(out, package);
    free(*status);
    *status = NULL;
}

static void read_dpkg(const struct cb_strbuf *text, const char *path,
                      struct cb_packages *out)
{
    struct cb_package package = {0};
    char *status = NULL;
    const char *line;
    size_t at = 0, len;

    while (cb_sbom_line(text->text, text->len, &at, &line, &len)) {
        if (len == 0) {
            end_dpkg(&package, &status, path, out);
            continue;
        }
        set_once(&package.name, "Package:", line, len);
        set_once(&package.version, "Version:", line, len);
        set_once(&package.arch, "Architecture:", line, len);
        set_once(&package.supplier, "Maintainer:", line, len);
        set_once(&status, "Status:", line, len);
    }
    end_dpkg(&package, &status, path, out);
}

static int read_each(const struct cb_sbom_options *options, const char *directory,
                     struct cb_packages *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = -1;

    if (cb_fs_open_in_root(options->root_fd, directory, O_RDONLY | O_DIRECTORY, 0, &fd,
                           NULL) < 0)
        return 0;
    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count && i < MAX_FILES; i++) {
        cb_autofree char *path = xasprintf("%s/%s", directory, names.items[i]);
        cb_auto_value(cb_strbuf) text = {0};

        if (cb_sbom_read(options, path, PARAGRAPH_BYTES, &text))
            read_dpkg(&text, path, out);
    }
    return 0;
}

int cb_sbom_dpkg(const struct cb_sbom_options *options, struct cb_packages *out,
                 struct cb_error **err)
{
    static const char path[] = "var/lib/dpkg/status";
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_sbom_read(options, path, CB_SBOM_DATABASE_BYTES, &text))
        read_dpkg(&text, path, out);
    return read_each(options, "var/lib/dpkg/status.d", out, err);
}

/* ── apk ── */

static void end_apk(struct cb_package *package, const char *path, struct cb_packages *out)
{
    package->type = "apk";
    package->path = xstrdup(path);
    cb_packages_take(out, package);
}

static void read_apk(const struct cb_strbuf *text, const char *path,
                     struct cb_packages *out)
{
    struct cb_package package = {0};
    const char *line;
    size_t at = 0, len;

    while (cb_sbom_line(text->text, text->len, &at, &line, &len)) {
        if (len == 0) {
            end_apk(&package, path, out);
            continue;
        }
        set_once(&package.name, "P:", line, len);
        set_once(&package.version, "V:", line, len);
        set_once(&package.arch, "A:", line, len);
        set_once(&package.license, "L:", line, len);
        set_once(&package.supplier, "m:", line, len);
    }
    end_apk(&package, path, out);
}

void cb_sbom_apk(const struct cb_sbom_options *options, struct cb_packages *out)
{
    static const char *const paths[] = {"lib/apk/db/installed",
                                        "usr/lib/apk/db/installed"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(paths); i++) {
        cb_auto_value(cb_strbuf) text = {0};

        if (cb_sbom_read(options, paths[i], CB_SBOM_DATABASE_BYTES, &text))
            read_apk(&text, paths[i], out);
    }
}
