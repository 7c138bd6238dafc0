/* What of a build fits the screen: first a line for each step that runs, the newest
 * first, then what these say, then the newest of the others. How many run that there is
 * no room for is told in the head. */
#include "commands/progress-tty.h"

#define REST_LINES 2 /* the head, and where the cursor stands */

/* A line each for those that run, or that do not. */
static void give_lines(struct cb_tty_step *const *steps, size_t count, int running,
                       unsigned *room, char *chosen)
{
    for (size_t i = count; i-- > 0 && *room;) {
        if ((steps[i]->state == CB_TTY_RUNNING) != running)
            continue;
        chosen[i] = CB_TTY_ONE_LINE;
        --*room;
    }
}

static void give_rest(struct cb_tty_step *const *steps, size_t count, unsigned *room,
                      char *chosen)
{
    for (size_t i = count; i-- > 0;) {
        unsigned more = cb_tty_step_lines(steps[i], 1) - 1;

        if (chosen[i] == CB_TTY_HIDDEN || more > *room)
            continue;
        chosen[i] = CB_TTY_WHOLE;
        *room -= more;
    }
}

static unsigned count_hidden(struct cb_tty_step *const *steps, size_t count,
                             const char *chosen)
{
    unsigned hidden = 0;

    for (size_t i = 0; i < count; i++)
        hidden += steps[i]->state == CB_TTY_RUNNING && chosen[i] == CB_TTY_HIDDEN;
    return hidden;
}

char *cb_tty_choose(struct cb_tty_step *const *steps, size_t count, unsigned height,
                    char **hidden)
{
    unsigned room = height > REST_LINES + 1 ? height - REST_LINES : 1, left;
    char *chosen = xcalloc(count + 1, 1);

    give_lines(steps, count, 1, &room, chosen);
    give_rest(steps, count, &room, chosen);
    give_lines(steps, count, 0, &room, chosen);
    left = count_hidden(steps, count, chosen);
    *hidden = left ? xasprintf("and %u more that run", left) : xstrdup("");
    return chosen;
}
