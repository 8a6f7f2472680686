#include "alerting/am_schedule.h"

#include "alerting/am_config_priv.h"
#include "alerting/am_time.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

struct am_schedule {
    str text;
    struct am_interval interval;
    const struct am_zone **zones; /* of each spec */
};

/* ---- Reading ---- */

static bool is_empty(const struct am_interval_spec *spec)
{
    return spec->times.count + spec->weekdays.count + spec->days_of_month.count +
               spec->months.count + spec->years.count ==
           0;
}

static int read_specs(struct option_reader *rd, const struct yaml_node *tree,
                      struct am_schedule *schedule, struct baro_error *err)
{
    uint32_t before = rd->faults->total;

    if (tree == NULL || tree->kind != YAML_KIND_SEQUENCE || tree->item_count == 0) {
        return error_set(err, BARO_EINVALID, "a list of time intervals is wanted");
    }
    if (tree->item_count > AM_SCHEDULE_SPECS_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d time intervals", AM_SCHEDULE_SPECS_MAX);
    }
    am_interval_specs_read(rd, tree, &schedule->interval);
    if (rd->faults->total > before) {
        return error_set(err, BARO_EINVALID, "%s", rd->faults->items[0].message);
    }
    for (size_t i = 0; i < schedule->interval.count; i++) {
        if (is_empty(&schedule->interval.specs[i])) {
            return error_set(err, BARO_EINVALID,
                             "time interval %zu is always: give it times, weekdays, days_of_month, "
                             "months or years",
                             i);
        }
    }
    return 0;
}

static int load_zones(struct arena *arena, struct am_schedule *schedule, struct baro_error *err)
{
    schedule->zones = ARENA_ARRAY(arena, const struct am_zone *, schedule->interval.count);
    for (size_t i = 0; i < schedule->interval.count; i++) {
        int r = am_zone_load(arena, schedule->interval.specs[i].location, &schedule->zones[i], err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* As our own JSON, whoever wrote it: it is shown again as it is. */
static int read_text(struct arena *arena, str text, str *ret, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf buf = {0};
    int r = 0;

    if (text.len > AM_SCHEDULE_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "longer than %d bytes", AM_SCHEDULE_BYTES_MAX);
    }
    r = json_doc_parse(text, &root, err);
    if (r >= 0 && !json_print(&buf, root)) {
        r = error_set(err, BARO_ELIMIT, "out of memory");
    }
    *ret = text_take(arena, &buf);
    return r;
}

int am_schedule_parse(struct arena *arena, str text, const struct am_schedule **ret,
                      struct baro_error *err)
{
    struct am_schedule *schedule = ARENA_NEW(arena, struct am_schedule);
    struct faults *faults = MEM_NEW(struct faults);
    const struct yaml_node *tree = NULL;
    option_notes notes = {0};
    struct option_reader rd = {.arena = arena,
                               .file = "",
                               .dir = STR("."),
                               .faults = faults,
                               .unsupported = &notes,
                               .quiet = true};
    int r = read_text(arena, text, &schedule->text, err);

    r = r < 0 ? r : yaml_parse(arena, schedule->text, &tree, err);
    r = r < 0 ? r : read_specs(&rd, tree, schedule, err);
    r = r < 0 ? r : load_zones(arena, schedule, err);
    vec_done(&notes);
    (void)mem_free(faults);
    if (r < 0) {
        return r;
    }
    *ret = schedule;
    return 0;
}

str am_schedule_text(const struct am_schedule *schedule)
{
    return schedule->text;
}

/* ---- Questions ---- */

bool am_schedule_contains(const struct am_schedule *schedule, ts now)
{
    for (size_t i = 0; i < schedule->interval.count; i++) {
        if (am_spec_contains(&schedule->interval.specs[i], schedule->zones[i], now)) {
            return true;
        }
    }
    return false;
}

/* Whether nothing but the time of day keeps `now` out of one of the intervals, or in it. */
static bool depends_on_minutes(const struct am_schedule *schedule, ts now)
{
    for (size_t i = 0; i < schedule->interval.count; i++) {
        struct am_interval_spec day = schedule->interval.specs[i];

        if (day.times.count > 0) {
            day.times = (struct am_ranges){NULL, 0};
            if (am_spec_contains(&day, schedule->zones[i], now)) {
                return true;
            }
        }
    }
    return false;
}

/*
 * Answers change at whole minutes. Where no interval of that day has times, they change at midnight
 * of some place, and all places of today are whole quarters of an hour from UTC.
 */
ts am_schedule_next(const struct am_schedule *schedule, ts now, ts until)
{
    bool before = am_schedule_contains(schedule, now);
    ts t = now;

    while (t < until) {
        dur step = depends_on_minutes(schedule, t) ? (dur)DUR_MINUTE : 15 * (dur)DUR_MINUTE;

        t = t - t % step + step;
        if (t < until && am_schedule_contains(schedule, t) != before) {
            return t;
        }
    }
    return until;
}

size_t am_schedule_windows(const struct am_schedule *schedule, ts from, ts until,
                           struct am_window *ret, size_t most)
{
    ts t = from;
    size_t count = 0;

    if (!am_schedule_contains(schedule, t)) {
        t = am_schedule_next(schedule, t, until);
    }
    while (t < until && count < most) {
        ret[count].start = t;
        ret[count].end = am_schedule_next(schedule, t, until);
        t = am_schedule_next(schedule, ret[count].end, until);
        count++;
    }
    return count;
}
