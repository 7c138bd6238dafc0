#include "unit/base/scratch.h"
#include "unit/base/unit.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "exporter/sbom-priv.h"

#include <elf.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_bytes(const struct scratch *root, const char *path, const void *bytes,
                      size_t len, mode_t mode)
{
    cb_autofree char *whole = xasprintf("%s/%s", root->path, path);
    cb_autofree char *parent = xstrndup(whole, (size_t)(strrchr(whole, '/') - whole));
    cb_autofd int fd = -1;
    struct cb_error *err = NULL;

    assert_ok(cb_fs_mkdirs(parent, 0755, &err), err);
    fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, bytes, len), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

static void put(const struct scratch *root, const char *path, const char *text)
{
    put_bytes(root, path, text, strlen(text), 0644);
}

/* All package URLs, a line each. */
static char *purls(const struct scratch *root)
{
    const struct cb_sbom_options options = {.root_fd = root->fd, .epoch_s = 0};
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_json *document = NULL;
    struct cb_error *err = NULL;
    const json_t *package;
    size_t i;

    assert_ok(cb_sbom_make(&options, &document, &err), err);
    json_array_foreach(json_object_get(document, "packages"), i, package)
    {
        const json_t *reference =
            json_array_get(json_object_get(package, "externalRefs"), 0);

        if (reference)
            cb_strbuf_addf(
                &out, "%s\n",
                json_string_value(json_object_get(reference, "referenceLocator")));
    }
    return cb_strbuf_steal(&out);
}

#define assert_purls(root, text)                \
    do {                                        \
        cb_autofree char *found_ = purls(root); \
        assert_string_equal(found_, text);      \
    } while (0)

static void dpkg_tells_what_is_installed(void **state)
{
    const struct scratch *root = *state;

    put(root, "etc/os-release", "NAME=x\nID=debian\nVERSION_ID=\"12\"\n");
    put(root, "var/lib/dpkg/status",
        "Package: b\nStatus: install ok installed\nVersion: 1:2+c\nArchitecture: amd64\n"
        "Description: x\n Version: 9\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        "Package: half\nStatus: install ok half-installed\nVersion: 1\n\n"
        "Package: nothing\n\n");
    put(root, "var/lib/dpkg/status.d/a", "Package: a\nVersion: 3\nArchitecture: all\n");
    assert_purls(root, "pkg:deb/debian/a@3?arch=all&distro=debian-12\n"
                       "pkg:deb/debian/b@1:2%2Bc?arch=amd64&distro=debian-12\n");
}

static void apk_tells_what_is_installed(void **state)
{
    const struct scratch *root = *state;

    put(root, "usr/lib/os-release", "ID=alpine\nVERSION_ID=3.19.1\n");
    put(root, "lib/apk/db/installed",
        "C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\nF:lib\nR:libc.so\n\nP:noversion\n");
    assert_purls(root, "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1\n");
}

static void languages_leave_files(void **state)
{
    const struct scratch *root = *state;

    put(root, "usr/lib/python3/site-packages/Foo_Bar-1.dist-info/METADATA",
        "Metadata-Version: 2.1\r\nName: Foo_Bar\r\nVersion: 1.0\r\n\r\nName: body\n");
    put(root, "app/node_modules/@s/n/package.json",
        "{\"name\":\"@s/n\",\"version\":\"2.0.0\"}");
    put(root, "app/node_modules/n/node_modules/m/package.json",
        "{\"name\":\"m\",\"version\":\"1.0.0\",\"license\":{}}");
    put(root, "app/node_modules/m/package.json",
        "{\"name\":\"m\",\"version\":\"1.0.0\"}");
    put(root, "app/node_modules/n/test/package.json",
        "{\"name\":\"no\",\"version\":\"1\"}");
    put(root, "app/package.json", "{\"name\":\"app\",\"version\":\"1\"}");
    put(root, "app/node_modules/broken/package.json", "{\"name\":[\"version\"]");
    assert_purls(root, "pkg:npm/%40s/n@2.0.0\npkg:npm/m@1.0.0\npkg:pypi/foo-bar@1.0\n");
}

