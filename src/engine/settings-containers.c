/* "dns", "log-opts" and what else of docker's keys containers get that do not ask for
 * something else themselves. */
#include "engine/settings-priv.h"

#include "network/network.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* LIST, which is what CHECKED has, becomes what VALUE says. */
static int take(struct cb_strings *list, const struct cb_dns_options *checked,
                const struct cb_json *value, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (cb_settings_list(list, value, err) < 0)
        return -1;
    if (cb_dns_check(checked, &cause) < 0)
        return cb_settings_fail(value, err, "%s", cb_error_message(cause));
    return 0;
}

int cb_settings_dns(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err)
{
    const struct cb_dns_options dns = {.servers = &settings->dns};

    return take(&settings->dns, &dns, value, err);
}

int cb_settings_dns_search(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err)
{
    const struct cb_dns_options dns = {.search = &settings->dns_search};

    return take(&settings->dns_search, &dns, value, err);
}

int cb_settings_dns_options(struct cb_settings *settings, const struct cb_json *value,
                            struct cb_error **err)
{
    const struct cb_dns_options dns = {.options = &settings->dns_options};

    return take(&settings->dns_options, &dns, value, err);
}

int cb_settings_log_driver(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err)
{
    return cb_settings_text(&settings->log_driver, value, err);
}

/* {"max-size": "10m", ...} */
int cb_settings_log_opts(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err)
{
    const char *key, *text;
    json_t *item;

    if (cb_json_expect_object(value, err) < 0)
        return -1;
    cb_strings_free(&settings->log_opts);
    settings->log_opts = (struct cb_strings){0};
    json_object_foreach(value->value, key, item)
    {
        struct cb_json field = cb_json_member(value, key);

        if (cb_json_required_string(&field, &text, err) < 0)
            return -1;
        cb_strings_addf(&settings->log_opts, "%s=%s", key, text);
    }
    return 0;
}

/* {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 4096}, ...} */
int cb_settings_ulimits(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err)
{
    const char *key;
    json_t *item;

    if (cb_json_expect_object(value, err) < 0)
        return -1;
    cb_strings_free(&settings->ulimits);
    settings->ulimits = (struct cb_strings){0};
    json_object_foreach(value->value, key, item)
    {
        struct cb_json limit = cb_json_member(value, key);
        struct cb_json soft, hard;
        int64_t soft_limit, hard_limit;

        if (cb_json_expect_object(&limit, err) < 0)
            return -1;
        soft = cb_json_member(&limit, "Soft");
        hard = cb_json_member(&limit, "Hard");
        if (cb_json_required_int64(&soft, &soft_limit, err) < 0 ||
            cb_json_required_int64(&hard, &hard_limit, err) < 0)
            return -1;
        cb_strings_addf(&settings->ulimits, "%s=%" PRId64 ":%" PRId64, key, soft_limit,
                        hard_limit);
    }
    return 0;
}

/* A daemon.json may name a driver that is not here: what it says of that one is no more
 * than without effect. */
void cb_settings_settle_log(struct cb_settings *settings)
{
    static const char *const drivers[] = {"json-file", "journald", "local", "none"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++)
        if (!settings->log_driver || strcmp(settings->log_driver, drivers[i]) == 0)
            return;
    cb_strings_add(&settings->unused, "log-driver");
    if (settings->log_opts.count)
        cb_strings_add(&settings->unused, "log-opts");
    free(cb_steal(&settings->log_driver));
    cb_strings_free(&settings->log_opts);
    settings->log_opts = (struct cb_strings){0};
}
