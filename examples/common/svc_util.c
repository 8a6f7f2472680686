#include "svc_util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int svc_fail(struct svc_error *err, int code, const char *format, ...)
{
    va_list args;

    if (err != NULL) {
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
    return code;
}

int64_t svc_mono_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double svc_since_s(int64_t since_ns)
{
    return (double)(svc_mono_ns() - since_ns) / 1e9;
}

void svc_time_iso(char ret[SVC_TIME_ISO_SIZE])
{
    struct timespec now;
    struct tm parts;
    size_t len;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    len = strftime(ret, SVC_TIME_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret + len, SVC_TIME_ISO_SIZE - len, ".%03dZ",
                   (int)(now.tv_nsec / 1000000 % 1000));
}

bool svc_sleep_s(double seconds, const _Atomic bool *stop)
{
    const double step_s = 0.05; /* how late a stop may be seen */
    int64_t start = svc_mono_ns();

    for (double left = seconds; left > 0; left = seconds - svc_since_s(start)) {
        double part = left < step_s ? left : step_s;
        struct timespec pause = {.tv_nsec = (long)(part * 1e9)};

        if (stop != NULL && *stop) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

void svc_random_hex(char *ret, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        uint8_t byte = 0;

        while (getrandom(&byte, 1, 0) != 1) {
        }
        ret[i] = "0123456789abcdef"[byte & 15];
    }
    ret[size - 1] = '\0';
}

static uint8_t *bytes_room(struct svc_bytes *bytes, size_t len)
{
    if (bytes->failed || len > bytes->max || bytes->len > bytes->max - len) {
        bytes->failed = true;
        return NULL;
    }
    if (bytes->capacity - bytes->len < len) {
        size_t capacity = bytes->capacity == 0 ? 256 : bytes->capacity;
        uint8_t *ptr;

        while (capacity - bytes->len < len) {
            capacity *= 2; /* at most twice max, which is far from overflow */
        }
        ptr = realloc(bytes->ptr, capacity);
        if (ptr == NULL) {
            bytes->failed = true;
            return NULL;
        }
        bytes->ptr = ptr;
        bytes->capacity = capacity;
    }
    return bytes->ptr + bytes->len;
}

void svc_bytes_put(struct svc_bytes *bytes, const void *ptr, size_t len)
{
    uint8_t *to = len > 0 ? bytes_room(bytes, len) : NULL; /* nothing at all needs no room */

    if (to != NULL) {
        memcpy(to, ptr, len);
        bytes->len += len;
    }
}

void svc_bytes_le16(struct svc_bytes *bytes, uint16_t value)
{
    svc_bytes_put(bytes, (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

void svc_bytes_le32(struct svc_bytes *bytes, uint32_t value)
{
    svc_bytes_le16(bytes, (uint16_t)value);
    svc_bytes_le16(bytes, (uint16_t)(value >> 16));
}

void svc_bytes_float(struct svc_bytes *bytes, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    svc_bytes_le32(bytes, bits);
}

void svc_bytes_printf(struct svc_bytes *bytes, const char *format, ...)
{
    char line[512];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(line)) {
        bytes->failed = true;
        return;
    }
    svc_bytes_put(bytes, line, (size_t)len);
}

void svc_bytes_done(struct svc_bytes *bytes)
{
    free(bytes->ptr);
    *bytes = (struct svc_bytes){.max = bytes->max};
}

/* A value is quoted when it has anything that would end or confuse it. */
static void log_value(FILE *out, const char *value)
{
    if (value[0] != '\0' && strpbrk(value, " \"=\\\n\r\t") == NULL) {
        (void)fputs(value, out);
        return;
    }
    (void)fputc('"', out);
    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            (void)fprintf(out, "\\x%02x", (unsigned char)*p);
        } else {
            (void)fprintf(out, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
        }
    }
    (void)fputc('"', out);
}

void svc_log(const char *level, const char *message, ...)
{
    char now[SVC_TIME_ISO_SIZE];
    va_list args;

    svc_time_iso(now);
    flockfile(stderr);
    (void)fprintf(stderr, "time=%s level=%s msg=", now, level);
    log_value(stderr, message);
    va_start(args, message);
    for (const char *name = va_arg(args, const char *); name != NULL;
         name = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);

        (void)fprintf(stderr, " %s=", name);
        log_value(stderr, value != NULL ? value : "");
    }
    va_end(args);
    (void)fputc('\n', stderr);
    funlockfile(stderr);
}

int svc_file_read(const char *path, size_t max, struct svc_bytes *ret, struct svc_error *err)
{
    struct svc_bytes bytes = {.max = max};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t chunk[16384];
    ssize_t got = fd < 0 ? -1 : read(fd, chunk, sizeof(chunk));
    int r = got < 0 ? -errno : 0;

    while (got > 0 && !bytes.failed) {
        svc_bytes_put(&bytes, chunk, (size_t)got);
        got = read(fd, chunk, sizeof(chunk));
        r = got < 0 ? -errno : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (r == 0 && bytes.failed) {
        r = -EFBIG;
    }
    if (r < 0) {
        svc_bytes_done(&bytes);
        return svc_fail(err, r, "%s: cannot be read: %s", path, strerrordesc_np(-r));
    }
    *ret = bytes;
    return 0;
}

static int write_all(int fd, const uint8_t *ptr, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, ptr, len);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? -errno : -EIO;
        }
        ptr += done;
        len -= (size_t)done;
    }
    return 0;
}

int svc_file_write(const char *path, const void *ptr, size_t len, struct svc_error *err)
{
    char temporary[4096];
    char unique[9];
    int fd;
    int r;

    svc_random_hex(unique, sizeof(unique));
    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.%s.tmp", path, unique) >=
        sizeof(temporary)) {
        return svc_fail(err, -ENAMETOOLONG, "%.100s...: the path is too long", path);
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    r = fd < 0 ? -errno : write_all(fd, ptr, len);
    if (fd >= 0 && close(fd) < 0 && r == 0) {
        r = -errno;
    }
    if (r == 0 && rename(temporary, path) < 0) {
        r = -errno;
    }
    if (r < 0) {
        (void)unlink(temporary);
        return svc_fail(err, r, "%s: cannot be written: %s", path, strerrordesc_np(-r));
    }
    return 0;
}
