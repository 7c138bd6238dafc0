/* git is run on what strangers wrote. It sees an environment made here: no configuration
 * but ours, no hooks, no prompts, no filters (none is configured), and only the protocols
 * that a URL may name, for submodules too. Credentials go through the environment, not
 * the command line, and only to the repository that was named: git does not follow
 * redirects then, since it would take the header along. */
#include "context/remote-priv.h"

#include "base/fs.h"
#include "base/subprocess.h"
#include "base/user-namespace.h"
#include "http/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define OUTPUT_MAX_BYTES (16u << 20)
#define TRIES            3
#define FILE_MAX_BYTES   (UINT64_C(64) << 30) /* as of an unpacked layer */
/* git has a limit of its own for HTTP (below), and none for its own protocol and ssh. */
#define SILENT_MS (60 * 1000)

static const char config[] = "[init]\n"
                             "\tdefaultBranch = master\n"
                             "\ttemplateDir =\n"
                             "[core]\n"
                             "\thooksPath = /dev/null\n"
                             "\tfsmonitor = false\n"
                             "\tprotectHFS = true\n"
                             "\tprotectNTFS = true\n"
                             "\tautocrlf = false\n"
                             "\tpreloadIndex = false\n"
                             "\tlogAllRefUpdates = false\n"
                             "[protocol]\n"
                             "\tallow = never\n"
                             "[protocol \"http\"]\n"
                             "\tallow = always\n"
                             "[protocol \"https\"]\n"
                             "\tallow = always\n"
                             "[protocol \"ssh\"]\n"
                             "\tallow = always\n"
                             "[protocol \"git\"]\n"
                             "\tallow = always\n"
                             "[http]\n"
                             "\tlowSpeedLimit = 1000\n"
                             "\tlowSpeedTime = 30\n"
                             "[gc]\n"
                             "\tauto = 0\n"
                             "[maintenance]\n"
                             "\tauto = false\n"
                             "[advice]\n"
                             "\tdetachedHead = false\n"
                             "[credential]\n"
                             "\thelper =\n";

static int write_config(const char *dir, struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%s/gitconfig", dir);
    cb_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, config, sizeof(config) - 1) < 0)
        return cb_error_errno(err, errno, "write `%s`", path);
    return 0;
}

