/* The form of an outline, between outline-write.c and outline-play.c: pieces, compressed
 * as one zstd frame with a check sum. All numbers are little-endian. */
#ifndef CB_STORE_OUTLINE_PRIV_H
#define CB_STORE_OUTLINE_PRIV_H

#define CB_OUTLINE_NAME "outline"
/* Of the store's user_version's kind: another form has another first piece. */
#define CB_OUTLINE_MAGIC     "cboutl1\n"
#define CB_OUTLINE_MAGIC_LEN 8

enum cb_outline_piece {
    CB_OUTLINE_BYTES = 'b', /* u32 length, the bytes */
    CB_OUTLINE_FILE = 'f',  /* u64 size, u32 crc, u16 length of the path, the path */
    CB_OUTLINE_END = 'e',
};
#define CB_OUTLINE_FILE_HEAD 14 /* behind its letter */

#endif
