/*
 * client_curl: settings as options of a curl handle, which is a `void *` here so that the one who
 * reads this needs no libcurl.
 */
#pragma once

#include "base/str.h"
#include "http/client_proxy.h"
#include "http/client_settings.h"

struct curl_slist;

/* client_tls_apply gives a handle the settings, for servers and for proxies over https; NULL = TLS
 * 1.2 and newer, the system's authorities. */
void client_tls_apply(void *easy, const struct prom_tls *tls, const struct client_texts *texts);

/* client_way_apply tells the handle its way; the headers, for CONNECT alone, are borrowed. It may
 * be called while headers of a response come, for the redirect that they ask for. */
void client_way_apply(void *easy, struct client_way way, struct curl_slist *headers);

/* client_url_join is the URL that a Location header of an answer from `from` names, for mem_free;
 * NULL when that is none. */
char *client_url_join(const char *from, str location);
