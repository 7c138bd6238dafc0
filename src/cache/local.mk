noinst_LIBRARIES += src/cache/libcache.a
src_cache_libcache_a_SOURCES = \
	%D%/cache.h \
	%D%/collect.c \
	%D%/deferred.c \
	%D%/deferred.h \
	%D%/document.c \
	%D%/document.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/export.c \
	%D%/layered.c \
	%D%/layered.h \
	%D%/local.c \
	%D%/parts-json.c \
	%D%/parts-json.h \
	%D%/remote.c \
	%D%/remote.h
