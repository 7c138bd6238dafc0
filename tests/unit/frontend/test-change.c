/* `import -c INSTRUCTION`: one instruction applied to a configuration. */
#include "fake-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *instruction, *json; /* of the "config" member */
} rows[] = {
    {"CMD [\"a\", \"b\"]", "{\"Cmd\":[\"a\",\"b\"],\"ArgsEscaped\":true}"},
    {"ENTRYPOINT top -b", "{\"Entrypoint\":[\"/bin/sh\",\"-c\",\"top -b\"]}"},
    {"ENV A=1 B=$A", "{\"Env\":[\"A=1\",\"B=\"]}"},
    {"EXPOSE 80 53/udp", "{\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}}}"},
    {"LABEL a=b", "{\"Labels\":{\"a\":\"b\"}}"},
    {"USER me:us", "{\"User\":\"me:us\"}"},
    {"VOLUME /data", "{\"Volumes\":{\"/data\":{}}}"},
    {"WORKDIR a/b", "{\"WorkingDir\":\"/a/b\"}"},
    {"STOPSIGNAL SIGTERM", "{\"StopSignal\":\"SIGTERM\"}"},
    {"ONBUILD RUN make", "{\"OnBuild\":[\"RUN make\"]}"},
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_image_config) config = cb_image_config_new();
        cb_auto(cb_error) error = NULL;
        cb_autofree char *text = NULL, *member = NULL;
        cb_auto_json *json = NULL;
        cb_auto_json *expected = json_loads(rows[i].json, 0, NULL);
        size_t len;

        cb_platform_parse(&config->platform, "linux/amd64", NULL);
        if (cb_frontend_change(config, rows[i].instruction, &error) < 0)
            fail_msg("%s: %s", rows[i].instruction, cb_error_message(error));
        text = cb_image_config_emit(config, &len);
        json = json_loadb(text, len, 0, NULL);
        member = json_dumps(json_object_get(json, "config"), JSON_COMPACT);
        if (!json_equal(json_object_get(json, "config"), expected))
            fail_msg("%s: %s", rows[i].instruction, member);
        assert_int_equal(config->history.count, 0);
    }
}

static void test_refuses_what_makes_files(void **state)
{
    static const char *const refused[] = {"RUN make", "COPY a b", "FROM x", "ARG A=1"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(refused); i++) {
        cb_auto(cb_image_config) config = cb_image_config_new();
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_frontend_change(config, refused[i], &error), -1);
        assert_non_null(strstr(cb_error_message(error), "is not a valid change command"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refuses_what_makes_files),
    };

    return cmocka_run_group_tests_name("frontend change", tests, NULL, NULL);
}
