noinst_LIBRARIES += src/engine/libengine.a
src_engine_libengine_a_SOURCES = \
	%D%/apart.c \
	%D%/build.c \
	%D%/cache-options.c \
	%D%/caches.c \
	%D%/call.c \
	%D%/contexts.c \
	%D%/builds.c \
	%D%/engine-priv.h \
	%D%/engine.h \
	%D%/failed.c \
	%D%/fields.c \
	%D%/history.c \
	%D%/journal.c \
	%D%/inputs.c \
	%D%/inputs-dockerfile.c \
	%D%/inputs-stdin.c \
	%D%/metadata.c \
	%D%/once.c \
	%D%/output-options.c \
	%D%/outputs-files.c \
	%D%/outputs-tell.c \
	%D%/outputs.c \
	%D%/request.c \
	%D%/secrets.c \
	%D%/settings-priv.h \
	%D%/settings-registries.c \
	%D%/settings.c \
	%D%/settings.h \
	%D%/squash.c \
	%D%/ssh.c \
	%D%/volumes.c \
	%D%/waste.c
