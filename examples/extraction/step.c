/*
 * step: STEP and IFC models in the exchange structure of ISO 10303-21:
 *     ISO-10303-21; HEADER; FILE_NAME(...); ENDSEC; DATA; #1=PRODUCT('id','name','',(#2)); ENDSEC;
 * END-ISO-10303-21; Instances are read one after the other, parameters as a flat run of tokens with
 * their depth; nothing is kept of an instance but what it adds to the summary.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"

enum {
    DEPTH_MAX = 64,
    STRING_BYTES_MAX = 1 << 20,
    KEYWORD_BYTES_MAX = 64,
    PARAMETERS_MAX = 16, /* of the outermost list that are looked at */
    INSTANCES_MAX = 20000000,
};

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_REF,
    TOKEN_ENUM,
    TOKEN_CHAR,
    TOKEN_BAD
};

struct token {
    enum token_kind kind;
    const char *text; /* of a string: between its quotes, escapes as they are */
    size_t len;
    char c;
};

struct lexer {
    const char *start;
    const char *at;
    const char *end;
    struct svc_error *err;
};

/* A simple entity: NAME(parameters). The first parameters of its own list are remembered. */
struct entity {
    struct token name;
    struct token parameters[PARAMETERS_MAX];
    size_t parameter_count;
    double numbers[3]; /* the first numbers in lists within, for points */
    size_t number_count;
};

struct model {
    struct doc *doc;
    json_t *types;
    json_t *names;
    json_t *units;
    json_t *schemas;
    struct doc_box box;
    size_t instance_count;
    size_t reference_count;
    uint64_t id_max;
    uint64_t reference_max;
};

static int lexer_fail(const struct lexer *lexer, const char *what)
{
    size_t line = 1;

    for (const char *c = lexer->start; c < lexer->at; c++) {
        line += *c == '\n' ? 1 : 0;
    }
    return svc_fail(lexer->err, -EINVAL, "step: line %zu: %s", line, what);
}

static void blanks_skip(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        if (isspace((unsigned char)*lexer->at)) {
            lexer->at++;
        } else if (*lexer->at == '/' && lexer->end - lexer->at > 1 && lexer->at[1] == '*') {
            const char *close =
                memmem(lexer->at + 2, (size_t)(lexer->end - lexer->at - 2), "*/", 2);

            lexer->at = close != NULL ? close + 2 : lexer->end;
        } else {
            return;
        }
    }
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '!';
}

/* A string ends at a quote that no second one follows. */
static struct token string_take(struct lexer *lexer)
{
    struct token token = {.kind = TOKEN_STRING, .text = ++lexer->at};

    while (lexer->at < lexer->end && lexer->at - token.text < STRING_BYTES_MAX) {
        if (*lexer->at != '\'') {
            lexer->at++;
        } else if (lexer->end - lexer->at > 1 && lexer->at[1] == '\'') {
            lexer->at += 2;
        } else {
            token.len = (size_t)(lexer->at++ - token.text);
            return token;
        }
    }
    token.kind = TOKEN_BAD;
    return token;
}

static struct token run_take(struct lexer *lexer, enum token_kind kind, bool (*is_part)(char c))
{
    struct token token = {.kind = kind, .text = lexer->at++};

    while (lexer->at < lexer->end && is_part(*lexer->at)) {
        lexer->at++;
    }
    token.len = (size_t)(lexer->at - token.text);
    return token;
}

static bool is_number_char(char c)
{
    return isdigit((unsigned char)c) || c == '.' || c == 'E' || c == 'e' || c == '+' || c == '-';
}

static bool is_digit_char(char c)
{
    return isdigit((unsigned char)c) != 0;
}

static bool is_enum_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static struct token token_take(struct lexer *lexer)
{
    char c;

    blanks_skip(lexer);
    if (lexer->at >= lexer->end) {
        return (struct token){.kind = TOKEN_END};
    }
    c = *lexer->at;
    if (c == '\'') {
        return string_take(lexer);
    }
    if (c == '#') {
        return run_take(lexer, TOKEN_REF, is_digit_char);
    }
    if (isdigit((unsigned char)c) || c == '+' || (c == '-' && lexer->end - lexer->at > 1)) {
        return run_take(lexer, TOKEN_NUMBER, is_number_char);
    }
    if (c == '.') {
        return run_take(lexer, TOKEN_ENUM, is_enum_char);
    }
    if (is_word_char(c)) {
        return run_take(lexer, TOKEN_WORD, is_word_char);
    }
    if (c == '"') { /* binary data: no text in it */
        const char *close = memchr(lexer->at + 1, '"', (size_t)(lexer->end - lexer->at - 1));

        if (close == NULL) {
            return (struct token){.kind = TOKEN_BAD};
        }
        lexer->at = close + 1;
        return (struct token){.kind = TOKEN_CHAR, .c = '"'};
    }
    lexer->at++;
    return (struct token){
        .kind = strchr("(),;=$*", c) != NULL && c != '\0' ? TOKEN_CHAR : TOKEN_BAD, .c = c};
}

