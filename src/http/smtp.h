/*
 * smtp: one e-mail to one server, over libcurl: STARTTLS or TLS from the start, AUTH PLAIN, LOGIN
 * and CRAM-MD5. Blocks; any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

struct prom_tls;

/* All texts are NUL-terminated and without control characters. */
struct smtp_message {
    str host;
    str port;
    str hello; /* empty = localhost */
    bool implicit_tls;
    bool require_tls; /* STARTTLS, or nothing is sent */
    const struct prom_tls *tls;
    str username; /* empty = nobody logs in */
    str identity; /* for PLAIN; may be empty */
    str password; /* for PLAIN and LOGIN; empty = these are not tried */
    str secret;   /* for CRAM-MD5; likewise */
    str from;
    const str *to;
    size_t to_count;
    str text; /* headers, an empty line, and the body, with CRLF */
    dur timeout;
    const _Atomic bool *cancel; /* may be NULL */
};

/*
 * smtp_send delivers the message, or fails with the step that failed. PLAIN is not tried over an
 * open connection but to this host, since it would tell the password. *ret_status is the server's
 * last code; 0 = none came.
 */
int smtp_send(const struct smtp_message *message, int *ret_status, struct baro_error *err);
