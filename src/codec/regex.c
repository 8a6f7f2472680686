#include "codec/regex.h"

#include "base/assert.h"
#include "base/mem.h"
#include "codec/regex_priv.h"

struct regex {
    void *re2;
    bool anchored;
};

/* Most programs fit RE2's own default; only what does not is tried again with the full budget, so
 * that the DFA cache of an ordinary expression, which is a share of the budget, stays small. */
enum { REGEX_BYTES_ORDINARY = 8 << 20 };

/* The words of Go's regexp/syntax for each fault. */
static const char *const fault_texts[] = {
    [REGEX_FAULT_NONE] = "internal error",
    [REGEX_FAULT_INTERNAL] = "internal error",
    [REGEX_FAULT_ESCAPE] = "invalid escape sequence",
    [REGEX_FAULT_CLASS] = "invalid character class",
    [REGEX_FAULT_RANGE] = "invalid character class range",
    [REGEX_FAULT_BRACKET] = "missing closing ]",
    [REGEX_FAULT_PAREN] = "missing closing )",
    [REGEX_FAULT_UNEXPECTED_PAREN] = "unexpected )",
    [REGEX_FAULT_BACKSLASH] = "trailing backslash at end of expression",
    [REGEX_FAULT_REPEAT_ARGUMENT] = "missing argument to repetition operator",
    [REGEX_FAULT_REPEAT_SIZE] = "invalid repeat count",
    [REGEX_FAULT_REPEAT_OP] = "invalid nested repetition operator",
    [REGEX_FAULT_PERL] = "invalid or unsupported Perl syntax",
    [REGEX_FAULT_UTF8] = "invalid UTF-8",
    [REGEX_FAULT_CAPTURE] = "invalid named capture",
    [REGEX_FAULT_TOO_LARGE] = "expression too large",
};

/* Copies a bracketed class from its '[' on and returns its size; to the end when it is not closed.
 */
static size_t copy_class(str text, struct buf *ret, bool *ret_has_byte_escape)
{
    size_t at = 1;

    at += at < text.len && text.ptr[at] == '^' ? 1 : 0;
    at += at < text.len && text.ptr[at] == ']' ? 1 : 0; /* stands for itself when it is first */
    while (at < text.len && text.ptr[at] != ']') {
        str rest = str_from_index(text, at);
        size_t posix_end = str_has_prefix(rest, STR("[:")) ? str_index(rest, STR(":]")) : SIZE_MAX;

        *ret_has_byte_escape |= str_has_prefix(rest, STR("\\C"));
        at += posix_end != SIZE_MAX ? posix_end + 2 : text.ptr[at] == '\\' ? 2 : 1;
    }
    at = at < text.len ? at + 1 : text.len;
    buf_bytes(ret, text.ptr, at);
    return at;
}

/* What differs between Go's syntax and RE2's: (?<name>...) is written (?P<name>...), and \C is
 * unknown; ret_has_byte_escape tells of the latter. Classes and \Q...\E are passed over. */
static void translate(str pattern, struct buf *ret, bool *ret_has_byte_escape)
{
    for (size_t i = 0; i < pattern.len;) {
        str rest = str_from_index(pattern, i);
        size_t size = 1;

        if (rest.ptr[0] == '[') {
            i += copy_class(rest, ret, ret_has_byte_escape);
            continue;
        }
        if (str_has_prefix(rest, STR("\\Q"))) {
            size_t end = str_index(rest, STR("\\E"));

            size = end != SIZE_MAX ? end + 2 : rest.len;
        } else if (rest.ptr[0] == '\\' && rest.len > 1) {
            *ret_has_byte_escape |= rest.ptr[1] == 'C';
            size = 2;
        } else if (str_has_prefix(rest, STR("(?<"))) {
            buf_c(ret, "(?P<");
            i += 3;
            continue;
        }
        buf_bytes(ret, rest.ptr, size);
        i += size;
    }
}

static int refuse(enum regex_fault fault, str pattern, const char *part, struct baro_error *err)
{
    bool whole = fault == REGEX_FAULT_PAREN || fault == REGEX_FAULT_UNEXPECTED_PAREN;
    str shown = whole ? pattern : str_from(part);

    if (fault == REGEX_FAULT_TOO_LARGE) {
        return error_set(err, BARO_ELIMIT, "error parsing regexp: %s", fault_texts[fault]);
    }
    if (fault == REGEX_FAULT_BACKSLASH) {
        shown = STR("");
    }
    return error_set(err, BARO_EPARSE, "error parsing regexp: %s: `%.*s`", fault_texts[fault],
                     STR_ARG(shown));
}

