#include "client/baro_priv.h"

#include <math.h>
#include <stdlib.h>

static const double default_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

enum { NATIVE_BUCKETS_DEFAULT = 160, MAX_AGE_DEFAULT_S = 600 };

const double *baro_buckets_default(size_t *ret_count)
{
    if (ret_count != NULL) {
        *ret_count = BARO_COUNT_OF(default_buckets);
    }
    return default_buckets;
}

int baro_buckets_linear(double start, double width, size_t count, double *ret)
{
    if (ret == NULL || count == 0 || count > BARO_BUCKETS_MAX || !(width > 0)) {
        return BARO_BAD_ARGUMENT;
    }
    for (size_t i = 0; i < count; i++) {
        ret[i] = start + width * (double)i;
    }
    return BARO_OK;
}

int baro_buckets_exponential(double start, double factor, size_t count, double *ret)
{
    if (ret == NULL || count == 0 || count > BARO_BUCKETS_MAX || !(start > 0) || !(factor > 1)) {
        return BARO_BAD_ARGUMENT;
    }
    for (size_t i = 0; i < count; i++) {
        ret[i] = start;
        start *= factor;
    }
    return BARO_OK;
}

/* ---- Checks of a descriptor -------------------------------------------------------------------
 */

static bool numbers_rise(const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] != numbers[i] || (i > 0 && !(numbers[i] > numbers[i - 1]))) {
            return false;
        }
    }
    return true;
}

bool baro_bounds_are_good(const double *bounds, size_t count)
{
    return count == 0 || (numbers_rise(bounds, count) && bounds[count - 1] < INFINITY);
}

/* The family's name with the registry's prefix, without making it. */
static bool is_full_name(const struct baro_registry *registry, const char *name, const char *text)
{
    size_t size = registry->prefix == NULL ? 0 : strlen(registry->prefix);

    if (size == 0) {
        return strcmp(name, text) == 0;
    }
    return strncmp(registry->prefix, text, size) == 0 && text[size] == '_' &&
           strcmp(name, &text[size + 1]) == 0;
}

/* le, quantile, pid and the label of a state set are written by the library itself. */
static bool label_is_reserved(const struct baro_registry *registry, const struct baro_desc *desc,
                              const char *name)
{
    return (desc->type == BARO_HISTOGRAM && strcmp(name, "le") == 0) ||
           (desc->type == BARO_SUMMARY && strcmp(name, "quantile") == 0) ||
           (desc->type == BARO_STATESET && is_full_name(registry, desc->name, name)) ||
           (desc->type == BARO_GAUGE && desc->multiprocess == BARO_LIVE_ALL &&
            strcmp(name, "pid") == 0);
}

static int check_labels(const struct baro_registry *registry, const struct baro_desc *desc,
                        struct baro_why *why)
{
    if (desc->label_count > BARO_LABELS_MAX || (desc->label_count > 0 && desc->labels == NULL)) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "family %.100s: %zu labels: %d at most",
                         desc->name, desc->label_count, (int)BARO_LABELS_MAX);
    }
    for (size_t i = 0; i < registry->pair_count; i++) {
        if (label_is_reserved(registry, desc, registry->pairs[i].name)) {
            return baro_fail(why, BARO_BAD_NAME,
                             "family %.100s: constant label %.60s: is reserved for this type",
                             desc->name, registry->pairs[i].name);
        }
    }
    for (size_t i = 0; i < desc->label_count; i++) {
        const char *name = desc->labels[i].name;
        bool is_taken = false;

        if (!baro_name_is_label(name) || label_is_reserved(registry, desc, name)) {
            return baro_fail(why, BARO_BAD_NAME,
                             "family %.100s: label %.60s: not a label name, or reserved",
                             desc->name, name == NULL ? "(NULL)" : name);
        }
        for (size_t j = 0; j < i; j++) {
            is_taken |= strcmp(desc->labels[j].name, name) == 0;
        }
        for (size_t j = 0; j < registry->pair_count; j++) {
            is_taken |= strcmp(registry->pairs[j].name, name) == 0;
        }
        if (is_taken) {
            return baro_fail(why, BARO_BAD_NAME, "family %.100s: label %.60s: is there twice",
                             desc->name, name);
        }
    }
    return BARO_OK;
}

