/* Mount points that the image lacks, made for one run and removed without a trace. */
#ifndef CB_EXECUTOR_STUBS_PRIV_H
#define CB_EXECUTOR_STUBS_PRIV_H

#include "executor/protocol-priv.h"

/* The caller's list, in order of making. */
struct cb_stub_list {
    struct {
        int dir_fd;
        char *name;
        uint64_t ino;
        int is_directory;
    } items[CB_STUBS_MAX];
    size_t count;
};
/* Takes the descriptors of a CB_REPORT_STUBS. */
void cb_stub_list_take(struct cb_stub_list *list, const struct cb_report *report,
                       const int *fds, size_t count);
/* Removes what is still the empty thing that was made; the list is empty afterwards. */
void cb_stub_list_remove(struct cb_stub_list *list);

#endif
