/* A server on libmicrohttpd with the request metrics of baro/mhd.h. client_mhd: prints "port N",
 * serves until its input ends. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <baro/mhd.h>

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **memory)
{
    static char body[] = "0123456789";
    static int seen;
    struct MHD_Response *response;
    enum MHD_Result result;

    (void)context, (void)method, (void)version, (void)upload;
    if (*memory == NULL) {
        *memory = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    response = MHD_create_response_from_buffer(10, body, MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(connection, strncmp(path, "/jobs", 5) == 0 ? 201 : 404, response);
    MHD_destroy_response(response);
    return result;
}

static const char *endpoint_of(void *context, const char *method, const char *path)
{
    (void)context, (void)method;
    return strncmp(path, "/jobs/", 6) == 0 ? "/jobs/{id}" : NULL;
}

int main(void)
{
    static struct baro_mhd metrics = {
        .handler = answer, .endpoint = endpoint_of, .path = "/metrics"};
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *daemon;
    char byte;

    metrics.http = baro_http_new(NULL, NULL);
    daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, baro_mhd_handler, &metrics,
                         MHD_OPTION_NOTIFY_COMPLETED, baro_mhd_completed, &metrics, MHD_OPTION_END);
    if (daemon == NULL) {
        return 1;
    }
    info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    (void)printf("port %d\n", info->port);
    (void)fflush(stdout);
    while (read(0, &byte, 1) > 0) {
    }
    MHD_stop_daemon(daemon);
    (void)baro_http_free(metrics.http);
    return 0;
}
