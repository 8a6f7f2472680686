#include "codec/regex.h"
#include "promql/engine_priv.h"

static str string_arg(const struct expr *call, size_t index)
{
    return expr_unwrap(call->call.args[index])->string.value;
}

static bool label_name_is_valid(str name)
{
    return name.len > 0 && utf8_is_valid(name);
}

/* Sets a label of a row; a row that gets a metric name keeps it. */
static void set_label(struct eval *ev, struct row *row, str name, str value)
{
    row->labels = labels_with(ev->keep, row->labels, name, value);
    if (str_eq(name, LABEL_METRIC_NAME)) {
        row->drop_name = false;
    }
}

struct replacement {
    struct regex *regex;
    str target;
    str text; /* with $1 and the like */
    str source;
    struct buf buf;
};

static void replace_row(struct eval *ev, struct replacement *replacement, struct row *row)
{
    str groups[REGEX_GROUPS_MAX + 1] = {0};
    size_t count = regex_group_count(replacement->regex) + 1;
    str value = labels_get(row->labels, replacement->source);

    count = count > REGEX_GROUPS_MAX ? REGEX_GROUPS_MAX : count;
    if (value.ptr == NULL) {
        value = STR("");
    }
    if (!regex_find(replacement->regex, value, groups, count)) {
        return;
    }
    buf_reset(&replacement->buf);
    regex_expand(replacement->regex, &replacement->buf, replacement->text, groups, count);
    set_label(ev, row, replacement->target, arena_str(ev->keep, buf_view(&replacement->buf)));
}

int fn_label_replace(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err)
{
    struct replacement replacement = {
        .target = string_arg(call, 1), .text = string_arg(call, 2), .source = string_arg(call, 3)};
    str pattern = string_arg(call, 4);
    int r;

    if (regex_new(pattern, true, &replacement.regex, NULL) < 0) {
        return error_set(err, BARO_EEXEC, "invalid regular expression in label_replace(): %.*s",
                         STR_ARG(pattern));
    }
    if (!label_name_is_valid(replacement.target)) {
        r = error_set(err, BARO_EEXEC, "invalid destination label name in label_replace(): %.*s",
                      STR_ARG(replacement.target));
    } else {
        r = eval_expr(ev, line, call->call.args[0], ret, err);
    }
    for (size_t i = 0; r >= 0 && i < ret->count; i++) {
        replace_row(ev, &replacement, &ret->rows[i]);
        r = eval_tick(ev, 100, err);
    }
    replacement.regex = regex_free(replacement.regex);
    buf_done(&replacement.buf);
    return r < 0 ? r : value_merge(ev, line, ret, err);
}

static int check_join(const struct expr *call, struct baro_error *err)
{
    for (size_t i = 3; i < call->call.arg_count; i++) {
        str source = string_arg(call, i);

        if (!label_name_is_valid(source)) {
            return error_set(err, BARO_EEXEC, "invalid source label name in label_join(): %.*s",
                             STR_ARG(source));
        }
    }
    if (!label_name_is_valid(string_arg(call, 1))) {
        return error_set(err, BARO_EEXEC, "invalid destination label name in label_join(): %.*s",
                         STR_ARG(string_arg(call, 1)));
    }
    return 0;
}

int fn_label_join(struct eval *ev, const struct timeline *line, const struct expr *call,
                  struct value *ret, struct baro_error *err)
{
    struct buf buf = {0};
    int r = check_join(call, err);

    r = r < 0 ? r : eval_expr(ev, line, call->call.args[0], ret, err);
    for (size_t i = 0; r >= 0 && i < ret->count; i++) {
        buf_reset(&buf);
        for (size_t a = 3; a < call->call.arg_count; a++) {
            if (a > 3) {
                buf_str(&buf, string_arg(call, 2));
            }
            buf_str(&buf, labels_get(ret->rows[i].labels, string_arg(call, a)));
        }
        set_label(ev, &ret->rows[i], string_arg(call, 1), arena_str(ev->keep, buf_view(&buf)));
        r = eval_tick(ev, 100, err);
    }
    buf_done(&buf);
    return r < 0 ? r : value_merge(ev, line, ret, err);
}
