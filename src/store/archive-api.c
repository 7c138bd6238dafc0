/* Each reader has its own table, so there is no global to guard; the library itself is
 * counted by the dynamic linker and stays (RTLD_NODELETE), for loading it is what costs.
 */
#include "store/archive-api.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libarchive.so.13"

static int resolve(void *library, const char *name, void *slot, struct cb_error **err)
{
    void *function = dlsym(library, name);

    if (!function)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "library `%s`: has no `%s`", LIBRARY,
                            name);
    memcpy(slot, &function, sizeof(function));
    return 0;
}

int cb_archive_api_load(struct cb_archive_api *out, struct cb_error **err)
{
    out->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!out->library) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "library `%s`: %s", LIBRARY, dlerror());
        return cb_error_hint(err,
                             "install libarchive (Debian: apt-get install libarchive13)");
    }
#define CB_ARCHIVE_RESOLVE(name)                           \
    if (resolve(out->library, #name, &out->name, err) < 0) \
        return -1;
    CB_ARCHIVE_FUNCTIONS(CB_ARCHIVE_RESOLVE)
#undef CB_ARCHIVE_RESOLVE
    return 0;
}

void cb_archive_unload(struct cb_archive_api *api)
{
    if (api->library)
        dlclose(api->library);
    api->library = NULL;
}
