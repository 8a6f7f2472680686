#include <stdlib.h>

#include "catalog/catalog_priv.h"
#include "base/text.h"
#include "catalog/gen_c_priv.h"

/* "did you mean": at most this many letters wrong, and at most a third of the word, as with keys.
 */
enum { DISTANCE_MAX = 4 };

/* C99, C11, C23 and C++20; sorted. What is a keyword in one of them is one in all: the header is
 * included by all. `NULL` and `errno` are macros that would do the same harm. */
static const char *const keywords[] = {
    "NULL",        "alignas",
    "alignof",     "and",
    "and_eq",      "asm",
    "assert",      "auto",
    "bitand",      "bitor",
    "bool",        "break",
    "case",        "catch",
    "char",        "char16_t",
    "char32_t",    "char8_t",
    "class",       "co_await",
    "co_return",   "co_yield",
    "compl",       "concept",
    "const",       "const_cast",
    "consteval",   "constexpr",
    "constinit",   "continue",
    "decltype",    "default",
    "delete",      "do",
    "double",      "dynamic_cast",
    "else",        "enum",
    "errno",       "explicit",
    "export",      "extern",
    "false",       "float",
    "for",         "friend",
    "goto",        "if",
    "inline",      "int",
    "linux",       "long",
    "main",        "mutable",
    "namespace",   "new",
    "noexcept",    "not",
    "not_eq",      "nullptr",
    "operator",    "or",
    "or_eq",       "private",
    "protected",   "public",
    "register",    "reinterpret_cast",
    "requires",    "restrict",
    "return",      "short",
    "signed",      "sizeof",
    "static",      "static_assert",
    "static_cast", "struct",
    "switch",      "template",
    "this",        "thread_local",
    "throw",       "true",
    "try",         "typedef",
    "typeid",      "typename",
    "typeof",      "typeof_unqual",
    "union",       "unix",
    "unsigned",    "using",
    "virtual",     "void",
    "volatile",    "wchar_t",
    "while",       "xor",
    "xor_eq",
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool catalog_name_is_word(str s)
{
    if (s.len == 0 || s.len > CATALOG_NAME_BYTES_MAX || is_digit(s.ptr[0])) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '_') {
            return false;
        }
    }
    return true;
}

bool catalog_name_is_identifier(str s)
{
    if (!catalog_name_is_word(s) || s.ptr[0] == '_') {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (upper(s.ptr[i]) == s.ptr[i] && is_letter(s.ptr[i])) {
            return false;
        }
    }
    return true;
}

static int keyword_cmp(const void *name, const void *row)
{
    return str_cmp(*(const str *)name, str_from(*(const char *const *)row));
}

bool catalog_name_is_keyword(str s)
{
    return bsearch(&s, keywords, ARRAY_COUNT(keywords), sizeof(keywords[0]), keyword_cmp) != NULL;
}

