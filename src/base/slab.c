#include "base/slab.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/attr.h"

/* The leak sanitizer looks for pointers in what it knows of alone. */
#if BARO_ASAN
#include <sanitizer/lsan_interface.h>

static void root_add(const void *slab)
{
    __lsan_register_root_region(slab, SLAB_BYTES);
}

static void root_remove(const void *slab)
{
    __lsan_unregister_root_region(slab, SLAB_BYTES);
}
#else
static void root_add(const void *slab)
{
    (void)slab;
}

static void root_remove(const void *slab)
{
    (void)slab;
}
#endif

/* Twice the size surely has an aligned slab in it; the rest goes back at once. */
static char *map_slab(void)
{
    char *room = mmap(NULL, 2 * (size_t)SLAB_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;
    char *slab;

    ASSERT(room != MAP_FAILED);
    before = -(uintptr_t)room % SLAB_BYTES;
    slab = room + before;
    if (before > 0) {
        (void)munmap(room, before);
    }
    if (before < SLAB_BYTES) {
        (void)munmap(slab + SLAB_BYTES, SLAB_BYTES - before);
    }
    return slab;
}

void *slab_alloc(bool is_dense)
{
    char *slab = map_slab();

    root_add(slab);
    if (is_dense) {
        (void)madvise(slab, SLAB_BYTES, MADV_HUGEPAGE); /* a kernel without them works as well */
    }
    return slab;
}

void slab_touch(void *slab)
{
    (void)madvise(slab, SLAB_BYTES, MADV_POPULATE_WRITE); /* or at the first writes */
}

void slab_free(void *slab)
{
    if (slab != NULL) {
        root_remove(slab);
        ASSERT(munmap(slab, SLAB_BYTES) == 0);
    }
}

void slab_forget(void *at, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)at + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)at + size) & ~(page - 1);

    if (first < end) {
        (void)madvise((void *)first, end - first, MADV_DONTNEED);
    }
}
