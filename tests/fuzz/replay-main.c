/* Runs a fuzz target on the files given, without a fuzzer: corpus replay in `make check`.
 * A directory stands for the files in it. */
#include "base/strbuf.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    cb_auto_value(cb_strbuf) text = {0};
    FILE *file = fopen(path, "rb");
    char block[65536];
    size_t count;

    if (!file) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return 1;
    }
    while ((count = fread(block, 1, sizeof(block), file)) > 0)
        cb_strbuf_add(&text, block, count);
    fclose(file);
    LLVMFuzzerTestOneInput((const uint8_t *)cb_strbuf_text(&text), text.len);
    return 0;
}

static int run(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int status = 0;

    if (!dir)
        return run_file(path);
    while ((entry = readdir(dir))) {
        cb_autofree char *inner = xasprintf("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.')
            status |= run_file(inner);
    }
    closedir(dir);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++)
        status |= run(argv[i]);
    return status;
}
