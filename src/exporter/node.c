#include "exporter/node.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "exporter/procfs.h"

enum { TICKS_DEFAULT = 100, SECTOR_BYTES = 512 };

static const char *const device_labels[] = {"device", NULL};

static bool collect_load(struct emit *emit, const struct node_options *options, struct buf *text)
{
    static const char *const names[] = {"node_load1", "node_load5", "node_load15"};
    static const char *const helps[] = {"1m load average.", "5m load average.",
                                        "15m load average."};
    struct procfs_fields fields;

    if (!procfs_read(options->root, "/proc/loadavg", text)) {
        return false;
    }
    procfs_split(buf_view(text), &fields);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        emit_single(emit, names[i], BARO_GAUGE, helps[i], procfs_number(&fields, i));
    }
    return fields.count >= ARRAY_COUNT(names);
}

static bool collect_memory(struct emit *emit, const struct node_options *options, struct buf *text)
{
    str rest;

    if (!procfs_read(options->root, "/proc/meminfo", text)) {
        return false;
    }
    rest = buf_view(text);
    for (str line; str_split_next(&rest, '\n', &line);) {
        struct procfs_fields fields;
        char name[128] = "node_memory_";
        size_t len = strlen(name);
        bool is_bytes;

        procfs_split(line, &fields);
        if (fields.count < 2) {
            continue;
        }
        is_bytes = fields.count > 2 && str_is(fields.items[2], "kB");
        for (size_t i = 0; i < fields.items[0].len && len < sizeof(name) - 8; i++) {
            char c = fields.items[0].ptr[i];

            if (c == '(') {
                name[len++] = '_';
            } else if (c != ')' && c != ':') {
                name[len++] = c;
            }
        }
        (void)snprintf(name + len, sizeof(name) - len, "%s", is_bytes ? "_bytes" : "");
        emit_single(emit, name, BARO_GAUGE, "Field of /proc/meminfo.",
                    procfs_number(&fields, 1) * (is_bytes ? 1024 : 1));
    }
    return true;
}

static void collect_cpu_line(struct emit *emit, const struct procfs_fields *fields)
{
    static const char *const modes[] = {"user",   "nice", "system",  "idle",
                                        "iowait", "irq",  "softirq", "steal"};
    long ticks = sysconf(_SC_CLK_TCK);
    double hertz = (double)(ticks > 0 ? ticks : TICKS_DEFAULT);
    str cpu = str_from_index(fields->items[0], 3);

    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        emit_value(emit, procfs_number(fields, i + 1) / hertz, (str[]){cpu, str_from(modes[i])});
    }
}

static bool collect_stat(struct emit *emit, const struct node_options *options, struct buf *text)
{
    static const struct {
        const char *key;
        const char *name;
        enum baro_type type;
        const char *help;
    } rows[] = {
        {"btime", "node_boot_time_seconds", BARO_GAUGE, "Node boot time, in unixtime."},
        {"ctxt", "node_context_switches_total", BARO_COUNTER, "Total number of context switches."},
        {"intr", "node_intr_total", BARO_COUNTER, "Total number of interrupts serviced."},
        {"processes", "node_forks_total", BARO_COUNTER, "Total number of forks."},
        {"procs_blocked", "node_procs_blocked", BARO_GAUGE,
         "Number of processes blocked waiting for I/O to complete."},
        {"procs_running", "node_procs_running", BARO_GAUGE,
         "Number of processes in runnable state."},
    };
    str rest;

    if (!procfs_read(options->root, "/proc/stat", text)) {
        return false;
    }
    emit_family(emit, "node_cpu_seconds_total", BARO_COUNTER,
                "Seconds the CPUs spent in each mode.", (const char *const[]){"cpu", "mode", NULL});
    rest = buf_view(text);
    for (str line; str_split_next(&rest, '\n', &line);) {
        struct procfs_fields fields;

        procfs_split(line, &fields);
        if (fields.count > 8 && fields.items[0].len > 3 &&
            str_has_prefix(fields.items[0], STR("cpu"))) {
            collect_cpu_line(emit, &fields);
        }
    }
    rest = buf_view(text);
    for (str line; str_split_next(&rest, '\n', &line);) {
        struct procfs_fields fields;

        procfs_split(line, &fields);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            if (fields.count > 1 && str_is(fields.items[0], rows[i].key)) {
                emit_single(emit, rows[i].name, rows[i].type, rows[i].help,
                            procfs_number(&fields, 1));
            }
        }
    }
    return true;
}

/* One family with a row per line of a table: device from one field, value from another. */
struct column {
    const char *name;
    enum baro_type type;
    const char *help;
    size_t field;
    double scale;
};

typedef bool line_parse(str line, struct procfs_fields *ret);

static void collect_columns(struct emit *emit, str text, line_parse *parse,
                            const struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str rest = text;

        emit_family(emit, columns[i].name, columns[i].type, columns[i].help, device_labels);
        for (str line; str_split_next(&rest, '\n', &line);) {
            struct procfs_fields fields;

            if (parse(line, &fields)) {
                emit_value(emit, procfs_number(&fields, columns[i].field) * columns[i].scale,
                           fields.items);
            }
        }
    }
}

/* "  eth0: 1 2 ..." -> device and 16 numbers; the two heading lines have no colon behind a name. */
static bool parse_network_line(str line, struct procfs_fields *ret)
{
    size_t colon = str_index_char(line, ':');
    struct procfs_fields numbers;

    if (colon == SIZE_MAX) {
        return false;
    }
    procfs_split(str_from_index(line, colon + 1), &numbers);
    if (numbers.count < 16) {
        return false;
    }
    ret->items[0] = str_trim(str_slice(line, 0, colon));
    memcpy(ret->items + 1, numbers.items, 16 * sizeof(numbers.items[0]));
    ret->count = 17;
    return true;
}

