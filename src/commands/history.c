/* cbuild history: the steps an image was made by, newest first. */
#include "commands/commands.h"

#include "base/timestamp.h"
#include "store/layer.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *platform;
    int no_trunc, quiet;
};

#define AT(field) offsetof(struct values, field)

#define AGE_WIDTH 22 /* "Less than a second ago" */

static const struct cb_option options[] = {
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten the steps"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to show"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {0},
};

/* Unpacked size of each layer, as far as the store knows; 0 for layers that are not
 * unpacked. */
static int layer_sizes(struct cb_store *store, const struct cb_image_config *config,
                       int64_t *sizes, struct cb_error **err)
{
    struct cb_digest chain = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++) {
        cb_auto(cb_snapshot) snapshot = NULL;
        struct cb_layer_info info;
        int found;

        chain = cb_chain_id(i ? &chain : NULL, &config->diff_ids.items[i]);
        found = cb_chain_find(store, &chain, &snapshot, err);
        if (found < 0)
            return -1;
        if (found && cb_layer_info(snapshot, NULL, &info, err) < 0)
            return -1;
        sizes[i] = found ? info.size_bytes : 0;
    }
    return 0;
}

static char *ago(int64_t seconds)
{
    cb_autofree char *age = cb_duration_human(seconds);

    return xasprintf("%s ago", age);
}

static void print_entry(const struct cb_history *entry, const char *id, int64_t size,
                        const struct values *values)
{
    cb_autofree char *size_text = cb_size_human((uint64_t)size);
    cb_autofree char *age = NULL;
    cb_auto_value(cb_strbuf) step = {0};
    cb_auto_value(cb_strbuf) comment = {0};
    const char *by = entry->created_by ? entry->created_by : "";
    const char *said = entry->comment ? entry->comment : "";
    size_t cut = 44;
    struct timespec created, now = cb_timestamp_now();

    if (entry->created && cb_timestamp_parse(&created, entry->created, NULL) == 0)
        age = ago(now.tv_sec - created.tv_sec);
    cb_strbuf_add_escaped(&step, by, strlen(by), 0);
    cb_strbuf_add_escaped(&comment, said, strlen(said), 0);
    if (!values->no_trunc && step.len > 45) {
        while (((unsigned char)step.text[cut] & 0xc0) == 0x80)
            cut--; /* not inside a character */
        cb_strbuf_truncate(&step, cut);
        cb_strbuf_adds(&step, "…");
    }
    printf("%-*s   %-*s   %-*s   %-9s %s\n", values->no_trunc ? 71 : 12, id, AGE_WIDTH,
           age ? age : "N/A", values->no_trunc ? 0 : 45, cb_strbuf_text(&step), size_text,
           cb_strbuf_text(&comment));
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_image) image = NULL;
    cb_autofree int64_t *sizes = NULL;
    struct values values = {0};
    struct cb_platform buffer;
    const struct cb_platform *platform;
    char short_id[13], text[CB_DIGEST_MAX_TEXT];
    size_t layer;
    int status =
        cb_options_parse(&cb_history_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_history_command, &args, 1, 1, err) < 0 ||
        cb_app_platform(values.platform, &buffer, &platform, err) < 0 ||
        cb_app_store(app, 0, &store, err) < 0 ||
        cb_image_get_for(store, args.items[0], platform, &image, NULL, err) < 0)
        return -1;
    layer = image->config->diff_ids.count;
    sizes = xcalloc(layer + 1, sizeof(*sizes));
    if (layer_sizes(store, image->config, sizes, err) < 0)
        return -1;
    cb_short_id(&image->id, short_id);
    if (!values.quiet)
        printf("%-*s   %-*s   %-45s   %-9s %s\n", values.no_trunc ? 71 : 12, "IMAGE",
               AGE_WIDTH, "CREATED", "CREATED BY", "SIZE", "COMMENT");
    for (size_t i = image->config->history.count; i-- > 0;) {
        const struct cb_history *entry = &image->config->history.items[i];
        const char *id = i + 1 < image->config->history.count ? "<missing>"
                         : values.no_trunc ? cb_digest_text(&image->id, text)
                                           : short_id;
        int64_t size = entry->empty_layer || !layer ? 0 : sizes[--layer];

        if (values.quiet)
            printf("%s\n", id);
        else
            print_entry(entry, id, size, &values);
    }
    return 0;
}

const struct cb_cli_command cb_history_command = {
    .name = "history",
    .summary = "Show the steps an image was made by",
    .usage = "history [OPTIONS] IMAGE",
    .options = options,
    .run = run,
};
