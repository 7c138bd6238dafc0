/* The ports of a container on one line. */
#ifndef CB_COMMANDS_PS_PORTS_H
#define CB_COMMANDS_PS_PORTS_H

#include "container/record.h"

/* "0.0.0.0:8080->80/tcp, 443/tcp", or "" of one that does not run. Caller frees. */
char *cb_ps_ports(const struct cb_container *container);

#endif
