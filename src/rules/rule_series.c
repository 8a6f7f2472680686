#include "rules/rule_series.h"

#include "base/mem.h"
#include "base/vec.h"
#include "rules/rule_labels.h"

struct rule_series {
    struct labels labels; /* owned */
    str key;              /* owned with it */
    series_ref ref;
    bool has_ref;
    uint64_t round; /* in which it was written last */
};

struct rule_writer {
    struct rule_series_set *set;
    struct appender *appender;
    struct arena arena;
    VEC(struct rule_series *) series; /* of this round, in the order of the samples */
    VEC(struct sample) samples;
};

static struct rule_series *series_free(struct rule_series *series)
{
    if (series != NULL) {
        rule_labels_free(series->labels);
        (void)mem_free((void *)(uintptr_t)series->key.ptr);
    }
    return mem_free(series);
}

void rule_series_done(struct rule_series_set *set)
{
    size_t index = 0;
    struct map_entry *entry;

    while ((entry = map_next(&set->series, &index)) != NULL) {
        (void)series_free(entry->value);
    }
    map_done(&set->series);
}

struct rule_writer *rule_writer_begin(struct rule_series_set *set, struct appendable *appendable)
{
    struct rule_writer *writer = MEM_NEW(struct rule_writer);

    writer->set = set;
    writer->appender = appendable->appender(appendable);
    set->round++;
    return writer;
}

static struct rule_writer *writer_free(struct rule_writer *writer)
{
    writer->appender->ops->free(writer->appender);
    vec_done(&writer->series);
    vec_done(&writer->samples);
    arena_done(&writer->arena);
    return mem_free(writer);
}

void rule_writer_cancel(struct rule_writer *writer)
{
    writer->appender->ops->rollback(writer->appender);
    (void)writer_free(writer);
}

int rule_writer_add(struct rule_writer *writer, struct labels labels, const struct sample *sample,
                    struct baro_error *err)
{
    str key = rule_labels_key(&writer->arena, labels);
    struct rule_series *series = map_get(&writer->set->series, key);

    if (series == NULL) {
        series = MEM_NEW(struct rule_series);
        series->labels = rule_labels_copy(labels);
        series->key = str_of(str_dup_c(key), key.len);
        (void)map_put(&writer->set->series, series->key, series);
    } else if (series->round == writer->set->round) {
        return error_set(
            err, BARO_EEXEC,
            "vector contains metrics with the same labelset after applying rule labels");
    }
    series->round = writer->set->round;
    vec_push(&writer->series, series);
    vec_push(&writer->samples, *sample);
    return 0;
}

/* Appends one sample by its reference; a series that the store forgot is asked for again, once. */
static int append(struct rule_writer *writer, struct rule_series *series,
                  const struct sample *sample, uint8_t *ret_status, struct baro_error *err)
{
    struct appender *appender = writer->appender;
    int result = 0;

    for (int attempt = 0; attempt < 2; attempt++) {
        if (!series->has_ref) {
            result = appender->ops->series(appender, series->labels, &series->ref, err);
            if (result < 0) {
                return result;
            }
            series->has_ref = true;
        }
        if (sample->h != NULL) {
            struct append_histograms batch = {.refs = &series->ref,
                                              .t = &sample->t,
                                              .h = &sample->h,
                                              .count = 1,
                                              .status = ret_status};

            if (appender->ops->histograms == NULL) {
                return error_set(err, BARO_EUNSUPPORTED, "this store takes no native histograms");
            }
            result = appender->ops->histograms(appender, &batch, err);
        } else {
            struct append_batch batch = {.refs = &series->ref,
                                         .t = &sample->t,
                                         .v = &sample->v,
                                         .count = 1,
                                         .status = ret_status};

            result = appender->ops->samples(appender, &batch, err);
        }
        if (result < 0 || *ret_status != APPEND_UNKNOWN) {
            return result < 0 ? result : 0;
        }
        series->has_ref = false;
    }
    return 0;
}

static void count_status(uint8_t status, struct rule_written *written)
{
    switch ((enum append_status)status) {
    case APPEND_OK:
        written->samples++;
        break;
    case APPEND_OUT_OF_ORDER:
        written->out_of_order++;
        break;
    case APPEND_DUPLICATE:
        written->duplicate++;
        break;
    case APPEND_OUT_OF_BOUNDS:
    case APPEND_TOO_OLD:
    case APPEND_TOO_FAR:
    case APPEND_UNKNOWN:
    case APPEND_INVALID:
    case APPEND_STATUS_COUNT:
        written->too_old++;
        break;
    }
}

static int append_all(struct rule_writer *writer, struct rule_written *written,
                      struct baro_error *err)
{
    for (size_t i = 0; i < writer->series.count; i++) {
        uint8_t status = APPEND_OK;
        int result =
            append(writer, writer->series.items[i], &writer->samples.items[i], &status, err);

        if (result < 0) {
            return result;
        }
        count_status(status, written);
    }
    return 0;
}

/* Ends the series that were not written this round; they are forgotten. */
static int append_stale(struct rule_writer *writer, ts t, struct rule_written *written,
                        struct baro_error *err)
{
    VEC(struct rule_series *) gone = {0};
    size_t index = 0;
    struct map_entry *entry;
    int result = 0;

    while ((entry = map_next(&writer->set->series, &index)) != NULL) {
        struct rule_series *series = entry->value;

        if (series->round != writer->set->round) {
            vec_push(&gone, series);
        }
    }
    for (size_t i = 0; i < gone.count && result == 0; i++) {
        struct sample marker = {.t = t, .v = value_stale()};
        uint8_t status = APPEND_OK;

        result = append(writer, gone.items[i], &marker, &status, err);
        written->stale += result == 0 && status == APPEND_OK;
    }
    for (size_t i = 0; i < gone.count; i++) {
        (void)map_remove(&writer->set->series, gone.items[i]->key);
        (void)series_free(gone.items[i]);
    }
    vec_done(&gone);
    return result;
}

int rule_writer_commit(struct rule_writer *writer, ts t, struct rule_written *ret,
                       struct baro_error *err)
{
    struct rule_written written = {0};
    int result = append_all(writer, &written, err);

    result = result == 0 ? append_stale(writer, t, &written, err) : result;
    if (result == 0) {
        result = writer->appender->ops->commit(writer->appender, err);
    } else {
        writer->appender->ops->rollback(writer->appender);
    }
    *ret = written;
    (void)writer_free(writer);
    return result;
}

int rule_series_mark_stale(struct rule_series_set *set, struct appendable *appendable, ts t,
                           struct baro_error *err)
{
    struct rule_written written;

    return rule_writer_commit(rule_writer_begin(set, appendable), t, &written, err);
}
