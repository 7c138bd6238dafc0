/* Where unfinished uploads go on: a file of ingest/ for each, named for registry,
 * repository and blob, that holds the address the registry gave. Whoever continues it
 * takes the file away first, so that no two do. It is worth nothing elsewhere, goes with
 * old downloads, and losing it costs an upload from the start. */
#include "registry/upload.h"

#include "base/atomic-file.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOCATION_MAX 16384

static char *file_of(const struct cb_repository *repository,
                     const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *key = xasprintf("%s %s %s", repository->endpoint->base,
                                      repository->path, cb_digest_text(digest, text));
    struct cb_digest name = cb_digest_of(key, strlen(key));

    return xasprintf("ingest/%s.upload", cb_digest_hex(&name, text));
}

char *cb_upload_saved_take(struct cb_registry *registry,
                           const struct cb_repository *repository,
                           const struct cb_digest *digest)
{
    cb_autofree char *file = file_of(repository, digest);
    cb_auto_value(cb_strbuf) location = {0};
    int fd = cb_store_root_fd(registry->store);

    if (cb_fs_read_file(fd, file, LOCATION_MAX, &location, NULL) < 0 ||
        unlinkat(fd, file, 0) < 0 || !location.len ||
        strlen(cb_strbuf_text(&location)) != location.len)
        return NULL;
    return cb_strbuf_steal(&location);
}

void cb_upload_saved_put(struct cb_registry *registry,
                         const struct cb_repository *repository,
                         const struct cb_digest *digest, const char *location)
{
    cb_autofree char *file = file_of(repository, digest);
    size_t len = strlen(location);

    if (len <= LOCATION_MAX)
        cb_atomic_file_write(cb_store_root_fd(registry->store), file, location, len, 0600,
                             0, NULL);
}
