/* What follows --label, wherever it does: of containers, networks and volumes. */
#include "commands/labels.h"

int cb_labels_check(const struct cb_strings *labels, const char *option,
                    struct cb_error **err)
{
    cb_vec_foreach (text, labels)
        if (!**text || **text == '=')
            return cb_error_flag(err, *text, option, "invalid label '%s': empty name",
                                 *text);
    return 0;
}
