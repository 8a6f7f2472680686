#include "promql/lexer.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "model/labels.h"

/* What lexer_peek returns at the end of the text; no code point has this value. */
#define RUNE_END UINT32_MAX
#define RUNE_BAD UINT32_C(0xFFFD)

enum { KEYWORD_BYTES_MAX = 12 };

struct keyword {
    const char *name;
    enum token_type type;
};

/* Sorted by name. */
static const struct keyword keywords[] = {
    {"anchored", TOKEN_ANCHORED},
    {"and", TOKEN_AND},
    {"atan2", TOKEN_ATAN2},
    {"avg", TOKEN_AVG},
    {"bool", TOKEN_BOOL},
    {"bottomk", TOKEN_BOTTOMK},
    {"by", TOKEN_BY},
    {"count", TOKEN_COUNT},
    {"count_values", TOKEN_COUNT_VALUES},
    {"end", TOKEN_END},
    {"fill", TOKEN_FILL},
    {"fill_left", TOKEN_FILL_LEFT},
    {"fill_right", TOKEN_FILL_RIGHT},
    {"group", TOKEN_GROUP},
    {"group_left", TOKEN_GROUP_LEFT},
    {"group_right", TOKEN_GROUP_RIGHT},
    {"ignoring", TOKEN_IGNORING},
    {"inf", TOKEN_NUMBER},
    {"limit_ratio", TOKEN_LIMIT_RATIO},
    {"limitk", TOKEN_LIMITK},
    {"max", TOKEN_MAX},
    {"max_of", TOKEN_MAX_OF},
    {"min", TOKEN_MIN},
    {"min_of", TOKEN_MIN_OF},
    {"nan", TOKEN_NUMBER},
    {"offset", TOKEN_OFFSET},
    {"on", TOKEN_ON},
    {"or", TOKEN_OR},
    {"quantile", TOKEN_QUANTILE},
    {"range", TOKEN_RANGE},
    {"smoothed", TOKEN_SMOOTHED},
    {"start", TOKEN_START},
    {"stddev", TOKEN_STDDEV},
    {"stdvar", TOKEN_STDVAR},
    {"step", TOKEN_STEP},
    {"sum", TOKEN_SUM},
    {"topk", TOKEN_TOPK},
    {"unless", TOKEN_UNLESS},
    {"without", TOKEN_WITHOUT},
};

