/* Users are looked for when something is to be removed; nothing is counted. */
#include "container/users.h"

#include <string.h>

const struct cb_container *cb_containers_find_user(const struct cb_containers *all,
                                                   const struct cb_digest *id,
                                                   int running)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(id, text);
    cb_vec_foreach (container, all) {
        if ((*container)->image_id && strcmp((*container)->image_id, text) == 0 &&
            (!running || cb_container_is_running(*container)))
            return *container;
    }
    return NULL;
}
