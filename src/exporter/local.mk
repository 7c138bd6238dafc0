noinst_LIBRARIES += src/exporter/libexporter.a
src_exporter_libexporter_a_SOURCES = \
	%D%/archive-writer.c \
	%D%/archive-writer.h \
	%D%/archive.h \
	%D%/copy.c \
	%D%/copy.h \
	%D%/copy-dir.c \
	%D%/copy-end.c \
	%D%/copy-priv.h \
	%D%/copy-source.c \
	%D%/copy-target.c \
	%D%/buffered.c \
	%D%/buffered.h \
	%D%/cache-image.c \
	%D%/docker.c \
	%D%/exporter.h \
	%D%/image.c \
	%D%/import.c \
	%D%/keeper.c \
	%D%/keeper.h \
	%D%/load-image.c \
	%D%/load-priv.h \
	%D%/load.c \
	%D%/members-dir.c \
	%D%/members.c \
	%D%/members.h \
	%D%/oci.c \
	%D%/plan.c \
	%D%/save-layout.c \
	%D%/save.c \
	%D%/squash.c \
	%D%/tree-dir.c \
	%D%/tree-tar.c \
	%D%/tree.h
