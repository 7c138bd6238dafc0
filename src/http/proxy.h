/* Which proxy a request goes through. */
#ifndef CB_HTTP_PROXY_H
#define CB_HTTP_PROXY_H

#include "http/http.h"

/* Does LIST, as in NO_PROXY, say that URL is asked directly? */
int cb_proxy_exempts(const char *list, const struct cb_url *url);
/* The proxy for URL: of the environment, else of SETTINGS (whose cancel and pauses do not
 * count). NULL: none. Borrowed from them. */
const char *cb_proxy_for(const struct cb_url *url,
                         const struct cb_http_options *settings);

#endif
