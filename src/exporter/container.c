#include "exporter/container.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "base/num.h"
#include "base/vec.h"
#include "exporter/container_stats.h"
#include "exporter/procfs.h"

typedef VEC(struct container_stats) containers;

void container_stats_init(struct container_stats *stats)
{
    *stats = (struct container_stats){.id = STR(""), .image = STR(""), .name = STR("")};
    stats->cpu_seconds = stats->cpu_user_seconds = stats->cpu_system_seconds = NAN;
    stats->cfs_periods = stats->cfs_throttled_periods = stats->cfs_throttled_seconds = NAN;
    stats->memory_usage = stats->memory_working_set = stats->memory_rss = NAN;
    stats->memory_cache = stats->memory_swap = stats->memory_limit = NAN;
    stats->memory_failures = stats->oom_events = stats->processes = NAN;
    stats->start_time = stats->last_seen = NAN;
}

void container_network_read(struct container_stats *stats, str text)
{
    static const size_t fields_of[8] = {0, 1, 2, 3, 8, 9, 10, 11};

    for (str line; str_split_next(&text, '\n', &line);) {
        size_t colon = str_index_char(line, ':');
        str name = str_trim(str_slice(line, 0, colon));
        struct procfs_fields fields;

        procfs_split(str_from_index(line, colon == SIZE_MAX ? line.len : colon + 1), &fields);
        if (fields.count >= 16 && !str_is(name, "lo") &&
            stats->interface_count < CONTAINER_DEVICES_MAX) {
            struct container_interface *to = &stats->interfaces[stats->interface_count++];

            to->name = name;
            for (size_t i = 0; i < ARRAY_COUNT(fields_of); i++) {
                to->values[i] = procfs_number(&fields, fields_of[i]);
            }
        }
    }
}

static void found_keep(void *context, const struct container_stats *stats)
{
    containers *all = context;

    if (all->count < CONTAINERS_MAX) {
        vec_push(all, *stats);
    }
}

struct figure {
    const char *name;
    enum baro_type type;
    const char *help;
    size_t offset;
};

#define FIGURE(name, type, help, field)                                                            \
    {                                                                                              \
        name, type, help, offsetof(struct container_stats, field)                                  \
    }

static const struct figure figures[] = {
    FIGURE("container_cpu_user_seconds_total", BARO_COUNTER, "Processor time of itself.",
           cpu_user_seconds),
    FIGURE("container_cpu_system_seconds_total", BARO_COUNTER, "Processor time in the kernel.",
           cpu_system_seconds),
    FIGURE("container_cpu_cfs_periods_total", BARO_COUNTER, "Periods with a processor quota.",
           cfs_periods),
    FIGURE("container_cpu_cfs_throttled_periods_total", BARO_COUNTER,
           "Periods in which the quota was used up.", cfs_throttled_periods),
    FIGURE("container_cpu_cfs_throttled_seconds_total", BARO_COUNTER,
           "Seconds that the container was held back.", cfs_throttled_seconds),
    FIGURE("container_memory_usage_bytes", BARO_GAUGE, "Memory in use, caches included.",
           memory_usage),
    FIGURE("container_memory_working_set_bytes", BARO_GAUGE,
           "Memory that the kernel cannot take back.", memory_working_set),
    FIGURE("container_memory_rss", BARO_GAUGE, "Anonymous memory.", memory_rss),
    FIGURE("container_memory_cache", BARO_GAUGE, "Memory of file pages.", memory_cache),
    FIGURE("container_memory_swap", BARO_GAUGE, "Memory swapped out.", memory_swap),
    FIGURE("container_memory_failcnt", BARO_COUNTER, "Times that the memory limit was hit.",
           memory_failures),
    FIGURE("container_spec_memory_limit_bytes", BARO_GAUGE, "Limit of the memory, 0 without one.",
           memory_limit),
    FIGURE("container_oom_events_total", BARO_COUNTER,
           "Times that the container ran out of memory.", oom_events),
    FIGURE("container_processes", BARO_GAUGE, "Processes in the container.", processes),
    FIGURE("container_start_time_seconds", BARO_GAUGE, "Unix time at which it started.",
           start_time),
    FIGURE("container_last_seen", BARO_GAUGE, "Unix time at which it was last seen.", last_seen),
};

