/* PGM and PPM (P2, P3, P5, P6), 1 to 16 bits a sample. */
#include <errno.h>
#include <string.h>

#include "image.h"

struct pnm {
    const uint8_t *at, *end;
    bool failed;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blank(struct pnm *in)
{
    while (in->at < in->end && (is_space(*in->at) || *in->at == '#')) {
        if (*in->at == '#') {
            while (in->at < in->end && *in->at != '\n') {
                in->at++;
            }
        } else {
            in->at++;
        }
    }
}

/* A decimal number up to max; more, or none, is a failure. */
static uint32_t read_number(struct pnm *in, uint32_t max)
{
    uint32_t value = 0;

    skip_blank(in);
    if (in->at == in->end || *in->at < '0' || *in->at > '9') {
        in->failed = true;
        return 0;
    }
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        value = value * 10 + (uint32_t)(*in->at++ - '0');
        if (value > max) {
            in->failed = true;
            return 0;
        }
    }
    return value;
}

static uint32_t read_sample(struct pnm *in, bool is_plain, uint32_t max)
{
    uint32_t value;

    if (is_plain) {
        return read_number(in, max);
    }
    if ((size_t)(in->end - in->at) < (max > 255 ? 2u : 1u)) {
        in->failed = true;
        return 0;
    }
    value = *in->at++;
    if (max > 255) {
        value = value << 8 | *in->at++;
    }
    in->failed = in->failed || value > max;
    return value;
}

static void read_pixels(struct pnm *in, char kind, uint32_t max, struct image *image)
{
    size_t count = (size_t)image->width * image->height;
    bool is_grey = kind == '2' || kind == '5';
    bool is_plain = kind <= '3';

    for (size_t i = 0; i < count && !in->failed; i++) {
        uint8_t *p = image->rgba + 4 * i;

        for (size_t c = 0; c < (is_grey ? 1u : 3u); c++) {
            p[c] = (uint8_t)(read_sample(in, is_plain, max) * 255 / max);
        }
        if (is_grey) {
            p[1] = p[0];
            p[2] = p[0];
        }
        p[3] = 255;
    }
}

int image_pnm_load(const uint8_t *ptr, size_t len, struct image *ret, struct svc_error *err)
{
    struct pnm in = {.at = ptr + 2, .end = ptr + len};
    struct image image = {0};
    uint32_t width, height, max;
    int r;

    if (len < 3) {
        return svc_fail(err, -EINVAL, "image: broken PNM: the header ends early");
    }
    width = read_number(&in, 1000000);
    height = read_number(&in, 1000000);
    max = read_number(&in, 65535);
    if (in.failed || max == 0 || in.at == in.end || !is_space(*in.at)) {
        return svc_fail(err, -EINVAL,
                        "image: broken PNM: the header is P5 or P6, width, height, "
                        "greatest value (1 to 65535)");
    }
    in.at++;
    r = image_new(width, height, &image, err);
    if (r < 0) {
        return r;
    }
    read_pixels(&in, (char)ptr[1], max, &image);
    if (in.failed) {
        image_done(&image);
        return svc_fail(err, -EINVAL, "image: broken PNM: pixels are missing or too great");
    }
    *ret = image;
    return 0;
}
