#include "exporter/node.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"

/* No file of /proc that is read here is larger on a sane host; what is beyond is left out. */
enum { FILE_BYTES_MAX = 1 << 20, FIELDS_MAX = 24, TICKS_DEFAULT = 100, SECTOR_BYTES = 512 };

struct fields {
    str items[FIELDS_MAX];
    size_t count;
};

static bool read_file(const char *root, const char *path, struct buf *ret)
{
    char full[512];
    int fd;
    ssize_t got = -1;

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    buf_reset(ret);
    while (ret->len < FILE_BYTES_MAX) {
        char *room = buf_reserve(ret, 16384);

        got = room != NULL ? read(fd, room, 16384) : -1;
        if (got <= 0) {
            break;
        }
        ret->len += (size_t)got;
    }
    (void)close(fd);
    return got == 0;
}

static void split_fields(str line, struct fields *ret)
{
    ret->count = 0;
    for (str part; ret->count < FIELDS_MAX && str_split_next(&line, ' ', &part);) {
        part = str_trim(part);
        if (part.len > 0) {
            ret->items[ret->count++] = part;
        }
    }
}

static double field_number(const struct fields *fields, size_t index)
{
    double value = 0;

    if (index < fields->count) {
        (void)num_parse_decimal(fields->items[index], &value);
    }
    return value;
}

static void write_family(struct buf *buf, const char *name, const char *type, const char *help)
{
    buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_value(struct buf *buf, double value)
{
    buf_char(buf, ' ');
    buf_double(buf, value, NUM_G);
    buf_char(buf, '\n');
}

static void write_single(struct buf *buf, const char *name, const char *type, const char *help,
                         double value)
{
    write_family(buf, name, type, help);
    buf_c(buf, name);
    write_value(buf, value);
}

/* A label value as the text format wants it. */
static void write_label(struct buf *buf, const char *name, str value)
{
    buf_printf(buf, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\\' || value.ptr[i] == '"') {
            buf_char(buf, '\\');
        }
        buf_char(buf, value.ptr[i] == '\n' ? ' ' : value.ptr[i]);
    }
    buf_char(buf, '"');
}

static bool write_load(struct buf *buf, const char *root, struct buf *text)
{
    static const char *const names[] = {"node_load1", "node_load5", "node_load15"};
    static const char *const helps[] = {"1m load average.", "5m load average.",
                                        "15m load average."};
    struct fields fields;

    if (!read_file(root, "/proc/loadavg", text)) {
        return false;
    }
    split_fields(buf_view(text), &fields);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        write_single(buf, names[i], "gauge", helps[i], field_number(&fields, i));
    }
    return fields.count >= ARRAY_COUNT(names);
}

static bool write_memory(struct buf *buf, const char *root, struct buf *text)
{
    str rest;

    if (!read_file(root, "/proc/meminfo", text)) {
        return false;
    }
    rest = buf_view(text);
    for (str line; str_split_next(&rest, '\n', &line);) {
        struct fields fields;
        char name[128] = "node_memory_";
        size_t len = strlen(name);
        bool is_bytes;

        split_fields(line, &fields);
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
        write_single(buf, name, "gauge", "Field of /proc/meminfo.",
                     field_number(&fields, 1) * (is_bytes ? 1024 : 1));
    }
    return true;
}

static void write_cpu_line(struct buf *buf, const struct fields *fields)
{
    static const char *const modes[] = {"user",   "nice", "system",  "idle",
                                        "iowait", "irq",  "softirq", "steal"};
    long ticks = sysconf(_SC_CLK_TCK);
    str cpu = str_from_index(fields->items[0], 3);

    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        buf_c(buf, "node_cpu_seconds_total{");
        write_label(buf, "cpu", cpu);
        buf_printf(buf, ",mode=\"%s\"}", modes[i]);
        write_value(buf, field_number(fields, i + 1) / (double)(ticks > 0 ? ticks : TICKS_DEFAULT));
    }
}

static bool write_stat(struct buf *buf, const char *root, struct buf *text)
{
    static const struct {
        const char *key;
        const char *name;
        const char *type;
        const char *help;
    } rows[] = {
        {"btime", "node_boot_time_seconds", "gauge", "Node boot time, in unixtime."},
        {"ctxt", "node_context_switches_total", "counter", "Total number of context switches."},
        {"intr", "node_intr_total", "counter", "Total number of interrupts serviced."},
        {"processes", "node_forks_total", "counter", "Total number of forks."},
        {"procs_blocked", "node_procs_blocked", "gauge",
         "Number of processes blocked waiting for I/O to complete."},
        {"procs_running", "node_procs_running", "gauge", "Number of processes in runnable state."},
    };
    str rest;

    if (!read_file(root, "/proc/stat", text)) {
        return false;
    }
    write_family(buf, "node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.");
    rest = buf_view(text);
    for (str line; str_split_next(&rest, '\n', &line);) {
        struct fields fields;

        split_fields(line, &fields);
        if (fields.count > 8 && fields.items[0].len > 3 &&
            str_has_prefix(fields.items[0], STR("cpu"))) {
            write_cpu_line(buf, &fields);
        }
    }
    rest = buf_view(text);
    for (str line; str_split_next(&rest, '\n', &line);) {
        struct fields fields;

        split_fields(line, &fields);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            if (fields.count > 1 && str_is(fields.items[0], rows[i].key)) {
                write_single(buf, rows[i].name, rows[i].type, rows[i].help,
                             field_number(&fields, 1));
            }
        }
    }
    return true;
}

