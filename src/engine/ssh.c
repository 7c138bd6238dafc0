/* --ssh default | id[=socket | key[,key]]: which agent a RUN --mount=type=ssh talks to.
 *
 * A socket is connected to for each connection of a step. Key files are read when the
 * request is checked, so that a missing one, or one with a passphrase, is an error before
 * any work; the first step that needs them starts an ssh-agent for them, which holds them
 * until the build ends. Its socket lies in a scratch directory of the store. Should we be
 * killed, the pipe that the shell beside it reads from closes, and the shell ends it. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define KEY_MAX_BYTES (100u << 10)
#define AGENT_SOCKET  "agent"
#define AGENT_WAIT_MS 10000
/* How the base64 text of an OpenSSH key file starts when its cipher is "none". */
#define OPENSSH_PLAIN "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"

struct key {
    char *path, *bytes;
    size_t len;
};

struct agent {
    char *id;
    char *socket; /* NULL: made from the keys */
    CB_VEC(struct key) keys;
    /* Of the agent we start: */
    struct cb_scratch *scratch;
    struct cb_helper *helper;
    int alive_fd; /* our end of the pipe, or -1 */
};

struct cb_ssh {
    struct cb_store *store;
    struct cb_cancel *cancel;
    pthread_mutex_t lock; /* of the agents' last three members */
    CB_VEC(struct agent *) agents;
};

/* Ends what we started, if anything. */
static void agent_stop(struct agent *agent)
{
    cb_close(&agent->alive_fd);
    cb_helper_stop(agent->helper);
    agent->helper = NULL;
    cb_scratch_free(agent->scratch);
    agent->scratch = NULL;
}

static void agent_free(struct agent *agent)
{
    if (!agent)
        return;
    agent_stop(agent);
    cb_vec_foreach (key, &agent->keys) {
        explicit_bzero(key->bytes, key->len);
        free(key->bytes);
        free(key->path);
    }
    cb_vec_free(&agent->keys);
    free(agent->socket);
    free(agent->id);
    free(agent);
}
CB_AUTO_DEFINE(agent, agent_free)

void cb_ssh_free(struct cb_ssh *ssh)
{
    if (!ssh)
        return;
    cb_vec_foreach (agent, &ssh->agents)
        agent_free(*agent);
    cb_vec_free(&ssh->agents);
    pthread_mutex_destroy(&ssh->lock);
    free(ssh);
}

/* ── The option ── */

static int has_passphrase(const char *text)
{
    const char *openssh = strstr(text, "-----BEGIN OPENSSH PRIVATE KEY-----");

    if (openssh) {
        openssh = strchr(openssh, '\n');
        return openssh && strncmp(openssh + 1, OPENSSH_PLAIN, strlen(OPENSSH_PLAIN)) != 0;
    }
    return strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
           strstr(text, "Proc-Type: 4,ENCRYPTED");
}

static int check_key(const char *path, const char *text, struct cb_error **err)
{
    if (!strstr(text, "PRIVATE KEY-----"))
        return cb_error_set(err, CB_ERR_USAGE,
                            "`%s` is neither a private key nor a socket", path);
    if (!has_passphrase(text))
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "the key `%s` has a passphrase", path);
    return cb_error_hint(err, "add it to an agent with `ssh-add %s` and pass --ssh %s",
                         path, "default");
}

static int add_key(struct agent *agent, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct key key = {0};
    int failed;

    cb_strbuf_reserve(&text, KEY_MAX_BYTES + 4096);
    failed = cb_fs_read_file(AT_FDCWD, path, KEY_MAX_BYTES, &text, err) < 0 ||
             check_key(path, cb_strbuf_text(&text), err) < 0;
    if (failed) {
        explicit_bzero(text.text, text.len);
        return -1;
    }
    key.path = xstrdup(path);
    key.len = text.len;
    key.bytes = cb_strbuf_steal(&text);
    cb_vec_push(&agent->keys, key);
    return 0;
}

