/* --label of what has labels. */
#ifndef CB_COMMANDS_LABELS_H
#define CB_COMMANDS_LABELS_H

#include "base/error.h"
#include "base/vec.h"

/* Each of LABELS, which stand after OPTION, has a name. FLAG, with docker's words. */
int cb_labels_check(const struct cb_strings *labels, const char *option,
                    struct cb_error **err);

#endif
