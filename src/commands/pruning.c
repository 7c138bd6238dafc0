/* How the commands that prune tell what they did. */
#include "commands/pruning.h"

#include "base/timestamp.h"

#include <stdio.h>

void cb_pruned_tell(struct cb_pruned *out, const char *heading, const char *line)
{
    if (!out->any)
        printf("%s\n", heading);
    out->any = 1;
    printf("%s\n", line);
}

void cb_pruned_print_total(const struct cb_pruned *out)
{
    cb_autofree char *size = cb_total_human(out->freed_bytes);

    printf("%sTotal reclaimed space: %s\n", out->any ? "\n" : "", size);
}
