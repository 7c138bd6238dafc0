/* --call: what can be asked of a build without one. Nothing is executed and no layer is
 * fetched; base images are looked up for what they say of themselves, but for the list of
 * targets, which is in the text. */
#include "engine/engine-priv.h"

#include <string.h>

void cb_call_result_clear(struct cb_call_result *result)
{
    cb_check_result_clear(&result->check);
    cb_outline_clear(&result->outline);
    cb_dockerfile_free(result->targets);
    cb_source_unref(result->source);
    cb_vec_foreach (change, &result->lock.changes) {
        free(change->name);
        free(change->from);
        free(change->to);
    }
    cb_vec_free(&result->lock.changes);
    free(result->lock.path);
    memset(result, 0, sizeof(*result));
}

int cb_call_answer(struct cb_call_result *out, enum cb_call_kind kind,
                   const struct cb_frontend_options *options, struct cb_error **err)
{
    out->source = cb_source_ref(options->source);
    switch (kind) {
    case CB_CALL_CHECK:
        cb_frontend_check(&out->check, options);
        return cb_cancel_check(options->env->cancel, err);
    case CB_CALL_OUTLINE:
        return cb_frontend_outline(&out->outline, options, err);
    case CB_CALL_TARGETS:
        return cb_dockerfile_parse(&out->targets, options->source, err);
    case CB_CALL_DESCRIBE:
    case CB_CALL_BUILD:
    case CB_CALL_LOCK:
        break;
    }
    return 0;
}
