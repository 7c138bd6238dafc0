/* The mathematical functions that SQLite has for SQL, of which no statement of ours uses
 * one. To be linked with their library costs each start a tenth of a millisecond
 * (docs/benchmarks.md); so it is loaded by the first call, if there ever is one. */
#include <dlfcn.h>
#include <math.h>
#include <string.h>

#define LIBRARY "libm.so.6"

static int find(const char *name, void *slot)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    void *function = library ? dlsym(library, name) : NULL;

    memcpy(slot, &function, sizeof(function));
    return function != NULL;
}

#define OF_ONE(name)                                       \
    double name(double x)                                  \
    {                                                      \
        double (*function)(double);                        \
                                                           \
        return find(#name, &function) ? function(x) : NAN; \
    }
#define OF_TWO(name)                                          \
    double name(double x, double y)                           \
    {                                                         \
        double (*function)(double, double);                   \
                                                              \
        return find(#name, &function) ? function(x, y) : NAN; \
    }

OF_ONE(acos)
OF_ONE(acosh)
OF_ONE(asin)
OF_ONE(asinh)
OF_ONE(atan)
OF_ONE(atanh)
OF_ONE(cos)
OF_ONE(cosh)
OF_ONE(exp)
OF_ONE(log)
OF_ONE(log10)
OF_ONE(log2)
OF_ONE(sin)
OF_ONE(sinh)
OF_ONE(sqrt)
OF_ONE(tan)
OF_ONE(tanh)
OF_ONE(trunc)
OF_TWO(atan2)
OF_TWO(fmod)
OF_TWO(pow)
