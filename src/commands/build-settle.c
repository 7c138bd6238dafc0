/* From what is typed to a request: texts that mean one of a few things become that, what
 * is left empty is not given, and what nobody said is the default. */
#include "commands/build.h"

#include "commands/build-targets.h"

#include <string.h>

static int default_platform(struct cb_build_request *request, struct cb_error **err)
{
    struct cb_platform buffer;
    const struct cb_platform *platform;

    if (request->platforms.count)
        return 0;
    if (cb_app_default_platform(NULL, &buffer, &platform, err) < 0)
        return -1;
    if (platform)
        cb_strings_take(&request->platforms, cb_platform_text(platform));
    return 0;
}

/* --check is --call=check. */
static int parse_call(struct cb_build_values *values, struct cb_error **err)
{
    if (values->check && values->call)
        return cb_error_set(err, CB_ERR_USAGE, "--check and --call exclude each other");
    if (cb_call_parse(&values->asked, values->check ? "check" : values->call, err) < 0)
        return -1;
    values->request.call = values->asked.kind;
    return 0;
}

static int parse_pull(const char *text, enum cb_pull_policy *out, struct cb_error **err)
{
    static const struct {
        const char *text;
        enum cb_pull_policy policy;
    } policies[] = {
        {"", CB_PULL_ALWAYS},       {"always", CB_PULL_ALWAYS},
        {"true", CB_PULL_ALWAYS},   {"missing", CB_PULL_MISSING},
        {"false", CB_PULL_MISSING}, {"never", CB_PULL_NEVER},
        {"newer", CB_PULL_NEWER},
    };

    *out = CB_PULL_MISSING;
    if (!text)
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(policies); i++) {
        if (strcmp(policies[i].text, text) == 0) {
            *out = policies[i].policy;
            return 0;
        }
    }
    return cb_error_flag(err, text, "--pull", "expected always, missing, never or newer");
}

/* --no-cache-filter=a,b as docker takes it. */
static void split_at_commas(struct cb_strings *names)
{
    struct cb_strings split = {0};

    for (size_t i = 0; i < names->count; i++) {
        for (const char *text = names->items[i]; *text;) {
            size_t len = strcspn(text, ",");

            if (len)
                cb_strings_take(&split, xstrndup(text, len));
            text += len + (text[len] == ',');
        }
    }
    cb_strings_free(names);
    *names = split;
}

static void drop_empty_texts(struct cb_strings *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (*list->items[i])
            list->items[kept++] = list->items[i];
        else
            free(list->items[i]);
    }
    list->count = kept;
}

/* As docker has it, a file without a name is none, and an option that a script left
 * empty (--cache-from="$CACHE") is not given. */
static void drop_empty(struct cb_build_request *request)
{
    const char **files[] = {&request->dockerfile, &request->ignorefile,
                            &request->lock_file};

    struct cb_strings *lists[] = {&request->annotations, &request->attests,
                                  &request->cache_from,  &request->cache_to,
                                  &request->contexts,    &request->secrets,
                                  &request->ssh};

    for (size_t i = 0; i < CB_ARRAY_SIZE(files); i++)
        if (*files[i] && !**files[i])
            *files[i] = NULL;
    for (size_t i = 0; i < CB_ARRAY_SIZE(lists); i++)
        drop_empty_texts(lists[i]);
}

int cb_build_settle(struct cb_build_values *values, const struct cb_strings *args,
                    struct cb_error **err)
{
    struct cb_build_request *request = &values->request;

    if (cb_command_check_args(&cb_build_command, args, values->tools.context ? 0 : 1, 1,
                              err) < 0)
        return -1;
    if (request->lock_file && !request->locked)
        return cb_error_set(err, CB_ERR_USAGE, "--lock-file is only read with --locked");
    if (cb_build_targets_settle(&values->ordered, request, err) < 0)
        return -1;
    split_at_commas(&request->no_cache_filter);
    drop_empty(request);
    request->skip_tls_verify = !values->tls_verify;
    if (parse_pull(values->pull, &request->pull, err) < 0 ||
        parse_call(values, err) < 0 ||
        cb_build_tools_environment(&values->tools, err) < 0 ||
        cb_build_tools_apply(&values->tools, request, args, err) < 0 ||
        cb_build_targets_check(request, err) < 0)
        return -1;
    return default_platform(request, err);
}
