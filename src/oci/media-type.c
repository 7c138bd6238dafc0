/* The media types of images in their two spellings, as one table. */
#include "oci/oci-priv.h"

#include <string.h>

struct media_type {
    const char *oci, *docker; /* NULL where a spelling has no such type */
    enum cb_media_kind kind;
    enum cb_compression compression;
};

#define OCI_FOREIGN    "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const struct media_type media_types[] = {
    {CB_MT_OCI_INDEX, CB_MT_DOCKER_LIST, CB_MEDIA_INDEX, 0},
    {CB_MT_OCI_MANIFEST, CB_MT_DOCKER_MANIFEST, CB_MEDIA_MANIFEST, 0},
    {CB_MT_OCI_CONFIG, CB_MT_DOCKER_CONFIG, CB_MEDIA_CONFIG, 0},
    {CB_MT_OCI_LAYER, CB_MT_DOCKER_LAYER, CB_MEDIA_LAYER, CB_COMPRESSION_NONE},
    {CB_MT_OCI_LAYER_GZIP, CB_MT_DOCKER_LAYER_GZIP, CB_MEDIA_LAYER, CB_COMPRESSION_GZIP},
    {CB_MT_OCI_LAYER_ZSTD, CB_MT_DOCKER_LAYER ".zstd", CB_MEDIA_LAYER,
     CB_COMPRESSION_ZSTD},
    {OCI_FOREIGN, DOCKER_FOREIGN, CB_MEDIA_LAYER, CB_COMPRESSION_NONE},
    {OCI_FOREIGN "+gzip", DOCKER_FOREIGN ".gzip", CB_MEDIA_LAYER, CB_COMPRESSION_GZIP},
    {OCI_FOREIGN "+zstd", DOCKER_FOREIGN ".zstd", CB_MEDIA_LAYER, CB_COMPRESSION_ZSTD},
};

static const struct media_type *find(const char *media_type)
{
    for (size_t i = 0; media_type && i < CB_ARRAY_SIZE(media_types); i++) {
        if (strcmp(media_types[i].oci, media_type) == 0 ||
            strcmp(media_types[i].docker, media_type) == 0)
            return &media_types[i];
    }
    return NULL;
}

int cb_compression_parse(enum cb_compression *out, const char *name)
{
    static const char *const names[] = {[CB_COMPRESSION_NONE] = "uncompressed",
                                        [CB_COMPRESSION_GZIP] = "gzip",
                                        [CB_COMPRESSION_ZSTD] = "zstd"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum cb_compression)i;
            return 1;
        }
    }
    return 0;
}

enum cb_media_kind cb_media_kind(const char *media_type)
{
    const struct media_type *found = find(media_type);

    return found ? found->kind : CB_MEDIA_UNKNOWN;
}

int cb_media_compression(const char *media_type, enum cb_compression *out)
{
    const struct media_type *found = find(media_type);

    if (!found || found->kind != CB_MEDIA_LAYER)
        return -1;
    *out = found->compression;
    return 0;
}

const char *cb_media_layer(enum cb_compression compression, int docker)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(media_types); i++) {
        const struct media_type *type = &media_types[i];

        if (type->kind == CB_MEDIA_LAYER && type->compression == compression)
            return docker ? type->docker : type->oci;
    }
    return CB_MT_OCI_LAYER;
}

const char *cb_media_translate(const char *media_type, int docker)
{
    const struct media_type *found = find(media_type);

    if (!found)
        return media_type;
    return docker ? found->docker : found->oci;
}
