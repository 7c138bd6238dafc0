/* cbuild context ls: what a build takes of a directory, and what is left out by which
 * line of the ignore file. It asks the same rules as a build does, and needs neither a
 * store nor a Dockerfile; where a store would be is left out, as a build leaves it. */
#include "commands/docker-context.h"

#include "base/timestamp.h"
#include "context/list.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct values {
    struct cb_build_request request;
    const char *format;
    int ignored, all, quiet;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL,
     "List both, what is sent and what is not"},
    {"file", 'f', CB_OPTION_TEXT, AT(request.dockerfile), "FILE",
     "The Dockerfile, for FILE.dockerignore (default PATH/Dockerfile)"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT", "text (default) or json"},
    {"ignore-syntax", 0, CB_OPTION_TEXT, AT(request.ignore_syntax), "SYNTAX",
     "How the ignore file is read: docker (default) or git"},
    {"ignored", 0, CB_OPTION_FLAG, AT(ignored), NULL,
     "List what is left out instead, and the line that says so"},
    {"ignorefile", 0, CB_OPTION_TEXT, AT(request.ignorefile), "FILE",
     "Use this file instead of .dockerignore"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL,
     "As of docker: print the name of the one context"},
    {0},
};

struct totals {
    uint64_t files, bytes;                   /* sent; files are all but directories */
    uint64_t left_out;                       /* entries, of a directory one */
    uint64_t left_out_files, left_out_bytes; /* if they were measured */
};

static struct totals count(const struct cb_context_listing *listing)
{
    struct totals totals = {0};

    cb_vec_foreach (entry, &listing->entries) {
        if (entry->sent) {
            totals.files += entry->files;
            totals.bytes += (uint64_t)entry->size_bytes;
        } else {
            totals.left_out++;
            totals.left_out_files += entry->files;
            totals.left_out_bytes += (uint64_t)entry->size_bytes;
        }
    }
    return totals;
}

static int wants_left_out(const struct values *values)
{
    return values->all || values->ignored;
}

static int shown(const struct cb_context_entry *entry, const struct values *values)
{
    return values->all || entry->sent != values->ignored;
}

/* ── Text ── */

static void print_rule(const struct cb_ignore_rule *rule)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (rule->line) {
        cb_strbuf_add_escaped(&text, rule->file, strlen(rule->file), 0);
        cb_strbuf_addf(&text, ":%u: ", rule->line);
    }
    cb_strbuf_add_escaped(&text, rule->text, rule->len, 0);
    printf("  %s", cb_strbuf_text(&text));
}

static void print_entry(const struct cb_context_entry *entry, int all)
{
    cb_autofree char *size = cb_size_human((uint64_t)entry->size_bytes);
    cb_auto_value(cb_strbuf) path = {0};

    cb_strbuf_add_escaped(&path, entry->path, strlen(entry->path), 0);
    if (S_ISDIR(entry->mode))
        cb_strbuf_addc(&path, '/');
    if (all)
        fputs(entry->sent ? "+ " : "- ", stdout);
    printf("%9s  %s", S_ISREG(entry->mode) || entry->whole ? size : "-",
           cb_strbuf_text(&path));
    if (!entry->sent)
        print_rule(&entry->rule);
    else if (S_ISSOCK(entry->mode))
        fputs("  a socket: sent as an empty file", stdout);
    putchar('\n');
}

static char *amount(uint64_t files, uint64_t bytes)
{
    cb_autofree char *size = cb_size_human(bytes);

    return xasprintf("%" PRIu64 " file%s, %s", files, files == 1 ? "" : "s", size);
}

static void print_text(const struct cb_context_listing *listing,
                       const struct values *values)
{
    struct totals totals = count(listing);
    cb_autofree char *sent = amount(totals.files, totals.bytes);
    cb_autofree char *rest = amount(totals.left_out_files, totals.left_out_bytes);

    cb_vec_foreach (entry, &listing->entries) {
        if (shown(entry, values))
            print_entry(entry, values->all);
    }
    if (wants_left_out(values))
        printf("total: %s sent; %s left out\n", sent, rest);
    else
        printf("total: %s sent; %" PRIu64 " left out\n", sent, totals.left_out);
}

