#include "alerting/am_zone.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/calendar.h"
#include "codec/bytes.h"
#include "sys/fs.h"

enum {
    ZONE_BYTES_MAX = 1 << 20,
    NAME_BYTES_MAX = 128,
    HEADER_BYTES = 44,
    TYPES_MAX = 256,
    TIMES_MAX = 100000,
    DAY_SECONDS = 86400,
};

/* Mm.w.d/time, Jn or n of a POSIX TZ text: when daylight saving begins or ends in a year. */
struct rule {
    char form; /* 'M', 'J', or 'n' */
    int month, week, day;
    int32_t seconds; /* of the day, local */
};

/* Seconds east of UTC, and the abbreviation: of the file's bytes. */
struct hours {
    int32_t offset;
    str name;
};

struct am_zone {
    const int64_t *times; /* transitions, rising */
    const uint8_t *types; /* the type from each transition on */
    size_t count;
    struct hours hours[TYPES_MAX]; /* of each type; the first also before the first transition */

    /* Behind the last transition. */
    bool has_rule;
    bool has_daylight;
    struct hours standard;
    struct hours daylight;
    struct rule begin;
    struct rule end;
};

/* ---- POSIX TZ ---- */

static bool next_is(str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c) {
        return false;
    }
    *text = str_from_index(*text, 1);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_number(str *text, int most, int *ret)
{
    int value = 0;

    if (text->len == 0 || !is_digit(text->ptr[0])) {
        return false;
    }
    while (text->len > 0 && is_digit(text->ptr[0])) {
        value = value * 10 + (text->ptr[0] - '0');
        if (value > most) {
            return false;
        }
        *text = str_from_index(*text, 1);
    }
    *ret = value;
    return true;
}

/* [+-]hh[:mm[:ss]]; up to 167 hours, as RFC 8536 allows. */
static bool read_time(str *text, int32_t *ret)
{
    bool minus = next_is(text, '-');
    int part[3] = {0};

    if (!minus) {
        (void)next_is(text, '+');
    }
    if (!read_number(text, 167, &part[0]) ||
        (next_is(text, ':') && !read_number(text, 59, &part[1])) ||
        (next_is(text, ':') && !read_number(text, 59, &part[2]))) {
        return false;
    }
    *ret = part[0] * 3600 + part[1] * 60 + part[2];
    *ret = minus ? -*ret : *ret;
    return true;
}

/* Three letters or more, or anything in <>. */
static bool read_name(str *text, str *ret)
{
    size_t len = 0;

    if (next_is(text, '<')) {
        size_t end = str_index_char(*text, '>');

        *ret = str_slice(*text, 0, end == SIZE_MAX ? text->len : end);
        *text = str_from_index(*text, end == SIZE_MAX ? text->len : end + 1);
        return end != SIZE_MAX;
    }
    while (len < text->len && ((text->ptr[len] | 32) >= 'a' && (text->ptr[len] | 32) <= 'z')) {
        len++;
    }
    *ret = str_slice(*text, 0, len);
    *text = str_from_index(*text, len);
    return len >= 3;
}

static bool read_rule(str *text, struct rule *ret)
{
    *ret = (struct rule){.form = 'n', .seconds = 2 * 3600};
    if (next_is(text, 'M')) {
        ret->form = 'M';
        if (!read_number(text, 12, &ret->month) || ret->month == 0 || !next_is(text, '.') ||
            !read_number(text, 5, &ret->week) || ret->week == 0 || !next_is(text, '.') ||
            !read_number(text, 6, &ret->day)) {
            return false;
        }
    } else {
        ret->form = next_is(text, 'J') ? 'J' : 'n';
        if (!read_number(text, 365, &ret->day)) {
            return false;
        }
    }
    return !next_is(text, '/') || read_time(text, &ret->seconds);
}