static int add_path(struct agent *agent, const char *path, struct cb_error **err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return cb_error_errno(err, errno, "`%s`", path);
    if (!S_ISSOCK(st.st_mode))
        return add_key(agent, path, err);
    if (agent->socket)
        return cb_error_set(err, CB_ERR_USAGE, "only one socket can be given");
    agent->socket = xstrdup(path);
    return 0;
}

/* The user's own agent. */
static int add_default(struct agent *agent, struct cb_error **err)
{
    const char *path = getenv("SSH_AUTH_SOCK");

    if (path && *path)
        return add_path(agent, path, err);
    cb_error_set(err, CB_ERR_USAGE, "no SSH agent: SSH_AUTH_SOCK is not set");
    return cb_error_hint(err, "start one (`eval $(ssh-agent)`, `ssh-add`), or give a key "
                              "file: --ssh default=FILE");
}

static int fill_agent(struct agent *agent, const char *option, struct cb_error **err)
{
    const char *paths = strchrnul(option, '=');

    agent->id =
        paths == option ? xstrdup("default") : xstrndup(option, (size_t)(paths - option));
    if (!*paths || !paths[1])
        return add_default(agent, err);
    for (paths++; *paths;) {
        size_t len = strcspn(paths, ",");
        cb_autofree char *path = xstrndup(paths, len);

        if (add_path(agent, path, err) < 0)
            return -1;
        paths += len + (paths[len] == ',');
    }
    if (agent->socket && agent->keys.count)
        return cb_error_set(err, CB_ERR_USAGE, "a socket and keys cannot go together");
    if (!agent->socket && !agent->keys.count)
        return cb_error_set(err, CB_ERR_USAGE, "no socket and no key is named");
    return 0;
}

static struct agent *find_agent(const struct cb_ssh *ssh, const char *id)
{
    cb_vec_foreach (agent, &ssh->agents) {
        if (!strcmp((*agent)->id, id))
            return *agent;
    }
    return NULL;
}

/* The programs are looked for here: a step is too late to say that they are missing. */
static int check_agent(const struct cb_ssh *ssh, const struct agent *agent,
                       struct cb_error **err)
{
    static const char *const programs[] = {"ssh-agent", "ssh-add"};

    if (find_agent(ssh, agent->id))
        return cb_error_set(err, CB_ERR_USAGE, "`%s` is given twice", agent->id);
    for (size_t i = 0; !agent->socket && i < CB_ARRAY_SIZE(programs); i++) {
        cb_autofree char *path = cb_subprocess_find(programs[i]);

        if (path)
            continue;
        cb_error_set(err, CB_ERR_NOT_FOUND, "key files need the program %s", programs[i]);
        return cb_error_hint(err, "install openssh-client, or give an agent's socket");
    }
    return 0;
}

int cb_ssh_new(struct cb_ssh **out, const struct cb_strings *options,
               struct cb_error **err)
{
    cb_auto(cb_ssh) ssh = xcalloc(1, sizeof(*ssh));

    pthread_mutex_init(&ssh->lock, NULL);
    for (size_t i = 0; i < options->count; i++) {
        cb_auto(agent) agent = xcalloc(1, sizeof(*agent));

        agent->alive_fd = -1;
        if (fill_agent(agent, options->items[i], err) < 0 ||
            check_agent(ssh, agent, err) < 0)
            return cb_error_wrap(err, "invalid argument \"%s\" for \"--ssh\" flag",
                                 options->items[i]);
        cb_vec_push(&ssh->agents, cb_steal(&agent));
    }
    *out = cb_steal(&ssh);
    return 0;
}

void cb_ssh_use(struct cb_ssh *ssh, struct cb_store *store, struct cb_cancel *cancel)
{
    ssh->store = store;
    ssh->cancel = cancel;
}

/* ── Our own agent ── */

