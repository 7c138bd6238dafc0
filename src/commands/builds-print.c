/* What the commands on earlier builds share: how a build is named, and its times, names
 * and JSON. */
#include "commands/builds.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int cb_builds_open(struct cb_app *app, const struct cb_strings *args,
                   struct cb_store **store, char **id, struct cb_error **err)
{
    if (cb_app_store(app, CB_STORE_EXISTING, store, err) < 0)
        return -1;
    return cb_builds_find(*store, args->count ? args->items[0] : NULL, id, err);
}

char *cb_builds_escaped(const char *text)
{
    struct cb_strbuf out = {0};

    cb_strbuf_add_escaped(&out, text ? text : "", text ? strlen(text) : 0, 1);
    return cb_strbuf_steal(&out);
}

char *cb_builds_joined(const struct cb_strings *names)
{
    struct cb_strbuf out = {0};

    for (size_t i = 0; i < names->count; i++) {
        cb_strbuf_adds(&out, i ? "," : "");
        cb_strbuf_add_escaped(&out, names->items[i], strlen(names->items[i]), 0);
    }
    return cb_strbuf_steal(&out);
}

char *cb_builds_duration(double start_s, double end_s)
{
    if (start_s <= 0 || end_s < start_s)
        return xstrdup("");
    return xasprintf("%.1fs", end_s - start_s);
}

char *cb_builds_ago(double start_s)
{
    cb_autofree char *age = NULL;

    if (start_s <= 0)
        return xstrdup("");
    age = cb_duration_human((int64_t)((double)time(NULL) - start_s));
    return xasprintf("%s ago", age);
}

json_t *cb_builds_time_json(double seconds)
{
    struct timespec time = {(time_t)seconds,
                            (long)((seconds - (double)(time_t)seconds) * 1000) * 1000000};
    char text[CB_TIMESTAMP_MAX];

    return seconds > 0 ? json_string(cb_timestamp_format(time, text)) : json_null();
}

json_t *cb_builds_json(const struct cb_built *built)
{
    json_t *names = json_array();

    for (size_t i = 0; i < built->names.count; i++)
        json_array_append_new(names, cb_json_from_text(built->names.items[i]));
    return json_pack(
        "{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I}", "id", built->id,
        "result", built->result, "started", cb_builds_time_json(built->start_s), "ended",
        cb_builds_time_json(built->end_s), "names", names, "context",
        cb_json_from_text(built->context), "dockerfile",
        cb_json_from_text(built->dockerfile), "target", cb_json_from_text(built->target),
        "platform", cb_json_from_text(built->platform), "image",
        cb_json_from_text(built->image), "error", cb_json_from_text(built->error),
        "total", (json_int_t)built->steps_total, "cached",
        (json_int_t)built->steps_cached, "executed", (json_int_t)built->steps_executed,
        "bytes", (json_int_t)built->bytes);
}
