/* Files of control groups and of /proc, as the container exporter reads them. The first NUL parts
 * the file from /proc/diskstats. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "base/mem.h"
#include "exporter/container_stats.h"
#include "exporter/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_of((const char *)data, size);
    size_t cut = str_index_char(text, '\0');
    str disks = str_from_index(text, cut == SIZE_MAX ? size : cut + 1);
    struct container_stats *stats = mem_alloc(sizeof(*stats));
    struct arena arena = {0};
    double value;

    text = str_slice(text, 0, cut);
    container_stats_init(stats);
    container_io_stat_parse(stats, &arena, text, disks);
    container_blkio_parse(stats, &arena, text, disks, false);
    container_blkio_parse(stats, &arena, text, disks, true);
    container_network_read(stats, text);
    (void)procfs_key(text, "oom_kill", &value);
    ASSERT(stats->device_count <= CONTAINER_DEVICES_MAX);
    ASSERT(stats->interface_count <= CONTAINER_DEVICES_MAX);
    arena_done(&arena);
    mem_free(stats);
    return 0;
}
