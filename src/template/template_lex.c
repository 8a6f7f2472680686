#include "template/template_lex.h"

#include <string.h>

#include "base/attr.h"
#include "base/buf.h"

#define LEFT_DELIMITER   STR("{{")
#define RIGHT_DELIMITER  STR("}}")
#define COMMENT_START    STR("/*")
#define COMMENT_END      STR("*/")
#define SPACE_CHARACTERS " \t\r\n"

static const struct {
    const char *word;
    enum tmpl_token_kind kind;
} keywords[] = {
    {"block", TMPL_BLOCK},       {"break", TMPL_BREAK},
    {"continue", TMPL_CONTINUE}, {"define", TMPL_DEFINE},
    {"else", TMPL_ELSE},         {"end", TMPL_END},
    {"false", TMPL_BOOL},        {"if", TMPL_IF},
    {"nil", TMPL_NIL},           {"range", TMPL_RANGE},
    {"template", TMPL_TEMPLATE}, {"true", TMPL_BOOL},
    {"with", TMPL_WITH},
};

void tmpl_lexer_init(struct tmpl_lexer *lexer, struct arena *arena, str input)
{
    *lexer = (struct tmpl_lexer){.arena = arena, .input = input, .line = 1};
}

static bool is_space(char c)
{
    return c != '\0' && strchr(SPACE_CHARACTERS, c) != NULL;
}

/* Bytes beyond ASCII count as letters: Go takes any letter of Unicode, and what is none is refused
 * as an unknown name. */
static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

static str rest(const struct tmpl_lexer *lexer)
{
    return str_from_index(lexer->input, lexer->at);
}

static char peek(const struct tmpl_lexer *lexer, uint32_t ahead)
{
    return lexer->at + ahead < lexer->input.len ? lexer->input.ptr[lexer->at + ahead] : '\0';
}

static struct tmpl_token take(struct tmpl_lexer *lexer, enum tmpl_token_kind kind, uint32_t bytes)
{
    struct tmpl_token token = {.kind = kind,
                               .offset = lexer->at,
                               .line = lexer->line,
                               .text = str_slice(lexer->input, lexer->at, lexer->at + bytes)};

    for (size_t i = 0; i < token.text.len; i++) {
        lexer->line += token.text.ptr[i] == '\n';
    }
    lexer->at += (uint32_t)token.text.len;
    return token;
}

static struct tmpl_token fault(struct tmpl_lexer *lexer, const char *format, ...) PRINTF_LIKE(2, 3);
static struct tmpl_token fault(struct tmpl_lexer *lexer, const char *format, ...)
{
    struct tmpl_token token = {.kind = TMPL_ERROR, .offset = lexer->at, .line = lexer->line};
    va_list args;

    va_start(args, format);
    token.text = arena_vprintf(lexer->arena, format, args);
    va_end(args);
    lexer->failed = true;
    return token;
}

/* Go's %#U of the character at hand: U+0023 '#'. */
static str character_name(const struct tmpl_lexer *lexer)
{
    uint32_t rune = 0xFFFD;
    size_t size = utf8_decode(rest(lexer), &rune);
    str shown = str_slice(lexer->input, lexer->at, lexer->at + size);

    if (rune < 0x20 || rune == 0x7F) {
        return arena_printf(lexer->arena, "U+%04X", rune);
    }
    return arena_printf(lexer->arena, "U+%04X '%.*s'", rune, STR_ARG(shown));
}

/* "{{-" trims only when white space follows, so that {{-3}} is a number. */
static bool has_left_trim(str s)
{
    return s.len >= 2 && s.ptr[0] == '-' && is_space(s.ptr[1]);
}

static bool has_right_trim(str s)
{
    return s.len >= 4 && is_space(s.ptr[0]) && s.ptr[1] == '-' &&
           str_has_prefix(str_from_index(s, 2), RIGHT_DELIMITER);
}

