/* cbuild lint: what was found in each file, and the formats it is printed in. */
#ifndef CB_COMMANDS_LINT_H
#define CB_COMMANDS_LINT_H

#include "frontend/frontend.h"

struct cb_lint_file {
    char *name;               /* as shown */
    struct cb_source *source; /* NULL: it could not be read */
    struct cb_check_result result;
};
struct cb_lint_files {
    struct cb_lint_file *items;
    size_t count, capacity;
};

struct cb_lint_format {
    const char *name;
    void (*files)(struct cb_strbuf *out, const struct cb_lint_files *files);
    void (*rules)(struct cb_strbuf *out); /* --rules; NULL: not in this format */
};
extern const struct cb_lint_format cb_lint_text, cb_lint_json, cb_lint_sarif;

#endif