/* Half as many again keeps searches short; the least is what schema -4, which is lowered no
 * further, can fill. */
enum { NATIVE_CELLS_MIN = 280 };

static uint32_t native_cells(uint32_t buckets_max)
{
    uint32_t count = buckets_max + buckets_max / 2;

    return count < NATIVE_CELLS_MIN ? NATIVE_CELLS_MIN : count;
}

static int check_histogram(const struct baro_desc *desc, struct baro_why *why)
{
    size_t count = desc->bucket_count;

    if (count > 0 && desc->buckets != NULL && desc->buckets[count - 1] == INFINITY) {
        count--;
    }
    if (count > BARO_BUCKETS_MAX || (count > 0 && desc->buckets == NULL) ||
        !baro_bounds_are_good(desc->buckets, count)) {
        return baro_fail(why, BARO_BAD_ARGUMENT,
                         "family %.100s: buckets: at most %d bounds that rise", desc->name,
                         (int)BARO_BUCKETS_MAX);
    }
    if (desc->native.on && (desc->native.schema < -4 || desc->native.schema > 8 ||
                            count + native_cells(desc->native.buckets_max) + 8 > BARO_PAGE_CELLS ||
                            desc->native.zero_threshold != desc->native.zero_threshold)) {
        return baro_fail(why, BARO_BAD_ARGUMENT,
                         "family %.100s: native: schema -4 to 8, at most 670 buckets, or 500 "
                         "beside classic ones",
                         desc->name);
    }
    return BARO_OK;
}

static int check_type(const struct baro_desc *desc, struct baro_why *why)
{
    switch (desc->type) {
    case BARO_HISTOGRAM:
        return check_histogram(desc, why);
    case BARO_SUMMARY:
        if (desc->quantile_count > BARO_QUANTILES_MAX ||
            (desc->quantile_count > 0 &&
             (desc->quantiles == NULL || !numbers_rise(desc->quantiles, desc->quantile_count) ||
              desc->quantiles[0] < 0 || desc->quantiles[desc->quantile_count - 1] > 1))) {
            return baro_fail(why, BARO_BAD_ARGUMENT,
                             "family %.100s: quantiles: at most %d of 0 to 1 that rise", desc->name,
                             (int)BARO_QUANTILES_MAX);
        }
        return BARO_OK;
    case BARO_STATESET:
        if (desc->state_count == 0 || desc->state_count > BARO_STATES_MAX || desc->states == NULL) {
            return baro_fail(why, BARO_BAD_ARGUMENT, "family %.100s: 1 to %d states", desc->name,
                             (int)BARO_STATES_MAX);
        }
        if (strchr(desc->name, ':') != NULL) {
            return baro_fail(why, BARO_BAD_NAME,
                             "family %.100s: a state set's name is a label's: no colon in it",
                             desc->name);
        }
        return BARO_OK;
    case BARO_COUNTER:
    case BARO_GAUGE:
    case BARO_INFO:
    case BARO_UNKNOWN:
        return BARO_OK;
    }
    return baro_fail(why, BARO_BAD_TYPE, "family %.100s: type %d: there is none", desc->name,
                     (int)desc->type);
}

int baro_desc_check(const struct baro_registry *registry, const struct baro_desc *desc,
                    struct baro_why *why)
{
    int result;

    if (desc == NULL || !baro_name_is_metric(desc->name)) {
        return baro_fail(why, BARO_BAD_NAME, "family %.100s: not a metric name",
                         desc == NULL || desc->name == NULL ? "(NULL)" : desc->name);
    }
    if (desc->unit != NULL && desc->unit[0] != '\0' && !baro_name_is_metric(desc->unit)) {
        return baro_fail(why, BARO_BAD_NAME, "family %.100s: unit: not a name", desc->name);
    }
    if (desc->help != NULL && baro_utf8_cut(desc->help, SIZE_MAX) != strlen(desc->help)) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "family %.100s: help: not UTF-8", desc->name);
    }
    result = check_labels(registry, desc, why);
    return result < 0 ? result : check_type(desc, why);
}

