/* Layers that an archive has as plain tars: most are unpacked from there and kept as no
 * blob, so it is enough to know where they are. */
#ifndef CB_EXPORTER_MEMBERS_TARS_H
#define CB_EXPORTER_MEMBERS_TARS_H

#include "exporter/members.h"
#include "store/tar.h"

struct cb_member_tars;
/* READER has not read yet, from FD, which stands at START (-1: it is a pipe). */
struct cb_member_tars *cb_member_tars_new(struct cb_archive_env *env,
                                          struct cb_tar_reader *reader, int fd,
                                          off_t start);
/* For each entry, before its data is read. */
void cb_member_tars_entry(struct cb_member_tars *tars, const struct cb_tar_entry *entry);
/* Of MEMBER, the entry's, the first bytes have been read (CB_MEMBER_HEAD of them). 1: it
 * is left, and `at` says where. 0: it is no tar, and nothing more has been read. */
#define CB_MEMBER_HEAD 512
int cb_member_tars_leave(struct cb_member_tars *tars, const unsigned char *head,
                         struct cb_member *member, struct cb_error **err);
/* What the places are in; the caller's. -1: there are none. */
int cb_member_tars_fd(struct cb_member_tars *tars);
void cb_member_tars_free(struct cb_member_tars *tars);
CB_AUTO_DEFINE(cb_member_tars, cb_member_tars_free)

#endif
