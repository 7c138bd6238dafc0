/* Who gets to see the password. Each test has a registry with another way to ask. */
#include "registry-fixture.h"

#define BASIC "Basic dGVzdGVyOm9wZW5zZXNhbWU=" /* tester:opensesame */

static struct fixture *start(const char *auth, int logged_in)
{
    void *state = NULL;
    struct fixture *fixture;

    if (geteuid() != 0)
        return NULL;
    assert_int_equal(fixture_start(&state, auth), 0);
    fixture = state;
    if (logged_in) {
        cb_autofree char *path = xasprintf("%s/config.json", fixture->dir);
        FILE *file = fopen(path, "w");

        fprintf(file, "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"%s\"}}}",
                fixture->server.port, &BASIC[6]);
        fclose(file);
    }
    fixture_fresh_store(fixture, "store");
    return fixture;
}

static void stop(struct fixture *fixture)
{
    void *state = fixture;

    fixture_stop(&state);
}

static int pull(struct fixture *fixture, const char *rest, struct cb_error **err)
{
    struct cb_digest id;
    int changed;

    return fixture_pull(fixture, rest, &changed, &id, err);
}

static void basic_and_bearer_logins_work(void **state)
{
    static const char *const schemes[] = {"basic", "bearer"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(schemes); i++) {
        struct fixture *fixture = start(schemes[i], 1);

        if (!fixture)
            skip();
        assert_int_equal(pull(fixture, "good/image:latest", NULL), 0);
        stop(fixture);
    }
}

static void one_token_serves_a_whole_pull(void **state)
{
    struct fixture *fixture = start("bearer", 1);

    if (!fixture)
        skip();
    assert_int_equal(pull(fixture, "good/image:latest", NULL), 0);
    assert_int_equal(fixture_requests(fixture, "/token", "GET"), 1);
    stop(fixture);
}

static void without_a_login_access_is_denied(void **state)
{
    static const char *const schemes[] = {"basic", "bearer"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(schemes); i++) {
        struct fixture *fixture = start(schemes[i], 0);
        cb_auto(cb_error) error = NULL;

        if (!fixture)
            skip();
        assert_int_equal(pull(fixture, "good/image:latest", &error), -1);
        assert_non_null(strstr(cb_error_message(error), "unauthorized"));
        stop(fixture);
    }
}

static void tokens_stay_at_home_when_a_blob_is_elsewhere(void **state)
{
    struct fixture *fixture = start("bearer", 1);

    if (!fixture)
        skip();
    assert_int_equal(pull(fixture, "redirect/image:latest", NULL), 0);
    assert_true(fixture_requests(fixture, "\"other\"", "/blob/") > 0);
    assert_int_equal(fixture_requests(fixture, "\"other\"", "Bearer"), 0);
    assert_int_equal(fixture_requests(fixture, "\"other\"", "Basic"), 0);
    stop(fixture);
}

static void uploads_elsewhere_get_no_credentials(void **state)
{
    struct fixture *fixture = start("basic", 1);
    cb_autofree char *name = NULL;
    struct cb_digest id;
    struct cb_descriptor pushed = {0};
    int changed;

    if (!fixture)
        skip();
    name = fixture_name(fixture, "pushredir/copy:1");
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    assert_int_equal(cb_registry_push(fixture->registry, &id, name, NULL, &pushed, NULL),
                     0);
    cb_descriptor_free(&pushed);
    assert_true(fixture_requests(fixture, "\"other\"", "/upload/") > 0);
    assert_int_equal(fixture_requests(fixture, "\"other\"", "Basic"), 0);
    stop(fixture);
}

static void foreign_token_servers_do_not_see_the_password(void **state)
{
    static const char *const realms[] = {"realm-other", "realm-port", "realm-meta"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(realms); i++) {
        struct fixture *fixture = start(realms[i], 1);

        if (!fixture)
            skip();
        pull(fixture, "good/image:latest", NULL);
        assert_true(fixture_requests(fixture, "\"other\"", "GET") > 0);
        assert_int_equal(fixture_requests(fixture, "\"other\"", "Basic"), 0);
        assert_non_null(
            strstr(cb_strbuf_text(&fixture->events), "going on without them"));
        stop(fixture);
    }
}

static void realms_that_are_no_web_address_are_errors(void **state)
{
    static const char *const realms[] = {"realm-file", "realm-gopher", "realm-crlf",
                                         "realm-huge"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(realms); i++) {
        struct fixture *fixture = start(realms[i], 1);

        if (!fixture)
            skip();
        assert_int_equal(pull(fixture, "good/image:latest", NULL), -1);
        assert_int_equal(fixture_requests(fixture, "\"other\"", ""), 0);
        stop(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_and_bearer_logins_work),
        cmocka_unit_test(one_token_serves_a_whole_pull),
        cmocka_unit_test(without_a_login_access_is_denied),
        cmocka_unit_test(tokens_stay_at_home_when_a_blob_is_elsewhere),
        cmocka_unit_test(uploads_elsewhere_get_no_credentials),
        cmocka_unit_test(foreign_token_servers_do_not_see_the_password),
        cmocka_unit_test(realms_that_are_no_web_address_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
