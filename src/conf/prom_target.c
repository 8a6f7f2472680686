#include <stdio.h>

#include "base/assert.h"
#include "base/attr.h"
#include "codec/regex.h"
#include "conf/prom_config_priv.h"

/* ---- names ---- */

static bool is_legacy_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0;
}

bool prom_label_name_is_valid(str name, enum prom_validation scheme)
{
    return scheme == PROM_VALIDATION_LEGACY ? is_legacy_name(name)
                                            : name.len > 0 && utf8_is_valid(name);
}

static bool check_label_name(struct option_reader *rd, const struct yaml_node *node, str name)
{
    if (prom_label_name_is_valid(name, PROM_VALIDATION_UTF8)) {
        return true;
    }
    option_fault(rd, node, "%s is not a valid label name", option_quoted(rd, name));
    return false;
}

/* ---- relabelling; source: Prometheus, model/relabel/relabel.go ---- */

static const char *const action_names[PROM_RELABEL_ACTION_COUNT] = {
    [PROM_RELABEL_REPLACE] = "replace",     [PROM_RELABEL_KEEP] = "keep",
    [PROM_RELABEL_DROP] = "drop",           [PROM_RELABEL_KEEPEQUAL] = "keepequal",
    [PROM_RELABEL_DROPEQUAL] = "dropequal", [PROM_RELABEL_HASHMOD] = "hashmod",
    [PROM_RELABEL_LABELMAP] = "labelmap",   [PROM_RELABEL_LABELDROP] = "labeldrop",
    [PROM_RELABEL_LABELKEEP] = "labelkeep", [PROM_RELABEL_LOWERCASE] = "lowercase",
    [PROM_RELABEL_UPPERCASE] = "uppercase",
};

const char *prom_relabel_action_name(enum prom_relabel_action action)
{
    return action_names[action];
}

static void unknown_action(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown relabel action \"%.*s\"", STR_ARG(word));
}

static const struct option_words actions = {
    .names = action_names,
    .count = ARRAY_COUNT(action_names),
    .fold_case = true,
    .unknown = unknown_action,
};

static bool read_action(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                        const struct yaml_node *node)
{
    str text = STR_NULL;

    if (yaml_is_null(node)) {
        option_fault(rd, node, "relabel action cannot be empty");
        return false;
    }
    if (!option_text(rd, node, &text)) {
        return false;
    }
    for (size_t i = 0; i < actions.count; i++) {
        if (str_eq_nocase(text, str_from(action_names[i]))) {
            *(enum prom_relabel_action *)target = (enum prom_relabel_action)i;
            return true;
        }
    }
    actions.unknown(rd, node, text);
    return false;
}

static bool never_zero(UNUSED const void *target)
{
    return false;
}

static void write_action(struct yaml_writer *w, const char *key, const void *target)
{
    yaml_write_key(w, str_from(key));
    yaml_write_str(w, str_from(action_names[*(const enum prom_relabel_action *)target]));
}

static const struct option_custom action_custom = {
    .read = read_action,
    .is_zero = never_zero,
    .write = write_action,
};