/* One family with a row per line of a table: device from one field, value from another. */
struct column {
    const char *name;
    const char *type;
    const char *help;
    size_t field;
    double scale;
};

typedef bool line_parse(str line, struct fields *ret);

static void write_columns(struct buf *buf, str text, line_parse *parse,
                          const struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str rest = text;

        write_family(buf, columns[i].name, columns[i].type, columns[i].help);
        for (str line; str_split_next(&rest, '\n', &line);) {
            struct fields fields;

            if (parse(line, &fields)) {
                buf_printf(buf, "%s{", columns[i].name);
                write_label(buf, "device", fields.items[0]);
                buf_char(buf, '}');
                write_value(buf, field_number(&fields, columns[i].field) * columns[i].scale);
            }
        }
    }
}

/* "  eth0: 1 2 ..." -> device and 16 numbers; the two heading lines have no colon behind a name. */
static bool parse_network_line(str line, struct fields *ret)
{
    size_t colon = str_index_char(line, ':');
    struct fields numbers;

    if (colon == SIZE_MAX) {
        return false;
    }
    split_fields(str_from_index(line, colon + 1), &numbers);
    if (numbers.count < 16) {
        return false;
    }
    ret->items[0] = str_trim(str_slice(line, 0, colon));
    memcpy(ret->items + 1, numbers.items, 16 * sizeof(numbers.items[0]));
    ret->count = 17;
    return true;
}

static bool write_network(struct buf *buf, const char *root, struct buf *text)
{
    static const struct column columns[] = {
        {"node_network_receive_bytes_total", "counter", "Network device statistic receive_bytes.",
         1, 1},
        {"node_network_receive_packets_total", "counter",
         "Network device statistic receive_packets.", 2, 1},
        {"node_network_receive_errs_total", "counter", "Network device statistic receive_errs.", 3,
         1},
        {"node_network_receive_drop_total", "counter", "Network device statistic receive_drop.", 4,
         1},
        {"node_network_transmit_bytes_total", "counter", "Network device statistic transmit_bytes.",
         9, 1},
        {"node_network_transmit_packets_total", "counter",
         "Network device statistic transmit_packets.", 10, 1},
        {"node_network_transmit_errs_total", "counter", "Network device statistic transmit_errs.",
         11, 1},
        {"node_network_transmit_drop_total", "counter", "Network device statistic transmit_drop.",
         12, 1},
    };

    if (!read_file(root, "/proc/net/dev", text)) {
        return false;
    }
    write_columns(buf, buf_view(text), parse_network_line, columns, ARRAY_COUNT(columns));
    return true;
}

/* "8 0 sda 1 2 ..." -> device and the numbers behind it; loop and ram devices are left out, as by
 * the node exporter. */
static bool parse_disk_line(str line, struct fields *ret)
{
    struct fields all;

    split_fields(line, &all);
    if (all.count < 14 || str_has_prefix(all.items[2], STR("loop")) ||
        str_has_prefix(all.items[2], STR("ram"))) {
        return false;
    }
    ret->count = all.count - 2;
    memcpy(ret->items, all.items + 2, ret->count * sizeof(all.items[0]));
    return true;
}

static bool write_disks(struct buf *buf, const char *root, struct buf *text)
{
    static const struct column columns[] = {
        {"node_disk_reads_completed_total", "counter", "Reads completed successfully.", 1, 1},
        {"node_disk_read_bytes_total", "counter", "Bytes read successfully.", 3, SECTOR_BYTES},
        {"node_disk_read_time_seconds_total", "counter", "Seconds spent by all reads.", 4, 0.001},
        {"node_disk_writes_completed_total", "counter", "Writes completed successfully.", 5, 1},
        {"node_disk_written_bytes_total", "counter", "Bytes written successfully.", 7,
         SECTOR_BYTES},
        {"node_disk_write_time_seconds_total", "counter", "Seconds spent by all writes.", 8, 0.001},
        {"node_disk_io_now", "gauge", "I/Os currently in progress.", 9, 1},
        {"node_disk_io_time_seconds_total", "counter", "Seconds spent doing I/Os.", 10, 0.001},
    };

    if (!read_file(root, "/proc/diskstats", text)) {
        return false;
    }
    write_columns(buf, buf_view(text), parse_disk_line, columns, ARRAY_COUNT(columns));
    return true;
}

