/* Between the decoder and its codecs. */
#ifndef CB_STORE_DECOMPRESS_PRIV_H
#define CB_STORE_DECOMPRESS_PRIV_H

#include "store/decompress.h"

#define CB_DECODER_BUFFER \
    (256u << 10) /* in and out: both stay in the second-level cache */

struct cb_codec {
    int (*start)(struct cb_decoder *decoder, struct cb_error **err);
    ssize_t (*next)(struct cb_decoder *decoder, const void **bytes,
                    struct cb_error **err);
    void (*end)(struct cb_decoder *decoder); /* also after a failed start */
};

struct cb_decoder {
    cb_read_fn read;
    void *arg;
    const struct cb_codec *codec;
    int filter;
    unsigned char *in, *in_at; /* in_len bytes at in_at are not used yet */
    size_t in_len;
    int in_ended;
    unsigned char *out; /* the codec's, freed with the decoder */
    uint64_t in_total, out_total, max_bytes;
    int any_ratio;
    void *state; /* the codec's */
    int member_ended;
};

/* Reads more when nothing is left. */
int cb_decoder_fill(struct cb_decoder *decoder, struct cb_error **err);

extern const struct cb_codec cb_codec_gzip, cb_codec_zstd, cb_codec_archive;

#endif