/* ── Go ── */

#define GO_TEXT                                              \
    "path\texample.org/cmd\nmod\texample.org/m\t(devel)\t\n" \
    "dep\texample.org/d\tv1.2.3\th1:x\nbuild\tGOOS=linux\n"

/* An ELF file of three sections, the last one Go's. */
static size_t make_go(unsigned char *out)
{
    static const char names[] = "\0.shstrtab\0.go.buildinfo";
    Elf64_Ehdr *header = (Elf64_Ehdr *)out;
    Elf64_Shdr *sections = (Elf64_Shdr *)(out + 64);
    unsigned char *names_at = out + 512, *info = out + 1024;
    size_t len = 32 + strlen(GO_TEXT);

    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_shoff = 64;
    header->e_shentsize = sizeof(Elf64_Shdr);
    header->e_shnum = 3;
    header->e_shstrndx = 1;
    memcpy(names_at, names, sizeof(names));
    sections[1] = (Elf64_Shdr){.sh_name = 1, .sh_offset = 512, .sh_size = sizeof(names)};
    sections[2] = (Elf64_Shdr){.sh_name = 11, .sh_offset = 1024, .sh_size = 2048};
    memcpy(info, "\xff Go buildinf:\x08\x02", 16);
    info[32] = 8;
    memcpy(info + 33, "go1.22.1", 8);
    info[41] = (unsigned char)(len | 0x80);
    info[42] = (unsigned char)(len >> 7);
    memcpy(info + 43 + 16, GO_TEXT, strlen(GO_TEXT));
    return 5000;
}

static void programs_of_go_name_their_modules(void **state)
{
    const struct scratch *root = *state;
    unsigned char bytes[5000] __attribute__((aligned(16))) = {0};

    put_bytes(root, "bin/x", bytes, make_go(bytes), 0755);
    put_bytes(root, "bin/not-a-program", bytes, sizeof(bytes), 0644);
    assert_purls(root, "pkg:golang/example.org/d@v1.2.3\n"
                       "pkg:golang/example.org/m@%28devel%29\n"
                       "pkg:golang/stdlib@1.22.1\n");
}

/* Each byte of what decides over lengths and places, made large: nothing is read outside.
 */
static void programs_that_lie_are_passed_over(void **state)
{
    static const size_t spots[] = {40,
                                   41,
                                   47,
                                   58,
                                   60,
                                   62,
                                   64 + 64 + 24,
                                   64 + 64 + 32,
                                   64 + 128,
                                   64 + 128 + 24,
                                   64 + 128 + 31,
                                   64 + 128 + 32,
                                   64 + 128 + 39,
                                   1024 + 15,
                                   1024 + 32,
                                   1024 + 41,
                                   1024 + 42};
    const struct scratch *root = *state;

    for (size_t i = 0; i < CB_ARRAY_SIZE(spots); i++) {
        unsigned char bytes[5000] __attribute__((aligned(16))) = {0};
        size_t len = make_go(bytes);

        for (int value = 0; value < 256; value += 51) {
            cb_autofree char *found = NULL;

            bytes[spots[i]] = (unsigned char)value;
            put_bytes(root, "bin/x", bytes, len, 0755);
            found = purls(root);
        }
    }
}

/* ── RPM ── */

