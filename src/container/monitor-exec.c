/* One more process in the container: what `exec` asks for, as a document. What is not
 * said is as the container has it. */
#include "container/monitor-priv.h"

#include "container/journal.h"

#include <stdio.h>

#define MAX_STRINGS 10000

struct wish {
    struct cb_strings argv, env, cap_add;
    const char *user, *cwd;
    int tty, input, privileged;
};

static void wish_clear(struct wish *wish)
{
    cb_strings_free(&wish->argv);
    cb_strings_free(&wish->env);
    cb_strings_free(&wish->cap_add);
}
CB_AUTO_VALUE_DEFINE(wish, wish_clear)

static int read_wish(struct wish *wish, const json_t *document, struct cb_error **err)
{
    struct cb_json root = cb_json_root((json_t *)document, "exec");
    struct cb_json argv = cb_json_member(&root, "Argv");
    struct cb_json env = cb_json_member(&root, "Env");
    struct cb_json user = cb_json_member(&root, "User");
    struct cb_json cwd = cb_json_member(&root, "Cwd");
    struct cb_json tty = cb_json_member(&root, "Tty");
    struct cb_json input = cb_json_member(&root, "Input");
    struct cb_json privileged = cb_json_member(&root, "Privileged");

    if (cb_json_expect_object(&root, err) < 0 ||
        cb_json_strings(&argv, MAX_STRINGS, &wish->argv, err) < 0 ||
        cb_json_strings(&env, MAX_STRINGS, &wish->env, err) < 0 ||
        cb_json_string(&user, &wish->user, err) < 0 ||
        cb_json_string(&cwd, &wish->cwd, err) < 0 ||
        cb_json_bool(&tty, &wish->tty, err) < 0 ||
        cb_json_bool(&input, &wish->input, err) < 0)
        return -1;
    return cb_json_bool(&privileged, &wish->privileged, err);
}

static void merge_env(const struct cb_strings *base, const struct wish *wish,
                      struct cb_strings *out)
{
    cb_strings_copy(out, base);
    if (wish->tty && !cb_env_get(out, "TERM"))
        cb_env_set(out, "TERM", "xterm");
    cb_env_merge(out, &wish->env);
}

static void fill_spec(struct cb_process_spec *spec, const struct monitor *monitor,
                      const struct wish *wish, const struct cb_strings *env,
                      const struct cb_wire_message *message)
{
    const struct cb_process_spec *base = &monitor->setup->spec.process;

    cb_process_spec_init(spec);
    spec->inside = monitor->main->process;
    spec->rootfs_fd = monitor->root;
    spec->argv = &wish->argv;
    spec->env = env;
    spec->cwd = wish->cwd ? wish->cwd : base->cwd;
    spec->user = wish->user ? wish->user : base->user;
    spec->groups = wish->user ? NULL : base->groups;
    spec->security = wish->privileged ? CB_SECURITY_INSECURE : base->security;
    spec->cap_add = wish->privileged ? &wish->cap_add : base->cap_add;
    spec->cap_drop = wish->privileged ? NULL : base->cap_drop;
    spec->seccomp = wish->privileged ? "" : base->seccomp;
    spec->no_new_privileges = base->no_new_privileges;
    spec->rlimits = base->rlimits;
    spec->rlimit_count = base->rlimit_count;
    spec->has_oom_score = base->has_oom_score;
    spec->oom_score = base->oom_score;
    spec->tty = wish->tty;
    spec->rows = (unsigned short)message->b;
    spec->columns = (unsigned short)message->c;
}

int cb_monitor_probe(struct monitor *monitor, const struct cb_strings *argv,
                     struct cb_strbuf *kept, struct session **out, struct cb_error **err)
{
    static const struct cb_wire_message no_terminal;
    struct wish wish = {.argv = *argv};
    struct cb_process_spec spec;

    fill_spec(&spec, monitor, &wish, monitor->setup->spec.process.env, &no_terminal);
    if (cb_session_start(monitor->launcher, &spec, 0, NULL, out, err) < 0)
        return -1;
    (*out)->kept = kept;
    cb_vec_push(&monitor->sessions, *out);
    return 0;
}

int cb_monitor_exec(struct monitor *monitor, struct client *client,
                    const struct cb_wire_message *message, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    cb_auto_value(wish) wish = {0};
    cb_auto_value(cb_strings) env = {0};
    struct cb_process_spec spec;
    struct session *session;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    if (monitor->container->state.status == CB_CONTAINER_PAUSED)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "Container %s is paused, unpause the container before exec",
                            monitor->container->id);
    if (cb_json_parse(&document, "exec", message->text, message->len, message->len, err) <
            0 ||
        read_wish(&wish, document, err) < 0)
        return -1;
    if (wish.privileged)
        cb_strings_add(&wish.cap_add, "ALL");
    merge_env(monitor->setup->spec.process.env, &wish, &env);
    fill_spec(&spec, monitor, &wish, &env, message);
    if (cb_session_start(monitor->launcher, &spec, wish.input, NULL, &session, err) < 0)
        return cb_monitor_went(monitor, err);
    cb_container_new_id(session->exec_id);
    cb_vec_push(&monitor->sessions, session);
    cb_client_answer(client, 0, NULL);
    cb_container_tell_exec(monitor->store_root, monitor->container, session->exec_id,
                           &wish.argv);
    if (message->a) {
        client->role = CLIENT_END; /* it only wanted to know that it runs */
        return 0;
    }
    client->role = CLIENT_STREAMS;
    client->session = session;
    client->closes_input = wish.input;
    return 0;
}
