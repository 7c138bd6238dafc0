/* bzip2 and xz by libarchive's filters, the stream inside taken as raw bytes. */
#include "store/archive-api.h"
#include "store/decompress-priv.h"

struct state {
    struct cb_archive_api api;
    struct archive *archive;
    struct cb_decoder *decoder;
    struct cb_error *error; /* of our own reading, which libarchive cannot carry */
    int opened;
};

static la_ssize_t feed(struct archive *archive, void *arg, const void **bytes)
{
    struct state *state = arg;
    struct cb_decoder *decoder = state->decoder;
    la_ssize_t len;

    if (cb_decoder_fill(decoder, &state->error) < 0) {
        state->api.archive_set_error(archive, -1, "read");
        return -1;
    }
    *bytes = decoder->in_at;
    len = (la_ssize_t)decoder->in_len;
    decoder->in_len = 0;
    return len;
}

static int failed(struct state *state, struct cb_error **err)
{
    const char *text;

    if (state->error)
        return cb_error_move(err, &state->error);
    text = state->api.archive_error_string(state->archive);
    return cb_error_set(err, CB_ERR_INTEGRITY, "compressed stream: %s",
                        text ? text : "damaged data");
}

static int archive_start(struct cb_decoder *decoder, struct cb_error **err)
{
    struct state *state = xcalloc(1, sizeof(*state));

    decoder->state = state;
    state->decoder = decoder;
    if (cb_archive_api_load(&state->api, err) < 0)
        return -1;
    state->archive = state->api.archive_read_new();
    if (!state->archive)
        return cb_error_set(err, CB_ERR_SYSTEM, "libarchive: out of memory");
    state->api.archive_read_support_filter_bzip2(state->archive);
    state->api.archive_read_support_filter_xz(state->archive);
    state->api.archive_read_support_format_raw(state->archive);
    return 0;
}

/* Opening reads, so it waits for the first byte asked for. */
static int open_stream(struct state *state, struct cb_error **err)
{
    struct archive_entry *entry;
    int code;

    if (state->api.archive_read_open(state->archive, state, NULL, feed, NULL) !=
        ARCHIVE_OK)
        return failed(state, err);
    code = state->api.archive_read_next_header(state->archive, &entry);
    if (code < ARCHIVE_WARN || code == ARCHIVE_EOF)
        return failed(state, err);
    state->opened = 1;
    return 0;
}

static ssize_t archive_next(struct cb_decoder *decoder, const void **bytes,
                            struct cb_error **err)
{
    struct state *state = decoder->state;
    size_t len = 0;
    la_int64_t offset;

    if (!state->opened && open_stream(state, err) < 0)
        return -1;
    while (len == 0) {
        int code =
            state->api.archive_read_data_block(state->archive, bytes, &len, &offset);

        if (code == ARCHIVE_EOF)
            return 0;
        if (code < ARCHIVE_WARN)
            return failed(state, err);
    }
    return (ssize_t)len;
}

static void archive_end(struct cb_decoder *decoder)
{
    struct state *state = decoder->state;

    if (!state)
        return;
    if (state->archive)
        state->api.archive_read_free(state->archive);
    cb_archive_unload(&state->api);
    cb_error_free(state->error);
    free(state);
}

const struct cb_codec cb_codec_archive = {archive_start, archive_next, archive_end};
