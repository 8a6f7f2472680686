/* serve_stores: what `serve` sends to other stores (remote_write), and reads from them
 * (remote_read). */
#include <stdatomic.h>

#include "app/serve_priv.h"
#include "app/version.h"
#include "remote/remote_read.h"
#include "remote/remote_write.h"

/* What the scrapers know of metric families, each once: that of the first target that has it. */
static void metadata_now(void *context, struct arena *arena, struct remote_metadata_entry **ret,
                         size_t *ret_count)
{
    struct serve *serve = context;
    struct scrape_metadata_list list = {0};
    struct map seen = {0};

    /* Set when scraping has begun; pairs with the release there. */
    if (atomic_load_explicit(&serve->queryable, memory_order_acquire) != NULL) {
        scrape_manager_metadata(serve->scrape, arena, STR_NULL, (struct matchers){0}, 0, &list);
    }
    *ret = ARENA_ARRAY(arena, struct remote_metadata_entry, list.count + 1);
    *ret_count = 0;
    for (size_t i = 0; i < list.count; i++) {
        struct remote_metadata_entry *entry = &(*ret)[*ret_count];

        *entry = (struct remote_metadata_entry){list.items[i].metric, list.items[i].metadata};
        *ret_count += map_put(&seen, entry->family, entry) == NULL;
    }
    map_done(&seen);
}

static bool lowest_time(void *context, ts *ret)
{
    return tsdb_lowest_time(((struct serve *)context)->tsdb, ret);
}

/* Prometheus's margin: two of the shortest blocks. */
static dur start_margin(const struct serve *serve)
{
    dur block = flags_duration(&serve->flags, SERVE_FLAG_TSDB_BLOCK_MIN);

    return 2 * (block > 0 ? block : 2 * DUR_HOUR);
}

int serve_stores_start(struct serve *serve, struct baro_error *err)
{
    const struct remote_write_options options = {
        .data_dir = flags_text(&serve->flags, SERVE_FLAG_TSDB_PATH).ptr,
        .flush_deadline = flags_duration(&serve->flags, SERVE_FLAG_REMOTE_FLUSH),
        .user_agent = "barograph/" BAROGRAPH_VERSION,
        .metadata = metadata_now,
        .context = serve,
    };
    struct remote_write *remote = remote_write_new(&options);

    serve->read =
        remote_read_new(&(struct remote_read_options){.local = tsdb_queryable(serve->tsdb),
                                                      .lowest_time = lowest_time,
                                                      .context = serve,
                                                      .start_margin = start_margin(serve)});

    /* Pairs with the acquire in serve_stores_metrics. */
    atomic_store_explicit(&serve->remote, remote, memory_order_release);
    return serve_stores_apply(serve, serve->config, err);
}

int serve_stores_apply(struct serve *serve, struct prom_config *config, struct baro_error *err)
{
    int r = remote_read_apply(serve->read, config, err);

    return r < 0 ? r
                 : remote_write_apply(atomic_load_explicit(&serve->remote, memory_order_relaxed),
                                      config, err);
}

void serve_stores_metrics(struct serve *serve, struct buf *buf)
{
    struct remote_write *remote = atomic_load_explicit(&serve->remote, memory_order_acquire);

    if (remote != NULL) {
        remote_write_metrics(remote, buf);
        remote_read_metrics(serve->read, buf);
    }
}

void serve_stores_stop(struct serve *serve)
{
    (void)remote_write_free(atomic_load_explicit(&serve->remote, memory_order_relaxed));
    atomic_store_explicit(&serve->remote, NULL, memory_order_relaxed);
    serve->read = remote_read_free(serve->read);
}
