#include "template/template_time.h"

#include "base/attr.h"
#include "base/calendar.h"
#include "base/text.h"
#include "template/template_time_priv.h"

enum {
    NS_PER_MS = 1000000,
    NS_DIGITS = 9,
};

#define NS_PER_SECOND INT64_C(1000000000)

const char *const template_months[12] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
const char *const template_days[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

/* A time in parts, with what is below a second. */
struct moment {
    struct calendar date;
    int ns;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Go's zero time, 0001-01-01, is beyond what nanoseconds since 1970 can say. */
#define ZERO_SECONDS INT64_C(-62135596800)

static struct moment moment_of(struct template_time time)
{
    bool is_zero = time.ns == TEMPLATE_TIME_ZERO;
    int64_t seconds = is_zero ? ZERO_SECONDS : floor_div(time.ns, NS_PER_SECOND);

    /* What is below a second is the same in both directions, but never negative. */
    return (struct moment){
        calendar_of(seconds + time.offset),
        is_zero ? 0 : (int)((time.ns % NS_PER_SECOND + NS_PER_SECOND) % NS_PER_SECOND)};
}

/* In the order in which they are tried: longer ones before those that they begin with. */
static const struct {
    const char *text;
    enum piece piece;
} layout_pieces[] = {
    {"January", PIECE_LONG_MONTH},
    {"Jan", PIECE_MONTH},
    {"Monday", PIECE_LONG_DAY},
    {"Mon", PIECE_DAY_NAME},
    {"MST", PIECE_ZONE},
    {"2006", PIECE_YEAR},
    {"002", PIECE_YDAY},
    {"01", PIECE_MONTH2},
    {"02", PIECE_DAY2},
    {"03", PIECE_HOUR12_2},
    {"04", PIECE_MINUTE2},
    {"05", PIECE_SECOND2},
    {"06", PIECE_YEAR2},
    {"15", PIECE_HOUR24},
    {"1", PIECE_MONTH1},
    {"_2006", PIECE_NONE},
    {"_2", PIECE_DAY_SPACE},
    {"2", PIECE_DAY1},
    {"3", PIECE_HOUR12},
    {"4", PIECE_MINUTE},
    {"5", PIECE_SECOND},
    {"PM", PIECE_PM},
    {"pm", PIECE_PM_LOWER},
    {"-07:00:00", PIECE_OFFSET_SECONDS_COLON},
    {"-070000", PIECE_OFFSET_SECONDS},
    {"-07:00", PIECE_OFFSET_COLON},
    {"-0700", PIECE_OFFSET},
    {"-07", PIECE_OFFSET_HOURS},
    {"Z070000", PIECE_Z},
    {"Z07:00:00", PIECE_Z},
    {"Z0700", PIECE_Z},
    {"Z07:00", PIECE_Z},
    {"Z07", PIECE_Z},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A fraction is '.' or ',' and a run of 0s or of 9s that no digit follows. */
static size_t fraction_length(str layout)
{
    size_t length = 1;

    if (layout.len < 2 || (layout.ptr[0] != '.' && layout.ptr[0] != ',') ||
        (layout.ptr[1] != '0' && layout.ptr[1] != '9')) {
        return 0;
    }
    while (length < layout.len && layout.ptr[length] == layout.ptr[1]) {
        length++;
    }
    return length < layout.len && is_digit(layout.ptr[length]) ? 0 : length;
}

enum piece template_time_piece(str layout, size_t *ret_length)
{
    size_t fraction = fraction_length(layout);

    if (fraction > 0) {
        *ret_length = fraction;
        return layout.ptr[1] == '0' ? PIECE_FRACTION_ZEROS : PIECE_FRACTION;
    }
    for (size_t i = 0; i < ARRAY_COUNT(layout_pieces); i++) {
        str text = str_from(layout_pieces[i].text);
        bool is_word =
            layout_pieces[i].piece == PIECE_MONTH || layout_pieces[i].piece == PIECE_DAY_NAME;
        char after = layout.len > text.len ? layout.ptr[text.len] : '\0';

        if (!str_has_prefix(layout, text) || (is_word && after >= 'a' && after <= 'z')) {
            continue;
        }
        /* "_2006" is an underscore and a year. */
        *ret_length = layout_pieces[i].piece == PIECE_NONE ? 1 : text.len;
        return layout_pieces[i].piece;
    }
    *ret_length = 1;
    return PIECE_NONE;
}

static void format_fraction(struct buf *buf, int ns, str piece, bool keep_zeros)
{
    char digits[NS_DIGITS];
    size_t count = piece.len - 1;

    for (size_t i = NS_DIGITS; i-- > 0;) {
        digits[i] = (char)('0' + ns % 10);
        ns /= 10;
    }
    count = count < NS_DIGITS ? count : NS_DIGITS;
    while (!keep_zeros && count > 0 && digits[count - 1] == '0') {
        count--;
    }
    if (count > 0) {
        buf_char(buf, piece.ptr[0]);
        buf_bytes(buf, digits, count);
    }
}

static void format_date(struct buf *buf, const struct calendar *c, enum piece piece)
{
    switch ((int)piece) {
    case PIECE_LONG_MONTH:
        buf_c(buf, template_months[c->month - 1]);
        break;
    case PIECE_MONTH:
        buf_bytes(buf, template_months[c->month - 1], 3);
        break;
    case PIECE_LONG_DAY:
        buf_c(buf, template_days[c->day_of_week]);
        break;
    case PIECE_DAY_NAME:
        buf_bytes(buf, template_days[c->day_of_week], 3);
        break;
    case PIECE_YEAR:
        buf_printf(buf, "%04lld", (long long)c->year);
        break;
    case PIECE_YEAR2:
        buf_printf(buf, "%02lld", (long long)(c->year % 100));
        break;
    case PIECE_MONTH2:
        buf_printf(buf, "%02d", c->month);
        break;
    case PIECE_MONTH1:
        buf_printf(buf, "%d", c->month);
        break;
    case PIECE_YDAY:
        buf_printf(buf, "%03d", c->day_of_year);
        break;
    case PIECE_DAY2:
        buf_printf(buf, "%02d", c->day);
        break;
    case PIECE_DAY_SPACE:
        buf_printf(buf, "%2d", c->day);
        break;
    case PIECE_DAY1:
        buf_printf(buf, "%d", c->day);
        break;
    }
}

static void format_clock(struct buf *buf, const struct calendar *c, enum piece piece)
{
    int hour12 = c->hour % 12 == 0 ? 12 : c->hour % 12;

    switch ((int)piece) {
    case PIECE_HOUR24:
        buf_printf(buf, "%02d", c->hour);
        break;
    case PIECE_HOUR12_2:
        buf_printf(buf, "%02d", hour12);
        break;
    case PIECE_HOUR12:
        buf_printf(buf, "%d", hour12);
        break;
    case PIECE_MINUTE2:
        buf_printf(buf, "%02d", c->minute);
        break;
    case PIECE_MINUTE:
        buf_printf(buf, "%d", c->minute);
        break;
    case PIECE_SECOND2:
        buf_printf(buf, "%02d", c->second);
        break;
    case PIECE_SECOND:
        buf_printf(buf, "%d", c->second);
        break;
    case PIECE_PM:
        buf_c(buf, c->hour >= 12 ? "PM" : "AM");
        break;
    case PIECE_PM_LOWER:
        buf_c(buf, c->hour >= 12 ? "pm" : "am");
        break;
    }
}

/* +hh, and as much of the rest as the piece has. */
static void format_offset(struct buf *buf, int32_t offset, bool minutes, bool seconds,
                          const char *colon)
{
    int32_t size = offset < 0 ? -offset : offset;

    buf_printf(buf, "%c%02d", offset <= -60 ? '-' : '+', size / 3600); /* as Go: of minutes */
    if (minutes) {
        buf_printf(buf, "%s%02d", colon, size / 60 % 60);
    }
    if (seconds) {
        buf_printf(buf, "%s%02d", colon, size % 60);
    }
}

static void format_zone(struct buf *buf, struct template_time time, enum piece piece, str text)
{
    const char *colon = str_index_char(text, ':') != SIZE_MAX ? ":" : "";
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        digits += is_digit(text.ptr[i]);
    }
    if (piece == PIECE_ZONE && time.zone.len > 0) {
        buf_str(buf, time.zone);
    } else if (piece == PIECE_ZONE && time.offset == 0) {
        buf_c(buf, "UTC");
    } else if (piece == PIECE_ZONE) {
        format_offset(buf, time.offset, true, false, "");
    } else if (piece == PIECE_Z && time.offset == 0) {
        buf_char(buf, 'Z');
    } else {
        format_offset(buf, time.offset, digits > 2, digits > 4, colon);
    }
}

void template_time_format(struct buf *buf, struct template_time time, str layout)
{
    struct moment moment = moment_of(time);
    const struct calendar *c = &moment.date;

    while (layout.len > 0) {
        size_t length = 1;
        enum piece piece = template_time_piece(layout, &length);
        str text = str_slice(layout, 0, length);

        if (piece == PIECE_NONE) {
            buf_str(buf, text);
        } else if (piece >= PIECE_FRACTION_ZEROS) {
            format_fraction(buf, moment.ns, text, piece == PIECE_FRACTION_ZEROS);
        } else if (piece <= PIECE_DAY1) {
            format_date(buf, c, piece);
        } else if (piece <= PIECE_PM_LOWER) {
            format_clock(buf, c, piece);
        } else {
            format_zone(buf, time, piece, text);
        }
        layout = str_from_index(layout, length);
    }
}

/* ---- time.Time ---- */

static struct template_time time_of(const struct tvalue *self)
{
    return *(const struct template_time *)self->object;
}

static void time_print(struct buf *buf, const struct tvalue *self)
{
    template_time_format(buf, time_of(self), STR("2006-01-02 15:04:05.999999999 -0700 MST"));
}

#define METHOD(function)                                                                           \
    static int function(struct arena *arena, const struct tvalue *self, const struct tvalue *args, \
                        size_t count, struct tvalue *ret, UNUSED struct baro_error *err)

METHOD(time_call_format)
{
    struct buf text = {0};

    (void)count;
    template_time_format(&text, time_of(self), args[0].string);
    *ret = tvalue_string(text_take(arena, &text));
    return 0;
}

#define TIME_NUMBER(function, expression)                                                          \
    METHOD(function)                                                                               \
    {                                                                                              \
        struct calendar c = moment_of(time_of(self)).date;                                         \
                                                                                                   \
        (void)arena;                                                                               \
        (void)args;                                                                                \
        (void)count;                                                                               \
        *ret = tvalue_int(expression);                                                             \
        return 0;                                                                                  \
    }

TIME_NUMBER(time_call_year, c.year)
TIME_NUMBER(time_call_day, c.day)
TIME_NUMBER(time_call_hour, c.hour)
TIME_NUMBER(time_call_minute, c.minute)
TIME_NUMBER(time_call_second, c.second)
TIME_NUMBER(time_call_year_day, c.day_of_year)

METHOD(time_call_unix)
{
    (void)arena;
    (void)args;
    (void)count;
    *ret = tvalue_int(time_of(self).ns == TEMPLATE_TIME_ZERO
                          ? ZERO_SECONDS
                          : floor_div(time_of(self).ns, NS_PER_SECOND));
    return 0;
}

METHOD(time_call_unix_milli)
{
    (void)arena;
    (void)args;
    (void)count;
    *ret =
        tvalue_int(time_of(self).ns == TEMPLATE_TIME_ZERO ? ZERO_SECONDS * 1000
                                                          : floor_div(time_of(self).ns, NS_PER_MS));
    return 0;
}

METHOD(time_call_utc)
{
    (void)args;
    (void)count;
    *ret = template_time_value(arena, (struct template_time){.ns = time_of(self).ns});
    return 0;
}

METHOD(time_call_is_zero)
{
    (void)arena;
    (void)args;
    (void)count;
    *ret = tvalue_bool(time_of(self).ns == TEMPLATE_TIME_ZERO);
    return 0;
}

/* The time between two, as far as a duration can hold it. */
static int64_t time_between(struct template_time from, struct template_time to)
{
    int64_t difference = 0;

    if (from.ns == TEMPLATE_TIME_ZERO || to.ns == TEMPLATE_TIME_ZERO) {
        return from.ns == to.ns ? 0 : from.ns == TEMPLATE_TIME_ZERO ? INT64_MAX : INT64_MIN;
    }
    if (__builtin_sub_overflow(to.ns, from.ns, &difference)) {
        return to.ns > from.ns ? INT64_MAX : INT64_MIN;
    }
    return difference;
}

METHOD(time_call_sub)
{
    struct template_time other;

    (void)arena;
    (void)count;
    if (!template_time_get(&args[0], &other)) {
        return error_set(err, BARO_EEXEC, "wrong type for value; expected time.Time; got %s",
                         tvalue_type_name(&args[0]));
    }
    *ret = template_duration_value(time_between(other, time_of(self)));
    return 0;
}

static const struct tvalue_method time_methods[] = {
    {"Day", "", time_call_day},
    {"Format", "s", time_call_format},
    {"Hour", "", time_call_hour},
    {"IsZero", "", time_call_is_zero},
    {"Local", "", time_call_utc},
    {"Minute", "", time_call_minute},
    {"Second", "", time_call_second},
    {"Sub", "v", time_call_sub},
    {"UTC", "", time_call_utc},
    {"Unix", "", time_call_unix},
    {"UnixMilli", "", time_call_unix_milli},
    {"Year", "", time_call_year},
    {"YearDay", "", time_call_year_day},
};
static void time_json(struct buf *buf, const struct tvalue *self)
{
    buf_char(buf, '"');
    template_time_format(buf, time_of(self), STR("2006-01-02T15:04:05.999999999Z07:00"));
    buf_char(buf, '"');
}

static const struct tvalue_type time_type = {.name = "time.Time",
                                             .methods = time_methods,
                                             .method_count = ARRAY_COUNT(time_methods),
                                             .print = time_print,
                                             .json = time_json};

struct tvalue template_time_value(struct arena *arena, struct template_time time)
{
    struct template_time *kept = ARENA_NEW(arena, struct template_time);

    *kept = time;
    return (struct tvalue){.kind = TVALUE_STRUCT, .type = &time_type, .object = kept};
}

bool template_time_get(const struct tvalue *value, struct template_time *ret)
{
    if (value->kind != TVALUE_STRUCT || value->type != &time_type) {
        return false;
    }
    *ret = time_of(value);
    return true;
}

/* ---- time.Duration ---- */

/* A count of units with what is left of it as a fraction without trailing zeros: "1.5". */
static void print_fraction(struct buf *buf, uint64_t value, uint64_t unit)
{
    uint64_t part = value % unit;

    buf_printf(buf, "%llu", (unsigned long long)(value / unit));
    if (part > 0) {
        buf_char(buf, '.');
    }
    while (part > 0) {
        unit /= 10;
        buf_char(buf, (char)('0' + part / unit));
        part %= unit;
    }
}

static void duration_print(struct buf *buf, const struct tvalue *self)
{
    uint64_t ns = self->integer < 0 ? 0 - (uint64_t)self->integer : (uint64_t)self->integer;
    uint64_t second = (uint64_t)NS_PER_SECOND;

    if (self->integer < 0) {
        buf_char(buf, '-');
    }
    if (ns == 0) {
        buf_c(buf, "0s");
    } else if (ns < second) {
        uint64_t unit = ns < 1000 ? 1 : ns < NS_PER_MS ? 1000 : NS_PER_MS;

        print_fraction(buf, ns, unit);
        buf_c(buf, unit == 1 ? "ns" : unit == 1000 ? "\xC2\xB5s" : "ms");
    } else {
        uint64_t seconds = ns / second;

        if (seconds >= 3600) {
            buf_printf(buf, "%lluh", (unsigned long long)(seconds / 3600));
        }
        if (seconds >= 60) {
            buf_printf(buf, "%llum", (unsigned long long)(seconds / 60 % 60));
        }
        print_fraction(buf, ns % (60 * second), second);
        buf_char(buf, 's');
    }
}

METHOD(duration_call_seconds)
{
    (void)arena;
    (void)args;
    (void)count;
    *ret = tvalue_float((double)self->integer / (double)NS_PER_SECOND);
    return 0;
}

static const struct tvalue_method duration_methods[] = {{"Seconds", "", duration_call_seconds}};
static const struct tvalue_type duration_type = {.name = "time.Duration",
                                                 .methods = duration_methods,
                                                 .method_count = ARRAY_COUNT(duration_methods),
                                                 .print = duration_print};

struct tvalue template_duration_value(int64_t ns)
{
    return (struct tvalue){.kind = TVALUE_INT, .type = &duration_type, .integer = ns};
}
