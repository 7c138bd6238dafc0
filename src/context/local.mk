noinst_LIBRARIES += src/context/libcontext.a
src_context_libcontext_a_SOURCES = \
	%D%/context-priv.h \
	%D%/context-time.c \
	%D%/context.c \
	%D%/context.h \
	%D%/ignore-find.c \
	%D%/ignore-git.c \
	%D%/ignore-parse.c \
	%D%/ignore-priv.h \
	%D%/ignore.c \
	%D%/ignore.h \
	%D%/list.c \
	%D%/list.h \
	%D%/local.c \
	%D%/tarball.c