int cb_git_open(struct cb_git *git, const struct cb_remote *remote,
                const struct cb_git_ref *ref, struct cb_error **err)
{
    *git = (struct cb_git){.remote = remote,
                           .ref = ref,
                           .named = ref,
                           .up = "",
                           .dir_fd = -1,
                           .shared_fd = -1};
    if (cb_git_authorization(remote, ref, &git->authorization, err) < 0 ||
        cb_store_scratch(remote->store, &git->scratch, err) < 0 ||
        write_config(cb_scratch_path(git->scratch), err) < 0)
        return -1;
    if (mkdirat(cb_scratch_fd(git->scratch), "tree", 0755) < 0)
        return cb_error_errno(err, errno, "make a directory for git");
    git->dir_fd = openat(cb_scratch_fd(git->scratch), "tree",
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (git->dir_fd < 0)
        return cb_error_errno(err, errno, "open a directory for git");
    return 0;
}

void cb_git_close(struct cb_git *git)
{
    cb_close(&git->dir_fd);
    cb_scratch_free(git->scratch);
    cb_secret_free(git->authorization);
    *git = (struct cb_git){.dir_fd = -1, .shared_fd = -1};
}

/* ── The environment ── */

static void inherit(struct cb_strings *env)
{
    static const char *const names[] = {
        "PATH",      "HTTP_PROXY",    "HTTPS_PROXY",  "NO_PROXY",
        "ALL_PROXY", "http_proxy",    "https_proxy",  "no_proxy",
        "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        if (value)
            cb_strings_addf(env, "%s=%s", names[i], value);
    }
    /* git has a name of its own for the same. */
    if (getenv("SSL_CERT_FILE") && !getenv("GIT_SSL_CAINFO"))
        cb_strings_addf(env, "GIT_SSL_CAINFO=%s", getenv("SSL_CERT_FILE"));
}

/* As actions/checkout does, a token for one repository of github.com is for all. */
static const char *token_scope(const char *remote)
{
    static const char github[] = "https://github.com/";

    return strncmp(remote, github, sizeof(github) - 1) == 0 ? github : remote;
}

static void add_credentials(const struct cb_git *git, struct cb_strings *env)
{
    if (!git->authorization)
        return;
    cb_strings_add(env, "GIT_CONFIG_COUNT=2");
    cb_strings_add(env, "GIT_CONFIG_KEY_0=http.followRedirects");
    cb_strings_add(env, "GIT_CONFIG_VALUE_0=false");
    cb_strings_addf(env, "GIT_CONFIG_KEY_1=http.%s.extraHeader",
                    token_scope(git->named->remote));
    cb_strings_addf(env, "GIT_CONFIG_VALUE_1=Authorization: %s", git->authorization);
}

/* ssh takes its files from the home of whoever it runs as. In a user namespace that is
 * root, so it is told whose they are; not if the shell or ssh would take the path apart.
 */
static void add_ssh_files(struct cb_strbuf *command, int keys)
{
    static const char *const names[] = {"id_rsa", "id_ecdsa", "id_ed25519"};
    const char *home = getenv("HOME");

    if (!cb_in_user_namespace() || !home || *home != '/' ||
        home[strspn(home, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789/._+@-")])
        return;
    cb_strbuf_addf(command, " -oUserKnownHostsFile=%s/.ssh/known_hosts", home);
    for (size_t i = 0; keys && i < CB_ARRAY_SIZE(names); i++)
        cb_strbuf_addf(command, " -oIdentityFile=%s/.ssh/%s", home, names[i]);
}

static void add_ssh(const struct cb_git *git, struct cb_strings *env)
{
    const struct cb_remote *remote = git->remote;
    cb_auto_value(cb_strbuf) command = {0};
    const char *agent = remote->ssh_keys ? getenv("SSH_AUTH_SOCK") : remote->ssh_agent;

    cb_strbuf_addf(&command, "ssh -F /dev/null -oBatchMode=yes -oConnectTimeout=15%s%s",
                   remote->ssh_keys ? "" : " -oIdentityFile=none",
                   agent ? "" : " -oIdentityAgent=none");
    add_ssh_files(&command, remote->ssh_keys);
    cb_strings_addf(env, "GIT_SSH_COMMAND=%s", command.text);
    if (agent)
        cb_strings_addf(env, "SSH_AUTH_SOCK=%s", agent);
}

static void make_env(const struct cb_git *git, enum cb_git_place place,
                     struct cb_strings *env)
{
    const char *dir = cb_scratch_path(git->scratch);

    inherit(env);
    cb_strings_add(env, "LC_ALL=C");
    cb_strings_add(env, "HOME=/dev/null");
    cb_strings_add(env, "GIT_CONFIG_NOSYSTEM=1");
    cb_strings_addf(env, "GIT_CONFIG_GLOBAL=%s/gitconfig", dir);
    cb_strings_addf(env, "GIT_CEILING_DIRECTORIES=%s", dir);
    cb_strings_add(env, "GIT_ATTR_NOSYSTEM=1");
    cb_strings_add(env, place == CB_GIT_LOCAL ? "GIT_ALLOW_PROTOCOL=file"
                                              : "GIT_ALLOW_PROTOCOL=http:https:ssh:git");
    /* A damaged one must not have git look for another further up. */
    if (place == CB_GIT_SHARED)
        cb_strings_add(env, "GIT_DIR=.");
    cb_strings_add(env, "GIT_LITERAL_PATHSPECS=1");
    cb_strings_add(env, "GIT_TERMINAL_PROMPT=0");
    cb_strings_add(env, "GIT_ASKPASS=");
    cb_strings_add(env, "SSH_ASKPASS=");
    add_ssh(git, env);
    add_credentials(git, env);
}

/* ── Running ── */

#define LOST_CONNECTION "fatal: Could not read from remote repository."

static int begins(const char *line, const char *text)
{
    return strncmp(line, text, strlen(text)) == 0;
}

/* A line, and the next with one that ends in a colon: "unable to connect to HOST:" has
 * the reason there. */
static char *whole(const char *line)
{
    size_t len = strcspn(line, "\r\n");
    const char *next = line + len + strspn(line + len, "\r\n");

    if (len == 0 || line[len - 1] != ':' || !*next)
        return xstrndup(line, len);
    return xasprintf("%.*s %.*s", (int)len, line, (int)strcspn(next, "\r\n"), next);
}

/* The line of git's complaint that says most: the first "fatal:" or "error:", else the
 * last. Of a connection by ssh that was lost ssh has said why right before. */
static char *complaint(const struct cb_strbuf *errors)
{
    const char *text = cb_strbuf_text(errors);
    const char *best = NULL, *last = NULL;

    for (const char *line = text; *line && !best; line += strcspn(line, "\r\n")) {
        line += strspn(line, "\r\n");
        if (begins(line, LOST_CONNECTION) && last)
            best = last;
        else if (begins(line, "fatal: ") || begins(line, "error: "))
            best = line + 7;
        else if (*line && !begins(line, "Warning: "))
            last = line;
    }
    best = best ? best : last ? last : "it says nothing";
    return whole(best);
}

static int failed(const struct cb_git *git, const char *command, int code,
                  const struct cb_strbuf *errors, struct cb_error **err)
{
    cb_autofree char *why = complaint(errors);

    cb_error_set(err, CB_ERR_NETWORK, "git %s `%s`: %s", command, git->ref->remote, why);
    if (strstr(why, "could not read Username") || strstr(why, "Authentication failed"))
        return cb_error_hint(err, "give --secret id=GIT_AUTH_TOKEN,… if the repository "
                                  "is there and not public");
    if (!git->remote->ssh_keys && strstr(cb_strbuf_text(errors), "Permission denied"))
        return cb_error_hint(err, "ADD uses the keys of --ssh default, and no others");
    if (strstr(cb_strbuf_text(errors), "Host key verification failed"))
        return cb_error_hint(err, "add the server's key to known_hosts: ssh-keyscan");
    return code > 128 ? cb_error_hint(err, "git was ended by signal %d", code - 128) : -1;
}

/* How long nothing may be heard of a command that talks to a server: those that fetch
 * print their progress. What works on files may be silent for as long as it takes. */
static int silent_ms(const char *command)
{
    if (strcmp(command, "ls-remote") == 0 || strcmp(command, "fetch") == 0)
        return SILENT_MS;
    /* Checks out, too. */
    return strcmp(command, "submodule") == 0 ? 10 * SILENT_MS : 0;
}

/* *PASSING: is another attempt worth while? */
static int run_once(struct cb_git *git, enum cb_git_place place, const char *const *argv,
                    struct cb_strbuf *out, int *passing, struct cb_error **err)
{
    __attribute__((cleanup(cb_strings_wipe))) struct cb_strings env = {0};
    cb_auto_value(cb_strbuf) errors = {0};
    cb_autofree char **envp = NULL;
    struct cb_subprocess_options options = {
        .argv = argv,
        .cwd_fd = place == CB_GIT_SHARED ? git->shared_fd : git->dir_fd,
        .inherit_fd = -1,
        .max_output = OUTPUT_MAX_BYTES,
        .max_file = FILE_MAX_BYTES,
        .idle_ms = silent_ms(argv[1]),
        .cancel = git->remote->cancel,
    };
    int code = 0;

    make_env(git, place, &env);
    envp = cb_strings_argv(&env);
    options.env = (const char *const *)envp;
    if (cb_subprocess_run(&options, out, &errors, &code, err) < 0) {
        if (err && cb_error_kind(*err) == CB_ERR_NOT_FOUND)
            return cb_error_hint(err, "git repositories are fetched by git: install the "
                                      "package `git`");
        return cb_error_wrap(err, "git %s `%s`", argv[1], git->ref->remote);
    }
    if (code == 0)
        return 0;
    *passing = cb_git_is_passing(cb_strbuf_text(&errors));
    return failed(git, argv[1], code, &errors, err);
}

static int pause_before(unsigned failures, const struct cb_git *git,
                        struct cb_error **err)
{
    struct pollfd fd = {.fd = cb_cancel_fd(git->remote->cancel), .events = POLLIN};

    poll(&fd, 1, (int)cb_retry_delay_ms(failures, NULL, 1000, 0));
    return cb_cancel_check(git->remote->cancel, err);
}

int cb_git_run(struct cb_git *git, enum cb_git_place place, const char *const *argv,
               struct cb_strbuf *out, struct cb_error **err)
{
    size_t before = out ? out->len : 0;
    time_t start = time(NULL);

    for (unsigned failures = 1;; failures++) {
        cb_auto(cb_error) error = NULL;
        int passing = 0;

        if (run_once(git, place, argv, out, &passing, &error) == 0)
            return 0;
        if (!passing || failures == TRIES ||
            time(NULL) - start > CB_RETRY_FRUITLESS_MS / 1000)
            return cb_error_move(err, &error);
        if (pause_before(failures, git, err) < 0)
            return -1;
        if (out)
            cb_strbuf_truncate(out, before);
    }
}
