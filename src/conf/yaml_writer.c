#include "conf/yaml_writer.h"

#include "codec/yaml.h"

/* go-yaml breaks lines at spaces beyond this column. */
enum { LINE_WIDTH = 80 };

static void begin_line(struct yaml_writer *w)
{
    if (w->after_dash) {
        w->after_dash = false;
        return;
    }
    if (w->buf->len > 0) {
        buf_char(w->buf, '\n');
    }
    w->line_start = w->buf->len;
    for (size_t i = 0; i < w->indent; i++) {
        buf_char(w->buf, ' ');
    }
}

static void break_line(struct yaml_writer *w, size_t indent)
{
    buf_char(w->buf, '\n');
    w->line_start = w->buf->len;
    for (size_t i = 0; i < indent; i++) {
        buf_char(w->buf, ' ');
    }
}

/* Columns are counted in characters. */
static size_t column(const struct yaml_writer *w)
{
    size_t count = 0;

    for (size_t i = w->line_start; i < w->buf->len; i++) {
        count += ((unsigned char)w->buf->ptr[i] & 0xC0) != 0x80;
    }
    return count;
}

static bool is_blank_at(str s, size_t i)
{
    return i >= s.len || s.ptr[i] == ' ' || s.ptr[i] == '\t' || s.ptr[i] == '\n' ||
           s.ptr[i] == '\r';
}

/* What is printable in YAML without escapes: tab, line feed, and all but control characters, the
 * byte order mark and non-characters. */
static bool is_printable(uint32_t c)
{
    return c == '\n' || (c >= 0x20 && c <= 0x7E) || c == 0x85 || (c >= 0xA0 && c <= 0xD7FF) ||
           (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || (c >= 0x10000 && c <= 0x10FFFF);
}

static bool has_special(str s)
{
    for (size_t i = 0; i < s.len;) {
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(s, i), &rune);

        if (size == 0 || !is_printable(rune)) {
            return true;
        }
        i += size;
    }
    return false;
}

/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? : numbers to base 60, which YAML 1.1 had. */
static bool is_base60(str s)
{
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t groups = 0;

    if (i >= s.len || s.ptr[i] < '0' || s.ptr[i] > '9') {
        return false;
    }
    while (i < s.len && ((s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '_')) {
        i++;
    }
    while (i < s.len && s.ptr[i] == ':') {
        size_t first = ++i;

        while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9') {
            i++;
        }
        if (i == first || i - first > 2 || (i - first == 2 && s.ptr[first] > '5')) {
            return false;
        }
        groups++;
    }
    if (groups > 0 && i < s.len && s.ptr[i] == '.') {
        i++;
        while (i < s.len && ((s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '_')) {
            i++;
        }
    }
    return groups > 0 && i == s.len;
}

/* Texts that begin like 2001-01-02 are quoted: go-yaml might read a time there. */
static bool is_date(str s)
{
    return s.len >= 8 && s.len <= 40 && s.ptr[0] >= '0' && s.ptr[0] <= '9' && s.ptr[1] >= '0' &&
           s.ptr[1] <= '9' && s.ptr[2] >= '0' && s.ptr[2] <= '9' && s.ptr[3] >= '0' &&
           s.ptr[3] <= '9' && s.ptr[4] == '-' &&
           (s.len == 10 || str_contains(s, STR("T")) || str_contains(s, STR("t")) ||
            str_contains(s, STR(" ")));
}

/* Would the bare text be read as something else than a string? */
static bool needs_quotes(str s)
{
    struct yaml_value value;

    return yaml_resolve(s, &value) != YAML_TYPE_STRING || is_base60(s) || is_date(s) ||
           str_is(s, "<<") || str_is(s, "=");
}

/* Does a bare text clash with YAML's own signs? Source: libyaml's analysis of scalars. */
static bool has_indicators(str s, bool in_flow)
{
    static const char first[] = "#,[]{}&*!|>'\"%@`";
    static const char flow[] = ",?[]{}:";

    if (str_has_prefix(s, STR("---")) || str_has_prefix(s, STR("..."))) {
        return true;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool before_blank = is_blank_at(s, i + 1);

        if (i == 0 && (strchr(first, c) != NULL || (c == '-' && before_blank) ||
                       (c == '?' && before_blank))) {
            return true;
        }
        if ((c == ':' && before_blank) || (c == '#' && i > 0 && is_blank_at(s, i - 1)) ||
            (in_flow && strchr(flow, c) != NULL)) {
            return true;
        }
    }
    return s.ptr[0] == ' ' || s.ptr[s.len - 1] == ' ';
}

/* May the line be broken at the space at i? */
static bool breaks_at(const struct yaml_writer *w, str s, size_t i, bool in_flow)
{
    return !in_flow && i > 0 && i + 1 < s.len && s.ptr[i - 1] != ' ' && s.ptr[i + 1] != ' ' &&
           column(w) > LINE_WIDTH;
}

static void write_plain(struct yaml_writer *w, str s, bool in_flow, bool quoted)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == ' ' && breaks_at(w, s, i, in_flow)) {
            break_line(w, w->indent + 2);
            continue;
        }
        if (quoted && s.ptr[i] == '\'') {
            buf_char(w->buf, '\'');
        }
        buf_char(w->buf, s.ptr[i]);
    }
}

