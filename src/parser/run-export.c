/* RUN --export=NAME=PATH, in files that say `# cbuild=1`: below the instruction the
 * variable NAME is what the step left in the file PATH. Here only the text is looked at;
 * variables in PATH are expanded later. */
#include "parser/parser-priv.h"

#include <ctype.h>
#include <string.h>

static struct cb_word part_of(struct cb_request *request, const struct cb_word *word,
                              size_t start, size_t end)
{
    int plain = word->span.end - word->span.start == strlen(word->text);
    struct cb_word part = {
        .text = cb_arena_strndup(request->parser->arena, word->text + start, end - start),
        .span = word->span};

    /* A flag with quotes or escapes in it has no simple places inside. */
    if (plain)
        part.span = (struct cb_span){word->span.start + start, word->span.start + end};
    return part;
}

static int is_variable(const char *name)
{
    if (isdigit((unsigned char)*name))
        return 0;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_')
            return 0;
    }
    return 1;
}

static int split(struct cb_request *request, const struct cb_word *value,
                 struct cb_run_export *out, struct cb_error **err)
{
    size_t len = strlen(value->text), at = strcspn(value->text, "=");

    out->name = part_of(request, value, 0, at);
    if (at == 0)
        return cb_syntax_error(request, value->span, err,
                               "--export names can not be blank");
    if (at + 1 >= len) {
        cb_syntax_error(request, value->span, err, "--export has no path");
        return cb_error_hint(err, "--export=NAME=PATH: the file that holds the value");
    }
    out->path = part_of(request, value, at + 1, len);
    return 0;
}

static int check_name(struct cb_request *request, const struct cb_inst_run *run,
                      const struct cb_word *name, struct cb_error **err)
{
    cb_autofree char *shown = cb_text_quote(name->text);

    if (!is_variable(name->text)) {
        cb_syntax_error(request, name->span, err, "--export: %s is no name of a variable",
                        shown);
        return cb_error_hint(err, "letters, digits and _, no digit first: "
                                  "--export=VERSION=/version");
    }
    for (size_t i = 0; i < run->export_count; i++) {
        if (strcmp(run->exports[i].name.text, name->text) == 0)
            return cb_syntax_error(request, name->span, err,
                                   "--export: %s is given twice", shown);
    }
    return 0;
}

int cb_run_exports_parse(struct cb_request *request, const struct cb_words *values,
                         struct cb_inst_run *run, struct cb_error **err)
{
    if (request->is_trigger)
        return cb_syntax_error(request, values->items[0].span, err,
                               "an ONBUILD trigger takes no --export: other builders "
                               "could not read it in the image");
    run->exports =
        cb_arena_alloc(request->parser->arena, values->count * sizeof(*run->exports));
    for (size_t i = 0; i < values->count; i++) {
        struct cb_run_export *export = &run->exports[run->export_count];

        if (split(request, &values->items[i], export, err) < 0 ||
            check_name(request, run, &export->name, err) < 0)
            return -1;
        run->export_count++;
    }
    return 0;
}
