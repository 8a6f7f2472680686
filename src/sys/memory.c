#include "sys/memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"

/* /proc/self/statm: pages in all, resident, of them mapped from files, ... */
bool memory_use_read(struct memory_use *ret)
{
    uint64_t fields[3] = {0}, page = (uint64_t)sysconf(_SC_PAGESIZE);
    char text[160];
    ssize_t size;
    str rest, part = STR_NULL;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (file < 0) {
        return false;
    }
    size = read(file, text, sizeof(text));
    (void)close(file);
    rest = str_of(text, size > 0 ? (size_t)size : 0);
    for (int i = 0; i < 3; i++) {
        if (!str_split_next(&rest, ' ', &part) || !num_parse_u64(part, &fields[i])) {
            return false;
        }
    }
    ret->resident_bytes = fields[1] * page;
    ret->anonymous_bytes = (fields[1] - (fields[2] < fields[1] ? fields[2] : fields[1])) * page;
    return true;
}
