#include "scrape/scrape_labels.h"

#include "base/assert.h"
#include "base/buf.h"
#include "conf/prom_config.h"

/* Of names in error texts at most this many bytes are shown, as in Prometheus. */
enum { SHOWN_MAX = 50, CONFLICTS_MAX = 64 };

static str exported_name(const struct labels_builder *builder, struct arena *arena, str name)
{
    str free_name = name;

    /* Ends: each round is longer, and the builder has finitely many names. */
    do {
        free_name = arena_printf(arena, "exported_%.*s", STR_ARG(free_name));
    } while (labels_builder_get(builder, free_name).len > 0);
    return free_name;
}

/* Prometheus resolves the shortest names first, so that a given set always ends the same. */
static void conflicts_sort(struct label *conflicts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct label moving = conflicts[i];
        size_t at = i;

        while (at > 0 && conflicts[at - 1].name.len > moving.name.len) {
            conflicts[at] = conflicts[at - 1];
            at--;
        }
        conflicts[at] = moving;
    }
}

void scrape_labels_join(struct labels_builder *builder, struct arena *arena, struct labels target,
                        bool honor_labels)
{
    struct label *conflicts = NULL;
    size_t count = 0;

    for (size_t i = 0; i < target.count; i++) {
        const struct label *label = &target.items[i];
        str exposed = labels_builder_get(builder, label->name);

        if (exposed.len == 0) {
            labels_builder_set(builder, label->name, label->value);
        } else if (!honor_labels) {
            if (conflicts == NULL) {
                conflicts = ARENA_ARRAY(arena, struct label, target.count);
            }
            conflicts[count++] = (struct label){label->name, exposed};
            labels_builder_set(builder, label->name, label->value);
        }
    }
    conflicts_sort(conflicts, count);
    for (size_t i = 0; i < count; i++) {
        labels_builder_set(builder, exported_name(builder, arena, conflicts[i].name),
                           conflicts[i].value);
    }
}

static str shown(str text)
{
    return str_slice(text, 0, SHOWN_MAX);
}

static int lengths_check(struct labels labels, str metric, const struct prom_scrape *settings,
                         struct baro_error *err)
{
    for (size_t i = 0; i < labels.count; i++) {
        const struct label *label = &labels.items[i];

        if (settings->label_name_length_limit > 0 &&
            label->name.len > settings->label_name_length_limit) {
            return error_set(err, BARO_ELIMIT,
                             "label_name_length_limit exceeded (metric: %.*s, label name: %.*s, "
                             "length: %zu, limit: %llu)",
                             STR_ARG(shown(metric)), STR_ARG(shown(label->name)), label->name.len,
                             (unsigned long long)settings->label_name_length_limit);
        }
        if (settings->label_value_length_limit > 0 &&
            label->value.len > settings->label_value_length_limit) {
            return error_set(err, BARO_ELIMIT,
                             "label_value_length_limit exceeded (metric: %.*s, label name: %.*s, "
                             "value: \"%.*s\", length: %zu, limit: %llu)",
                             STR_ARG(shown(metric)), STR_ARG(shown(label->name)),
                             STR_ARG(shown(label->value)), label->value.len,
                             (unsigned long long)settings->label_value_length_limit);
        }
    }
    return 0;
}

static bool names_are_valid(struct labels labels, str metric, bool is_legacy)
{
    if (is_legacy ? !metric_name_is_legacy(metric) : !utf8_is_valid(metric)) {
        return false;
    }
    for (size_t i = 0; i < labels.count; i++) {
        str name = labels.items[i].name;

        if ((is_legacy ? !label_name_is_legacy(name) : !utf8_is_valid(name)) || name.len == 0 ||
            !utf8_is_valid(labels.items[i].value)) {
            return false;
        }
    }
    return true;
}

int scrape_labels_check(struct labels labels, const struct prom_scrape *settings,
                        bool *ret_limit_hit, struct baro_error *err)
{
    const str metric = labels_get(labels, LABEL_METRIC_NAME);
    const bool is_legacy = settings->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    int result = 0;

    if (metric.len == 0) {
        return error_set(err, BARO_EINVALID, "missing metric name (__name__ label)");
    }
    if (!names_are_valid(labels, metric, is_legacy)) {
        struct buf text = {.limit = 4096};

        labels_format(&text, labels);
        result = error_set(err, BARO_EINVALID, "invalid metric name or label names: %.*s",
                           STR_ARG(buf_view(&text)));
        buf_done(&text);
        return result;
    }
    if (settings->label_limit > 0 && labels.count > settings->label_limit) {
        *ret_limit_hit = true;
        return error_set(err, BARO_ELIMIT,
                         "label_limit exceeded (metric: %.*s, number of labels: %zu, limit: %llu)",
                         STR_ARG(shown(metric)), labels.count,
                         (unsigned long long)settings->label_limit);
    }
    result = lengths_check(labels, metric, settings, err);
    *ret_limit_hit |= result < 0;
    return result;
}
