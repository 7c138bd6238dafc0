/* Devices by name, as the Container Device Interface has them: specifications in JSON
 * that an administrator or a driver's installer puts into /etc/cdi or /var/run/cdi, and
 * what a process that gets a device has to be given. */
#ifndef CB_EXECUTOR_CDI_H
#define CB_EXECUTOR_CDI_H

#include "base/error.h"
#include "base/vec.h"

struct cb_cdi; /* the specifications, read once */

/* DIRS that do not exist are empty. A file that is no specification makes no device; why
 * is told when one is missing. */
int cb_cdi_load(struct cb_cdi **out, const struct cb_strings *dirs,
                struct cb_error **err);
void cb_cdi_free(struct cb_cdi *cdi);
CB_AUTO_DEFINE(cb_cdi, cb_cdi_free)

struct cb_cdi_path {
    char *host, *path; /* PATH: in the container */
    int read_only, recursive;
};
struct cb_cdi_edits {
    struct cb_strings env;    /* "K=V" */
    struct cb_strings groups; /* numbers */
    CB_VEC(struct cb_cdi_path) nodes, mounts;
    struct cb_strings kinds; /* whose common part is in already */
};
void cb_cdi_edits_clear(struct cb_cdi_edits *edits);
CB_AUTO_VALUE_DEFINE(cb_cdi_edits, cb_cdi_edits_clear)

/* NAME: "vendor/class=device"; without "=device" the first of its kind, with "=*" all. 1:
 * added to EDITS, 0: there is none. UNSUPPORTED for a device that wants hooks. */
int cb_cdi_inject(const struct cb_cdi *cdi, const char *name, struct cb_cdi_edits *edits,
                  struct cb_error **err);
/* Why a device may be missing: files that were passed over; "" when there are none. */
const char *cb_cdi_passed_over(const struct cb_cdi *cdi);

#endif
