/* ISA-L, loaded by the first who calls it: most commands neither compress nor sum
 * anything, and would pay for linking it at every start. Its functions have their own
 * names here, so that callers are those of the library. Without it the program cannot go
 * on, as if it had been linked. */
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libisal.so.2"

#define CB_ISAL_FUNCTIONS(X) \
    X(crc32_gzip_refl)       \
    X(isal_deflate_init)     \
    X(isal_deflate)          \
    X(isal_inflate_init)     \
    X(isal_inflate_reset)    \
    X(isal_inflate)

/* Set once, before the first call; only read afterwards. */
#define CB_ISAL_SLOT(name) __typeof__(&name) name;
static struct {
    CB_ISAL_FUNCTIONS(CB_ISAL_SLOT)
} loaded;

static void *resolve(void *library, const char *name)
{
    void *function = library ? dlsym(library, name) : NULL;

    if (!function) {
        fprintf(stderr, "cbuild: library `%s`: %s (Debian: apt-get install libisal2)\n",
                LIBRARY, dlerror());
        _Exit(127);
    }
    return function;
}

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *function;

#define CB_ISAL_RESOLVE(name)           \
    function = resolve(library, #name); \
    memcpy(&loaded.name, &function, sizeof(function));
    CB_ISAL_FUNCTIONS(CB_ISAL_RESOLVE)
}

static void need(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
}

uint32_t crc32_gzip_refl(uint32_t init_crc, const unsigned char *buf, uint64_t len)
{
    need();
    return loaded.crc32_gzip_refl(init_crc, buf, len);
}

void isal_deflate_init(struct isal_zstream *stream)
{
    need();
    loaded.isal_deflate_init(stream);
}

int isal_deflate(struct isal_zstream *stream)
{
    need();
    return loaded.isal_deflate(stream);
}

void isal_inflate_init(struct inflate_state *state)
{
    need();
    loaded.isal_inflate_init(state);
}

void isal_inflate_reset(struct inflate_state *state)
{
    need();
    loaded.isal_inflate_reset(state);
}

int isal_inflate(struct inflate_state *state)
{
    need();
    return loaded.isal_inflate(state);
}
