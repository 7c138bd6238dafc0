/* A bunch stays within one directory if that is large: two threads that make files in the
 * same directory wait for each other. */
#include "ops/bunch-priv.h"

#include <string.h>

#define FEW_FILES  16
#define MANY_FILES 128
#define MANY_BYTES (1 << 20)

static size_t directory_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) : 0;
}

static int is_full(const struct cb_bunches *bunches, const char *path, size_t len)
{
    if (bunches->count == 0 || bunches->files == MANY_FILES ||
        bunches->bytes >= MANY_BYTES)
        return 1;
    return bunches->files >= FEW_FILES &&
           (len != bunches->directory_len || memcmp(path, bunches->path, len) != 0);
}

void cb_bunches_add(struct cb_bunches *bunches, const char *path, int64_t size)
{
    size_t len = directory_len(path);

    if (is_full(bunches, path, len)) {
        cb_vec_push(&bunches->starts, bunches->count);
        bunches->files = 0;
        bunches->bytes = 0;
    }
    bunches->count++;
    bunches->files++;
    bunches->bytes += size;
    bunches->path = path;
    bunches->directory_len = len;
}

void cb_bunch_range(const struct cb_bunches *bunches, size_t index, size_t *first,
                    size_t *end)
{
    *first = bunches->starts.items[index];
    *end = index + 1 < bunches->starts.count ? bunches->starts.items[index + 1]
                                             : bunches->count;
}