/* File systems that hold no data of their own: the node exporter leaves the same ones out. */
static bool is_pseudo(str type)
{
    static const char *const names[] = {
        "autofs",     "binfmt_misc", "bpf",      "cgroup",  "cgroup2",   "configfs",
        "debugfs",    "devpts",      "devtmpfs", "fusectl", "hugetlbfs", "mqueue",
        "nsfs",       "overlay",     "proc",     "procfs",  "pstore",    "rpc_pipefs",
        "securityfs", "selinuxfs",   "squashfs", "sysfs",   "tracefs"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_is(type, names[i])) {
            return true;
        }
    }
    return false;
}

static double filesystem_value(const struct statvfs *status, size_t column)
{
    double block = (double)status->f_frsize;
    const double values[] = {(double)status->f_blocks * block, (double)status->f_bfree * block,
                             (double)status->f_bavail * block, (double)status->f_files,
                             (double)status->f_ffree};

    return values[column];
}

static bool write_filesystems(struct buf *buf, const char *root, struct buf *text)
{
    static const struct {
        const char *name;
        const char *help;
    } columns[] = {
        {"node_filesystem_size_bytes", "Filesystem size in bytes."},
        {"node_filesystem_free_bytes", "Filesystem free space in bytes."},
        {"node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."},
        {"node_filesystem_files", "Filesystem total file nodes."},
        {"node_filesystem_files_free", "Filesystem total free file nodes."},
    };

    if (!read_file(root, "/proc/self/mounts", text)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        str rest = buf_view(text);

        write_family(buf, columns[i].name, "gauge", columns[i].help);
        for (str line; str_split_next(&rest, '\n', &line);) {
            struct fields fields;
            struct statvfs status;
            char path[512];

            split_fields(line, &fields);
            if (fields.count < 3 || is_pseudo(fields.items[2]) ||
                fields.items[1].len >= sizeof(path)) {
                continue;
            }
            (void)snprintf(path, sizeof(path), "%.*s", STR_ARG(fields.items[1]));
            if (statvfs(path, &status) < 0) {
                continue;
            }
            buf_printf(buf, "%s{", columns[i].name);
            write_label(buf, "device", fields.items[0]);
            buf_char(buf, ',');
            write_label(buf, "fstype", fields.items[2]);
            buf_char(buf, ',');
            write_label(buf, "mountpoint", fields.items[1]);
            buf_char(buf, '}');
            write_value(buf, filesystem_value(&status, i));
        }
    }
    return true;
}

static bool write_system(struct buf *buf, const char *root, struct buf *text)
{
    struct utsname name;
    struct timespec now = {0};

    (void)root;
    (void)text;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    write_single(buf, "node_time_seconds", "gauge", "System time in seconds since epoch (1970).",
                 (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    if (uname(&name) < 0) {
        return false;
    }
    write_family(buf, "node_uname_info", "gauge",
                 "Labeled system information as provided by the uname system call.");
    buf_c(buf, "node_uname_info{");
    write_label(buf, "machine", str_from(name.machine));
    buf_char(buf, ',');
    write_label(buf, "nodename", str_from(name.nodename));
    buf_char(buf, ',');
    write_label(buf, "release", str_from(name.release));
    buf_char(buf, ',');
    write_label(buf, "sysname", str_from(name.sysname));
    buf_char(buf, ',');
    write_label(buf, "version", str_from(name.version));
    buf_char(buf, '}');
    write_value(buf, 1);
    return true;
}

void node_metrics_write(struct buf *buf, const char *root)
{
    static const struct {
        const char *name;
        bool (*write)(struct buf *buf, const char *root, struct buf *text);
    } collectors[] = {
        {"diskstats", write_disks}, {"filesystem", write_filesystems}, {"loadavg", write_load},
        {"meminfo", write_memory},  {"netdev", write_network},         {"stat", write_stat},
        {"uname", write_system},
    };
    bool success[ARRAY_COUNT(collectors)];
    struct buf text = {.limit = FILE_BYTES_MAX * 2};

    for (size_t i = 0; i < ARRAY_COUNT(collectors); i++) {
        success[i] = collectors[i].write(buf, root, &text);
    }
    write_family(buf, "node_scrape_collector_success", "gauge", "Whether a collector succeeded.");
    for (size_t i = 0; i < ARRAY_COUNT(collectors); i++) {
        buf_printf(buf, "node_scrape_collector_success{collector=\"%s\"} %d\n", collectors[i].name,
                   success[i] ? 1 : 0);
    }
    buf_done(&text);
}
