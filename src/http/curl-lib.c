/* The library stays mapped once loaded: its TLS library has exit handlers that would
 * dangle. curl_global_init is thread-safe and counted since 7.84. */
#include "http/curl-lib.h"

#include <dlfcn.h>

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    {"curl_global_init", offsetof(struct cb_curl, global_init)},
    {"curl_global_cleanup", offsetof(struct cb_curl, global_cleanup)},
    {"curl_easy_init", offsetof(struct cb_curl, easy_init)},
    {"curl_easy_cleanup", offsetof(struct cb_curl, easy_cleanup)},
    {"curl_easy_reset", offsetof(struct cb_curl, easy_reset)},
    {"curl_easy_setopt", offsetof(struct cb_curl, easy_setopt)},
    {"curl_easy_getinfo", offsetof(struct cb_curl, easy_getinfo)},
    {"curl_easy_perform", offsetof(struct cb_curl, easy_perform)},
    {"curl_easy_strerror", offsetof(struct cb_curl, easy_strerror)},
    {"curl_slist_append", offsetof(struct cb_curl, slist_append)},
    {"curl_slist_free_all", offsetof(struct cb_curl, slist_free_all)},
};

int cb_curl_load(struct cb_curl *out, struct cb_error **err)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (!library) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "load libcurl.so.4: %s", dlerror());
        return cb_error_hint(err, "install libcurl 7.85 or newer (Debian: libcurl4)");
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);

        if (!symbol) {
            dlclose(library);
            return cb_error_set(err, CB_ERR_NOT_FOUND, "libcurl.so.4 has no `%s`",
                                symbols[i].name);
        }
        *(void **)((char *)out + symbols[i].offset) = symbol;
    }
    dlclose(library);
    if (out->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return cb_error_set(err, CB_ERR_SYSTEM, "libcurl cannot be initialised");
    return 0;
}

void cb_curl_unload(struct cb_curl *curl)
{
    curl->global_cleanup();
}
