#include "app/flags.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/rfc3339.h"

enum { NAME_DISTANCE_MAX = 4 };

static bool parse_bytes(str text, int64_t *ret)
{
    static const char units[] = "KMGTPE";
    size_t digits = 0;
    int64_t value = 0;
    str unit;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    unit = str_from_index(text, digits);
    if (!num_parse_i64(str_slice(text, 0, digits), &value)) {
        return false;
    }
    if (unit.len == 1 && unit.ptr[0] == 'B') {
        *ret = value;
        return true;
    }
    /* KB, KiB and so on are all powers of 1024, as in Prometheus. */
    if (unit.len >= 2 && unit.ptr[unit.len - 1] == 'B' &&
        (unit.len == 2 || (unit.len == 3 && unit.ptr[1] == 'i'))) {
        const char *found = strchr(units, unit.ptr[0]);

        if (found == NULL) {
            return false;
        }
        for (const char *u = units; u <= found; u++) {
            if (__builtin_mul_overflow(value, 1024, &value)) {
                return false;
            }
        }
        *ret = value;
        return true;
    }
    return false;
}

static bool parse_bool(str text, bool *ret)
{
    *ret = str_eq(text, STR("true")) || str_eq(text, STR("1"));
    return *ret || str_eq(text, STR("false")) || str_eq(text, STR("0"));
}

static int check_value(const struct flag *row, str text, struct baro_error *err)
{
    int64_t number;
    double real;
    bool flag;
    bool good = true;

    switch (row->kind) {
    case FLAG_BOOL:
        good = parse_bool(text, &flag);
        break;
    case FLAG_DURATION:
        if (text.len > 0 && dur_parse(text, &number, err) < 0) {
            return error_wrap(err, BARO_EUSAGE, "--%s", row->name);
        }
        break;
    case FLAG_INT:
        /* "5e7" is a default of Prometheus, so whole numbers in any float form are taken. */
        good = num_parse_double(text, &real) && real >= 0 && real <= 9e15 &&
               real == (double)(int64_t)real;
        break;
    case FLAG_BYTES:
        good = text.len == 0 || parse_bytes(text, &number);
        break;
    case FLAG_TEXT:
    case FLAG_LIST:
        break;
    }
    if (!good) {
        return error_set(err, BARO_EUSAGE, "--%s: \"%.*s\" is not %s", row->name, STR_ARG(text),
                         row->kind == FLAG_BOOL    ? "true or false"
                         : row->kind == FLAG_BYTES ? "a size such as 512MB"
                                                   : "a whole number");
    }
    return 0;
}

static int unknown_flag(const struct flags *flags, str name, struct baro_error *err)
{
    const char *nearest = NULL;
    size_t best = NAME_DISTANCE_MAX + 1;

    for (size_t i = 0; i < flags->row_count; i++) {
        size_t distance = str_distance(name, str_from(flags->rows[i].name), NAME_DISTANCE_MAX);

        if (distance < best) {
            best = distance;
            nearest = flags->rows[i].name;
        }
    }
    return nearest != NULL
               ? error_set(err, BARO_EUSAGE, "unknown flag --%.*s: did you mean --%s?",
                           STR_ARG(name), nearest)
               : error_set(err, BARO_EUSAGE, "unknown flag --%.*s: see --help", STR_ARG(name));
}

/* Finds the row of a name; "no-x" is x when x is a boolean. Returns the row count when there is
 * none. */
static size_t find_row(const struct flags *flags, str name, bool *ret_negated)
{
    str plain = str_has_prefix(name, STR("no-")) ? str_from_index(name, 3) : STR_NULL;

    *ret_negated = false;
    for (size_t i = 0; i < flags->row_count; i++) {
        if (str_is(name, flags->rows[i].name)) {
            return i;
        }
        if (plain.len > 0 && flags->rows[i].kind == FLAG_BOOL &&
            str_is(plain, flags->rows[i].name)) {
            *ret_negated = true;
            return i;
        }
    }
    return flags->row_count;
}

static bool is_initial(const struct flag *row, str value)
{
    bool given = false;
    bool initial = false;

    if (row->kind == FLAG_BOOL) {
        (void)parse_bool(value, &given);
        (void)parse_bool(str_from(row->initial), &initial);
        return given == initial;
    }
    return str_is(value, row->initial);
}

static int store(struct flags *flags, size_t row, str value, struct baro_error *err)
{
    int r = check_value(&flags->rows[row], value, err);

    if (r < 0) {
        return r;
    }
    if (flags->rows[row].state == FLAG_REFUSED && !is_initial(&flags->rows[row], value)) {
        return error_set(err, BARO_EUNSUPPORTED, "--%s is not supported: %s", flags->rows[row].name,
                         flags->rows[row].help);
    }
    if (flags->rows[row].kind == FLAG_LIST) {
        if (flags->list_count == FLAG_LIST_MAX) {
            return error_set(err, BARO_EUSAGE, "--%s: given more than %d times",
                             flags->rows[row].name, FLAG_LIST_MAX);
        }
        flags->list[flags->list_count] = value;
        flags->list_row[flags->list_count++] = (uint8_t)row;
    }
    flags->values[row] = value;
    flags->given[row] = true;
    return 0;
}