void catalog_nearest_try(struct catalog_nearest *nearest, str candidate)
{
    size_t distance = str_distance(nearest->name, candidate, DISTANCE_MAX);

    if (nearest->best.len == 0 || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

bool catalog_nearest_found(const struct catalog_nearest *nearest)
{
    return nearest->best.len > 0 && nearest->distance <= DISTANCE_MAX &&
           nearest->distance * 3 <= nearest->name.len + 2;
}

str catalog_name_param(struct arena *arena, str name)
{
    return catalog_name_is_keyword(name) ? arena_printf(arena, "%.*s_", STR_ARG(name)) : name;
}

str catalog_name_upper(struct arena *arena, str name)
{
    char *text = arena_alloc(arena, name.len + 1);

    for (size_t i = 0; i < name.len; i++) {
        text[i] = upper(name.ptr[i]);
    }
    text[name.len] = '\0';
    return str_of(text, name.len);
}

/* What a byte of a label value that no C name may hold becomes. A sign at the end is spoken, so
 * that the grades "A+", "A" and "A-" differ. */
static void constant_byte(struct buf *out, str value, size_t i)
{
    char c = value.ptr[i];
    bool last = i + 1 == value.len;

    if (is_letter(c) || is_digit(c)) {
        buf_char(out, upper(c));
    } else if (c == '+') {
        buf_c(out, last ? "_PLUS" : "_PLUS_");
    } else if (c == '-' && last) {
        buf_c(out, "_MINUS");
    } else if ((unsigned char)c >= 0x80) {
        buf_printf(out, "X%02X", (unsigned char)c);
    } else {
        buf_char(out, '_');
    }
}

str catalog_name_constant(struct arena *arena, str value)
{
    struct buf out = {0};

    for (size_t i = 0; i < value.len; i++) {
        constant_byte(&out, value, i);
    }
    return text_take(arena, &out);
}

/* ---- names of the generated code, each once ---- */

struct owner {
    const struct yaml_node *node;
    const char *what;
};

/* Returns false after a fault: one is enough for a thing whose names all clash. */
static bool claim(struct catalog_loader *loader, struct map *taken, str name,
                  const struct yaml_node *node, const char *what)
{
    struct owner *owner = map_get(taken, name);

    if (owner != NULL) {
        option_fault(&loader->rd, node,
                     "%s: its C name %.*s is that of %s at line %u, too; rename one of them", what,
                     STR_ARG(name), owner->what, owner->node->line);
        return false;
    }
    owner = ARENA_NEW(loader->rd.arena, struct owner);
    *owner = (struct owner){node, what};
    (void)map_put(taken, name, owner);
    return true;
}

static str with_suffix(struct catalog_loader *loader, str name, const char *suffix)
{
    return arena_printf(loader->rd.arena, "%.*s_%s", STR_ARG(name), suffix);
}

static void claim_set(struct catalog_loader *loader, struct map *taken, struct catalog_set *set)
{
    static const char *const functions[] = {"text", "from", "at"};
    struct arena *arena = loader->rd.arena;
    str prefix = catalog_name_upper(arena, set->c_name);
    bool good =
        claim(loader, taken, set->c_name, set->node, "label values") &&
        claim(loader, taken, with_suffix(loader, prefix, "COUNT"), set->node, "label values");

    for (size_t i = 0; i < ARRAY_COUNT(functions) && good; i++) {
        good = claim(loader, taken, with_suffix(loader, set->c_name, functions[i]), set->node,
                     "label values");
    }
    for (size_t i = 0; i < set->value_count && good; i++) {
        const char *text = arena_printf(arena, "value '%.*s'", STR_ARG(set->values[i])).ptr;
        str name =
            arena_printf(arena, "%.*s_%.*s", STR_ARG(prefix), STR_ARG(set->value_c_names[i]));

        good = claim(loader, taken, name, set->node, text);
    }
}

static void claim_metric(struct catalog_loader *loader, struct map *taken,
                         const struct catalog_metric *metric)
{
    static const char *const common[] = {"handle", "family", "remove"};
    bool good = true;

    for (const struct gen_c_op *op = gen_c_ops(metric->type); op->name != NULL && good; op++) {
        good = claim(loader, taken, with_suffix(loader, metric->c_name, op->name), metric->node,
                     "a metric");
    }
    for (size_t i = 0; i < ARRAY_COUNT(common) && good; i++) {
        good = claim(loader, taken, with_suffix(loader, metric->c_name, common[i]), metric->node,
                     "a metric");
    }
}

/* "orfeas" + "stage"; a name that has the prefix already is not given it twice. */
static str prefixed(struct catalog_loader *loader, str name)
{
    str prefix = loader->catalog->prefix;

    if (str_eq(name, prefix) || (str_has_prefix(name, prefix) && name.ptr[prefix.len] == '_')) {
        return name;
    }
    return arena_printf(loader->rd.arena, "%.*s_%.*s", STR_ARG(prefix), STR_ARG(name));
}

static void name_set(struct catalog_loader *loader, struct catalog_set *set, str owner, str label)
{
    if (set == NULL || set->value_count == 0 || set->c_name.len > 0) {
        return;
    }
    set->c_name = owner.len > 0
                      ? arena_printf(loader->rd.arena, "%.*s_%.*s", STR_ARG(owner), STR_ARG(label))
                      : prefixed(loader, label);
}

static void name_shared(struct catalog_loader *loader)
{
    const struct map_entry *entry;

    for (size_t i = 0; (entry = map_next(&loader->shared, &i)) != NULL;) {
        name_set(loader, entry->value, STR_NULL, entry->key);
    }
}

static void name_metric(struct catalog_loader *loader, struct catalog_metric *metric)
{
    metric->c_name = prefixed(loader, metric->full_name);
    for (size_t i = 0; i < metric->label_count; i++) {
        name_set(loader, (struct catalog_set *)metric->labels[i].set, metric->c_name,
                 metric->labels[i].name);
    }
    name_set(loader, (struct catalog_set *)metric->states, metric->c_name, STR("state"));
}

void catalog_name_assign(struct catalog_loader *loader)
{
    static const char *const own[] = {"register", "register_why"};
    struct map taken = {0};
    str prefix = loader->catalog->prefix;

    name_shared(loader);
    for (size_t i = 0; i < loader->metrics.count; i++) {
        name_metric(loader, loader->metrics.items[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(own) && loader->metrics.count > 0; i++) {
        (void)claim(loader, &taken, with_suffix(loader, prefix, own[i]),
                    loader->metrics.items[0]->node, "registration");
    }
    for (size_t i = 0; i < loader->sets.count; i++) {
        claim_set(loader, &taken, loader->sets.items[i]);
    }
    for (size_t i = 0; i < loader->metrics.count; i++) {
        claim_metric(loader, &taken, loader->metrics.items[i]);
    }
    for (size_t i = 0; i < loader->catalog->helper_count; i++) {
        const struct catalog_helper *helper = &loader->catalog->helpers[i];

        (void)claim(loader, &taken, helper->name, helper->node, "a helper");
    }
    map_done(&taken);
}
