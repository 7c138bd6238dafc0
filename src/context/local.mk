noinst_LIBRARIES += src/context/libcontext.a
src_context_libcontext_a_SOURCES = \
	%D%/context-priv.h \
	%D%/context-time.c \
	%D%/context.c \
	%D%/context.h \
	%D%/ignore-parse.c \
	%D%/ignore.c \
	%D%/local.c \
	%D%/tarball.c
