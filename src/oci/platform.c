/* Platforms by the rules of containerd's platforms package: aliases of architectures,
 * default variants, and which image runs where. */
#include "oci/oci-priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

struct alias {
    const char *name, *arch, *variant; /* variant NULL: keep the one given */
};

static const struct alias arch_aliases[] = {
    {"x86_64", "amd64", NULL}, {"x86-64", "amd64", NULL}, {"aarch64", "arm64", NULL},
    {"i386", "386", ""},       {"i486", "386", ""},       {"i586", "386", ""},
    {"i686", "386", ""},       {"armhf", "arm", "v7"},    {"armel", "arm", "v6"},
};

static const char *const known_systems[] = {
    "aix",     "android", "darwin",  "dragonfly", "freebsd", "hurd",
    "illumos", "ios",     "js",      "linux",     "nacl",    "netbsd",
    "openbsd", "plan9",   "solaris", "wasip1",    "windows", "zos",
};

static const char *const known_archs[] = {
    "386",       "amd64",       "amd64p32", "arm",    "armbe",   "arm64",
    "arm64be",   "loong64",     "mips",     "mipsle", "mips64",  "mips64le",
    "mips64p32", "mips64p32le", "ppc",      "ppc64",  "ppc64le", "riscv",
    "riscv64",   "s390",        "s390x",    "sparc",  "sparc64", "wasm",
};

static int is_known(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return 1;
    }
    return 0;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

static void set_field(char field[32], const char *text)
{
    snprintf(field, 32, "%s", text);
}

static void normalise_variant(struct cb_platform *platform)
{
    char *variant = platform->variant;

    if (isdigit((unsigned char)variant[0]) && strlen(variant) < 31) {
        memmove(variant + 1, variant, strlen(variant) + 1);
        variant[0] = 'v';
    }
    if (strcmp(platform->arch, "arm") == 0 && !*variant)
        set_field(variant, "v7");
    if ((strcmp(platform->arch, "amd64") == 0 && strcmp(variant, "v1") == 0) ||
        (strcmp(platform->arch, "arm64") == 0 &&
         (strcmp(variant, "v8") == 0 || strcmp(variant, "v8.0") == 0)))
        variant[0] = '\0';
}

/* Lower case, aliases replaced, default variants dropped or filled in. */
static void normalise(struct cb_platform *platform)
{
    lower(platform->os);
    lower(platform->arch);
    lower(platform->variant);
    if (strcmp(platform->os, "macos") == 0)
        set_field(platform->os, "darwin");
    for (size_t i = 0; i < CB_ARRAY_SIZE(arch_aliases); i++) {
        if (strcmp(platform->arch, arch_aliases[i].name) != 0)
            continue;
        set_field(platform->arch, arch_aliases[i].arch);
        if (arch_aliases[i].variant)
            set_field(platform->variant, arch_aliases[i].variant);
        break;
    }
    normalise_variant(platform);
}

struct cb_platform cb_platform_host(void)
{
    struct cb_platform host = {.os = "linux"};
    struct utsname names;

    if (uname(&names) < 0)
        return host;
    if (strncmp(names.machine, "armv", 4) == 0) {
        set_field(host.arch, "arm");
        snprintf(host.variant, sizeof(host.variant), "v%c", names.machine[4]);
    } else {
        snprintf(host.arch, sizeof(host.arch), "%.31s", names.machine);
    }
    normalise(&host);
    return host;
}

static int is_specifier(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("_.-", text[i]))
            return 0;
    }
    return len > 0 && len < 32;
}

/* "linux", or "linux(6.1)" with a version of the system. */
static int take_system(struct cb_platform *platform, const char *text, size_t len)
{
    const char *open = memchr(text, '(', len);

    if (open) {
        size_t version = len - (size_t)(open - text) - 1;

        if (version == 0 || open[version] != ')' || !is_specifier(open + 1, version - 1))
            return 0;
        memcpy(platform->os_version, open + 1, version - 1);
        len = (size_t)(open - text);
    }
    if (!is_specifier(text, len))
        return 0;
    memcpy(platform->os, text, len);
    return 1;
}

static int split(struct cb_platform *platform, const char *text)
{
    char *fields[] = {platform->os, platform->arch, platform->variant};

    for (size_t i = 0; i < CB_ARRAY_SIZE(fields); i++) {
        size_t len = strcspn(text, "/");

        if (i == 0 ? !take_system(platform, text, len) : !is_specifier(text, len))
            return 0;
        if (i > 0)
            memcpy(fields[i], text, len);
        if (!text[len])
            return 1;
        text += len + 1;
    }
    return 0;
}

