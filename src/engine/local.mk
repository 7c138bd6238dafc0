noinst_LIBRARIES += src/engine/libengine.a
src_engine_libengine_a_SOURCES = \
	%D%/build.c \
	%D%/builds.c \
	%D%/engine-priv.h \
	%D%/engine.h \
	%D%/history.c \
	%D%/inputs.c \
	%D%/limits.c \
	%D%/request.c \
	%D%/secrets.c
