/* What the text of a URL tells, and what is said where none may be asked. */
#include "context/remote.h"

#include "base/fs.h"
#include "http/http.h"

#include <string.h>

int cb_is_url(const char *text)
{
    cb_auto_value(cb_git_ref) ref = {0};

    return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) &&
           cb_git_ref_parse(&ref, text, NULL) == 0;
}

int cb_context_is_remote(const char *text)
{
    cb_auto_value(cb_git_ref) ref = {0};

    return cb_is_url(text) || cb_git_ref_parse(&ref, text, NULL) != 0;
}

char *cb_url_file_name(const char *url)
{
    const char *path = strstr(url, "://");
    cb_autofree char *decoded = NULL;
    cb_autofree char *clean = NULL;
    const char *base;

    path = path ? path + 3 : url;
    path += strcspn(path, "/?#");
    decoded = cb_url_decode(path, strcspn(path, "?#"), 0);
    clean = decoded ? cb_path_join("/", decoded) : NULL;
    base = clean ? cb_path_base(clean) : "/";
    if (!*base || strchr(base, '/') || strlen(base) > 255)
        return NULL;
    for (const unsigned char *c = (const unsigned char *)base; *c; c++) {
        if (*c < ' ' || *c == 0x7f)
            return NULL;
    }
    return xstrdup(base);
}

int cb_remote_refuse_offline(const char *host, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "not in the store, and `%s` may not be asked (--offline)", host);
    return cb_error_hint(err, "build once without --offline");
}
