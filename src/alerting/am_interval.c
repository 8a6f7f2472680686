#include "alerting/am_interval.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "alerting/am_config_priv.h"

enum { SPECS_MAX = 10000, RANGES_MAX = 10000, ZONE_BYTES_MAX = 128, MINUTES_PER_DAY = 1440 };

static const char *const weekday_names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                            "thursday", "friday", "saturday"};
static const char *const month_names[] = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december"};

static const struct option interval_rows[] = {
    ROW("name", STR),
    ROW("time_intervals", CUSTOM, OF(am_node_custom)),
};
static const struct option_type interval_type = SLOTS("config.TimeInterval", interval_rows, NULL);

static const struct option spec_rows[] = {
    ROW("times", CUSTOM, OF(am_node_custom)),         ROW("weekdays", CUSTOM, OF(am_node_custom)),
    ROW("days_of_month", CUSTOM, OF(am_node_custom)), ROW("months", CUSTOM, OF(am_node_custom)),
    ROW("years", CUSTOM, OF(am_node_custom)),         ROW("location", STR),
};
static const struct option_type spec_type = SLOTS("timeinterval.TimeInterval", spec_rows, NULL);

static const struct option time_rows[] = {
    ROW("start_time", CUSTOM, OF(am_node_custom)),
    ROW("end_time", CUSTOM, OF(am_node_custom)),
};
static const struct option_type time_type = SLOTS("timeinterval.yamlTimeRange", time_rows, NULL);

/* ---- Ranges ---- */

/* What reads one end of a range; a fault says what is wrong with it. */
typedef bool (*read_end)(struct option_reader *rd, const struct yaml_node *node, str text,
                         int32_t *ret);

static bool parse_int(str text, int32_t *ret)
{
    bool minus = text.len > 0 && text.ptr[0] == '-';
    int32_t value = 0;

    text = str_from_index(text, minus ? 1 : 0);
    if (text.len == 0 || text.len > 6) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    *ret = minus ? -value : value;
    return true;
}

static int32_t name_index(str text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(text, str_from(names[i]))) {
            return (int32_t)i;
        }
    }
    return -1;
}

static bool read_weekday(struct option_reader *rd, const struct yaml_node *node, str text,
                         int32_t *ret)
{
    *ret = name_index(text, weekday_names, ARRAY_COUNT(weekday_names));
    if (*ret < 0) {
        option_fault(rd, node, "%.*s is not a valid weekday", STR_ARG(text));
    }
    return *ret >= 0;
}

static bool read_month(struct option_reader *rd, const struct yaml_node *node, str text,
                       int32_t *ret)
{
    *ret = name_index(text, month_names, ARRAY_COUNT(month_names)) + 1;
    if (*ret == 0 && (!parse_int(text, ret) || *ret < 1 || *ret > 12)) {
        option_fault(rd, node, "%.*s is not a valid month", STR_ARG(text));
        return false;
    }
    return true;
}

static bool read_day(struct option_reader *rd, const struct yaml_node *node, str text, int32_t *ret)
{
    if (!parse_int(text, ret)) {
        option_fault(rd, node, "%.*s is not a number", STR_ARG(text));
        return false;
    }
    if (*ret == 0 || *ret > 31 || *ret < -31) {
        option_fault(rd, node, "%d is not a valid day of the month: out of range", *ret);
        return false;
    }
    return true;
}

static bool read_year(struct option_reader *rd, const struct yaml_node *node, str text,
                      int32_t *ret)
{
    if (!parse_int(text, ret)) {
        option_fault(rd, node, "%.*s is not a number", STR_ARG(text));
        return false;
    }
    return true;
}

/* A negative day counts from the end of the month, which is taken to have 31 days: shorter ones
 * clamp. */
static bool check_days(struct option_reader *rd, const struct yaml_node *node,
                       struct am_range range)
{
    int32_t begin = range.begin < 0 ? range.begin + 32 : range.begin;
    int32_t end = range.end < 0 ? range.end + 32 : range.end;

    if (range.begin < 0 && range.end > 0) {
        option_fault(rd, node, "end day must be negative if start day is negative");
        return false;
    }
    if (begin > end) {
        option_fault(rd, node, "end day %d is always before start day %d", range.end, range.begin);
        return false;
    }
    return true;
}

static bool check_order(struct option_reader *rd, const struct yaml_node *node, const char *key,
                        struct am_range range)
{
    if (strcmp(key, "days_of_month") == 0) {
        return check_days(rd, node, range);
    }
    if (range.begin <= range.end) {
        return true;
    }
    if (strcmp(key, "weekdays") == 0) {
        option_fault(rd, node, "start day cannot be before end day");
    } else if (strcmp(key, "months") == 0) {
        option_fault(rd, node, "end month %s is before start month %s", month_names[range.end - 1],
                     month_names[range.begin - 1]);
    } else {
        option_fault(rd, node, "end year %d is before start year %d", range.end, range.begin);
    }
    return false;
}

static bool read_range(struct option_reader *rd, const struct yaml_node *node, const char *key,
                       read_end read, struct am_range *ret)
{
    str text = STR("");
    size_t colon;

    if (!option_text(rd, node, &text)) {
        return false;
    }
    colon = str_index_char(text, ':');
    if (!read(rd, node, str_slice(text, 0, colon), &ret->begin)) {
        return false;
    }
    ret->end = ret->begin;
    if (colon != SIZE_MAX && !read(rd, node, str_from_index(text, colon + 1), &ret->end)) {
        return false;
    }
    return check_order(rd, node, key, *ret);
}