/* ── JSON ── */

static const char *type_of(uint32_t mode)
{
    static const struct {
        uint32_t format;
        const char *name;
    } types[] = {
        {S_IFREG, "file"}, {S_IFDIR, "directory"}, {S_IFLNK, "symlink"},
        {S_IFIFO, "fifo"}, {S_IFSOCK, "socket"},   {S_IFCHR, "character device"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(types); i++) {
        if ((mode & S_IFMT) == types[i].format)
            return types[i].name;
    }
    return "block device";
}

static void print_json_rule(struct cb_strbuf *out, const struct cb_ignore_rule *rule)
{
    cb_autofree char *text = xstrndup(rule->text, rule->len);

    cb_strbuf_adds(out, ",\"rule\":{\"file\":");
    cb_strbuf_add_json(out, rule->file);
    cb_strbuf_addf(out, ",\"line\":%u,\"text\":", rule->line);
    cb_strbuf_add_json(out, text);
    cb_strbuf_addc(out, '}');
}

static void print_json(const struct cb_context_listing *listing,
                       const struct values *values)
{
    struct totals totals = count(listing);
    const char *separator = "";

    fputs("{\"entries\":[", stdout);
    cb_vec_foreach (entry, &listing->entries) {
        cb_auto_value(cb_strbuf) out = {0};

        if (!shown(entry, values))
            continue;
        cb_strbuf_adds(&out, "{\"path\":");
        cb_strbuf_add_json(&out, entry->path);
        cb_strbuf_addf(
            &out, ",\"type\":\"%s\",\"mode\":\"%04o\",\"size\":%" PRId64 ",\"sent\":%s",
            type_of(entry->mode), entry->mode & 07777, entry->size_bytes,
            entry->sent ? "true" : "false");
        if (!entry->sent)
            print_json_rule(&out, &entry->rule);
        else if (S_ISSOCK(entry->mode))
            cb_strbuf_adds(&out, ",\"sentAs\":\"file\"");
        printf("%s\n%s}", separator, cb_strbuf_text(&out));
        separator = ",";
    }
    printf("\n],\"total\":{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"leftOut\":%" PRIu64,
           totals.files, totals.bytes, totals.left_out);
    if (wants_left_out(values))
        printf(",\"leftOutFiles\":%" PRIu64 ",\"leftOutBytes\":%" PRIu64,
               totals.left_out_files, totals.left_out_bytes);
    fputs("}}\n", stdout);
}

/* ── The command ── */

static int check(const struct values *values, struct cb_error **err)
{
    if (strcmp(values->request.context, "-") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "`cbuild context ls` lists directories, not archives");
    return 0;
}

static int list(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto(cb_context) context = NULL;
    cb_auto_value(cb_context_listing) listing = {0};
    cb_autofree char *root = NULL;
    int json = cb_wants_json(values->format, "text", err);

    if (json < 0 || check(values, err) < 0 || cb_app_store_root(app, &root, err) < 0 ||
        cb_engine_open_directory(&context, &values->request, root, err) < 0 ||
        cb_context_list(context, wants_left_out(values), app->cancel, &listing, err) < 0)
        return -1;
    if (json)
        print_json(&listing, values);
    else
        print_text(&listing, values);
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    if (values->quiet || (values->format && strstr(values->format, "{{")))
        return cb_docker_context_list(values->format, values->quiet, err);
    values->request.context = args->count ? args->items[0] : ".";
    return list(app, values, err);
}

const struct cb_cli_command cb_context_command = {
    .name = "context ls",
    .summary = "List what a build takes of a directory",
    .usage = "context ls [OPTIONS] [PATH]",
    .about =
        "PATH is the context, the current directory by default. Each line has a size\n"
        "and a path; the last one is a total. With --ignored each line also says which\n"
        "line of the ignore file leaves the path out; a directory left out as a whole\n"
        "is one line, with the size of all that is below it. With -q or a Go template "
        "it\n"
        "is docker's `context ls`: there is one context, this machine.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run,
    .stays_out = 1,
};
