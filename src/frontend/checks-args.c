/* cbuild's own check of ARGs above the first FROM: they count for FROM lines only, and a
 * RUN that expects one gets nothing. The shell's own variables are not known here, so a
 * name that the RUN mentions in any other way is taken for one of these. */
#include "frontend/checks-priv.h"

#include <ctype.h>
#include <string.h>

static int is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* 1: $NAME and ${NAME are in TEXT, and nothing else of that name. */
static int expects(const char *text, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    int found = 0;

    for (size_t i = 0; name_len && i + name_len <= len; i++) {
        const char *at = text + i;
        size_t sign = i > 1 && at[-1] == '{' ? 2 : 1; /* where the $ would be before it */

        if (memcmp(at, name, name_len) != 0 || (i > 0 && is_name_char(at[-1])) ||
            (i + name_len < len && is_name_char(at[name_len])))
            continue;
        if (i < sign || text[i - sign] != '$')
            return 0;
        found |= i == sign || text[i - sign - 1] != '\\';
    }
    return found;
}

static int run_expects(const struct cb_inst_run *run, const char *name)
{
    const char *text = run->command.shell ? run->command.shell : "";
    int is_script = strncmp(text, "<<", 2) == 0;

    for (size_t i = 0; is_script && i < run->heredocs.count; i++)
        if (expects(run->heredocs.items[i].content, run->heredocs.items[i].len, name))
            return 1;
    return !run->command.is_exec && expects(text, strlen(text), name);
}

int cb_checks_is_global_arg(const struct cb_planner *planner, const char *name)
{
    for (size_t i = 0; i < planner->file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &planner->file->global_args[i]->pairs;

        for (size_t k = 0; k < pairs->count; k++)
            if (strcmp(pairs->items[k].key.text, name) == 0)
                return 1;
    }
    return 0;
}

void cb_checks_global_args(struct cb_stage *stage, const struct cb_item *item)
{
    const struct cb_planner *planner = stage->planner;

    if (!planner || cb_checks_full(planner))
        return;
    for (size_t i = 0; i < planner->file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &planner->file->global_args[i]->pairs;

        for (size_t k = 0; k < pairs->count; k++) {
            const char *name = pairs->items[k].key.text;

            if (!cb_env_get(&stage->env, name) && !cb_checks_is_declared(stage, name) &&
                run_expects(&item->inst->run, name))
                cb_checks_warn_item(stage, item, "ArgOutsideStage",
                                    "'$%s' is not set here: its ARG is before the first "
                                    "FROM, so repeat `ARG %s` in this stage",
                                    name, name);
        }
    }
}