static void put_number(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static size_t make_header(unsigned char *out)
{
    static const struct {
        uint32_t tag, type;
        const char *text;
    } values[] = {{1000, 6, "bash"},
                  {1001, 6, "5.1"},
                  {1002, 6, "2.el9"},
                  {1003, 4, "\0\0\0\1"},
                  {1022, 6, "x86_64"}};
    size_t count = CB_ARRAY_SIZE(values), offset = 0;
    unsigned char *store = out + 8 + 16 * count;

    for (size_t i = 0; i < count; i++) {
        unsigned char *entry = out + 8 + 16 * i;
        size_t len = values[i].type == 4 ? 4 : strlen(values[i].text) + 1;

        put_number(entry, values[i].tag);
        put_number(entry + 4, values[i].type);
        put_number(entry + 8, (uint32_t)offset);
        put_number(entry + 12, 1);
        memcpy(store + offset, values[i].text, len);
        offset += len;
    }
    put_number(out, (uint32_t)count);
    put_number(out + 4, (uint32_t)offset);
    return 8 + 16 * count + offset;
}

static void make_database(const struct scratch *root, const char *path, const char *sql)
{
    unsigned char header[512] = {0};
    size_t len = make_header(header);
    cb_autofree char *whole = xasprintf("%s/%s", root->path, path);
    sqlite3 *db;
    sqlite3_stmt *insert;

    put(root, path, "");
    assert_int_equal(sqlite3_open(whole, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, "INSERT INTO Packages(blob) VALUES(?)", -1, &insert,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_blob(insert, 1, header, (int)len, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_finalize(insert);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void rpm_tells_what_is_installed(void **state)
{
    const struct scratch *root = *state;

    put(root, "etc/os-release", "ID=\"fedora\"\nVERSION_ID=39\n");
    make_database(root, "usr/lib/sysimage/rpm/rpmdb.sqlite",
                  "PRAGMA journal_mode=WAL;"
                  "CREATE TABLE Packages(hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)");
    assert_purls(root,
                 "pkg:rpm/fedora/bash@5.1-2.el9?arch=x86_64&distro=fedora-39&epoch=1\n");
}

static void columns_that_are_computed_are_not_asked(void **state)
{
    const struct scratch *root = *state;
    unsigned char header[512] = {0};
    size_t len = make_header(header);
    cb_auto_value(cb_strbuf) sql = {0};

    cb_strbuf_adds(&sql, "CREATE TABLE Packages(kept BLOB, blob BLOB AS (kept));"
                         "INSERT INTO Packages(kept) VALUES(x'");
    for (size_t i = 0; i < len; i++)
        cb_strbuf_addf(&sql, "%02x", header[i]);
    cb_strbuf_adds(&sql, "')");
    make_database(root, "var/lib/rpm/rpmdb.sqlite", cb_strbuf_text(&sql));
    assert_purls(root, "");
}

static void a_view_in_the_place_of_the_table_is_not_asked(void **state)
{
    const struct scratch *root = *state;

    make_database(root, "var/lib/rpm/rpmdb.sqlite",
                  "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS "
                  "(SELECT x'00' UNION ALL SELECT blob FROM n) SELECT blob FROM n");
    assert_purls(root, "");
    put(root, "var/lib/rpm/rpmdb.sqlite", "SQLite format 3, or so it says");
    assert_purls(root, "");
}

static void headers_of_rpm_are_not_believed(void **state)
{
    unsigned char header[512] = {0};
    size_t len = make_header(header);

    for (size_t cut = 0; cut <= len; cut++) {
        cb_auto_value(cb_packages) packages = {0};
        cb_autofree unsigned char *copy = xcalloc(1, cut + 1);

        memcpy(copy, header, cut);
        cb_sbom_rpm_header(copy, cut, "db", &packages);
        assert_int_equal(packages.count, cut == len);
    }
    for (size_t at = 0; at < 8 + 16 * 5; at++) {
        cb_auto_value(cb_packages) packages = {0};
        cb_autofree unsigned char *copy = xcalloc(1, len);

        memcpy(copy, header, len);
        copy[at] = 0xff;
        cb_sbom_rpm_header(copy, len, "db", &packages);
    }
}

/* ── Links, and what is no text ── */

static void nothing_outside_the_root_is_read(void **state)
{
    const struct scratch *root = *state;
    cb_autofree char *outside = xasprintf("%s.outside", root->path);
    cb_autofree char *link = xasprintf("%s/var/lib/dpkg/status", root->path);
    cb_autofree char *fifo = xasprintf("%s/lib/apk/db/installed", root->path);
    cb_autofd int fd = open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(cb_fs_write_all(fd, "Package: x\nVersion: 1\n", 22), 0);
    put(root, "var/lib/dpkg/x", "");
    assert_int_equal(symlink(outside, link), 0);
    assert_purls(root, "");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(outside), 0);
    put(root, "lib/apk/db/x", "");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_purls(root, "");
}

static void what_is_too_long_is_no_name(void **state)
{
    const struct scratch *root = *state;
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "Package: a\nVersion: 1\nArchitecture: x\nMaintainer: ");
    for (int i = 0; i < 3000; i++)
        cb_strbuf_addc(&text, 'm');
    cb_strbuf_adds(&text, "\n\nPackage: ");
    for (int i = 0; i < 3000; i++)
        cb_strbuf_addc(&text, 'n');
    cb_strbuf_adds(&text, "\nVersion: 1\n");
    put(root, "var/lib/dpkg/status", cb_strbuf_text(&text));
    assert_purls(root, "pkg:deb/a@1?arch=x\n");
}

static void the_document_is_what_spdx_asks_for(void **state)
{
    const struct scratch *root = *state;
    const struct cb_sbom_options options = {
        .root_fd = root->fd, .epoch_s = 86400, .name = "img"};
    cb_auto_json *document = NULL;
    cb_auto_json *again = NULL;
    struct cb_error *err = NULL;
    const json_t *packages, *package;

    put(root, "var/lib/dpkg/status", "Package: b\xff/../c\nVersion: 1\"\\\n");
    put(root, "etc/os-release", "ID=any\n");
    assert_ok(cb_sbom_make(&options, &document, &err), err);
    assert_ok(cb_sbom_make(&options, &again, &err), err);
    assert_true(json_equal(document, again));
    packages = json_object_get(document, "packages");
    package = json_array_get(packages, 1);
    /* As JSON spells it. */
    assert_string_equal(
        json_string_value(json_object_get(package, "primaryPackagePurpose")),
        "OPERATING_SYSTEM");
    package = json_array_get(packages, 2);
    assert_int_equal(json_array_size(packages), 3);
    assert_string_equal(json_string_value(json_object_get(document, "SPDXID")),
                        "SPDXRef-DOCUMENT");
    assert_string_equal(json_string_value(json_object_get(package, "SPDXID")),
                        "SPDXRef-Package-deb-b--..-c-1");
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(document, "creationInfo"), "created")),
                        "1970-01-02T00:00:00Z");
    assert_int_equal(json_array_size(json_object_get(document, "relationships")), 3);
    assert_int_equal(
        strncmp(json_string_value(json_object_get(document, "documentNamespace")),
                "urn:uuid:", 9),
        0);
}

