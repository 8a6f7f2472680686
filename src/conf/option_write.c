#include "conf/option.h"

#include "base/arena.h"
#include "base/num.h"
#include "conf/option_priv.h"
#include "conf/url.h"

static bool is_zero_row(const struct option *row, const void *source)
{
    switch (row->kind) {
    case OPTION_STR:
    case OPTION_FILE:
    case OPTION_WORD:
    case OPTION_URL:
    case OPTION_REGEX:
    case OPTION_SECRET:
        return ((const str *)source)->len == 0;
    case OPTION_BOOL:
        return !*(const bool *)source;
    case OPTION_SWITCH:
    case OPTION_ENUM:
        return *(const int *)source == 0;
    case OPTION_INT:
    case OPTION_UINT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        return *(const int64_t *)source == 0;
    case OPTION_DOUBLE: {
        double v = *(const double *)source;
        return !(v < 0 || v > 0);
    }
    case OPTION_STRS:
    case OPTION_FILES:
    case OPTION_PAIRS:
    case OPTION_PARAMS:
    case OPTION_LIST:
        return ((const struct conf_strs *)source)->count == 0;
    case OPTION_STRUCT: {
        const void *object = option_nested(source);
        const struct option_type *type = row->detail;

        return object == NULL ||
               ((row->flags & (OPTION_ALWAYS | OPTION_VALUE)) != 0 && option_is_zero(type, object));
    }
    case OPTION_INLINE:
        return option_is_zero(row->detail, option_nested(source));
    case OPTION_CUSTOM:
        return ((const struct option_custom *)row->detail)->is_zero(source);
    }
    return true;
}

bool option_is_zero(const struct option_type *type, const void *object)
{
    for (size_t i = 0; i < type->count; i++) {
        if (!is_zero_row(&type->rows[i], option_source(type, i, object))) {
            return false;
        }
    }
    return true;
}

/* units.Base2Bytes prints 1536 KiB as 1MiB512KiB. */
static void write_size(struct yaml_writer *w, int64_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t rest = size < 0 ? 0 - (uint64_t)size : (uint64_t)size;
    struct buf buf = {0};

    buf_c(&buf, size < 0 ? "-" : "");
    if (rest == 0) {
        buf_c(&buf, "0B");
    }
    for (size_t i = 7; i-- > 0;) {
        uint64_t count = rest >> (10 * i);

        if (count > 0) {
            buf_u64(&buf, count);
            buf_c(&buf, units[i]);
            rest -= count << (10 * i);
        }
    }
    yaml_write_str(w, buf_view(&buf));
    buf_done(&buf);
}

static void write_number(struct yaml_writer *w, const struct option *row, const void *source)
{
    struct buf buf = {0};

    switch (row->kind) {
    case OPTION_INT:
        buf_i64(&buf, *(const int64_t *)source);
        break;
    case OPTION_UINT:
        buf_u64(&buf, *(const uint64_t *)source);
        break;
    case OPTION_DOUBLE:
        buf_double(&buf, *(const double *)source, NUM_G);
        break;
    default:
        dur_format(&buf, *(const dur *)source);
        break;
    }
    yaml_write_raw(w, buf_view(&buf));
    buf_done(&buf);
}

static void write_strs(struct yaml_writer *w, const struct conf_strs *strs)
{
    for (size_t i = 0; i < strs->count; i++) {
        yaml_write_item(w);
        yaml_write_str(w, strs->items[i]);
    }
}

static void write_pairs(struct yaml_writer *w, const struct conf_pairs *pairs)
{
    w->indent += 2;
    for (size_t i = 0; i < pairs->count; i++) {
        yaml_write_key(w, pairs->items[i].name);
        yaml_write_str(w, pairs->items[i].value);
    }
    w->indent -= 2;
}

static void write_params(struct yaml_writer *w, const struct conf_params *params)
{
    w->indent += 2;
    for (size_t i = 0; i < params->count; i++) {
        yaml_write_key(w, params->items[i].name);
        if (params->items[i].values.count == 0) {
            yaml_write_raw(w, STR("[]"));
        }
        write_strs(w, &params->items[i].values);
    }
    w->indent -= 2;
}

