/* --gpus: docker's names for devices that nvidia's specifications have in the Container
 * Device Interface, as nvidia.com/gpu=…. */
#include "commands/run.h"

#include "base/text.h"

#include <string.h>

#define KIND     "nvidia.com/gpu"
#define MAX_GPUS 256

static int add_count(const char *text, struct cb_strings *devices, struct cb_error **err)
{
    char *end;
    long count = strtol(text, &end, 10);

    if (strcmp(text, "all") == 0 || strcmp(text, "-1") == 0) {
        cb_strings_add(devices, KIND "=all");
        return 0;
    }
    if (end == text || *end || count < 0 || count > MAX_GPUS)
        return cb_error_flag(err, text, "--gpus", "count must be an integer");
    for (long i = 0; i < count; i++)
        cb_strings_addf(devices, KIND "=%ld", i);
    return 0;
}

static void add_ids(const char *ids, struct cb_strings *devices)
{
    while (*ids) {
        size_t len = strcspn(ids, ",");

        cb_strings_addf(devices, KIND "=%.*s", (int)len, ids);
        ids += len + (ids[len] == ',');
    }
}

static int add_field(const char *field, struct cb_strings *devices, struct cb_error **err)
{
    const char *equals = strchr(field, '=');
    cb_autofree char *key = xstrndup(field, strcspn(field, "="));

    if (!equals)
        return add_count(field, devices, err);
    if (strcmp(key, "count") == 0)
        return add_count(equals + 1, devices, err);
    if (strcmp(key, "device") == 0) {
        add_ids(equals + 1, devices);
        return 0;
    }
    if (strcmp(key, "driver") == 0 && strcmp(equals + 1, "nvidia") != 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "could not select device driver \"%s\"", equals + 1);
    if (strcmp(key, "driver") == 0 || strcmp(key, "capabilities") == 0 ||
        strcmp(key, "options") == 0)
        return 0;
    return cb_error_flag(err, field, "--gpus", "unexpected key '%s' in '%s'", key, field);
}

int cb_run_take_gpus(const char *text, struct cb_strings *devices, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};

    if (!text)
        return 0;
    if (cb_csv_split(&fields, text, err) < 0)
        return -1;
    cb_vec_foreach (field, &fields) {
        if (add_field(*field, devices, err) < 0)
            return -1;
    }
    return 0;
}
