/* Tar streams in memory: entries come out checked, and their data is bounded by what they
 * say. */
#include "exporter/members.h"
#include "store/tar.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES   (UINT64_C(16) << 20)
#define MAX_ENTRIES 10000

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct input {
    const unsigned char *data;
    size_t len;
};

static ssize_t read_input(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    struct input *input = arg;

    if (len > input->len)
        len = input->len;
    memcpy(buffer, input->data, len);
    input->data += len;
    input->len -= len;
    return (ssize_t)len;
}

static int read_entry(struct cb_tar_reader *reader, const struct cb_tar_entry *entry)
{
    cb_autofree char *path = cb_member_path(entry->path);
    char buffer[4096];
    int64_t total = 0;
    ssize_t len;

    if (path && (*path == '/' || strncmp(path, "../", 3) == 0 || strstr(path, "/../")))
        abort();
    if (entry->size < 0)
        abort();
    while ((len = cb_tar_reader_data(reader, buffer, sizeof(buffer), NULL)) > 0)
        total += len;
    if (total > entry->size)
        abort();
    return len < 0 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct input input = {.data = data, .len = size};
    cb_auto(cb_tar_reader) reader = NULL;
    struct cb_digest digest;

    if (cb_tar_reader_new(&reader, read_input, &input,
                          CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD, MAX_BYTES,
                          NULL) < 0)
        return 0;
    for (int i = 0; i < MAX_ENTRIES; i++) {
        struct cb_tar_entry entry = {0};

        if (cb_tar_reader_next(reader, &entry, NULL) <= 0 ||
            read_entry(reader, &entry) < 0)
            break;
    }
    cb_tar_reader_finish(reader, &digest, NULL);
    return 0;
}
