/* Object storage for finished blocks: the flags, and the shipper's place in the program. */
#include <stdlib.h>
#include <string.h>

#include "app/files.h"
#include "app/serve_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "objstore/shipper.h"

/* The external labels of the running configuration, copied: it may be gone before they are. */
static struct conf_pairs labels_now(void *context, struct arena *arena)
{
    struct serve *serve = context;
    CLEANUP(prom_config_unrefp) struct prom_config *config = serve_config_get(serve);
    struct conf_pairs labels = {0};
    struct conf_pair *items;

    if (config != NULL) {
        labels = prom_config_global(config)->external_labels;
    }
    items = ARENA_ARRAY(arena, struct conf_pair, labels.count + 1);
    for (size_t i = 0; i < labels.count; i++) {
        items[i] = (struct conf_pair){arena_str(arena, labels.items[i].name),
                                      arena_str(arena, labels.items[i].value)};
    }
    return (struct conf_pairs){items, labels.count};
}

static const char *from_environment(const char *name)
{
    return getenv(name);
}

static int read_config(struct serve *serve, struct buf *text, const char **ret_name,
                       struct baro_error *err)
{
    str file = flags_text(&serve->flags, SERVE_FLAG_OBJSTORE_CONFIG_FILE);
    str inline_text = flags_text(&serve->flags, SERVE_FLAG_OBJSTORE_CONFIG);

    *ret_name = "--objstore.config";
    if (file.len > 0 && inline_text.len > 0) {
        return error_set(err, BARO_EUSAGE,
                         "--objstore.config and --objstore.config-file: one of them is enough");
    }
    if (file.len == 0) {
        buf_str(text, inline_text);
        return 0;
    }
    *ret_name = arena_str(&serve->arena, file).ptr;
    return file_read(*ret_name, text, err);
}

int serve_objstore_load(struct serve *serve, struct baro_error *err)
{
    struct buf text = {0};
    const char *name = NULL;
    int r = read_config(serve, &text, &name, err);

    if (r >= 0 && text.len > 0) {
        serve->objstore = MEM_NEW(struct objstore_config);
        r = objstore_config_parse(buf_view(&text), name, from_environment, serve->objstore, err);
        if (r < 0) {
            serve->objstore = mem_free(serve->objstore);
        }
    }
    /* It may hold a secret. */
    if (text.len > 0) {
        explicit_bzero(text.ptr, text.len);
    }
    buf_done(&text);
    return r < 0 ? r : 0;
}

int serve_objstore_start(struct serve *serve, struct baro_error *err)
{
    struct shipper_options options = {
        .data_dir = flags_text(&serve->flags, SERVE_FLAG_TSDB_PATH).ptr,
        .config = serve->objstore,
        .upload_compacted = flags_bool(&serve->flags, SERVE_FLAG_SHIPPER_COMPACTED),
        .labels = labels_now,
        .context = serve,
    };
    struct shipper *shipper = NULL;
    int r = serve->objstore != NULL ? shipper_new(&options, &shipper, err) : 0;

    /* Pairs with the acquire in serve_block_written. */
    atomic_store_explicit(&serve->shipper, shipper, memory_order_release);
    return r;
}

void serve_block_written(void *context, const char *directory, const struct block_meta *meta)
{
    struct serve *serve = context;
    struct shipper *shipper = atomic_load_explicit(&serve->shipper, memory_order_acquire);

    /* Before it is there, its first round finds the block by itself. */
    if (shipper != NULL) {
        shipper_block_written(shipper, directory, meta);
    }
}

void serve_objstore_stop(struct serve *serve)
{
    (void)shipper_free(atomic_load_explicit(&serve->shipper, memory_order_relaxed));
    if (serve->objstore != NULL) {
        objstore_config_done(serve->objstore);
        serve->objstore = mem_free(serve->objstore);
    }
}
