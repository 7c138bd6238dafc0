/* RUN → an exec vertex. The environment is the stage's scope (ENV and declared ARGs), so
 * both are part of the step's key; proxies are given beside it and are not. A heredoc
 * that is all there is becomes the shell's script, or a file of its own when it starts
 * with #!; with a command around it, the text is put together again for the shell. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"

#include <ctype.h>
#include <string.h>

static int is_sole_heredoc(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    while (isdigit((unsigned char)*text))
        text++;
    if (strncmp(text, "<<", 2) != 0)
        return 0;
    text += 2;
    if (*text == '-')
        text++;
    while (*text == ' ' || *text == '\t')
        text++;
    if (!*text || *text == '<')
        return 0;
    text += strcspn(text, " \t\r\n<");
    while (isspace((unsigned char)*text))
        text++;
    return !*text;
}

/* The line with the bodies below it, as the shell reads them. */
static char *assemble(const struct cb_inst_run *run)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, run->command.shell);
    for (size_t i = 0; i < run->heredocs.count; i++) {
        cb_strbuf_addc(&text, '\n');
        cb_strbuf_add(&text, run->heredocs.items[i].content, run->heredocs.items[i].len);
        cb_strbuf_adds(&text, run->heredocs.items[i].name);
    }
    return cb_strbuf_steal(&text);
}

/* Fills argv and, for a script with its own interpreter, the pipe it is read from. */
static void fill_command(struct cb_stage *stage, const struct cb_inst_run *run,
                         struct cb_exec_options *exec, struct cb_strings *argv)
{
    const struct cb_heredoc *heredoc = run->heredocs.count ? run->heredocs.items : NULL;
    cb_autofree char *text = NULL;

    if (run->command.is_exec) {
        for (size_t i = 0; i < run->command.argv.count; i++)
            cb_strings_add(argv, run->command.argv.items[i].text);
        return;
    }
    if (!heredoc) {
        text = xstrdup(run->command.shell ? run->command.shell : "");
    } else if (!is_sole_heredoc(run->command.shell)) {
        text = assemble(run);
    } else if (heredoc->len >= 2 && !memcmp(heredoc->content, "#!", 2)) {
        exec->pipe_name = heredoc->name;
        exec->pipe_content = heredoc->content;
        exec->pipe_len = heredoc->len;
        text = xasprintf("/dev/pipes/%s", heredoc->name);
    } else {
        text = xstrndup(heredoc->content, heredoc->len);
    }
    cb_config_shell_argv(stage->config, text, argv);
}

/* "RUN |2 A=1 B=2 /bin/sh -c make": the ARGs declared so far, then the arguments. */
static void add_history(struct cb_stage *stage, const struct cb_strings *argv)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "RUN");
    if (stage->args.count)
        cb_strbuf_addf(&text, " |%zu", stage->args.count);
    for (size_t i = 0; i < stage->args.count; i++) {
        const char *value = cb_env_get(&stage->env, stage->args.items[i]);

        cb_strbuf_addf(&text, " %s=%s", stage->args.items[i], value ? value : "");
    }
    for (size_t i = 0; i < argv->count; i++)
        cb_strbuf_addf(&text, " %s", argv->items[i]);
    cb_config_history(stage, cb_strbuf_text(&text), 1, 1);
}

/* ── What is refused ── */

static int pick_network(struct cb_stage *stage, const struct cb_item *item,
                        enum cb_op_network *out, struct cb_error **err)
{
    const struct cb_frontend_options *options = stage->planner->options;
    const struct cb_word *word = &item->inst->run.network;

    *out = options->network;
    if (!word->text)
        return 0;
    if (!strcmp(word->text, "default")) {
        *out = CB_OP_NETWORK_DEFAULT;
    } else if (!strcmp(word->text, "none")) {
        *out = CB_OP_NETWORK_NONE;
    } else if (strcmp(word->text, "host")) {
        cb_error_set(err, CB_ERR_SYNTAX,
                     "invalid network mode `%s`: expected default, none or host",
                     word->text);
        return cb_error_at(err, item->source, word->span);
    } else if (!options->allow_host_network) {
        cb_error_set(err, CB_ERR_DENIED,
                     "RUN --network=host is not allowed in this build");
        cb_error_hint(err, "pass --allow network.host or --network host");
        return cb_error_at(err, item->source, word->span);
    } else {
        *out = CB_OP_NETWORK_HOST;
    }
    return 0;
}

static int pick_security(struct cb_stage *stage, const struct cb_item *item,
                         enum cb_security *out, struct cb_error **err)
{
    const struct cb_word *word = &item->inst->run.security;

    *out = CB_SECURITY_SANDBOX;
    if (!word->text || !strcmp(word->text, "sandbox"))
        return 0;
    if (strcmp(word->text, "insecure")) {
        cb_error_set(err, CB_ERR_SYNTAX,
                     "invalid security mode `%s`: expected sandbox or insecure",
                     word->text);
        return cb_error_at(err, item->source, word->span);
    }
    if (!stage->planner->options->allow_insecure) {
        cb_error_set(err, CB_ERR_DENIED,
                     "RUN --security=insecure is not allowed in this build");
        cb_error_hint(err, "pass --allow security.insecure if the Dockerfile is trusted");
        return cb_error_at(err, item->source, word->span);
    }
    *out = CB_SECURITY_INSECURE;
    return 0;
}

