/* Any bytes as what a connection of libbaro's server has received: no request is answered without a
 * whole head, and an answer is a status line with the length of its body. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "client/baro_server_priv.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[] = "/metrics";
    static char health[] = "/health";
    static struct baro_registry *registry;
    struct baro_server_site site = {.path = path, .health_path = health};
    struct baro_server_connection *c = calloc(1, sizeof(*c));

    if (registry == NULL) {
        registry = baro_registry_new(NULL, NULL);
        baro_counter_inc(baro_counter_new(registry, "fuzz_total", ""));
    }
    site.registry = registry;
    ASSERT(c != NULL);
    c->head_size = size < sizeof(c->head) ? size : sizeof(c->head);
    if (c->head_size > 0) {
        memcpy(c->head, data, c->head_size);
    }
    while (c->head_size > 0) {
        size_t used = baro_server_answer(&site, c);

        if (used == 0) {
            ASSERT(c->head_size < sizeof(c->head) && c->answer.size == 0);
            break;
        }
        ASSERT(used <= c->head_size && c->answer.failed == 0 && c->answer.size > 20);
        ASSERT(memcmp(c->answer.bytes, "HTTP/1.1 ", 9) == 0);
        memmove(c->head, c->head + used, c->head_size - used);
        c->head_size -= used;
        baro_out_done(&c->answer);
    }
    baro_out_done(&c->answer);
    free(c);
    return 0;
}
