/* Frames of WebSocket clients, and of servers: never a crash, never more taken than there is;
 * messages stay in their bound. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "net.h"
#include "svc_ws_frame.h"

enum { PAYLOAD_MAX = 4096 };

static void server_frames(const uint8_t *data, size_t size)
{
    size_t at = 0;
    size_t payload = 0;
    int opcode = 0;
    long taken;

    while ((taken = net_frame_read(data + at, size - at, &opcode, &payload)) > 0) {
        if ((size_t)taken > size - at || payload > (size_t)taken || opcode < 0 || opcode > 15) {
            abort();
        }
        at += (size_t)taken;
    }
}

static void client_frames(uint8_t *copy, size_t size)
{
    struct svc_ws_message message = {.bytes = {.max = PAYLOAD_MAX}};
    struct svc_ws_frame frame;
    size_t at = 0;
    int64_t taken;
    int r = 0;

    while (r >= 0 && (taken = svc_ws_frame_read(copy + at, size - at, PAYLOAD_MAX, &frame)) > 0) {
        if ((size_t)taken > size - at || frame.len > PAYLOAD_MAX) {
            abort();
        }
        at += (size_t)taken;
        if (frame.opcode <= SVC_WS_BINARY) {
            r = svc_ws_message_take(&message, &frame);
            (void)(message.bytes.len > PAYLOAD_MAX ? abort() : (void)0);
        }
    }
    svc_bytes_done(&message.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);

    if (copy != NULL) {
        memcpy(copy, data, size);
        client_frames(copy, size);
        server_frames(data, size);
    }
    free(copy);
    return 0;
}