static bool read_posix(str text, struct am_zone *zone)
{
    int32_t west = 0;

    if (!read_name(&text, &zone->standard.name) || !read_time(&text, &west)) {
        return false;
    }
    zone->standard.offset = -west;
    zone->daylight.offset = zone->standard.offset + 3600;
    zone->has_rule = true;
    if (text.len == 0) {
        return true;
    }
    zone->has_daylight = true;
    if (!read_name(&text, &zone->daylight.name)) {
        return false;
    }
    if (text.len > 0 && text.ptr[0] != ',') {
        if (!read_time(&text, &west)) {
            return false;
        }
        zone->daylight.offset = -west;
    }
    return next_is(&text, ',') && read_rule(&text, &zone->begin) && next_is(&text, ',') &&
           read_rule(&text, &zone->end) && text.len == 0;
}

/* The local second of the year's change, as if it were UTC. */
static int64_t rule_seconds(const struct rule *rule, int64_t year)
{
    int64_t days;

    if (rule->form == 'M') {
        int64_t first = calendar_days(year, rule->month, 1);
        int weekday = (int)((first % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
        int day = (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);

        while (day >= calendar_month_days(year, rule->month)) {
            day -= 7;
        }
        days = first + day;
    } else {
        bool leap = calendar_month_days(year, 2) == 29;

        days = calendar_days(year, 1, 1) + rule->day;
        days -= rule->form == 'J' && !(leap && rule->day > 59) ? 1 : 0;
    }
    return days * DAY_SECONDS + rule->seconds;
}

static const struct hours *rule_hours(const struct am_zone *zone, int64_t seconds)
{
    int64_t year = calendar_of(seconds + zone->standard.offset).year;
    int64_t begin = rule_seconds(&zone->begin, year) - zone->standard.offset;
    int64_t end = rule_seconds(&zone->end, year) - zone->daylight.offset;
    bool is_daylight =
        begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;

    return zone->has_daylight && is_daylight ? &zone->daylight : &zone->standard;
}

/* ---- TZif ---- */

struct counts {
    uint32_t is_ut, is_std, leap, time, type, letters;
};

static bool read_header(struct reader *rd, char *ret_version, struct counts *ret)
{
    str magic = read_bytes(rd, 4);
    str version = read_bytes(rd, 1);

    (void)read_bytes(rd, 15);
    ret->is_ut = read_be32(rd);
    ret->is_std = read_be32(rd);
    ret->leap = read_be32(rd);
    ret->time = read_be32(rd);
    ret->type = read_be32(rd);
    ret->letters = read_be32(rd);
    if (rd->failed || !str_eq(magic, STR("TZif")) || ret->time > TIMES_MAX || ret->type == 0 ||
        ret->type > TYPES_MAX || ret->leap > TIMES_MAX || ret->letters > TIMES_MAX ||
        ret->is_ut > TYPES_MAX || ret->is_std > TYPES_MAX) {
        return false;
    }
    *ret_version = version.ptr[0];
    return true;
}

static void skip_body(struct reader *rd, const struct counts *counts, size_t time_bytes)
{
    (void)read_bytes(rd, counts->time * (time_bytes + 1) + (size_t)counts->type * 6 +
                             counts->letters + counts->leap * (time_bytes + 4) + counts->is_std +
                             counts->is_ut);
}

static bool read_body(struct reader *rd, struct arena *arena, const struct counts *counts,
                      bool is_64, struct am_zone *zone)
{
    int64_t *times = ARENA_ARRAY(arena, int64_t, counts->time + 1);
    uint8_t names[TYPES_MAX] = {0};
    bool good = true;
    str letters;

    for (uint32_t i = 0; i < counts->time; i++) {
        uint64_t high = is_64 ? read_be32(rd) : 0;
        uint32_t low = read_be32(rd);

        times[i] = is_64 ? (int64_t)(high << 32 | low) : (int32_t)low;
        good = good && (i == 0 || times[i] > times[i - 1]);
    }
    zone->times = times;
    zone->count = counts->time;
    zone->types = (const uint8_t *)read_bytes(rd, counts->time).ptr;
    for (uint32_t i = 0; i < counts->type; i++) {
        int32_t offset = (int32_t)read_be32(rd);

        (void)read_u8(rd); /* whether it is daylight saving */
        names[i] = read_u8(rd);
        zone->hours[i].offset = offset;
        good = good && offset > -2 * DAY_SECONDS && offset < 2 * DAY_SECONDS;
    }
    letters = read_bytes(rd, counts->letters);
    (void)read_bytes(rd, counts->leap * (is_64 ? 12 : 8) + counts->is_std + counts->is_ut);
    for (size_t i = 0; !rd->failed && i < zone->count; i++) {
        good = good && zone->types[i] < counts->type;
    }
    for (size_t i = 0; !rd->failed && i < counts->type; i++) {
        str name = str_from_index(letters, names[i] < letters.len ? names[i] : letters.len);
        size_t end = str_index_char(name, '\0');

        zone->hours[i].name = str_slice(name, 0, end == SIZE_MAX ? name.len : end);
    }
    return good && !rd->failed;
}

int am_zone_parse(struct arena *arena, str bytes, const struct am_zone **ret,
                  struct baro_error *err)
{
    struct am_zone *zone = ARENA_NEW(arena, struct am_zone);
    struct reader rd = reader_over(bytes);
    struct counts counts = {0};
    char version = 0;
    bool good = read_header(&rd, &version, &counts);

    if (good && version >= '2') {
        skip_body(&rd, &counts, 4);
        good = !rd.failed && read_header(&rd, &version, &counts) &&
               read_body(&rd, arena, &counts, true, zone);
    } else if (good) {
        good = read_body(&rd, arena, &counts, false, zone);
    }
    if (!good) {
        return error_set(err, BARO_ECORRUPT, "time zone: no valid TZif data");
    }
    if (version >= '2') {
        str footer = str_trim(str_from_index(bytes, rd.offset));

        if (footer.len > 0 && !read_posix(footer, zone)) {
            return error_set(err, BARO_ECORRUPT, "time zone: the rule \"%.*s\" cannot be read",
                             STR_ARG(footer));
        }
    }
    *ret = zone;
    return 0;
}

static const struct hours *find_hours(const struct am_zone *zone, int64_t seconds)
{
    size_t low = 0;
    size_t high;

    for (high = zone->count; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (zone->times[middle] <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->has_rule) {
        return rule_hours(zone, seconds);
    }
    return &zone->hours[low == 0 ? 0 : zone->types[low - 1]];
}

int32_t am_zone_offset(const struct am_zone *zone, int64_t seconds)
{
    return zone != NULL ? find_hours(zone, seconds)->offset : 0;
}

str am_zone_abbreviation(const struct am_zone *zone, int64_t seconds)
{
    return zone != NULL ? find_hours(zone, seconds)->name : STR("UTC");
}

int am_zone_load(struct arena *arena, str name, const struct am_zone **ret, struct baro_error *err)
{
    char path[NAME_BYTES_MAX + 32];
    str bytes = STR_NULL;
    int r;

    if (name.len == 0 || str_is(name, "UTC")) {
        *ret = NULL;
        return 0;
    }
    if (name.len > NAME_BYTES_MAX || name.ptr[0] == '/' || str_contains(name, STR("..")) ||
        str_index_char(name, '\0') != SIZE_MAX) {
        return error_set(err, BARO_ENOTFOUND, "unknown time zone %.*s", STR_ARG(name));
    }
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    r = fs_read_all(fs_real(), arena, str_is(name, "Local") ? "/etc/localtime" : path,
                    ZONE_BYTES_MAX, &bytes, err);
    if (r < 0 && str_is(name, "Local")) {
        *ret = NULL; /* as libc: a machine that says nothing keeps UTC */
        return 0;
    }
    if (r < 0) {
        return error_set(err, BARO_ENOTFOUND, "unknown time zone %.*s: is tzdata installed?",
                         STR_ARG(name));
    }
    return am_zone_parse(arena, bytes, ret, err);
}
