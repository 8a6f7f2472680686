/* server_mhd: what the parts of http/server that speak with libmicrohttpd share. */
#pragma once

#include <microhttpd.h>

#include "http/server_priv.h"

/* ---- server_request.c: its callbacks; the context is the server ---- */

/* server_request_new: the request line is there. Returns the exchange, which libmicrohttpd hands
 * back as the request's context. */
void *server_request_new(void *context, const char *target, struct MHD_Connection *mhd);

/* server_request_step: the headers are complete, a part of the body has come, all of it has, or a
 * suspended connection goes on. */
enum MHD_Result server_request_step(void *context, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_bytes, void **request_context);

/* server_request_free: the request is over, for whatever reason. */
void server_request_free(void *context, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode reason);

/* ---- server_response.c ---- */

/* server_response_encode replaces the body by its gzip form when that is wanted and worth it. */
void server_response_encode(struct server_exchange *exchange);

/* server_response_send queues the response, and counts it. MHD_NO breaks the connection off. */
enum MHD_Result server_response_send(struct server_exchange *exchange);
