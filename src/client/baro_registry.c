#include "client/baro_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct {
    pthread_mutex_t mutex; /* of what follows */
    bool is_read;          /* the environment was read; atomic */
    bool is_off;           /* PROMETHEUS_ENABLED=false; atomic */
    char *endpoint;
    char *directory;
    struct baro_registry *global; /* atomic */
    uint64_t misuses;             /* atomic */
    pthread_mutex_t list_mutex;   /* of what follows; taken after mutex, before a registry's */
    bool has_fork_handlers;
    struct baro_registry *registries;
} settings = {.mutex = PTHREAD_MUTEX_INITIALIZER, .list_mutex = PTHREAD_MUTEX_INITIALIZER};

struct baro_family baro_family_inert = {.name = "disabled", .is_inert = true};

/* ---- The environment ------------------------------------------------------------------------- */

static bool text_is_false(const char *text)
{
    static const char *const words[] = {"false", "False", "FALSE", "0", "no", "off"};

    for (size_t i = 0; text != NULL && i < BARO_COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void settings_read_locked(void)
{
    const char *directory = getenv("PROMETHEUS_MULTIPROC_DIR");

    if (directory == NULL) {
        directory = getenv("prometheus_multiproc_dir");
    }
    free(settings.endpoint);
    free(settings.directory);
    settings.endpoint = baro_text_copy(getenv("METRICS_ENDPOINT"));
    settings.directory = baro_text_copy(directory);
    __atomic_store_n(&settings.is_off, text_is_false(getenv("PROMETHEUS_ENABLED")),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&settings.is_read, true, __ATOMIC_RELEASE);
}

void baro_settings_start(void)
{
    if (!__atomic_load_n(&settings.is_read, __ATOMIC_ACQUIRE)) {
        (void)pthread_mutex_lock(&settings.mutex);
        if (!settings.is_read) {
            settings_read_locked();
        }
        (void)pthread_mutex_unlock(&settings.mutex);
    }
}

void baro_settings_reload(void)
{
    (void)pthread_mutex_lock(&settings.mutex);
    settings_read_locked();
    (void)pthread_mutex_unlock(&settings.mutex);
}

bool baro_enabled(void)
{
    baro_settings_start();
    return !__atomic_load_n(&settings.is_off, __ATOMIC_RELAXED);
}

/* An endpoint that is no path ("" or without its slash) is not obeyed. */
const char *baro_metrics_endpoint(void)
{
    baro_settings_start();
    return settings.endpoint != NULL && settings.endpoint[0] == '/' ? settings.endpoint : NULL;
}

const char *baro_multiprocess_directory(void)
{
    baro_settings_start();
    return settings.directory != NULL && settings.directory[0] != '\0' ? settings.directory : NULL;
}

void baro_misuse(void)
{
    if (baro_enabled()) {
        (void)__atomic_fetch_add(&settings.misuses, 1, __ATOMIC_RELAXED);
    }
}

uint64_t baro_misuse_count(void)
{
    return __atomic_load_n(&settings.misuses, __ATOMIC_RELAXED);
}

/* ---- Small things ------------------------------------------------------------------------------
 */

int baro_fail(struct baro_why *why, int code, const char *format, ...)
{
    if (why != NULL) {
        va_list args;

        va_start(args, format);
        (void)vsnprintf(why->text, sizeof(why->text), format, args);
        va_end(args);
        why->text[baro_utf8_cut(why->text, strlen(why->text))] = '\0';
    }
    return code;
}

void baro_why_clear(struct baro_why *why)
{
    if (why != NULL) {
        why->text[0] = '\0';
    }
}

int64_t baro_now_ns(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t baro_now_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *baro_text_copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

/* The size of the UTF-8 character at text (of `left` bytes), 0 when it is none: overlong forms,
 * surrogates, cut ones. */
static size_t utf8_size(const unsigned char *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80             ? 1
                  : (text[0] & 0xE0) == 0xC0 ? 2
                  : (text[0] & 0xF0) == 0xE0 ? 3
                  : (text[0] & 0xF8) == 0xF0 ? 4
                                             : 0;
    uint32_t rune = size < 2 ? text[0] : text[0] & (0xFFU >> (size + 1));

    if (size == 0 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
        rune = (rune << 6) | (text[i] & 0x3F);
    }
    if (size > 1 && (rune < least[size] || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))) {
        return 0;
    }
    return size;
}

size_t baro_utf8_cut(const char *text, size_t most)
{
    size_t at = 0;

    while (at < most && text[at] != '\0') {
        size_t size = utf8_size((const unsigned char *)&text[at], most - at);

        if (size == 0) {
            break;
        }
        at += size;
    }
    return at;
}

static bool name_is(const char *name, bool colons)
{
    size_t i = 0;

    for (; name[i] != '\0'; i++) {
        char c = name[i];
        bool is_letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');

        if (!is_letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return i > 0 && i <= BARO_NAME_BYTES_MAX;
}

bool baro_name_is_metric(const char *name)
{
    return name != NULL && name_is(name, true);
}

/* Names that begin with two underscores are Prometheus's own. */
bool baro_name_is_label(const char *name)
{
    return name != NULL && name_is(name, false) && strncmp(name, "__", 2) != 0;
}

/* ---- fork --------------------------------------------------------------------------------------
 */

/* A fork waits until no thread is within a lock of ours, so that the child finds everything whole.
 * Callbacks of the user never run under these locks; what collectors hold (collect_mutex) is made
 * anew in the child. */
static void fork_prepare(void)
{
    (void)pthread_mutex_lock(&settings.mutex);
    (void)pthread_mutex_lock(&settings.list_mutex);
    baro_shared_fork_prepare();
    for (struct baro_registry *r = settings.registries; r != NULL; r = r->next) {
        (void)pthread_mutex_lock(&r->mutex);
    }
    baro_series_fork_prepare();
    baro_cells_fork_prepare();
}

static void fork_done(bool in_child)
{
    baro_cells_fork_done(in_child);
    baro_series_fork_done();
    for (struct baro_registry *r = settings.registries; r != NULL; r = r->next) {
        if (in_child) {
            r->exposing = 0;
            (void)pthread_mutex_init(&r->collect_mutex, NULL);
        }
        (void)pthread_mutex_unlock(&r->mutex);
    }
    baro_shared_fork_done();
    (void)pthread_mutex_unlock(&settings.list_mutex);
    (void)pthread_mutex_unlock(&settings.mutex);
}

static void fork_parent(void)
{
    fork_done(false);
}

static void fork_child(void)
{
    fork_done(true);
}

static bool library_start(void)
{
    if (!baro_cells_start()) {
        return false;
    }
    (void)pthread_mutex_lock(&settings.list_mutex);
    if (!settings.has_fork_handlers) {
        settings.has_fork_handlers = pthread_atfork(fork_prepare, fork_parent, fork_child) == 0;
    }
    (void)pthread_mutex_unlock(&settings.list_mutex);
    return true;
}

/* ---- Registries
 * ---------------------------------------------------------------------------------- */

static void pairs_free(struct baro_pair *pairs, size_t count)
{
    for (size_t i = 0; pairs != NULL && i < count; i++) {
        free((char *)(uintptr_t)pairs[i].name);
        free((char *)(uintptr_t)pairs[i].value);
    }
    free(pairs);
}

static struct baro_pair *pairs_copy(const struct baro_pair *pairs, size_t count)
{
    struct baro_pair *copy = calloc(count + 1, sizeof(*copy));

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].name = baro_text_copy(pairs[i].name);
        copy[i].value = baro_text_copy(pairs[i].value);
        if (copy[i].name == NULL || copy[i].value == NULL) {
            pairs_free(copy, count);
            return NULL;
        }
    }
    return copy;
}

static int pairs_check(const struct baro_registry_options *options, struct baro_why *why)
{
    if (options->pair_count > BARO_LABELS_MAX ||
        (options->pair_count > 0 && options->pairs == NULL)) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "registry: %zu constant labels: %d at most",
                         options->pair_count, (int)BARO_LABELS_MAX);
    }
    for (size_t i = 0; i < options->pair_count; i++) {
        const struct baro_pair *pair = &options->pairs[i];

        if (!baro_name_is_label(pair->name) || pair->value == NULL) {
            return baro_fail(why, BARO_BAD_NAME, "registry: constant label %zu: not a label name",
                             i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(options->pairs[j].name, pair->name) == 0) {
                return baro_fail(why, BARO_BAD_NAME,
                                 "registry: constant label %.60s: is there twice", pair->name);
            }
        }
        if (baro_utf8_cut(pair->value, BARO_VALUE_BYTES_MAX) != strlen(pair->value)) {
            return baro_fail(why, BARO_BAD_ARGUMENT,
                             "registry: constant label %s: not UTF-8, or above %d bytes",
                             pair->name, (int)BARO_VALUE_BYTES_MAX);
        }
    }
    if (options->prefix != NULL && !baro_name_is_metric(options->prefix)) {
        return baro_fail(why, BARO_BAD_NAME, "registry: prefix %.100s: not a metric name",
                         options->prefix);
    }
    return BARO_OK;
}

