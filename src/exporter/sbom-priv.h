/* Between the files that find packages. All of them read what strangers wrote: files are
 * regular, found inside the root, and bounded; what makes no sense is passed over. */
#ifndef CB_EXPORTER_SBOM_PRIV_H
#define CB_EXPORTER_SBOM_PRIV_H

#include "exporter/sbom.h"

#include "base/strbuf.h"
#include "base/vec.h"

#define CB_SBOM_MAX_PACKAGES   100000
#define CB_SBOM_MAX_TEXT       1024 /* of a name, a version, a license … */
#define CB_SBOM_DATABASE_BYTES (64u << 20)

struct cb_package {
    const char *type; /* of its package URL: "deb", "apk", "rpm", "pypi", … */
    char *name, *version;
    char *arch, *epoch, *license, *supplier; /* or NULL */
    char *path;                              /* of what tells of it */
};
struct cb_packages {
    struct cb_package *items;
    size_t count, capacity;
    size_t left_out; /* beyond CB_SBOM_MAX_PACKAGES */
};
void cb_packages_free(struct cb_packages *packages);
CB_AUTO_VALUE_DEFINE(cb_packages, cb_packages_free)
/* Empties PACKAGE into OUT, unless it has no name or version, or there are too many:
 * those are counted. What is longer than any name is none, other texts are cut. */
void cb_packages_take(struct cb_packages *out, struct cb_package *package);

struct cb_os_release {
    char *id, *version, *pretty_name; /* or NULL */
};

/* ── Where packages are told of; each adds those that it finds ── */
int cb_sbom_dpkg(const struct cb_sbom_options *options, struct cb_packages *out,
                 struct cb_error **err);
void cb_sbom_apk(const struct cb_sbom_options *options, struct cb_packages *out);
void cb_sbom_rpm(const struct cb_sbom_options *options, struct cb_packages *out);
/* Of Python, Node and Go, by a walk through all of it. */
int cb_sbom_files(const struct cb_sbom_options *options, struct cb_packages *out,
                  struct cb_error **err);
/* The modules a Go program was built of. FD is an executable file. */
void cb_sbom_go(int fd, const char *path, struct cb_packages *out);

/* Says that what PATH tells of is not in the document. */
void cb_sbom_tell(const struct cb_sbom_options *options, const char *path,
                  const char *why);
/* 1: all of the file; 0: there is none, or none that can be read, which is told. */
int cb_sbom_read(const struct cb_sbom_options *options, const char *path, size_t max,
                 struct cb_strbuf *out);
/* The next line of TEXT from *AT on, without its end: 1, or 0. Borrowed. */
int cb_sbom_line(const char *text, size_t len, size_t *at, const char **line,
                 size_t *line_len);
/* A header of an RPM, as its database has it. */
void cb_sbom_rpm_header(const unsigned char *bytes, size_t len, const char *path,
                        struct cb_packages *out);

/* ── spdx.c ── */
json_t *cb_spdx_document(const struct cb_sbom_options *options,
                         const struct cb_os_release *os,
                         const struct cb_packages *packages);

#endif
