/* Stands in an image for the dynamic linker, so that whatever program of the host is
 * executed in a step starts here. Ends with the errno of an attempt to write to that
 * program, 0 for a success. No C library: there is none when a linker starts. */
#include <asm/unistd.h>

static long call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

void _start(void)
{
    /* O_TRUNC, so that a read-only mount is told before a program that is running is */
    long fd = call(__NR_openat, -100, (long)"/proc/self/exe", 01001, 0);

    call(__NR_exit_group, fd < 0 ? -fd : 0, 0, 0, 0);
}
