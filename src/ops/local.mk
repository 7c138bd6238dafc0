noinst_LIBRARIES += src/ops/libops.a
src_ops_libops_a_SOURCES = \
    %D%/bunch-priv.h \
    %D%/bunch.c \
    %D%/chmod.c \
    %D%/context.c \
    %D%/copy-file.c \
    %D%/copy-priv.h \
    %D%/copy-tree.c \
    %D%/copy.c \
    %D%/definition.c \
    %D%/dest-priv.h \
    %D%/dest.c \
    %D%/early-write-priv.h \
    %D%/early-write.c \
    %D%/exec-bind.c \
    %D%/exec-key.c \
    %D%/exec-mounts.c \
    %D%/exec-output.c \
    %D%/exec-priv.h \
    %D%/exec.c \
    %D%/identity.c \
    %D%/image.c \
    %D%/mkdir.c \
    %D%/ops-priv.h \
    %D%/ops.h \
    %D%/owner.c \
    %D%/result.c \
    %D%/secrets.c \
    %D%/select.c \
    %D%/selection-digest.c \
    %D%/selection-listing.c \
    %D%/selection-priv.h \
    %D%/selection.c \
    %D%/selector.c \
    %D%/unpack.c \
    %D%/walk.c \
    %D%/xattrs.c