/* ---- Building ----------------------------------------------------------------------------------
 */

static bool ends_with(const char *name, size_t size, const char *end)
{
    size_t end_size = strlen(end);

    return size > end_size && memcmp(&name[size - end_size], end, end_size) == 0;
}

static char *full_name(const struct baro_registry *registry, const char *name)
{
    size_t prefix_size = registry->prefix == NULL ? 0 : strlen(registry->prefix) + 1;
    size_t size = strlen(name);
    char *full = malloc(prefix_size + size + 1);

    if (full == NULL) {
        return NULL;
    }
    if (prefix_size > 0) {
        memcpy(full, registry->prefix, prefix_size - 1);
        full[prefix_size - 1] = '_';
    }
    memcpy(&full[prefix_size], name, size + 1);
    return full;
}

static const char *const *texts_copy(const char *const *texts, size_t count)
{
    char **copy = calloc(count + 1, sizeof(*copy));

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = baro_text_copy(texts[i] == NULL ? "" : texts[i]);
        if (copy[i] == NULL) {
            while (i > 0) {
                free(copy[--i]);
            }
            free(copy);
            return NULL;
        }
    }
    return (const char *const *)copy;
}

static void texts_free(const char *const *texts, size_t count)
{
    for (size_t i = 0; texts != NULL && i < count; i++) {
        free((char *)(uintptr_t)texts[i]);
    }
    free((void *)(uintptr_t)texts);
}

static bool labels_set(struct baro_family *family, const struct baro_desc *desc)
{
    struct baro_label *labels = calloc(desc->label_count + 1, sizeof(*labels));

    family->labels = labels;
    family->label_count = labels == NULL ? 0 : (uint32_t)desc->label_count;
    for (size_t i = 0; labels != NULL && i < desc->label_count; i++) {
        const struct baro_label *from = &desc->labels[i];

        labels[i].name = baro_text_copy(from->name);
        labels[i].values_max = from->values_max;
        if (labels[i].name == NULL) {
            return false;
        }
        if (from->values != NULL) {
            labels[i].values = texts_copy(from->values, from->value_count);
            labels[i].value_count = labels[i].values == NULL ? 0 : from->value_count;
        }
        if (from->values != NULL && labels[i].values == NULL) {
            return false;
        }
        family->is_capped |= from->values != NULL || from->values_max > 0;
    }
    if (family->is_capped) {
        family->values = calloc(desc->label_count, sizeof(*family->values));
    }
    return labels != NULL && (!family->is_capped || family->values != NULL);
}

/* Keys of a double that rise with it, 16 to an octave: sign, exponent and four bits of the
 * fraction. */
static uint32_t lut_key(double value)
{
    return (uint32_t)(baro_bits_of(value) >> 48);
}

/* The table gives for each sixteenth of an octave the first bound that a value in it may be under;
 * at most LUT_MAX entries, or bounds are searched by halving. Negative and zero bounds stay out of
 * it. */
enum { LUT_MAX = 1024 };

static void lut_set(struct baro_family *family)
{
    uint32_t first;
    uint32_t last;
    uint8_t *lut;

    if (family->bound_count == 0 || family->bound_count > 255 || !(family->bounds[0] > 0)) {
        return;
    }
    first = lut_key(family->bounds[0]);
    last = lut_key(family->bounds[family->bound_count - 1]);
    if (last - first >= LUT_MAX || (lut = malloc(last - first + 1)) == NULL) {
        return;
    }
    for (uint32_t key = first, bound = 0; key <= last; key++) {
        while (bound < family->bound_count && lut_key(family->bounds[bound]) < key) {
            bound++;
        }
        lut[key - first] = (uint8_t)bound;
    }
    family->bound_lut = lut;
    family->lut_first = first;
    family->lut_count = last - first + 1;
}