/* One word is a system or an architecture; the other half is the host's. */
static int complete(struct cb_platform *platform)
{
    struct cb_platform host = cb_platform_host();

    normalise(platform);
    if (is_known(known_systems, CB_ARRAY_SIZE(known_systems), platform->os)) {
        set_field(platform->arch, host.arch);
        set_field(platform->variant, host.variant);
        return 1;
    }
    set_field(platform->arch, platform->os);
    set_field(platform->os, host.os);
    normalise(platform);
    return is_known(known_archs, CB_ARRAY_SIZE(known_archs), platform->arch);
}

int cb_platform_parse(struct cb_platform *out, const char *text, struct cb_error **err)
{
    struct cb_platform platform = {0};

    if (!split(&platform, text))
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid platform `%.100s`: expected the form os/arch or "
                            "os/arch/variant",
                            text);
    if (!platform.arch[0] && !complete(&platform))
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid platform `%.100s`: unknown operating system or "
                            "architecture",
                            text);
    normalise(&platform);
    *out = platform;
    return 0;
}

char *cb_platform_text(const struct cb_platform *platform)
{
    return xasprintf("%s/%s%s%s", platform->os, platform->arch,
                     platform->variant[0] ? "/" : "", platform->variant);
}

int cb_platform_equal(const struct cb_platform *a, const struct cb_platform *b)
{
    return strcmp(a->os, b->os) == 0 && strcmp(a->arch, b->arch) == 0 &&
           strcmp(a->variant, b->variant) == 0;
}

/* "v8.2" as 802, with the variant that an architecture has by default; -1 if it is no
 * number. */
static int variant_level(const struct cb_platform *platform)
{
    int major, minor = 0, end = 0;

    if (!platform->variant[0]) {
        if (strcmp(platform->arch, "arm64") == 0)
            return 800;
        return strcmp(platform->arch, "amd64") == 0 ? 100 : 0;
    }
    if ((sscanf(platform->variant, "v%2d%n", &major, &end) < 1 ||
         platform->variant[end]) &&
        (sscanf(platform->variant, "v%2d.%2d%n", &major, &minor, &end) < 2 ||
         platform->variant[end]))
        return -1;
    return major < 0 || minor < 0 ? -1 : major * 100 + minor;
}

#define SCORE_EXACT     10000
#define SCORE_OTHER_ISA 1

int cb_platform_score(const struct cb_platform *have, const struct cb_platform *want)
{
    int have_level = variant_level(have), want_level = variant_level(want);

    if (strcmp(have->os, want->os) != 0)
        return 0;
    if (strcmp(have->arch, want->arch) == 0) {
        if (strcmp(have->variant, want->variant) == 0)
            return SCORE_EXACT;
        if (have_level < 0 || want_level < 0 || have_level > want_level)
            return 0;
        return SCORE_EXACT - (want_level - have_level);
    }
    if (strcmp(want->arch, "amd64") == 0 && strcmp(have->arch, "386") == 0)
        return SCORE_OTHER_ISA;
    if (strcmp(want->arch, "arm64") == 0 && strcmp(have->arch, "arm") == 0 &&
        have_level >= 0 && have_level <= 800)
        return SCORE_OTHER_ISA + have_level;
    return 0;
}

static int read_field(char *field, size_t size, const struct cb_json *object,
                      const char *key, struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    const char *text;

    if (cb_json_string(&member, &text, err) < 0)
        return -1;
    if (text && strlen(text) >= size)
        return cb_json_fail(&member, err, "longer than %zu characters", size - 1);
    snprintf(field, size, "%s", text ? text : "");
    return 0;
}

static int read_features(struct cb_platform *platform, const struct cb_json *object,
                         struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, "os.features");
    cb_auto_value(cb_strings) features = {0};
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_json_strings(&member, sizeof(platform->os_features), &features, err) < 0)
        return -1;
    cb_vec_foreach (feature, &features)
        cb_strbuf_addf(&text, "%s%s", text.len ? "," : "", *feature);
    if (text.len >= sizeof(platform->os_features))
        return cb_json_fail(&member, err, "longer than %zu characters",
                            sizeof(platform->os_features) - 1);
    snprintf(platform->os_features, sizeof(platform->os_features), "%s",
             cb_strbuf_text(&text));
    return 0;
}

int cb_platform_read(struct cb_platform *out, const struct cb_json *object,
                     struct cb_error **err)
{
    struct cb_platform platform = {0};

    if (read_field(platform.arch, sizeof(platform.arch), object, "architecture", err) <
            0 ||
        read_field(platform.os, sizeof(platform.os), object, "os", err) < 0 ||
        read_field(platform.variant, sizeof(platform.variant), object, "variant", err) <
            0 ||
        read_field(platform.os_version, sizeof(platform.os_version), object, "os.version",
                   err) < 0 ||
        read_features(&platform, object, err) < 0)
        return -1;
    if (platform.arch[0])
        normalise(&platform);
    *out = platform;
    return 0;
}
