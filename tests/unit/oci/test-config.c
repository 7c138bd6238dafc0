#include "unit/base/unit.h"

#include "base/json.h"
#include "base/strbuf.h"
#include "oci/oci.h"

#define DIFF "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const char full[] =
    "{\"architecture\":\"arm\",\"author\":\"me\",\"config\":{\"User\":\"1000:1000\","
    "\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}},\"Env\":[\"PATH=/bin\",\"X=\"],"
    "\"Entrypoint\":[\"/e\"],\"Cmd\":[\"a\",\"\"],\"Volumes\":{\"/data\":{}},"
    "\"WorkingDir\":\"/"
    "w\",\"Labels\":{\"a\":\"\",\"b\":\"<2>\"},\"StopSignal\":\"SIGINT\","
    "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":30000000000,\"Retries\":3}"
    ","
    "\"ArgsEscaped\":true,\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/bash\",\"-c\"],"
    "\"Hostname\":\"h\",\"StopTimeout\":5},\"created\":\"2026-01-02T03:04:05Z\","
    "\"docker_version\":\"27\",\"history\":[{\"created\":\"2026-01-02T03:04:05Z\","
    "\"created_by\":\"RUN a \\u0026\\u0026 b\",\"author\":\"me\",\"comment\":\"c\"},"
    "{\"empty_layer\":true}],\"os\":\"linux\",\"os.version\":\"1\","
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF "\"]},\"variant\":\"v6\","
    "\"zzz\":[1]}";

static struct cb_image_config *parse(const char *text)
{
    struct cb_image_config *config = NULL;
    struct cb_error *err = NULL;

    assert_ok(cb_image_config_parse(&config, text, strlen(text), &err), err);
    return config;
}

static void all_fields_survive(void **state)
{
    cb_auto(cb_image_config) config = parse(full);
    cb_auto(cb_image_config) copy = cb_image_config_copy(config);
    cb_autofree char *text = NULL;
    cb_autofree char *expected = xstrdup(full);
    char *escapes;
    size_t len;

    assert_string_equal(config->platform.variant, "v6");
    assert_string_equal(config->label_values.items[1], "<2>");
    assert_int_equal(config->healthcheck->retries, 3);
    assert_int_equal(config->history.count, 2);
    assert_true(config->history.items[1].empty_layer);
    /* \u0026 is an ampersand, written as such */
    while ((escapes = strstr(expected, "\\u0026"))) {
        *escapes = '&';
        memmove(escapes + 1, escapes + 6, strlen(escapes + 6) + 1);
    }
    cb_image_config_free(cb_steal(&config));
    text = cb_image_config_emit(copy, &len);
    assert_int_equal(len, strlen(expected));
    assert_string_equal(text, expected);
}

static void order_of_making_does_not_show(void **state)
{
    cb_autofree char *texts[2] = {NULL, NULL};

    for (int i = 0; i < 2; i++) {
        cb_auto(cb_image_config) config = cb_image_config_new();

        cb_platform_parse(&config->platform, "linux/amd64", NULL);
        cb_image_config_set_label(config, i ? "b" : "a", i ? "2" : "1");
        cb_image_config_set_label(config, i ? "a" : "b", "old");
        cb_image_config_set_label(config, "a", "1");
        cb_image_config_set_label(config, "b", "2");
        cb_strings_add_once(&config->volumes, i ? "/x" : "/y");
        cb_strings_add_once(&config->volumes, i ? "/y" : "/x");
        cb_strings_add_once(&config->volumes, "/x");
        cb_image_config_add_history(config, NULL, "RUN x", "c", 1);
        texts[i] = cb_image_config_emit(config, NULL);
    }
    assert_string_equal(
        texts[0],
        "{\"architecture\":\"amd64\",\"config\":{\"Volumes\":{\"/x\":{},\"/y\":{}},"
        "\"Labels\":{\"a\":\"1\",\"b\":\"2\"}},\"history\":[{\"created_by\":\"RUN x\","
        "\"comment\":\"c\",\"empty_layer\":true}],\"os\":\"linux\",\"rootfs\":{\"type\":"
        "\"layers\",\"diff_ids\":[]}}");
    assert_string_equal(texts[1], texts[0]);
    free(cb_steal(&texts[1]));
}

static void null_differs_from_empty(void **state)
{
    cb_auto(cb_image_config) config =
        parse("{\"config\":{\"Cmd\":[],\"Entrypoint\":null}}");

    assert_true(config->has_cmd);
    assert_false(config->has_entrypoint);
    assert_false(config->has_shell);
}

static void invalid_utf8_is_written_as_go_does(void **state)
{
    cb_auto(cb_image_config) config = cb_image_config_new();
    cb_autofree char *text = NULL;

    cb_strings_add(&config->env, "X=a\xff");
    text = cb_image_config_emit(config, NULL);
    assert_non_null(strstr(text, "\"Env\":[\"X=a\\ufffd\"]"));
}

