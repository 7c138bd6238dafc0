/* What a layer makes an image carry twice or in vain. */
#ifndef CB_STORE_WASTE_H
#define CB_STORE_WASTE_H

#include "base/cancel.h"
#include "store/snapshot.h"

struct cb_layer_waste {
    uint64_t doubled; /* bytes of files whose content the layers below have at the same
                         place: only mode, owner or attributes are new */
    uint64_t deleted; /* bytes of files that it hides, and the layers from the base on
                         still carry */
};
/* BASE_LAYERS: how many below are not this image's own: what is deleted of those is not
 * counted. Found by one walk through the layer's names, and remembered with it. */
int cb_layer_waste(struct cb_snapshot *committed, unsigned base_layers,
                   struct cb_cancel *cancel, struct cb_layer_waste *out,
                   struct cb_error **err);

#endif