static bool token_is(const struct token *token, const char *word)
{
    return token->len == strlen(word) && strncasecmp(token->text, word, token->len) == 0;
}

static uint64_t ref_value(const struct token *token)
{
    uint64_t value = 0;

    for (size_t i = 1; i < token->len && value < UINT64_MAX / 100; i++) {
        value = value * 10 + (uint64_t)(token->text[i] - '0');
    }
    return value;
}

static void utf8_put(char *to, size_t *len, uint32_t code)
{
    if (code < 0x80) {
        to[(*len)++] = (char)(code < ' ' ? ' ' : code);
    } else if (code < 0x800) {
        to[(*len)++] = (char)(0xc0 | code >> 6);
        to[(*len)++] = (char)(0x80 | (code & 0x3f));
    } else {
        to[(*len)++] = (char)(0xe0 | (code >> 12 & 0xf));
        to[(*len)++] = (char)(0x80 | (code >> 6 & 0x3f));
        to[(*len)++] = (char)(0x80 | (code & 0x3f));
    }
}

static int hex4(const char *at)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)at[i])) {
            return -1;
        }
        value =
            value * 16 + (isdigit((unsigned char)at[i]) ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
    }
    return value;
}

/* \X2\00E4...\X0\ is a run of four-digit characters; returns how many bytes of the input it took, 0
 * when it is none. */
static size_t escape_x2(const char *at, size_t len, char *to, size_t *to_len)
{
    size_t i = 4;

    if (len < 8 || memcmp(at, "\\X2\\", 4) != 0) {
        return 0;
    }
    while (len - i >= 8 && memcmp(at + i, "\\X0\\", 4) != 0) {
        int code = hex4(at + i);

        if (code < 0) {
            return 0;
        }
        utf8_put(to, to_len, code >= 0xd800 && code < 0xe000 ? 0xfffd : (uint32_t)code);
        i += 4;
    }
    return len - i >= 4 && memcmp(at + i, "\\X0\\", 4) == 0 ? i + 4 : 0;
}

/* The text of a string: doubled quotes and escapes resolved, cut to size. */
static size_t string_text(const struct token *token, char *to, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < token->len && len + 8 < size;) {
        const char *at = token->text + i;
        size_t left = token->len - i;
        size_t start = len;
        /* A run writes at most as many bytes as it takes, so it fits when what it takes does. */
        size_t taken = left < size - len ? escape_x2(at, left, to, &len) : 0;

        if (taken > 0) {
            i += taken;
            continue;
        }
        len = start;
        if (left >= 4 && memcmp(at, "\\S\\", 3) == 0) {
            utf8_put(to, &len, ((uint32_t)(unsigned char)at[3] & 0x7f) + 0x80);
            i += 4;
        } else {
            to[len++] = *at;
            i += left >= 2 && at[0] == '\'' && at[1] == '\'' ? 2 : 1;
        }
    }
    to[len] = '\0';
    return len;
}

/* What stands between the parentheses of NAME(...): the lexer is behind "(" and ends behind ")". */
static int parameters_take(struct lexer *lexer, struct model *model, struct entity *entity)
{
    int depth = 1;

    while (depth > 0) {
        struct token token = token_take(lexer);

        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD ||
            (token.kind == TOKEN_CHAR && token.c == ';')) {
            return lexer_fail(lexer,
                              "an instance that does not end: the file is cut off or damaged");
        }
        if (token.kind == TOKEN_CHAR && token.c == '(' && ++depth > DEPTH_MAX) {
            return lexer_fail(lexer, "lists within lists beyond the bound of 64");
        }
        depth -= token.kind == TOKEN_CHAR && token.c == ')' ? 1 : 0;
        if (token.kind == TOKEN_REF) {
            uint64_t id = ref_value(&token);

            model->reference_count++;
            model->reference_max = id > model->reference_max ? id : model->reference_max;
        }
        if (token.kind == TOKEN_NUMBER && depth > 1 && entity->number_count < 3) {
            double value = 0;

            if (doc_number(token.text, token.len, &value)) {
                entity->numbers[entity->number_count++] = value;
            }
        }
        if (depth == 1 && (token.kind != TOKEN_CHAR || strchr("$*", token.c) != NULL) &&
            entity->parameter_count < PARAMETERS_MAX) {
            entity->parameters[entity->parameter_count++] = token;
        }
    }
    return 0;
}

