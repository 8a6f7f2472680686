/* svc_request: the callbacks that svc gives to libmicrohttpd. */
#pragma once

#include "svc_priv.h"

enum MHD_Result svc_on_request(void *context, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *data,
                               size_t *size, void **state);
void svc_on_completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code);

/* request_observe tells the service's `answered` hook, once. */
void request_observe(struct request *request);
void request_free(struct request *request);
