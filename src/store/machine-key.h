/* A number that only this store knows: what is digested with it says nothing to who does
 * not have it. It is in no archive, export or registry. */
#ifndef CB_STORE_MACHINE_KEY_H
#define CB_STORE_MACHINE_KEY_H

#include "base/digest.h"
#include "store/store.h"

/* HMAC-SHA256 of ID and of BYTES with it, in hexadecimal digits. The number is made when
 * it is first needed. */
int cb_store_mac(struct cb_store *store, const char *id, const void *bytes, size_t len,
                 char out[CB_DIGEST_MAX_TEXT], struct cb_error **err);

#endif
