#include "http/server_web_priv.h"

#include <crypt.h>
#include <string.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/base64.h"

enum { AUTHORIZATION_BYTES_MAX = 4096 };

/* ---- life ---- */

static struct server_web_stamp stamp_of(str path)
{
    struct server_web_stamp stamp = {.size = -1};
    struct stat st;

    if (stat(path.ptr, &st) == 0) {
        stamp = (struct server_web_stamp){st.st_mtim, st.st_size, st.st_ino};
    }
    return stamp;
}

static bool stamps_are_equal(const struct server_web_stamp *a, const struct server_web_stamp *b)
{
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->size == b->size && a->inode == b->inode;
}

int server_web_load(const char *path, struct server_web **ret, struct faults *faults)
{
    CLEANUP(server_web_unrefp) struct server_web *web = MEM_NEW(struct server_web);
    struct baro_error err = {0};
    int r;

    atomic_init(&web->references, 1);
    lock_init(&web->lock, LOCK_LEAF);
    ASSERT(getrandom(web->salt, sizeof(web->salt), 0) == (ssize_t)sizeof(web->salt));
    r = web_config_load(path, &web->config, faults);
    if (r < 0) {
        return r;
    }
    ASSERT(web->config->files.count <= SERVER_WEB_FILES_MAX);
    for (size_t i = 0; i < web->config->files.count; i++) {
        web->stamps[i] = stamp_of(web->config->files.items[i]);
    }
    web->tokens = (double)web->config->rate_burst;
    if (web_config_has_tls(web->config)) {
        r = server_tls_new(web->config, &web->tls, &err);
        if (r < 0) {
            return faults_add(faults, r, path, 0, 0, "%s", err.message);
        }
    }
    *ret = TAKE(web);
    return 0;
}

struct server_web *server_web_ref(struct server_web *web)
{
    /* Relaxed: whoever takes a reference holds one already. */
    (void)atomic_fetch_add_explicit(&web->references, 1, memory_order_relaxed);
    return web;
}

struct server_web *server_web_unref(struct server_web *web)
{
    if (web != NULL && atomic_fetch_sub_explicit(&web->references, 1, memory_order_acq_rel) == 1) {
        (void)server_tls_free(web->tls);
        (void)web_config_free(web->config);
        lock_done(&web->lock);
        (void)mem_free(web);
    }
    return NULL;
}

bool server_web_has_tls(const struct server_web *web)
{
    return web->tls != NULL;
}

bool server_web_has_users(const struct server_web *web)
{
    return web->config->users.count > 0;
}

bool server_web_has_changed(const struct server_web *web)
{
    for (size_t i = 0; i < web->config->files.count; i++) {
        struct server_web_stamp now = stamp_of(web->config->files.items[i]);

        if (!stamps_are_equal(&now, &web->stamps[i])) {
            return true;
        }
    }
    return false;
}

/* ---- the rate of requests ---- */

bool server_web_may(struct server_web *web, mono now)
{
    const struct web_config *config = web->config;
    bool may = true;

    if (config->rate_interval <= 0) {
        return true;
    }
    lock_acquire(&web->lock);
    web->tokens += web->filled == 0 ? 0
                                    : (double)(now - web->filled) /
                                          (double)(config->rate_interval * MONO_PER_MS);
    web->tokens =
        web->tokens < (double)config->rate_burst ? web->tokens : (double)config->rate_burst;
    web->filled = now;
    may = web->tokens >= 1;
    web->tokens -= may ? 1 : 0;
    lock_release(&web->lock);
    return may;
}

/* ---- passwords ---- */

/* Compares without telling by its time how far two texts of one length agree. */
static bool bytes_are_equal(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a;
    const unsigned char *right = b;
    unsigned char differ = 0;

    for (size_t i = 0; i < size; i++) {
        differ |= left[i] ^ right[i];
    }
    return differ == 0;
}