/* Prometheus tells a regex that was given from its default, even when both read the same. */
static bool read_rule_regex(struct option_reader *rd, void *target,
                            UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    struct relabel_raw *raw = CONTAINER_OF(target, struct relabel_raw, rule.regex);
    CLEANUP(regex_freep) struct regex *regex = NULL;
    struct baro_error err;

    raw->regex_given = true;
    if (!option_text(rd, node, &raw->rule.regex)) {
        return false;
    }
    if (regex_new(raw->rule.regex, true, &regex, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
        return false;
    }
    return true;
}

static bool rule_regex_is_default(const void *target)
{
    return !CONTAINER_OF(target, const struct relabel_raw, rule.regex)->regex_given;
}

static void write_rule_regex(struct yaml_writer *w, const char *key, const void *target)
{
    const str *text = target;

    yaml_write_key(w, str_from(key));
    if (text->len > 0) {
        yaml_write_str(w, *text);
    } else {
        yaml_write_raw(w, STR("null"));
    }
}

static const struct option_custom rule_regex_custom = {
    .read = read_rule_regex,
    .is_zero = rule_regex_is_default,
    .write = write_rule_regex,
};

static bool acts_on_target(enum prom_relabel_action action)
{
    switch (action) {
    case PROM_RELABEL_REPLACE:
    case PROM_RELABEL_HASHMOD:
    case PROM_RELABEL_LOWERCASE:
    case PROM_RELABEL_UPPERCASE:
    case PROM_RELABEL_KEEPEQUAL:
    case PROM_RELABEL_DROPEQUAL:
        return true;
    case PROM_RELABEL_KEEP:
    case PROM_RELABEL_DROP:
    case PROM_RELABEL_LABELMAP:
    case PROM_RELABEL_LABELDROP:
    case PROM_RELABEL_LABELKEEP:
    case PROM_RELABEL_ACTION_COUNT:
        break;
    }
    return false;
}

static bool acts_without_regex(enum prom_relabel_action action)
{
    return action == PROM_RELABEL_LOWERCASE || action == PROM_RELABEL_UPPERCASE ||
           action == PROM_RELABEL_KEEPEQUAL || action == PROM_RELABEL_DROPEQUAL;
}

static bool has_default_shape(const struct prom_relabel *rule)
{
    return rule->modulus == 0 && str_is(rule->separator, ";") && str_is(rule->replacement, "$1");
}

/* What holds under any validation scheme. */
static void check_rule(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct relabel_raw *raw = object;
    const struct prom_relabel *rule = &raw->rule;
    const char *name = action_names[rule->action];

    raw->node = node;
    if (!raw->regex_given) {
        raw->rule.regex = STR("(.*)");
    }
    raw->rule.place = (struct conf_place){rd->file, node->line, node->column};
    if (rule->action == PROM_RELABEL_HASHMOD && rule->modulus == 0) {
        option_fault(rd, node, "relabel configuration for hashmod requires non-zero modulus");
    } else if (acts_on_target(rule->action) && rule->target_label.len == 0) {
        option_fault(rd, node, "relabel configuration for %s action requires 'target_label' value",
                     name);
    } else if ((rule->action == PROM_RELABEL_KEEPEQUAL || rule->action == PROM_RELABEL_DROPEQUAL) &&
               (raw->regex_given || rule->modulus != 0 || !str_is(rule->separator, ";"))) {
        option_fault(rd, node,
                     "%s action requires only 'source_labels' and `target_label`, and no other "
                     "fields",
                     name);
    } else if (acts_without_regex(rule->action) && !str_is(rule->replacement, "$1")) {
        option_fault_key(rd, node, "replacement", "'replacement' can not be set for %s action",
                         name);
    } else if ((rule->action == PROM_RELABEL_LABELDROP || rule->action == PROM_RELABEL_LABELKEEP) &&
               (yaml_get(node, STR("source_labels")) != NULL || rule->target_label.len > 0 ||
                !has_default_shape(rule))) {
        option_fault(rd, node, "%s action requires only 'regex', and no other fields", name);
    }
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Skips $name or ${name} at i; returns i when there is none. */
static size_t skip_variable(str s, size_t i)
{
    size_t start = i;
    bool brace = i + 1 < s.len && s.ptr[i + 1] == '{';

    i += brace ? 2 : 1;
    size_t word = i;
    while (i < s.len && is_word_char(s.ptr[i])) {
        i++;
    }
    if (i == word || (brace && (i >= s.len || s.ptr[i] != '}'))) {
        return start;
    }
    return brace ? i + 1 : i;
}

/* A name that may hold variables: letters, '_', $x and ${x}, and digits not at the start. */
static bool is_legacy_template(str s)
{
    for (size_t i = 0; i < s.len;) {
        if (s.ptr[i] == '$') {
            size_t next = skip_variable(s, i);

            if (next == i) {
                return false;
            }
            i = next;
        } else if (!is_word_char(s.ptr[i]) || (i == 0 && s.ptr[i] >= '0' && s.ptr[i] <= '9')) {
            return false;
        } else {
            i++;
        }
    }
    return s.len > 0;
}

static bool is_template(str s, enum prom_validation scheme)
{
    return scheme == PROM_VALIDATION_LEGACY ? is_legacy_template(s)
                                            : prom_label_name_is_valid(s, scheme);
}

static void check_rule_names(struct option_reader *rd, const struct relabel_raw *raw,
                             enum prom_validation scheme)
{
    const struct prom_relabel *rule = &raw->rule;
    const char *name = action_names[rule->action];
    bool has_variable = str_contains(rule->target_label, STR("$"));

    if (raw->node == NULL || (acts_on_target(rule->action) && rule->target_label.len == 0)) {
        return; /* reported already */
    }
    if (rule->action == PROM_RELABEL_REPLACE && has_variable
            ? !is_template(rule->target_label, scheme)
            : acts_on_target(rule->action) &&
                  !prom_label_name_is_valid(rule->target_label, scheme)) {
        option_fault_key(rd, raw->node, "target_label",
                         "\"%.*s\" is invalid 'target_label' for %s action",
                         STR_ARG(rule->target_label), name);
    }
    if (rule->action == PROM_RELABEL_LABELMAP && !is_template(rule->replacement, scheme)) {
        option_fault_key(rd, raw->node, "replacement",
                         "\"%.*s\" is invalid 'replacement' for %s action",
                         STR_ARG(rule->replacement), name);
    }
}

void prom_relabels_check(struct option_reader *rd, struct prom_relabels rules,
                         enum prom_validation scheme)
{
    for (size_t i = 0; i < rules.count; i++) {
        check_rule_names(rd, CONTAINER_OF(rules.items[i], const struct relabel_raw, rule), scheme);
    }
}

static bool read_label_names(struct option_reader *rd, void *target,
                             UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    struct conf_strs names = {0};

    if (!option_strs(rd, node, &names)) {
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (!check_label_name(rd, node->items[i], names.items[i])) {
            return false;
        }
    }
    *(struct conf_strs *)target = names;
    return true;
}

static bool strs_are_empty(const void *target)
{
    return ((const struct conf_strs *)target)->count == 0;
}

static void write_flow_strs(struct yaml_writer *w, const char *key, const void *target)
{
    const struct conf_strs *strs = target;

    yaml_write_key(w, str_from(key));
    yaml_write_flow_strs(w, strs->items, strs->count);
}

static const struct option_custom label_names_custom = {
    .read = read_label_names,
    .is_zero = strs_are_empty,
    .write = write_flow_strs,
};

static const struct option relabel_rows[] = {
    ROW("source_labels", CUSTOM, AT(struct relabel_raw, rule.source_labels),
        OF(label_names_custom)),
    ROW("separator", STR, AT(struct relabel_raw, rule.separator), DEFAULT(";")),
    ROW("regex", CUSTOM, AT(struct relabel_raw, rule.regex), OF(rule_regex_custom)),
    ROW("modulus", UINT, AT(struct relabel_raw, rule.modulus)),
    ROW("target_label", STR, AT(struct relabel_raw, rule.target_label)),
    ROW("replacement", STR, AT(struct relabel_raw, rule.replacement), DEFAULT("$1")),
    ROW("action", CUSTOM, AT(struct relabel_raw, rule.action), OF(action_custom)),
};

const struct option_type prom_relabel_type = {
    .name = "relabel_config",
    .size = sizeof(struct relabel_raw),
    TABLE(relabel_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_rule,
};

/* ---- static targets ---- */

static void check_group(struct option_reader *rd, void *object, UNUSED const struct yaml_node *node)
{
    const struct prom_target_group *group = object;
    const struct yaml_node *labels = yaml_get(node, STR("labels"));

    for (size_t i = 0; i < group->labels.count; i++) {
        str name = group->labels.items[i].name;
        const struct yaml_pair *pair = yaml_pair_get(labels, name);

        (void)check_label_name(rd, pair != NULL ? pair->key : labels, name);
    }
}

static const struct option group_rows[] = {
    ROW("targets", STRS, AT(struct prom_target_group, targets), SHOWN),
    ROW("labels", PAIRS, AT(struct prom_target_group, labels)),
};

const struct option_type prom_group_type = {
    .name = "static_config",
    .size = sizeof(struct prom_target_group),
    TABLE(group_rows),
    .place_offset = offsetof(struct prom_target_group, place),
    .check = check_group,
};

void prom_static_targets_check(struct option_reader *rd, struct prom_sds sds)
{
    for (size_t i = 0; i < sds.count; i++) {
        for (size_t k = 0;
             sds.items[i].kind == PROM_SD_STATIC && k < sds.items[i].targets.group_count; k++) {
            const struct prom_target_group *group = sds.items[i].targets.groups[k];
            struct yaml_node place = {.line = group->place.line, .column = group->place.column};

            for (size_t t = 0; t < group->targets.count; t++) {
                if (str_contains(group->targets.items[t], STR("/"))) {
                    option_fault(rd, &place, "\"%.*s\" is not a valid hostname",
                                 STR_ARG(group->targets.items[t]));
                }
            }
        }
    }
}

/* ---- file, HTTP and DNS discovery ---- */

/* [^*]*(\*[^/]*)?\.(json|yml|yaml) in any case, and one star at most. */
static bool is_file_pattern(str pattern)
{
    static const char *const endings[] = {".json", ".yml", ".yaml"};
    size_t star = str_index_char(pattern, '*');
    bool ending = false;

    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        size_t len = strlen(endings[i]);

        ending |= pattern.len >= len &&
                  str_eq_nocase(str_from_index(pattern, pattern.len - len), str_from(endings[i]));
    }
    return ending && (star == SIZE_MAX || !str_contains(str_from_index(pattern, star), STR("/")));
}

static void check_file_sd(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_file_sd *sd = object;
    const struct yaml_node *files = yaml_get(node, STR("files"));

    if (sd->files.count == 0) {
        option_fault(rd, node, "file service discovery config must contain at least one path name");
    }
    for (size_t i = 0; i < sd->files.count; i++) {
        if (!is_file_pattern(sd->files.items[i])) {
            option_fault(rd, files->items[i], "path name \"%.*s\" is not valid for file discovery",
                         STR_ARG(files->items[i]->text));
        }
    }
}

static const struct option file_sd_rows[] = {
    ROW("files", FILES, AT(struct prom_file_sd, files), SHOWN),
    ROW("refresh_interval", DURATION, AT(struct prom_file_sd, refresh_interval), DEFAULT("5m")),
};

static const struct option_type file_sd_type = {
    .name = "file_sd_config",
    .size = sizeof(struct prom_file_sd),
    TABLE(file_sd_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_file_sd,
};

static void check_http_sd(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_http_sd *sd = object;

    prom_http_url_check(rd, sd->url, node);
    prom_http_check(rd, sd->http, node);
}

static const struct option http_sd_rows[] = {
    ROW(NULL, INLINE, AT(struct prom_http_sd, http), OF(prom_http_type)),
    ROW("refresh_interval", DURATION, AT(struct prom_http_sd, refresh_interval), DEFAULT("60s")),
    ROW("url", URL, AT(struct prom_http_sd, url), SHOWN),
};

static const struct option_type http_sd_type = {
    .name = "http_sd_config",
    .size = sizeof(struct prom_http_sd),
    TABLE(http_sd_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_http_sd,
};

static const char *const dns_type_names[] = {"SRV", "A", "AAAA", "MX", "NS"};

static void unknown_dns_type(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "invalid DNS-SD records type %.*s", STR_ARG(word));
}

static const struct option_words dns_types = {
    .names = dns_type_names,
    .count = ARRAY_COUNT(dns_type_names),
    .fold_case = true,
    .unknown = unknown_dns_type,
};

static void check_dns_sd(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_dns_sd *sd = object;

    if (sd->names.count == 0) {
        option_fault(rd, node, "DNS-SD config must contain at least one SRV record name");
    }
    if (sd->type != PROM_DNS_SRV && sd->port == 0) {
        option_fault_key(rd, node, "type",
                         "a port is required in DNS-SD configs for all record types except SRV");
    }
    if (sd->port < 0 || sd->port > 65535) {
        option_fault_key(rd, node, "port", "port %lld is not in the range 0 to 65535",
                         (long long)sd->port);
    }
}

/* SRV is zero, yet it is printed. */
static const struct option dns_sd_rows[] = {
    ROW("names", STRS, AT(struct prom_dns_sd, names), SHOWN),
    ROW("refresh_interval", DURATION, AT(struct prom_dns_sd, refresh_interval), DEFAULT("30s")),
    ROW("type", ENUM, AT(struct prom_dns_sd, type), OF(dns_types), SHOWN),
    ROW("port", INT, AT(struct prom_dns_sd, port), SHOWN),
};

static const struct option_type dns_sd_type = {
    .name = "dns_sd_config",
    .size = sizeof(struct prom_dns_sd),
    TABLE(dns_sd_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_dns_sd,
};

/* ---- the keys *_sd_configs and static_configs of a mapping ---- */

struct sd_entry {
    const char *key;
    enum prom_sd_kind kind;
    const struct option_type *type;
};

static const struct sd_entry run_today[] = {
    {"dns_sd_configs", PROM_SD_DNS, &dns_sd_type},
    {"file_sd_configs", PROM_SD_FILE, &file_sd_type},
    {"http_sd_configs", PROM_SD_HTTP, &http_sd_type},
    {"static_configs", PROM_SD_STATIC, &prom_group_type},
};

static bool find_sd(str key, struct sd_entry *ret)
{
    for (size_t i = 0; i < ARRAY_COUNT(run_today); i++) {
        if (str_is(key, run_today[i].key)) {
            *ret = run_today[i];
            return true;
        }
    }
    for (size_t i = 0; i < prom_discovery_count; i++) {
        if (str_is(key, prom_discoveries[i].key)) {
            *ret =
                (struct sd_entry){prom_discoveries[i].key, PROM_SD_OTHER, prom_discoveries[i].type};
            return true;
        }
    }
    return false;
}

static bool takes_sd(str key)
{
    struct sd_entry entry;

    return find_sd(key, &entry);
}

static void put_sd(struct prom_sd *sd, const void *object)
{
    switch (sd->kind) {
    case PROM_SD_STATIC:
        break;
    case PROM_SD_FILE:
        sd->file = object;
        break;
    case PROM_SD_HTTP:
        sd->http = object;
        break;
    case PROM_SD_DNS:
        sd->dns = object;
        break;
    case PROM_SD_OTHER:
        sd->other = object;
        break;
    }
}

static const void *sd_object(const struct prom_sd *sd)
{
    switch (sd->kind) {
    case PROM_SD_STATIC:
        break;
    case PROM_SD_FILE:
        return sd->file;
    case PROM_SD_HTTP:
        return sd->http;
    case PROM_SD_DNS:
        return sd->dns;
    case PROM_SD_OTHER:
        return sd->other;
    }
    return NULL;
}

/* Prometheus keeps the sources in the order of their keys. */
static void insert_sds(struct option_reader *rd, struct prom_sds *sds, const struct prom_sd *more,
                       size_t count)
{
    struct prom_sd *items = ARENA_ARRAY(rd->arena, struct prom_sd, sds->count + count);
    size_t before = 0;

    while (before < sds->count && strcmp(sds->items[before].key, more[0].key) < 0) {
        before++;
    }
    for (size_t i = 0; i < before; i++) {
        items[i] = sds->items[i];
    }
    for (size_t i = 0; i < count; i++) {
        items[before + i] = more[i];
    }
    for (size_t i = before; i < sds->count; i++) {
        items[count + i] = sds->items[i];
    }
    *sds = (struct prom_sds){items, sds->count + count};
}

static void keep_sds(struct option_reader *rd, struct prom_sds *sds, struct sd_entry entry,
                     void *const *objects, const struct yaml_node *node)
{
    size_t count = entry.kind == PROM_SD_STATIC ? 1 : node->item_count;
    struct prom_sd *more = ARENA_ARRAY(rd->arena, struct prom_sd, count);

    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *place = entry.kind == PROM_SD_STATIC ? node : node->items[i];

        more[i].kind = entry.kind;
        more[i].key = entry.key;
        more[i].place = (struct conf_place){rd->file, place->line, place->column};
        put_sd(&more[i], objects[i]);
    }
    if (entry.kind == PROM_SD_STATIC) {
        more[0].targets.groups = (const struct prom_target_group *const *)(const void *)objects;
        more[0].targets.group_count = node->item_count;
    }
    insert_sds(rd, sds, more, count);
}

static bool read_sds(struct option_reader *rd, void *target, const struct yaml_node *key,
                     const struct yaml_node *node)
{
    struct sd_entry entry = {0};
    bool was_quiet = rd->quiet;
    bool good = true;

    if (!find_sd(key->text, &entry) || yaml_is_null(node)) {
        return true;
    }
    if (node->kind != YAML_KIND_SEQUENCE) {
        option_fault(rd, node, "cannot unmarshal %s into a list", yaml_tag_name(node));
        return false;
    }
    if (node->item_count == 0) {
        return true;
    }
    if (entry.kind == PROM_SD_OTHER) {
        option_unsupported(rd, key, entry.key);
        rd->quiet = true;
    }
    void **objects = ARENA_ARRAY(rd->arena, void *, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        bool item_good = true;

        if (yaml_is_null(node->items[i])) {
            option_fault(rd, node->items[i], "empty or null section in %s", entry.key);
            item_good = false;
        }
        objects[i] = option_read(rd, entry.type, node->items[i], &item_good);
        good &= item_good;
    }
    rd->quiet = was_quiet;
    keep_sds(rd, target, entry, objects, node);
    return good;
}

static bool sds_are_empty(const void *target)
{
    return ((const struct prom_sds *)target)->count == 0;
}

static void write_sd_item(struct yaml_writer *w, const struct option_type *type, const void *object)
{
    yaml_write_item(w);
    buf_char(w->buf, ' ');
    w->after_dash = true;
    w->indent += 2;
    option_write(w, type, object);
    w->indent -= 2;
    w->after_dash = false;
}

static void write_sds(struct yaml_writer *w, UNUSED const char *key, const void *target)
{
    const struct prom_sds *sds = target;
    const char *last = "";

    for (size_t i = 0; i < sds->count; i++) {
        const struct prom_sd *sd = &sds->items[i];
        struct sd_entry entry = {0};
        bool found = find_sd(str_from(sd->key), &entry);

        ASSERT(found);
        if (strcmp(sd->key, last) != 0) {
            yaml_write_key(w, str_from(sd->key));
            last = sd->key;
        }
        if (sd->kind != PROM_SD_STATIC) {
            write_sd_item(w, entry.type, sd_object(sd));
        }
        for (size_t g = 0; sd->kind == PROM_SD_STATIC && g < sd->targets.group_count; g++) {
            write_sd_item(w, entry.type, sd->targets.groups[g]);
        }
    }
}

static const char *const sd_names[] = {
    "aws_sd_configs",         "azure_sd_configs",
    "consul_sd_configs",      "digitalocean_sd_configs",
    "dns_sd_configs",         "docker_sd_configs",
    "dockerswarm_sd_configs", "ec2_sd_configs",
    "ecs_sd_configs",         "elasticache_sd_configs",
    "eureka_sd_configs",      "file_sd_configs",
    "gce_sd_configs",         "hetzner_sd_configs",
    "http_sd_configs",        "ionos_sd_configs",
    "kubernetes_sd_configs",  "kuma_sd_configs",
    "lightsail_sd_configs",   "linode_sd_configs",
    "marathon_sd_configs",    "msk_sd_configs",
    "nerve_sd_configs",       "nomad_sd_configs",
    "oci_sd_configs",         "openstack_sd_configs",
    "outscale_sd_configs",    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",    "rds_sd_configs",
    "scaleway_sd_configs",    "serverset_sd_configs",
    "stackit_sd_configs",     "static_configs",
    "triton_sd_configs",      "uyuni_sd_configs",
    "vultr_sd_configs",       NULL,
};

const struct option_custom prom_sds_custom = {
    .read = read_sds,
    .is_zero = sds_are_empty,
    .write = write_sds,
    .takes = takes_sd,
    .names = sd_names,
};
