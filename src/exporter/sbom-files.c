/* Packages of languages, by the files that installers leave: Python's metadata, the
 * package.json of each directory in a node_modules, and what Go's linker writes into a
 * program. One walk finds all of them. */
#include "exporter/sbom-priv.h"

#include "base/fs.h"
#include "base/text.h"
#include "store/walk.h"

#include <string.h>

#define METADATA_BYTES (1u << 20)
#define PROGRAM_BYTES  ((off_t)1 << 30)
#define PROGRAM_LEAST  4096

struct search {
    const struct cb_sbom_options *options;
    struct cb_packages *out;
};

/* The file as text, or nothing. */
static int read_text(const struct cb_walk_entry *at, struct cb_strbuf *out)
{
    struct stat st = at->st;
    cb_autofd int fd = -1;

    if (at->st.st_size > (off_t)METADATA_BYTES)
        return 0;
    return cb_fs_open_regular(at->dir_fd, at->name, &st, &fd, NULL) > 0 &&
           cb_fs_read_fd(fd, METADATA_BYTES, out, NULL) == 0 && out->len;
}

/* ── Python ── */

static int is_python(const char *path)
{
    return cb_ends_with(path, ".dist-info/METADATA") ||
           cb_ends_with(path, ".egg-info/PKG-INFO") || cb_ends_with(path, ".egg-info");
}

static void set_header(char **slot, const char *key, const char *line, size_t len)
{
    size_t key_len = strlen(key);

    if (*slot || len < key_len || strncasecmp(line, key, key_len) != 0)
        return;
    for (line += key_len, len -= key_len; len && *line == ' '; len--)
        line++;
    if (len && line[len - 1] == '\r')
        len--;
    *slot = xstrndup(line, len);
}

/* Headers as a mail has them, up to the first empty line. */
static void read_python(const struct cb_walk_entry *at, struct cb_packages *out)
{
    struct cb_package package = {.type = "pypi"};
    cb_auto_value(cb_strbuf) text = {0};
    const char *line;
    size_t from = 0, len;

    if (!read_text(at, &text))
        return;
    while (cb_sbom_line(text.text, text.len, &from, &line, &len) && len &&
           *line != '\r') {
        set_header(&package.name, "Name:", line, len);
        set_header(&package.version, "Version:", line, len);
        set_header(&package.license, "License-Expression:", line, len);
        set_header(&package.license, "License:", line, len);
    }
    package.path = xstrdup(at->path);
    cb_packages_take(out, &package);
}

/* ── Node ── */

/* node_modules/NAME/package.json or node_modules/@SCOPE/NAME/package.json. */
static int is_node(const char *path)
{
    static const char modules[] = "node_modules/";
    const char *last = NULL, *slash;

    if (!cb_ends_with(path, "/package.json"))
        return 0;
    for (const char *at = path; (at = strstr(at, modules)); at += strlen(modules))
        last = at + strlen(modules);
    if (!last)
        return 0;
    slash = strchr(last, '/');
    if (slash && *last == '@')
        slash = strchr(slash + 1, '/');
    return slash && strcmp(slash, "/package.json") == 0;
}

static char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? xstrdup(text) : NULL;
}

static void read_node(const struct cb_walk_entry *at, struct cb_packages *out)
{
    struct cb_package package = {.type = "npm"};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *json = NULL;

    if (!read_text(at, &text) || cb_json_parse(&json, "package.json", text.text, text.len,
                                               METADATA_BYTES, NULL) < 0)
        return;
    package.name = text_of(json, "name");
    package.version = text_of(json, "version");
    package.license = text_of(json, "license");
    package.path = xstrdup(at->path);
    cb_packages_take(out, &package);
}

/* ── Programs ── */

static void read_program(const struct cb_walk_entry *at, struct cb_packages *out)
{
    struct stat st = at->st;
    cb_autofd int fd = -1;

    if (cb_fs_open_regular(at->dir_fd, at->name, &st, &fd, NULL) > 0)
        cb_sbom_go(fd, at->path, out);
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct search *search = arg;

    (void)err;
    if (!S_ISREG(at->st.st_mode))
        return 0;
    if (is_python(at->path))
        read_python(at, search->out);
    else if (is_node(at->path))
        read_node(at, search->out);
    else if (at->st.st_mode & 0111 && at->st.st_size >= PROGRAM_LEAST &&
             at->st.st_size <= PROGRAM_BYTES)
        read_program(at, search->out);
    return 0;
}

int cb_sbom_files(const struct cb_sbom_options *options, struct cb_packages *out,
                  struct cb_error **err)
{
    struct search search = {.options = options, .out = out};

    return cb_walk(options->root_fd, visit, &search, options->cancel, err);
}