void baro_bound_texts(const double *bounds, size_t count, enum baro_format format,
                      struct baro_bound_text *ret)
{
    for (size_t i = 0; i <= count; i++) {
        double bound = i < count ? bounds[i] : INFINITY;
        size_t size = baro_number_double(bound, ret[i].text);

        if (format == BARO_OPENMETRICS && memchr(ret[i].text, '.', size) == NULL &&
            memchr(ret[i].text, 'e', size) == NULL && bound - bound == 0) {
            ret[i].text[size++] = '.';
            ret[i].text[size++] = '0';
        }
        ret[i].size = (uint8_t)size;
    }
}

static bool bound_texts_set(struct baro_family *family, enum baro_format format)
{
    struct baro_bound_text *texts = calloc(family->bound_count + 1, sizeof(*texts));

    family->bound_texts[format] = texts;
    if (texts != NULL) {
        baro_bound_texts(family->bounds, family->bound_count, format, texts);
    }
    return texts != NULL;
}

static bool histogram_set(struct baro_family *family, const struct baro_desc *desc)
{
    const double *from = desc->buckets;
    size_t count = desc->bucket_count;
    double *bounds;

    if (count == 0 && !desc->native.on) {
        from = baro_buckets_default(&count);
    }
    if (count > 0 && from[count - 1] == INFINITY) {
        count--;
    }
    family->bounds = bounds = calloc(count + 1, sizeof(*bounds));
    if (bounds == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(bounds, from, count * sizeof(*bounds));
    }
    family->bound_count = (uint32_t)count;
    family->has_classic = count > 0 || !desc->native.on;
    family->run_cells = family->has_classic ? (uint32_t)count + 2 : 1;
    lut_set(family);
    if (desc->native.on) {
        family->native = desc->native;
        if (family->native.buckets_max == 0) {
            family->native.buckets_max = NATIVE_BUCKETS_DEFAULT;
        }
        if (!(family->native.zero_threshold != 0)) {
            family->native.zero_threshold = baro_double_of((uint64_t)(1023 - 128) << 52);
        } else if (family->native.zero_threshold < 0) {
            family->native.zero_threshold = 0;
        }
        family->native_at = family->run_cells;
        family->native_cells = native_cells(family->native.buckets_max);
        family->run_cells += BARO_NATIVE_HEADER_CELLS + family->native_cells;
    }
    return bound_texts_set(family, BARO_TEXT) && bound_texts_set(family, BARO_OPENMETRICS);
}

static bool type_set(struct baro_family *family, const struct baro_desc *desc)
{
    family->run_kind = BARO_CELL_SUM;
    switch (desc->type) {
    case BARO_COUNTER:
        family->run_cells = 2; /* whole amounts as an integer, and the sum of fractional ones */
        return true;
    case BARO_GAUGE:
        family->run_kind = BARO_CELL_LIVE;
        family->run_cells = 1;  /* what was added, a double */
        family->run2_cells = 3; /* what was set, what was added before that, a lock */
        if (desc->multiprocess == BARO_LIVE_LATEST) {
            family->run2_cells = 4; /* and the time of it */
        }
        return true;
    case BARO_HISTOGRAM:
        return histogram_set(family, desc);
    case BARO_SUMMARY:
        family->run_cells = 2; /* count, sum */
        family->quantile_count = (uint32_t)desc->quantile_count;
        family->max_age_s = desc->max_age_s == 0 ? MAX_AGE_DEFAULT_S : desc->max_age_s;
        if (desc->quantile_count > 0) {
            double *quantiles = calloc(desc->quantile_count, sizeof(*quantiles));

            family->quantiles = quantiles;
            if (quantiles == NULL) {
                return false;
            }
            memcpy(quantiles, desc->quantiles, desc->quantile_count * sizeof(*quantiles));
        }
        return true;
    case BARO_STATESET:
        family->run2_cells = 1; /* a bit a state */
        family->states = texts_copy(desc->states, desc->state_count);
        family->state_count = family->states == NULL ? 0 : (uint32_t)desc->state_count;
        return family->states != NULL;
    case BARO_INFO:
    case BARO_UNKNOWN:
        break;
    }
    return true;
}

