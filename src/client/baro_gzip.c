#include "client/baro_priv.h"

#ifdef BARO_WITH_ZLIB

#include <stdlib.h>
#include <zlib.h>

struct gzip {
    z_stream stream;
    unsigned char bytes[16384];
};

bool baro_gzip_is_built(void)
{
    return true;
}

/* Level 1: a scrape is read once, and 5 times smaller is what matters. Window bits 15 + 16 make it
 * gzip. */
void *baro_gzip_new(void)
{
    struct gzip *gzip = calloc(1, sizeof(*gzip));

    if (gzip != NULL &&
        deflateInit2(&gzip->stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return NULL;
    }
    return gzip;
}

void baro_gzip_free(void *context)
{
    struct gzip *gzip = context;

    if (gzip != NULL) {
        (void)deflateEnd(&gzip->stream);
        free(gzip);
    }
}

int baro_gzip_write(void *context, const char *bytes, size_t size, bool end, baro_write_fn *write,
                    void *write_context)
{
    struct gzip *gzip = context;
    int state = Z_OK;

    gzip->stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    gzip->stream.avail_in = (uInt)size;
    while (gzip->stream.avail_in > 0 || (end && state != Z_STREAM_END)) {
        size_t made;

        gzip->stream.next_out = gzip->bytes;
        gzip->stream.avail_out = sizeof(gzip->bytes);
        state = deflate(&gzip->stream, end ? Z_FINISH : Z_NO_FLUSH);
        made = sizeof(gzip->bytes) - gzip->stream.avail_out;
        if (state == Z_STREAM_ERROR) {
            return BARO_NO_MEMORY;
        }
        if (made > 0 && write(write_context, gzip->bytes, made) != 0) {
            return BARO_STOPPED;
        }
    }
    return BARO_OK;
}

#else

bool baro_gzip_is_built(void)
{
    return false;
}

void *baro_gzip_new(void)
{
    return NULL;
}

void baro_gzip_free(void *context)
{
    (void)context;
}

int baro_gzip_write(void *context, const char *bytes, size_t size, bool end, baro_write_fn *write,
                    void *write_context)
{
    (void)context, (void)bytes, (void)size, (void)end, (void)write, (void)write_context;
    return BARO_UNSUPPORTED;
}

#endif
