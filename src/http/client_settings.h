/*
 * client_settings: what the configuration of an HTTP client means, as far as it needs no libcurl:
 * the headers of a request, TLS, and whether the settings can be used at all (http_client_check).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

struct prom_http;

/* client_settings_have_headers says whether they add headers to each request. */
bool client_settings_have_headers(const struct prom_http *settings);

/*
 * client_settings_headers hands each header line ("Name: value", borrowed for the call) to `add`.
 * Files are read now. Fails with -errno and the name of a file that cannot be read.
 */
int client_settings_headers(const struct prom_http *settings,
                            void (*add)(const char *line, void *context), void *context,
                            struct baro_error *err);

/* client_settings_value appends the content of the file without white space at its ends, or the
 * text when there is no file. */
struct buf;
int client_settings_value(struct buf *buf, str text, str file, struct baro_error *err);

/* client_tls_version is 1 to 4 for "TLS10" to "TLS13", 0 for empty, -1 for anything else. */
int client_tls_version(str name);

struct prom_tls;

/* The texts of ca, cert and key as descriptors of files in memory, -1 = none: libcurl over GnuTLS
 * takes names of files alone before its version 8.18. They are read whenever a connection is made.
 */
struct client_texts {
    int ca, cert, key;
};

/* client_texts_open makes them of the settings (NULL = none). client_texts_close takes what _open
 * has made, be it but in part. */
int client_texts_open(const struct prom_tls *tls, struct client_texts *ret, struct baro_error *err);
void client_texts_close(struct client_texts *texts);

/* client_texts_name is the name by which this process reads a text, or else the file; NULL without
 * either. For mem_free. */
char *client_texts_name(int text, str file);

/* client_url_show copies a URL for a message, cut to size; a password in it becomes "***", as in
 * Go's messages. Returns ret. */
const char *client_url_show(const char *url, char *ret, size_t size);

/* How a request is sent to one host under another one's name; heap texts, NULL = no detour. */
struct client_detour {
    char *url;         /* with the other name */
    char *connect_to;  /* NAME:PORT:HOST:PORT */
    char *host_header; /* Host: the true one */
};

/* client_detour_make leaves ret empty when the URL is not https. */
void client_detour_make(const char *url, str name, struct client_detour *ret);
void client_detour_done(struct client_detour *detour);
