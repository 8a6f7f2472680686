#include "dash/dash_versions.h"

#include "base/mem.h"
#include "sys/db.h"

#define SCHEMA                                                                                     \
    "CREATE TABLE IF NOT EXISTS version ("                                                         \
    "uid TEXT, number INTEGER, created INTEGER, author TEXT, message TEXT, hash INTEGER, "         \
    "text TEXT, PRIMARY KEY (uid, number)) WITHOUT ROWID"

enum dash_statement { NEWEST, INSERT, TRIM, LIST, GET, STATEMENT_COUNT };

static const char *const statements[STATEMENT_COUNT] = {
    [NEWEST] = "SELECT number, hash FROM version WHERE uid = ? ORDER BY number DESC LIMIT 1",
    [INSERT] = "INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?)",
    [TRIM] = "DELETE FROM version WHERE uid = ? AND number <= ?",
    [LIST] = "SELECT number, created, author, message FROM version WHERE uid = ? "
             "ORDER BY number DESC",
    [GET] = "SELECT number, created, author, message, text FROM version "
            "WHERE uid = ? AND number = ?",
};

struct dash_versions {
    struct db *db;
    struct db_query *queries[STATEMENT_COUNT];
};

int dash_versions_open(const char *path, struct dash_versions **ret, struct baro_error *err)
{
    CLEANUP(dash_versions_closep)
    struct dash_versions *versions = MEM_NEW(struct dash_versions);
    int r = db_open(path, SCHEMA, DB_SYNC_NORMAL, &versions->db, err);

    for (size_t i = 0; i < STATEMENT_COUNT && r >= 0; i++) {
        r = db_prepare(versions->db, statements[i], &versions->queries[i], err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE(versions);
    return 0;
}

struct dash_versions *dash_versions_close(struct dash_versions *versions)
{
    if (versions != NULL) {
        for (size_t i = 0; i < STATEMENT_COUNT; i++) {
            (void)db_query_free(versions->queries[i]);
        }
        (void)db_close(versions->db);
        (void)mem_free(versions);
    }
    return NULL;
}

static int newest(struct dash_versions *versions, str uid, int64_t *ret_number, int64_t *ret_hash,
                  struct baro_error *err)
{
    struct db_query *query = versions->queries[NEWEST];
    int r;

    db_bind_str(query, 1, uid);
    r = db_query_step(query, err);
    *ret_number = r > 0 ? db_column_i64(query, 0) : 0;
    *ret_hash = r > 0 ? db_column_i64(query, 1) : 0;
    db_query_reset(query);
    return r;
}

int dash_versions_note(struct dash_versions *versions, str uid, const struct dash_version *version,
                       int64_t *ret_number, struct baro_error *err)
{
    struct db_query *insert = versions->queries[INSERT];
    struct db_query *trim = versions->queries[TRIM];
    int64_t hash = (int64_t)str_hash_stable(version->text);
    int64_t known_hash = 0;
    int r = newest(versions, uid, ret_number, &known_hash, err);

    if (r < 0 || (r > 0 && known_hash == hash)) {
        return r < 0 ? r : 0;
    }
    ++*ret_number;
    db_bind_str(insert, 1, uid);
    db_bind_i64(insert, 2, *ret_number);
    db_bind_i64(insert, 3, version->created);
    db_bind_str(insert, 4, version->author);
    db_bind_str(insert, 5, version->message);
    db_bind_i64(insert, 6, hash);
    db_bind_str(insert, 7, version->text);
    r = db_query_run(insert, err);
    if (r >= 0) {
        db_bind_str(trim, 1, uid);
        db_bind_i64(trim, 2, *ret_number - DASH_VERSIONS_MAX);
        r = db_query_run(trim, err);
    }
    return r;
}

static struct dash_version read_row(struct arena *arena, struct db_query *query)
{
    return (struct dash_version){.number = db_column_i64(query, 0),
                                 .created = db_column_i64(query, 1),
                                 .author = arena_str(arena, db_column_str(query, 2)),
                                 .message = arena_str(arena, db_column_str(query, 3))};
}

int dash_versions_list(struct dash_versions *versions, struct arena *arena, str uid,
                       struct dash_version **ret, size_t *ret_count, struct baro_error *err)
{
    struct db_query *query = versions->queries[LIST];
    struct dash_version *rows = ARENA_ARRAY(arena, struct dash_version, DASH_VERSIONS_MAX);
    size_t count = 0;
    int r = 0;

    db_bind_str(query, 1, uid);
    while (count < DASH_VERSIONS_MAX && (r = db_query_step(query, err)) > 0) {
        rows[count++] = read_row(arena, query);
    }
    db_query_reset(query);
    if (r >= 0) {
        *ret = rows;
        *ret_count = count;
    }
    return r < 0 ? r : 0;
}

int dash_versions_get(struct dash_versions *versions, struct arena *arena, str uid, int64_t number,
                      struct dash_version *ret, struct baro_error *err)
{
    struct db_query *query = versions->queries[GET];
    int r;

    db_bind_str(query, 1, uid);
    db_bind_i64(query, 2, number);
    r = db_query_step(query, err);
    if (r > 0) {
        *ret = read_row(arena, query);
        ret->text = arena_str(arena, db_column_str(query, 4));
    }
    db_query_reset(query);
    return r == 0 ? error_set(err, BARO_ENOTFOUND, "no version %lld of this dashboard",
                              (long long)number)
                  : r;
}
