#include "client/baro_priv.h"

bool baro_shared_is_on(void)
{
    return false;
}

void baro_shared_start(void)
{
}

void baro_shared_after_fork(void)
{
}

void baro_shared_import(struct baro_registry *registry)
{
    (void)registry;
}

struct baro_shared_lane *baro_shared_lane_claim(bool is_process)
{
    (void)is_process;
    return NULL;
}

uint64_t *baro_shared_page(struct baro_shared_lane *lane, uint32_t page)
{
    (void)lane, (void)page;
    return NULL;
}

void baro_shared_visit(uint32_t slot, baro_lane_visit_fn *visit, void *context)
{
    (void)slot, (void)visit, (void)context;
}

bool baro_shared_series(struct baro_family *family, const char *key, uint32_t key_size,
                        struct baro_series_cells *ret)
{
    (void)family, (void)key, (void)key_size, (void)ret;
    return false;
}
