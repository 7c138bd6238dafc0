/* What the commands about containers share. */
#ifndef CB_COMMANDS_CONTAINERS_H
#define CB_COMMANDS_CONTAINERS_H

#include "commands/commands.h"
#include "commands/container-filter.h"
#include "container/client.h"
#include "container/diff.h"

/* Calls EACH for every one of NAMES; all are tried, the first error is returned with the
 * others behind it. With ECHO each name is printed that went well. */
struct cb_each_container {
    struct cb_app *app;
    struct cb_store *store;
    void *values;
    int asked_fd; /* what ASK of this one returned, or -1 */
};
int cb_containers_each(struct cb_app *app, const struct cb_strings *names, void *values,
                       int (*each)(const struct cb_each_container *at,
                                   struct cb_container *container, struct cb_error **err),
                       int echo, struct cb_error **err);
/* The same side by side: ASK, for what takes its time, is called of many before EACH is
 * called of the first. It returns a descriptor, or -1; what is wrong is for EACH to say.
 */
int cb_containers_each_asked(
    struct cb_app *app, const struct cb_strings *names, void *values,
    int (*ask)(const struct cb_each_container *at, struct cb_container *container),
    int (*each)(const struct cb_each_container *at, struct cb_container *container,
                struct cb_error **err),
    struct cb_error **err);
/* The one container NAME means. */
int cb_app_container(struct cb_app *app, const char *name, struct cb_store **store,
                     struct cb_container **out, struct cb_error **err);
/* "Up 2 hours", "Exited (0) 3 minutes ago": caller frees. */
char *cb_container_status_text(const struct cb_container *container);
/* In double quotes, shortened to 20 characters unless WHOLE: caller frees. */
char *cb_container_command_text(const struct cb_container *container, int whole);

/* "C /etc", a line for each, as docker's diff has them. */
void cb_changes_print(const struct cb_changes *changes);

#endif
