noinst_LIBRARIES += src/cache/libcache.a
src_cache_libcache_a_SOURCES = \
	%D%/cache.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/local.c \
	%D%/parts-json.c \
	%D%/parts-json.h
