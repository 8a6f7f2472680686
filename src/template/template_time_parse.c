/* Times from text. Reference: Go's time.Parse. */
#include "base/attr.h"
#include "base/calendar.h"
#include "template/template_time_priv.h"

enum { NS_DIGITS = 9, DAY_SECONDS = 86400 };

/* What was read so far; -1 = not there. */
struct reading {
    str rest;
    int64_t year;
    int month, day, day_of_year, hour, minute, second, ns;
    bool is_pm, has_half;
    int32_t offset;
    bool has_offset;
    str zone;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Between `least` and `most` digits. */
static bool read_number(str *rest, size_t least, size_t most, int *ret)
{
    size_t count = 0;
    int value = 0;

    while (count < most && count < rest->len && is_digit(rest->ptr[count])) {
        value = value * 10 + (rest->ptr[count++] - '0');
    }
    *ret = value;
    *rest = str_from_index(*rest, count);
    return count >= least;
}

static bool read_name(str *rest, const char *const *names, size_t count, size_t length, int *ret)
{
    for (size_t i = 0; i < count; i++) {
        str name = str_slice(str_from(names[i]), 0, length);

        if (str_eq_nocase(str_slice(*rest, 0, name.len), name)) {
            *rest = str_from_index(*rest, name.len);
            *ret = (int)i;
            return true;
        }
    }
    return false;
}

/* +hh, +hhmm, +hh:mm and with seconds, as many parts as the piece has. */
static bool read_offset(struct reading *reading, str piece)
{
    int parts[3] = {0};
    bool colon = str_index_char(piece, ':') != SIZE_MAX;
    size_t digits = 0;
    char sign;

    for (size_t i = 0; i < piece.len; i++) {
        digits += is_digit(piece.ptr[i]);
    }
    if (piece.ptr[0] == 'Z' && reading->rest.len > 0 && reading->rest.ptr[0] == 'Z') {
        reading->rest = str_from_index(reading->rest, 1);
        reading->has_offset = true;
        return true;
    }
    sign = reading->rest.len > 0 ? reading->rest.ptr[0] : '\0';
    reading->rest = str_from_index(reading->rest, 1);
    for (size_t i = 0; i < digits / 2; i++) {
        if (i > 0 && colon) {
            if (reading->rest.len == 0 || reading->rest.ptr[0] != ':') {
                return false;
            }
            reading->rest = str_from_index(reading->rest, 1);
        }
        if (!read_number(&reading->rest, 2, 2, &parts[i])) {
            return false;
        }
    }
    reading->offset = (parts[0] * 60 + parts[1]) * 60 + parts[2];
    reading->offset = sign == '-' ? -reading->offset : reading->offset;
    reading->has_offset = true;
    return (sign == '+' || sign == '-') && parts[0] <= 24 && parts[1] < 60 && parts[2] < 60;
}

/* UTC, or three to five capitals, whose offset nobody knows. */
static bool read_zone(struct reading *reading)
{
    size_t length = 0;

    while (length < reading->rest.len && length < 5 && reading->rest.ptr[length] >= 'A' &&
           reading->rest.ptr[length] <= 'Z') {
        length++;
    }
    reading->zone = str_slice(reading->rest, 0, length);
    reading->rest = str_from_index(reading->rest, length);
    return length >= 3;
}

static bool read_fraction(struct reading *reading, str piece, bool exact)
{
    str rest = reading->rest;
    size_t count = 0;
    int ns = 0;

    if (rest.len < 2 || (rest.ptr[0] != '.' && rest.ptr[0] != ',') || !is_digit(rest.ptr[1])) {
        return !exact; /* .999 may be absent */
    }
    rest = str_from_index(rest, 1);
    while (count < rest.len && is_digit(rest.ptr[count])) {
        ns = count < NS_DIGITS ? ns * 10 + (rest.ptr[count] - '0') : ns;
        count++;
    }
    for (size_t i = count; i < NS_DIGITS; i++) {
        ns *= 10;
    }
    reading->ns = ns;
    reading->rest = str_from_index(rest, count);
    return !exact || count == piece.len - 1;
}

static bool read_half(struct reading *reading, const char *am, const char *pm)
{
    reading->is_pm = str_has_prefix(reading->rest, str_from(pm));
    reading->has_half = reading->is_pm || str_has_prefix(reading->rest, str_from(am));
    reading->rest = str_from_index(reading->rest, 2);
    return reading->has_half;
}

static bool read_year(struct reading *reading, size_t digits)
{
    int year = 0;
    bool good = read_number(&reading->rest, digits, digits, &year);

    reading->year = digits == 4 ? year : year >= 69 ? 1900 + year : 2000 + year;
    return good;
}

/* A second may have a fraction that the layout does not name. */
static bool read_second(struct reading *reading, size_t least, str behind)
{
    size_t length = 0;
    enum piece next = behind.len > 0 ? template_time_piece(behind, &length) : PIECE_NONE;

    if (!read_number(&reading->rest, least, 2, &reading->second)) {
        return false;
    }
    return next == PIECE_FRACTION || next == PIECE_FRACTION_ZEROS ||
           read_fraction(reading, STR(".9"), false);
}

static bool read_piece(struct reading *reading, enum piece piece, str text, str behind)
{
    int number = 0;

    switch (piece) {
    case PIECE_LONG_MONTH:
    case PIECE_MONTH:
        number = -1;
        (void)read_name(&reading->rest, template_months, 12, piece == PIECE_MONTH ? 3 : SIZE_MAX,
                        &number);
        reading->month = number + 1;
        return number >= 0;
    case PIECE_LONG_DAY:
    case PIECE_DAY_NAME:
        return read_name(&reading->rest, template_days, 7, piece == PIECE_DAY_NAME ? 3 : SIZE_MAX,
                         &number);
    case PIECE_YEAR:
    case PIECE_YEAR2:
        return read_year(reading, piece == PIECE_YEAR ? 4 : 2);
    case PIECE_MONTH2:
    case PIECE_MONTH1:
        return read_number(&reading->rest, piece == PIECE_MONTH2 ? 2 : 1, 2, &reading->month);
    case PIECE_YDAY:
        return read_number(&reading->rest, 3, 3, &reading->day_of_year);
    case PIECE_DAY_SPACE:
        reading->rest =
            str_from_index(reading->rest, reading->rest.len > 0 && reading->rest.ptr[0] == ' ');
        return read_number(&reading->rest, 1, 2, &reading->day);
    case PIECE_DAY2:
    case PIECE_DAY1:
        return read_number(&reading->rest, piece == PIECE_DAY2 ? 2 : 1, 2, &reading->day);
    case PIECE_HOUR24:
    case PIECE_HOUR12_2:
    case PIECE_HOUR12:
        return read_number(&reading->rest, piece == PIECE_HOUR12_2 ? 2 : 1, 2, &reading->hour) &&
               reading->hour < (piece == PIECE_HOUR24 ? 24 : 13);
    case PIECE_MINUTE2:
    case PIECE_MINUTE:
        return read_number(&reading->rest, piece == PIECE_MINUTE2 ? 2 : 1, 2, &reading->minute) &&
               reading->minute < 60;
    case PIECE_SECOND2:
    case PIECE_SECOND:
        return read_second(reading, piece == PIECE_SECOND2 ? 2 : 1, behind) && reading->second < 60;
    case PIECE_PM:
        return read_half(reading, "AM", "PM");
    case PIECE_PM_LOWER:
        return read_half(reading, "am", "pm");
    case PIECE_ZONE:
        return read_zone(reading);
    case PIECE_Z:
    case PIECE_Z_COLON:
    case PIECE_OFFSET_SECONDS_COLON:
    case PIECE_OFFSET_SECONDS:
    case PIECE_OFFSET_COLON:
    case PIECE_OFFSET:
    case PIECE_OFFSET_HOURS:
        return read_offset(reading, text);
    case PIECE_FRACTION_ZEROS:
    case PIECE_FRACTION:
        return read_fraction(reading, text, piece == PIECE_FRACTION_ZEROS);
    case PIECE_NONE:
        break;
    }
    if (!str_has_prefix(reading->rest, text)) {
        return false;
    }
    reading->rest = str_from_index(reading->rest, text.len);
    return true;
}

/* The date that the parts name; false when there is none such. */
static bool to_time(const struct reading *reading, struct template_time *ret)
{
    int hour = reading->has_half && reading->is_pm && reading->hour < 12     ? reading->hour + 12
               : reading->has_half && !reading->is_pm && reading->hour == 12 ? 0
                                                                             : reading->hour;
    int month = reading->month < 0 ? 1 : reading->month;
    int day = reading->day < 0 ? 1 : reading->day;
    int64_t days;
    int64_t seconds;
    int64_t ns = 0;

    if (month < 1 || month > 12 || day < 1 || day > calendar_month_days(reading->year, month)) {
        return false;
    }
    days = calendar_days(reading->year, month, day);
    if (reading->day_of_year >= 0) {
        days = calendar_days(reading->year, 1, 1) + reading->day_of_year - 1;
    }
    seconds = days * DAY_SECONDS + hour * 3600 + reading->minute * 60 + reading->second;
    seconds -= reading->offset;
    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, reading->ns, &ns)) {
        *ret = (struct template_time){.ns = TEMPLATE_TIME_ZERO};
        return seconds == INT64_C(-62135596800);
    }
    *ret = (struct template_time){.ns = ns, .offset = reading->offset};
    return true;
}

