noinst_LIBRARIES += src/registry/libregistry.a
src_registry_libregistry_a_SOURCES = \
	%D%/artifact.c \
	%D%/auth.c \
	%D%/blob.c \
	%D%/call.c \
	%D%/challenge.c \
	%D%/challenge.h \
	%D%/credentials.c \
	%D%/credentials-file.c \
	%D%/credentials.h \
	%D%/document.c \
	%D%/fan-out.c \
	%D%/hosts.c \
	%D%/layout.c \
	%D%/login.c \
	%D%/pages.c \
	%D%/pages.h \
	%D%/places.c \
	%D%/progress.c \
	%D%/pull.c \
	%D%/push-index.c \
	%D%/push.c \
	%D%/registry-priv.h \
	%D%/registry.c \
	%D%/registry.h \
	%D%/resolve.c \
	%D%/restore.c \
	%D%/search.c \
	%D%/search.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/tags.c \
	%D%/tree.c \
	%D%/tree.h \
	%D%/upload.c \
	%D%/upload.h
