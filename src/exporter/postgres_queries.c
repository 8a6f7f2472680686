#include "exporter/postgres_queries.h"

#include "base/attr.h"

#define COUNTER BARO_COUNTER
#define GAUGE   BARO_GAUGE
#define LABEL   ((enum baro_type)0)
#define COLUMNS (const struct pg_column[])
#define END                                                                                        \
    {                                                                                              \
        NULL, LABEL, NULL                                                                          \
    }

const struct pg_query pg_queries[] = {
    {"bgwriter", "pg_stat_bgwriter", 0, 170000,
     "SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time / 1000.0,"
     " checkpoint_sync_time / 1000.0, buffers_checkpoint, buffers_clean, maxwritten_clean,"
     " buffers_backend, buffers_backend_fsync, buffers_alloc FROM pg_stat_bgwriter",
     COLUMNS{{"checkpoints_timed_total", COUNTER, "Checkpoints that were due."},
             {"checkpoints_req_total", COUNTER, "Checkpoints that were asked for."},
             {"checkpoint_write_time_total", COUNTER, "Seconds of writing in checkpoints."},
             {"checkpoint_sync_time_total", COUNTER, "Seconds of syncing in checkpoints."},
             {"buffers_checkpoint_total", COUNTER, "Buffers written by checkpoints."},
             {"buffers_clean_total", COUNTER, "Buffers written by the background writer."},
             {"maxwritten_clean_total", COUNTER,
              "Times that the background writer stopped because it had written too much."},
             {"buffers_backend_total", COUNTER, "Buffers written by backends."},
             {"buffers_backend_fsync_total", COUNTER, "Syncs that backends had to do themselves."},
             {"buffers_alloc_total", COUNTER, "Buffers allocated."},
             END}},
    {"database", "pg_database", 0, 0,
     "SELECT datname, pg_database_size(oid), datconnlimit FROM pg_database"
     " WHERE datallowconn AND has_database_privilege(oid, 'CONNECT') ORDER BY datname",
     COLUMNS{{"datname", LABEL, NULL},
             {"size_bytes", GAUGE, "Disk space of a database."},
             {"connection_limit", GAUGE, "Connections that a database allows, -1 = any number."},
             END}},
    {"locks", "pg_locks", 0, 0,
     "SELECT coalesce(d.datname, ''), l.mode, count(*) FROM pg_locks l"
     " LEFT JOIN pg_database d ON d.oid = l.database GROUP BY 1, 2 ORDER BY 1, 2",
     COLUMNS{{"datname", LABEL, NULL},
             {"mode", LABEL, NULL},
             {"count", GAUGE, "Locks held or awaited."},
             END}},
    {"postmaster", "pg_postmaster", 0, 0, "SELECT extract(epoch FROM pg_postmaster_start_time())",
     COLUMNS{{"start_time_seconds", GAUGE, "Unix time at which the server was started."}, END}},
    {"replication", "pg_replication", 0, 0,
     "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0"
     " WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
     " ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END,"
     " CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END,"
     " extract(epoch FROM pg_last_xact_replay_timestamp())",
     COLUMNS{{"lag_seconds", GAUGE, "How far a replica is behind."},
             {"is_replica", GAUGE, "Whether the server is a replica."},
             {"last_replay_seconds", GAUGE, "Unix time of the last transaction replayed."},
             END}},
    {"replication_slot", "pg_replication_slot", 0, 0,
     "SELECT slot_name, slot_type, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery()"
     " THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn),"
     " active::int FROM pg_replication_slots ORDER BY 1 LIMIT 1000",
     COLUMNS{{"slot_name", LABEL, NULL},
             {"slot_type", LABEL, NULL},
             {"slot_lag_bytes", GAUGE, "Bytes of the log that a slot holds back."},
             {"slot_is_active", GAUGE, "Whether a slot is in use."},
             END}},
    {"stat_activity", "pg_stat_activity", 100000, 0,
     /* Each database has each state, with 0 where nobody is in it; what has no database (the
      * server's own processes) is no connection. */
     "SELECT d.datname, s.state, coalesce(a.usename, ''), coalesce(a.application_name, ''),"
     " coalesce(a.backend_type, ''), coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''),"
     " coalesce(a.count, 0), coalesce(a.longest, 0) FROM (VALUES ('active'), ('idle'),"
     " ('idle in transaction'), ('idle in transaction (aborted)'), ('fastpath function call'),"
     " ('disabled')) AS s(state) CROSS JOIN pg_database d LEFT JOIN (SELECT datname, state,"
     " usename::text, application_name, backend_type, wait_event_type, wait_event, count(*) AS "
     "count,"
     " max(extract(epoch FROM now() - xact_start)) AS longest FROM pg_stat_activity"
     " GROUP BY 1, 2, 3, 4, 5, 6, 7) a ON a.datname = d.datname AND a.state = s.state"
     " ORDER BY 8 DESC LIMIT 1000",
     COLUMNS{{"datname", LABEL, NULL},
             {"state", LABEL, NULL},
             {"usename", LABEL, NULL},
             {"application_name", LABEL, NULL},
             {"backend_type", LABEL, NULL},
             {"wait_event_type", LABEL, NULL},
             {"wait_event", LABEL, NULL},
             {"count", GAUGE, "Connections by database and state."},
             {"max_tx_duration", GAUGE, "Seconds of the longest open transaction."},
             END}},
    {"stat_database", "pg_stat_database", 0, 0,
     "SELECT datid, coalesce(datname, ''), numbackends, xact_commit, xact_rollback, blks_read,"
     " blks_hit, tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted, conflicts,"
     " temp_files, temp_bytes, deadlocks, blk_read_time, blk_write_time,"
     " extract(epoch FROM stats_reset) FROM pg_stat_database ORDER BY 1 LIMIT 1000",
     COLUMNS{{"datid", LABEL, NULL},
             {"datname", LABEL, NULL},
             {"numbackends", GAUGE, "Backends connected to a database."},
             {"xact_commit", COUNTER, "Transactions committed."},
             {"xact_rollback", COUNTER, "Transactions rolled back."},
             {"blks_read", COUNTER, "Blocks read from disk."},
             {"blks_hit", COUNTER, "Blocks found in the buffers."},
             {"tup_returned", COUNTER, "Rows that scans have gone over."},
             {"tup_fetched", COUNTER, "Rows fetched by index scans."},
             {"tup_inserted", COUNTER, "Rows inserted."},
             {"tup_updated", COUNTER, "Rows updated."},
             {"tup_deleted", COUNTER, "Rows deleted."},
             {"conflicts", COUNTER, "Queries cancelled because of recovery."},
             {"temp_files", COUNTER, "Temporary files."},
             {"temp_bytes", COUNTER, "Bytes of temporary files."},
             {"deadlocks", COUNTER, "Deadlocks."},
             {"blk_read_time", COUNTER, "Milliseconds of reading blocks."},
             {"blk_write_time", COUNTER, "Milliseconds of writing blocks."},
             {"stats_reset", COUNTER, "Unix time at which the figures were reset."},
             END}},
    {"stat_statements", "pg_stat_statements", 130000, 0,
     "SELECT coalesce(pg_get_userbyid(s.userid), ''), coalesce(d.datname, ''),"
     " s.queryid, sum(s.calls), sum(s.total_exec_time) / 1000.0, sum(s.rows)"
     " FROM pg_stat_statements s LEFT JOIN pg_database d ON d.oid = s.dbid"
     " WHERE s.queryid IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 100",
     COLUMNS{{"user", LABEL, NULL},
             {"datname", LABEL, NULL},
             {"queryid", LABEL, NULL},
             {"calls_total", COUNTER, "Executions of a statement."},
             {"seconds_total", COUNTER, "Time spent in a statement."},
             {"rows_total", COUNTER, "Rows that a statement has read or changed."},
             END}},
    {"stat_user_tables", "pg_stat_user_tables", 0, 0,
     "SELECT current_database(), schemaname, relname, seq_scan, seq_tup_read,"
     " coalesce(idx_scan, 0), coalesce(idx_tup_fetch, 0), n_tup_ins, n_tup_upd, n_tup_del,"
     " n_tup_hot_upd, n_live_tup, n_dead_tup, vacuum_count, autovacuum_count, analyze_count,"
     " autoanalyze_count, pg_total_relation_size(relid) FROM pg_stat_user_tables"
     " ORDER BY n_live_tup DESC LIMIT 500",
     COLUMNS{{"datname", LABEL, NULL},
             {"schemaname", LABEL, NULL},
             {"relname", LABEL, NULL},
             {"seq_scan", COUNTER, "Sequential scans of a table."},
             {"seq_tup_read", COUNTER, "Rows read by sequential scans."},
             {"idx_scan", COUNTER, "Index scans of a table."},
             {"idx_tup_fetch", COUNTER, "Rows fetched by index scans."},
             {"n_tup_ins", COUNTER, "Rows inserted."},
             {"n_tup_upd", COUNTER, "Rows updated."},
             {"n_tup_del", COUNTER, "Rows deleted."},
             {"n_tup_hot_upd", COUNTER, "Rows updated in place."},
             {"n_live_tup", GAUGE, "Rows, estimated."},
             {"n_dead_tup", GAUGE, "Dead rows, estimated."},
             {"vacuum_count", COUNTER, "Vacuums by hand."},
             {"autovacuum_count", COUNTER, "Vacuums by the server."},
             {"analyze_count", COUNTER, "Analyses by hand."},
             {"autoanalyze_count", COUNTER, "Analyses by the server."},
             {"size_bytes", GAUGE, "Disk space of a table with its indexes."},
             END}},
    {"static", "pg", 0, 0, "SELECT version(), current_setting('server_version'), 1",
     COLUMNS{{"version", LABEL, NULL},
             {"short_version", LABEL, NULL},
             {"static", GAUGE, "What the server is."},
             END}},
    {"wal", "pg_wal", 100000, 0, "SELECT count(*), coalesce(sum(size), 0) FROM pg_ls_waldir()",
     COLUMNS{{"segments", GAUGE, "Files of the write-ahead log."},
             {"size_bytes", GAUGE, "Disk space of the write-ahead log."},
             END}},
};

const size_t pg_query_count = ARRAY_COUNT(pg_queries);
