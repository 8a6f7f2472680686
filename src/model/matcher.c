#include "model/matcher.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "codec/regex.h"
#include "model/matcher_priv.h"

/* Up to here a set is searched from end to end, which beats hashing; beyond, a hash map finds it.
 */
enum { SET_LINEAR_MAX = 8, PREFIX_BYTES_MAX = 64 };

/*
 * A regular expression compiled to the cheapest form that decides it: a set of literals, globs
 * (literals with gaps between them) and masks (with characters left open), any one of which
 * suffices; or RE2 when it is none of these.
 */
struct matcher_program {
    struct arena arena;
    struct map set_map; /* the set once more, when it is large */
    const str *set;
    size_t set_count;
    const struct glob *globs;
    size_t glob_count;
    const str *masks;
    size_t mask_count;
    struct regex *regex; /* when not NULL, it alone decides */
    str prefix;
};

static void program_free(struct matcher_program *program)
{
    if (program != NULL) {
        map_done(&program->set_map);
        (void)regex_free(program->regex);
        arena_done(&program->arena);
        (void)mem_free(program);
    }
}

static size_t common_prefix(str a, str b)
{
    size_t same = 0;

    while (same < a.len && same < b.len && a.ptr[same] == b.ptr[same]) {
        same++;
    }
    return same;
}

static void narrow_prefix(str *prefix, str head)
{
    prefix->len = prefix->ptr == NULL ? head.len : common_prefix(*prefix, head);
    prefix->ptr = prefix->ptr == NULL ? head.ptr : prefix->ptr;
}

/* What every literal, every glob and every mask begins with. */
static str program_prefix(const struct matcher_program *program)
{
    str prefix = STR_NULL;

    for (size_t i = 0; i < program->set_count; i++) {
        narrow_prefix(&prefix, program->set[i]);
    }
    for (size_t i = 0; i < program->glob_count; i++) {
        narrow_prefix(&prefix, program->globs[i].parts[0]);
    }
    for (size_t i = 0; i < program->mask_count; i++) {
        str mask = program->masks[i];

        narrow_prefix(&prefix, str_slice(mask, 0, str_index_char(mask, GAP_ONE)));
    }
    return prefix.ptr != NULL ? prefix : STR("");
}

/* The map keeps one entry a literal; a literal that the expression names twice is dropped. */
static void index_set(struct matcher_program *program, str *set)
{
    size_t count = 0;

    for (size_t i = 0; i < program->set_count; i++) {
        if (map_get(&program->set_map, set[i]) == NULL) {
            (void)map_put(&program->set_map, set[i], program);
            set[count++] = set[i];
        }
    }
    program->set_count = count;
}

/* Sorts what the expression expands to into literals, globs and masks; false when a glob has no
 * form here. */
static bool adopt(struct matcher_program *program, const struct regex_expansion *expansion)
{
    str *set = ARENA_ARRAY(&program->arena, str, expansion->count + 1);
    struct glob *globs = ARENA_ARRAY(&program->arena, struct glob, expansion->glob_count + 1);
    str *masks = ARENA_ARRAY(&program->arena, str, expansion->mask_count + 1);

    for (size_t i = 0; i < expansion->count; i++) {
        str item = expansion->items[i];

        if (mask_has_gap(item)) {
            masks[program->mask_count++] = item;
        } else if (!glob_has_gap(item)) {
            set[program->set_count++] = item;
        } else if (!glob_init(&globs[program->glob_count++], item)) {
            return false;
        }
    }
    index_set(program, set);
    program->set = set;
    program->globs = globs;
    program->masks = masks;
    program->prefix = program_prefix(program);
    return true;
}

static int program_compile(struct matcher_program *program, str pattern, struct baro_error *err)
{
    struct regex_expansion expansion = {0};
    char prefix[PREFIX_BYTES_MAX];
    int r;

    if (utf8_is_valid(pattern) && regex_expand_literals(&program->arena, pattern, &expansion) &&
        adopt(program, &expansion)) {
        return 0;
    }
    r = regex_new(pattern, true, &program->regex, err);
    if (r < 0) {
        return r;
    }
    program->set_count = 0;
    program->glob_count = 0;
    program->mask_count = 0;
    program->prefix = arena_str(
        &program->arena, str_of(prefix, regex_prefix(program->regex, prefix, sizeof(prefix))));
    return 0;
}

