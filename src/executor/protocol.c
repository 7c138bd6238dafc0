/* Errors as texts of messages. */
#include "executor/protocol-priv.h"

/* Copies TEXT with its NUL, cut to what fits; the bytes used. */
static size_t put_text(char *out, size_t room, const char *text)
{
    size_t len = strnlen(text, room - 1);

    memcpy(out, text, len);
    out[len] = '\0';
    return len + 1;
}

void cb_message_pack_error(char text[CB_PROTOCOL_MAX_TEXT], const struct cb_error *error)
{
    const char *hint = cb_error_hint_text(error);
    size_t used = put_text(text, CB_PROTOCOL_MAX_TEXT - 1, cb_error_message(error));

    put_text(text + used, CB_PROTOCOL_MAX_TEXT - used, hint ? hint : "");
}

const char *cb_message_hint(const char text[CB_PROTOCOL_MAX_TEXT])
{
    size_t len = strnlen(text, CB_PROTOCOL_MAX_TEXT);

    return len + 1 < CB_PROTOCOL_MAX_TEXT ? text + len + 1 : "";
}
