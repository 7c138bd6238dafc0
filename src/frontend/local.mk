noinst_LIBRARIES += src/frontend/libfrontend.a
src_frontend_libfrontend_a_SOURCES = \
	%D%/bases-hint.c \
	%D%/bases.c \
	%D%/change.c \
	%D%/checks-stage.c \
	%D%/checks.c \
	%D%/convert-fetch.c \
	%D%/convert-copy.c \
	%D%/convert-expose.c \
	%D%/convert-healthcheck.c \
	%D%/convert-meta.c \
	%D%/convert-onbuild.c \
	%D%/convert-run-mount.c \
	%D%/convert-run.c \
	%D%/convert.c \
	%D%/epoch-stage.c \
	%D%/epoch.c \
	%D%/frontend-priv.h \
	%D%/describe-instruction.c \
	%D%/describe-priv.h \
	%D%/describe-words.c \
	%D%/describe.c \
	%D%/frontend.c \
	%D%/frontend.h \
	%D%/given.c \
	%D%/hidden.c \
	%D%/image-config.c \
	%D%/named.c \
	%D%/needs.c \
	%D%/origins.c \
	%D%/scope.c \
	%D%/stages.c
