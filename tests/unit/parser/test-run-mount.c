#include "parser/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct state {
    struct cb_arena *arena;
    struct cb_run_mount mount;
};

static int set_up(void **state)
{
    struct state *s = xcalloc(1, sizeof(*s));

    s->arena = cb_arena_new();
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct state *s = *state;

    cb_arena_free(s->arena);
    free(s);
    return 0;
}

static const struct cb_run_mount *parse(struct state *s, const char *value)
{
    cb_auto(cb_error) error = NULL;

    memset(&s->mount, 0xee, sizeof(s->mount));
    if (cb_run_mount_expand(&s->mount, s->arena, value, '\\', NULL, &error) < 0)
        print_message("%s: %s\n", value, cb_error_message(error));
    assert_null(error);
    return &s->mount;
}

static void assert_refused(struct state *s, const char *value, const char *message)
{
    cb_auto(cb_error) error = NULL;

    assert_int_equal(cb_run_mount_expand(&s->mount, s->arena, value, '\\', NULL, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_SYNTAX);
    assert_string_equal(cb_error_message(error), message);
}

static void bind_is_the_default_and_read_only(void **state)
{
    const struct cb_run_mount *mount = parse(*state, "target=/x,from=b,source=s");

    assert_int_equal(mount->type, CB_RUN_MOUNT_BIND);
    assert_string_equal(mount->target, "/x");
    assert_string_equal(mount->from, "b");
    assert_string_equal(mount->source, "s");
    assert_true(mount->read_only);
    assert_null(mount->id);
    assert_false(parse(*state, "dst=/x,rw")->read_only);
    assert_false(parse(*state, "dst=/x,readonly=false")->read_only);
    assert_true(parse(*state, "dst=/x,readwrite=0")->read_only);
}

static void cache_is_writable_and_shared(void **state)
{
    const struct cb_run_mount *mount = parse(*state, "type=cache,target=/c");

    assert_int_equal(mount->type, CB_RUN_MOUNT_CACHE);
    assert_int_equal(mount->sharing, CB_SHARING_SHARED);
    assert_false(mount->read_only);
    assert_false(mount->has_mode || mount->has_uid || mount->has_gid);
    mount = parse(*state, "Type=CACHE,destination=/c,sharing=LOCKED,ID=k,mode=0700,uid=1,"
                          "gid=4294967295,ro");
    assert_int_equal(mount->sharing, CB_SHARING_LOCKED);
    assert_string_equal(mount->id, "k");
    assert_true(mount->has_mode && mount->has_uid && mount->has_gid);
    assert_int_equal(mount->mode, 0700);
    assert_int_equal(mount->uid, 1);
    assert_int_equal(mount->gid, 4294967295u);
    assert_true(mount->read_only);
}

static void tmpfs_sizes_are_powers_of_1024(void **state)
{
    assert_int_equal(parse(*state, "type=tmpfs,target=/t")->size_bytes, 0);
    assert_int_equal(parse(*state, "type=tmpfs,size=100")->size_bytes, 100);
    assert_int_equal(parse(*state, "type=tmpfs,size=64k")->size_bytes, 65536);
    assert_int_equal(parse(*state, "type=tmpfs,size=1.5MiB")->size_bytes, 3 << 19);
    assert_int_equal(parse(*state, "type=tmpfs,size=2 GB")->size_bytes, 2ull << 30);
    assert_int_equal(parse(*state, "type=tmpfs,size=7b")->size_bytes, 7);
    assert_refused(*state, "type=tmpfs,size=-1", "invalid value for size: -1");
    assert_refused(*state, "type=tmpfs,size=1x", "invalid value for size: 1x");
    assert_refused(*state, "type=tmpfs,size=1kk", "invalid value for size: 1kk");
    assert_refused(*state, "type=tmpfs,size=99999p", "invalid value for size: 99999p");
    assert_refused(*state, "type=tmpfs,size=", "invalid value for size: ");
}

static void secrets_name_what_they_want(void **state)
{
    const struct cb_run_mount *mount =
        parse(*state, "type=secret,id=k,env=KEY,required,mode=400,uid=0");

    assert_int_equal(mount->type, CB_RUN_MOUNT_SECRET);
    assert_string_equal(mount->env, "KEY");
    assert_true(mount->required);
    assert_null(mount->target);
    assert_false(parse(*state, "type=secret,id=k,required=False")->required);
    assert_refused(*state, "type=secret",
                   "invalid secret mount. one of source, target required");
    assert_refused(*state, "type=secret,id=a,source=b",
                   "both source and id can't be set");
    assert_refused(*state, "type=secret,id=a,from=b",
                   "secret mount should not have a from");
    assert_refused(*state, "type=secret,id=a,sharing=shared",
                   "secret mount should not define sharing");
}

static void options_depend_on_the_type_before_them(void **state)
{
    assert_refused(*state, "required,type=secret,id=x",
                   "unexpected key 'required' for mount type 'bind'");
    assert_refused(*state, "type=cache,size=1",
                   "unexpected key 'size' for mount type 'cache'");
    assert_refused(*state, "target=/x,mode=755",
                   "mode not allowed for \"bind\" type mounts");
    assert_refused(*state, "type=tmpfs,uid=1",
                   "uid not allowed for \"tmpfs\" type mounts");
    assert_refused(*state, "target=/x,sharing=private",
                   "invalid cache sharing set for bind mount");
    assert_true(parse(*state, "type=ssh,required")->required);
}

static void unknown_things_are_refused_with_a_suggestion(void **state)
{
    assert_refused(*state, "type=cahce,target=/x",
                   "unsupported mount type \"cahce\" (did you mean cache?)");
    assert_refused(*state, "type=volume", "unsupported mount type \"volume\"");
    assert_refused(*state, "type=cache,sharing=lock",
                   "unsupported sharing value \"lock\" (did you mean locked?)");
    assert_refused(*state, "targt=/x",
                   "unexpected key 'targt' in 'targt=/x' (did you mean target?)");
    assert_refused(*state, "/x", "invalid field '/x' must be a key=value pair");
    assert_refused(*state, "target=/x,ro=maybe", "invalid value for ro: maybe");
    assert_refused(*state, "type=cache,mode=9", "invalid value 9 for mode");
    assert_refused(*state, "type=cache,uid=-1", "invalid value -1 for uid");
    assert_refused(*state, "type=cache,gid=4294967296",
                   "invalid value 4294967296 for gid");
    assert_refused(*state, "", "failed to parse csv mounts: the value is empty");
    assert_refused(*state, "a\"b",
                   "failed to parse csv mounts: parse error on line 1, column 2: bare \" "
                   "in non-quoted field");
}

static void quoted_fields_may_hold_commas(void **state)
{
    const struct cb_run_mount *mount =
        parse(*state, "type=bind,\"source=a,b\",\"target=/x\"\"y\"");

    assert_string_equal(mount->source, "a,b");
    assert_string_equal(mount->target, "/x\"y");
}

static const char *get(void *arg, const char *name)
{
    return strcmp(name, "X") == 0 ? "/a,from=evil" : NULL;
}

static void expansion_cannot_add_options(void **state)
{
    struct state *s = *state;
    struct cb_scope_lookup lookup = {.get = get};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(cb_run_mount_expand(&s->mount, s->arena,
                                         "type=cache,target=$X,id=${Y:-k}", '\\', &lookup,
                                         &error),
                     0);
    assert_string_equal(s->mount.target, "/a,from=evil");
    assert_string_equal(s->mount.id, "k");
    assert_null(s->mount.from);
    assert_int_equal(
        cb_run_mount_expand(&s->mount, s->arena, "target=${", '\\', &lookup, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_is_the_default_and_read_only),
        cmocka_unit_test(cache_is_writable_and_shared),
        cmocka_unit_test(tmpfs_sizes_are_powers_of_1024),
        cmocka_unit_test(secrets_name_what_they_want),
        cmocka_unit_test(options_depend_on_the_type_before_them),
        cmocka_unit_test(unknown_things_are_refused_with_a_suggestion),
        cmocka_unit_test(quoted_fields_may_hold_commas),
        cmocka_unit_test(expansion_cannot_add_options),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
