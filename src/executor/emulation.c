/* An entry of binfmt_misc says what a file has to begin with, so the question is put as
 * the kernel does: would it match the first bytes of a program for that processor? Names
 * of entries differ between distributions and mean nothing. */
#include "executor/emulation.h"

#include "base/fs.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES    20
#define ENTRY_MAX_BYTES 8192

struct machine {
    const char *arch;
    unsigned char class, data; /* of the ELF header: 1 or 2 each */
    unsigned machine;
};

static const struct machine machines[] = {
    {"386", 1, 1, 3},      {"amd64", 2, 1, 62},    {"arm", 1, 1, 40},
    {"arm64", 2, 1, 183},  {"loong64", 2, 1, 258}, {"mips64", 2, 2, 8},
    {"mips64le", 2, 1, 8}, {"mips", 1, 2, 8},      {"mipsle", 1, 1, 8},
    {"ppc64", 2, 2, 21},   {"ppc64le", 2, 1, 21},  {"riscv64", 2, 1, 243},
    {"s390x", 2, 2, 22},
};

/* What a processor can do beside its own. */
static const char *const both[][2] = {{"amd64", "386"}, {"arm64", "arm"}};

static int is_native(const struct cb_platform *wanted, const struct cb_platform *host)
{
    if (!*wanted->os || !*wanted->arch)
        return 1;
    if (strcmp(wanted->os, host->os) != 0)
        return 0;
    if (strcmp(wanted->arch, host->arch) == 0)
        return 1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(both); i++) {
        if (!strcmp(both[i][0], host->arch) && !strcmp(both[i][1], wanted->arch))
            return 1;
    }
    return 0;
}

static int make_header(const char *arch, unsigned char out[HEADER_BYTES])
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(machines); i++) {
        const struct machine *machine = &machines[i];
        int big = machine->data == 2;

        if (strcmp(machine->arch, arch) != 0)
            continue;
        memset(out, 0, HEADER_BYTES);
        memcpy(out, "\177ELF", 4);
        out[4] = machine->class;
        out[5] = machine->data;
        out[6] = 1;
        out[big ? 17 : 16] = 2; /* an executable */
        out[big ? 19 : 18] = machine->machine & 0xff;
        out[big ? 18 : 19] = (unsigned char)(machine->machine >> 8);
        return 1;
    }
    return 0;
}

/* The rest of the line that begins with KEY, or NULL. */
static const char *value_of(const char *entry, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = entry; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0)
            return line + len;
    }
    return NULL;
}

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Hexadecimal digits up to the line's end; how many bytes. */
static size_t parse_hex(const char *text, unsigned char *out, size_t max)
{
    size_t count = 0;

    while (text && count < max && isxdigit((unsigned char)text[0]) &&
           isxdigit((unsigned char)text[1])) {
        out[count++] = (unsigned char)(digit(text[0]) << 4 | digit(text[1]));
        text += 2;
    }
    return count;
}

static int matches(const char *entry, const unsigned char header[HEADER_BYTES])
{
    unsigned char magic[HEADER_BYTES], mask[HEADER_BYTES];
    const char *offset = value_of(entry, "offset ");
    size_t count = parse_hex(value_of(entry, "magic "), magic, HEADER_BYTES);

    if (count < HEADER_BYTES || (offset && atoi(offset) != 0))
        return 0;
    memset(mask, 0xff, sizeof(mask));
    parse_hex(value_of(entry, "mask "), mask, HEADER_BYTES);
    for (size_t i = 0; i < HEADER_BYTES; i++) {
        if ((magic[i] ^ header[i]) & mask[i])
            return 0;
    }
    return 1;
}

static enum cb_emulation judge(const char *entry,
                               const unsigned char header[HEADER_BYTES])
{
    const char *flags = value_of(entry, "flags: ");

    if (strncmp(entry, "enabled", 7) != 0 || !matches(entry, header))
        return CB_EMULATION_ABSENT;
    return flags && memchr(flags, 'F', strcspn(flags, "\n")) ? CB_EMULATION_PRESENT
                                                             : CB_EMULATION_OUTSIDE;
}

enum cb_emulation cb_emulation_of(const struct cb_platform *wanted,
                                  const struct cb_platform *host, const char *dir)
{
    cb_autofd int fd = -1;
    cb_auto_value(cb_strings) names = {0};
    enum cb_emulation best = CB_EMULATION_ABSENT;
    unsigned char header[HEADER_BYTES];

    if (is_native(wanted, host))
        return CB_EMULATION_NATIVE;
    if (strcmp(wanted->os, host->os) != 0 || !make_header(wanted->arch, header))
        return CB_EMULATION_ABSENT;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return CB_EMULATION_ABSENT;
    cb_vec_foreach (name, &names) {
        cb_auto_value(cb_strbuf) entry = {0};
        enum cb_emulation found;

        if (cb_fs_read_file(fd, *name, ENTRY_MAX_BYTES, &entry, NULL) < 0)
            continue;
        found = judge(cb_strbuf_text(&entry), header);
        best = found < best ? found : best;
    }
    return best;
}
