/* The store, a registry client and progress, as the commands that move images need them.
 */
#include "commands/transfer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cb_transfer_open(struct cb_transfer *transfer, struct cb_app *app,
                     const struct cb_transfer_values *values,
                     const struct cb_strings *named, struct cb_error **err)
{
    struct cb_registry_options options = {.insecure = &values->insecure,
                                          .tls_verify = values->tls_verify};

    if (cb_access_apply(&values->access, app, err) < 0)
        return -1;
    for (size_t i = 0; named && i < named->count; i++)
        if (cb_access_name(&values->access, app, named->items[i], err) < 0)
            return -1;
    if (cb_progress_new(&transfer->progress, values->quiet ? "quiet" : NULL, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &transfer->store, err) < 0)
        return -1;
    transfer->pool = cb_pool_new(0, 8);
    options.store = transfer->store;
    options.pool = transfer->pool;
    options.sink = cb_progress_sink(transfer->progress);
    return cb_app_registry(app, &options, &transfer->registry, err);
}

void cb_transfer_say(struct cb_transfer *transfer, const char *format, ...)
{
    cb_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    cb_strbuf_adds(&transfer->results, text);
}

void cb_transfer_close(struct cb_transfer *transfer)
{
    cb_registry_free(transfer->registry);
    cb_progress_free(transfer->progress);
    fputs(cb_strbuf_text(&transfer->results), stdout);
    cb_strbuf_free(&transfer->results);
    cb_pool_free(transfer->pool);
    cb_store_close(transfer->store);
}

static const char *without_transport(const char *text)
{
    static const char transport[] = "docker://";
    size_t len = sizeof(transport) - 1;

    return strncmp(text, transport, len) == 0 ? text + len : text;
}

int cb_transfer_name(const char *text, int quiet, struct cb_reference **reference,
                     struct cb_error **err)
{
    if (cb_reference_parse(reference, without_transport(text), err) < 0)
        return -1;
    if (!quiet && !(*reference)->tag && !cb_digest_is_set(&(*reference)->digest))
        fprintf(stderr, "Using default tag: latest\n");
    cb_reference_default_tag(*reference);
    return 0;
}

int cb_transfer_repository(const char *text, struct cb_reference **reference,
                           struct cb_error **err)
{
    if (cb_reference_parse(reference, without_transport(text), err) < 0)
        return -1;
    if ((*reference)->tag || cb_digest_is_set(&(*reference)->digest))
        return cb_error_set(err, CB_ERR_USAGE, "tag can't be used with --all-tags/-a");
    return 0;
}
