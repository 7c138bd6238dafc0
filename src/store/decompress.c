/* One row per compression: gzip by ISA-L, zstd by libzstd; bzip2 and xz, which only ADD
 * meets, by libarchive. Everything happens in this process: no helper program from PATH
 * or from an image is ever run. */
#include "store/decompress.h"

#include "store/decompress-priv.h"
#include "store/tar.h"

#include <errno.h>
#include <stdio.h>

/* A file of zeros is no attack: images have some of hundreds of megabytes, which gzip
 * makes 1032 times smaller and zstd far more. Output before the ratio counts. */
#define RATIO_FREE (1280u << 20)
#define RATIO_MAX  1000

static const struct {
    int filter;
    size_t len;
    const char *magic;
    const struct cb_codec *codec;
} kinds[] = {
    {CB_TAR_GZIP, 2, "\x1f\x8b", &cb_codec_gzip},
    {CB_TAR_ZSTD, 4, "\x28\xb5\x2f\xfd", &cb_codec_zstd},
    {CB_TAR_BZIP2, 3, "BZh", &cb_codec_archive},
    {CB_TAR_XZ, 6,
     "\xfd"
     "7zXZ\0",
     &cb_codec_archive},
};

/* ── Input ── */

int cb_decoder_fill(struct cb_decoder *decoder, struct cb_error **err)
{
    ssize_t len;

    if (decoder->in_len || decoder->in_ended)
        return 0;
    len = decoder->read(decoder->arg, decoder->in, CB_DECODER_BUFFER, err);
    if (len < 0)
        return -1;
    decoder->in_at = decoder->in;
    decoder->in_len = (size_t)len;
    decoder->in_total += (uint64_t)len;
    decoder->in_ended = len == 0;
    return 0;
}

/* The first bytes may come in drops. */
static int fill_start(struct cb_decoder *decoder, struct cb_error **err)
{
    decoder->in_at = decoder->in;
    while (decoder->in_len < 8) {
        ssize_t len = decoder->read(decoder->arg, decoder->in + decoder->in_len,
                                    CB_DECODER_BUFFER - decoder->in_len, err);

        if (len < 0)
            return -1;
        if (len == 0)
            break;
        decoder->in_len += (size_t)len;
    }
    decoder->in_total = decoder->in_len;
    decoder->in_ended = decoder->in_len == 0;
    return 0;
}

/* ── As it is ── */

static int plain_start(struct cb_decoder *decoder, struct cb_error **err)
{
    return 0;
}

static ssize_t plain_next(struct cb_decoder *decoder, const void **bytes,
                          struct cb_error **err)
{
    ssize_t len;

    if (cb_decoder_fill(decoder, err) < 0)
        return -1;
    *bytes = decoder->in_at;
    len = (ssize_t)decoder->in_len;
    decoder->in_len = 0;
    return len;
}

static void plain_end(struct cb_decoder *decoder) {}

static const struct cb_codec cb_codec_plain = {plain_start, plain_next, plain_end};

/* ── The decoder ── */

/* Which of FILTERS the bytes start like; 0: none. */
static int sniff(const void *bytes, size_t len, int filters)
{
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        if ((filters & kinds[i].filter) && len >= kinds[i].len &&
            memcmp(bytes, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].filter;
    }
    return 0;
}

int cb_decoder_filter(const struct cb_decoder *decoder)
{
    return decoder->filter;
}

static const struct cb_codec *choose(int filter)
{
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        if (kinds[i].filter == filter)
            return kinds[i].codec;
    }
    return &cb_codec_plain;
}

int cb_decoder_new(struct cb_decoder **out, cb_read_fn read, void *arg, int filters,
                   uint64_t max_bytes, struct cb_error **err)
{
    cb_auto(cb_decoder) decoder = xcalloc(1, sizeof(*decoder));

    decoder->read = read;
    decoder->arg = arg;
    decoder->max_bytes = max_bytes ? max_bytes : UINT64_MAX;
    decoder->in = xmalloc(CB_DECODER_BUFFER);
    decoder->codec = &cb_codec_plain;
    if (fill_start(decoder, err) < 0)
        return -1;
    decoder->filter = sniff(decoder->in, decoder->in_len, filters);
    decoder->codec = choose(decoder->filter);
    if (decoder->codec->start(decoder, err) < 0)
        return -1;
    *out = cb_steal(&decoder);
    return 0;
}

static int too_dense(const struct cb_decoder *decoder, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_INTEGRITY,
                 "unpacks to more than %d times its size: %llu bytes gave %llu",
                 RATIO_MAX, (unsigned long long)decoder->in_total,
                 (unsigned long long)decoder->out_total);
    return cb_error_hint(err, "if you trust it, say with --max-layer-size how large it "
                              "may be; then only that counts");
}

static int check_bounds(const struct cb_decoder *decoder, struct cb_error **err)
{
    if (decoder->out_total > decoder->max_bytes)
        return cb_error_set(err, CB_ERR_INTEGRITY, "larger than %llu bytes unpacked",
                            (unsigned long long)decoder->max_bytes);
    if (!decoder->any_ratio && decoder->out_total > RATIO_FREE &&
        decoder->out_total / RATIO_MAX > decoder->in_total)
        return too_dense(decoder, err);
    return 0;
}

void cb_decoder_any_ratio(struct cb_decoder *decoder)
{
    decoder->any_ratio = 1;
}

ssize_t cb_decoder_next(struct cb_decoder *decoder, const void **bytes,
                        struct cb_error **err)
{
    ssize_t len = decoder->codec->next(decoder, bytes, err);

    if (len <= 0)
        return len;
    decoder->out_total += (uint64_t)len;
    return check_bounds(decoder, err) < 0 ? -1 : len;
}

void cb_decoder_free(struct cb_decoder *decoder)
{
    if (!decoder)
        return;
    decoder->codec->end(decoder);
    free(decoder->in);
    free(decoder->out);
    free(decoder);
}
