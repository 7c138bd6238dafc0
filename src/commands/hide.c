/* What ps shows is the memory that argv points to. Words are looked at before anybody
 * knows the command's options, so what only looks like one of them, an argument of a
 * program in a container, is hidden, too: it gets there all the same. */
#include "commands/hide.h"

#include "base/redact.h"

#include <string.h>

static const char *const options[] = {"--creds", "--src-creds", "--dest-creds",
                                      "--password"};

/* Where the password begins that WORD has; AFTER it in the next; or NULL: it has none. */
static char *password_of(char *word, int is_login, int *after)
{
    *after = 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(options); i++) {
        size_t len = strlen(options[i]);

        if (strncmp(word, options[i], len) != 0)
            continue;
        *after = !word[len];
        return word[len] == '=' ? word + len + 1 : NULL;
    }
    if (!is_login || strncmp(word, "-p", 2) != 0)
        return NULL;
    *after = !word[2];
    return word[2] ? word + 2 : NULL;
}

/* Hides SECRET, the end of *WORD, which goes on as a copy. */
static void hide(char **word, char *secret, struct cb_strings *kept)
{
    cb_strings_add(kept, *word);
    memset(secret, 'x', strlen(secret));
    *word = kept->items[kept->count - 1];
}

/* Who one is to the servers of URLs, and their parameters that are secret. */
static void hide_in_urls(char **word, struct cb_strings *kept)
{
    char *shown = *word;
    struct cb_url_secrets urls = {.len = strlen(shown)};
    struct cb_span secret;

    if (!strstr(shown, "://"))
        return;
    cb_strings_add(kept, shown);
    urls.text = *word = kept->items[kept->count - 1];
    while (cb_url_secrets_next(&urls, &secret))
        memset(shown + secret.start, 'x', secret.end - secret.start);
}

void cb_hide_passwords(int count, char **words, struct cb_strings *kept)
{
    int is_login = 0, is_next = 0;

    for (int i = 0; i < count; i++) {
        int after;
        char *password = password_of(words[i], is_login, &after);

        if (is_next)
            password = words[i];
        is_login |= strcmp(words[i], "login") == 0;
        is_next = after && !is_next;
        if (password)
            hide(&words[i], password, kept);
        else
            hide_in_urls(&words[i], kept);
    }
}
