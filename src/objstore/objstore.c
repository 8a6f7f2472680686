#include "objstore/objstore.h"

#include "base/mem.h"
#include "objstore/objstore_priv.h"

static char *make_url(const struct objstore_config *config)
{
    struct buf url = {0};

    if (config->type == OBJSTORE_FILESYSTEM) {
        buf_str(&url, config->directory);
    } else {
        buf_printf(&url, "http%s://", config->insecure ? "" : "s");
        if (config->virtual_hosted) {
            buf_printf(&url, "%.*s.", STR_ARG(config->bucket));
        }
        buf_str(&url, config->endpoint);
        if (!config->virtual_hosted) {
            buf_printf(&url, "/%.*s", STR_ARG(config->bucket));
        }
    }
    return buf_take_c(&url);
}

struct objstore *objstore_new(const struct objstore_config *config, const _Atomic bool *cancel)
{
    struct objstore *store = MEM_NEW(struct objstore);

    store->config = config;
    store->cancel = cancel;
    store->ops = config->type == OBJSTORE_S3 ? &s3_ops : &directory_ops;
    store->url = make_url(config);
    return store;
}

struct objstore *objstore_free(struct objstore *store)
{
    if (store != NULL) {
        (void)mem_free(store->url);
    }
    return mem_free(store);
}

void objstore_upload_done(struct objstore_upload *upload)
{
    upload->etags = mem_free(upload->etags);
    *upload = (struct objstore_upload){0};
}

int objstore_get(struct objstore *store, str name, size_t bytes_max, struct buf *ret,
                 struct baro_error *err)
{
    return store->ops->get(store, name, bytes_max, ret, err);
}

int objstore_put(struct objstore *store, str name, str data, struct objstore_upload *upload,
                 objstore_progress *progress, void *context, struct baro_error *err)
{
    return store->ops->put(store, name, data, upload, progress, context, err);
}

const char *objstore_url(const struct objstore *store)
{
    return store->url;
}
