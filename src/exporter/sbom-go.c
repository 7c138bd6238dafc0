/* Go's linker writes into each program of which modules it was built (runtime/debug's
 * BuildInfo): a section of an ELF file that begins with a magic and, since Go 1.18, holds
 * the text itself. Programs of older compilers, where it is found by a pointer, are
 * passed over. */
#include "exporter/sbom-priv.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#define MAX_SECTIONS  512
#define NAMES_BYTES   (64u << 10)
#define SECTION_BYTES (4u << 20)
#define SECTION       ".go.buildinfo"
#define MAGIC         "\xff Go buildinf:"
#define HEAD_BYTES    32 /* of the section, before the text */
#define INLINE        2  /* a flag: the text is here */
#define SENTINEL      16 /* bytes before and behind the modules' text */

static int read_at(int fd, void *out, size_t len, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, out, len, (off_t)offset) == (ssize_t)len;
}

/* Programs of 64 bits and this machine's order of bytes: of others nobody makes images
 * with this one, nearly. */
static int open_elf(int fd, Elf64_Ehdr *header)
{
    const unsigned char order =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

    return read_at(fd, header, sizeof(*header), 0) &&
           memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == order &&
           header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shnum <= MAX_SECTIONS &&
           header->e_shstrndx < header->e_shnum;
}

/* 1: the section SECTION is there. */
static int find_section(int fd, const Elf64_Ehdr *header, Elf64_Shdr *out)
{
    cb_autofree Elf64_Shdr *sections = xcalloc(header->e_shnum + 1u, sizeof(*sections));
    cb_autofree char *names = NULL;
    size_t names_len;

    if (!read_at(fd, sections, header->e_shnum * sizeof(*sections), header->e_shoff))
        return 0;
    names_len = sections[header->e_shstrndx].sh_size;
    if (names_len > NAMES_BYTES)
        return 0;
    names = xcalloc(1, names_len + 1);
    if (!read_at(fd, names, names_len, sections[header->e_shstrndx].sh_offset))
        return 0;
    for (size_t i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_name < names_len &&
            strcmp(names + sections[i].sh_name, SECTION) == 0) {
            *out = sections[i];
            return 1;
        }
    }
    return 0;
}

/* A length in groups of seven bits, and as many bytes: 1. *AT goes behind them. */
static int next_text(const unsigned char *bytes, size_t len, size_t *at,
                     const char **text, size_t *text_len)
{
    uint64_t value = 0;

    for (unsigned shift = 0; *at < len && shift < 35; shift += 7) {
        unsigned char byte = bytes[(*at)++];

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (value > len - *at)
            return 0;
        *text = (const char *)bytes + *at;
        *text_len = (size_t)value;
        *at += (size_t)value;
        return 1;
    }
    return 0;
}

/* "dep\tPATH\tVERSION\tSUM", or "mod", or "=>" for what took the last one's place. */
static void read_module(const char *line, size_t len, const char *path,
                        struct cb_packages *out)
{
    cb_autofree char *text = xstrndup(line, len);
    struct cb_package package = {.type = "golang"};
    char *name = strchr(text, '\t'), *version, *end;
    int is_module;

    if (!name)
        return;
    *name++ = '\0';
    is_module = !strcmp(text, "dep") || !strcmp(text, "mod") || !strcmp(text, "=>");
    version = strchr(name, '\t');
    if (!is_module || !version)
        return;
    *version++ = '\0';
    end = strchr(version, '\t');
    if (end)
        *end = '\0';
    package.name = xstrdup(name);
    package.version = xstrdup(version);
    package.path = xstrdup(path);
    cb_packages_take(out, &package);
}

static void read_info(const unsigned char *bytes, size_t len, const char *path,
                      struct cb_packages *out)
{
    struct cb_package compiler = {.type = "golang"};
    const char *version, *modules, *line;
    size_t at = HEAD_BYTES, version_len, modules_len, from = 0, line_len;

    if (len < HEAD_BYTES || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0 ||
        !(bytes[15] & INLINE) || !next_text(bytes, len, &at, &version, &version_len) ||
        !next_text(bytes, len, &at, &modules, &modules_len))
        return;
    if (version_len > 2 && memcmp(version, "go", 2) == 0) {
        compiler.name = xstrdup("stdlib");
        compiler.version = xstrndup(version + 2, version_len - 2);
        compiler.path = xstrdup(path);
        cb_packages_take(out, &compiler);
    }
    if (modules_len < 2 * SENTINEL)
        return;
    modules += SENTINEL;
    modules_len -= 2 * SENTINEL;
    while (cb_sbom_line(modules, modules_len, &from, &line, &line_len))
        read_module(line, line_len, path, out);
}

void cb_sbom_go(int fd, const char *path, struct cb_packages *out)
{
    cb_autofree unsigned char *bytes = NULL;
    Elf64_Ehdr header;
    Elf64_Shdr section;

    if (!open_elf(fd, &header) || !find_section(fd, &header, &section) ||
        section.sh_size > SECTION_BYTES)
        return;
    bytes = xcalloc(1, section.sh_size + 1);
    if (read_at(fd, bytes, section.sh_size, section.sh_offset))
        read_info(bytes, section.sh_size, path, out);
}
