#include "template/template_time.h"

#include "base/attr.h"
#include "base/calendar.h"

enum {
    NS_PER_MS = 1000000,
    NS_DIGITS = 9,
};

#define NS_PER_SECOND INT64_C(1000000000)

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
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

static struct moment moment_of(int64_t ns)
{
    int64_t seconds = floor_div(ns, NS_PER_SECOND);

    return (struct moment){calendar_of(seconds), (int)(ns - seconds * NS_PER_SECOND)};
}

/* What a piece of a layout stands for. */
enum piece {
    PIECE_LONG_MONTH,
    PIECE_MONTH,
    PIECE_LONG_DAY,
    PIECE_DAY_NAME,
    PIECE_YEAR,
    PIECE_YEAR2,
    PIECE_MONTH2,
    PIECE_MONTH1,
    PIECE_YDAY,
    PIECE_DAY2,
    PIECE_DAY_SPACE,
    PIECE_DAY1,
    PIECE_HOUR24,
    PIECE_HOUR12_2,
    PIECE_HOUR12,
    PIECE_MINUTE2,
    PIECE_MINUTE,
    PIECE_SECOND2,
    PIECE_SECOND,
    PIECE_PM,
    PIECE_PM_LOWER,
    PIECE_ZONE,
    PIECE_Z,
    PIECE_Z_COLON,
    PIECE_OFFSET_SECONDS_COLON,
    PIECE_OFFSET_SECONDS,
    PIECE_OFFSET_COLON,
    PIECE_OFFSET,
    PIECE_OFFSET_HOURS,
    PIECE_FRACTION_ZEROS,
    PIECE_FRACTION,
    PIECE_NONE,
};

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

/* The piece at the start of the layout, and its length; PIECE_NONE for one plain byte. */
static enum piece piece_at(str layout, size_t *ret_length)
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
        buf_c(buf, months[c->month - 1]);
        break;
    case PIECE_MONTH:
        buf_bytes(buf, months[c->month - 1], 3);
        break;
    case PIECE_LONG_DAY:
        buf_c(buf, days[c->day_of_week]);
        break;
    case PIECE_DAY_NAME:
        buf_bytes(buf, days[c->day_of_week], 3);
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

static void format_zone(struct buf *buf, enum piece piece)
{
    switch ((int)piece) {
    case PIECE_ZONE:
        buf_c(buf, "UTC");
        break;
    case PIECE_Z:
        buf_char(buf, 'Z');
        break;
    case PIECE_OFFSET_SECONDS_COLON:
        buf_c(buf, "+00:00:00");
        break;
    case PIECE_OFFSET_SECONDS:
        buf_c(buf, "+000000");
        break;
    case PIECE_OFFSET_COLON:
        buf_c(buf, "+00:00");
        break;
    case PIECE_OFFSET:
        buf_c(buf, "+0000");
        break;
    case PIECE_OFFSET_HOURS:
        buf_c(buf, "+00");
        break;
    }
}

void template_time_format(struct buf *buf, int64_t ns, str layout)
{
    struct moment moment = moment_of(ns);
    const struct calendar *c = &moment.date;

    while (layout.len > 0) {
        size_t length = 1;
        enum piece piece = piece_at(layout, &length);
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
            format_zone(buf, piece);
        }
        layout = str_from_index(layout, length);
    }
}

/* ---- time.Time ---- */

static int64_t time_ns(const struct tvalue *self)
{
    return *(const int64_t *)self->object;
}

static void time_print(struct buf *buf, const struct tvalue *self)
{
    template_time_format(buf, time_ns(self), STR("2006-01-02 15:04:05.999999999 -0700 MST"));
}

#define METHOD(function)                                                                           \
    static int function(struct arena *arena, const struct tvalue *self, const struct tvalue *args, \
                        size_t count, struct tvalue *ret, UNUSED struct baro_error *err)

METHOD(time_call_format)
{
    struct buf text = {0};

    (void)count;
    template_time_format(&text, time_ns(self), args[0].string);
    *ret = tvalue_string(arena_str(arena, buf_view(&text)));
    buf_done(&text);
    return 0;
}

#define TIME_NUMBER(function, expression)                                                          \
    METHOD(function)                                                                               \
    {                                                                                              \
        struct calendar c = moment_of(time_ns(self)).date;                                         \
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
    *ret = tvalue_int(floor_div(time_ns(self), NS_PER_SECOND));
    return 0;
}

METHOD(time_call_unix_milli)
{
    (void)arena;
    (void)args;
    (void)count;
    *ret = tvalue_int(floor_div(time_ns(self), NS_PER_MS));
    return 0;
}

METHOD(time_call_same)
{
    (void)arena;
    (void)args;
    (void)count;
    *ret = *self;
    return 0;
}

static const struct tvalue_method time_methods[] = {
    {"Day", "", time_call_day},
    {"Format", "s", time_call_format},
    {"Hour", "", time_call_hour},
    {"Local", "", time_call_same},
    {"Minute", "", time_call_minute},
    {"Second", "", time_call_second},
    {"UTC", "", time_call_same},
    {"Unix", "", time_call_unix},
    {"UnixMilli", "", time_call_unix_milli},
    {"Year", "", time_call_year},
    {"YearDay", "", time_call_year_day},
};
static const struct tvalue_type time_type = {.name = "time.Time",
                                             .methods = time_methods,
                                             .method_count = ARRAY_COUNT(time_methods),
                                             .print = time_print};

struct tvalue template_time_value(struct arena *arena, int64_t ns)
{
    int64_t *kept = ARENA_NEW(arena, int64_t);

    *kept = ns;
    return (struct tvalue){.kind = TVALUE_STRUCT, .type = &time_type, .object = kept};
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
