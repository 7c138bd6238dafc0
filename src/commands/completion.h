/* What may be completed, by name: printed where it begins as the word does that is being
 * typed. Whatever cannot be found out is left out. */
#ifndef CB_COMMANDS_COMPLETION_H
#define CB_COMMANDS_COMPLETION_H

#include "commands/commands.h"

struct cb_completion {
    struct cb_app *app;
    int argc; /* the words before */
    char **argv;
    const char *word;
    const char *prefix; /* of all candidates, and of WORD before it: "--target=", or "" */
};

/* HELP may be NULL. */
void cb_complete_offer(const struct cb_completion *at, const char *candidate,
                       const char *help);
/* WORDS has blanks between them. */
void cb_complete_words(const struct cb_completion *at, const char *words);
void cb_complete_images(const struct cb_completion *at);
void cb_complete_containers(const struct cb_completion *at);
void cb_complete_builds(const struct cb_completion *at);
void cb_complete_caches(const struct cb_completion *at);
void cb_complete_outbox(const struct cb_completion *at);
void cb_complete_networks(const struct cb_completion *at);
void cb_complete_volumes(const struct cb_completion *at);
/* Of the Dockerfile that -f or PATH names, or the one here. */
void cb_complete_stages(const struct cb_completion *at);
/* The value of an option. */
void cb_complete_value(const struct cb_completion *at,
                       const struct cb_cli_command *command,
                       const struct cb_option *option);

#endif
