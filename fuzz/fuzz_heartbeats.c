/* Files of heartbeats: read, or refused with a message. */
#include "alerting/heartbeat_config.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heartbeat_config *config = NULL;
    struct faults faults = {0};
    int r = heartbeat_config_parse(STR("f"), str_of((const char *)data, size), &config, &faults);

    ASSERT((r < 0) == (config == NULL));
    ASSERT((r < 0) == (faults.total > 0));
    for (size_t i = 0; r >= 0 && i < config->send_count; i++) {
        ASSERT(config->sends[i].name.len > 0 && config->sends[i].interval >= DUR_SECOND);
    }
    for (size_t i = 0; r >= 0 && i < config->expect_count; i++) {
        ASSERT(config->expects[i].name.len > 0 && config->expects[i].period >= DUR_SECOND);
    }
    (void)heartbeat_config_free(config);
    return 0;
}
