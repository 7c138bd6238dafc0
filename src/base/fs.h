/* Files by descriptor. Everything below a root that holds foreign names goes through
 * openat2(RESOLVE_IN_ROOT), or a user-space walk with the same answers where the kernel
 * lacks it. No chdir, no umask: modes are set exactly. */
#ifndef CB_BASE_FS_H
#define CB_BASE_FS_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <sys/stat.h>
#include <sys/types.h>

/* Opens PATH as if ROOT_FD were "/": absolute paths and links, "..", stay inside; magic
 * links are refused. FLAGS as open(2), O_CLOEXEC added. Add O_NOFOLLOW to keep a last
 * symbolic link unresolved. */
int cb_fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode, int *fd,
                       struct cb_error **err);
/* Opens the directory that holds the last component of PATH, all links resolved in the
 * root; *NAME gets the last component ("." for "/" itself), caller frees. Missing parents
 * are made like MADE; NULL: they are an error. */
struct cb_fs_made {
    mode_t mode;
    uid_t uid;
    gid_t gid;
};
int cb_fs_open_parent_in_root(int root_fd, const char *path,
                              const struct cb_fs_made *made, int *dir_fd, char **name,
                              struct cb_error **err);
/* mkdir -p inside the root; opens the result. Existing directories are left as they are.
 */
int cb_fs_mkdirs_in_root(int root_fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
                         int *fd, struct cb_error **err);
/* The path that PATH resolves to in the root ("/usr/bin/x"), last link followed too.
 * Missing tail components are kept as they are. Caller frees. */
int cb_fs_resolve_in_root(int root_fd, const char *path, char **out,
                          struct cb_error **err);

/* mkdir -p on the host, for our own directories. */
int cb_fs_mkdirs(const char *path, mode_t mode, struct cb_error **err);
/* Removes NAME and all below it, never following links or crossing into other mounts;
 * absent is fine; on the way to it there may be both. Makes unwritable directories of
 * ours writable on the way. */
int cb_fs_remove_tree(int dir_fd, const char *name, struct cb_error **err);
/* Reads a regular file whole; more than MAX bytes, a FIFO or a device is an error.
 * O_NONBLOCK inside. */
int cb_fs_read_file(int dir_fd, const char *path, size_t max, struct cb_strbuf *out,
                    struct cb_error **err);
/* The same of what the user names on the command line, which may also be /dev/null, and a
 * pipe that is open: `-f <(command)` of a shell is one. A FIFO would be waited for. */
int cb_fs_read_given(const char *path, size_t max, struct cb_strbuf *out,
                     struct cb_error **err);
int cb_fs_read_fd(int fd, size_t max, struct cb_strbuf *out, struct cb_error **err);
/* As cb_fs_read_file, but resolved in the root; 1: read, 0: no such file. */
int cb_fs_read_in_root(int root_fd, const char *path, size_t max, struct cb_strbuf *out,
                       struct cb_error **err);
/* Opens NAME in DIR_FD for reading if it is a regular file, also when somebody replaces
 * it meanwhile: nothing is followed, no pipe waited for, no device touched. *ST is what
 * was opened. 1; 0: it is something else, or gone. */
int cb_fs_open_regular(int dir_fd, const char *name, struct stat *st, int *fd,
                       struct cb_error **err);
/* A path to what FD is, for calls that take no descriptor: "/proc/self/fd/5". */
struct cb_fd_path {
    char text[32];
};
struct cb_fd_path cb_fd_path(int fd);
/* Is this on a filesystem that only shows what the kernel knows (proc, sysfs, control
 * groups …)? Its files have no size, and reading them can wait, take or do something. */
int cb_fs_is_of_kernel(int fd);
/* Writes all, retrying short writes. -1 with errno. */
int cb_fs_write_all(int fd, const void *bytes, size_t len);
/* The same at OFFSET of a file; where it stands stays. */
int cb_fs_write_all_at(int fd, const void *bytes, size_t len, int64_t offset);
/* Closes what was written and is not synced: a file system of another machine may tell
 * only now that there was no room. *FD is -1 in any case. -1 with errno. */
int cb_fs_close_written(int *fd);
/* FD is empty: on btrfs what is written over then takes the place of what was there, and
 * no room. Other file systems do that anyway. */
void cb_fs_write_in_place(int fd);
/* Copies LEN bytes (or to the end, -1) by reflink, copy_file_range, or a buffer; keeps
 * holes. The end of a file is where it was at first: who writes to it meanwhile does not
 * keep us. */
int cb_fs_copy_data(int from_fd, int to_fd, off_t len, struct cb_error **err);
/* Names in a directory, sorted bytewise, without "." and "..". */
int cb_fs_list(int dir_fd, struct cb_strings *names, struct cb_error **err);

/* What names of one file have in common, to find a file's other names by. */
#define CB_INODE_KEY_MAX 40
void cb_inode_key(char key[CB_INODE_KEY_MAX], dev_t dev, ino_t ino);

/* Lexical clean-up as Go's path.Clean: "a//b/../c/." → "a/c"; empty → ".". Caller frees.
 */
char *cb_path_clean(const char *path);
/* path.Join of two parts, cleaned. Caller frees. */
char *cb_path_join(const char *a, const char *b);
/* Last component without trailing slashes, borrowed from a cleaned path. */
const char *cb_path_base(const char *cleaned);

#endif
