/* What the commands on earlier builds share. */
#ifndef CB_COMMANDS_BUILDS_H
#define CB_COMMANDS_BUILDS_H

#include "base/json.h"
#include "commands/commands.h"
#include "engine/engine.h"

struct cb_builds_values {
    const char *format;
    int quiet, all;
};

/* Opens the store and finds the build that the first of ARGS names, the last one if there
 * is none. *ID is the caller's. */
int cb_builds_open(struct cb_app *app, const struct cb_strings *args,
                   struct cb_store **store, char **id, struct cb_error **err);

/* Texts for people; callers free them. NULL is "". */
char *cb_builds_escaped(const char *text);
char *cb_builds_joined(const struct cb_strings *names);
/* "1.2s", "" when one end is not known. */
char *cb_builds_duration(double start_s, double end_s);
char *cb_builds_ago(double start_s);

/* New references; null for what is not known. */
json_t *cb_builds_time_json(double seconds);
json_t *cb_builds_json(const struct cb_built *built);

#endif
