/* Finding containers for commands, and doing one thing to each of several. */
#include "commands/containers.h"

#include "container/health.h"

#include <stdio.h>
#include <string.h>

int cb_app_container(struct cb_app *app, const char *name, struct cb_store **store,
                     struct cb_container **out, struct cb_error **err)
{
    if (cb_app_store(app, CB_STORE_CREATE, store, err) < 0)
        return -1;
    return cb_container_find(*store, name, out, err);
}

/* ── Several ── */

#define AT_ONCE 64 /* connections to monitors that are kept open */

/* One of those that were named. */
struct named {
    const char *name;
    struct cb_container *container;
    struct cb_error *error; /* why there is none */
    int asked_fd;
};

static void find_named(struct cb_each_container *at, const struct cb_container_act *act,
                       const char *name, struct named *out)
{
    *out = (struct named){.name = name, .asked_fd = -1};
    if (cb_container_find(at->store, name, &out->container, &out->error) == 0 && act->ask)
        out->asked_fd = act->ask(at, out->container);
}

static void do_named(struct cb_each_container *at, const struct cb_container_act *act,
                     struct named *named, struct cb_error **errors)
{
    struct cb_error *error = cb_steal(&named->error);

    at->asked_fd = named->asked_fd;
    if (error || act->each(at, named->container, &error) < 0)
        cb_error_append(errors, error);
    else if (!act->is_silent)
        printf("%s\n", named->name);
    fflush(stdout);
    cb_container_free(named->container);
    cb_close(&named->asked_fd);
}

int cb_containers_each(struct cb_app *app, const struct cb_container_act *act,
                       const struct cb_strings *names, void *values,
                       struct cb_error **err)
{
    const size_t most = act->ask ? AT_ONCE : 1;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) errors = NULL;
    struct cb_each_container at = {.app = app, .values = values, .asked_fd = -1};
    struct named batch[AT_ONCE];
    size_t count;

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    at.store = store;
    for (size_t from = 0; from < names->count; from += count) {
        count = names->count - from < most ? names->count - from : most;
        for (size_t i = 0; i < count; i++)
            find_named(&at, act, names->items[from + i], &batch[i]);
        for (size_t i = 0; i < count; i++)
            do_named(&at, act, &batch[i], &errors);
    }
    return errors ? cb_error_move(err, &errors) : 0;
}

/* ── How they are told of ── */

static const char *health_text(const json_t *health)
{
    const char *status = cb_health_status(health);

    return strcmp(status, "healthy") == 0     ? " (healthy)"
           : strcmp(status, "unhealthy") == 0 ? " (unhealthy)"
           : strcmp(status, "starting") == 0  ? " (health: starting)"
                                              : "";
}

int cb_containers_end(const struct cb_client_end *end)
{
    if (!end->detached || end->exit_code)
        return end->exit_code;
    fputs("read escape sequence\n", stderr);
    return 1;
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
