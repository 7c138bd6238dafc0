noinst_LIBRARIES += src/oci/liboci.a
src_oci_liboci_a_SOURCES = \
    %D%/annotations.c \
    %D%/attestation.c \
    %D%/attestation.h \
    %D%/chain-id.c \
    %D%/config-emit.c \
    %D%/config-parse.c \
    %D%/config.c \
    %D%/descriptor.c \
    %D%/document.c \
    %D%/index.c \
    %D%/json-writer.c \
    %D%/manifest.c \
    %D%/media-type.c \
    %D%/oci-priv.h \
    %D%/oci.h \
    %D%/platform.c \
    %D%/purl.c \
    %D%/reference.c
