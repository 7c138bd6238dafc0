/* Files in the directory of one layer. */
#ifndef CB_STORE_LAYER_FILE_H
#define CB_STORE_LAYER_FILE_H

/* PATH below ROOT_FD as it is, name by name: no link is followed. -1: it is not there. */
int cb_layer_file_open(int root_fd, const char *path, int flags);
/* 1: the same bytes, to the end of both. */
int cb_same_content(int one_fd, int two_fd);

#endif
