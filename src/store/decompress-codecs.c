/* gzip and zstd streams of one or more members. */
#include "store/decompress-priv.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#define ZSTD_WINDOW_LOG 27 /* 128 MiB: a frame may not ask for more memory than this */

static int truncated(const char *what, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY, "%s stream: ends too early", what);
}

/* ── gzip ── */

static int gzip_start(struct cb_decoder *decoder, struct cb_error **err)
{
    struct inflate_state *state = xmalloc(sizeof(*state));

    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    decoder->state = state;
    decoder->out = xmalloc(CB_DECODER_BUFFER);
    return 0;
}

static void gzip_end(struct cb_decoder *decoder)
{
    free(decoder->state);
}

static const char *gzip_problem(int code)
{
    switch (code) {
    case ISAL_INCORRECT_CHECKSUM:
        return "wrong checksum";
    case ISAL_INVALID_WRAPPER:
        return "not a gzip header";
    case ISAL_UNSUPPORTED_METHOD:
        return "unknown method";
    default:
        return "damaged data";
    }
}

/* After a member: 1 another begins, 0 the end. Only zeros may follow otherwise. */
static int gzip_next_member(struct cb_decoder *decoder, struct cb_error **err)
{
    struct inflate_state *state = decoder->state;

    for (;;) {
        if (cb_decoder_fill(decoder, err) < 0)
            return -1;
        if (decoder->in_len == 0)
            return 0;
        if (*decoder->in_at != 0)
            break;
        decoder->in_at++;
        decoder->in_len--;
    }
    if (*decoder->in_at != 0x1f)
        return cb_error_set(err, CB_ERR_INTEGRITY, "gzip stream: junk behind its end");
    isal_inflate_reset(state);
    state->crc_flag = ISAL_GZIP;
    decoder->member_ended = 0;
    return 1;
}

static int gzip_inflate(struct cb_decoder *decoder, struct cb_error **err)
{
    struct inflate_state *state = decoder->state;
    int code;

    state->next_in = decoder->in_at;
    state->avail_in = (uint32_t)decoder->in_len;
    code = isal_inflate(state);
    decoder->in_at = state->next_in;
    decoder->in_len = state->avail_in;
    if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT)
        return cb_error_set(err, CB_ERR_INTEGRITY, "gzip stream: %s", gzip_problem(code));
    decoder->member_ended = state->block_state == ISAL_BLOCK_FINISH;
    return 0;
}

static ssize_t gzip_next(struct cb_decoder *decoder, const void **bytes,
                         struct cb_error **err)
{
    struct inflate_state *state = decoder->state;

    *bytes = decoder->out;
    state->next_out = decoder->out;
    state->avail_out = CB_DECODER_BUFFER;
    while (state->avail_out == CB_DECODER_BUFFER) {
        if (decoder->member_ended) {
            int more = gzip_next_member(decoder, err);

            if (more <= 0)
                return more;
        }
        if (cb_decoder_fill(decoder, err) < 0)
            return -1;
        if (gzip_inflate(decoder, err) < 0)
            return -1;
        if (decoder->in_ended && !decoder->member_ended &&
            state->avail_out == CB_DECODER_BUFFER)
            return truncated("gzip", err);
    }
    return (ssize_t)(CB_DECODER_BUFFER - state->avail_out);
}

const struct cb_codec cb_codec_gzip = {gzip_start, gzip_next, gzip_end};

/* ── zstd ── */

static int zstd_start(struct cb_decoder *decoder, struct cb_error **err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (!context)
        return cb_error_set(err, CB_ERR_SYSTEM, "zstd: out of memory");
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    decoder->state = context;
    decoder->out = xmalloc(CB_DECODER_BUFFER);
    decoder->member_ended = 1;
    return 0;
}

static void zstd_end(struct cb_decoder *decoder)
{
    ZSTD_freeDCtx(decoder->state);
}

static ssize_t zstd_next(struct cb_decoder *decoder, const void **bytes,
                         struct cb_error **err)
{
    ZSTD_outBuffer out = {.dst = decoder->out, .size = CB_DECODER_BUFFER};

    *bytes = decoder->out;
    while (out.pos == 0) {
        ZSTD_inBuffer in = {0};
        size_t code;

        if (cb_decoder_fill(decoder, err) < 0)
            return -1;
        if (decoder->in_len == 0 && decoder->in_ended && decoder->member_ended)
            return 0;
        in.src = decoder->in_at;
        in.size = decoder->in_len;
        code = ZSTD_decompressStream(decoder->state, &out, &in);
        if (ZSTD_isError(code))
            return cb_error_set(err, CB_ERR_INTEGRITY, "zstd stream: %s",
                                ZSTD_getErrorName(code));
        decoder->in_at += in.pos;
        decoder->in_len -= in.pos;
        decoder->member_ended = code == 0;
        if (decoder->in_ended && in.size == 0 && out.pos == 0 && code != 0)
            return truncated("zstd", err);
    }
    return (ssize_t)out.pos;
}

const struct cb_codec cb_codec_zstd = {zstd_start, zstd_next, zstd_end};
