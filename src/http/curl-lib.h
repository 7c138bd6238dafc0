/* libcurl, loaded when the first request is made: linking it costs every start of the
 * program four milliseconds of relocation (docs/design/registry.md). Only the functions
 * in this table are used; nobody calls curl_* directly. */
#ifndef CB_HTTP_CURL_LIB_H
#define CB_HTTP_CURL_LIB_H

#include "base/error.h"

#include <curl/curl.h>

struct cb_curl {
    CURLcode (*global_init)(long flags);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *handle);
    void (*easy_reset)(CURL *handle);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    CURLcode (*easy_perform)(CURL *handle);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

/* NOT_FOUND, with the package to install, when the library or a function is missing. */
int cb_curl_load(struct cb_curl *out, struct cb_error **err);
void cb_curl_unload(struct cb_curl *curl);

#endif