static void name_take(struct model *model, const struct token *token)
{
    char text[1024];
    size_t len;

    if (token->kind != TOKEN_STRING || token->len == 0) {
        return;
    }
    len = string_text(token, text, sizeof(text));
    doc_name(model->doc, model->names, text, len);
    doc_text_put(model->doc, text, len);
}

static void unit_take(struct model *model, const struct entity *entity)
{
    char text[64] = "";
    size_t len = 0;

    /* SI_UNIT(.MILLI.,.METRE.), IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.): prefix and name, the
     * last two. */
    for (size_t i = 0; i < entity->parameter_count; i++) {
        const struct token *token = &entity->parameters[i];

        if (token->kind == TOKEN_ENUM && token->len > 2 && i + 2 >= entity->parameter_count &&
            len + token->len < sizeof(text)) {
            memcpy(text + len, token->text + 1, token->len - 2);
            len += token->len - 2;
        }
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)tolower((unsigned char)text[i]);
    }
    doc_count(model->doc, model->units, text, len);
}

static bool starts(const struct token *token, const char *word)
{
    return token->len >= strlen(word) && strncasecmp(token->text, word, strlen(word)) == 0;
}

/* What an entity adds to the summary, by its type. */
static void entity_take(struct model *model, const struct entity *entity)
{
    const struct token *name = &entity->name;

    doc_count(model->doc, model->types, name->text, name->len);
    if (token_is(name, "CARTESIAN_POINT") || token_is(name, "IFCCARTESIANPOINT")) {
        if (entity->number_count >= 2) {
            doc_box_add(&model->box, entity->numbers);
        }
    } else if (token_is(name, "SI_UNIT") || token_is(name, "IFCSIUNIT")) {
        unit_take(model, entity);
    } else if (token_is(name, "CONVERSION_BASED_UNIT") && entity->parameter_count > 0 &&
               entity->parameters[0].kind == TOKEN_STRING) {
        doc_count(model->doc, model->units, entity->parameters[0].text, entity->parameters[0].len);
    } else if (token_is(name, "PRODUCT") && entity->parameter_count > 1) {
        name_take(model, &entity->parameters[1]);
    } else if (starts(name, "IFC") && entity->parameter_count > 2 &&
               entity->parameters[0].kind == TOKEN_STRING && entity->parameters[0].len == 22) {
        name_take(
            model,
            &entity->parameters[2]); /* rooted: GlobalId (22 characters), OwnerHistory, Name */
    }
}

/* NAME(...), with the name taken already. */
static int simple_take(struct lexer *lexer, struct model *model, const struct token *name)
{
    struct entity entity = {.name = *name};
    struct token token = token_take(lexer);
    int r;

    if (name->len > KEYWORD_BYTES_MAX || token.kind != TOKEN_CHAR || token.c != '(') {
        return lexer_fail(lexer, "an entity's name without its parameters");
    }
    r = parameters_take(lexer, model, &entity);
    if (r == 0) {
        entity_take(model, &entity);
    }
    return r;
}

/* #1=NAME(...); or #1=(A(...)B(...)); with #1 taken already. */
static int instance_take(struct lexer *lexer, struct model *model, const struct token *ref)
{
    struct token token = token_take(lexer);
    uint64_t id = ref_value(ref);
    int r = 0;

    if (token.kind != TOKEN_CHAR || token.c != '=') {
        return lexer_fail(lexer, "an instance without \"=\"");
    }
    token = token_take(lexer);
    if (token.kind == TOKEN_WORD) {
        r = simple_take(lexer, model, &token);
    } else if (token.kind == TOKEN_CHAR && token.c == '(') {
        for (token = token_take(lexer); r == 0 && token.kind == TOKEN_WORD;
             token = token_take(lexer)) {
            r = simple_take(lexer, model, &token);
            if (r < 0) {
                return r;
            }
        }
        r = token.kind == TOKEN_CHAR && token.c == ')'
                ? r
                : lexer_fail(lexer, "a compound instance without its end");
    } else {
        r = lexer_fail(lexer, "an instance without a type");
    }
    if (r < 0) {
        return r;
    }
    token = token_take(lexer);
    if (token.kind != TOKEN_CHAR || token.c != ';') {
        return lexer_fail(lexer, "an instance without \";\"");
    }
    model->id_max = id > model->id_max ? id : model->id_max;
    return ++model->instance_count <= INSTANCES_MAX
               ? 0
               : lexer_fail(lexer, "more than 20,000,000 instances");
}

