/* Programs of other processors: which interpreter the kernel starts for them
 * (binfmt_misc), as QEMU's user mode registers itself. */
#ifndef CB_EXECUTOR_EMULATION_H
#define CB_EXECUTOR_EMULATION_H

#include "oci/oci.h"

#define CB_BINFMT_DIR "/proc/sys/fs/binfmt_misc"

enum cb_emulation {
    CB_EMULATION_NATIVE,  /* this machine executes it itself */
    CB_EMULATION_PRESENT, /* an interpreter does */
    CB_EMULATION_OUTSIDE, /* one is registered without the F flag: it would have to be in
                             the image */
    CB_EMULATION_ABSENT,
};
/* HOST: this machine; DIR: where the kernel lists its interpreters. */
enum cb_emulation cb_emulation_of(const struct cb_platform *wanted,
                                  const struct cb_platform *host, const char *dir);

#endif