/* Reads the flag at argv[*at] and moves *at to its last word. */
static int parse_one(struct flags *flags, int argc, char **argv, int *at, struct baro_error *err)
{
    str word = str_from_index(str_from(argv[*at]), 2);
    size_t equals = str_index_char(word, '=');
    str name = str_slice(word, 0, equals);
    bool negated;
    size_t row = find_row(flags, name, &negated);
    str value;

    if (row == flags->row_count) {
        return unknown_flag(flags, name, err);
    }
    if (equals != SIZE_MAX) {
        value = str_from_index(word, equals + 1);
    } else if (flags->rows[row].kind == FLAG_BOOL) {
        value = negated ? STR("false") : STR("true");
    } else if (*at + 1 < argc) {
        value = str_from(argv[++*at]);
    } else {
        return error_set(err, BARO_EUSAGE, "--%s: a value must follow", flags->rows[row].name);
    }
    return store(flags, row, value, err);
}

int flags_parse(struct flags *ret, const struct flag *rows, size_t row_count, int argc, char **argv,
                struct baro_error *err)
{
    bool only_args = false;

    ASSERT(row_count <= FLAGS_MAX);
    memset(ret, 0, sizeof(*ret));
    ret->rows = rows;
    ret->row_count = row_count;
    for (size_t i = 0; i < row_count; i++) {
        ret->values[i] = str_from(rows[i].initial);
    }
    for (int at = 0; at < argc; at++) {
        str word = str_from(argv[at]);

        if (!only_args && (str_eq(word, STR("--help")) || str_eq(word, STR("-h")))) {
            ret->help = true;
        } else if (!only_args && str_eq(word, STR("--"))) {
            only_args = true;
        } else if (!only_args && str_has_prefix(word, STR("--"))) {
            int r = parse_one(ret, argc, argv, &at, err);

            if (r < 0) {
                return r;
            }
        } else if (ret->arg_count == FLAG_ARGS_MAX) {
            return error_set(err, BARO_EUSAGE, "more than %d arguments", FLAG_ARGS_MAX);
        } else {
            ret->args[ret->arg_count++] = word;
        }
    }
    return 0;
}

bool flags_bool(const struct flags *flags, size_t row)
{
    bool value = false;

    ASSERT(flags->rows[row].kind == FLAG_BOOL);
    (void)parse_bool(flags->values[row], &value);
    return value;
}

str flags_text(const struct flags *flags, size_t row)
{
    return flags->values[row];
}

dur flags_duration(const struct flags *flags, size_t row)
{
    dur value = -1;

    ASSERT(flags->rows[row].kind == FLAG_DURATION);
    (void)dur_parse(flags->values[row], &value, NULL);
    return value;
}

int64_t flags_int(const struct flags *flags, size_t row)
{
    double value = 0;

    ASSERT(flags->rows[row].kind == FLAG_INT);
    (void)num_parse_double(flags->values[row], &value);
    return (int64_t)value;
}

int64_t flags_bytes(const struct flags *flags, size_t row)
{
    int64_t value = -1;

    ASSERT(flags->rows[row].kind == FLAG_BYTES);
    (void)parse_bytes(flags->values[row], &value);
    return value;
}

bool flags_time_parse(str text, ts *ret)
{
    double seconds = 0;

    if (rfc3339_parse(text, ret)) {
        return true;
    }
    if (!num_parse_double(text, &seconds) || !(seconds > -1e12 && seconds < 1e12)) {
        return false;
    }
    *ret = (ts)llround(seconds * 1000);
    return true;
}

static const char *value_hint(enum flag_kind kind)
{
    switch (kind) {
    case FLAG_BOOL:
        return "";
    case FLAG_TEXT:
        return "=TEXT";
    case FLAG_DURATION:
        return "=DURATION";
    case FLAG_INT:
        return "=N";
    case FLAG_BYTES:
        return "=SIZE";
    case FLAG_LIST:
        return "=TEXT ...";
    }
    return "";
}

static void help_put(struct buf *buf, const char *usage, const char *summary,
                     const struct flag *rows, size_t row_count)
{
    bool tells = strstr(summary, "xit status: ") != NULL;

    buf_printf(buf, "usage: barograph %s\n\n%s\n\n%sFlags:\n  -h, --help\n      this text\n", usage,
               summary,
               tells ? "" : "Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n\n");
    for (size_t i = 0; i < row_count; i++) {
        buf_printf(buf, "  --%s%s\n      %s", rows[i].name, value_hint(rows[i].kind), rows[i].help);
        if (rows[i].initial[0] != '\0' && rows[i].kind != FLAG_BOOL) {
            buf_printf(buf, " (default: %s)", rows[i].initial);
        }
        if (rows[i].state == FLAG_NOOP) {
            buf_c(buf, " [accepted, changes nothing]");
        } else if (rows[i].state == FLAG_REFUSED) {
            buf_c(buf, " [not supported: refused]");
        }
        buf_char(buf, '\n');
    }
}

int flags_usage(const struct flags *flags, const char *usage, const char *summary)
{
    struct buf out = {0};

    help_put(&out, usage, summary, flags->rows, flags->row_count);
    (void)fwrite(out.ptr, 1, out.len, flags->help ? stdout : stderr);
    buf_done(&out);
    return flags->help ? 0 : 2;
}
