/* Becoming root, one way or the other, before the first thread: a user namespace of our
 * own, or the one in which the user's containers are, so that they can share networks.
 * Who is going to connect something takes a seat at the hub there, and makes one if there
 * is none; all others go in because it costs less than a namespace of their own. Where
 * the hub cannot be had everything works as without it, but for networks that are
 * shared. */
#include "commands/commands.h"

#include "base/log.h"
#include "base/user-namespace.h"

#include <string.h>

/* ── Who needs it ── */

static int is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static int is_needed(const struct cb_cli_command *command, int argc, char **argv)
{
    static const char *const apart[] = {"none", "host", NULL};
    static const char *const ones_own[] = {"none", "host", "default", "", NULL};
    const char *network =
        cb_options_peek(command, argc, argv, command->takes_program, "network", "net");

    switch (command->meets) {
    case CB_MEETS_NOBODY:
        return 0;
    case CB_MEETS_IF_ASKED:
        return network && !is_one_of(network, ones_own);
    case CB_MEETS_UNLESS_ASKED:
        return !network || !is_one_of(network, apart);
    case CB_MEETS_OTHERS:
    case CB_MEETS_IF_THERE:
        break;
    }
    return 1;
}

/* ── Entering ── */

/* What goes wrong with the hub is no reason to fail. */
static void forget(struct cb_error **error)
{
    if (*error)
        cb_debug("%s", cb_error_message(*error));
    cb_error_free(cb_steal(error));
}

static void find(struct cb_app *app, int makes, struct cb_hub_claim **claim)
{
    cb_auto(cb_error) error = NULL;

    if (makes)
        cb_hub_claim(claim, &app->hub, app->cancel, &error);
    else
        cb_hub_find(&app->hub, &error);
    forget(&error);
}

static void found(struct cb_app *app, const struct cb_hub_claim *claim)
{
    cb_auto(cb_error) error = NULL;

    cb_hub_found(claim, &app->hub, &error);
    forget(&error);
}

/* Root of a namespace that is there already stays in it: a monitor, and who was started
 * by another tool. Root of the machine shares its network. */
static void stay(struct cb_app *app, int makes)
{
    cb_auto(cb_hub_claim) claim = NULL;

    if (!cb_in_user_namespace())
        return;
    find(app, makes, &claim);
    if (claim)
        found(app, claim);
    else if (app->hub && !cb_hub_is_ours(app->hub))
        cb_hub_leave(cb_steal(&app->hub));
}

static int enter(struct cb_app *app, int needed, struct cb_error **err)
{
    cb_auto(cb_hub_claim) claim = NULL;
    int joined = 0;

    find(app, needed, &claim);
    if (app->hub)
        joined = cb_userns_join(&app->userns, cb_hub_user_namespace(app->hub), err);
    if (app->hub && (!joined || !needed))
        cb_hub_leave(cb_steal(&app->hub));
    if (joined)
        return joined < 0 ? -1 : 0;
    if (cb_userns_enter(&app->userns, err) < 0)
        return -1;
    if (claim)
        found(app, claim);
    return 0;
}

int cb_app_enter(struct cb_app *app, const struct cb_cli_command *command, int argc,
                 char **argv, struct cb_error **err)
{
    int stays = cb_userns_stays(err);
    int needed = is_needed(command, argc, argv);

    if (stays < 0)
        return -1;
    if (stays) {
        if (needed)
            stay(app, command->meets != CB_MEETS_IF_THERE);
        return cb_userns_enter(&app->userns, err);
    }
    if (enter(app, needed, err) < 0)
        return -1;
    if (app->userns.kind == CB_USERNS_SINGLE && command->needs_launcher)
        cb_warn("no subordinate ids, so all files and all users of steps are root: %s",
                app->userns.why);
    return 0;
}
