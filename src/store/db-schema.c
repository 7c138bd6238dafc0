/* The tables. Digests are text in their usual form, so that sqlite3(1) shows them to
 * people. A migration is a row more in the table below; rows are never edited once
 * released. */
#include "store/db-priv.h"

#include <stdio.h>

static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE images("
    "  id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created_ns INTEGER NOT NULL,"
    "  durable INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE image_layers("
    "  image TEXT NOT NULL, position INTEGER NOT NULL, diff_id TEXT NOT NULL,"
    "  chain_id TEXT NOT NULL, PRIMARY KEY(image, position)) WITHOUT ROWID;"
    "CREATE INDEX image_layers_diff ON image_layers(diff_id);"
    "CREATE TABLE names(name TEXT PRIMARY KEY, image TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX names_image ON names(image);"
    "CREATE TABLE repo_digests("
    "  image TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,"
    "  PRIMARY KEY(image, name, digest)) WITHOUT ROWID;"
    "CREATE INDEX repo_digests_digest ON repo_digests(digest, name);"
    "CREATE TABLE resolutions("
    "  name TEXT NOT NULL, platform TEXT NOT NULL, manifest TEXT NOT NULL,"
    "  when_s INTEGER NOT NULL, PRIMARY KEY(name, platform)) WITHOUT ROWID;"
    /* boot: of the machine run in which it was committed; counts while not synced.
     * cut: hides everything below it, the root of the layer being opaque. */
    "CREATE TABLE snapshots("
    "  id TEXT PRIMARY KEY, parent TEXT NOT NULL, depth INTEGER NOT NULL,"
    "  created_ns INTEGER NOT NULL, boot TEXT NOT NULL, synced INTEGER NOT NULL,"
    "  committed INTEGER NOT NULL, cut INTEGER NOT NULL DEFAULT 0,"
    "  diff_id TEXT NOT NULL DEFAULT '', tree TEXT NOT NULL DEFAULT '',"
    "  tar_bytes INTEGER NOT NULL DEFAULT -1, size_bytes INTEGER NOT NULL DEFAULT -1)"
    "  WITHOUT ROWID;"
    "CREATE INDEX snapshots_parent ON snapshots(parent);"
    "CREATE TABLE facts("
    "  snapshot TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY(snapshot, key)) WITHOUT ROWID;"
    "CREATE TABLE pins("
    "  snapshot TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY(snapshot, owner))"
    "  WITHOUT ROWID;"
    "CREATE TABLE chains(chain_id TEXT PRIMARY KEY, snapshot TEXT NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE INDEX chains_snapshot ON chains(snapshot);"
    "CREATE TABLE layer_blobs("
    "  diff_id TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL,"
    "  compression INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(diff_id, digest))"
    "  WITHOUT ROWID;"
    "CREATE TABLE records("
    "  key TEXT PRIMARY KEY, identity TEXT NOT NULL, snapshot TEXT NOT NULL,"
    "  created_ns INTEGER NOT NULL, used_ns INTEGER NOT NULL, name TEXT NOT NULL,"
    "  parts TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX records_identity ON records(identity);"
    "CREATE INDEX records_name ON records(name, created_ns);"
    "CREATE INDEX records_snapshot ON records(snapshot);",
    /* 2: steps by their instruction, whatever their number; how long they took; what a
     * snapshot's own files take on disk, -1 while nobody has looked */
    "CREATE INDEX records_text ON records(substr(name, instr(name,'] ')), created_ns);"
    "CREATE TABLE durations("
    "  name TEXT PRIMARY KEY, ms INTEGER NOT NULL, when_s INTEGER NOT NULL)"
    "  WITHOUT ROWID;"
    "ALTER TABLE snapshots ADD COLUMN disk_bytes INTEGER NOT NULL DEFAULT -1;",
    /* 3: a name of several images, one per platform, in the order of their index; the one
     * in `names` is among them. image_names: which images any name reaches */
    "CREATE TABLE name_platforms("
    "  name TEXT NOT NULL, position INTEGER NOT NULL, platform TEXT NOT NULL,"
    "  image TEXT NOT NULL, PRIMARY KEY(name, position)) WITHOUT ROWID;"
    "CREATE INDEX name_platforms_image ON name_platforms(image);"
    "CREATE VIEW image_names AS SELECT name, image FROM names"
    "  UNION ALL SELECT name, image FROM name_platforms;",
};

int cb_db_schema_known(void)
{
    return (int)CB_ARRAY_SIZE(migrations);
}

static int read_version(struct cb_db *db, int *version, struct cb_error **err)
{
    sqlite3_stmt *statement = NULL;
    int result = 0;

    if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        result = cb_db_error(db, "read the version", err);
    else
        *version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static int apply_missing(struct cb_db *db, struct cb_error **err)
{
    cb_transaction transaction = {0};
    char pragma[64];
    int version = 0;
    size_t i;

    if (cb_db_begin(db, 1, &transaction, err) < 0 || read_version(db, &version, err) < 0)
        return -1;
    for (i = (size_t)version; i < CB_ARRAY_SIZE(migrations); i++) {
        if (cb_db_exec(db, migrations[i], err) < 0)
            return -1;
    }
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%zu",
             CB_ARRAY_SIZE(migrations));
    if (cb_db_exec(db, pragma, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_migrate(struct cb_db *db, int read_only, struct cb_error **err)
{
    int version = 0;
    int known = cb_db_schema_known();

    if (read_version(db, &version, err) < 0)
        return -1;
    if (version == known)
        return 0;
    if (version > known || version < 0)
        return cb_error_set(
            err, CB_ERR_UNSUPPORTED,
            "index `meta.db` has version %d, known are up to %d (written by "
            "a later cbuild)",
            version, known);
    if (read_only)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "index `meta.db` has version %d and may not be migrated: the "
                            "store is read-only",
                            version);
    if (version == 0 && cb_db_exec(db, "PRAGMA journal_mode=WAL", err) < 0)
        return -1;
    return apply_missing(db, err);
}