int template_time_parse(str layout, str text, struct template_time *ret, struct baro_error *err)
{
    struct reading reading = {.rest = text, .month = -1, .day = -1, .day_of_year = -1};
    str left = layout;

    while (left.len > 0) {
        size_t length = 1;
        enum piece piece = template_time_piece(left, &length);
        str part = str_slice(left, 0, length);
        str held = reading.rest;

        left = str_from_index(left, length);
        if (!read_piece(&reading, piece, part, left)) {
            return error_set(err, BARO_EPARSE,
                             "parsing time \"%.*s\" as \"%.*s\": cannot parse \"%.*s\" as \"%.*s\"",
                             STR_ARG(text), STR_ARG(layout), STR_ARG(held), STR_ARG(part));
        }
    }
    if (reading.rest.len > 0) {
        return error_set(err, BARO_EPARSE, "parsing time \"%.*s\": extra text: \"%.*s\"",
                         STR_ARG(text), STR_ARG(reading.rest));
    }
    if (!to_time(&reading, ret)) {
        return error_set(err, BARO_EPARSE, "parsing time \"%.*s\": out of range", STR_ARG(text));
    }
    if (reading.zone.len > 0 && !reading.has_offset && !str_is(reading.zone, "UTC")) {
        ret->zone = reading.zone;
    }
    return 0;
}
