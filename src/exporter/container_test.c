#include <math.h>
#include <unistd.h>

#include "base/mem.h"
#include "exporter/container_stats.h"
#include "exporter/exporter_test.h"
#include "testing/test.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char net_dev[] =
    "Inter-|   Receive\n face |bytes\n    lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
    "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
static const char diskstats[] = "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n";

TEST(container_reads_version_2)
{
    static const char *const wanted[] = {
        "container_cpu_usage_seconds_total{id=\"/\",image=\"\",name=\"\",cpu=\"total\"} 2.5",
        "container_cpu_usage_seconds_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\",cpu=\"total\"} 1.5",
        "container_cpu_cfs_throttled_seconds_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\"} 0.25",
        "container_memory_working_set_bytes{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\"} 600",
        "container_spec_memory_limit_bytes{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\"} 0",
        "container_oom_events_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\"} 3",
        "container_fs_reads_bytes_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\",device=\"/dev/sda\"} 11",
        "container_fs_writes_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\",device=\"/dev/sda\"} 14",
        "container_network_receive_bytes_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\",interface=\"eth0\"} 1",
        "container_network_transmit_packets_dropped_total{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\",interface=\"eth0\"} 12",
        "container_processes{id=\"/system.slice/docker-" ID
        ".scope\",image=\"redis:7\",name=\"cache\"} 5",
        NULL,
    };
    const char *root = test_dir();
    struct container_options options = {.root = root};
    char *text;

#define GROUP "/sys/fs/cgroup/system.slice/docker-" ID ".scope"
    exporter_put(root, "/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    exporter_put(root, "/sys/fs/cgroup/cpu.stat", "usage_usec 2500000\n");
    exporter_put(root, GROUP "/cpu.stat",
                 "usage_usec 1500000\nuser_usec 1\nsystem_usec 2\nnr_periods 4\nnr_throttled "
                 "2\nthrottled_usec 250000\n");
    exporter_put(root, GROUP "/memory.current", "1000\n");
    exporter_put(root, GROUP "/memory.max", "max\n");
    exporter_put(root, GROUP "/memory.stat", "anon 100\nfile 500\ninactive_file 400\n");
    exporter_put(root, GROUP "/memory.events", "low 0\nmax 9\noom 4\noom_kill 3\n");
    exporter_put(root, GROUP "/pids.current", "5\n");
    exporter_put(root, GROUP "/io.stat", "8:0 rbytes=11 wbytes=12 rios=13 wios=14 dbytes=0\n");
    exporter_put(root, GROUP "/cgroup.procs", "77\n78\n");
    exporter_put(root, "/proc/77/net/dev", net_dev);
    exporter_put(root, "/proc/diskstats", diskstats);
    exporter_put(root, "/var/lib/docker/containers/" ID "/config.v2.json",
                 "{\"Name\": \"/cache\", \"Config\": {\"Image\": \"redis:7\"}}");
    text = exporter_collect_text(container_collect, &options);
    exporter_expect(text, wanted);
    assert_null(strstr(text, "interface=\"lo\""));
    mem_free(text);
#undef GROUP
}

TEST(container_reads_version_1)
{
    static const char *const wanted[] = {
        "container_cpu_usage_seconds_total{id=\"/docker/" ID
        "\",image=\"\",name=\"0123456789ab\",cpu=\"total\"} 3",
        "container_cpu_user_seconds_total{id=\"/docker/" ID
        "\",image=\"\",name=\"0123456789ab\"} 1.5",
        "container_memory_working_set_bytes{id=\"/docker/" ID
        "\",image=\"\",name=\"0123456789ab\"} 750",
        "container_oom_events_total{id=\"/docker/" ID "\",image=\"\",name=\"0123456789ab\"} 2",
        "container_fs_writes_bytes_total{id=\"/docker/" ID
        "\",image=\"\",name=\"0123456789ab\",device=\"9:9\"} 21",
        "container_fs_reads_total{id=\"/docker/" ID
        "\",image=\"\",name=\"0123456789ab\",device=\"9:9\"} 30",
        /* A group of the processor hierarchy alone is shown as well. */
        "container_cpu_usage_seconds_total{id=\"/batch\",image=\"\",name=\"\",cpu=\"total\"} 4",
        NULL,
    };
    const char *root = test_dir();
    struct container_options options = {.root = root};
    char *text;

#define CG "/sys/fs/cgroup"
    exporter_put(root, CG "/memory/docker/" ID "/memory.usage_in_bytes", "1000\n");
    exporter_put(root, CG "/memory/docker/" ID "/memory.stat",
                 "total_cache 1\ntotal_rss 2\ntotal_inactive_file 250\n");
    exporter_put(root, CG "/memory/docker/" ID "/memory.oom_control",
                 "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    exporter_put(root, CG "/cpuacct/docker/" ID "/cpuacct.usage", "3000000000\n");
    exporter_put(root, CG "/cpuacct/docker/" ID "/cpuacct.stat", "user 150\nsystem 50\n");
    exporter_put(root, CG "/blkio/docker/" ID "/blkio.throttle.io_service_bytes",
                 "9:9 Read 20\n9:9 Write 21\n9:9 Sync 5\n9:9 Total 41\nTotal 41\n");
    exporter_put(root, CG "/blkio/docker/" ID "/blkio.throttle.io_serviced",
                 "9:9 Read 30\n9:9 Write 31\n");
    exporter_put(root, CG "/cpuacct/batch/cpuacct.usage", "4000000000\n");
    text = exporter_collect_text(container_collect, &options);
    exporter_expect(text, wanted);
    mem_free(text);
#undef CG
}

TEST(container_takes_names_from_podman)
{
    const char *root = test_dir();
    const struct container_options options = {.root = root};
    struct arena arena = {0};
    str image = STR("");
    str name = STR("");

    exporter_put(
        root, "/var/lib/containers/storage/overlay-containers/containers.json",
        "[{\"id\": \"other\"}, {\"id\": \"" ID
        "\", \"names\": [\"web\"], \"metadata\": \"{\\\"image-name\\\": \\\"nginx\\\"}\"}]");
    assert_true(container_name_find(&options, &arena, STR("/machine.slice/libpod-" ID ".scope"),
                                    &image, &name));
    assert_str_equal(name, STR("web"));
    assert_str_equal(image, STR("nginx"));
    assert_false(
        container_name_find(&options, &arena, STR("/system.slice/ssh.service"), &image, &name));
    assert_false(container_name_find(&options, &arena, STR(""), &image, &name));
    arena_done(&arena);
}

TEST(container_adds_a_tree_of_processes_up)
{
    static const char *const wanted[] = {
        "container_cpu_user_seconds_total{id=\"/process/db\",image=\"\",name=\"db\"} 7",
        "container_cpu_usage_seconds_total{id=\"/process/"
        "db\",image=\"\",name=\"db\",cpu=\"total\"} 10",
        "container_processes{id=\"/process/db\",image=\"\",name=\"db\"} 3",
        "container_fs_reads_bytes_total{id=\"/process/db\",image=\"\",name=\"db\",device=\"\"} "
        "1100",
        "container_fs_writes_bytes_total{id=\"/process/db\",image=\"\",name=\"db\",device=\"\"} "
        "2200",
        "container_start_time_seconds{id=\"/process/db\",image=\"\",name=\"db\"} 1000.5",
        "container_oom_events_total{id=\"/process/db\",image=\"\",name=\"db\"} 6",
        "container_network_receive_bytes_total{id=\"/process/"
        "db\",image=\"\",name=\"db\",interface=\"eth0\"} 1",
        NULL,
    };
    static const struct container_group groups[] = {{"db", 10}, {"gone", 99}};
    const char *root = test_dir();
    struct container_options options = {
        .root = root, .groups = groups, .group_count = 2, .groups_only = true};
    long hertz = sysconf(_SC_CLK_TCK);
    char line[512];
    char *text;

    exporter_put(root, "/proc/stat", "btime 1000\n");
    exporter_put(root, "/proc/vmstat", "pgfault 1\noom_kill 6\n");
    exporter_put(root, "/proc/10/cgroup", "0::/\n");
    exporter_put(root, "/proc/10/net/dev", net_dev);
    for (int i = 0; i < 5; i++) {
        static const struct {
            int pid, parent;
            const char *name;
        } processes[] = {
            {10, 1, "a) S 9 (b"}, {11, 10, "x"}, {12, 11, "y"}, {13, 1, "other"}, {14, 10, "dead"}};
        char path[64];

        /* 2 s of user and 1 s of system time each; the first has waited for a child of 1 s. */
        (void)snprintf(line, sizeof(line),
                       "%d (%s) %s %d 0 0 0 0 0 0 0 0 0 %ld %ld %ld 0 0 0 0 0 %ld 0 10 0 0\n",
                       processes[i].pid, processes[i].name, i == 4 ? "Z" : "S", processes[i].parent,
                       2 * hertz, hertz, i == 0 ? hertz : 0L, hertz / 2);
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", processes[i].pid);
        exporter_put(root, path, line);
    }
    exporter_put(root, "/proc/10/io", "rchar: 5\nread_bytes: 1000\nwrite_bytes: 2000\n");
    exporter_put(root, "/proc/12/io", "read_bytes: 100\nwrite_bytes: 200\n");
    exporter_put(root, "/proc/13/io", "read_bytes: 7\nwrite_bytes: 7\n");
    text = exporter_collect_text(container_collect, &options);
    exporter_expect(text, wanted);
    assert_null(strstr(text, "gone"));
    mem_free(text);
}

TEST(container_parsers_take_what_they_understand)
{
    struct container_stats *stats = mem_alloc(sizeof(*stats));
    struct arena arena = {0};
    struct buf many = {0};

    container_stats_init(stats);
    container_io_stat_parse(stats, &arena,
                            STR("8:0 rbytes=x wbytes=5\nnonsense\n8:1\n:\n8:0 rios=3 =7 wios=\n"),
                            str_from(diskstats));
    assert_int_equal(stats->device_count, 1);
    assert_str_equal(stats->devices[0].name, STR("/dev/sda"));
    assert_true(isnan(stats->devices[0].read_bytes));
    assert_true(stats->devices[0].write_bytes == 5);
    assert_true(stats->devices[0].reads == 3);
    for (int i = 0; i < 2 * CONTAINER_DEVICES_MAX; i++) {
        buf_printf(&many, "7:%d Read 1\n", i);
    }
    container_blkio_parse(stats, &arena, buf_view(&many), STR(""), false);
    assert_int_equal(stats->device_count, CONTAINER_DEVICES_MAX);
    container_network_read(stats, STR("eth0: 1 2 3\n: 1\nx\n"));
    assert_int_equal(stats->interface_count, 0);
    mem_free(stats);
    arena_done(&arena);
    buf_done(&many);
}

TEST(container_of_this_host_sees_this_process)
{
    const struct container_group self = {"self", getpid()};
    struct container_options options = {.root = "", .groups = &self, .group_count = 1};
    char *text = exporter_collect_text(container_collect, &options);

    assert_non_null(strstr(text, "container_memory_working_set_bytes{id=\"/process/self\""));
    assert_non_null(strstr(text, "container_start_time_seconds{id=\"/process/self\""));
    mem_free(text);
}
