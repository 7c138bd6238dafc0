/* --build-context: what takes the place of stages and images. */
#include "fake-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct cb_named_context given[] = {
    {.name = (char *)"lib", .value = (char *)"/lib", .kind = CB_NAMED_FILES},
    {.name = (char *)"base",
     .value = (char *)"docker-image://debian",
     .kind = CB_NAMED_IMAGE,
     .image = (char *)"debian"},
    {.name = (char *)"base",
     .platform = (char *)"linux/arm64",
     .value = (char *)"docker-image://ubuntu",
     .kind = CB_NAMED_IMAGE,
     .image = (char *)"ubuntu"},
    {.name = (char *)"none",
     .value = (char *)"docker-image://scratch",
     .kind = CB_NAMED_IMAGE,
     .image = (char *)"scratch"},
    {.name = (char *)"lay",
     .value = (char *)"oci-layout:///l:1",
     .kind = CB_NAMED_LAYOUT,
     .layout = (char *)"/l",
     .tag = (char *)"1"},
};
static const struct cb_named_contexts contexts = {
    .items = given, .count = CB_ARRAY_SIZE(given), .capacity = CB_ARRAY_SIZE(given)};

static void contexts_take_the_place_of_names(void **state)
{
    static const struct {
        const char *dockerfile;
        const char *has, *lacks; /* in the graph */
    } rows[] = {
        {"FROM base\n", "image docker.io/library/debian:latest", "library/base"},
        {"FROM docker.io/library/base:latest\n", "library/debian:latest", "library/base"},
        {"FROM --platform=linux/arm64 base\n", "library/ubuntu:latest", "debian"},
        {"FROM base:2\n", "library/base:2", "debian"},
        {"FROM x AS base\nRUN a\n", "library/debian:latest", "exec"},
        {"FROM x AS Base\nRUN a\nFROM base\nRUN b\n", "library/debian:latest",
         "library/x"},
        {"FROM none\nCOPY a /\n", "scratch", "image"},
        {"FROM lay\n", "image docker.io/from/layout:1", "library/lay"},
        {"FROM lib\n", "context lib", "image"},
        {"FROM x\nCOPY --from=lib a /\n", "context lib", "library/lib"},
        {"FROM x\nCOPY --from=lay a /\n", "docker.io/from/layout:1", "library/lay"},
        {"FROM x\nCOPY --from=base a /\n", "library/debian:latest", "library/base"},
        {"FROM x\nCOPY --from=none a /\n", "scratch", "library/none"},
        {"FROM x\nRUN --mount=from=lib,target=/m a\n", "context lib", "library/lib"},
        /* files of a replaced stage are taken as they are */
        {"FROM x AS lib\nRUN a\nFROM y\nCOPY --from=lib a /\n", "context lib",
         "from-stage"},
        {"FROM x AS lib\nRUN a\nFROM y\nCOPY --from=0 a /\n", "context lib", "library/x"},
        /* a stage goes before a context only under another name */
        {"FROM x AS other\nFROM y\nCOPY --from=other a /\n", "library/x", "context"},
        {"FROM scratch\nCOPY a /\n", "context context", "context lib"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct fake_request request;
        cb_auto(cb_plan) plan = NULL;
        cb_auto(cb_error) error = NULL;
        cb_auto_value(cb_strbuf) dump = {0};

        fake_request_init(&request);
        request.options.contexts = &contexts;
        if (fake_plan(&request, rows[i].dockerfile, strlen(rows[i].dockerfile), &plan,
                      &error) < 0)
            fail_msg("%s: %s", rows[i].dockerfile, cb_error_message(error));
        cb_vec_foreach (op, &fake_ops)
            cb_strbuf_addf(&dump, "%s\n", (*op)->text);
        if (!strstr(cb_strbuf_text(&dump), rows[i].has) ||
            strstr(cb_strbuf_text(&dump), rows[i].lacks))
            fail_msg("%s:\n%s", rows[i].dockerfile, cb_strbuf_text(&dump));
        cb_plan_free(cb_steal(&plan));
        fake_request_clear(&request);
    }
}

static void a_context_that_nothing_uses_is_warned_of(void **state)
{
    static const char text[] =
        "FROM base\nCOPY --from=lib a /\nCOPY --from=lay a /\nFROM none\n";
    struct fake_request request;
    cb_auto(cb_plan) plan = NULL;

    fake_request_init(&request);
    request.options.contexts = &contexts;
    assert_int_equal(fake_plan(&request, text, strlen(text), &plan, NULL), 0);
    assert_string_equal(
        cb_strbuf_text(&fake_warnings),
        "0 -: --build-context `base` is the name of no stage or image in use\n");
    cb_plan_free(cb_steal(&plan));
    fake_request_clear(&request);
}

static void files_as_a_base_are_a_layer_with_a_history(void **state)
{
    static const char text[] = "FROM lib\nCMD a\n";
    struct fake_request request;
    cb_auto(cb_plan) plan = NULL;

    fake_request_init(&request);
    request.options.contexts = &contexts;
    assert_int_equal(fake_plan(&request, text, strlen(text), &plan, NULL), 0);
    assert_int_equal(plan->base_layers, 0);
    assert_int_equal(plan->config->history.count, 2);
    assert_string_equal(plan->config->history.items[0].created_by,
                        "COPY [context lib] / # buildkit");
    assert_int_equal(plan->config->history.items[0].empty_layer, 0);
    cb_plan_free(cb_steal(&plan));
    fake_request_clear(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contexts_take_the_place_of_names),
        cmocka_unit_test(a_context_that_nothing_uses_is_warned_of),
        cmocka_unit_test(files_as_a_base_are_a_layer_with_a_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
