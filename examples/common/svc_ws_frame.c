#include "svc_ws_frame.h"

#include <stdio.h>
#include <string.h>

enum { CONTROL_BYTES_MAX = 125, MASK_BYTES = 4 };

static bool is_control(unsigned opcode)
{
    return (opcode & 8) != 0;
}

static uint64_t be(const uint8_t *ptr, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++) {
        value = value << 8 | ptr[i];
    }
    return value;
}

/* Reads the length; *ret_header is where the mask begins. A length in more bytes than it needs is
 * malformed (5.2: "the minimal number of bytes MUST be used"). */
static int read_len(const uint8_t *ptr, size_t len, uint64_t *ret, size_t *ret_header)
{
    unsigned small = ptr[1] & 127;
    size_t extra = small < 126 ? 0 : small == 126 ? 2 : 8;

    if (len < 2 + extra) {
        return 0;
    }
    *ret = extra == 0 ? small : be(ptr + 2, extra);
    *ret_header = 2 + extra;
    if ((extra == 2 && *ret < 126) || (extra == 8 && *ret < 65536)) {
        return -SVC_WS_CODE_PROTOCOL;
    }
    return 1;
}

static int check_head(const uint8_t *ptr)
{
    unsigned opcode = ptr[0] & 15;
    bool is_known = opcode <= SVC_WS_BINARY || (opcode >= SVC_WS_CLOSE && opcode <= SVC_WS_PONG);

    if ((ptr[0] & 0x70) != 0 || !is_known || (ptr[1] & 0x80) == 0) {
        return -SVC_WS_CODE_PROTOCOL; /* reserved bits, unknown opcode, or not masked */
    }
    if (is_control(opcode) && ((ptr[0] & 0x80) == 0 || (ptr[1] & 127) > CONTROL_BYTES_MAX)) {
        return -SVC_WS_CODE_PROTOCOL;
    }
    return 1;
}

int64_t svc_ws_frame_read(uint8_t *ptr, size_t len, size_t payload_max, struct svc_ws_frame *ret)
{
    uint64_t size = 0;
    size_t header = 0;
    const uint8_t *mask;
    int r;

    if (len < 2) {
        return 0;
    }
    r = check_head(ptr);
    if (r > 0) {
        r = read_len(ptr, len, &size, &header);
    }
    if (r <= 0) {
        return r;
    }
    if (size > payload_max) {
        return -SVC_WS_CODE_TOO_BIG;
    }
    if (len < header + MASK_BYTES + size) {
        return 0;
    }
    mask = ptr + header;
    *ret = (struct svc_ws_frame){.opcode = (enum svc_ws_opcode)(ptr[0] & 15),
                                 .is_final = (ptr[0] & 0x80) != 0,
                                 .payload = ptr + header + MASK_BYTES,
                                 .len = (size_t)size};
    for (size_t i = 0; i < ret->len; i++) {
        ret->payload[i] ^= mask[i % MASK_BYTES];
    }
    return (int64_t)(header + MASK_BYTES + size);
}

void svc_ws_frame_write(struct svc_bytes *to, enum svc_ws_opcode opcode, const void *payload,
                        size_t len)
{
    uint8_t head[10] = {(uint8_t)(0x80 | (unsigned)opcode)};
    size_t size = 2;

    if (len < 126) {
        head[1] = (uint8_t)len;
    } else {
        size_t extra = len < 65536 ? 2 : 8;

        head[1] = extra == 2 ? 126 : 127;
        for (size_t i = 0; i < extra; i++) {
            head[2 + i] = (uint8_t)((uint64_t)len >> 8 * (extra - 1 - i));
        }
        size += extra;
    }
    svc_bytes_put(to, head, size);
    svc_bytes_put(to, payload, len);
}

int svc_ws_message_take(struct svc_ws_message *message, const struct svc_ws_frame *frame)
{
    bool is_first = frame->opcode != SVC_WS_CONTINUATION;

    if (is_first == message->is_open) {
        return -SVC_WS_CODE_PROTOCOL; /* a new message inside one, or the rest of none */
    }
    if (frame->opcode == SVC_WS_BINARY) {
        return -SVC_WS_CODE_UNSUPPORTED;
    }
    if (is_first) {
        message->bytes.len = 0;
    }
    svc_bytes_put(&message->bytes, frame->payload, frame->len);
    if (message->bytes.failed) {
        return -SVC_WS_CODE_TOO_BIG;
    }
    message->is_open = !frame->is_final;
    if (message->is_open) {
        return 0;
    }
    return svc_utf8_is_valid(message->bytes.ptr, message->bytes.len) ? 1 : -SVC_WS_CODE_NOT_UTF8;
}

bool svc_ws_accept(const char *key, char ret[SVC_WS_ACCEPT_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t digest[20];
    char joined[64];

    /* 16 bytes in base64 are 22 digits and "==". */
    if (strlen(key) != 24 || strspn(key, digits) != 22 || strcmp(key + 22, "==") != 0) {
        return false;
    }
    (void)snprintf(joined, sizeof(joined), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    svc_sha1(joined, strlen(joined), digest);
    svc_base64(digest, sizeof(digest), ret);
    return true;
}

/* Table 3-7 of the Unicode standard: the second byte's range depends on the first. */
static size_t utf8_sequence(const uint8_t *ptr, size_t len)
{
    uint8_t first = ptr[0];
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    if (size == 1) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || len < size || ptr[1] < low || ptr[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((ptr[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

bool svc_utf8_is_valid(const uint8_t *ptr, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t size = utf8_sequence(ptr + i, len - i);

        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}
