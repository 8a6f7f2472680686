/* Any bytes as frames of a head snapshot, behind a good header and with good checksums, so that the
 * entries are reached: the load fails or fills a head that can be queried and freed. */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "fuzz/fuzz.h"
#include "sys/fs.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_snapshot.h"
#include "tsdb/head_snapshot_priv.h"

static void mend(char *data, size_t size)
{
    size_t offset = sizeof(struct snapshot_header);
    struct snapshot_header header;

    memcpy(&header, data, sizeof(header));
    header.magic = SNAPSHOT_MAGIC;
    header.version = SNAPSHOT_VERSION;
    header.crc = crc32c_add(0, &header.segment, sizeof(header) - 16);
    memcpy(data, &header, sizeof(header));
    while (size - offset >= sizeof(struct snapshot_frame)) {
        struct snapshot_frame frame;

        memcpy(&frame, data + offset, sizeof(frame));
        if (frame.bytes > size - offset - sizeof(frame)) {
            return;
        }
        frame.raw_bytes = frame.bytes & ~7u; /* as it is: what is packed would hardly be reached */
        frame.bytes = frame.raw_bytes;
        memcpy(data + offset, &frame, sizeof(frame));
        frame.crc = crc32c_add(0, &frame, offsetof(struct snapshot_frame, crc));
        frame.crc = crc32c_add(frame.crc, data + offset + sizeof(frame), frame.bytes);
        memcpy(data + offset, &frame, sizeof(frame));
        offset += sizeof(frame) + frame.bytes;
    }
}

static char dir[] = "/tmp/fuzz-snapshot-XXXXXX";

static void remove_dir(void)
{
    (void)fs_remove_tree(fs_real(), dir, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_made;
    struct head_options options = {.exemplars_max = 4};
    struct head_snapshot_info info = {0};
    struct head *head;
    char *copy;

    if (size < sizeof(struct snapshot_header) ||
        (!is_made && (mkdtemp(dir) == NULL || atexit(remove_dir) != 0))) {
        return 0;
    }
    is_made = true;
    copy = mem_alloc(size);
    memcpy(copy, data, size);
    mend(copy, size);
    head = head_new(&options);
    if (file_replace(fs_real(), dir, HEAD_SNAPSHOT_NAME, str_of(copy, size), NULL) >= 0) {
        (void)head_snapshot_load(head, fs_real(), dir, 0, UINT64_MAX, &info, NULL);
    }
    (void)head_free(head);
    (void)mem_free(copy);
    return 0;
}