static void write_struct(struct yaml_writer *w, const struct option_type *type, const void *object)
{
    size_t before = w->buf->len;

    w->indent += 2;
    if (object != NULL) {
        option_write(w, type, object);
    }
    w->indent -= 2;
    if (w->buf->len == before) {
        yaml_write_raw(w, object != NULL ? STR("{}") : STR("null"));
    }
}

static void write_list(struct yaml_writer *w, const struct option *row, const void *source)
{
    const struct option_list *list = source;

    for (size_t i = 0; i < list->count; i++) {
        yaml_write_item(w);
        size_t before = w->buf->len;

        buf_char(w->buf, ' ');
        w->after_dash = true;
        w->indent += 2;
        option_write(w, row->detail, list->items[i]);
        w->indent -= 2;
        if (w->buf->len == before + 1) {
            buf_c(w->buf, "{}");
        }
        w->after_dash = false;
    }
}

static void write_text(struct yaml_writer *w, const struct option *row, const void *source)
{
    struct arena arena = {0};
    const struct option_words *words = row->detail;
    str text;

    switch (row->kind) {
    case OPTION_SECRET:
        if (!secret_is_set(*(const struct secret *)source)) {
            yaml_write_raw(w, STR("null"));
            return;
        }
        text = STR(SECRET_TEXT);
        break;
    case OPTION_URL:
        text = url_redacted(&arena, *(const str *)source);
        break;
    case OPTION_ENUM:
        text = str_from(words->names[*(const int *)source]);
        break;
    default:
        text = *(const str *)source;
        break;
    }
    yaml_write_str(w, text);
    arena_done(&arena);
}

static void write_value(struct yaml_writer *w, const struct option *row, const void *source)
{
    switch (row->kind) {
    case OPTION_STR:
    case OPTION_FILE:
    case OPTION_WORD:
    case OPTION_URL:
    case OPTION_REGEX:
    case OPTION_SECRET:
    case OPTION_ENUM:
        write_text(w, row, source);
        break;
    case OPTION_BOOL:
        yaml_write_raw(w, *(const bool *)source ? STR("true") : STR("false"));
        break;
    case OPTION_SWITCH:
        yaml_write_raw(w,
                       *(const enum conf_switch *)source == CONF_ON ? STR("true") : STR("false"));
        break;
    case OPTION_INT:
    case OPTION_UINT:
    case OPTION_DOUBLE:
    case OPTION_DURATION:
        write_number(w, row, source);
        break;
    case OPTION_SIZE:
        write_size(w, *(const int64_t *)source);
        break;
    case OPTION_STRS:
    case OPTION_FILES:
    case OPTION_PAIRS:
    case OPTION_PARAMS:
    case OPTION_LIST:
        if (is_zero_row(row, source)) {
            yaml_write_raw(w, row->kind == OPTION_PAIRS || row->kind == OPTION_PARAMS ? STR("{}")
                                                                                      : STR("[]"));
        } else if ((row->flags & OPTION_FLOW) != 0) {
            const struct conf_strs *strs = source;

            yaml_write_flow_strs(w, strs->items, strs->count);
        } else if (row->kind == OPTION_LIST) {
            write_list(w, row, source);
        } else if (row->kind == OPTION_PAIRS) {
            write_pairs(w, source);
        } else if (row->kind == OPTION_PARAMS) {
            write_params(w, source);
        } else {
            write_strs(w, source);
        }
        break;
    case OPTION_STRUCT:
        write_struct(w, row->detail, option_nested(source));
        break;
    case OPTION_INLINE:
    case OPTION_CUSTOM:
        break;
    }
}

void option_write(struct yaml_writer *w, const struct option_type *type, const void *object)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct option *row = &type->rows[i];
        const void *source = option_source(type, i, object);

        if (row->kind == OPTION_INLINE) {
            option_write(w, row->detail, option_nested(source));
        } else if (is_zero_row(row, source) && (row->flags & OPTION_SHOW) == 0) {
            continue;
        } else if (row->kind == OPTION_CUSTOM) {
            ((const struct option_custom *)row->detail)->write(w, row->key, source);
        } else {
            yaml_write_key(w, str_from(row->key));
            write_value(w, row, source);
        }
    }
}
