/* Entries of binfmt_misc as the kernel shows them, in a directory of the test's own. */
#include "executor/emulation.h"

#include "base/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ARM64_MAGIC "7f454c460201010000000000000000000200b700"
#define ELF_MASK    "ffffffffffffff00fffffffffffffffffeffffff"
#define S390X_MAGIC "7f454c4602020100000000000000000000020016"
#define S390X_MASK  "ffffffffffffff00fffffffffffffffffffeffff"

static void put(const char *dir, const char *name, const char *text)
{
    cb_autofree char *path = xasprintf("%s/%s", dir, name);
    cb_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, strlen(text)), 0);
}

static enum cb_emulation ask(const char *dir, const char *wanted)
{
    struct cb_platform host = {.os = "linux", .arch = "amd64"}, platform;

    assert_int_equal(cb_platform_parse(&platform, wanted, NULL), 0);
    return cb_emulation_of(&platform, &host, dir);
}

static void an_interpreter_is_found_by_what_it_matches(void **state)
{
    char dir[] = "/tmp/cbuild-binfmt-XXXXXX";

    assert_non_null(mkdtemp(dir));
    put(dir, "status", "enabled\n");
    put(dir, "register", "");
    put(dir, "python3.11",
        "enabled\ninterpreter /usr/bin/python3\nflags: \noffset 0\nmagic a70d0d0a\n");
    assert_int_equal(ask(dir, "linux/amd64"), CB_EMULATION_NATIVE);
    assert_int_equal(ask(dir, "linux/386"), CB_EMULATION_NATIVE);
    assert_int_equal(ask(dir, "linux/amd64/v3"), CB_EMULATION_NATIVE);
    assert_int_equal(ask(dir, "linux/arm64"), CB_EMULATION_ABSENT);
    assert_int_equal(ask(dir, "windows/amd64"), CB_EMULATION_ABSENT);
    put(dir, "whatever",
        "enabled\ninterpreter /usr/bin/qemu\nflags: OC\noffset 0\nmagic " ARM64_MAGIC
        "\nmask " ELF_MASK "\n");
    assert_int_equal(ask(dir, "linux/arm64"), CB_EMULATION_OUTSIDE);
    assert_int_equal(ask(dir, "linux/arm/v7"), CB_EMULATION_ABSENT);
    put(dir, "better",
        "enabled\ninterpreter /usr/bin/qemu\nflags: OCF\noffset 0\nmagic " ARM64_MAGIC
        "\nmask " ELF_MASK "\n");
    assert_int_equal(ask(dir, "linux/arm64"), CB_EMULATION_PRESENT);
    assert_int_equal(ask(dir, "linux/arm64/v8"), CB_EMULATION_PRESENT);
    put(dir, "qemu-s390x",
        "enabled\ninterpreter /usr/bin/qemu\nflags: F\noffset 0\nmagic " S390X_MAGIC
        "\nmask " S390X_MASK "\n");
    assert_int_equal(ask(dir, "linux/s390x"), CB_EMULATION_PRESENT);
    put(dir, "qemu-s390x",
        "disabled\ninterpreter /usr/bin/qemu\nflags: F\noffset 0\nmagic " S390X_MAGIC
        "\nmask " S390X_MASK "\n");
    assert_int_equal(ask(dir, "linux/s390x"), CB_EMULATION_ABSENT);
    assert_int_equal(cb_fs_remove_tree(AT_FDCWD, dir, NULL), 0);
    assert_int_equal(ask(dir, "linux/arm64"), CB_EMULATION_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interpreter_is_found_by_what_it_matches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
