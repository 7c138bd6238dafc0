/* The launcher as a program of its own: small, static and without a dynamic linker, so it
 * starts in half the time of cbuild and a child is a copy of less. */
#include "executor/executor.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    cb_launcher_reenter(argc, argv);
    fputs("cbuild-launcher: cbuild starts this by itself\n", stderr);
    return 2;
}
