/* Build contexts from elsewhere. A git repository's files are the context; of a URL the
 * body tells: an archive is unpacked, anything else is a Dockerfile without files. */
#include "context/remote.h"
#include "context/context-priv.h"

#include "base/fs.h"
#include "store/tar.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int open_git(struct cb_context **out, const struct cb_remote *remote,
                    const struct cb_git_ref *ref, struct cb_error **err)
{
    cb_auto(cb_context) context = cb_context_alloc();
    cb_auto_value(cb_git_commit) commit = {0};

    if (cb_git_resolve(remote, ref, &commit, err) < 0 ||
        cb_git_tree(remote, ref, &commit, &context->snapshot, err) < 0 ||
        cb_snapshot_open_root(context->snapshot, &context->root_fd, err) < 0)
        return -1;
    context->time_s = cb_git_tree_time(context->snapshot);
    context->origin = cb_git_ref_shown(ref, *commit.name ? commit.name : ref->ref);
    context->pin = xstrdup(commit.commit);
    *out = cb_steal(&context);
    return 0;
}

static void set_origin(struct cb_context *context, const char *url,
                       const struct cb_url_body *body)
{
    char text[CB_DIGEST_MAX_TEXT];

    context->time_s = body->mtime_s;
    context->origin = cb_redact_place(url);
    context->pin = xstrdup(cb_digest_text(&body->digest, text));
}

static int open_url(struct cb_context **out, const struct cb_remote *remote,
                    const char *url, struct cb_strbuf *dockerfile, struct cb_error **err)
{
    const int filters = CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD;
    struct cb_url_body body;
    cb_autofd int fd = -1;

    if (cb_url_resolve_body(remote, url, NULL, &body, err) < 0 ||
        cb_url_open_body(remote, url, &body, &fd, err) < 0)
        return -1;
    if (cb_tar_sniff(fd, filters) > 0) {
        if (cb_context_open_tar(out, remote->store, fd, remote->cancel, err) < 0)
            return -1;
        set_origin(*out, url, &body);
        return 0;
    }
    if (!dockerfile)
        return cb_error_set(err, CB_ERR_USAGE, "it is no archive");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return cb_error_errno(err, errno, "read what was fetched");
    if (cb_fs_read_fd(fd, CB_CONTEXT_FILE_MAX, dockerfile, err) < 0)
        return cb_error_wrap(err, "it is no archive, and no Dockerfile");
    *out = cb_context_empty();
    set_origin(*out, url, &body);
    return 0;
}

int cb_context_open_remote(struct cb_context **out, const struct cb_remote *remote,
                           const char *text, const struct cb_git_wishes *wishes,
                           struct cb_strbuf *dockerfile, struct cb_error **err)
{
    cb_auto_value(cb_git_ref) ref = {0};
    cb_autofree char *shown = cb_redact_place(text);
    int is_git = cb_git_ref_parse(&ref, text, err);
    int rc;

    if (is_git < 0)
        return -1;
    if (is_git && wishes && wishes->keep_git_dir)
        ref.keep_git_dir = 1;
    if (is_git && wishes && wishes->commit_times)
        ref.commit_times = 1;
    rc = is_git ? open_git(out, remote, &ref, err)
                : open_url(out, remote, text, dockerfile, err);
    return rc < 0 ? cb_error_wrap(err, "context `%s`", shown) : 0;
}
