noinst_LIBRARIES += src/http/libhttp.a
src_http_libhttp_a_SOURCES = \
	%D%/client.c \
	%D%/curl-lib.c \
	%D%/curl-lib.h \
	%D%/hop-request.c \
	%D%/hop.c \
	%D%/host.c \
	%D%/http-priv.h \
	%D%/http.h \
	%D%/proxy.c \
	%D%/proxy.h \
	%D%/range.c \
	%D%/range.h \
	%D%/redirect.c \
	%D%/retry.c \
	%D%/retry.h \
	%D%/url.c
