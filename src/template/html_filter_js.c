#include <string.h>

#include "template/html_filter.h"
#include "template/template_json.h"

static int result(const struct template_call *call, struct buf *buf, struct tvalue *ret)
{
    *call->is_too_long |= buf->failed;
    *ret = tvalue_string(arena_str(call->arena, buf_view(buf)));
    buf_done(buf);
    return 0;
}

/* ---- Values ---- */

static bool is_name_char(char c)
{
    return c == '$' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* JSON is JavaScript; words and numbers are kept off the words beside them. */
int html_filter_js_value(const struct template_call *call, struct tvalue *ret,
                         UNUSED struct baro_error *err)
{
    struct buf json = {.limit = TEMPLATE_OUTPUT_MAX};
    struct buf padded = {0};
    struct tvalue value = call->args[0];
    bool pad;

    if (call->count != 1 ||
        (value.type != NULL && value.type->print != NULL && value.type->json == NULL)) {
        const struct tvalue_type *type = NULL;

        value = tvalue_string(html_filter_text(call, &type));
    }
    template_json(&json, &value);
    if (json.failed || json.len == 0) {
        buf_done(&json);
        return error_set(err, BARO_ELIMIT, "the result is too long");
    }
    pad = is_name_char(json.ptr[0]) || is_name_char(json.ptr[json.len - 1]);
    buf_c(&padded, pad ? " " : "");
    buf_str(&padded, buf_view(&json));
    buf_c(&padded, pad ? " " : "");
    buf_done(&json);
    return result(call, &padded, ret);
}

/* ---- Strings ---- */

/* Bytes that get \uXXXX, a backslash, or nothing special, by where they stand. */
static int js_replace(const struct template_call *call, const char *hex, const char *slashed,
                      struct tvalue *ret)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    static const char names[] = "\t\n\f\r";
    static const char letters[] = "tnfr";
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        const char *name = c != '\0' ? strchr(names, c) : NULL;
        str rest = str_from_index(text, i);

        if (name != NULL) {
            buf_char(&out, '\\');
            buf_char(&out, letters[name - names]);
        } else if ((unsigned char)c < 0x20 || strchr(hex, c) != NULL) {
            buf_printf(&out, "\\u%04x", (unsigned)(unsigned char)c);
        } else if (strchr(slashed, c) != NULL) {
            buf_char(&out, '\\');
            buf_char(&out, c);
        } else if (str_has_prefix(rest, STR("\xE2\x80\xA8")) ||
                   str_has_prefix(rest, STR("\xE2\x80\xA9"))) {
            buf_c(&out, rest.ptr[2] == '\xA8' ? "\\u2028" : "\\u2029");
            i += 2;
        } else {
            buf_char(&out, c);
        }
    }
    return result(call, &out, ret);
}

int html_filter_js_string(const struct template_call *call, struct tvalue *ret,
                          UNUSED struct baro_error *err)
{
    return js_replace(call, "\"`&'+<>", "/\\", ret);
}

int html_filter_js_template(const struct template_call *call, struct tvalue *ret,
                            UNUSED struct baro_error *err)
{
    return js_replace(call, "\"`&'+<>${}", "/\\", ret);
}

int html_filter_js_regexp(const struct template_call *call, struct tvalue *ret,
                          UNUSED struct baro_error *err)
{
    (void)js_replace(call, "\"&'+<>", "$()*-./?[\\]^{|}", ret);
    if (ret->string.len == 0) {
        *ret = tvalue_string(STR("(?:)")); /* "//" would be a comment */
    }
    return 0;
}
