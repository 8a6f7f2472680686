#include "exporter/redis_info.h"

#include "base/attr.h"
#include "base/num.h"

/* Lines of one kind that become series of one family: commands, databases, errors, replicas. A
 * hostile server may send many. */
enum { GROUP_LINES_MAX = 10000 };

static const struct {
    const char *key;
    enum baro_type type;
    const char *name;
    const char *help;
} metrics[] = {
#define REDIS_METRIC(key, type, name, help) {#key, type, "redis_" name, help},
#include "exporter/redis_metrics.def"
#undef REDIS_METRIC
};

/* "KEY:VALUE" of INFO, by key; a null str when it is absent. */
static str info_get(str info, const char *key)
{
    for (str line; str_split_next(&info, '\n', &line);) {
        size_t colon = str_index_char(line, ':');

        if (colon != SIZE_MAX && str_is(str_slice(line, 0, colon), key)) {
            return str_trim(str_from_index(line, colon + 1));
        }
    }
    return STR_NULL;
}

/* "calls=1,usec=2": the value of a name. */
static bool field_get(str fields, const char *name, str *ret)
{
    for (str field; str_split_next(&fields, ',', &field);) {
        size_t equals = str_index_char(field, '=');

        if (equals != SIZE_MAX && str_is(str_slice(field, 0, equals), name)) {
            *ret = str_from_index(field, equals + 1);
            return true;
        }
    }
    return false;
}

static bool number_of(str text, double *ret)
{
    if (str_is(text, "ok") || str_is(text, "up")) {
        *ret = 1;
        return true;
    }
    if (str_is(text, "err") || str_is(text, "fail") || str_is(text, "down")) {
        *ret = 0;
        return true;
    }
    return num_parse_decimal(text, ret);
}

static size_t metric_find(str key)
{
    for (size_t i = 0; i < ARRAY_COUNT(metrics); i++) {
        if (str_is(key, metrics[i].key)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void singles_collect(struct emit *emit, str info)
{
    for (str line; str_split_next(&info, '\n', &line);) {
        size_t colon = str_index_char(line, ':');
        size_t i = colon == SIZE_MAX ? SIZE_MAX : metric_find(str_slice(line, 0, colon));
        double value;

        if (i != SIZE_MAX && number_of(str_trim(str_from_index(line, colon + 1)), &value)) {
            emit_single(emit, metrics[i].name, metrics[i].type, metrics[i].help, value);
        }
    }
}

/* Families whose series are lines of a kind: "cmdstat_get:calls=1,usec=2". */
struct group {
    const char *prefix; /* of the line */
    const char *label;
    bool keep_prefix; /* in the label's value: "db0" */
    const char *field;
    const char *name;
    enum baro_type type;
    double scale;
    const char *help;
};

static const struct group groups[] = {
    {"cmdstat_", "cmd", false, "calls", "redis_commands_total", BARO_COUNTER, 1,
     "Calls of a command."},
    {"cmdstat_", "cmd", false, "usec", "redis_commands_duration_seconds_total", BARO_COUNTER, 1e-6,
     "Seconds spent in a command."},
    {"cmdstat_", "cmd", false, "rejected_calls", "redis_commands_rejected_calls_total",
     BARO_COUNTER, 1, "Calls of a command that were refused before it ran."},
    {"cmdstat_", "cmd", false, "failed_calls", "redis_commands_failed_calls_total", BARO_COUNTER, 1,
     "Calls of a command that failed."},
    {"errorstat_", "err", false, "count", "redis_errors_total", BARO_COUNTER, 1,
     "Errors answered, by their first word."},
    {"db", "db", true, "keys", "redis_db_keys", BARO_GAUGE, 1, "Keys of a database."},
    {"db", "db", true, "expires", "redis_db_keys_expiring", BARO_GAUGE, 1,
     "Keys of a database that will expire."},
    {"db", "db", true, "avg_ttl", "redis_db_avg_ttl_seconds", BARO_GAUGE, 1e-3,
     "Mean time to live of a database's keys."},
};

static void group_collect(struct emit *emit, str info, const struct group *group)
{
    const char *const labels[] = {group->label, NULL};
    size_t count = 0;

    for (str line; str_split_next(&info, '\n', &line) && count < GROUP_LINES_MAX;) {
        size_t colon = str_index_char(line, ':');
        str key = str_slice(line, 0, colon);
        str text;
        double value;

        if (colon != SIZE_MAX && str_has_prefix(key, str_from(group->prefix)) &&
            field_get(str_trim(str_from_index(line, colon + 1)), group->field, &text) &&
            num_parse_decimal(text, &value)) {
            if (count++ == 0) {
                emit_family(emit, group->name, group->type, group->help, labels);
            }
            emit_value(
                emit, value * group->scale,
                (str[]){str_from_index(key, group->keep_prefix ? 0 : strlen(group->prefix))});
        }
    }
}

/* "slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0" */
static void replicas_collect(struct emit *emit, str info, const char *field, const char *name,
                             const char *help)
{
    static const char *const labels[] = {"slave_ip", "slave_port", "slave_state", NULL};
    size_t count = 0;

    for (str line; str_split_next(&info, '\n', &line) && count < GROUP_LINES_MAX;) {
        size_t colon = str_index_char(line, ':');
        str fields = str_trim(str_from_index(line, colon == SIZE_MAX ? line.len : colon + 1));
        str values[3] = {STR(""), STR(""), STR("")};
        str text;
        double value;

        if (str_has_prefix(line, STR("slave")) && field_get(fields, "ip", &values[0]) &&
            field_get(fields, "port", &values[1]) && field_get(fields, "state", &values[2]) &&
            field_get(fields, field, &text) && num_parse_decimal(text, &value)) {
            if (count++ == 0) {
                emit_family(emit, name, BARO_GAUGE, help, labels);
            }
            emit_value(emit, value, values);
        }
    }
}

static void instance_collect(struct emit *emit, str info)
{
    static const char *const keys[] = {
        "role",     "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy",
        "tcp_port", "run_id",        "master_replid",
    };
    static const char *const labels[] = {
        "role",     "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy",
        "tcp_port", "run_id",        "master_replid",  NULL,
    };
    str values[ARRAY_COUNT(keys)];

    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        values[i] = info_get(info, keys[i]);
    }
    emit_family(emit, "redis_instance_info", BARO_GAUGE, "What the server is.", labels);
    emit_value(emit, 1, values);
}

void redis_info_collect(struct emit *emit, str info)
{
    double now;
    double uptime;

    instance_collect(emit, info);
    singles_collect(emit, info);
    for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
        group_collect(emit, info, &groups[i]);
    }
    replicas_collect(emit, info, "offset", "redis_connected_slave_offset_bytes",
                     "Offset that a replica has confirmed.");
    replicas_collect(emit, info, "lag", "redis_connected_slave_lag_seconds",
                     "Seconds since a replica has confirmed last.");
    if (num_parse_decimal(info_get(info, "server_time_usec"), &now) &&
        num_parse_decimal(info_get(info, "uptime_in_seconds"), &uptime)) {
        emit_single(emit, "redis_start_time_seconds", BARO_GAUGE,
                    "Unix time at which the server was started.", now / 1e6 - uptime);
    }
}
