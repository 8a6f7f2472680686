#include <math.h>

#include "base/num.h"
#include "base/text.h"
#include "catalog/gen_c_priv.h"

/* clang-format puts so many items of a braced list, or more, into columns. */
enum { COLUMN_ITEMS_MIN = 5 };

enum { COMMENT_EDGE = 3 }; /* " * " and "/ *" with a blank */

/* ---- lists ---- */

/* The items that follow each other on one line from `column` on: as many as fit, one at least. A
 * line ends with the separator without its last blank, or with what comes after the list. */
static size_t items_on_line(size_t column, const str *items, size_t count, size_t separator_bytes,
                            size_t after_bytes)
{
    size_t used = 0;

    while (used < count) {
        size_t width = items[used].len + (used > 0 ? separator_bytes : 0);
        size_t tail = used + 1 < count ? separator_bytes - 1 : after_bytes;

        if (used > 0 && column + width + tail > GEN_C_COLUMNS) {
            break;
        }
        column += width;
        used++;
    }
    return used;
}

static bool fits(size_t column, const str *items, size_t count, size_t separator_bytes,
                 size_t after_bytes)
{
    for (size_t i = 0; i < count; i++) {
        size_t tail = i + 1 < count ? separator_bytes - 1 : after_bytes;

        if (column + items[i].len + tail > GEN_C_COLUMNS) {
            return false;
        }
    }
    return true;
}

static void pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_char(out, ' ');
    }
}

void gen_c_list(struct gen_c *gen, size_t indent, str before, const str *items, size_t count,
                const char *separator, const char *after)
{
    size_t column = indent + before.len;
    size_t between = strlen(separator);

    pad(gen->out, indent);
    buf_str(gen->out, before);
    /* What does not fit behind the opening goes to the next line, indented once more. */
    if (!fits(column, items, count, between, strlen(after))) {
        column = indent + 4;
        buf_char(gen->out, '\n');
        pad(gen->out, column);
    }
    for (size_t done = 0; done < count;) {
        size_t line = items_on_line(column, items + done, count - done, between, strlen(after));

        for (size_t i = 0; i < line; i++) {
            buf_c(gen->out, i > 0 ? separator : "");
            buf_str(gen->out, items[done + i]);
        }
        done += line;
        if (done < count) {
            buf_bytes(gen->out, separator, between - 1);
            buf_char(gen->out, '\n');
            pad(gen->out, column);
        }
    }
    buf_c(gen->out, after);
    buf_char(gen->out, '\n');
}

void gen_c_assign(struct gen_c *gen, str before, str call, const str *args, size_t count)
{
    str open = arena_printf(&gen->arena, "%.*s(", STR_ARG(call));
    size_t width = 4 + before.len + strlen(" = ") + open.len + strlen(");");

    for (size_t i = 0; i < count; i++) {
        width += args[i].len + (i > 0 ? 2 : 0);
    }
    if (width <= GEN_C_COLUMNS) {
        gen_c_list(gen, 4, arena_printf(&gen->arena, "%.*s = %.*s", STR_ARG(before), STR_ARG(open)),
                   args, count, ", ", ");");
        return;
    }
    buf_printf(gen->out, "    %.*s =\n", STR_ARG(before));
    gen_c_list(gen, 8, open, args, count, ", ", ");");
}

/*
 * A list that does not fit behind its head has a comma at the end: then clang-format keeps one item
 * a line when they are few, and fills lines when they are many, in columns when one does not do.
 */
void gen_c_values(struct gen_c *gen, const str *items, size_t count)
{
    static const char head[] = "    const char *const values[] = {";
    bool is_few = count + 1 < COLUMN_ITEMS_MIN;
    size_t width = 0;

    for (size_t i = 0; i < count; i++) {
        width += items[i].len + strlen(", ");
    }
    bool fits_behind = strlen(head) + width + strlen("NULL};") <= GEN_C_COLUMNS;
    bool fits_below = !is_few && 8 + width + strlen("NULL,") <= GEN_C_COLUMNS;
    const char *between = fits_behind || fits_below ? " " : "\n        ";
    bool is_odd = !fits_behind && !fits_below && !is_few;

    buf_printf(gen->out, "%s%s%s", is_odd ? "    /* clang-format off */\n" : "", head,
               fits_behind ? "" : "\n        ");
    for (size_t i = 0; i < count; i++) {
        buf_printf(gen->out, "%.*s,%s", STR_ARG(items[i]), between);
    }
    buf_c(gen->out, fits_behind ? "NULL};\n" : "NULL,\n    };\n");
    buf_c(gen->out, is_odd ? "    /* clang-format on */\n" : "");
}

