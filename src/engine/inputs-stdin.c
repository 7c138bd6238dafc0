/* PATH "-": standard input is a tar archive by its first bytes, else a Dockerfile with no
 * context at all. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SNIFF_BYTES 1024

static int is_archive(const unsigned char *bytes, size_t len)
{
    static const struct {
        const char *magic;
        size_t len, at;
    } known[] = {
        {"\x1f\x8b\x08", 3, 0},
        {"BZh", 3, 0},
        {"\xfd"
         "7zXZ\0",
         6, 0},
        {"\x28\xb5\x2f\xfd", 4, 0},
        {"ustar", 5, 257},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(known); i++) {
        if (len >= known[i].at + known[i].len &&
            !memcmp(bytes + known[i].at, known[i].magic, known[i].len))
            return 1;
    }
    return 0;
}

static int read_head(const struct cb_engine_env *env, unsigned char *bytes, size_t *len,
                     struct cb_error **err)
{
    *len = 0;
    while (*len < SNIFF_BYTES) {
        ssize_t got = cb_input_read(env->stdin_fd, env->cancel, bytes + *len,
                                    SNIFF_BYTES - *len, err);

        if (got < 0)
            return cb_error_wrap(err, "standard input");
        if (got == 0)
            return 0;
        *len += (size_t)got;
    }
    return 0;
}

/* The archive reader wants the bytes from the start: what cannot be rewound goes through
 * a scratch file. */
static int open_archive(struct cb_inputs *out, const struct cb_engine_env *env,
                        const unsigned char *head, size_t head_len, struct cb_error **err)
{
    cb_auto(cb_scratch) scratch = NULL;
    cb_autofd int spool = -1;

    if (lseek(env->stdin_fd, -(off_t)head_len, SEEK_CUR) >= 0)
        return cb_context_open_tar(&out->context, env->store, env->stdin_fd, env->cancel,
                                   err);
    if (cb_store_scratch(env->store, &scratch, err) < 0)
        return -1;
    spool = openat(cb_scratch_fd(scratch), "context.tar",
                   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (spool < 0 || cb_fs_write_all(spool, head, head_len) < 0)
        return cb_error_errno(err, errno, "keep the context from standard input");
    if (cb_input_copy(env->stdin_fd, env->cancel, spool, err) < 0)
        return cb_error_wrap(err, "keep the context from standard input");
    if (lseek(spool, 0, SEEK_SET) < 0)
        return cb_error_errno(err, errno, "keep the context from standard input");
    return cb_context_open_tar(&out->context, env->store, spool, env->cancel, err);
}

static int read_rest(struct cb_inputs *out, const struct cb_engine_env *env,
                     const unsigned char *head, size_t head_len, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) rest = {0};

    if (cb_input_read_all(env->stdin_fd, env->cancel, CB_DOCKERFILE_MAX_BYTES, &rest,
                          err) < 0)
        return cb_error_wrap(err, "failed to read dockerfile from standard input");
    cb_strbuf_add(&text, head, head_len);
    cb_strbuf_add(&text, cb_strbuf_text(&rest), rest.len);
    cb_dockerfile_set(out, "Dockerfile", &text);
    out->context = cb_context_empty();
    return 0;
}

int cb_inputs_open_stdin(struct cb_inputs *out, const struct cb_engine_env *env,
                         const struct cb_build_request *request, struct cb_error **err)
{
    unsigned char head[SNIFF_BYTES];
    size_t len;

    if (cb_is_stdin(request->dockerfile))
        return cb_error_set(err, CB_ERR_USAGE,
                            "can't use stdin for both build context and dockerfile");
    if (read_head(env, head, &len, err) < 0)
        return -1;
    if (is_archive(head, len)) {
        if (open_archive(out, env, head, len, err) < 0 ||
            (request->ignorefile &&
             cb_inputs_load_ignore(out->context, request, NULL, err) < 0))
            return -1;
        return request->dockerfile
                   ? cb_dockerfile_read_member(out, request->dockerfile, err)
                   : cb_dockerfile_read_default(out, err);
    }
    if (!request->dockerfile)
        return read_rest(out, env, head, len, err);
    return cb_error_set(err, CB_ERR_USAGE,
                        "-f %s: standard input is no archive it could be a member of",
                        request->dockerfile);
}
