/* Passwords in the command line, which everybody on the machine can read. */
#ifndef CB_COMMANDS_HIDE_H
#define CB_COMMANDS_HIDE_H

#include "base/vec.h"

/* Overwrites in the process's own arguments what the COUNT WORDS have as passwords
 * (--creds and its like, `login -p`, those of URLs), and puts copies in their place,
 * which KEPT owns. */
void cb_hide_passwords(int count, char **words, struct cb_strings *kept);

#endif
