/* Runs a fuzz target on the files given, or in the directories given, without a fuzzer.
 * As part of `make check`, with no arguments, on its corpus: replay-NAME takes
 * $CB_SRCDIR/tests/fuzz/corpus/NAME and answers in TAP. */
#include "base/strbuf.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Number of files run, -1 if one cannot be read. */
static int run_file(const char *path)
{
    cb_auto_value(cb_strbuf) text = {0};
    FILE *file = fopen(path, "rb");
    char block[65536];
    size_t count;

    if (!file) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    while ((count = fread(block, 1, sizeof(block), file)) > 0)
        cb_strbuf_add(&text, block, count);
    fclose(file);
    LLVMFuzzerTestOneInput((const uint8_t *)cb_strbuf_text(&text), text.len);
    return 1;
}

static int run(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (!dir)
        return run_file(path);
    while (count >= 0 && (entry = readdir(dir))) {
        cb_autofree char *inner = xasprintf("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.')
            count = run_file(inner) < 0 ? -1 : count + 1;
    }
    closedir(dir);
    return count;
}

static int replay_corpus(const char *program)
{
    const char *srcdir = getenv("CB_SRCDIR"), *dash = strstr(program, "replay-");
    const char *name = dash ? dash + strlen("replay-") : program;
    cb_autofree char *path =
        xasprintf("%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
    int count = run(path);

    printf("1..1\n%s 1 - %s: %d files of the corpus\n", count > 0 ? "ok" : "not ok", name,
           count);
    return count > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc == 1)
        return replay_corpus(argv[0]);
    for (int i = 1; i < argc; i++)
        status |= run(argv[i]) < 0;
    return status;
}
