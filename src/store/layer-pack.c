/* A layer's tar through the compressor, to wherever its bytes go: a blob of the store, or
 * their place in an archive. */
#include "store/layer.h"

#include "store/compress.h"

#define REPORT_BYTES (4u << 20)

struct packing {
    const struct cb_layer_want *want;
    struct cb_compressor *compressor;
    uint64_t done, shown;
    const char *item;
};

static void report(struct packing *packing, int done)
{
    const struct cb_layer_want *want = packing->want;

    if (!want->sink || (!done && packing->done - packing->shown < REPORT_BYTES))
        return;
    packing->shown = packing->done;
    cb_event_emit(want->sink, (struct cb_event){.kind = CB_EVENT_STEP_STATUS,
                                                .id = want->event_id,
                                                .item = packing->item,
                                                .current = packing->done,
                                                .done = done});
}

static int to_compressor(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct packing *packing = arg;

    if (cb_cancel_check(packing->want->cancel, err) < 0)
        return -1;
    packing->done += len;
    report(packing, 0);
    return cb_compressor_write(packing->compressor, bytes, len, err);
}

int cb_layer_pack(const struct cb_layer_want *want,
                  int (*write)(void *arg, const void *bytes, size_t len,
                               struct cb_error **err),
                  void *arg, struct cb_error **err)
{
    const struct cb_layer_form *form = want->form;
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *item =
        xasprintf("compressing %s", cb_digest_text(want->diff_id, text));
    cb_auto(cb_compressor) compressor = NULL;
    struct packing packing = {.want = want, .item = item};

    if (cb_compressor_new(&compressor, form->compression, form->level, want->pool, write,
                          arg, err) < 0)
        return -1;
    packing.compressor = compressor;
    if (cb_layer_stream_tar(want->store, want->chain_id, want->diff_id, to_compressor,
                            &packing, err) < 0 ||
        cb_compressor_finish(compressor, err) < 0)
        return -1;
    report(&packing, 1);
    return 0;
}
