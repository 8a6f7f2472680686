/* Web configurations: read, or refused with a message. */
#include "base/assert.h"
#include "conf/web_config.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct faults faults;
    struct web_config *config = NULL;
    str text = str_of((const char *)data, size);
    int r;

    if (str_index(text, STR("_file")) != SIZE_MAX) {
        return 0; /* no files of this machine, pipes least of all */
    }
    faults = (struct faults){0};
    r = web_config_parse(text, "web.yml", &config, &faults);
    ASSERT((r < 0) == (config == NULL));
    ASSERT((r < 0) == (faults.total > 0));
    if (r >= 0) {
        ASSERT(!web_config_has_tls(config) || secret_is_set(config->key));
        for (size_t i = 0; i < config->users.count; i++) {
            ASSERT(config->users.items[i].value.len == 60);
        }
    }
    (void)web_config_free(config);
    return 0;
}
