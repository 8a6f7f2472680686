#include "svc_metrics.h"

#include <stdlib.h>

#include <baro/baro.h>

void svc_metrics_answer(struct svc_request *request, struct baro_registry *registry)
{
    struct baro_expose_options options = {
        .format = baro_format_negotiate(svc_header(request, "Accept")),
        .gzip = baro_gzip_negotiate(svc_header(request, "Accept-Encoding")),
    };
    size_t size = 0;
    char *text = baro_expose_alloc(registry, &options, &size);

    if (text == NULL) {
        svc_answer_error(request, 500, "memory", "no memory for the metrics");
        return;
    }
    if (options.gzip) {
        svc_answer_header(request, "Content-Encoding", "gzip");
    }
    svc_answer_header(request, "Vary", "Accept, Accept-Encoding");
    svc_answer_bytes(request, 200, baro_format_content_type(options.format), text, size);
}

void svc_metrics_handle(struct svc_request *request)
{
    svc_metrics_answer(request, NULL);
}

const char *svc_metrics_path(const char *preset)
{
    const char *path = getenv("METRICS_ENDPOINT");

    return path != NULL && path[0] == '/' ? path : preset;
}
