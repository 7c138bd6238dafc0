/* What save, load and import have in common. */
#ifndef CB_COMMANDS_ARCHIVE_H
#define CB_COMMANDS_ARCHIVE_H

#include "commands/commands.h"
#include "commands/progress.h"
#include "exporter/exporter.h"

/* Everything the archive calls need. */
struct cb_archive_session {
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_progress *progress;
    struct cb_registry *registry; /* of `save` */
    struct cb_archive_env env;
};
/* QUIET: without progress. */
int cb_archive_session_open(struct cb_archive_session *session, struct cb_app *app,
                            enum cb_store_wish wish, int quiet, struct cb_error **err);
void cb_archive_session_close(struct cb_archive_session *session);
CB_AUTO_VALUE_DEFINE(cb_archive_session, cb_archive_session_close)

/* PATH "-" or NULL: standard input, unless it is a terminal. WAY: how a file is named. */
int cb_archive_input(const char *path, const char *way, int *fd, struct cb_error **err);

#endif