/* With a salt of its own, so that what is kept says nothing elsewhere. */
static void digest_of(const struct server_web *web, str authorization, uint8_t ret[SHA256_BYTES])
{
    sha256_hmac(str_of((const char *)web->salt, sizeof(web->salt)), authorization, ret);
}

static bool can_be_basic(str authorization)
{
    return authorization.len > 6 && authorization.len <= AUTHORIZATION_BYTES_MAX &&
           str_eq_nocase(str_slice(authorization, 0, 6), STR("Basic "));
}

enum server_verdict server_web_verdict(struct server_web *web, str authorization)
{
    enum server_verdict verdict = VERDICT_UNKNOWN;
    uint8_t digest[SHA256_BYTES];

    if (!server_web_has_users(web)) {
        return VERDICT_ALLOWED;
    }
    if (!can_be_basic(authorization)) {
        return VERDICT_DENIED;
    }
    digest_of(web, authorization, digest);
    lock_acquire(&web->lock);
    for (size_t i = 0; i < SERVER_VERDICTS_MAX; i++) {
        if (web->verdicts[i].verdict != VERDICT_UNKNOWN &&
            bytes_are_equal(web->verdicts[i].digest, digest, sizeof(digest))) {
            verdict = web->verdicts[i].verdict;
        }
    }
    lock_release(&web->lock);
    return verdict;
}

static bool password_is(const char *password, const char *hash)
{
    /* The 32 KiB that crypt_r works in are not for the stack. */
    struct crypt_data *data = mem_alloc_zero(sizeof(*data));
    const char *made = crypt_r(password, hash, data);
    bool same = made != NULL && made[0] != '*' && strlen(made) == strlen(hash) &&
                bytes_are_equal(made, hash, strlen(hash));

    explicit_bzero(data, sizeof(*data));
    (void)mem_free(data);
    return same;
}

/* An unknown user costs as much time as a known one: some hash is always worked out. */
static bool credentials_are_good(const struct conf_pairs *users, str credentials)
{
    size_t colon = str_index_char(credentials, ':');
    const struct conf_pair *user = &users->items[0];
    str name = str_slice(credentials, 0, colon);
    bool is_known = false;

    /* A password with a NUL would be cut by crypt(3). */
    if (colon == SIZE_MAX || str_index_char(credentials, '\0') != SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < users->count; i++) {
        if (str_eq(users->items[i].name, name)) {
            user = &users->items[i];
            is_known = true;
        }
    }
    return password_is(credentials.ptr + colon + 1, user->value.ptr) && is_known;
}

/* Each kind has a half of the places: who guesses passwords pushes out no good one. */
static void remember_locked(struct server_web *web, const uint8_t digest[SHA256_BYTES],
                            enum server_verdict verdict)
{
    bool is_good = verdict == VERDICT_ALLOWED;
    size_t half = SERVER_VERDICTS_MAX / 2;
    size_t at = (is_good ? 0 : half) + web->verdict_next[is_good] % half;

    lock_assert_held(&web->lock);
    memcpy(web->verdicts[at].digest, digest, SHA256_BYTES);
    web->verdicts[at].verdict = verdict;
    web->verdict_next[is_good]++;
}

enum server_verdict server_web_judge(struct server_web *web, str authorization)
{
    enum server_verdict verdict = VERDICT_DENIED;
    struct buf credentials = {0};
    uint8_t digest[SHA256_BYTES];
    size_t bad = 0;

    ASSERT(can_be_basic(authorization));
    digest_of(web, authorization, digest);
    if (base64_decode(&credentials, str_from_index(authorization, 6), false, &bad)) {
        size_t size = credentials.len;

        buf_char(&credentials, '\0');
        if (!credentials.failed &&
            credentials_are_good(&web->config->users, str_of(credentials.ptr, size))) {
            verdict = VERDICT_ALLOWED;
        }
    }
    if (credentials.len > 0) {
        explicit_bzero(credentials.ptr, credentials.len);
    }
    buf_done(&credentials);
    lock_acquire(&web->lock);
    remember_locked(web, digest, verdict);
    lock_release(&web->lock);
    return verdict;
}
