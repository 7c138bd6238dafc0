/* Content digests, "sha256:<hex>" (OCI image-spec, descriptor.md "Digests"). A value
 * type. */
#ifndef CB_BASE_DIGEST_H
#define CB_BASE_DIGEST_H

#include "base/error.h"

#include <stdint.h>

enum cb_digest_algorithm { CB_DIGEST_NONE, CB_SHA256, CB_SHA512 };

#define CB_DIGEST_MAX_BYTES 64
#define CB_DIGEST_MAX_TEXT  (sizeof("sha512:") + 128)

struct cb_digest {
    enum cb_digest_algorithm algorithm; /* NONE: no digest */
    unsigned char bytes[CB_DIGEST_MAX_BYTES];
};

/* Accepts exactly sha256:<64 lower hex> or sha512:<128 lower hex>; INTEGRITY otherwise.
 */
int cb_digest_parse(struct cb_digest *out, const char *text, struct cb_error **err);
int cb_digest_equal(const struct cb_digest *a, const struct cb_digest *b);
int cb_digest_is_set(const struct cb_digest *digest);
/* Writes "sha256:…" into BUFFER and returns it. */
const char *cb_digest_text(const struct cb_digest *digest,
                           char buffer[CB_DIGEST_MAX_TEXT]);
/* The hex part alone. */
const char *cb_digest_hex(const struct cb_digest *digest,
                          char buffer[CB_DIGEST_MAX_TEXT]);
/* sha256 of LEN bytes. */
struct cb_digest cb_digest_of(const void *bytes, size_t len);

/* Streaming; uses the CPU's SHA instructions through EVP. */
struct cb_hasher;
struct cb_hasher *cb_hasher_new(enum cb_digest_algorithm algorithm);
void cb_hasher_free(struct cb_hasher *hasher);
CB_AUTO_DEFINE(cb_hasher, cb_hasher_free)
void cb_hasher_update(struct cb_hasher *hasher, const void *bytes, size_t len);
/* Length-prefixed, so that ("ab","c") and ("a","bc") differ. NULL and "" differ too. */
void cb_hasher_field(struct cb_hasher *hasher, const char *text);
void cb_hasher_u64(struct cb_hasher *hasher, uint64_t value);
void cb_hasher_digest(struct cb_hasher *hasher, const struct cb_digest *digest);
/* Ends the computation; the hasher starts afresh. */
struct cb_digest cb_hasher_finish(struct cb_hasher *hasher);

#endif
