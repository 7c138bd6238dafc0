/* Reads along with libarchive for what it hides: a NUL inside a PAX path or linkpath,
 * which it would cut there without a word, giving a file another name than other readers
 * see; an owner that is no number, for which it takes root. */
#ifndef CB_STORE_TAR_GUARD_H
#define CB_STORE_TAR_GUARD_H

#include "base/error.h"

#include <stdint.h>

struct cb_tar_guard {
    enum {
        CB_GUARD_HEADER,
        CB_GUARD_SPARSE_MAP, /* extension blocks of an old GNU sparse file */
        CB_GUARD_RECORDS,    /* the body of a PAX header */
        CB_GUARD_DATA,
        CB_GUARD_OFF /* behind the end mark, or lost: libarchive has the last word */
    } state;
    unsigned char block[512];
    unsigned have;    /* bytes in block */
    uint64_t left;    /* of records or data, padding included for data */
    uint64_t padding; /* after the records, or at the end of the data */
    uint64_t content; /* of the data: what is left of a file's own bytes */
    uint64_t size;    /* of the next entry, by a PAX record */
    int has_size;
    /* the record being read */
    uint64_t record_left; /* behind its length field */
    char key[16];
    unsigned key_len;
    int in_value;
    int has_value;   /* some of it was seen */
    uint64_t number; /* the length field, or the value of "size" */
    int in_length;
};

/* A field of a header: octal, or base 256 with the top bit set. */
int cb_tar_number(const unsigned char *field, size_t len, uint64_t *out);
void cb_tar_guard_init(struct cb_tar_guard *guard);
/* All bytes of the archive, in order. INTEGRITY. */
int cb_tar_guard_feed(struct cb_tar_guard *guard, const void *bytes, size_t len,
                      struct cb_error **err);
/* At the end of the bytes: how many are missing that only fill up the last file's block.
 * There are writers that leave them out, and other readers take that. */
size_t cb_tar_guard_missing(const struct cb_tar_guard *guard);

#endif