static struct am_ranges read_ranges(struct option_reader *rd, const struct yaml_node *spec,
                                    const char *key, read_end read)
{
    const struct yaml_node *list = yaml_get(spec, str_from(key));
    size_t count = am_list_count(rd, yaml_is_null(list) ? NULL : list, RANGES_MAX, key);
    struct am_range *items = ARENA_ARRAY(rd->arena, struct am_range, count);

    for (size_t i = 0; i < count; i++) {
        (void)read_range(rd, list->items[i], key, read, &items[i]);
    }
    return (struct am_ranges){items, count};
}

/* ---- Times of day ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* HH:MM, up to 24:00. */
static bool read_clock(struct option_reader *rd, const struct yaml_node *node, int32_t *ret)
{
    str text = STR("");
    int32_t hours;
    int32_t minutes;

    if (yaml_is_null(node) || !option_text(rd, node, &text)) {
        return false;
    }
    if (text.len != 5 || !is_digit(text.ptr[0]) || !is_digit(text.ptr[1]) || text.ptr[2] != ':' ||
        !is_digit(text.ptr[3]) || !is_digit(text.ptr[4])) {
        option_fault(rd, node, "couldn't parse timestamp %.*s, invalid format", STR_ARG(text));
        return false;
    }
    hours = (text.ptr[0] - '0') * 10 + text.ptr[1] - '0';
    minutes = (text.ptr[3] - '0') * 10 + text.ptr[4] - '0';
    *ret = hours * 60 + minutes;
    if (minutes > 59 || *ret > MINUTES_PER_DAY) {
        option_fault(rd, node, "couldn't parse timestamp %.*s, invalid format", STR_ARG(text));
        return false;
    }
    return true;
}

static void read_time(struct option_reader *rd, const struct yaml_node *node, struct am_range *ret)
{
    const struct yaml_node *start = yaml_get(node, STR("start_time"));
    const struct yaml_node *end = yaml_get(node, STR("end_time"));
    bool good = true;

    (void)option_read(rd, &time_type, node, &good);
    if (yaml_is_null(start) || yaml_is_null(end)) {
        option_fault(rd, node, "both start and end times must be provided");
    } else if (good && read_clock(rd, start, &ret->begin) && read_clock(rd, end, &ret->end) &&
               ret->begin >= ret->end) {
        option_fault(rd, node, "start time cannot be equal or greater than end time");
    }
}

static struct am_ranges read_times(struct option_reader *rd, const struct yaml_node *spec)
{
    const struct yaml_node *list = yaml_get(spec, STR("times"));
    size_t count = am_list_count(rd, yaml_is_null(list) ? NULL : list, RANGES_MAX, "times");
    struct am_range *items = ARENA_ARRAY(rd->arena, struct am_range, count);

    for (size_t i = 0; i < count; i++) {
        read_time(rd, list->items[i], &items[i]);
    }
    return (struct am_ranges){items, count};
}

/* ---- The whole ---- */

/* A machine without the data base cannot tell, and refuses none. */
static bool location_is_known(str name)
{
    char path[ZONE_BYTES_MAX + 32];
    struct stat info;

    if (name.len == 0 || str_is(name, "UTC") || str_is(name, "Local")) {
        return true;
    }
    if (name.len > ZONE_BYTES_MAX || name.ptr[0] == '/' || str_contains(name, STR("..")) ||
        str_index_char(name, '\\') != SIZE_MAX || str_index_char(name, '\0') != SIZE_MAX) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    return stat("/usr/share/zoneinfo", &info) != 0 ||
           (stat(path, &info) == 0 && S_ISREG(info.st_mode));
}

static void read_spec(struct option_reader *rd, const struct yaml_node *node,
                      struct am_interval_spec *ret)
{
    bool good = true;
    const void *text;

    if (yaml_is_null(node)) {
        return;
    }
    text = option_read(rd, &spec_type, node, &good);
    ret->times = read_times(rd, node);
    ret->weekdays = read_ranges(rd, node, "weekdays", read_weekday);
    ret->days_of_month = read_ranges(rd, node, "days_of_month", read_day);
    ret->months = read_ranges(rd, node, "months", read_month);
    ret->years = read_ranges(rd, node, "years", read_year);
    ret->location = option_slot_str(&spec_type, text, "location");
    if (!location_is_known(ret->location)) {
        option_fault_key(rd, node, "location", "unknown time zone %.*s", STR_ARG(ret->location));
    }
}

void am_interval_specs_read(struct option_reader *rd, const struct yaml_node *list,
                            struct am_interval *ret)
{
    size_t count = am_list_count(rd, list, SPECS_MAX, "time_intervals");
    struct am_interval_spec *specs = ARENA_ARRAY(rd->arena, struct am_interval_spec, count);

    for (size_t i = 0; i < count; i++) {
        read_spec(rd, list->items[i], &specs[i]);
    }
    ret->specs = specs;
    ret->count = count;
}

bool am_interval_read(struct option_reader *rd, const struct yaml_node *node,
                      struct am_interval *ret)
{
    bool good = true;
    const void *text = option_read(rd, &interval_type, node, &good);

    *ret = (struct am_interval){.name = option_slot_str(&interval_type, text, "name")};
    am_interval_specs_read(rd, option_slot_ptr(&interval_type, text, "time_intervals"), ret);
    return good;
}