static void packages_beyond_the_limit_are_counted(void **state)
{
    const struct scratch *root = *state;
    const struct cb_sbom_options options = {.root_fd = root->fd};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *document = NULL;
    struct cb_error *err = NULL;

    for (unsigned i = 0; i < CB_SBOM_MAX_PACKAGES + 3; i++)
        cb_strbuf_addf(&text, "P:p%u\nV:1\n\n", i);
    put(root, "lib/apk/db/installed", cb_strbuf_text(&text));
    assert_ok(cb_sbom_make(&options, &document, &err), err);
    assert_int_equal(json_array_size(json_object_get(document, "packages")),
                     CB_SBOM_MAX_PACKAGES + 1);
    assert_string_equal(json_string_value(json_object_get(document, "comment")),
                        "3 further packages are left out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(dpkg_tells_what_is_installed),
        scratch_test(apk_tells_what_is_installed),
        scratch_test(languages_leave_files),
        scratch_test(programs_of_go_name_their_modules),
        scratch_test(programs_that_lie_are_passed_over),
        scratch_test(rpm_tells_what_is_installed),
        scratch_test(columns_that_are_computed_are_not_asked),
        scratch_test(a_view_in_the_place_of_the_table_is_not_asked),
        scratch_test(headers_of_rpm_are_not_believed),
        scratch_test(nothing_outside_the_root_is_read),
        scratch_test(what_is_too_long_is_no_name),
        scratch_test(packages_beyond_the_limit_are_counted),
        scratch_test(the_document_is_what_spdx_asks_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
