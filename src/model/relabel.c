#include "model/relabel.h"

#include <locale.h>
#include <wctype.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "codec/md5.h"
#include "codec/regex.h"
#include "model/matcher.h"

struct rule {
    const struct prom_relabel *config;
    struct matcher matcher; /* decides with its fast paths whether the regex matches */
    struct regex *regex;    /* NULL when no group is needed */
    bool takes_all;         /* the default regex "(.*)" */
    bool target_has_groups;
    bool replacement_has_groups;
};

struct relabel_rules {
    struct rule *items;
    size_t count;
    bool legacy_names;
    locale_t unicode; /* for upper and lower case; NULL when no rule needs it */
};

static bool has_dollar(str text)
{
    return str_index_char(text, '$') != SIZE_MAX;
}

static int rule_init(struct rule *rule, const struct prom_relabel *config, struct baro_error *err)
{
    bool replaces = config->action == PROM_RELABEL_REPLACE;
    int r;

    rule->config = config;
    rule->takes_all = str_is(config->regex, "(.*)");
    rule->target_has_groups = replaces && has_dollar(config->target_label);
    rule->replacement_has_groups =
        has_dollar(config->replacement) && (replaces || config->action == PROM_RELABEL_LABELMAP);
    r = matcher_init(&rule->matcher, MATCHER_REGEX, STR(""), config->regex, err);
    if (r < 0) {
        return r;
    }
    if (rule->target_has_groups || rule->replacement_has_groups) {
        return regex_new(config->regex, true, &rule->regex, err);
    }
    return 0;
}

static bool changes_case(const struct prom_relabel *config)
{
    return config->action == PROM_RELABEL_LOWERCASE || config->action == PROM_RELABEL_UPPERCASE;
}

int relabel_rules_new(struct prom_relabels configs, bool legacy_names, struct relabel_rules **ret,
                      struct baro_error *err)
{
    CLEANUP(relabel_rules_freep) struct relabel_rules *rules = MEM_NEW(struct relabel_rules);

    rules->legacy_names = legacy_names;
    rules->items = mem_alloc_zero((configs.count + 1) * sizeof(*rules->items));
    for (size_t i = 0; i < configs.count; i++) {
        int r;

        rules->count++;
        if (rules->unicode == NULL && changes_case(configs.items[i])) {
            /* glibc has C.UTF-8 built in; without it only ASCII changes its case. */
            rules->unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
        }
        r = rule_init(&rules->items[i], configs.items[i], err);
        if (r < 0) {
            return r;
        }
    }
    *ret = TAKE(rules);
    return 0;
}

struct relabel_rules *relabel_rules_free(struct relabel_rules *rules)
{
    if (rules == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < rules->count; i++) {
        matcher_done(&rules->items[i].matcher);
        (void)regex_free(rules->items[i].regex);
    }
    if (rules->unicode != NULL) {
        freelocale(rules->unicode);
    }
    (void)mem_free(rules->items);
    (void)mem_free(rules);
    return NULL;
}

/* ---- source values ---- */

/* The values of the source labels with the separator between them; one alone is not copied. */
static str join_sources(const struct prom_relabel *config, const struct labels_builder *builder,
                        struct arena *arena)
{
    size_t count = config->source_labels.count;
    size_t size = 0;
    char *bytes;
    char *p;

    if (count <= 1) {
        str only =
            count == 0 ? STR("") : labels_builder_get(builder, config->source_labels.items[0]);

        return only.ptr != NULL ? only : STR("");
    }
    for (size_t i = 0; i < count; i++) {
        size += labels_builder_get(builder, config->source_labels.items[i]).len;
        size += i > 0 ? config->separator.len : 0;
    }
    bytes = arena_alloc(arena, size + 1);
    p = bytes;
    for (size_t i = 0; i < count; i++) {
        str value = labels_builder_get(builder, config->source_labels.items[i]);

        if (i > 0 && config->separator.len > 0) {
            memcpy(p, config->separator.ptr, config->separator.len);
            p += config->separator.len;
        }
        if (value.len > 0) {
            memcpy(p, value.ptr, value.len);
            p += value.len;
        }
    }
    return str_of(bytes, size);
}

/* ---- upper and lower case ---- */

static uint32_t change_case(uint32_t rune, bool upper, locale_t unicode)
{
    if (rune < 0x80) {
        bool letter = upper ? rune >= 'a' && rune <= 'z' : rune >= 'A' && rune <= 'Z';

        return letter ? rune ^ 0x20 : rune;
    }
    if (unicode == NULL) {
        return rune;
    }
    return (uint32_t)(upper ? towupper_l((wint_t)rune, unicode)
                            : towlower_l((wint_t)rune, unicode));
}

static str with_case(str text, bool upper, locale_t unicode, struct arena *arena)
{
    char *bytes = arena_alloc(arena, text.len * 2 + 4); /* a rune may need one byte more */
    size_t len = 0;

    while (text.len > 0) {
        uint32_t rune = 0;
        size_t size = utf8_decode(text, &rune);

        if (size == 0) {
            bytes[len++] = text.ptr[0];
            size = 1;
        } else {
            len += utf8_encode(change_case(rune, upper, unicode), bytes + len);
        }
        text = str_from_index(text, size);
    }
    return str_of(bytes, len);
}

/* ---- actions ---- */

