/* Digests by OpenSSL's plain functions, which use the CPU's SHA instructions as its EVP
 * does. EVP sets up providers, names and locks first: most of a millisecond, more than
 * all a rebuild from the cache hashes, and half of the program's size. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include "base/strbuf.h"

#include <openssl/sha.h>
#include <string.h>

struct cb_hasher {
    enum cb_digest_algorithm algorithm;
    union {
        SHA256_CTX sha256;
        SHA512_CTX sha512;
    };
};

struct algorithm {
    const char *prefix;
    size_t size;
};

static const struct algorithm algorithms[] = {
    [CB_DIGEST_NONE] = {"", 0},
    [CB_SHA256] = {"sha256:", 32},
    [CB_SHA512] = {"sha512:", 64},
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_hex(unsigned char *bytes, size_t size, const char *hex)
{
    if (strnlen(hex, size * 2 + 1) != size * 2)
        return 0;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return 0;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return 1;
}

int cb_digest_parse(struct cb_digest *out, const char *text, struct cb_error **err)
{
    for (int i = CB_SHA256; i <= CB_SHA512; i++) {
        struct cb_digest digest = {.algorithm = i};
        size_t prefix = strlen(algorithms[i].prefix);

        if (strncmp(text, algorithms[i].prefix, prefix) == 0 &&
            parse_hex(digest.bytes, algorithms[i].size, text + prefix)) {
            *out = digest;
            return 0;
        }
    }
    return cb_error_set(
        err, CB_ERR_INTEGRITY,
        "invalid digest `%.160s`: expected sha256: and 64, or sha512: and "
        "128 lower-case hexadecimal digits",
        text);
}

int cb_digest_equal(const struct cb_digest *a, const struct cb_digest *b)
{
    return a->algorithm == b->algorithm &&
           memcmp(a->bytes, b->bytes, algorithms[a->algorithm].size) == 0;
}

int cb_digest_is_set(const struct cb_digest *digest)
{
    return digest && digest->algorithm != CB_DIGEST_NONE;
}

static void write_hex(const struct cb_digest *digest, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < algorithms[digest->algorithm].size; i++) {
        *out++ = digits[digest->bytes[i] >> 4];
        *out++ = digits[digest->bytes[i] & 15];
    }
    *out = '\0';
}

const char *cb_digest_text(const struct cb_digest *digest,
                           char buffer[CB_DIGEST_MAX_TEXT])
{
    const char *prefix = algorithms[digest->algorithm].prefix;
    size_t len = strlen(prefix);

    memcpy(buffer, prefix, len);
    write_hex(digest, buffer + len);
    return buffer;
}

const char *cb_digest_hex(const struct cb_digest *digest, char buffer[CB_DIGEST_MAX_TEXT])
{
    write_hex(digest, buffer);
    return buffer;
}

static void check(int ok)
{
    if (ok != 1)
        abort();
}

static void start(struct cb_hasher *hasher)
{
    check(hasher->algorithm == CB_SHA512 ? SHA512_Init(&hasher->sha512)
                                         : SHA256_Init(&hasher->sha256));
}

struct cb_hasher *cb_hasher_new(enum cb_digest_algorithm algorithm)
{
    struct cb_hasher *hasher = xcalloc(1, sizeof(*hasher));

    hasher->algorithm = algorithm;
    start(hasher);
    return hasher;
}

void cb_hasher_free(struct cb_hasher *hasher)
{
    free(hasher);
}

void cb_hasher_update(struct cb_hasher *hasher, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    check(hasher->algorithm == CB_SHA512 ? SHA512_Update(&hasher->sha512, bytes, len)
                                         : SHA256_Update(&hasher->sha256, bytes, len));
}

void cb_hasher_u64(struct cb_hasher *hasher, uint64_t value)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    cb_hasher_update(hasher, bytes, sizeof(bytes));
}

void cb_hasher_field(struct cb_hasher *hasher, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    cb_hasher_u64(hasher, text ? (uint64_t)len + 1 : 0);
    cb_hasher_update(hasher, text, len);
}

void cb_hasher_digest(struct cb_hasher *hasher, const struct cb_digest *digest)
{
    unsigned char algorithm = (unsigned char)digest->algorithm;

    cb_hasher_update(hasher, &algorithm, 1);
    cb_hasher_update(hasher, digest->bytes, algorithms[digest->algorithm].size);
}

struct cb_digest cb_hasher_finish(struct cb_hasher *hasher)
{
    struct cb_digest digest = {.algorithm = hasher->algorithm};

    check(hasher->algorithm == CB_SHA512 ? SHA512_Final(digest.bytes, &hasher->sha512)
                                         : SHA256_Final(digest.bytes, &hasher->sha256));
    start(hasher);
    return digest;
}

struct cb_digest cb_digest_of(const void *bytes, size_t len)
{
    struct cb_hasher hasher = {.algorithm = CB_SHA256};

    start(&hasher);
    cb_hasher_update(&hasher, bytes, len);
    return cb_hasher_finish(&hasher);
}