struct baro_family *baro_family_build(struct baro_registry *registry, const struct baro_desc *desc)
{
    struct baro_family *family = calloc(1, sizeof(*family));

    if (family == NULL) {
        return NULL;
    }
    family->registry = registry;
    family->type = desc->type;
    family->multiprocess = desc->multiprocess;
    family->series_max = desc->series_max == 0 ? BARO_SERIES_MAX_DEFAULT : desc->series_max;
    family->ttl_s = desc->ttl_s;
    family->name = full_name(registry, desc->name);
    family->help = baro_text_copy(desc->help == NULL ? "" : desc->help);
    family->unit = baro_text_copy(desc->unit == NULL ? "" : desc->unit);
    if (family->name == NULL || family->help == NULL || family->unit == NULL ||
        !labels_set(family, desc) || !type_set(family, desc)) {
        baro_family_free(family);
        return NULL;
    }
    family->name_size = (uint32_t)strlen(family->name);
    family->base_size = family->name_size;
    if (family->type == BARO_COUNTER && ends_with(family->name, family->name_size, "_total")) {
        family->base_size -= 6;
    } else if (family->type == BARO_INFO && ends_with(family->name, family->name_size, "_info")) {
        family->base_size -= 5;
    }
    return family;
}

static void values_free(struct baro_values *values)
{
    for (uint32_t i = 0; values->values != NULL && i <= values->mask; i++) {
        free(values->values[i]);
    }
    free(values->values);
}

void baro_family_free(struct baro_family *family)
{
    baro_series_done_locked(family);
    for (uint32_t i = 0; family->labels != NULL && i < family->label_count; i++) {
        free((char *)(uintptr_t)family->labels[i].name);
        texts_free(family->labels[i].values, family->labels[i].value_count);
        if (family->values != NULL) {
            values_free(&family->values[i]);
        }
    }
    free(family->values);
    free((void *)(uintptr_t)family->labels);
    free((void *)(uintptr_t)family->bounds);
    free((void *)(uintptr_t)family->bound_lut);
    free((void *)(uintptr_t)family->quantiles);
    texts_free(family->states, family->state_count);
    free(family->bound_texts[0]);
    free(family->bound_texts[1]);
    free((char *)(uintptr_t)family->name);
    free((char *)(uintptr_t)family->help);
    free((char *)(uintptr_t)family->unit);
    free(family);
}

/* ---- Registration
 * -------------------------------------------------------------------------------- */

static bool numbers_are_same(const double *a, size_t a_count, const double *b, size_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
}

