/* Any bytes as a file of downsampled samples, with good checksums of header and table, so that the
 * rows and streams are reached. */
#include "base/mem.h"
#include "codec/crc32c.h"
#include "fuzz/fuzz.h"
#include "sys/fs_fake.h"
#include "tsdb/downsample.h"
#include "tsdb/downsample_priv.h"

/* Makes the checksums hold, those of the streams included. */
static void mend(uint8_t *data, size_t size)
{
    size_t skip = offsetof(struct downsample_header, window);
    struct downsample_header header;

    memcpy(&header, data, sizeof(header));
    header.magic = DOWNSAMPLE_MAGIC;
    header.version = DOWNSAMPLE_VERSION;
    header.series = 1;
    header.window = DUR_HOUR;
    header.table = (size - sizeof(struct downsample_row)) / 8 * 8;
    header.table_crc = crc32c(str_of((char *)data + header.table, sizeof(struct downsample_row)));
    header.crc = crc32c(str_of((char *)&header + skip, sizeof(header) - skip));
    memcpy(data, &header, sizeof(header));
}

static void mend_streams(uint8_t *data, size_t size)
{
    size_t table = (size - sizeof(struct downsample_row)) / 8 * 8;
    struct downsample_row row;
    uint64_t at;

    memcpy(&row, data + table, sizeof(row));
    at = row.offset;
    for (int i = 0; i < DOWNSAMPLE_STREAMS; i++) {
        if (at >= sizeof(struct downsample_header) && row.sizes[i] >= 4 && at <= table &&
            row.sizes[i] <= table - at) {
            uint32_t crc = crc32c(str_of((char *)data + at + 4, row.sizes[i] - 4));

            memcpy(data + at, &crc, sizeof(crc));
        }
        at += row.sizes[i];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct downsample *file = NULL;
    struct fs_fake *fake;
    const struct fs *fs;
    fs_file out = FS_FILE_NONE;
    uint8_t *copy;

    if (size < sizeof(struct downsample_header) + sizeof(struct downsample_row)) {
        return 0;
    }
    size = (size - sizeof(struct downsample_row)) / 8 * 8 + sizeof(struct downsample_row);
    copy = mem_alloc(size);
    memcpy(copy, data, size);
    mend_streams(copy, size);
    mend(copy, size);
    fake = fs_fake_new(1);
    fs = fs_fake_fs(fake);
    if (fs->open(fs, "f", FS_CREATE, &out, NULL) >= 0) {
        (void)fs->append(fs, out, copy, size, NULL);
        (void)fs->close(fs, out, NULL);
    }
    if (downsample_open(fs, "f", &file, NULL) >= 0) {
        for (int reduce = REDUCE_LAST; reduce < REDUCE_KINDS; reduce++) {
            struct sample_buf samples = {0};
            uint32_t ref = 0;

            memcpy(&ref, copy + size - sizeof(struct downsample_row), sizeof(ref));
            (void)downsample_read(file, ref, (enum select_reduce)reduce, INT64_MIN, INT64_MAX,
                                  &samples, NULL);
            sample_buf_done(&samples);
        }
    }
    (void)downsample_free(file);
    (void)fs_fake_free(fake);
    (void)mem_free(copy);
    return 0;
}