static int start_agent(struct cb_ssh *ssh, struct agent *agent, struct cb_error **err)
{
    cb_autofd int stay = -1;
    cb_autofree char *script = NULL;
    const char *argv[] = {"sh", "-c", NULL, NULL};
    struct cb_subprocess_options options = {
        .argv = argv, .timeout_ms = AGENT_WAIT_MS, .cancel = ssh->cancel};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return cb_error_errno(err, errno, "make a pipe");
    stay = ends[0];
    agent->alive_fd = ends[1];
    script = xasprintf("ssh-agent -D -a " AGENT_SOCKET " & cat /proc/self/fd/%d; kill $!",
                       stay);
    argv[2] = script;
    options.inherit_fd = stay;
    options.cwd_fd = cb_scratch_fd(agent->scratch);
    return cb_helper_start(&agent->helper, &options, "SSH_AUTH_SOCK", err);
}

/* By standard input: ssh-add wants a file nobody else can read, which one in a shared
 * folder or a CI's mount often is not. Nobody is asked for anything. */
static int load_key(struct cb_ssh *ssh, const struct agent *agent, const struct key *key,
                    struct cb_error **err)
{
    static const char *const argv[] = {"ssh-add", "-q", "-", NULL};
    static const char *const env[] = {
        "SSH_AUTH_SOCK=" AGENT_SOCKET, "SSH_ASKPASS=/bin/false",
        "SSH_ASKPASS_REQUIRE=force", "PATH=/usr/bin:/bin", NULL};
    struct cb_subprocess_options options = {.argv = argv,
                                            .env = env,
                                            .cwd_fd = cb_scratch_fd(agent->scratch),
                                            .inherit_fd = -1,
                                            .input = key->bytes,
                                            .input_len = key->len,
                                            .timeout_ms = AGENT_WAIT_MS,
                                            .cancel = ssh->cancel};

    if (cb_subprocess_run(&options, NULL, NULL, NULL, err) < 0)
        return cb_error_wrap(err, "the key `%s` cannot be used", key->path);
    return 0;
}

static int load_keys(struct cb_ssh *ssh, const struct agent *agent, struct cb_error **err)
{
    cb_vec_foreach (key, &agent->keys) {
        if (load_key(ssh, agent, key, err) < 0)
            return -1;
    }
    return 0;
}

/* One that lacks a key does not stay: the next step that asks fails as well. */
static int make_agent(struct cb_ssh *ssh, struct agent *agent, struct cb_error **err)
{
    if (agent->helper)
        return 0;
    if (cb_store_scratch(ssh->store, &agent->scratch, err) == 0 &&
        start_agent(ssh, agent, err) == 0 && load_keys(ssh, agent, err) == 0)
        return 0;
    agent_stop(agent);
    return -1;
}

/* ── What steps ask for ── */

static int connect_to(const char *path, int *fd, struct cb_error **err)
{
    cb_autofd int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (made < 0)
        return cb_error_errno(err, errno, "make a socket");
    if (strlen(path) >= sizeof(address.sun_path))
        return cb_error_errno(err, ENAMETOOLONG, "connect to `%s`", path);
    memcpy(address.sun_path, path, strlen(path));
    if (connect(made, (struct sockaddr *)&address, sizeof(address)) < 0)
        return cb_error_errno(err, errno, "connect to the SSH agent `%s`", path);
    *fd = cb_steal_fd(&made);
    return 1;
}

int cb_ssh_connect(void *arg, const char *id, int *fd, struct cb_error **err)
{
    struct cb_ssh *ssh = arg;
    struct agent *agent = find_agent(ssh, id);
    cb_autofree char *path = NULL;
    int made = 0;

    if (!agent)
        return 0;
    if (!agent->socket) {
        pthread_mutex_lock(&ssh->lock);
        made = make_agent(ssh, agent, err);
        pthread_mutex_unlock(&ssh->lock);
    }
    if (made < 0)
        return cb_error_wrap(err, "--ssh %s", id);
    if (!fd)
        return 1;
    path = agent->socket ? xstrdup(agent->socket)
                         : xasprintf("/proc/self/fd/%d/" AGENT_SOCKET,
                                     cb_scratch_fd(agent->scratch));
    return connect_to(path, fd, err);
}
