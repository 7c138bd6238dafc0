/* How long parsing takes: parse-speed [FILE] prints the best of twenty times, for FILE or
 * for a Dockerfile of 10,000 instructions of all common forms. */
#include "parser/parser.h"

#include "base/strbuf.h"

#include <stdio.h>
#include <time.h>

#define INSTRUCTIONS 10000
#define TIMES        20

static void generate(struct cb_strbuf *out)
{
    static const char *const lines[] = {
        "ENV A=1 B=\"x $A\"",
        "RUN --mount=type=cache,target=/c apt-get update && \\\n    apt-get install -y x",
        "COPY --chown=1:1 --from=base a b /c/",
        "CMD [\"a\", \"b\"]",
        "LABEL a=b c=d",
        "WORKDIR /w/$A",
        "RUN <<EOF\nx\nEOF",
        "EXPOSE 80 443",
        "ARG X=1",
    };

    cb_strbuf_adds(out, "FROM busybox AS base\n");
    for (unsigned i = 1; i < INSTRUCTIONS; i++)
        cb_strbuf_addf(out, "%s\n", lines[i % CB_ARRAY_SIZE(lines)]);
}

static int read_file(const char *path, struct cb_strbuf *out)
{
    FILE *file = fopen(path, "rb");
    char block[65536];
    size_t count;

    if (!file)
        return -1;
    while ((count = fread(block, 1, sizeof(block), file)) > 0)
        cb_strbuf_add(out, block, count);
    fclose(file);
    return 0;
}

static double parse_ms(const struct cb_strbuf *text)
{
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) file = NULL;
    cb_auto(cb_error) error = NULL;
    struct timespec from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    source = cb_source_new("Dockerfile", cb_strbuf_text(text), text->len);
    if (cb_dockerfile_parse(&file, source, &error) < 0)
        fprintf(stderr, "%s\n", cb_error_message(error));
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (double)(to.tv_sec - from.tv_sec) * 1e3 +
           (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
    cb_auto_value(cb_strbuf) text = {0};
    double best = 0;

    if (argc < 2)
        generate(&text);
    else if (read_file(argv[1], &text) < 0)
        return 1;
    for (int i = 0; i < TIMES; i++) {
        double took = parse_ms(&text);

        best = i == 0 || took < best ? took : best;
    }
    printf("%zu bytes: %.2f ms\n", text.len, best);
    return 0;
}