struct baro_registry *baro_registry_new(const struct baro_registry_options *options,
                                        struct baro_why *why)
{
    static const struct baro_registry_options usual;
    struct baro_registry *registry = NULL;

    baro_why_clear(why);
    options = options == NULL ? &usual : options;
    if (pairs_check(options, why) < 0) {
        return NULL;
    }
    registry = calloc(1, sizeof(*registry));
    if (registry == NULL || !library_start()) {
        (void)baro_fail(why, BARO_NO_MEMORY, "registry: no memory");
        free(registry);
        return NULL;
    }
    (void)pthread_mutex_init(&registry->mutex, NULL);
    (void)pthread_mutex_init(&registry->collect_mutex, NULL);
    registry->prefix = baro_text_copy(options->prefix);
    registry->pair_count = options->pair_count;
    registry->pairs = pairs_copy(options->pairs, options->pair_count);
    registry->created_series = options->created_series;
    if (registry->pairs == NULL || (options->prefix != NULL && registry->prefix == NULL)) {
        (void)baro_fail(why, BARO_NO_MEMORY, "registry: no memory");
        return baro_registry_free(registry);
    }
    (void)pthread_mutex_lock(&settings.list_mutex);
    registry->next = settings.registries;
    settings.registries = registry;
    (void)pthread_mutex_unlock(&settings.list_mutex);
    return registry;
}