static double figure_of(const struct container_stats *stats, const struct figure *figure)
{
    double value;

    memcpy(&value, (const char *)stats + figure->offset, sizeof(value));
    return value;
}

static void figures_emit(struct emit *emit, const containers *all)
{
    static const char *const labels[] = {"id", "image", "name", NULL};
    static const char *const cpu_labels[] = {"id", "image", "name", "cpu", NULL};

    emit_family(emit, "container_cpu_usage_seconds_total", BARO_COUNTER, "Processor time.",
                cpu_labels);
    for (size_t i = 0; i < all->count; i++) {
        const struct container_stats *stats = &all->items[i];

        if (!isnan(stats->cpu_seconds)) {
            emit_value(emit, stats->cpu_seconds,
                       (str[]){stats->id, stats->image, stats->name, STR("total")});
        }
    }
    for (size_t k = 0; k < ARRAY_COUNT(figures); k++) {
        emit_family(emit, figures[k].name, figures[k].type, figures[k].help, labels);
        for (size_t i = 0; i < all->count; i++) {
            const struct container_stats *stats = &all->items[i];
            double value = figure_of(stats, &figures[k]);

            if (!isnan(value)) {
                emit_value(emit, value, (str[]){stats->id, stats->image, stats->name});
            }
        }
    }
}

static void devices_emit(struct emit *emit, const containers *all)
{
    static const char *const labels[] = {"id", "image", "name", "device", NULL};
    static const struct {
        const char *name;
        const char *help;
    } columns[] = {
        {"container_fs_reads_bytes_total", "Bytes read."},
        {"container_fs_writes_bytes_total", "Bytes written."},
        {"container_fs_reads_total", "Reads."},
        {"container_fs_writes_total", "Writes."},
    };

    for (size_t k = 0; k < ARRAY_COUNT(columns); k++) {
        emit_family(emit, columns[k].name, BARO_COUNTER, columns[k].help, labels);
        for (size_t i = 0; i < all->count; i++) {
            const struct container_stats *stats = &all->items[i];

            for (size_t d = 0; d < stats->device_count; d++) {
                const struct container_device *device = &stats->devices[d];
                const double values[] = {device->read_bytes, device->write_bytes, device->reads,
                                         device->writes};

                if (!isnan(values[k])) {
                    emit_value(emit, values[k],
                               (str[]){stats->id, stats->image, stats->name, device->name});
                }
            }
        }
    }
}

static void networks_emit(struct emit *emit, const containers *all)
{
    static const char *const labels[] = {"id", "image", "name", "interface", NULL};
    static const struct {
        const char *name;
        const char *help;
    } columns[] = {
        {"container_network_receive_bytes_total", "Bytes received."},
        {"container_network_receive_packets_total", "Packets received."},
        {"container_network_receive_errors_total", "Errors while receiving."},
        {"container_network_receive_packets_dropped_total", "Packets dropped while receiving."},
        {"container_network_transmit_bytes_total", "Bytes sent."},
        {"container_network_transmit_packets_total", "Packets sent."},
        {"container_network_transmit_errors_total", "Errors while sending."},
        {"container_network_transmit_packets_dropped_total", "Packets dropped while sending."},
    };

    for (size_t k = 0; k < ARRAY_COUNT(columns); k++) {
        emit_family(emit, columns[k].name, BARO_COUNTER, columns[k].help, labels);
        for (size_t i = 0; i < all->count; i++) {
            const struct container_stats *stats = &all->items[i];

            for (size_t n = 0; n < stats->interface_count; n++) {
                emit_value(
                    emit, stats->interfaces[n].values[k],
                    (str[]){stats->id, stats->image, stats->name, stats->interfaces[n].name});
            }
        }
    }
}

void container_collect(void *context, struct emit *emit)
{
    const struct container_options *options = context;
    containers all = {0};

    if (!options->groups_only) {
        container_cgroups_read(options, &emit->arena, found_keep, &all);
    }
    container_processes_read(options, &emit->arena, found_keep, &all);
    figures_emit(emit, &all);
    devices_emit(emit, &all);
    networks_emit(emit, &all);
    vec_done(&all);
}
