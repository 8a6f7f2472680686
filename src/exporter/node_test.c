#include <sys/stat.h>

#include "exporter/node.h"
#include "testing/test.h"

static void put(const char *root, const char *path, const char *text)
{
    char full[512];
    FILE *file;

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    file = fopen(full, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void make_directory(const char *root, const char *path)
{
    char full[512];

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    assert_int_equal(mkdir(full, 0700), 0);
}

TEST(node_metrics_reads_a_proc_tree)
{
    static const char *const wanted[] = {
        "\nnode_load15 0.3\n",
        "\nnode_memory_MemTotal_bytes 1024000\n",
        "\nnode_memory_Active_anon_bytes 2048\n",
        "\nnode_memory_HugePages_Total 7\n",
        "\nnode_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1\n",
        "\nnode_cpu_seconds_total{cpu=\"1\",mode=\"steal\"} 0.08\n",
        "\nnode_context_switches_total 42\n",
        "\nnode_network_receive_bytes_total{device=\"eth0\"} 1000\n",
        "\nnode_network_transmit_drop_total{device=\"eth0\"} 12\n",
        "\nnode_disk_read_bytes_total{device=\"sda\"} 1536\n",
        "\nnode_disk_io_time_seconds_total{device=\"sda\"} 0.01\n",
        "\nnode_scrape_collector_success{collector=\"meminfo\"} 1\n",
        "\nnode_scrape_collector_success{collector=\"filesystem\"} 0\n",
    };
    const char *root = test_dir();
    struct buf out = {0};

    make_directory(root, "/proc");
    make_directory(root, "/proc/net");
    put(root, "/proc/loadavg", "0.1 0.2 0.3 1/100 4242\n");
    put(root, "/proc/meminfo",
        "MemTotal:       1000 kB\nActive(anon):  2 kB\nHugePages_Total:  7\n");
    put(root, "/proc/stat",
        "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 8 0 0\nctxt "
        "42\n");
    put(root, "/proc/net/dev",
        "Inter-|   Receive\n face |bytes\n  eth0: 1000 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    put(root, "/proc/diskstats",
        "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n   7       0 loop0 1 2 3 4 5 6 7 8 9 10 11\n");
    node_metrics_write(&out, &(struct node_options){.root = root});
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        test_row(wanted[i]);
        assert_true(str_contains(buf_view(&out), str_from(wanted[i])));
    }
    assert_false(str_contains(buf_view(&out), STR("loop0")));
    buf_done(&out);
}

TEST(node_metrics_of_this_host_have_a_load)
{
    struct buf out = {0};

    node_metrics_write(&out, &(struct node_options){.root = ""});
    assert_true(str_contains(buf_view(&out), STR("\nnode_load1 ")));
    assert_true(
        str_contains(buf_view(&out), STR("node_scrape_collector_success{collector=\"stat\"} 1\n")));
    buf_done(&out);
}
