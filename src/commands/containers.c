/* Finding containers for commands, and doing one thing to each of several. */
#include "commands/containers.h"

#include "container/health.h"

#include <stdio.h>
#include <string.h>

int cb_app_container(struct cb_app *app, const char *name, struct cb_store **store,
                     struct cb_container **out, struct cb_error **err)
{
    if (cb_app_store(app, 1, store, err) < 0)
        return -1;
    return cb_container_find(*store, name, out, err);
}

int cb_containers_each(struct cb_app *app, const struct cb_strings *names, void *values,
                       int (*each)(const struct cb_each_container *at,
                                   struct cb_container *container, struct cb_error **err),
                       int echo, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) first = NULL;
    struct cb_each_container at = {.app = app, .values = values};

    if (cb_app_store(app, 1, &store, err) < 0)
        return -1;
    at.store = store;
    cb_vec_foreach (name, names) {
        cb_auto(cb_container) container = NULL;
        struct cb_error *error = NULL;

        if (cb_container_find(store, *name, &container, &error) < 0 ||
            each(&at, container, &error) < 0)
            cb_error_append(&first, error);
        else if (echo)
            printf("%s\n", *name);
        fflush(stdout);
    }
    return first ? cb_error_move(err, &first) : 0;
}

static const char *health_text(const json_t *health)
{
    const char *status = cb_health_status(health);

    return strcmp(status, "healthy") == 0     ? " (healthy)"
           : strcmp(status, "unhealthy") == 0 ? " (unhealthy)"
           : strcmp(status, "starting") == 0  ? " (health: starting)"
                                              : "";
}

char *cb_container_status_text(const struct cb_container *container)
{
    const struct cb_container_state *state = &container->state;
    int64_t now = cb_timestamp_now().tv_sec;
    struct timespec started = {.tv_sec = now}, finished = {.tv_sec = now};
    cb_autofree char *up = NULL;
    cb_autofree char *ago = NULL;

    cb_timestamp_parse(&started, state->started, NULL);
    cb_timestamp_parse(&finished, state->finished, NULL);
    up = cb_duration_human(now - started.tv_sec);
    ago = cb_duration_human(now - finished.tv_sec);
    switch (state->status) {
    case CB_CONTAINER_CREATED:
        break;
    case CB_CONTAINER_RUNNING:
        return xasprintf("Up %s%s", up, health_text(state->health));
    case CB_CONTAINER_PAUSED:
        return xasprintf("Up %s (Paused)", up);
    case CB_CONTAINER_RESTARTING:
        return xasprintf("Restarting (%d) %s ago", state->exit_code, ago);
    case CB_CONTAINER_EXITED:
        return xasprintf("Exited (%d) %s ago", state->exit_code, ago);
    }
    return xstrdup("Created");
}
