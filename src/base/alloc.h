/* Allocation that cannot fail, and scope-bound ownership.
 *
 * Running out of memory aborts: the store survives SIGKILL at any instruction, so
 * there is nothing better to do. Sizes that come from outside are bounded before
 * they reach these functions. */
#ifndef CB_BASE_ALLOC_H
#define CB_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define CB_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define CB_NONNULL                    __attribute__((nonnull))

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
/* Like xrealloc for COUNT elements of SIZE bytes; aborts on overflow. */
void *xreallocarray(void *ptr, size_t count, size_t size);
/* xstrdup(NULL) is NULL. */
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t max);
void *xmemdup(const void *bytes, size_t len);
char *xasprintf(const char *format, ...) CB_PRINTF(1, 2);
char *xvasprintf(const char *format, va_list args) CB_PRINTF(1, 0);

static inline void cb_free_cleanup(void *slot)
{
    free(*(void **)slot);
}

/* Closes *FD if it is not negative, keeps errno, and sets it to -1. */
void cb_close(int *fd);

/* A pointer freed, or a descriptor closed, when the scope ends. Always initialised. */
#define cb_autofree __attribute__((cleanup(cb_free_cleanup), __unused__))
#define cb_autofd   __attribute__((cleanup(cb_close), __unused__))

/* CB_AUTO_DEFINE(cb_store, cb_store_close) after the prototype of the destructor, then
 * `cb_auto(cb_store) store = NULL;` releases it at the end of the scope. The destructor
 * accepts NULL. */
#define CB_AUTO_DEFINE(type, destructor)                   \
    static inline void type##_cleanup_(struct type **slot) \
    {                                                      \
        destructor(*slot);                                 \
    }
#define cb_auto(type) __attribute__((cleanup(type##_cleanup_), __unused__)) struct type *

/* For structs that live on the stack: CB_AUTO_VALUE_DEFINE(cb_strbuf, cb_strbuf_free),
 * then `cb_auto_value(cb_strbuf) text = {0};`. */
#define CB_AUTO_VALUE_DEFINE(type, destructor)                   \
    static inline void type##_value_cleanup_(struct type *value) \
    {                                                            \
        destructor(value);                                       \
    }
#define cb_auto_value(type) \
    __attribute__((cleanup(type##_value_cleanup_), __unused__)) struct type

static inline void *cb_steal_(void *slot)
{
    void *value = *(void **)slot;

    *(void **)slot = NULL;
    return value;
}

/* Hands a pointer on: yields the value and leaves NULL behind. */
#define cb_steal(slot) ((__typeof__(*(slot)))cb_steal_(slot))

static inline int cb_steal_fd(int *fd)
{
    int value = *fd;

    *fd = -1;
    return value;
}

#define CB_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
