/* What each layer of an image holds, and what of it the layers above take away again:
 * files that are written once more or deleted later are in the image, and of no use. */
#ifndef CB_STORE_LAYER_WASTE_H
#define CB_STORE_LAYER_WASTE_H

#include "base/cancel.h"
#include "base/digest.h"
#include "base/vec.h"
#include "store/store.h"

struct cb_layer_content {
    int is_known;          /* 0: the layer is not unpacked here */
    int64_t bytes;         /* of files; each once, whatever names it has */
    uint64_t files;        /* all but directories */
    uint64_t hidden;       /* names and directories of layers below that it deletes */
    int64_t wasted_bytes;  /* of its own files, gone in the end */
    uint64_t wasted_files; /* names */
};
struct cb_wasted_file {
    char *path; /* below "/" */
    int64_t bytes;
    size_t layer, by; /* which has it, which takes it away; from 0 */
    int deleted;      /* else it is written once more */
};
#define CB_WASTED_KEPT 20
struct cb_layer_waste {
    CB_VEC(struct cb_layer_content) layers;
    CB_VEC(struct cb_wasted_file) wasted; /* the largest, largest first */
};
void cb_layer_waste_clear(struct cb_layer_waste *waste);
CB_AUTO_VALUE_DEFINE(cb_layer_waste, cb_layer_waste_clear)
/* DIFF_IDS: of the image's layers, bottom first. */
int cb_layer_waste_find(struct cb_store *store, const struct cb_digest *diff_ids,
                        size_t count, struct cb_cancel *cancel,
                        struct cb_layer_waste *out, struct cb_error **err);

#endif
