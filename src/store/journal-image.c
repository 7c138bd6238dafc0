/* Images in the journal, with the attributes docker gives them. */
#include "store/journal.h"

#include <inttypes.h>

static void add_pair(struct cb_strings *attributes, const char *name, const char *value)
{
    cb_strings_add(attributes, name);
    cb_strings_add(attributes, value);
}

static void add_labels(struct cb_strings *attributes, const struct cb_image *image)
{
    const struct cb_image_config *config = image->config;

    for (size_t i = 0; config && i < config->label_keys.count; i++)
        add_pair(attributes, config->label_keys.items[i], config->label_values.items[i]);
}

void cb_journal_image(struct cb_store *store, const char *action,
                      const struct cb_image *image, const char *name)
{
    cb_auto_value(cb_strings) attributes = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *familiar = NULL;
    char id[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&image->id, id);
    if (name && cb_reference_parse(&reference, name, NULL) == 0)
        familiar = cb_reference_familiar(reference);
    add_pair(&attributes, "name", familiar ? familiar : id);
    add_labels(&attributes, image);
    cb_journal_add(store, &(struct cb_journal_entry){"image", action, id, &attributes});
}

void cb_journal_name(struct cb_store *store, const char *action, const char *name)
{
    cb_auto(cb_image) image = NULL;
    int by_id = 0;

    if (cb_image_find(store, name, &image, &by_id, NULL) > 0)
        cb_journal_image(store, action, image, by_id ? NULL : name);
}

void cb_journal_transfer(struct cb_store *store, const char *action, const char *name)
{
    cb_auto_value(cb_strings) attributes = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_image) image = NULL;
    cb_autofree char *familiar = NULL;
    cb_autofree char *repository = NULL;

    if (cb_reference_parse(&reference, name, NULL) < 0)
        return;
    familiar = cb_reference_familiar(reference);
    repository = cb_reference_familiar_name(reference);
    add_pair(&attributes, "name", repository);
    if (cb_image_find(store, name, &image, NULL, NULL) > 0)
        add_labels(&attributes, image);
    cb_journal_add(store,
                   &(struct cb_journal_entry){"image", action, familiar, &attributes});
}

void cb_journal_prune(struct cb_store *store, const char *type, uint64_t freed_bytes)
{
    cb_auto_value(cb_strings) attributes = {0};

    cb_strings_add(&attributes, "reclaimed");
    cb_strings_addf(&attributes, "%" PRIu64, freed_bytes);
    cb_journal_add(store, &(struct cb_journal_entry){type, "prune", "", &attributes});
}
