noinst_LIBRARIES += src/context/libcontext.a
src_context_libcontext_a_SOURCES = \
	%D%/context-priv.h \
	%D%/context-time.c \
	%D%/context.c \
	%D%/context.h \
	%D%/git-checkout.c \
	%D%/git-clean.c \
	%D%/git-passing.c \
	%D%/git-query-priv.h \
	%D%/git-query.c \
	%D%/git-resolve.c \
	%D%/git-run.c \
	%D%/git-shared.c \
	%D%/git-submodules.c \
	%D%/git-tree.c \
	%D%/git-url.c \
	%D%/git-url.h \
	%D%/ignore-find.c \
	%D%/ignore-git.c \
	%D%/ignore-parse.c \
	%D%/ignore-priv.h \
	%D%/ignore.c \
	%D%/ignore.h \
	%D%/list.c \
	%D%/list.h \
	%D%/local.c \
	%D%/pins.h \
	%D%/remote-auth.c \
	%D%/remote-priv.h \
	%D%/remote-time.c \
	%D%/remote.c \
	%D%/remote.h \
	%D%/tarball.c \
	%D%/url-fetch.c \
	%D%/url-memory.c \
	%D%/url-name.c
