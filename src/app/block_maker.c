#include "app/block_maker.h"

#include "sys/clock.h"
#include "sys/fs.h"
#include "tsdb/head.h"

enum { FLUSH_SAMPLES = 8192 };

void block_maker_begin(struct block_maker *maker)
{
    const struct head_options options = {.chunk_range = maker->range, .too_old = -1};

    maker->samples = 0;
    maker->head = head_new(&options);
    maker->appender = head_appender(maker->head);
}

int block_maker_series(struct block_maker *maker, struct labels labels, series_ref *ret,
                       struct baro_error *err)
{
    return maker->appender->ops->series(maker->appender, labels, ret, err);
}

int block_maker_add(struct block_maker *maker, series_ref ref, const struct sample *sample,
                    enum append_status *ret, struct baro_error *err)
{
    const struct appender_ops *ops = maker->appender->ops;
    uint8_t status = APPEND_OK;
    int r;

    if (sample->h != NULL) {
        const struct append_histograms batch = {
            .refs = &ref, .t = &sample->t, .h = &sample->h, .count = 1, .status = &status};

        r = ops->histograms(maker->appender, &batch, err);
    } else {
        const struct append_batch batch = {
            .refs = &ref, .t = &sample->t, .v = &sample->v, .count = 1, .status = &status};

        r = ops->samples(maker->appender, &batch, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = status;
    if (status != APPEND_OK || ++maker->samples % FLUSH_SAMPLES != 0) {
        return 0;
    }
    return ops->commit(maker->appender, err);
}

void block_maker_drop(struct block_maker *maker)
{
    if (maker->appender != NULL) {
        maker->appender->ops->free(maker->appender);
        maker->appender = NULL;
    }
    maker->head = head_free(maker->head);
}

int block_maker_end(struct block_maker *maker, char ret_ulid[ULID_CHARS + 1],
                    struct baro_error *err)
{
    struct head_block_job job = {
        .fs = fs_real(), .data_dir = maker->dir, .now = clock_now(clock_real()), .is_copy = true};
    int r = maker->appender->ops->commit(maker->appender, err);

    /* The head waits for appenders that are at work. */
    maker->appender->ops->free(maker->appender);
    maker->appender = NULL;
    if (r >= 0 && maker->samples > 0) {
        (void)head_time(maker->head, &job.mint, &job.maxt);
        job.maxt++;
        r = head_block_write(maker->head, &job, ret_ulid, err);
    } else if (r > 0) {
        r = 0;
    }
    block_maker_drop(maker);
    return r;
}
