/* Git URLs: nothing that reaches a command line begins with `-`, is a pattern, or leads
 * out, and no password is left in what is shown. */
#include "context/git-url.h"
#include "context/remote.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_argument(const char *text)
{
    if (*text == '-')
        abort();
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            abort();
    }
}

static void check_ref(const struct cb_git_ref *ref)
{
    check_argument(ref->remote);
    check_argument(ref->host);
    check_argument(ref->ref);
    if (strpbrk(ref->ref, "*?[\\:~^") || strstr(ref->ref, ".."))
        abort();
    if (*ref->subdir == '/' || !strncmp(ref->subdir, "../", 3) ||
        !strcmp(ref->subdir, "..") || strstr(ref->subdir, "/../"))
        abort();
    if (ref->userinfo && strpbrk(ref->userinfo, "\r\n"))
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    cb_autofree char *text = xstrndup((const char *)data, size);
    cb_autofree char *shown = cb_redact_place(text);
    cb_autofree char *again = cb_redact_place(shown);
    cb_autofree char *name = cb_url_file_name(text);
    cb_auto_value(cb_git_ref) ref = {0};

    if (strcmp(shown, again) != 0)
        abort();
    if (name &&
        (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")))
        abort();
    if (cb_git_ref_parse(&ref, text, NULL) > 0)
        check_ref(&ref);
    return 0;
}
