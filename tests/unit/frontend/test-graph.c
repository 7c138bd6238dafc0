/* tests/fixtures/graph/<case>: a Dockerfile with options (args) becomes this graph
 * (expect.graph) and this configuration (expect.config), or fails like this (expect.err),
 * with these warnings (expect.warnings). CB_UPDATE=1 writes what comes out,
 * to be reviewed as a difference. */
#include "fake-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FIXTURES "tests/fixtures/graph"

static void read_case(const char *name, struct cb_strbuf *out)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", fake_case_dir, name);
    cb_fs_read_file(AT_FDCWD, path, 1 << 20, out, NULL);
}

/* ── Options, one a line ── */

static void apply_option(struct fake_request *request, char *line)
{
    char *value = strchr(line, ' ');

    if (value)
        *value++ = '\0';
    if (!strcmp(line, "--build-arg"))
        cb_strings_add(&request->build_args, value);
    else if (!strcmp(line, "--label"))
        cb_strings_add(&request->labels, value);
    else if (!strcmp(line, "--no-cache-filter"))
        cb_strings_add(&request->no_cache_filter, value);
    else if (!strcmp(line, "--target"))
        request->options.target = value;
    else if (!strcmp(line, "--no-cache"))
        request->options.no_cache = 1;
    else if (!strcmp(line, "--allow-network-host"))
        request->options.allow_host_network = 1;
    else if (!strcmp(line, "--allow-security-insecure"))
        request->options.allow_insecure = 1;
    else if (!strcmp(line, "--network-none"))
        request->options.network = CB_OP_NETWORK_NONE;
    else
        fail_msg("unknown option %s", line);
}

static void apply_args(struct fake_request *request, struct cb_strbuf *args)
{
    char *save = NULL;

    for (char *line = args->text ? strtok_r(args->text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        apply_option(request, line);
}

/* ── Expectations ── */

static int compare(const char *name, const char *actual)
{
    cb_auto_value(cb_strbuf) expected = {0};
    char path[PATH_MAX + 64];
    const char *update = getenv("CB_UPDATE");

    snprintf(path, sizeof(path), "%s/%s", fake_case_dir, name);
    if (update && *update) {
        FILE *file = *actual ? fopen(path, "w") : NULL;

        if (file) {
            fputs(actual, file);
            fclose(file);
        } else {
            unlink(path);
        }
        return 0;
    }
    read_case(name, &expected);
    if (!strcmp(cb_strbuf_text(&expected), actual))
        return 0;
    print_error("%s: expected\n%s\nbut got\n%s\n", path, cb_strbuf_text(&expected),
                actual);
    return 1;
}

static char *pretty_config(const struct cb_image_config *config)
{
    size_t len;
    cb_autofree char *text = cb_image_config_emit(config, &len);
    cb_auto_json *json = json_loadb(text, len, 0, NULL);
    cb_autofree char *pretty = json_dumps(json, JSON_INDENT(2));

    return xasprintf("%s\n", pretty ? pretty : text);
}

static int check_plan(const struct cb_plan *plan)
{
    cb_auto_value(cb_strbuf) graph = {0};
    cb_autofree char *config = pretty_config(plan->config);
    int bad;

    cb_graph_dump(plan->graph, &graph);
    cb_strbuf_addf(&graph, "result %s\nbase layers %zu\n",
                   plan->result.vertex ? cb_vertex_name(plan->result.vertex) : "none",
                   plan->base_layers);
    bad = compare("expect.graph", cb_strbuf_text(&graph));
    bad += compare("expect.config", config);
    return bad + compare("expect.err", "");
}

static int check_error(const struct cb_error *error)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_error_format(error, NULL, &text);
    return compare("expect.err", cb_strbuf_text(&text));
}

static int run_case(void)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) args = {0};
    cb_auto(cb_plan) plan = NULL;
    cb_auto(cb_error) error = NULL;
    struct fake_request request;
    int bad;

    read_case("Dockerfile", &text);
    read_case("args", &args);
    fake_request_init(&request);
    apply_args(&request, &args);
    if (fake_plan(&request, cb_strbuf_text(&text), text.len, &plan, &error) == 0)
        bad = check_plan(plan);
    else
        bad = check_error(error);
    bad += compare("expect.warnings", cb_strbuf_text(&fake_warnings));
    cb_plan_free(cb_steal(&plan));
    fake_request_clear(&request);
    return bad;
}

static void test_fixtures(void **state)
{
    char root[PATH_MAX / 2] = __FILE__;
    const char *srcdir = getenv("CB_SRCDIR");
    char *tests = strstr(root, "/tests/unit/");
    cb_auto_value(cb_strings) names = {0};
    char path[PATH_MAX - 300];
    cb_autofd int dir = -1;
    int bad = 0;

    if (tests)
        *tests = '\0';
    snprintf(path, sizeof(path), "%s/" FIXTURES, srcdir ? srcdir : tests ? root : ".");
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    assert_int_equal(cb_fs_list(dir, &names, NULL), 0);
    assert_true(names.count > 0);
    for (size_t i = 0; i < names.count; i++) {
        snprintf(fake_case_dir, sizeof(fake_case_dir), "%s/%.250s", path, names.items[i]);
        bad += run_case();
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fixtures)};

    return cmocka_run_group_tests_name("frontend graph", tests, NULL, NULL);
}