static bool collect_network(struct emit *emit, const struct node_options *options, struct buf *text)
{
    static const struct column columns[] = {
        {"node_network_receive_bytes_total", BARO_COUNTER,
         "Network device statistic receive_bytes.", 1, 1},
        {"node_network_receive_packets_total", BARO_COUNTER,
         "Network device statistic receive_packets.", 2, 1},
        {"node_network_receive_errs_total", BARO_COUNTER, "Network device statistic receive_errs.",
         3, 1},
        {"node_network_receive_drop_total", BARO_COUNTER, "Network device statistic receive_drop.",
         4, 1},
        {"node_network_transmit_bytes_total", BARO_COUNTER,
         "Network device statistic transmit_bytes.", 9, 1},
        {"node_network_transmit_packets_total", BARO_COUNTER,
         "Network device statistic transmit_packets.", 10, 1},
        {"node_network_transmit_errs_total", BARO_COUNTER,
         "Network device statistic transmit_errs.", 11, 1},
        {"node_network_transmit_drop_total", BARO_COUNTER,
         "Network device statistic transmit_drop.", 12, 1},
    };

    if (!procfs_read(options->root, "/proc/net/dev", text)) {
        return false;
    }
    collect_columns(emit, buf_view(text), parse_network_line, columns, ARRAY_COUNT(columns));
    return true;
}

/* "8 0 sda 1 2 ..." -> device and the numbers behind it; loop and ram devices are left out, as by
 * the node exporter. */
static bool parse_disk_line(str line, struct procfs_fields *ret)
{
    struct procfs_fields all;

    procfs_split(line, &all);
    if (all.count < 14 || str_has_prefix(all.items[2], STR("loop")) ||
        str_has_prefix(all.items[2], STR("ram"))) {
        return false;
    }
    ret->count = all.count - 2;
    memcpy(ret->items, all.items + 2, ret->count * sizeof(all.items[0]));
    return true;
}

static bool collect_disks(struct emit *emit, const struct node_options *options, struct buf *text)
{
    static const struct column columns[] = {
        {"node_disk_reads_completed_total", BARO_COUNTER, "Reads completed successfully.", 1, 1},
        {"node_disk_read_bytes_total", BARO_COUNTER, "Bytes read successfully.", 3, SECTOR_BYTES},
        {"node_disk_read_time_seconds_total", BARO_COUNTER, "Seconds spent by all reads.", 4,
         0.001},
        {"node_disk_writes_completed_total", BARO_COUNTER, "Writes completed successfully.", 5, 1},
        {"node_disk_written_bytes_total", BARO_COUNTER, "Bytes written successfully.", 7,
         SECTOR_BYTES},
        {"node_disk_write_time_seconds_total", BARO_COUNTER, "Seconds spent by all writes.", 8,
         0.001},
        {"node_disk_io_now", BARO_GAUGE, "I/Os currently in progress.", 9, 1},
        {"node_disk_io_time_seconds_total", BARO_COUNTER, "Seconds spent doing I/Os.", 10, 0.001},
    };

    if (!procfs_read(options->root, "/proc/diskstats", text)) {
        return false;
    }
    collect_columns(emit, buf_view(text), parse_disk_line, columns, ARRAY_COUNT(columns));
    return true;
}

static bool collect_system(struct emit *emit, const struct node_options *options, struct buf *text)
{
    struct utsname name;
    struct timespec now = {0};

    (void)options;
    (void)text;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    emit_single(emit, "node_time_seconds", BARO_GAUGE, "System time in seconds since epoch (1970).",
                (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    if (uname(&name) < 0) {
        return false;
    }
    emit_family(emit, "node_uname_info", BARO_GAUGE,
                "Labeled system information as provided by the uname system call.",
                (const char *const[]){"domainname", "machine", "nodename", "release", "sysname",
                                      "version", NULL});
    emit_value(emit, 1,
               (str[]){str_from(name.domainname), str_from(name.machine), str_from(name.nodename),
                       str_from(name.release), str_from(name.sysname), str_from(name.version)});
    return true;
}

void node_collect(void *options, struct emit *emit)
{
    static const struct {
        const char *name;
        bool (*collect)(struct emit *emit, const struct node_options *options, struct buf *text);
    } collectors[] = {
        {"diskstats", collect_disks}, {"filesystem", node_filesystems_collect},
        {"loadavg", collect_load},    {"meminfo", collect_memory},
        {"netdev", collect_network},  {"stat", collect_stat},
        {"uname", collect_system},
    };
    bool success[ARRAY_COUNT(collectors)];
    struct buf text = {.limit = PROCFS_BYTES_MAX * 2};

    for (size_t i = 0; i < ARRAY_COUNT(collectors); i++) {
        success[i] = collectors[i].collect(emit, options, &text);
    }
    emit_family(emit, "node_scrape_collector_success", BARO_GAUGE, "Whether a collector succeeded.",
                (const char *const[]){"collector", NULL});
    for (size_t i = 0; i < ARRAY_COUNT(collectors); i++) {
        emit_value(emit, success[i] ? 1 : 0, (str[]){str_from(collectors[i].name)});
    }
    buf_done(&text);
}

void node_metrics_write(struct buf *buf, const struct node_options *options)
{
    struct node_options copy = *options;

    (void)emit_text(buf, &(struct emit_collector){node_collect, &copy});
}
