/* What the load test reads of services: expositions and chunked bodies. Never a crash, and nothing
 * outside of the input. */
#include <stdlib.h>
#include <string.h>

#include "expose.h"
#include "fuzz/fuzz.h"
#include "net.h"

static void exposition(const char *text, size_t size)
{
    struct expose_reader reader = {.at = text};
    struct expose_line line;
    char value[16];

    while (expose_next(&reader, &line)) {
        if (line.name < text || line.name + line.name_len > text + size ||
            line.labels + line.labels_len > text + size) {
            abort();
        }
        if (expose_label(&line, "stage", value, sizeof(value)) && strlen(value) >= sizeof(value)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct svc_bytes bytes = {.max = size + 1};
    struct svc_bytes body = {.max = size + 1};
    long taken;

    svc_bytes_put(&bytes, data, size);
    taken = net_chunks_read(&bytes, 0, &body);
    if (taken > (long)size || body.len > size) {
        abort();
    }
    svc_bytes_put(&bytes, "", 1);
    if (!bytes.failed) {
        exposition((const char *)bytes.ptr, size);
    }
    svc_bytes_done(&bytes);
    svc_bytes_done(&body);
    return 0;
}
