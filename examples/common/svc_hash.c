/* The digests of svc_util.h: SHA-256 and SHA-1 share their padding and differ in their rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svc_util.h"

static const uint32_t sha256_round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef void hash_block(uint32_t *state, const uint8_t block[64]);

static uint32_t rotate_right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha256_block(uint32_t *state, const uint8_t block[64])
{
    uint32_t w[64];
    uint32_t v[8];

    for (size_t i = 0; i < 16; i++) {
        w[i] = be32(block + 4 * i);
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15];
        uint32_t b = w[i - 2];
        uint32_t low = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
        uint32_t high = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;

        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
    memcpy(v, state, sizeof(v));
    for (size_t i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + sha256_round[i] + w[i];
        uint32_t s0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

static uint32_t sha1_mix(size_t round, const uint32_t v[5])
{
    switch (round / 20) {
    case 0:
        return ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5a827999;
    case 1:
        return (v[1] ^ v[2] ^ v[3]) + 0x6ed9eba1;
    case 2:
        return ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8f1bbcdc;
    default:
        return (v[1] ^ v[2] ^ v[3]) + 0xca62c1d6;
    }
}

static void sha1_block(uint32_t *state, const uint8_t block[64])
{
    uint32_t w[80];
    uint32_t v[5];

    for (size_t i = 0; i < 16; i++) {
        w[i] = be32(block + 4 * i);
    }
    for (size_t i = 16; i < 80; i++) {
        w[i] = rotate_right(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
    }
    memcpy(v, state, sizeof(v));
    for (size_t i = 0; i < 80; i++) {
        uint32_t next = rotate_right(v[0], 27) + sha1_mix(i, v) + v[4] + w[i];

        memmove(v + 1, v, 4 * sizeof(*v));
        v[0] = next;
        v[2] = rotate_right(v[2], 2);
    }
    for (size_t i = 0; i < 5; i++) {
        state[i] += v[i];
    }
}

/* Whole blocks, then the rest with a 1 bit, zeros and the length in bits (big-endian). */
static void hash_all(hash_block *block, uint32_t *state, const uint8_t *ptr, size_t len)
{
    uint8_t tail[128] = {0};
    size_t rest = len % 64;
    size_t tail_size = rest < 56 ? 64 : 128;
    uint64_t bits = (uint64_t)len * 8;

    for (size_t i = 0; i < len - rest; i += 64) {
        block(state, ptr + i);
    }
    if (rest > 0) {
        memcpy(tail, ptr + (len - rest), rest);
    }
    tail[rest] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        tail[tail_size - 1 - i] = (uint8_t)(bits >> 8 * i);
    }
    for (size_t i = 0; i < tail_size; i += 64) {
        block(state, tail + i);
    }
}

static void hash_store(const uint32_t *state, size_t count, uint8_t *ret)
{
    for (size_t i = 0; i < count * 4; i++) {
        ret[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void svc_sha256(const void *ptr, size_t len, uint8_t ret[SVC_SHA256_SIZE])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    hash_all(sha256_block, state, ptr, len);
    hash_store(state, 8, ret);
}

void svc_sha256_hex(const void *ptr, size_t len, char ret[SVC_SHA256_HEX_SIZE])
{
    uint8_t digest[SVC_SHA256_SIZE];

    svc_sha256(ptr, len, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    }
}

void svc_sha1(const void *ptr, size_t len, uint8_t ret[20])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

    hash_all(sha1_block, state, ptr, len);
    hash_store(state, 5, ret);
}

/* RFC 2104. Keys longer than a block are hashed first; ret may be the key's place. */
void svc_hmac_sha256(const void *key, size_t key_len, const void *ptr, size_t len,
                     uint8_t ret[SVC_SHA256_SIZE])
{
    uint8_t pad[64] = {0};
    uint8_t outer[64 + SVC_SHA256_SIZE];
    uint8_t *inner = malloc(64 + len);

    if (inner == NULL) {
        memset(ret, 0, SVC_SHA256_SIZE); /* a signature of zeros is refused by every peer */
        return;
    }
    if (key_len > sizeof(pad)) {
        svc_sha256(key, key_len, pad);
    } else if (key_len > 0) {
        memcpy(pad, key, key_len);
    }
    for (size_t i = 0; i < sizeof(pad); i++) {
        inner[i] = pad[i] ^ 0x36;
        outer[i] = pad[i] ^ 0x5c;
    }
    if (len > 0) {
        memcpy(inner + 64, ptr, len);
    }
    svc_sha256(inner, 64 + len, outer + 64);
    svc_sha256(outer, sizeof(outer), ret);
    free(inner);
}

void svc_base64(const void *ptr, size_t len, char *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = ptr;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (left > 2 ? p[i + 2] : 0);

        *ret++ = digits[bits >> 18];
        *ret++ = digits[bits >> 12 & 63];
        *ret++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *ret++ = left > 2 ? digits[bits & 63] : '=';
    }
    *ret = '\0';
}
