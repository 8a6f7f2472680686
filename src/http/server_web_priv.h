/* server_web_priv: what the server does with a web configuration. Any thread, several at once. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/dur.h"
#include "base/lock.h"
#include "codec/sha256.h"
#include "conf/web_config.h"
#include "http/server_web.h"

enum { SERVER_WEB_FILES_MAX = 4, SERVER_VERDICTS_MAX = 64, SERVER_SALT_BYTES = 16 };

enum server_verdict { VERDICT_UNKNOWN, VERDICT_ALLOWED, VERDICT_DENIED };

/* What a file was when it was read; size -1 when it could not be looked at. */
struct server_web_stamp {
    struct timespec changed;
    int64_t size;
    ino_t inode;
};

struct server_tls;

struct server_web {
    _Atomic uint32_t references;
    struct web_config *config;
    struct server_tls *tls; /* NULL = plain HTTP */
    struct server_web_stamp stamps[SERVER_WEB_FILES_MAX];
    uint8_t salt[SERVER_SALT_BYTES];
    struct lock lock;
    /* What was found of Authorization headers lately, by digest. lock: web.lock, as all below */
    struct {
        uint8_t digest[SHA256_BYTES];
        enum server_verdict verdict;
    } verdicts[SERVER_VERDICTS_MAX];
    size_t verdict_next[2]; /* of those denied, of those allowed */
    double tokens;          /* requests that may come now, at the time `filled` */
    mono filled;
};

/* ---- server_web.c ---- */

/* server_web_has_changed looks at the files. */
bool server_web_has_changed(const struct server_web *web);

/* server_web_may says whether the limit on the rate lets a request through now. */
bool server_web_may(struct server_web *web, mono now);

/* server_web_verdict says what is known of an Authorization header (ptr NULL = none); UNKNOWN:
 * server_web_judge has to be asked. */
enum server_verdict server_web_verdict(struct server_web *web, str authorization);

/* server_web_judge works the hash out, which takes some 50 ms of processor time, and remembers. */
enum server_verdict server_web_judge(struct server_web *web, str authorization);

/* ---- server_tls.c: the only file that knows GnuTLS ---- */

int server_tls_new(const struct web_config *config, struct server_tls **ret,
                   struct baro_error *err);
struct server_tls *server_tls_free(struct server_tls *tls);

/* server_tls_begin makes a session (a gnutls_session_t) whose handshake has not begun one of tls,
 * which must outlive it. */
bool server_tls_begin(struct server_tls *tls, void *session);

/* server_tls_send writes past the HTTP library. */
void server_tls_send(void *session, const void *data, size_t size);
