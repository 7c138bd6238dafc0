/* gzip-floor FILE OUT [CORES]: the least that an archive with FILE, a layer's tar, as
 * gzip can take: reading it, igzip's first level in pieces of 1 MiB, SHA-256 of what goes
 * in and of what comes out, and writing that to OUT, once. Each is done alone and
 * measured in processor time, so other work on the machine counts for little; the floor
 * is their sum, spread over the cores as evenly as it can be. Nothing is synced. Build:
 * gcc -O2 gzip-floor.c -lisal -lcrypto */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIECE (1u << 20)
#define ROOM  (PIECE + PIECE / 4)

enum { READ, COMPRESS, DIGEST_IN, DIGEST_OUT, WRITE, PHASES };
static const char *const names[PHASES] = {"read", "igzip", "sha256 of the tar",
                                          "sha256 of the gzip", "write"};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t compress_piece(unsigned char *in, size_t len, unsigned char *out)
{
    static unsigned char work[ISAL_DEF_LVL1_DEFAULT];
    struct isal_zstream stream;

    isal_deflate_init(&stream);
    stream.level = 1;
    stream.level_buf = work;
    stream.level_buf_size = sizeof(work);
    stream.flush = FULL_FLUSH;
    stream.next_in = in;
    stream.avail_in = (uint32_t)len;
    stream.next_out = out;
    stream.avail_out = ROOM;
    if (isal_deflate(&stream) != COMP_OK || stream.avail_in)
        return 0;
    return ROOM - stream.avail_out;
}

int main(int argc, char **argv)
{
    static unsigned char in[PIECE], out[ROOM];
    double spent[PHASES] = {0}, sum = 0;
    long cores = argc > 3 ? atol(argv[3]) : sysconf(_SC_NPROCESSORS_ONLN);
    int from = argc > 2 ? open(argv[1], O_RDONLY) : -1;
    int to = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    SHA256_CTX tar, gzip;
    ssize_t len;

    if (from < 0 || to < 0 || cores < 1)
        return 2;
    SHA256_Init(&tar);
    SHA256_Init(&gzip);
    for (;;) {
        double at[PHASES + 1];
        size_t made;

        at[READ] = now();
        len = read(from, in, PIECE);
        if (len <= 0)
            break;
        at[COMPRESS] = now();
        made = compress_piece(in, (size_t)len, out);
        at[DIGEST_IN] = now();
        SHA256_Update(&tar, in, (size_t)len);
        at[DIGEST_OUT] = now();
        SHA256_Update(&gzip, out, made);
        at[WRITE] = now();
        if (made == 0 || write(to, out, made) != (ssize_t)made)
            return 1;
        at[PHASES] = now();
        for (int i = 0; i < PHASES; i++)
            spent[i] += at[i + 1] - at[i];
    }
    for (int i = 0; i < PHASES; i++) {
        printf("  %-20s %6.3f s\n", names[i], spent[i]);
        sum += spent[i];
    }
    printf("  on %ld cores         %6.3f s\n", cores, sum / (double)cores);
    return 0;
}
