/* Any bytes as the configuration of an object store: refused with a place, or good as a whole. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "objstore/objstore.h"

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct objstore_config config = {0};
    struct baro_error err = {0};

    if (objstore_config_parse(str_of((const char *)data, size), "fuzz", no_environment, &config,
                              &err) >= 0) {
        ASSERT(config.type == OBJSTORE_FILESYSTEM ? config.directory.len > 0
                                                  : config.bucket.len > 0 && config.part_bytes > 0);
        objstore_config_done(&config);
    } else {
        ASSERT(err.message[0] != '\0');
    }
    return 0;
}
