/* What the commands about containers share. */
#ifndef CB_COMMANDS_CONTAINERS_H
#define CB_COMMANDS_CONTAINERS_H

#include "commands/commands.h"
#include "commands/container-filter.h"
#include "container/client.h"
#include "container/diff.h"

/* One of the containers that were named. */
struct cb_each_container {
    struct cb_app *app;
    struct cb_store *store;
    void *values;
    int asked_fd; /* what ASK of this one returned, or -1 */
};
/* What is done to each. */
struct cb_container_act {
    int (*each)(const struct cb_each_container *at, struct cb_container *container,
                struct cb_error **err);
    /* Or NULL: for what takes its time, called of many before EACH is called of the
     * first, so that they go side by side. It returns a descriptor, or -1; what is wrong
     * is for EACH to say. */
    int (*ask)(const struct cb_each_container *at, struct cb_container *container);
    int is_silent; /* else the name of each that went well is printed */
};
/* All of NAMES are tried; the first error is returned with the others behind it. */
int cb_containers_each(struct cb_app *app, const struct cb_container_act *act,
                       const struct cb_strings *names, void *values,
                       struct cb_error **err);
/* The one container NAME means. */
int cb_app_container(struct cb_app *app, const char *name, struct cb_store **store,
                     struct cb_container **out, struct cb_error **err);
/* The exit status of who was attached: docker's 1 when its keys made it leave, which is
 * said. */
int cb_containers_end(const struct cb_client_end *end);
/* "Up 2 hours", "Exited (0) 3 minutes ago": caller frees. */
char *cb_container_status_text(const struct cb_container *container);
/* In double quotes, shortened to 20 characters unless WHOLE: caller frees. */
char *cb_container_command_text(const struct cb_container *container, int whole);

/* "C /etc", a line for each, as docker's diff has them. */
void cb_changes_print(const struct cb_changes *changes);

#endif