int matcher_init(struct matcher *ret, enum matcher_op op, str name, str value,
                 struct baro_error *err)
{
    struct matcher_program *program = NULL;

    if (op == MATCHER_REGEX || op == MATCHER_NOT_REGEX) {
        int r;

        program = MEM_NEW(struct matcher_program);
        r = program_compile(program, value, err);
        if (r < 0) {
            program_free(program);
            return r;
        }
    }
    *ret = (struct matcher){.op = op, .name = name, .value = value, .program = program};
    return 0;
}

void matcher_done(struct matcher *matcher)
{
    program_free(matcher->program);
    matcher->program = NULL;
}

static bool set_has(const struct matcher_program *program, str value)
{
    if (program->set_count > SET_LINEAR_MAX) {
        return map_get(&program->set_map, value) != NULL;
    }
    for (size_t i = 0; i < program->set_count; i++) {
        if (str_eq(program->set[i], value)) {
            return true;
        }
    }
    return false;
}

static bool program_matches(const struct matcher_program *program, str value)
{
    if (program->regex != NULL) {
        return regex_match(program->regex, value);
    }
    if (set_has(program, value)) {
        return true;
    }
    for (size_t i = 0; i < program->glob_count; i++) {
        if (glob_matches(&program->globs[i], value)) {
            return true;
        }
    }
    for (size_t i = 0; i < program->mask_count; i++) {
        if (mask_matches(program->masks[i], value)) {
            return true;
        }
    }
    return false;
}

bool matcher_matches(const struct matcher *matcher, str value)
{
    switch (matcher->op) {
    case MATCHER_EQUAL:
        return str_eq(matcher->value, value);
    case MATCHER_NOT_EQUAL:
        return !str_eq(matcher->value, value);
    case MATCHER_REGEX:
        return program_matches(matcher->program, value);
    case MATCHER_NOT_REGEX:
        return !program_matches(matcher->program, value);
    }
    return false;
}

bool matcher_matches_empty(const struct matcher *matcher)
{
    return matcher_matches(matcher, STR(""));
}

void matcher_set_values(const struct matcher *matcher, const str **ret_values, size_t *ret_count)
{
    const struct matcher_program *program = matcher->program;

    *ret_values = NULL;
    *ret_count = 0;
    if (matcher->op == MATCHER_EQUAL) {
        *ret_values = &matcher->value;
        *ret_count = 1;
    } else if (matcher->op == MATCHER_REGEX && program->regex == NULL &&
               program->glob_count + program->mask_count == 0) {
        *ret_values = program->set;
        *ret_count = program->set_count;
    }
}

str matcher_prefix(const struct matcher *matcher)
{
    switch (matcher->op) {
    case MATCHER_EQUAL:
        return matcher->value;
    case MATCHER_REGEX:
        return matcher->program->prefix;
    case MATCHER_NOT_EQUAL:
    case MATCHER_NOT_REGEX:
        break;
    }
    return STR("");
}

bool matchers_match(struct matchers matchers, struct labels labels)
{
    for (size_t i = 0; i < matchers.count; i++) {
        str value = labels_get(labels, matchers.items[i].name);

        if (!matcher_matches(&matchers.items[i], value)) {
            return false;
        }
    }
    return true;
}

void matcher_format(struct buf *buf, const struct matcher *matcher)
{
    static const char *const ops[] = {"=", "!=", "=~", "!~"};

    if (label_name_is_legacy(matcher->name)) {
        buf_str(buf, matcher->name);
    } else {
        buf_quoted(buf, matcher->name);
    }
    buf_c(buf, ops[matcher->op]);
    buf_quoted(buf, matcher->value);
}