static void write_head(struct gen_c *gen, const struct gen_c_head *head, const char *after)
{
    static const str none[] = {STR_INIT("void")};
    const str *params = head->param_count > 0 ? head->params : none;
    size_t count = head->param_count > 0 ? head->param_count : 1;
    str name = arena_printf(&gen->arena, "%.*s(", STR_ARG(head->name));
    str before = arena_printf(&gen->arena, "%.*s%.*s", STR_ARG(head->type), STR_ARG(name));

    /* Where a single parameter does not fit behind the name, the type gets a line of its own. */
    if (count == 1 && !str_is(head->type, "void ") &&
        !fits(before.len, params, count, 2, strlen(after)) &&
        fits(name.len, params, count, 2, strlen(after))) {
        buf_printf(gen->out, "%.*s\n", STR_ARG(str_trim(head->type)));
        before = name;
    }
    gen_c_list(gen, 0, before, params, count, ", ", after);
}

void gen_c_prototype(struct gen_c *gen, const struct gen_c_head *head)
{
    write_head(gen, head, ");");
}

void gen_c_definition(struct gen_c *gen, const struct gen_c_head *head)
{
    write_head(gen, head, ")");
    buf_c(gen->out, "{\n");
}

/* ---- comments ---- */

/* The text on one line, without what would end the comment. */
static str comment_text(struct gen_c *gen, str text)
{
    struct buf line = {0};
    str copy;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '/' && i > 0 && text.ptr[i - 1] == '*') {
            buf_char(&line, ' ');
        }
        buf_char(&line, c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
    }
    copy = arena_str(&gen->arena, str_trim(buf_view(&line)));
    buf_done(&line);
    return copy;
}

void gen_c_comment(struct gen_c *gen, str text)
{
    str line = comment_text(gen, text);
    size_t column = COMMENT_EDGE;

    if (line.len + 2 * COMMENT_EDGE <= GEN_C_COLUMNS) {
        buf_printf(gen->out, "/* %.*s */\n", STR_ARG(line));
        return;
    }
    buf_c(gen->out, "/*\n *");
    column = COMMENT_EDGE - 1;
    for (str word; str_split_next(&line, ' ', &word);) {
        if (word.len == 0) {
            continue;
        }
        if (column + 1 + word.len > GEN_C_COLUMNS && column > COMMENT_EDGE) {
            buf_c(gen->out, "\n *");
            column = COMMENT_EDGE - 1;
        }
        buf_char(gen->out, ' ');
        buf_str(gen->out, word);
        column += 1 + word.len;
    }
    buf_c(gen->out, "\n */\n");
}

/* ---- constants ---- */

str gen_c_string(struct gen_c *gen, str text)
{
    struct buf out = {0};

    buf_char(&out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '"' || c == '\\') {
            buf_printf(&out, "\\%c", c);
        } else if (c == '\n') {
            buf_c(&out, "\\n");
        } else if (c == '?' && i > 0 && text.ptr[i - 1] == '?') {
            buf_c(&out, "\\?"); /* no trigraphs */
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(&out, "\\%03o", c);
        } else {
            buf_char(&out, (char)c);
        }
    }
    buf_char(&out, '"');
    return text_take(&gen->arena, &out);
}

str gen_c_number(struct gen_c *gen, double value)
{
    char text[NUM_TEXT_MAX];
    size_t size = num_format_double(value, NUM_G, text);
    str number = arena_str(&gen->arena, str_of(text, size));
    bool is_integer = fabs(value) < 1e6 && value == floor(value);

    return is_integer ? arena_printf(&gen->arena, "%.*s.0", STR_ARG(number)) : number;
}