static void registry_unlist(struct baro_registry *registry)
{
    (void)pthread_mutex_lock(&settings.list_mutex);
    for (struct baro_registry **link = &settings.registries; *link != NULL; link = &(*link)->next) {
        if (*link == registry) {
            *link = registry->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&settings.list_mutex);
}

struct baro_registry *baro_registry_free(struct baro_registry *registry)
{
    if (registry == NULL || registry == __atomic_load_n(&settings.global, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    registry_unlist(registry);
    (void)pthread_mutex_lock(&registry->mutex);
    while (registry->families != NULL) {
        struct baro_family *family = registry->families;

        registry->families = family->next;
        baro_family_free(family);
    }
    (void)pthread_mutex_unlock(&registry->mutex);
    baro_garbage_free(registry->garbage);
    for (size_t i = 0; i < registry->component_count; i++) {
        free(registry->components[i].name);
    }
    free(registry->components);
    free(registry->collectors);
    free(registry->prefix);
    pairs_free(registry->pairs, registry->pair_count);
    (void)pthread_mutex_destroy(&registry->mutex);
    (void)pthread_mutex_destroy(&registry->collect_mutex);
    free(registry);
    return NULL;
}

struct baro_registry *baro_registry_default(void)
{
    struct baro_registry *registry = __atomic_load_n(&settings.global, __ATOMIC_ACQUIRE);

    if (registry == NULL) {
        (void)pthread_mutex_lock(&settings.mutex);
        registry = settings.global;
        if (registry == NULL && (registry = baro_registry_new(NULL, NULL)) != NULL) {
            (void)baro_process_collector_add(registry);
            __atomic_store_n(&settings.global, registry, __ATOMIC_RELEASE);
        }
        (void)pthread_mutex_unlock(&settings.mutex);
    }
    return registry;
}

bool baro_registry_is_global(const struct baro_registry *registry)
{
    return registry == __atomic_load_n(&settings.global, __ATOMIC_ACQUIRE);
}

struct baro_registry *baro_registry_of(struct baro_registry *registry)
{
    return registry != NULL ? registry : baro_registry_default();
}
