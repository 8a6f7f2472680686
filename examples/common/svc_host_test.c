#include "svc_host.h"

#include <string.h>

#include "testing/test.h"

TEST(svc_host_is_as_busy_and_as_full_as_said)
{
    const struct svc_host host = {.busy = 0.95, .disk_free = 0.04};
    struct svc_bytes text = {.max = 16384};

    svc_host_write(&host, 100, &text);
    svc_bytes_put(&text, "", 1);
    assert_false(text.failed);
    assert_true(strstr((const char *)text.ptr,
                       "\nnode_cpu_seconds_total{cpu=\"3\",mode=\"idle\"} 5.000\n") != NULL);
    assert_true(strstr((const char *)text.ptr,
                       "\nnode_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 76.000\n") != NULL);
    assert_true(strstr((const char *)text.ptr,
                       "\nnode_filesystem_size_bytes{device=\"/dev/simulated\",fstype=\"ext4\","
                       "mountpoint=\"/\"} 100000000000\n") != NULL);
    assert_true(strstr((const char *)text.ptr,
                       "\nnode_filesystem_avail_bytes{device=\"/dev/simulated\",fstype=\"ext4\","
                       "mountpoint=\"/\"} 4000000000\n") != NULL);
    svc_bytes_done(&text);
}
