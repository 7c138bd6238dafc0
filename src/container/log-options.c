/* --log-driver and --log-opt: docker's names, and which of them a driver knows. What says
 * how docker's records are packed is looked at and changes nothing here. */
#include "container/log-priv.h"

#include "base/text.h"

#include <string.h>

#define LOCAL_BYTES (20u << 20) /* of a file of the driver "local", and how many */
#define LOCAL_FILES 5

enum driver { JSON_FILE = 1, JOURNALD = 2, LOCAL = 4, NONE = 8 };

static const struct {
    const char *name;
    enum driver driver;
} drivers[] = {
    {"json-file", JSON_FILE}, {"journald", JOURNALD}, {"local", LOCAL}, {"none", NONE}};

static const struct {
    const char *name;
    unsigned drivers; /* that know it */
} keys[] = {
    {"max-size", JSON_FILE | LOCAL},
    {"max-file", JSON_FILE | LOCAL},
    {"compress", JSON_FILE | LOCAL},
    {"labels", JSON_FILE | JOURNALD},
    {"labels-regex", JSON_FILE | JOURNALD},
    {"env", JSON_FILE | JOURNALD},
    {"env-regex", JSON_FILE | JOURNALD},
    {"tag", JSON_FILE | JOURNALD},
    {"mode", JSON_FILE | JOURNALD | LOCAL},
    {"max-buffer-size", JSON_FILE | JOURNALD | LOCAL},
};

static const char *name_of(const struct cb_container_options *options)
{
    return options->log_driver ? options->log_driver : "json-file";
}

/* 0 if there is none of that name. */
static unsigned driver_of(const struct cb_container_options *options)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++)
        if (strcmp(drivers[i].name, name_of(options)) == 0)
            return drivers[i].driver;
    return 0;
}

int cb_log_is_journald(const struct cb_container_options *options)
{
    return driver_of(options) == JOURNALD;
}

/* A name alone has an empty value. NULL: it was not given. */
static const char *value_of(const struct cb_container_options *options, const char *key)
{
    const char *value = cb_env_get(&options->log_opts, key);

    return !value && cb_strings_contain(&options->log_opts, key) ? "" : value;
}

static int check_keys(const struct cb_container_options *options, unsigned driver,
                      struct cb_error **err)
{
    cb_vec_foreach (text, &options->log_opts) {
        size_t len = strcspn(*text, "="), i = 0;

        while (i < CB_ARRAY_SIZE(keys) &&
               (strlen(keys[i].name) != len || strncmp(keys[i].name, *text, len) != 0 ||
                !(keys[i].drivers & driver)))
            i++;
        if (i == CB_ARRAY_SIZE(keys))
            return cb_error_set(err, CB_ERR_USAGE,
                                "unknown log opt '%.*s' for %s log driver", (int)len,
                                *text, name_of(options));
    }
    return 0;
}

static int check_mode(const struct cb_container_options *options, struct cb_error **err)
{
    const char *mode = value_of(options, "mode");
    const char *buffer = value_of(options, "max-buffer-size");
    int waits = !mode || !*mode || strcmp(mode, "blocking") == 0;
    uint64_t bytes;

    if (!waits && strcmp(mode, "non-blocking") != 0)
        return cb_error_set(err, CB_ERR_USAGE, "logger: logging mode not supported: %s",
                            mode);
    if (buffer && waits)
        return cb_error_set(err, CB_ERR_USAGE,
                            "logger: max-buffer-size option is only supported with "
                            "'mode=non-blocking'");
    if (buffer && cb_size_parse(&bytes, buffer, err) < 0)
        return cb_error_wrap(err, "error parsing option max-buffer-size");
    return 0;
}

static int read_size(const struct cb_container_options *options, unsigned driver,
                     struct cb_log_limits *out, struct cb_error **err)
{
    const char *size = value_of(options, "max-size");

    out->max_bytes = driver == LOCAL ? LOCAL_BYTES : 0;
    if (!size || strcmp(size, "-1") == 0)
        return 0;
    if (cb_size_parse(&out->max_bytes, size, err) < 0)
        return cb_error_wrap(err, "max-size");
    if (!out->max_bytes && driver != LOCAL)
        return cb_error_set(err, CB_ERR_USAGE, "max-size must be a positive number");
    return 0;
}

static int read_files(const struct cb_container_options *options, unsigned driver,
                      struct cb_log_limits *out, struct cb_error **err)
{
    const char *files = value_of(options, "max-file");
    char *end;
    long count;

    out->max_files = driver == LOCAL ? LOCAL_FILES : 1;
    if (!files)
        return 0;
    count = strtol(files, &end, 10);
    if (end == files || *end)
        return cb_error_set(err, CB_ERR_USAGE, "invalid value for max-file: %s", files);
    if (count < 1)
        return cb_error_set(err, CB_ERR_USAGE, "max-file cannot be less than 1");
    if (count > CB_LOG_MAX_FILES)
        return cb_error_set(err, CB_ERR_USAGE, "max-file cannot be more than %d",
                            CB_LOG_MAX_FILES);
    out->max_files = (unsigned)count;
    return 0;
}

/* Nothing is compressed, but who asks for it where docker has nothing to compress has
 * mistaken something. */
static int check_compress(const struct cb_container_options *options,
                          const struct cb_log_limits *limits, struct cb_error **err)
{
    const char *text = value_of(options, "compress");
    int compress = 0;

    if (!text)
        return 0;
    if (!cb_parse_bool(text, &compress))
        return cb_error_set(err, CB_ERR_USAGE, "compress: `%s` is neither true nor false",
                            text);
    if (compress && (limits->max_files < 2 || !limits->max_bytes))
        return cb_error_set(err, CB_ERR_USAGE,
                            "compress cannot be true when max-file is less than 2 or "
                            "max-size is not set");
    return 0;
}

int cb_log_read_options(const struct cb_container_options *options,
                        struct cb_log_limits *out, struct cb_error **err)
{
    unsigned driver = driver_of(options);

    *out = (struct cb_log_limits){.max_files = 1};
    if (!driver) {
        cb_error_set(err, CB_ERR_USAGE, "logger: no log driver named '%s' is registered",
                     name_of(options));
        return cb_error_hint(err, "there are json-file, journald, local and none");
    }
    if (driver == NONE)
        return options->log_opts.count
                   ? cb_error_set(err, CB_ERR_FLAG,
                                  "invalid logging opts for driver none")
                   : 0;
    if (check_mode(options, err) < 0 || check_keys(options, driver, err) < 0 ||
        read_size(options, driver, out, err) < 0 ||
        read_files(options, driver, out, err) < 0)
        return -1;
    return check_compress(options, out, err);
}

int cb_log_check(const struct cb_container_options *options, struct cb_error **err)
{
    struct cb_log_limits limits;

    return cb_log_read_options(options, &limits, err);
}