static bool is_space(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(uint32_t c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(uint32_t c)
{
    return is_alpha(c) || is_digit(c);
}

/* byte_at is the byte at pos, or RUNE_END behind the end: enough for everything but messages and
 * string contents. */
static uint32_t byte_at(const struct lexer *lexer, uint32_t pos)
{
    return pos < lexer->text.len ? (unsigned char)lexer->text.ptr[pos] : RUNE_END;
}

static uint32_t peek(const struct lexer *lexer)
{
    return byte_at(lexer, lexer->pos);
}

/* rune_at decodes the code point at pos; ill-formed bytes are RUNE_BAD of size 1. */
static uint32_t rune_at(const struct lexer *lexer, uint32_t pos, uint32_t *ret_size)
{
    uint32_t rune = RUNE_END;
    size_t size = 0;

    if (pos < lexer->text.len) {
        size = utf8_decode(str_from_index(lexer->text, pos), &rune);
        if (size == 0) {
            rune = RUNE_BAD;
            size = 1;
        }
    }
    *ret_size = (uint32_t)size;
    return rune;
}

static struct token emit(struct lexer *lexer, enum token_type type, uint32_t start)
{
    return (struct token){type, start, str_slice(lexer->text, start, lexer->pos)};
}

static struct token fail(struct lexer *lexer, uint32_t start, str message)
{
    lexer->done = true;
    return (struct token){TOKEN_ERROR, start, message};
}

/* rune_quote appends a code point as Go's %q prints it: 'x'. */
static void rune_quote(struct buf *buf, uint32_t rune)
{
    char bytes[4];
    struct buf quoted = {0};

    if (rune == RUNE_END) {
        rune = RUNE_BAD;
    }
    if (rune == '\'') {
        buf_c(buf, "'\\''");
        return;
    }
    if (rune == '"') {
        buf_c(buf, "'\"'");
        return;
    }
    buf_quoted(&quoted, str_of(bytes, utf8_encode(rune, bytes)));
    buf_char(buf, '\'');
    if (quoted.len > 2) {
        buf_bytes(buf, quoted.ptr + 1, quoted.len - 2);
    }
    buf_char(buf, '\'');
    buf_done(&quoted);
}

/* fail_rune reports `before 'x'after` at start, x being the code point at pos. */
static struct token fail_rune(struct lexer *lexer, uint32_t start, const char *before, uint32_t pos,
                              const char *after)
{
    struct buf buf = {0};
    uint32_t size;
    struct token token;

    buf_c(&buf, before);
    rune_quote(&buf, rune_at(lexer, pos, &size));
    buf_c(&buf, after);
    token = fail(lexer, start, arena_str(lexer->arena, buf_view(&buf)));
    buf_done(&buf);
    return token;
}

static struct token fail_quoted(struct lexer *lexer, uint32_t start, const char *before)
{
    struct buf buf = {0};
    struct token token;

    buf_c(&buf, before);
    buf_quoted(&buf, str_slice(lexer->text, start, lexer->pos));
    token = fail(lexer, start, arena_str(lexer->arena, buf_view(&buf)));
    buf_done(&buf);
    return token;
}

static void skip_space_and_comments(struct lexer *lexer)
{
    for (;;) {
        uint32_t c = peek(lexer);

        if (is_space(c)) {
            lexer->pos++;
        } else if (c == '#') {
            while (peek(lexer) != RUNE_END && peek(lexer) != '\n' && peek(lexer) != '\r') {
                lexer->pos++;
            }
        } else {
            return;
        }
    }
}

static enum token_type keyword_type(str word)
{
    char lower[KEYWORD_BYTES_MAX];
    size_t low = 0;
    size_t high = ARRAY_COUNT(keywords);

    if (word.len > KEYWORD_BYTES_MAX) {
        return TOKEN_IDENTIFIER;
    }
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];

        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(str_of(lower, word.len), str_from(keywords[middle].name));

        if (order == 0) {
            return keywords[middle].type;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return TOKEN_IDENTIFIER;
}

static bool followed_by_paren(const struct lexer *lexer)
{
    uint32_t pos = lexer->pos;

    while (is_space(byte_at(lexer, pos))) {
        pos++;
    }
    return byte_at(lexer, pos) == '(';
}

/* Names that are no keyword, and the fill modifiers only before '(', so that older queries with
 * series of these names keep their meaning. */
static struct token lex_word(struct lexer *lexer, uint32_t start)
{
    bool colon = false;
    enum token_type type;

    while (is_alnum(peek(lexer)) || peek(lexer) == ':') {
        colon = colon || peek(lexer) == ':';
        lexer->pos++;
    }
    if (colon) {
        return emit(lexer, TOKEN_METRIC_IDENTIFIER, start);
    }
    type = keyword_type(str_slice(lexer->text, start, lexer->pos));
    if (type >= TOKEN_FILL && type <= TOKEN_FILL_RIGHT && !followed_by_paren(lexer)) {
        type = TOKEN_IDENTIFIER;
    }
    return emit(lexer, type, start);
}

/* number scanning: accept one byte of a class, whatever follows. */
static bool accept_any(struct lexer *lexer, const char *class)
{
    uint32_t c = peek(lexer);

    if (c != RUNE_END && c != 0 && c < 0x80 && strchr(class, (int)c) != NULL) {
        lexer->pos++;
        return true;
    }
    return false;
}

static bool peek_any(const struct lexer *lexer, const char *class)
{
    uint32_t c = peek(lexer);

    return c != RUNE_END && c != 0 && c < 0x80 && strchr(class, (int)c) != NULL;
}

/* scan_number_part reads one dot, exponent, underscore or run of digits; false when it may not
 * stand there. */
static bool scan_number_part(struct lexer *lexer, const char *digits, bool hex, bool *dot, bool *e)
{
    if (accept_any(lexer, ".")) {
        bool again = *dot;

        *dot = true;
        return !again && !accept_any(lexer, "_.") && !hex;
    }
    if (!hex && accept_any(lexer, "eE")) {
        bool again = *e;

        *e = true;
        if (again) {
            return false;
        }
        (void)accept_any(lexer, "+-");
        return !accept_any(lexer, "._eE") && peek(lexer) != RUNE_END;
    }
    if (accept_any(lexer, "_")) {
        return !accept_any(lexer, "._eE") && peek(lexer) != RUNE_END;
    }
    while (accept_any(lexer, digits)) {
    }
    return true;
}

/* scan_number consumes what looks like a number; the parser finds out whether it is one. */
static bool scan_number(struct lexer *lexer)
{
    static const char decimal[] = "0123456789";
    static const char hexadecimal[] = "0123456789abcdefABCDEF";
    const char *digits = decimal;
    const char *all = "0123456789._eE";
    uint32_t start = lexer->pos;
    bool hex = false;
    bool dot = false;
    bool exponent = false;

    if (accept_any(lexer, "0") && accept_any(lexer, "xX")) {
        (void)accept_any(lexer, "_");
        hex = true;
        digits = hexadecimal;
        all = "0123456789abcdefABCDEF._";
    }
    (void)accept_any(lexer, ".");
    (void)accept_any(lexer, digits);
    while (peek_any(lexer, all)) {
        if (!scan_number_part(lexer, digits, hex, &dot, &exponent)) {
            return false;
        }
    }
    return lexer->pos != start && !is_alnum(peek(lexer));
}

static bool scan_duration_rest(struct lexer *lexer)
{
    if (!accept_any(lexer, "smhdwy")) {
        return false;
    }
    (void)accept_any(lexer, "s");
    while (accept_any(lexer, "0123456789")) {
        while (accept_any(lexer, "0123456789")) {
        }
        if (!accept_any(lexer, "smhdw")) {
            return false;
        }
        (void)accept_any(lexer, "s");
    }
    if (is_alnum(peek(lexer))) {
        lexer->pos++;
        return false;
    }
    return true;
}

static struct token lex_number_or_duration(struct lexer *lexer, uint32_t start)
{
    if (scan_number(lexer)) {
        return emit(lexer, TOKEN_NUMBER, start);
    }
    if (scan_duration_rest(lexer)) {
        return emit(lexer, TOKEN_DURATION, start);
    }
    return fail_quoted(lexer, start, "bad number or duration syntax: ");
}

static uint32_t digit_value(uint32_t c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return 16;
}

/* fail_unicode reports a code point as Go's %#U prints it: U+0041 'A'. */
static struct token fail_unicode(struct lexer *lexer, uint32_t start, const char *before,
                                 uint32_t pos, const char *after)
{
    char text[64];
    char bytes[4];
    uint32_t size;
    uint32_t rune = rune_at(lexer, pos, &size);
    int length = snprintf(text, sizeof(text), "%sU+%04X", before, rune);
    str head = str_of(text, (size_t)length);

    if (rune < 0x20 || rune == 0x7F) {
        return fail(lexer, start, arena_printf(lexer->arena, "%.*s%s", STR_ARG(head), after));
    }
    return fail(lexer, start,
                arena_printf(lexer->arena, "%.*s '%.*s'%s", STR_ARG(head),
                             (int)utf8_encode(rune, bytes), bytes, after));
}

/* lex_escape checks the escape behind a backslash; ret is only set, and false returned, when it is
 * wrong. */
static bool lex_escape(struct lexer *lexer, uint32_t start, uint32_t quote, struct token *ret)
{
    uint32_t c = peek(lexer);
    uint32_t base = 16;
    uint32_t max = 0x10FFFF;
    uint32_t value = 0;
    int digits = c == 'u' ? 4 : 8;

    if (c == quote || (c < 0x80 && c != 0 && strchr("abfnrtv\\", (int)c) != NULL)) {
        lexer->pos++;
        return true;
    }
    if (c >= '0' && c <= '7') {
        digits = 3;
        base = 8;
        max = 255;
    } else if (c == 'x') {
        digits = 2;
        max = 255;
    } else if (c == RUNE_END) {
        *ret = fail(lexer, start, STR("escape sequence not terminated"));
        return false;
    } else if (c != 'u' && c != 'U') {
        *ret = fail_unicode(lexer, start, "unknown escape sequence ", lexer->pos, "");
        return false;
    }
    lexer->pos += base == 16;
    for (; digits > 0; digits--) {
        uint32_t digit = digit_value(peek(lexer));

        if (peek(lexer) == RUNE_END) {
            *ret = fail(lexer, start, STR("escape sequence not terminated"));
            return false;
        }
        if (digit >= base) {
            *ret =
                fail_unicode(lexer, start, "illegal character ", lexer->pos, " in escape sequence");
            return false;
        }
        value = value * base + digit;
        lexer->pos++;
    }
    if (value > max || (value >= 0xD800 && value < 0xE000)) {
        *ret = fail(lexer, start, STR("escape sequence is an invalid Unicode code point"));
        return false;
    }
    return true;
}

static struct token lex_string(struct lexer *lexer, uint32_t start)
{
    uint32_t quote = byte_at(lexer, start);
    bool raw = quote == '`';
    struct token token;

    for (;;) {
        uint32_t size;
        uint32_t rune = rune_at(lexer, lexer->pos, &size);

        lexer->pos += size;
        if (rune == quote) {
            return emit(lexer, TOKEN_STRING, start);
        }
        if (rune == RUNE_BAD) {
            return fail(lexer, start, STR("invalid UTF-8 rune"));
        }
        if (rune == RUNE_END || (rune == '\n' && !raw)) {
            return fail(lexer, start,
                        raw ? STR("unterminated raw string") : STR("unterminated quoted string"));
        }
        if (rune == '\\' && !raw && !lex_escape(lexer, start, quote, &token)) {
            return token;
        }
    }
}

static struct token lex_in_braces(struct lexer *lexer, uint32_t start)
{
    uint32_t c = peek(lexer);

    if (c == RUNE_END) {
        return fail(lexer, start, STR("unexpected end of input inside braces"));
    }
    if (is_alpha(c)) {
        while (is_alnum(peek(lexer))) {
            lexer->pos++;
        }
        return emit(lexer, TOKEN_IDENTIFIER, start);
    }
    lexer->pos++;
    switch (c) {
    case ',':
        return emit(lexer, TOKEN_COMMA, start);
    case '"':
    case '\'':
    case '`':
        return lex_string(lexer, start);
    case '=':
        return emit(lexer, accept_any(lexer, "~") ? TOKEN_EQL_REGEX : TOKEN_EQL, start);
    case '!':
        if (accept_any(lexer, "~")) {
            return emit(lexer, TOKEN_NEQ_REGEX, start);
        }
        if (accept_any(lexer, "=")) {
            return emit(lexer, TOKEN_NEQ, start);
        }
        return fail_rune(lexer, start, "unexpected character after '!' inside braces: ", lexer->pos,
                         "");
    case '{':
        return fail_rune(lexer, start, "unexpected left brace ", start, "");
    case '}':
        lexer->brace_open = false;
        return emit(lexer, TOKEN_RIGHT_BRACE, start);
    default:
        return fail_rune(lexer, start, "unexpected character inside braces: ", start, "");
    }
}

/* Inside [] only the words of duration expressions may stand. */
static bool lex_duration_word(struct lexer *lexer, uint32_t start, struct token *ret)
{
    enum token_type type;

    while (is_alpha(peek(lexer))) {
        lexer->pos++;
    }
    type = keyword_type(str_slice(lexer->text, start, lexer->pos));
    if (type < TOKEN_STEP || type > TOKEN_MAX_OF) {
        return false;
    }
    *ret = emit(lexer, type, start);
    return true;
}

static struct token lex_close_paren(struct lexer *lexer, uint32_t start)
{
    if (lexer->paren_depth == 0) {
        return fail_rune(lexer, lexer->pos, "unexpected right parenthesis ", start, "");
    }
    lexer->paren_depth--;
    return emit(lexer, TOKEN_RIGHT_PAREN, start);
}

static enum token_type arithmetic_type(uint32_t c)
{
    switch (c) {
    case '+':
        return TOKEN_ADD;
    case '-':
        return TOKEN_SUB;
    case '*':
        return TOKEN_MUL;
    case '/':
        return TOKEN_DIV;
    case '%':
        return TOKEN_MOD;
    case '^':
        return TOKEN_POW;
    case ',':
        return TOKEN_COMMA;
    default:
        return TOKEN_EOF;
    }
}

/* What may stand between '[' and the first number. */
static struct token lex_in_fresh_bracket(struct lexer *lexer, uint32_t start)
{
    uint32_t c = peek(lexer);
    enum token_type arithmetic = arithmetic_type(c);
    struct token token;

    if (c == RUNE_END) {
        return fail(lexer, start, STR("unexpected end of input in duration expression"));
    }
    if (is_digit(c) || (c == '.' && is_digit(byte_at(lexer, start + 1)))) {
        lexer->bracket_fresh = false;
        return lex_number_or_duration(lexer, start);
    }
    if (is_alpha(c)) {
        if (strchr("sSmMrR", (int)c) != NULL && lex_duration_word(lexer, start, &token)) {
            lexer->got_duration = true;
            return token;
        }
        return fail_rune(lexer, start, "unexpected character in duration expression: ", start, "");
    }
    lexer->pos++;
    if (arithmetic != TOKEN_EOF) {
        return emit(lexer, arithmetic, start);
    }
    switch (c) {
    case ']':
        lexer->bracket_open = false;
        lexer->bracket_fresh = false;
        return emit(lexer, TOKEN_RIGHT_BRACKET, start);
    case ':':
        if (!lexer->got_duration) {
            return fail(lexer, lexer->pos,
                        STR("unexpected colon before duration in duration expression"));
        }
        if (lexer->got_colon) {
            return fail(lexer, lexer->pos, STR("unexpected repeated colon in duration expression"));
        }
        lexer->got_colon = true;
        return emit(lexer, TOKEN_COLON, start);
    case '(':
        lexer->paren_depth++;
        return emit(lexer, TOKEN_LEFT_PAREN, start);
    case ')':
        return lex_close_paren(lexer, start);
    default:
        return fail_rune(lexer, start, "unexpected character in duration expression: ", start, "");
    }
}

static struct token lex_comparison(struct lexer *lexer, uint32_t start, uint32_t c)
{
    switch (c) {
    case '=':
        if (peek(lexer) == '~') {
            return fail_rune(lexer, start, "unexpected character after '=': ", lexer->pos, "");
        }
        return emit(lexer, accept_any(lexer, "=") ? TOKEN_EQLC : TOKEN_EQL, start);
    case '!':
        if (!accept_any(lexer, "=")) {
            return fail_rune(lexer, start, "unexpected character after '!': ", lexer->pos, "");
        }
        return emit(lexer, TOKEN_NEQ, start);
    case '<':
        if (accept_any(lexer, "/")) {
            return emit(lexer, TOKEN_TRIM_UPPER, start);
        }
        return emit(lexer, accept_any(lexer, "=") ? TOKEN_LTE : TOKEN_LSS, start);
    default:
        if (accept_any(lexer, "/")) {
            return emit(lexer, TOKEN_TRIM_LOWER, start);
        }
        return emit(lexer, accept_any(lexer, "=") ? TOKEN_GTE : TOKEN_GTR, start);
    }
}

static struct token lex_bracket(struct lexer *lexer, uint32_t start, uint32_t c)
{
    if (c == '[') {
        if (lexer->bracket_open) {
            return fail_rune(lexer, start, "unexpected left bracket ", start, "");
        }
        lexer->bracket_open = true;
        lexer->bracket_fresh = true;
        lexer->got_colon = false;
        lexer->got_duration = false;
        return emit(lexer, TOKEN_LEFT_BRACKET, start);
    }
    if (!lexer->bracket_open) {
        return fail_rune(lexer, start, "unexpected right bracket ", start, "");
    }
    lexer->bracket_open = false;
    return emit(lexer, TOKEN_RIGHT_BRACKET, start);
}

static struct token lex_name(struct lexer *lexer, uint32_t start, uint32_t c)
{
    struct token token;

    if (!lexer->bracket_open) {
        return lex_word(lexer, start);
    }
    if (c == ':') {
        lexer->pos++;
        if (lexer->got_colon) {
            return fail_rune(lexer, start, "unexpected colon ", start, "");
        }
        lexer->got_colon = true;
        return emit(lexer, TOKEN_COLON, start);
    }
    if (strchr("sSmMrR", (int)c) != NULL && lex_duration_word(lexer, start, &token)) {
        return token;
    }
    return fail_rune(lexer, start, "unexpected character: ", start, ", expected ':'");
}

static struct token lex_end(struct lexer *lexer, uint32_t start)
{
    if (lexer->paren_depth != 0) {
        return fail(lexer, start, STR("unclosed left parenthesis"));
    }
    if (lexer->bracket_open) {
        return fail(lexer, start, STR("unclosed left bracket"));
    }
    lexer->done = true;
    return emit(lexer, TOKEN_EOF, start);
}

static struct token lex_statement(struct lexer *lexer, uint32_t start)
{
    uint32_t c = peek(lexer);
    enum token_type arithmetic = arithmetic_type(c);

    if (c == RUNE_END) {
        return lex_end(lexer, start);
    }
    if (is_alpha(c) || c == ':') {
        return lex_name(lexer, start, c);
    }
    if (is_digit(c) || (c == '.' && is_digit(byte_at(lexer, start + 1)))) {
        return lex_number_or_duration(lexer, start);
    }
    lexer->pos++;
    if (arithmetic != TOKEN_EOF) {
        return emit(lexer, arithmetic, start);
    }
    switch (c) {
    case '=':
    case '!':
    case '<':
    case '>':
        return lex_comparison(lexer, start, c);
    case '"':
    case '\'':
    case '`':
        return lex_string(lexer, start);
    case '(':
        lexer->paren_depth++;
        return emit(lexer, TOKEN_LEFT_PAREN, start);
    case ')':
        return lex_close_paren(lexer, start);
    case '{':
        lexer->brace_open = true;
        return emit(lexer, TOKEN_LEFT_BRACE, start);
    case '[':
    case ']':
        return lex_bracket(lexer, start, c);
    case '@':
        return emit(lexer, TOKEN_AT, start);
    default:
        return fail_rune(lexer, start, "unexpected character: ", start, "");
    }
}

void lexer_init(struct lexer *lexer, struct arena *arena, str text)
{
    *lexer = (struct lexer){.arena = arena, .text = text};
}

struct token lexer_next(struct lexer *lexer)
{
    uint32_t start;

    ASSERT(lexer->text.len < UINT32_MAX);
    if (lexer->done) {
        return (struct token){TOKEN_EOF, (uint32_t)lexer->text.len, STR_NULL};
    }
    skip_space_and_comments(lexer);
    start = lexer->pos;
    if (lexer->brace_open) {
        return lex_in_braces(lexer, start);
    }
    return lexer->bracket_fresh ? lex_in_fresh_bracket(lexer, start) : lex_statement(lexer, start);
}

/* Messages show at most this many characters of a literal. */
enum { DESCRIBE_CHARS_MAX = 10 };

static void describe_quoted(struct buf *buf, str text)
{
    size_t end = 0;
    int chars = 0;

    if (text.len <= DESCRIBE_CHARS_MAX) {
        buf_quoted(buf, text);
        return;
    }
    while (end < text.len && chars < DESCRIBE_CHARS_MAX) {
        uint32_t rune;
        size_t size = utf8_decode(str_from_index(text, end), &rune);

        end += size > 0 ? size : 1;
        chars++;
    }
    buf_quoted(buf, str_slice(text, 0, end));
    buf_c(buf, "...");
}

void token_describe(struct buf *buf, const struct token *token)
{
    switch (token->type) {
    case TOKEN_EOF:
        buf_c(buf, "end of input");
        return;
    case TOKEN_ERROR:
        buf_str(buf, token->text);
        return;
    case TOKEN_IDENTIFIER:
        buf_c(buf, "identifier ");
        buf_quoted(buf, token->text);
        return;
    case TOKEN_METRIC_IDENTIFIER:
        buf_c(buf, "metric identifier ");
        buf_quoted(buf, token->text);
        return;
    case TOKEN_STRING:
        buf_c(buf, "string ");
        describe_quoted(buf, token->text);
        return;
    case TOKEN_NUMBER:
        buf_c(buf, "number ");
        describe_quoted(buf, token->text);
        return;
    case TOKEN_DURATION:
        buf_c(buf, "duration ");
        describe_quoted(buf, token->text);
        return;
    default: /* the rest by groups */
        break;
    }
    if (token_is_keyword(token->type)) {
        buf_printf(buf, "<%.*s>", STR_ARG(token->text));
    } else if (token_is_operator(token->type)) {
        buf_printf(buf, "<op:%.*s>", STR_ARG(token->text));
    } else if (token_is_aggregator(token->type)) {
        buf_printf(buf, "<aggr:%.*s>", STR_ARG(token->text));
    } else {
        describe_quoted(buf, token->text);
    }
}