/* The same to a scraper, and to whoever counts: what is only text or a cap may differ. */
static bool families_are_same(const struct baro_family *a, const struct baro_family *b)
{
    if (a->type != b->type || a->label_count != b->label_count ||
        a->state_count != b->state_count || a->native.on != b->native.on ||
        a->native.schema != b->native.schema || a->run_cells != b->run_cells ||
        !numbers_are_same(a->bounds, a->bound_count, b->bounds, b->bound_count) ||
        !numbers_are_same(a->quantiles, a->quantile_count, b->quantiles, b->quantile_count)) {
        return false;
    }
    for (uint32_t i = 0; i < a->label_count; i++) {
        if (strcmp(a->labels[i].name, b->labels[i].name) != 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->state_count; i++) {
        if (strcmp(a->states[i], b->states[i]) != 0) {
            return false;
        }
    }
    return true;
}

struct baro_family *baro_family_find_locked(struct baro_registry *registry, const char *name)
{
    struct baro_family *family = registry->families;

    while (family != NULL && strcmp(family->name, name) != 0) {
        family = family->next;
    }
    return family;
}

/* Families are read by name without a lock by nobody, so the sorted list is changed in place. */
struct baro_family *baro_family_add_locked(struct baro_registry *registry,
                                           struct baro_family *family)
{
    struct baro_family **link = &registry->families;

    while (*link != NULL && strcmp((*link)->name, family->name) < 0) {
        link = &(*link)->next;
    }
    if (*link != NULL && strcmp((*link)->name, family->name) == 0) {
        struct baro_family *there = *link;
        bool same = families_are_same(there, family);

        baro_family_free(family);
        return same ? there : NULL;
    }
    family->next = *link;
    *link = family;
    return family;
}

/* The only series of a family without labels is there from the start, with 0: its absence would
 * mean that nobody counts. */
static void first_series_locked(struct baro_family *family)
{
    if (family->label_count == 0 && family->series_count == 0 && family->type != BARO_UNKNOWN) {
        (void)baro_series_get_locked(family, NULL);
    }
}

static int family_register(struct baro_registry *registry, const struct baro_desc *desc,
                           struct baro_family **ret, struct baro_why *why)
{
    struct baro_family *family;
    int result;

    registry = baro_registry_of(registry);
    if (registry == NULL) {
        return baro_fail(why, BARO_NO_MEMORY, "registry: no memory");
    }
    result = baro_desc_check(registry, desc, why);
    if (result < 0) {
        baro_misuse();
        return result;
    }
    baro_shared_start();
    family = baro_family_build(registry, desc);
    if (family == NULL) {
        return baro_fail(why, BARO_NO_MEMORY, "family %.100s: no memory", desc->name);
    }
    (void)pthread_mutex_lock(&registry->mutex);
    family = baro_family_add_locked(registry, family);
    if (family != NULL) {
        first_series_locked(family);
    }
    (void)pthread_mutex_unlock(&registry->mutex);
    if (family == NULL) {
        baro_misuse();
        return baro_fail(why, BARO_CONFLICT,
                         "family %.100s: is registered already, with another type, labels, "
                         "buckets, quantiles or states",
                         desc->name);
    }
    *ret = family;
    return BARO_OK;
}

struct baro_family *baro_family_new(struct baro_registry *registry, const struct baro_desc *desc,
                                    struct baro_why *why)
{
    struct baro_family *family = NULL;

    baro_why_clear(why);
    if (!baro_enabled()) {
        return &baro_family_inert;
    }
    return family_register(registry, desc, &family, why) < 0 ? NULL : family;
}

int baro_families_new(struct baro_registry *registry, const struct baro_desc *const descs[],
                      size_t count, struct baro_family *ret[], struct baro_why *why)
{
    int result = BARO_OK;

    baro_why_clear(why);
    if (count > 0 && (descs == NULL || ret == NULL)) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "families: NULL");
    }
    for (size_t i = 0; i < count; i++) {
        int failed = BARO_OK;

        ret[i] = NULL;
        if (!baro_enabled()) {
            ret[i] = &baro_family_inert;
        } else {
            failed = family_register(registry, descs[i], &ret[i], result < 0 ? NULL : why);
        }
        result = result < 0 ? result : failed;
    }
    return result;
}

struct baro_family *baro_family_find(struct baro_registry *registry, const char *name)
{
    struct baro_family *family = NULL;

    registry = baro_registry_of(registry);
    if (registry != NULL && name != NULL) {
        (void)pthread_mutex_lock(&registry->mutex);
        family = baro_family_find_locked(registry, name);
        (void)pthread_mutex_unlock(&registry->mutex);
    }
    return family;
}

size_t baro_family_series_count(struct baro_family *family)
{
    size_t count = 0;

    if (family != NULL && !family->is_inert) {
        (void)pthread_mutex_lock(&family->registry->mutex);
        count = family->series_count;
        (void)pthread_mutex_unlock(&family->registry->mutex);
    }
    return count;
}

uint64_t baro_family_overflow_count(struct baro_family *family)
{
    return family == NULL ? 0 : __atomic_load_n(&family->overflows, __ATOMIC_RELAXED);
}
