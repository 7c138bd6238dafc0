/* Files from one tree to another, by descriptor: between a container and the host, and
 * from a container's layer to a new one. Either side may be changed by hostile processes
 * meanwhile: no link is followed, nothing but regular files and directories is opened,
 * and what vanishes is left out. Directories that are there are filled; another file is
 * replaced at once by its new content. */
#ifndef CB_CONTAINER_COPY_H
#define CB_CONTAINER_COPY_H

#include "base/cancel.h"
#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>

enum cb_copy_owner {
    CB_COPY_KEEP,  /* ids, set-id bits and all attributes, devices too */
    CB_COPY_GIVEN, /* all belongs to UID:GID; set-id bits of who it did belong to */
    CB_COPY_OURS,  /* what is new belongs to us; no devices */
};
struct cb_container_copying {
    enum cb_copy_owner owner;
    uint32_t uid, gid;
    int raw; /* of a layer's own directory: overlay's marks are kept */
    int (*leaves_out)(const char *path, const struct stat *st); /* or NULL */
    struct cb_cancel *cancel;
    /* results */
    uint64_t bytes;    /* of files */
    unsigned left_out; /* devices */
};

/* What is below FROM_FD goes below TO_FD; the directories themselves stay as they are. */
int cb_container_copy_content(struct cb_container_copying *copying, int from_fd,
                              int to_fd, struct cb_error **err);
/* NAME in FROM_DIR, whatever it is, becomes TO_NAME in TO_DIR. EXISTS with docker's words
 * where a directory is to become another file, or the other way round. */
int cb_container_copy_named(struct cb_container_copying *copying, int from_dir,
                            const char *name, int to_dir, const char *to_name,
                            struct cb_error **err);

/* ── Where to: docker's rules ── */
enum cb_copy_kind { CB_COPY_MISSING, CB_COPY_DIRECTORY, CB_COPY_OTHER };
struct cb_copy_end {
    enum cb_copy_kind kind;
    int wants_directory; /* its path ends in "/" or "/." */
    int content_only;    /* … in "/.", or it is the root */
};
enum cb_copy_way {
    CB_COPY_CONTENT, /* into the directory that is there */
    CB_COPY_INTO,    /* into it, under the source's name */
    CB_COPY_AS,      /* under the destination's name */
};
int cb_copy_choose(const struct cb_copy_end *from, const struct cb_copy_end *to,
                   enum cb_copy_way *way, struct cb_error **err);
/* "/a/b/." → "/a/b", and what its end asks for. PATH is made absolute below BASE unless
 * it is; lexically, as docker does. Caller frees. */
char *cb_copy_path(const char *base, const char *path, struct cb_copy_end *end);
/* "NAME:PATH": the part before the colon, which the caller frees, and *PATH; NULL for a
 * path of the host ("./a:b", "/a:b", "a"). */
char *cb_copy_split(const char *text, const char **path);

#endif