static void odd_documents_are_read_or_refused(void **state)
{
    static const struct {
        const char *text, *message; /* NULL: fine */
    } rows[] = {
        {"{}", NULL},
        {"{\"config\":null,\"rootfs\":null,\"history\":null,\"created\":null}", NULL},
        {"{\"config\":{},\"rootfs\":{\"diff_ids\":null}}", NULL},
        {"{\"config\":{\"Labels\":null,\"Volumes\":null,\"ExposedPorts\":null}}", NULL},
        {"{\"config\":{\"Env\":[\"NOVALUE\",\"\",\"=x\"]}}", NULL},
        {"{\"history\":[null]}", NULL},
        {"[]", "image config: expected an object"},
        {"{\"config\":[]}", "image config.config: expected an object"},
        {"{\"config\":\"x\"}", "image config.config: expected an object"},
        {"{\"config\":{\"Cmd\":\"sh\"}}", "config.Cmd: expected an array"},
        {"{\"config\":{\"Cmd\":7}}", "config.Cmd: expected an array"},
        {"{\"config\":{\"Cmd\":[null]}}", "config.Cmd[0]: missing"},
        {"{\"config\":{\"Env\":[7]}}", "config.Env[0]: expected a string"},
        {"{\"config\":{\"User\":0}}", "config.User: expected a string"},
        {"{\"config\":{\"Labels\":{\"a\":null}}}", "config.Labels.a: missing"},
        {"{\"config\":{\"Labels\":[]}}", "config.Labels: expected an object"},
        {"{\"config\":{\"Volumes\":[\"/x\"]}}", "config.Volumes: expected an object"},
        {"{\"config\":{\"ArgsEscaped\":1}}",
         "config.ArgsEscaped: expected true or false"},
        {"{\"config\":{\"Healthcheck\":[]}}", "config.Healthcheck: expected an object"},
        {"{\"config\":{\"Healthcheck\":{\"Interval\":-1}}}",
         "Interval: must not be negative"},
        {"{\"config\":{\"Healthcheck\":{\"Test\":\"x\"}}}", "Test: expected an array"},
        {"{\"rootfs\":[]}", "image config.rootfs: expected an object"},
        {"{\"rootfs\":{\"type\":\"tree\"}}", "rootfs.type: unknown type `tree`"},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:00\"]}}",
         "rootfs.diff_ids[0]: invalid digest"},
        {"{\"rootfs\":{\"diff_ids\":[null]}}", "rootfs.diff_ids[0]: missing"},
        {"{\"rootfs\":{\"diff_ids\":{}}}", "rootfs.diff_ids: expected an array"},
        {"{\"history\":{}}", "history: expected an array"},
        {"{\"history\":[7]}", "history[0]: expected an object"},
        {"{\"history\":[{\"empty_layer\":\"x\"}]}",
         "history[0].empty_layer: expected true"},
        {"{\"history\":[{\"created\":\"now\"}]}", "history[0].created: invalid time"},
        {"{\"created\":7}", "created: expected a string"},
        {"{\"created\":\"yesterday\"}", "created: invalid time"},
        {"{\"os\":{}}", "os: expected a string"},
        {"{\"os\":\"a\",\"os\":\"b\"}", "duplicate"},
        {"{\"architecture\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
         "architecture: longer than 31"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_image_config) config = NULL;
        cb_auto(cb_error) err = NULL;
        int result =
            cb_image_config_parse(&config, rows[i].text, strlen(rows[i].text), &err);

        if (result == 0 && !rows[i].message) {
            free(cb_image_config_emit(config, NULL));
            continue;
        }
        if (result == 0 || !rows[i].message ||
            !strstr(cb_error_message(err), rows[i].message))
            fail_msg("%s: %s", rows[i].text, cb_error_message(err));
    }
}

static unsigned next_random(unsigned *seed)
{
    return (*seed = *seed * 1103515245 + 12345) >> 16 & 0x7fff;
}

/* Replaces one value somewhere in the document by one of another type. */
static int replace_some_value(json_t *json, unsigned *seed)
{
    static const char *const odd[] = {"null",
                                      "7",
                                      "-1",
                                      "1.5",
                                      "true",
                                      "\"x\"",
                                      "[]",
                                      "{}",
                                      "[null]",
                                      "{\"a\":null}",
                                      "9223372036854775807"};
    json_t *value =
        json_loads(odd[next_random(seed) % CB_ARRAY_SIZE(odd)], JSON_DECODE_ANY, NULL);
    size_t count = json_is_array(json) ? json_array_size(json) : json_object_size(json),
           at;
    const char *key;
    json_t *member;

    at = count ? next_random(seed) % count : 0;
    if (json_is_array(json) && count) {
        if (next_random(seed) % 2 && replace_some_value(json_array_get(json, at), seed)) {
            json_decref(value);
            return 1;
        }
        return json_array_set_new(json, at, value) == 0;
    }
    json_object_foreach(json, key, member)
    {
        if (at-- != 0)
            continue;
        if (next_random(seed) % 2 && replace_some_value(member, seed)) {
            json_decref(value);
            return 1;
        }
        return json_object_set_new(json, key, value) == 0;
    }
    json_decref(value);
    return 0;
}

static void mutated_documents_do_no_harm(void **state)
{
    unsigned seed = 7;

    for (int i = 0; i < 3000; i++) {
        cb_auto_json *json = json_loads(full, 0, NULL);
        cb_autofree char *text = NULL;
        cb_auto(cb_image_config) config = NULL;
        cb_auto(cb_error) err = NULL;

        for (unsigned n = 1 + next_random(&seed) % 3; n > 0; n--)
            replace_some_value(json, &seed);
        text = cb_json_dump(json);
        if (cb_image_config_parse(&config, text, strlen(text), &err) < 0)
            assert_non_null(err);
        else
            free(cb_image_config_emit(config, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_survive),
        cmocka_unit_test(order_of_making_does_not_show),
        cmocka_unit_test(null_differs_from_empty),
        cmocka_unit_test(invalid_utf8_is_written_as_go_does),
        cmocka_unit_test(odd_documents_are_read_or_refused),
        cmocka_unit_test(mutated_documents_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