static str expand(const struct rule *rule, str template, bool has_groups, const str *groups,
                  struct arena *arena)
{
    struct buf out = {0};

    if (!has_groups) {
        return template;
    }
    if (rule->takes_all && str_is(template, "$1")) {
        return groups[1];
    }
    regex_expand(rule->regex, &out, template, groups, REGEX_GROUPS_MAX);
    return text_take(arena, &out);
}

static bool match_groups(const struct rule *rule, str value, str groups[REGEX_GROUPS_MAX])
{
    if (rule->takes_all) {
        for (size_t i = 0; i < REGEX_GROUPS_MAX; i++) {
            groups[i] = i < 2 ? value : STR_NULL;
        }
        return true;
    }
    return rule->regex != NULL ? regex_find(rule->regex, value, groups, REGEX_GROUPS_MAX)
                               : matcher_matches(&rule->matcher, value);
}

static void replace(const struct rule *rule, bool legacy_names, str value,
                    struct labels_builder *builder, struct arena *arena)
{
    const struct prom_relabel *config = rule->config;
    str groups[REGEX_GROUPS_MAX];
    str target;

    if (!match_groups(rule, value, groups)) {
        return;
    }
    target = expand(rule, config->target_label, rule->target_has_groups, groups, arena);
    if (target.len == 0 || !utf8_is_valid(target) ||
        (legacy_names && !label_name_is_legacy(target))) {
        return;
    }
    labels_builder_set(
        builder, target,
        expand(rule, config->replacement, rule->replacement_has_groups, groups, arena));
}

static void hashmod(const struct prom_relabel *config, str value, struct labels_builder *builder,
                    struct arena *arena)
{
    uint8_t digest[MD5_BYTES];
    char text[NUM_TEXT_MAX];
    uint64_t hash = 0;

    md5_digest(value, digest);
    for (size_t i = MD5_BYTES / 2; i < MD5_BYTES; i++) {
        hash = hash << 8 | digest[i];
    }
    hash %= config->modulus > 0 ? config->modulus : 1;
    labels_builder_set(builder, config->target_label,
                       arena_str(arena, str_of(text, num_format_u64(hash, text))));
}

/* Copies every label whose name matches to the name that the replacement gives. Names that this
 * adds are not looked at again. */
static void labelmap(const struct rule *rule, struct labels_builder *builder, struct arena *arena)
{
    size_t count = builder->count;
    struct label *before;

    if (count == 0) {
        return;
    }
    before = ARENA_ARRAY(arena, struct label, count);
    memcpy(before, builder->items, count * sizeof(*before));
    for (size_t i = 0; i < count; i++) {
        str groups[REGEX_GROUPS_MAX];

        if (match_groups(rule, before[i].name, groups)) {
            str name = expand(rule, rule->config->replacement, rule->replacement_has_groups, groups,
                              arena);

            labels_builder_set(builder, name, before[i].value);
        }
    }
}

static void drop_names(const struct rule *rule, bool drop_matching, struct labels_builder *builder)
{
    size_t count = 0;

    for (size_t i = 0; i < builder->count; i++) {
        if (matcher_matches(&rule->matcher, builder->items[i].name) != drop_matching) {
            builder->items[count++] = builder->items[i];
        }
    }
    builder->count = count;
}

static str builder_value(const struct labels_builder *builder, str name)
{
    str value = labels_builder_get(builder, name);

    return value.ptr != NULL ? value : STR("");
}

static bool apply_rule(const struct relabel_rules *rules, const struct rule *rule,
                       struct labels_builder *builder, struct arena *arena)
{
    const struct prom_relabel *config = rule->config;
    str value = join_sources(config, builder, arena);

    switch (config->action) {
    case PROM_RELABEL_KEEP:
        return matcher_matches(&rule->matcher, value);
    case PROM_RELABEL_DROP:
        return !matcher_matches(&rule->matcher, value);
    case PROM_RELABEL_KEEPEQUAL:
        return str_eq(builder_value(builder, config->target_label), value);
    case PROM_RELABEL_DROPEQUAL:
        return !str_eq(builder_value(builder, config->target_label), value);
    case PROM_RELABEL_REPLACE:
        replace(rule, rules->legacy_names, value, builder, arena);
        break;
    case PROM_RELABEL_HASHMOD:
        hashmod(config, value, builder, arena);
        break;
    case PROM_RELABEL_LABELMAP:
        labelmap(rule, builder, arena);
        break;
    case PROM_RELABEL_LABELDROP:
        drop_names(rule, true, builder);
        break;
    case PROM_RELABEL_LABELKEEP:
        drop_names(rule, false, builder);
        break;
    case PROM_RELABEL_LOWERCASE:
        labels_builder_set(builder, config->target_label,
                           with_case(value, false, rules->unicode, arena));
        break;
    case PROM_RELABEL_UPPERCASE:
        labels_builder_set(builder, config->target_label,
                           with_case(value, true, rules->unicode, arena));
        break;
    case PROM_RELABEL_ACTION_COUNT:
        break;
    }
    return true;
}

bool relabel_apply(const struct relabel_rules *rules, struct labels_builder *builder,
                   struct arena *arena)
{
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        if (!apply_rule(rules, &rules->items[i], builder, arena)) {
            return false;
        }
    }
    return true;
}
