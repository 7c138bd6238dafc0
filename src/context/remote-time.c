/* The time of something elsewhere, for SOURCE_DATE_EPOCH. */
#include "context/remote.h"

#include <string.h>

static int time_of_commit(const struct cb_remote *remote, struct cb_git_ref *ref,
                          const char *checksum, int64_t *seconds, struct cb_error **err)
{
    cb_auto_value(cb_git_commit) commit = {0};
    cb_auto(cb_snapshot) tree = NULL;

    if (checksum && cb_git_checksum_check(checksum, err) < 0)
        return -1;
    if (checksum && !ref->checksum)
        ref->checksum = xstrdup(checksum);
    if (cb_git_resolve(remote, ref, &commit, err) < 0 ||
        cb_git_tree(remote, ref, &commit, &tree, err) < 0)
        return -1;
    *seconds = cb_git_tree_time(tree);
    return *seconds >= 0;
}

/* With a checksum the server may not have been asked yet: the file is needed anyway. */
static int time_of_file(const struct cb_remote *remote, const char *url,
                        const char *checksum, int64_t *seconds, struct cb_error **err)
{
    struct cb_digest digest;
    struct cb_url_body body;
    cb_autofd int fd = -1;

    if (checksum && cb_digest_parse(&digest, checksum, err) < 0)
        return -1;
    if (cb_url_resolve_body(remote, url, checksum ? &digest : NULL, &body, err) < 0 ||
        (body.mtime_s < 0 && cb_url_open_body(remote, url, &body, &fd, err) < 0))
        return -1;
    *seconds = body.mtime_s;
    return *seconds >= 0;
}

int cb_remote_time(const struct cb_remote *remote, const char *text, const char *checksum,
                   int64_t *seconds, struct cb_error **err)
{
    cb_auto_value(cb_git_ref) ref = {0};
    int is_git = cb_git_ref_parse(&ref, text, err);

    if (is_git < 0)
        return -1;
    return is_git ? time_of_commit(remote, &ref, checksum, seconds, err)
                  : time_of_file(remote, text, checksum, seconds, err);
}