/* `device` grants all of them, `device=NAME` one, or a kind without =NAME. */
static int is_granted(const struct cb_strings *grants, const char *device)
{
    for (size_t i = 0; grants && i < grants->count; i++) {
        const char *grant = grants->items[i];
        size_t len = strlen(grant);

        if (!len || strcmp(grant, device) == 0 ||
            (strncmp(grant, device, len) == 0 && device[len] == '='))
            return 1;
    }
    return 0;
}

static int pick_devices(struct cb_stage *stage, const struct cb_item *item,
                        struct cb_exec_options *exec, struct cb_error **err)
{
    const struct cb_words *words = &item->inst->run.devices;
    struct cb_arena *arena = stage->planner->arena;
    struct cb_exec_device *devices;

    devices = cb_arena_alloc(arena, (words->count + 1) * sizeof(*devices));
    exec->devices = devices;
    exec->device_count = words->count;
    for (size_t i = 0; i < words->count; i++) {
        struct cb_run_device device;

        if (cb_run_device_parse(&device, arena, words->items[i].text, err) < 0)
            return cb_error_at(err, item->source, words->items[i].span);
        if (stage->planner->options->purpose == CB_PLAN_BUILD &&
            !is_granted(stage->planner->options->allow_devices, device.name)) {
            cb_error_set(err, CB_ERR_DENIED,
                         "RUN --device=%s is not allowed in this build", device.name);
            cb_error_hint(err, "pass --allow device=%s if the Dockerfile is trusted",
                          device.name);
            return cb_error_at(err, item->source, words->items[i].span);
        }
        devices[i] = (struct cb_exec_device){device.name, device.required};
    }
    return 0;
}

/* Proxies, but for those the Dockerfile sets itself. */
static void quiet_env(const struct cb_stage *stage, struct cb_strings *out)
{
    const struct cb_strings *given = &stage->planner->quiet_env;

    for (size_t i = 0; i < given->count; i++) {
        cb_autofree char *name = xstrndup(given->items[i], strcspn(given->items[i], "="));

        if (!cb_env_get(&stage->env, name))
            cb_strings_add(out, given->items[i]);
    }
}

/* Those variables that are ARGs, and not ENV of the same name: explanations call them so.
 */
static void collect_args(const struct cb_stage *stage, struct cb_strings *out)
{
    for (size_t i = 0; i < stage->args.count; i++)
        if (!cb_env_get(&stage->config->env, stage->args.items[i]))
            cb_strings_add(out, stage->args.items[i]);
}

/* Where the first forwarded agent is, unless the Dockerfile says otherwise. It is part of
 * the key as all variables are. */
static void add_ssh_variable(const struct cb_run_inputs *inputs, struct cb_strings *env)
{
    cb_vec_foreach (mount, &inputs->mounts) {
        if (mount->type != CB_EXEC_SSH)
            continue;
        if (!cb_env_get(env, "SSH_AUTH_SOCK"))
            cb_env_set(env, "SSH_AUTH_SOCK", mount->target);
        return;
    }
}

static int add_exec(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_exec_options *exec, struct cb_run_inputs *inputs,
                    struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};
    cb_auto_value(cb_strings) env = {0};
    struct cb_edge root;

    if (cb_convert_filled(stage->planner, stage->root, &root, err) < 0)
        return -1;
    cb_vec_push(&inputs->edges, root);
    if (cb_convert_run_mounts(stage, item, inputs, err) < 0)
        return -1;
    cb_strings_copy(&env, &stage->env);
    add_ssh_variable(inputs, &env);
    exec->env = &env;
    exec->mounts = inputs->mounts.items;
    exec->mount_count = inputs->mounts.count;
    if (cb_op_exec(&vertex, stage->planner->options->env, exec, err) < 0)
        return -1;
    vertex.weight = 4;
    return cb_convert_step(stage, item, &vertex, inputs->edges.items, inputs->edges.count,
                           err);
}

int cb_convert_run(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err)
{
    const struct cb_image_config *config = stage->config;
    cb_auto_value(cb_strings) argv = {0};
    cb_auto_value(cb_strings) quiet = {0};
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_strings) paths = {0};
    cb_autofree char *cwd = cb_convert_path(stage, "");
    struct cb_run_inputs inputs = {0};
    struct cb_exec_options exec = {
        .argv = &argv,
        .quiet_env = &quiet,
        .args = &args,
        .cwd = cwd,
        .user = config->user ? config->user : "",
        .platform = config->platform,
        .renew_caches = stage->no_cache,
    };
    int rc;

    if (cb_exports_paths(stage, item, &paths, err) < 0 ||
        pick_devices(stage, item, &exec, err) < 0 ||
        pick_network(stage, item, &exec.network, err) < 0 ||
        pick_security(stage, item, &exec.security, err) < 0)
        return -1;
    cb_checks_global_args(stage, item);
    cb_checks_run(stage, item);
    fill_command(stage, &item->inst->run, &exec, &argv);
    if (!argv.count)
        return cb_error_set(err, CB_ERR_SYNTAX, "RUN needs a command");
    quiet_env(stage, &quiet);
    collect_args(stage, &args);
    rc = add_exec(stage, item, &exec, &inputs, err);
    cb_vec_free(&inputs.edges);
    cb_vec_free(&inputs.mounts);
    if (rc < 0)
        return -1;
    add_history(stage, &argv);
    return cb_exports_follow(stage, item, &paths, err);
}