static str trim_right(str s)
{
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* Text up to the next action, or the end. */
static struct tmpl_token lex_text(struct tmpl_lexer *lexer)
{
    size_t length;
    struct tmpl_token token;

    if (lexer->trim_next) {
        uint32_t spaces = 0;

        while (is_space(peek(lexer, spaces))) {
            spaces++;
        }
        (void)take(lexer, TMPL_TEXT, spaces);
        lexer->trim_next = false;
    }
    length = str_index(rest(lexer), LEFT_DELIMITER);
    if (length == SIZE_MAX) {
        return take(lexer, TMPL_TEXT, (uint32_t)rest(lexer).len);
    }
    token = take(lexer, TMPL_TEXT, (uint32_t)length);
    if (has_left_trim(str_from_index(rest(lexer), LEFT_DELIMITER.len))) {
        token.text = trim_right(token.text);
    }
    return token;
}

/* A comment is the whole of its action. Returns false and a token when it is wrong. */
static bool lex_comment(struct tmpl_lexer *lexer, struct tmpl_token *ret)
{
    size_t end = str_index(rest(lexer), COMMENT_END);

    if (end == SIZE_MAX) {
        *ret = fault(lexer, "unclosed comment");
        return false;
    }
    (void)take(lexer, TMPL_TEXT, (uint32_t)(end + COMMENT_END.len));
    if (has_right_trim(rest(lexer))) {
        lexer->trim_next = true;
        (void)take(lexer, TMPL_TEXT, 2);
    }
    if (!str_has_prefix(rest(lexer), RIGHT_DELIMITER)) {
        *ret = fault(lexer, "comment ends before closing delimiter");
        return false;
    }
    (void)take(lexer, TMPL_TEXT, (uint32_t)RIGHT_DELIMITER.len);
    return true;
}

/* The start of an action; false when it was a comment, which is no token. */
static bool lex_left(struct tmpl_lexer *lexer, struct tmpl_token *ret)
{
    *ret = take(lexer, TMPL_LEFT, (uint32_t)LEFT_DELIMITER.len);
    if (has_left_trim(rest(lexer))) {
        (void)take(lexer, TMPL_TEXT, 2);
    }
    if (str_has_prefix(rest(lexer), COMMENT_START)) {
        return !lex_comment(lexer, ret);
    }
    lexer->in_action = true;
    lexer->parens = 0;
    return true;
}

static struct tmpl_token lex_right(struct tmpl_lexer *lexer, bool trims)
{
    if (trims) {
        (void)take(lexer, TMPL_SPACE, 2);
    }
    lexer->in_action = false;
    lexer->trim_next = trims;
    return take(lexer, TMPL_RIGHT, (uint32_t)RIGHT_DELIMITER.len);
}

static struct tmpl_token lex_quoted(struct tmpl_lexer *lexer, char quote, enum tmpl_token_kind kind)
{
    uint32_t length = 1;

    for (char c; (c = peek(lexer, length)) != quote; length++) {
        if (lexer->at + length >= lexer->input.len || (c == '\n' && quote != '`')) {
            break;
        }
        if (c == '\\' && quote != '`' && peek(lexer, length + 1) != '\n') {
            length++;
        }
    }
    if (peek(lexer, length) != quote || lexer->at + length >= lexer->input.len) {
        return fault(lexer, quote == '`'   ? "unterminated raw quoted string"
                            : quote == '"' ? "unterminated quoted string"
                                           : "unterminated character constant");
    }
    return take(lexer, kind, length + 1);
}

/* What may follow a word: anything that cannot be a part of it. */
static bool at_terminator(const struct tmpl_lexer *lexer, uint32_t ahead)
{
    char c = peek(lexer, ahead);

    return lexer->at + ahead >= lexer->input.len || is_space(c) || strchr(".,|:()", c) != NULL ||
           str_has_prefix(str_from_index(rest(lexer), ahead), RIGHT_DELIMITER);
}

static uint32_t word_length(const struct tmpl_lexer *lexer, uint32_t from)
{
    uint32_t length = from;

    while (is_word(peek(lexer, length))) {
        length++;
    }
    return length;
}

/* A word behind a prefix of one byte (. or $) or none. */
static struct tmpl_token lex_word(struct tmpl_lexer *lexer, uint32_t prefix,
                                  enum tmpl_token_kind kind)
{
    uint32_t length = word_length(lexer, prefix);
    struct tmpl_token token;

    if (!at_terminator(lexer, length)) {
        (void)take(lexer, TMPL_TEXT, length);
        return fault(lexer, "bad character %.*s", STR_ARG(character_name(lexer)));
    }
    token = take(lexer, kind, length);
    for (size_t i = 0; prefix == 0 && i < ARRAY_COUNT(keywords); i++) {
        if (str_is(token.text, keywords[i].word)) {
            token.kind = keywords[i].kind;
        }
    }
    return token;
}

/* Go's number syntax is checked when it is converted; here it is a run of its characters. */
static struct tmpl_token lex_number(struct tmpl_lexer *lexer)
{
    uint32_t length = peek(lexer, 0) == '+' || peek(lexer, 0) == '-';

    while (is_word(peek(lexer, length)) || peek(lexer, length) == '.' ||
           ((peek(lexer, length) == '+' || peek(lexer, length) == '-') &&
            strchr("eEpP", peek(lexer, length - 1)) != NULL)) {
        length++;
    }
    return take(lexer, TMPL_NUMBER, length);
}

static bool starts_number(const struct tmpl_lexer *lexer)
{
    char c = peek(lexer, 0);

    return (c >= '0' && c <= '9') || c == '+' || c == '-';
}

static struct tmpl_token lex_punctuation(struct tmpl_lexer *lexer)
{
    switch (peek(lexer, 0)) {
    case '=':
        return take(lexer, TMPL_ASSIGN, 1);
    case ':':
        return peek(lexer, 1) == '=' ? take(lexer, TMPL_DECLARE, 2) : fault(lexer, "expected :=");
    case '|':
        return take(lexer, TMPL_PIPE, 1);
    case '(':
        lexer->parens++;
        return take(lexer, TMPL_LEFT_PAREN, 1);
    case ')':
        if (lexer->parens == 0) {
            return fault(lexer, "unexpected right paren");
        }
        lexer->parens--;
        return take(lexer, TMPL_RIGHT_PAREN, 1);
    }
    if (peek(lexer, 0) > ' ' && peek(lexer, 0) < 0x7F) {
        return take(lexer, TMPL_CHAR, 1);
    }
    return fault(lexer, "unrecognized character in action: %.*s", STR_ARG(character_name(lexer)));
}

static struct tmpl_token lex_space(struct tmpl_lexer *lexer)
{
    uint32_t length = 0;

    while (is_space(peek(lexer, length))) {
        if (has_right_trim(str_from_index(rest(lexer), length))) {
            if (length > 0) {
                break;
            }
            return lex_right(lexer, true);
        }
        length++;
    }
    return take(lexer, TMPL_SPACE, length);
}

static struct tmpl_token lex_action(struct tmpl_lexer *lexer)
{
    char c = peek(lexer, 0);

    if (str_has_prefix(rest(lexer), RIGHT_DELIMITER)) {
        return lexer->parens > 0 ? fault(lexer, "unclosed left paren") : lex_right(lexer, false);
    }
    if (lexer->at >= lexer->input.len) {
        return fault(lexer, "unclosed action");
    }
    if (is_space(c)) {
        return lex_space(lexer);
    }
    switch (c) {
    case '"':
        return lex_quoted(lexer, c, TMPL_STRING);
    case '`':
        return lex_quoted(lexer, c, TMPL_RAW_STRING);
    case '\'':
        return lex_quoted(lexer, c, TMPL_CHAR_CONSTANT);
    case '$':
        return lex_word(lexer, 1, TMPL_VARIABLE);
    case '.':
        if (peek(lexer, 1) >= '0' && peek(lexer, 1) <= '9') {
            return lex_number(lexer);
        }
        return at_terminator(lexer, 1) ? take(lexer, TMPL_DOT, 1) : lex_word(lexer, 1, TMPL_FIELD);
    }
    if (starts_number(lexer)) {
        return lex_number(lexer);
    }
    return is_word(c) ? lex_word(lexer, 0, TMPL_IDENTIFIER) : lex_punctuation(lexer);
}

struct tmpl_token tmpl_lexer_next(struct tmpl_lexer *lexer)
{
    struct tmpl_token token = {.kind = TMPL_EOF};

    if (lexer->in_action && !lexer->failed) {
        return lex_action(lexer);
    }
    while (!lexer->failed && !lexer->trim_next && str_has_prefix(rest(lexer), LEFT_DELIMITER)) {
        if (lex_left(lexer, &token)) {
            return token;
        }
    }
    if (lexer->failed || lexer->at >= lexer->input.len) {
        return (struct tmpl_token){.kind = TMPL_EOF, .offset = lexer->at, .line = lexer->line};
    }
    return lex_text(lexer);
}
