/* Is a file a tar archive? As docker decides for ADD: the first block, unpacked if need
 * be, is a header whose checksum is right. Names and magic do not count: old archives
 * have none. */
#include "store/decompress.h"
#include "store/tar.h"

#include <errno.h>

#define BLOCK     512
#define SNIFF_MAX (4u << 20) /* of compressed bytes, to get at one block */

struct window {
    int fd;
    off_t at;
};

static ssize_t read_window(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    struct window *window = arg;
    ssize_t got = window->at < SNIFF_MAX ? pread(window->fd, buffer, len, window->at) : 0;

    if (got < 0)
        return cb_error_errno(err, errno, "read");
    window->at += got;
    return got;
}

int cb_tar_is_header(const unsigned char *block)
{
    unsigned sum = 8 * ' ', wanted = 0;
    size_t i;

    for (i = 0; i < BLOCK; i++) {
        if (i < 148 || i >= 156)
            sum += block[i];
    }
    for (i = 148; i < 156 && block[i] == ' '; i++)
        continue;
    if (i == 156 || block[i] < '0' || block[i] > '7')
        return 0;
    for (; i < 156 && block[i] >= '0' && block[i] <= '7'; i++)
        wanted = wanted * 8 + (unsigned)(block[i] - '0');
    return sum == wanted && block[0] != '\0';
}

int cb_tar_sniff(int fd, int filters)
{
    struct window window = {.fd = fd};
    cb_auto(cb_decoder) decoder = NULL;
    unsigned char block[BLOCK];
    size_t have = 0;

    if (cb_decoder_new(&decoder, read_window, &window, filters, 0, NULL) < 0)
        return 0;
    while (have < BLOCK) {
        const void *bytes;
        ssize_t len = cb_decoder_next(decoder, &bytes, NULL);

        if (len <= 0)
            return 0;
        if ((size_t)len > BLOCK - have)
            len = (ssize_t)(BLOCK - have);
        memcpy(block + have, bytes, (size_t)len);
        have += (size_t)len;
    }
    return cb_tar_is_header(block);
}
