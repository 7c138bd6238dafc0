/* What a build tells elsewhere than on its terminal: buildah's --logfile, kaniko's files
 * with digests. */
#include "commands/build-tools.h"

#include "base/out-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int cb_build_tools_log(struct cb_build_tools *tools, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (!tools->logfile)
        return 0;
    fd = open(tools->logfile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return cb_error_errno(err, errno, "--logfile `%s`", tools->logfile);
    for (int i = 0; i < 2; i++) {
        tools->saved_fds[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, 3);
        if (dup2(fd, STDOUT_FILENO + i) < 0)
            return cb_error_errno(err, errno, "--logfile `%s`", tools->logfile);
    }
    return 0;
}

void cb_build_tools_log_end(struct cb_build_tools *tools)
{
    for (int i = 0; tools->logfile && i < 2; i++) {
        if (tools->saved_fds[i] >= 0)
            dup2(tools->saved_fds[i], STDOUT_FILENO + i);
        cb_close(&tools->saved_fds[i]);
    }
}

/* "index.docker.io/library/x[:tag]@sha256:…", a line for each destination. */
static int write_names(const struct cb_build_tools *tools, const char *path,
                       const char *option, int with_tag, const char *digest,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (!path)
        return 0;
    cb_vec_foreach (name, &tools->destinations) {
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, *name, err) < 0)
            return -1;
        cb_reference_default_tag(reference);
        cb_strbuf_addf(&text, "%s/%s%s%s@%s\n",
                       strcmp(reference->host, "docker.io") == 0 ? "index.docker.io"
                                                                 : reference->host,
                       reference->path, with_tag ? ":" : "",
                       with_tag ? reference->tag : "", digest);
    }
    return cb_out_file_write(path, cb_strbuf_text(&text), err) < 0
               ? cb_error_wrap(err, "%s `%s`", option, path)
               : 0;
}

int cb_build_tools_write(const struct cb_build_tools *tools,
                         const struct cb_build_outcome *outcome, struct cb_error **err)
{
    char digest[CB_DIGEST_MAX_TEXT];

    if (!cb_digest_is_set(&outcome->digest))
        return 0;
    cb_digest_text(&outcome->digest, digest);
    if (tools->digest_file && cb_out_file_write(tools->digest_file, digest, err) < 0)
        return cb_error_wrap(err, "--digest-file `%s`", tools->digest_file);
    if (write_names(tools, tools->name_digest_file, "--image-name-with-digest-file", 0,
                    digest, err) < 0)
        return -1;
    return write_names(tools, tools->tag_digest_file, "--image-name-tag-with-digest-file",
                       1, digest, err);
}