static void write_escape(struct buf *buf, uint32_t rune)
{
    static const struct {
        uint32_t rune;
        char letter;
    } letters[] = {
        {0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
        {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
        {'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'},
    };

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].rune == rune) {
            buf_char(buf, '\\');
            buf_char(buf, letters[i].letter);
            return;
        }
    }
    if (rune <= 0xFF) {
        buf_printf(buf, "\\x%02X", rune);
    } else if (rune <= 0xFFFF) {
        buf_printf(buf, "\\u%04X", rune);
    } else {
        buf_printf(buf, "\\U%08X", rune);
    }
}

static void write_double_quoted(struct yaml_writer *w, str s, bool in_flow)
{
    buf_char(w->buf, '"');
    for (size_t i = 0; i < s.len;) {
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(s, i), &rune);

        if (size == 0) {
            rune = (unsigned char)s.ptr[i];
            size = 1;
            write_escape(w->buf, rune);
        } else if (rune == ' ' && breaks_at(w, s, i, in_flow)) {
            break_line(w, w->indent + 2);
        } else if (rune == '"' || rune == '\\' || rune == '\n' || !is_printable(rune)) {
            write_escape(w->buf, rune);
        } else {
            buf_bytes(w->buf, s.ptr + i, size);
        }
        i += size;
    }
    buf_char(w->buf, '"');
}

/* | with a hint of the indent when the text begins with a space, and of how it ends. */
static void write_literal(struct yaml_writer *w, str s)
{
    bool ends = s.ptr[s.len - 1] == '\n';
    bool keeps = ends && s.len > 1 && s.ptr[s.len - 2] == '\n';

    buf_char(w->buf, '|');
    if (s.ptr[0] == ' ' || s.ptr[0] == '\n') {
        buf_char(w->buf, '2');
    }
    buf_c(w->buf, !ends ? "-" : keeps || s.len == 1 ? "+" : "");
    if (ends) {
        s.len--;
    }
    for (str line; str_split_next(&s, '\n', &line);) {
        break_line(w, line.len > 0 ? w->indent + 2 : 0);
        buf_str(w->buf, line);
    }
}

static void write_scalar(struct yaml_writer *w, str s, bool in_flow)
{
    bool special = has_special(s);

    if (!special && str_contains(s, STR("\n")) && !in_flow) {
        write_literal(w, s);
    } else if (special || needs_quotes(s) || str_contains(s, STR("\n"))) {
        write_double_quoted(w, s, in_flow);
    } else if (has_indicators(s, in_flow)) {
        buf_char(w->buf, '\'');
        write_plain(w, s, in_flow, true);
        buf_char(w->buf, '\'');
    } else {
        write_plain(w, s, in_flow, false);
    }
}

void yaml_write_key(struct yaml_writer *w, str key)
{
    begin_line(w);
    write_scalar(w, key, true);
    buf_char(w->buf, ':');
}

void yaml_write_item(struct yaml_writer *w)
{
    begin_line(w);
    buf_char(w->buf, '-');
}

void yaml_write_str(struct yaml_writer *w, str value)
{
    buf_char(w->buf, ' ');
    write_scalar(w, value, false);
    w->after_dash = false;
}

void yaml_write_raw(struct yaml_writer *w, str value)
{
    buf_char(w->buf, ' ');
    buf_str(w->buf, value);
    w->after_dash = false;
}

void yaml_write_flow_strs(struct yaml_writer *w, const str *items, size_t count)
{
    buf_c(w->buf, " [");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_c(w->buf, ",");
            if (column(w) > LINE_WIDTH) {
                break_line(w, w->indent + 2);
            } else {
                buf_char(w->buf, ' ');
            }
        }
        write_scalar(w, items[i], true);
    }
    buf_char(w->buf, ']');
}

void yaml_write_end(struct yaml_writer *w)
{
    if (w->buf->len == 0) {
        buf_c(w->buf, "{}");
    }
    buf_char(w->buf, '\n');
}