int regex_new(str pattern, bool anchored, struct regex **ret, struct baro_error *err)
{
    enum regex_fault fault = REGEX_FAULT_NONE;
    struct buf translated = {0};
    bool has_byte_escape = false;
    char part[256];
    void *re2;

    if (!utf8_is_valid(pattern)) {
        return refuse(REGEX_FAULT_UTF8, pattern, "", err);
    }
    translate(pattern, &translated, &has_byte_escape);
    if (translated.failed) {
        buf_done(&translated);
        return error_set(err, BARO_ELIMIT, "error parsing regexp: expression too large");
    }
    re2 = regex_re2_new(translated.ptr, translated.len, REGEX_BYTES_ORDINARY, &fault, part,
                        sizeof(part));
    if (re2 == NULL && fault == REGEX_FAULT_TOO_LARGE) {
        re2 = regex_re2_new(translated.ptr, translated.len, REGEX_BYTES_MAX, &fault, part,
                            sizeof(part));
    }
    buf_done(&translated);
    if (re2 == NULL) {
        return refuse(fault, pattern, part, err);
    }
    if (has_byte_escape) {
        regex_re2_free(re2);
        return refuse(REGEX_FAULT_ESCAPE, pattern, "\\C", err);
    }
    *ret = MEM_NEW(struct regex);
    **ret = (struct regex){.re2 = re2, .anchored = anchored};
    return 0;
}

struct regex *regex_free(struct regex *regex)
{
    if (regex != NULL) {
        regex_re2_free(regex->re2);
        (void)mem_free(regex);
    }
    return NULL;
}

bool regex_match(const struct regex *regex, str text)
{
    return regex_re2_match(regex->re2, text.ptr, text.len, 0, regex->anchored, NULL, 0);
}

bool regex_find(const struct regex *regex, str text, str *ret_groups, size_t group_count)
{
    return regex_find_from(regex, text, 0, ret_groups, group_count);
}

bool regex_find_from(const struct regex *regex, str text, size_t start, str *ret_groups,
                     size_t group_count)
{
    struct regex_span spans[REGEX_GROUPS_MAX + 1];
    size_t known = regex_re2_group_count(regex->re2) + 1;
    size_t count = group_count < REGEX_GROUPS_MAX + 1 ? group_count : REGEX_GROUPS_MAX + 1;

    count = count < known ? count : known;
    if (!regex_re2_match(regex->re2, text.ptr, text.len, start, regex->anchored, spans, count)) {
        return false;
    }
    for (size_t i = 0; i < group_count; i++) {
        ret_groups[i] = i < count ? str_of(spans[i].ptr, spans[i].len) : STR_NULL;
    }
    return true;
}

size_t regex_group_count(const struct regex *regex)
{
    return regex_re2_group_count(regex->re2);
}

size_t regex_prefix(const struct regex *regex, char *ret, size_t size)
{
    return regex->anchored ? regex_re2_prefix(regex->re2, ret, size) : 0;
}

static size_t word_size(str text)
{
    size_t size = 0;

    while (size < text.len) {
        char c = text.ptr[size];

        if ((unsigned char)c >= 0x80) {
            return regex_re2_word_size(text.ptr, text.len);
        }
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_')) {
            break;
        }
        size++;
    }
    return size;
}

/* Go takes a name of digits for a group number unless it has a leading zero or is beyond 10^8. */
static bool group_number(str name, size_t *ret)
{
    size_t number = 0;

    if (name.ptr[0] == '0' && name.len > 1) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9' || number >= 100000000) {
            return false;
        }
        number = number * 10 + (size_t)(name.ptr[i] - '0');
    }
    *ret = number;
    return true;
}

/* Reads $name or ${name} behind the dollar; returns the bytes used, 0 when it is malformed. */
static size_t read_reference(str text, str *ret_name)
{
    bool braced = text.len > 0 && text.ptr[0] == '{';
    str name = str_from_index(text, braced ? 1 : 0);

    name.len = word_size(name);
    if (name.len == 0) {
        return 0;
    }
    *ret_name = name;
    if (!braced) {
        return name.len;
    }
    return name.len + 1 < text.len && text.ptr[name.len + 1] == '}' ? name.len + 2 : 0;
}

void regex_expand(const struct regex *regex, struct buf *buf, str template, const str *groups,
                  size_t group_count)
{
    for (size_t at; (at = str_index_char(template, '$')) != SIZE_MAX;) {
        str name = STR_NULL;
        size_t used;
        size_t group = 0;

        buf_str(buf, str_slice(template, 0, at));
        template = str_from_index(template, at + 1);
        if (template.len > 0 && template.ptr[0] == '$') {
            buf_char(buf, '$');
            template = str_from_index(template, 1);
            continue;
        }
        used = read_reference(template, &name);
        if (used == 0) {
            buf_char(buf, '$');
            continue;
        }
        template = str_from_index(template, used);
        if (!group_number(name, &group)) {
            group = regex_re2_group_named(regex->re2, name.ptr, name.len);
            group = group == 0 ? group_count : group;
        }
        if (group < group_count && groups[group].ptr != NULL) {
            buf_str(buf, groups[group]);
        }
    }
    buf_str(buf, template);
}
