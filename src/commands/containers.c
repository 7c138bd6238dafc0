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

/* ── Several ── */

#define AT_ONCE 64 /* connections to monitors that are kept open */

/* One of those that were named. */
struct named {
    struct cb_container *container;
    struct cb_error *error; /* why there is none */
    int asked_fd;
};

static void find_named(struct cb_each_container *at, const char *name,
                       int (*ask)(const struct cb_each_container *at,
                                  struct cb_container *container),
                       struct named *out)
{
    *out = (struct named){.asked_fd = -1};
    if (cb_container_find(at->store, name, &out->container, &out->error) == 0 && ask)
        out->asked_fd = ask(at, out->container);
}

static void do_named(struct cb_each_container *at, struct named *named, const char *echo,
                     int (*each)(const struct cb_each_container *at,
                                 struct cb_container *container, struct cb_error **err),
                     struct cb_error **first)
{
    struct cb_error *error = cb_steal(&named->error);

    at->asked_fd = named->asked_fd;
    if (error || each(at, named->container, &error) < 0)
        cb_error_append(first, error);
    else if (echo)
        printf("%s\n", echo);
    fflush(stdout);
    cb_container_free(named->container);
    cb_close(&named->asked_fd);
}

static int each_of(struct cb_app *app, const struct cb_strings *names, void *values,
                   int (*ask)(const struct cb_each_container *at,
                              struct cb_container *container),
                   int (*each)(const struct cb_each_container *at,
                               struct cb_container *container, struct cb_error **err),
                   int echo, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) first = NULL;
    struct cb_each_container at = {.app = app, .values = values, .asked_fd = -1};
    struct named batch[AT_ONCE];
    size_t count;

    if (cb_app_store(app, 1, &store, err) < 0)
        return -1;
    at.store = store;
    for (size_t from = 0; from < names->count; from += count) {
        size_t most = ask ? AT_ONCE : 1;

        count = names->count - from < most ? names->count - from : most;
        for (size_t i = 0; i < count; i++)
            find_named(&at, names->items[from + i], ask, &batch[i]);
        for (size_t i = 0; i < count; i++)
            do_named(&at, &batch[i], echo ? names->items[from + i] : NULL, each, &first);
    }
    return first ? cb_error_move(err, &first) : 0;
}

int cb_containers_each(struct cb_app *app, const struct cb_strings *names, void *values,
                       int (*each)(const struct cb_each_container *at,
                                   struct cb_container *container, struct cb_error **err),
                       int echo, struct cb_error **err)
{
    return each_of(app, names, values, NULL, each, echo, err);
}

int cb_containers_each_asked(
    struct cb_app *app, const struct cb_strings *names, void *values,
    int (*ask)(const struct cb_each_container *at, struct cb_container *container),
    int (*each)(const struct cb_each_container *at, struct cb_container *container,
                struct cb_error **err),
    struct cb_error **err)
{
    return each_of(app, names, values, ask, each, 1, err);
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
