/* -v and --mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "container/mount-spec.h"

#include <string.h>

typedef int parse_function(struct cb_mount_spec *out, const char *text,
                           struct cb_error **err);

/* "KIND SOURCE TARGET FLAGS" */
static char *shown(parse_function *parse, const char *text)
{
    cb_auto_value(cb_mount_spec) spec = {0};
    cb_auto(cb_error) error = NULL;

    if (parse(&spec, text, &error) < 0)
        return xstrdup(cb_error_message(error));
    return xasprintf("%s %s %s%s%s%s%s%s%s%s%s", cb_mount_kind_name(spec.kind),
                     spec.source ? spec.source : "-", spec.target,
                     spec.read_only ? " ro" : "", spec.no_copy ? " nocopy" : "",
                     spec.makes_owner ? " own" : "", spec.propagation ? " " : "",
                     spec.propagation ? spec.propagation : "",
                     spec.subpath ? " sub=" : "", spec.subpath ? spec.subpath : "",
                     spec.tmpfs_options ? spec.tmpfs_options : "");
}

static void check(parse_function *parse, const char *text, const char *expected)
{
    cb_autofree char *got = shown(parse, text);

    assert_string_equal(got, expected);
}

static void volumes_are_read_as_docker_does(void **state)
{
    static const struct {
        const char *text, *shown;
    } table[] = {
        {"/data", "volume - /data"},
        {"/data/", "volume - /data"},
        {"name:/data", "volume name /data"},
        {"name:/data:ro,nocopy", "volume name /data ro nocopy"},
        {"/host:/data", "bind /host /data"},
        {"/host/../x:/a/./b", "bind /x /a/b"},
        {"/host:/data:z,rshared", "bind /host /data rshared"},
        {"/host:/data:cached,rw", "bind /host /data"},
        {"/host:/data:U", "bind /host /data own"},
        {"name:/data:ro,Z,U", "volume name /data ro own"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        check(cb_mount_spec_parse_volume, table[i].text, table[i].shown);
}

static void wrong_volumes_are_refused_in_dockers_words(void **state)
{
    static const struct {
        const char *text, *shown;
    } table[] = {
        {"", "invalid empty volume spec"},
        {":", "invalid spec: :: empty section between colons"},
        {"a::b", "invalid spec: a::b: empty section between colons"},
        {"a:/b:ro:x", "invalid spec: a:/b:ro:x: too many colons"},
        {"/a:ro", "invalid volume specification: '/a:ro'"},
        {"/a:/b:what", "invalid mode: what"},
        {"/a:/b:ro,rw", "invalid mode: ro,rw"},
        {"/a:/b:ro,ro", "invalid mode: ro,ro"},
        {"/a:/b:ro,", "invalid mode: ro,"},
        {"/a:/b:z,Z", "invalid mode: z,Z"},
        {"/a:/b:U,U", "invalid mode: U,U"},
        {"/a:/b:u", "invalid mode: u"},
        {"/a:/b:cached,delegated", "invalid mode: cached,delegated"},
        {"vol:/b:nocopy,nocopy", "invalid mode: nocopy,nocopy"},
        {"/a:/b:nocopy", "invalid mode: nocopy"},
        {"name:/b:shared", "invalid mode: shared"},
        {"/a:/b:shared,slave", "invalid mode: shared,slave"},
        {"name:b",
         "invalid volume specification: 'name:b': invalid mount config for type "
         "\"volume\": invalid mount path: 'b' mount path must be absolute"},
        {"/a:/",
         "invalid volume specification: '/a:/': invalid mount config for type \"bind\": "
         "invalid specification: destination can't be '/'"},
        {"/a:/x/../..",
         "invalid volume specification: '/a:/x/../..': invalid mount config for type "
         "\"bind\": invalid specification: destination can't be '/'"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        check(cb_mount_spec_parse_volume, table[i].text, table[i].shown);
}

static void mounts_are_read_as_docker_does(void **state)
{
    static const struct {
        const char *text, *shown;
    } table[] = {
        {"dst=/x", "volume - /x"},
        {"type=volume,src=vol,destination=/x,readonly,volume-nocopy",
         "volume vol /x ro nocopy"},
        {"type=volume,source=vol,target=/x,readonly=false", "volume vol /x"},
        {"type=VOLUME,source=vol,target=/x,volume-subpath=a/b", "volume vol /x sub=a/b"},
        {"type=bind,source=/,target=/x,bind-propagation=rslave", "bind / /x rslave"},
        {"type=tmpfs,target=/x,tmpfs-size=64m,tmpfs-mode=1777",
         "tmpfs - /xsize=64m,mode=1777"},
        {"type=tmpfs,target=/x,tmpfs-size=0", "tmpfs - /x"},
        {"TYPE=bind,Source=/,TARGET=/x,ReadOnly", "bind / /x ro"},
        {"type=bind,\"source=/\",\"target=/a,b\"", "bind / /a,b"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        check(cb_mount_spec_parse_mount, table[i].text, table[i].shown);
}

#define FLAG(text, words)                                                  \
    {                                                                      \
        text, "invalid argument \"" text "\" for \"--mount\" flag: " words \
    }

static void wrong_mounts_are_refused_in_dockers_words(void **state)
{
    static const struct {
        const char *text, *shown;
    } table[] = {
        FLAG("type=volume", "target is required"),
        FLAG("type=volume,what", "invalid field 'what' must be a key=value pair"),
        FLAG("what=1,dst=/x", "unexpected key 'what' in 'what=1'"),
        FLAG("dst=/x,readonly=maybe", "invalid value for readonly: maybe"),
        FLAG("type=tmpfs,dst=/x,tmpfs-size=many", "invalid value for tmpfs-size: many"),
        FLAG("type=tmpfs,dst=/x,tmpfs-mode=999", "invalid value for tmpfs-mode: 999"),
        FLAG("type=tmpfs,dst=/x,volume-nocopy",
             "cannot mix 'volume-*' options with mount type 'tmpfs'"),
        {"type=odd,dst=/x", "invalid mount config for type \"odd\": mount type unknown"},
        {"type=bind,dst=/x",
         "invalid mount config for type \"bind\": field Source must not be empty"},
        {"type=bind,src=x,dst=/x", "invalid mount config for type \"bind\": invalid "
                                   "mount path: 'x' mount path must "
                                   "be absolute"},
        {"type=bind,src=/nowhere/at/all,dst=/x",
         "invalid mount config for type \"bind\": bind source path does not exist: "
         "/nowhere/at/all"},
        {"type=bind,src=/,dst=/x,bind-propagation=odd",
         "invalid mount config for type \"bind\": invalid propagation mode: odd"},
        {"dst=/x,readonly", "invalid mount config for type \"volume\": must not set "
                            "ReadOnly mode when using "
                            "anonymous volumes"},
        {"dst=/x,volume-subpath=a",
         "invalid mount config for type \"volume\": must not set Subpath when using "
         "anonymous volumes"},
        {"src=vol,dst=/x,volume-subpath=../a",
         "invalid mount config for type \"volume\": subpath must be a relative path "
         "within the volume"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        check(cb_mount_spec_parse_mount, table[i].text, table[i].shown);
}

static void masses_of_fields_are_read(void **state)
{
    struct cb_strbuf text = {0};
    cb_auto_value(cb_mount_spec) spec = {0};

    cb_strbuf_adds(&text, "dst=/x,src=vol");
    for (int i = 0; i < 20000; i++)
        cb_strbuf_adds(&text, ",volume-label=a=b,volume-opt=");
    assert_int_equal(cb_mount_spec_parse_mount(&spec, cb_strbuf_text(&text), NULL), 0);
    assert_int_equal(spec.labels.count, 1);
    cb_strbuf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_are_read_as_docker_does),
        cmocka_unit_test(wrong_volumes_are_refused_in_dockers_words),
        cmocka_unit_test(mounts_are_read_as_docker_does),
        cmocka_unit_test(wrong_mounts_are_refused_in_dockers_words),
        cmocka_unit_test(masses_of_fields_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
