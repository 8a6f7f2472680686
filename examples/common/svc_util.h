/*
 * svc_util: the small things that every example service needs: error texts, clocks, growing bytes
 * with a bound, SHA-256, one line of log per event. Examples are written as a service's developer
 * would write them: on libc, pthreads and Debian's libraries, and not on the insides of barograph.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why something failed, for a human: "where: what: what to do". */
struct svc_error {
    char text[256];
};

/* svc_fail writes the text, when err is not NULL, and returns code (a negative errno). */
int svc_fail(struct svc_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* svc_mono_ns is the monotonic clock; svc_since_s is the seconds that passed since such a time. */
int64_t svc_mono_ns(void);
double svc_since_s(int64_t since_ns);

/* svc_time_iso writes the time of day as "2025-10-14T09:30:00.123Z". */
enum { SVC_TIME_ISO_SIZE = 32 };
void svc_time_iso(char ret[SVC_TIME_ISO_SIZE]);

/* svc_sleep_s sleeps; it ends early, with false, as soon as *stop (may be NULL) is set. */
bool svc_sleep_s(double seconds, const _Atomic bool *stop);

/* svc_random_hex writes size - 1 hexadecimal digits of the kernel's randomness, and a NUL. */
void svc_random_hex(char *ret, size_t size);

/* Bytes that grow up to `max`; more, or no memory, sets `failed`, and all later calls do nothing.
 * Start with (struct svc_bytes){ .max = N }. */
struct svc_bytes {
    uint8_t *ptr;
    size_t len;
    size_t capacity;
    size_t max;
    bool failed;
};
void svc_bytes_put(struct svc_bytes *bytes, const void *ptr, size_t len);
void svc_bytes_le16(struct svc_bytes *bytes, uint16_t value);
void svc_bytes_le32(struct svc_bytes *bytes, uint32_t value);
void svc_bytes_float(struct svc_bytes *bytes, float value);
void svc_bytes_printf(struct svc_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void svc_bytes_done(struct svc_bytes *bytes);

/* SHA-256 (FIPS 180-4). svc_sha256_hex writes 64 digits and a NUL. */
enum { SVC_SHA256_SIZE = 32, SVC_SHA256_HEX_SIZE = 65 };
void svc_sha256(const void *ptr, size_t len, uint8_t ret[SVC_SHA256_SIZE]);
void svc_sha256_hex(const void *ptr, size_t len, char ret[SVC_SHA256_HEX_SIZE]);
void svc_hmac_sha256(const void *key, size_t key_len, const void *ptr, size_t len,
                     uint8_t ret[SVC_SHA256_SIZE]);

/* SHA-1 (for the WebSocket handshake, which asks for it) and base64. ret has room for 4 bytes per
 * 3 of input, rounded up, and a NUL. */
void svc_sha1(const void *ptr, size_t len, uint8_t ret[20]);
void svc_base64(const void *ptr, size_t len, char *ret);

/*
 * svc_log writes one logfmt line to stderr: time, level, message, then name and value pairs up to a
 * NULL name: svc_log("info", "job done", "job", id, NULL). Values are quoted as needed.
 */
void svc_log(const char *level, const char *message, ...) __attribute__((sentinel));

/* svc_file_read reads a whole file of at most `max` bytes into *ret (released by the caller with
 * svc_bytes_done). svc_file_write replaces a file by way of a temporary one beside it. */
int svc_file_read(const char *path, size_t max, struct svc_bytes *ret, struct svc_error *err);
int svc_file_write(const char *path, const void *ptr, size_t len, struct svc_error *err);
