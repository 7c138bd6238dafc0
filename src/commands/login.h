/* What login and logout share. */
#ifndef CB_COMMANDS_LOGIN_H
#define CB_COMMANDS_LOGIN_H

#include "base/error.h"

/* A registry, or a part of one. */
struct cb_login_server {
    char *host;  /* as in references */
    char *part;  /* "team", "team/app": the repositories below it; NULL: all of it */
    char *shown; /* as docker calls it */
};
void cb_login_server_clear(struct cb_login_server *server);
CB_AUTO_VALUE_DEFINE(cb_login_server, cb_login_server_clear)
/* TEXT as users write it, "https://registry.example/v1/", "registry.example/team"; NULL
 * is docker.io. USAGE. */
int cb_login_server_parse(struct cb_login_server *out, const char *text,
                          struct cb_error **err);

#endif
