#include "scrape/target_metadata.h"

#include "base/assert.h"
#include "base/mem.h"
#include "model/labels_builder.h"

/* Prometheus keeps metadata for ten scrapes after its family disappeared. */
enum { SCRAPES_KEPT = 10 };

void target_metadata_init(struct target_metadata *metadata, struct lock *lock)
{
    *metadata = (struct target_metadata){.lock = lock, .scrape = 1};
}

static void family_free(struct family *family)
{
    (void)mem_free(family->name);
    (void)mem_free(family->help);
    (void)mem_free(family->unit);
    (void)mem_free(family);
}

void target_metadata_done(struct target_metadata *metadata)
{
    for (size_t i = 0; i < metadata->families.count; i++) {
        family_free(metadata->families.items[i]);
    }
    vec_done(&metadata->families);
    map_done(&metadata->by_name);
}

static str family_name(const struct family *family)
{
    return str_of(family->name, family->name_len);
}

static struct family *family_add(struct target_metadata *metadata, str name)
{
    struct family *family = MEM_NEW(struct family);

    family->name = str_dup_c(name);
    family->name_len = name.len;
    family->changed_at = metadata->scrape;
    lock_acquire(metadata->lock);
    vec_push(&metadata->families, family);
    (void)map_put(&metadata->by_name, family_name(family), family);
    lock_release(metadata->lock);
    return family;
}

/* The family of that name, made when it is new: usually the one of the line before, or the next. */
static struct family *family_find(struct target_metadata *metadata, str name)
{
    struct family *family = NULL;

    for (size_t step = 0; step < 2; step++) {
        size_t index = metadata->cursor + step;

        if (index < metadata->families.count &&
            str_eq(family_name(metadata->families.items[index]), name)) {
            metadata->cursor = index;
            family = metadata->families.items[index];
            break;
        }
    }
    if (family == NULL) {
        family = map_get(&metadata->by_name, name);
    }
    if (family == NULL && metadata->families.count < FAMILIES_MAX &&
        name.len <= FAMILY_TEXT_BYTES_MAX) {
        family = family_add(metadata, name);
        metadata->cursor = metadata->families.count - 1;
    }
    if (family != NULL) {
        family->seen_at = metadata->scrape;
    }
    return family;
}

const struct family *target_metadata_type(struct target_metadata *metadata, str name,
                                          enum metric_type type)
{
    struct family *family = family_find(metadata, name);

    if (family != NULL && family->type != type) {
        lock_acquire(metadata->lock);
        family->type = type;
        family->changed_at = metadata->scrape;
        lock_release(metadata->lock);
    }
    return family;
}

static void text_set(struct target_metadata *metadata, struct family *family, char **text,
                     str value)
{
    value = str_slice(value, 0, FAMILY_TEXT_BYTES_MAX);
    if (str_eq(str_from(*text), value)) {
        return;
    }
    lock_acquire(metadata->lock);
    (void)mem_free(*text);
    *text = str_dup_c(value);
    family->changed_at = metadata->scrape;
    lock_release(metadata->lock);
}

const struct family *target_metadata_help(struct target_metadata *metadata, str name, str help)
{
    struct family *family = family_find(metadata, name);

    if (family != NULL) {
        text_set(metadata, family, &family->help, help);
    }
    return family;
}

const struct family *target_metadata_unit(struct target_metadata *metadata, str name, str unit)
{
    struct family *family = family_find(metadata, name);

    if (family != NULL) {
        text_set(metadata, family, &family->unit, unit);
    }
    return family;
}

bool family_has(const struct family *family, str series_name)
{
    static const char *const histogram[] = {"_count", "_sum", "_bucket"};
    static const char *const gauge_histogram[] = {"_gcount", "_gsum", "_bucket"};
    str rest = str_from_index(series_name, family->name_len);

    if (!str_has_prefix(series_name, family_name(family))) {
        return false;
    }
    switch (family->type) {
    case METRIC_COUNTER:
        return rest.len == 0 || str_is(rest, "_total");
    case METRIC_HISTOGRAM:
        return rest.len == 0 || str_is(rest, histogram[0]) || str_is(rest, histogram[1]) ||
               str_is(rest, histogram[2]);
    case METRIC_GAUGE_HISTOGRAM:
        return rest.len == 0 || str_is(rest, gauge_histogram[0]) ||
               str_is(rest, gauge_histogram[1]) || str_is(rest, gauge_histogram[2]);
    case METRIC_SUMMARY:
        return rest.len == 0 || str_is(rest, histogram[0]) || str_is(rest, histogram[1]);
    case METRIC_INFO:
        return rest.len == 0 || str_is(rest, "_info");
    case METRIC_UNKNOWN:
    case METRIC_GAUGE:
    case METRIC_STATESET:
    case METRIC_TYPE_COUNT:
        break;
    }
    return rest.len == 0;
}

struct metadata family_metadata(const struct family *family)
{
    return (struct metadata){
        .type = family->type,
        .unit = family->unit != NULL ? str_from(family->unit) : STR(""),
        .help = family->help != NULL ? str_from(family->help) : STR(""),
    };
}

void family_add_labels(const struct family *family, struct labels labels, bool is_of_family,
                       struct labels_builder *builder)
{
    if (family == NULL ||
        !(is_of_family || family_has(family, labels_get(labels, LABEL_METRIC_NAME)))) {
        return;
    }
    if (family->type != METRIC_UNKNOWN) {
        labels_builder_set(builder, LABEL_TYPE, str_from(metric_type_name(family->type)));
    }
    if (family->unit != NULL && family->unit[0] != '\0') {
        labels_builder_set(builder, LABEL_UNIT, str_from(family->unit));
    }
}

void target_metadata_finish(struct target_metadata *metadata)
{
    size_t kept = 0;
    bool has_old = false;

    for (size_t i = 0; i < metadata->families.count; i++) {
        has_old |= metadata->scrape - metadata->families.items[i]->seen_at > SCRAPES_KEPT;
    }
    if (has_old) {
        lock_acquire(metadata->lock);
        for (size_t i = 0; i < metadata->families.count; i++) {
            struct family *family = metadata->families.items[i];

            if (metadata->scrape - family->seen_at > SCRAPES_KEPT) {
                (void)map_remove(&metadata->by_name, family_name(family));
                family_free(family);
            } else {
                metadata->families.items[kept++] = family;
            }
        }
        metadata->families.count = kept;
        lock_release(metadata->lock);
    }
    metadata->scrape++;
    metadata->cursor = 0;
}
