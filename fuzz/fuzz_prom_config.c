#include "base/assert.h"
#include "base/attr.h"
#include "base/buf.h"
#include "conf/prom_config.h"
#include "fuzz/fuzz.h"

static const char *no_env(UNUSED void *context, UNUSED const char *name)
{
    return NULL;
}

/* What loads also prints; what does not says why. No file is read: patterns find nothing there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct faults faults;
    static const struct prom_load_options options = {.getenv = no_env};
    struct prom_config *config = NULL;
    struct buf out = {0};

    faults = (struct faults){0};
    int r = prom_config_parse(str_of((const char *)data, size), "/nonexistent/p.yml", &options,
                              &config, &faults);
    ASSERT((r < 0) == (faults.total > 0));
    ASSERT((r < 0) == (config == NULL));
    if (config != NULL) {
        prom_config_print(config, &out);
        ASSERT(out.len > 0);
    }
    config = prom_config_unref(config);
    buf_done(&out);
    return 0;
}