static int data_take(struct lexer *lexer, struct model *model)
{
    for (;;) {
        struct token token = token_take(lexer);
        int r;

        if (token.kind == TOKEN_WORD && token_is(&token, "ENDSEC")) {
            return 0;
        }
        if (token.kind != TOKEN_REF) {
            return lexer_fail(lexer, token.kind == TOKEN_END
                                         ? "no ENDSEC: the file is cut off"
                                         : "an instance begins with # and its number");
        }
        r = instance_take(lexer, model, &token);
        if (r < 0) {
            return r;
        }
    }
}

/* FILE_NAME('part.stp','2025-...'), FILE_SCHEMA(('AP203')): strings of the header. */
static int header_take(struct lexer *lexer, struct model *model)
{
    struct token record = {0};

    for (;;) {
        struct token token = token_take(lexer);
        char text[512];

        if (token.kind == TOKEN_WORD && token_is(&token, "ENDSEC")) {
            return 0;
        }
        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD) {
            return lexer_fail(lexer, "a header without ENDSEC: the file is cut off or damaged");
        }
        record = token.kind == TOKEN_WORD ? token : record;
        if (token.kind != TOKEN_STRING || token.len == 0) {
            continue;
        }
        if (token_is(&record, "FILE_SCHEMA")) {
            doc_name(model->doc, model->schemas, text, string_text(&token, text, sizeof(text)));
        } else if (token_is(&record, "FILE_NAME") &&
                   json_object_get(model->doc->summary, "name") == NULL) {
            char name[2 * sizeof(text) + 1];

            (void)doc_utf8(text, string_text(&token, text, sizeof(text)), name);
            json_object_set_new(model->doc->summary, "name", json_string(name));
        }
    }
}

static int model_read(struct lexer *lexer, struct model *model)
{
    bool seen_data = false;
    struct token token = token_take(lexer);
    int r = 0;

    if (token.kind != TOKEN_WORD || !token_is(&token, "ISO-10303-21")) {
        return lexer_fail(lexer, "does not begin with ISO-10303-21: not a STEP or IFC file");
    }
    while (r == 0) {
        token = token_take(lexer);
        if (token.kind == TOKEN_END) {
            return lexer_fail(lexer, "no END-ISO-10303-21: the file is cut off");
        }
        if (token.kind == TOKEN_BAD) {
            return lexer_fail(lexer, "a character that cannot stand here");
        }
        if (token.kind == TOKEN_WORD && token_is(&token, "HEADER")) {
            r = header_take(lexer, model);
        } else if (token.kind == TOKEN_WORD && token_is(&token, "DATA")) {
            do {
                token = token_take(lexer); /* DATA('name',...) may have parameters */
            } while (token.kind != TOKEN_END && token.kind != TOKEN_BAD && token.c != ';');
            r = data_take(lexer, model);
            seen_data = true;
        } else if (token.kind == TOKEN_WORD && token_is(&token, "END-ISO-10303-21")) {
            return seen_data ? 0 : lexer_fail(lexer, "no DATA section");
        }
    }
    return r;
}

int step_parse(const uint8_t *data, size_t len, struct doc *doc, struct svc_error *err)
{
    struct lexer lexer = {.start = (const char *)data,
                          .at = (const char *)data,
                          .end = (const char *)data + len,
                          .err = err};
    struct model model = {.doc = doc,
                          .types = json_object(),
                          .names = json_array(),
                          .units = json_object(),
                          .schemas = json_array(),
                          .box = doc_box_empty()};
    int r = model_read(&lexer, &model);

    json_object_set_new(doc->summary, "entities", model.types);
    json_object_set_new(doc->summary, "names", model.names);
    json_object_set_new(doc->summary, "units", model.units);
    json_object_set_new(doc->summary, "schemas", model.schemas);
    json_object_set_new(doc->summary, "entity_count",
                        json_integer((json_int_t)model.instance_count));
    json_object_set_new(doc->summary, "references",
                        json_integer((json_int_t)model.reference_count));
    json_object_set_new(doc->summary, "dangling", json_boolean(model.reference_max > model.id_max));
    json_object_set_new(doc->summary, "bounds", doc_box_json(&model.box));
    return r;
}
