#include "catalog/catalog_priv.h"

#include <math.h>

static const char *const op_names[] = {
    [CATALOG_INC] = "inc", [CATALOG_DEC] = "dec", [CATALOG_ADD] = "add",
    [CATALOG_SUB] = "sub", [CATALOG_SET] = "set", [CATALOG_OBSERVE] = "observe",
};

const char *catalog_op_name(enum catalog_op op)
{
    return op_names[op];
}

static void unknown_op(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "no operation '%.*s': it is inc, dec, add, sub, set or observe",
                 STR_ARG(word));
}

static const struct option_words op_words = {op_names, ARRAY_COUNT(op_names), false, unknown_op};

static bool keep_node(UNUSED struct option_reader *rd, void *target,
                      UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    *(const struct yaml_node **)target = yaml_is_null(node) ? NULL : node;
    return true;
}

static const struct option_custom node_custom = {.read = keep_node};

/* ---- what the file says, before it is resolved ---- */

struct param_text {
    str label;
    str type;
    str unit;
};

static const struct option param_rows[] = {
    {"label", OPTION_STR, 0, offsetof(struct param_text, label), NULL, NULL, NULL},
    {"type", OPTION_STR, 0, offsetof(struct param_text, type), NULL, NULL, NULL},
    {"unit", OPTION_STR, 0, offsetof(struct param_text, unit), NULL, NULL, NULL},
};
static const struct option_type param_type = {
    .name = "parameter",
    .size = sizeof(struct param_text),
    .rows = param_rows,
    .count = ARRAY_COUNT(param_rows),
    .place_offset = OPTION_NO_PLACE,
};

struct action_text {
    str metric;
    enum catalog_op op;
    const struct yaml_node *value;
    const struct yaml_node *labels;
    const struct yaml_node *when;
};

static const struct option action_rows[] = {
    {"metric", OPTION_STR, 0, offsetof(struct action_text, metric), NULL, NULL, NULL},
    {"op", OPTION_ENUM, 0, offsetof(struct action_text, op), NULL, &op_words, NULL},
    {"value", OPTION_CUSTOM, 0, offsetof(struct action_text, value), NULL, &node_custom, NULL},
    {"labels", OPTION_CUSTOM, 0, offsetof(struct action_text, labels), NULL, &node_custom, NULL},
    {"when", OPTION_CUSTOM, 0, offsetof(struct action_text, when), NULL, &node_custom, NULL},
};
static const struct option_type action_type = {
    .name = "action",
    .size = sizeof(struct action_text),
    .rows = action_rows,
    .count = ARRAY_COUNT(action_rows),
    .place_offset = OPTION_NO_PLACE,
};

struct helper_text {
    str name;
    str id;
    str help;
    const struct yaml_node *params;
    const struct yaml_node *actions;
};

static const struct option helper_rows[] = {
    {"name", OPTION_STR, 0, offsetof(struct helper_text, name), NULL, NULL, NULL},
    {"id", OPTION_STR, 0, offsetof(struct helper_text, id), NULL, NULL, NULL},
    {"help", OPTION_STR, 0, offsetof(struct helper_text, help), NULL, NULL, NULL},
    {"params", OPTION_CUSTOM, 0, offsetof(struct helper_text, params), NULL, &node_custom, NULL},
    {"do", OPTION_CUSTOM, 0, offsetof(struct helper_text, actions), NULL, &node_custom, NULL},
};
static const struct option_type helper_type = {
    .name = "helper",
    .size = sizeof(struct helper_text),
    .rows = helper_rows,
    .count = ARRAY_COUNT(helper_rows),
    .place_offset = OPTION_NO_PLACE,
};

/* A helper being resolved: which parameters were used. */
struct helper_reader {
    struct catalog_loader *loader;
    struct option_reader *rd;
    struct catalog_helper *helper;
    bool used[CATALOG_PARAMS_MAX];
};

/* ---- looking things up ---- */

static const struct catalog_metric *find_metric(struct helper_reader *hr,
                                                const struct yaml_node *node, str name)
{
    const struct catalog_metric *metric = catalog_metric_find(hr->loader->catalog, name);
    struct catalog_nearest nearest = {.name = name};

    if (metric != NULL) {
        return metric;
    }
    for (size_t i = 0; i < hr->loader->metrics.count; i++) {
        catalog_nearest_try(&nearest, hr->loader->metrics.items[i]->name);
    }
    if (catalog_nearest_found(&nearest)) {
        option_fault(hr->rd, node, "no metric '%.*s'; did you mean '%.*s'?", STR_ARG(name),
                     STR_ARG(nearest.best));
    } else {
        option_fault(hr->rd, node, "no metric '%.*s' in this file", STR_ARG(name));
    }
    return NULL;
}

/* The labels of a metric, as text for a message. */
static str label_list(struct helper_reader *hr, const struct catalog_metric *metric)
{
    str list = STR("it has none");

    for (size_t i = 0; i < metric->label_count; i++) {
        list = i == 0 ? arena_printf(hr->rd->arena, "it has %.*s", STR_ARG(metric->labels[i].name))
                      : arena_printf(hr->rd->arena, "%.*s, %.*s", STR_ARG(list),
                                     STR_ARG(metric->labels[i].name));
    }
    return list;
}

/* "metric.label" or the name of a shared label; a stateset's states are the label of its name. */
static const struct catalog_set *find_label(struct helper_reader *hr, const struct yaml_node *node,
                                            str text)
{
    size_t dot = str_index_char(text, '.');
    const struct catalog_metric *metric;
    str name;

    if (dot == SIZE_MAX) {
        const struct catalog_set *set = map_get(&hr->loader->shared, text);

        if (set == NULL) {
            option_fault(hr->rd, node,
                         "label '%.*s' is neither METRIC.LABEL nor a shared label of this file",
                         STR_ARG(text));
        }
        return set;
    }
    metric = find_metric(hr, node, str_slice(text, 0, dot));
    name = str_from_index(text, dot + 1);
    if (metric == NULL) {
        return NULL;
    }
    if (metric->states != NULL && str_eq(name, metric->name)) {
        return metric->states;
    }
    for (size_t i = 0; i < metric->label_count; i++) {
        if (str_eq(metric->labels[i].name, name)) {
            return metric->labels[i].set;
        }
    }
    option_fault(hr->rd, node, "metric %.*s has no label '%.*s'; %.*s", STR_ARG(metric->name),
                 STR_ARG(name), STR_ARG(label_list(hr, metric)));
    return NULL;
}

/* "$name" as a parameter: true when text has the form; *ret is NULL (and a fault) when there is no
 * such parameter. */
static bool find_param(struct helper_reader *hr, const struct yaml_node *node,
                       const struct catalog_param **ret)
{
    const struct catalog_helper *helper = hr->helper;

    *ret = NULL;
    if (node->kind != YAML_KIND_SCALAR || !str_has_prefix(node->text, STR("$"))) {
        return false;
    }
    for (size_t i = 0; i < helper->param_count; i++) {
        if (str_eq(helper->params[i].name, str_from_index(node->text, 1))) {
            hr->used[i] = true;
            *ret = &helper->params[i];
            return true;
        }
    }
    option_fault(hr->rd, node, "no parameter %.*s of helper %.*s", STR_ARG(node->text),
                 STR_ARG(helper->name));
    return true;
}

/* ---- parameters ---- */

static bool param_kind(struct helper_reader *hr, const struct yaml_node *node,
                       const struct param_text *text, struct catalog_param *param)
{
    static const struct {
        const char *name;
        enum catalog_param_kind kind;
    } kinds[] = {
        {"bool", CATALOG_PARAM_BOOL},
        {"int", CATALOG_PARAM_INT},
        {"double", CATALOG_PARAM_DOUBLE},
        {"string", CATALOG_PARAM_STRING},
    };

    if ((text->label.len > 0) == (text->type.len > 0)) {
        option_fault(hr->rd, node, "a parameter is {label: METRIC.LABEL} or {type: TYPE}");
        return false;
    }
    if (text->label.len > 0) {
        const struct catalog_set *set = find_label(hr, yaml_get(node, STR("label")), text->label);

        param->kind =
            set != NULL && set->value_count > 0 ? CATALOG_PARAM_VALUE : CATALOG_PARAM_STRING;
        param->set = param->kind == CATALOG_PARAM_VALUE ? set : NULL;
        return set != NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_is(text->type, kinds[i].name)) {
            param->kind = kinds[i].kind;
            return true;
        }
    }
    option_fault_key(hr->rd, node, "type", "no type '%.*s': it is bool, int, double or string",
                     STR_ARG(text->type));
    return false;
}

static bool read_param(struct helper_reader *hr, const struct yaml_pair *pair,
                       struct catalog_param *param)
{
    bool good = true;

    if (pair->key->kind != YAML_KIND_SCALAR || !catalog_name_is_word(pair->key->text) ||
        pair->key->text.ptr[0] == '_') {
        option_fault(hr->rd, pair->key, "a parameter's name is [a-zA-Z][a-zA-Z0-9_]*");
        return false;
    }
    if (yaml_is_null(pair->value)) {
        option_fault(hr->rd, pair->key, "a parameter is {label: METRIC.LABEL} or {type: TYPE}");
        return false;
    }
    const struct param_text *text = option_read(hr->rd, &param_type, pair->value, &good);
    param->name = pair->key->text;
    param->c_name = catalog_name_param(hr->rd->arena, pair->key->text);
    param->unit = text->unit;
    return good && param_kind(hr, pair->value, text, param);
}

static bool read_params(struct helper_reader *hr, const struct yaml_node *node)
{
    bool good = true;

    if (node == NULL) {
        return true;
    }
    if (node->kind != YAML_KIND_MAPPING || node->pair_count > CATALOG_PARAMS_MAX) {
        option_fault(hr->rd, node, "params is a mapping of at most %d names to types",
                     CATALOG_PARAMS_MAX);
        return false;
    }
    struct catalog_param *params =
        ARENA_ARRAY(hr->rd->arena, struct catalog_param, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        good &= read_param(hr, &node->pairs[i], &params[i]);
    }
    hr->helper->params = params;
    hr->helper->param_count = node->pair_count;
    return good;
}

/* ---- what an action does ---- */

static bool op_fits(enum catalog_op op, enum catalog_type type)
{
    switch (type) {
    case CATALOG_COUNTER:
        return op == CATALOG_INC || op == CATALOG_ADD;
    case CATALOG_GAUGE:
        return op != CATALOG_OBSERVE;
    case CATALOG_HISTOGRAM:
    case CATALOG_SUMMARY:
        return op == CATALOG_OBSERVE;
    case CATALOG_INFO:
    case CATALOG_STATESET:
        return op == CATALOG_SET;
    case CATALOG_TYPE_COUNT:
        break;
    }
    return false;
}

/* Every value of the parameter must be one of the label's. */
static bool is_subset(struct helper_reader *hr, const struct yaml_node *node,
                      const struct catalog_param *param, const struct catalog_set *set,
                      const char *what)
{
    for (size_t i = 0; i < param->set->value_count; i++) {
        if (catalog_set_find(set, param->set->values[i]) == SIZE_MAX) {
            option_fault(hr->rd, node,
                         "$%.*s may be '%.*s', which is no value of %s: its set must be a subset",
                         STR_ARG(param->name), STR_ARG(param->set->values[i]), what);
            return false;
        }
    }
    return true;
}

/* A constant of a closed set. */
static bool read_constant(struct helper_reader *hr, const struct yaml_node *node,
                          const struct catalog_set *set, const char *what,
                          struct catalog_operand *ret)
{
    struct catalog_nearest nearest = {0};

    if (!option_text(hr->rd, node, &ret->text)) {
        return false;
    }
    ret->index = set->value_count > 0 ? catalog_set_find(set, ret->text) : 0;
    if (ret->index != SIZE_MAX) {
        return true;
    }
    nearest.name = ret->text;
    for (size_t i = 0; i < set->value_count; i++) {
        catalog_nearest_try(&nearest, set->values[i]);
    }
    if (catalog_nearest_found(&nearest)) {
        option_fault(hr->rd, node, "'%.*s' is no value of %s; did you mean '%.*s'?",
                     STR_ARG(ret->text), what, STR_ARG(nearest.best));
    } else {
        option_fault(hr->rd, node, "'%.*s' is no value of %s", STR_ARG(ret->text), what);
    }
    return false;
}

/* What goes to a label (or selects a state): a parameter that fits, or a constant. */
static bool read_label_operand(struct helper_reader *hr, const struct yaml_node *node,
                               const struct catalog_set *set, const char *what,
                               struct catalog_operand *ret)
{
    const struct catalog_param *param = NULL;

    if (!find_param(hr, node, &param)) {
        return read_constant(hr, node, set, what, ret);
    }
    if (param == NULL) {
        return false;
    }
    ret->param = param;
    if (param->kind == CATALOG_PARAM_DOUBLE) {
        option_fault(hr->rd, node, "$%.*s is a double: no label value", STR_ARG(param->name));
        return false;
    }
    if (set->value_count == 0) {
        return true;
    }
    if (param->kind != CATALOG_PARAM_VALUE) {
        option_fault(hr->rd, node,
                     "$%.*s may be anything, but %s is closed: declare it with {label: ...}",
                     STR_ARG(param->name), what);
        return false;
    }
    return is_subset(hr, node, param, set, what);
}

static bool read_action_labels(struct helper_reader *hr, const struct yaml_node *node,
                               const struct yaml_node *labels, struct catalog_action *action)
{
    const struct catalog_metric *metric = action->metric;
    struct catalog_operand *operands =
        ARENA_ARRAY(hr->rd->arena, struct catalog_operand, metric->label_count);
    bool good = true;

    if (labels != NULL && labels->kind != YAML_KIND_MAPPING) {
        option_fault(hr->rd, labels, "labels is a mapping of label names to values");
        return false;
    }
    for (size_t i = 0; labels != NULL && i < labels->pair_count; i++) {
        str name =
            labels->pairs[i].key->kind == YAML_KIND_SCALAR ? labels->pairs[i].key->text : STR("");
        size_t k = 0;

        while (k < metric->label_count && !str_eq(metric->labels[k].name, name)) {
            k++;
        }
        if (k == metric->label_count) {
            option_fault(hr->rd, labels->pairs[i].key, "metric %.*s has no label '%.*s'; %.*s",
                         STR_ARG(metric->name), STR_ARG(name), STR_ARG(label_list(hr, metric)));
            good = false;
        }
    }
    for (size_t i = 0; i < metric->label_count; i++) {
        const struct catalog_label *label = &metric->labels[i];
        const struct yaml_node *value = labels != NULL ? yaml_get(labels, label->name) : NULL;
        const char *what = arena_printf(hr->rd->arena, "label %.*s of %.*s", STR_ARG(label->name),
                                        STR_ARG(metric->name))
                               .ptr;

        if (yaml_is_null(value)) {
            option_fault(hr->rd, labels != NULL ? labels : node, "%s is not given", what);
            good = false;
        } else {
            good &= read_label_operand(hr, value, label->set, what, &operands[i]);
        }
    }
    action->labels = operands;
    return good;
}

static bool read_number(struct helper_reader *hr, const struct yaml_node *node,
                        struct catalog_action *action)
{
    const struct catalog_param *param = NULL;

    if (!find_param(hr, node, &param)) {
        return catalog_number(hr->rd, node, "a value ($PARAMETER or number)", &action->value.value);
    }
    if (param != NULL &&
        (param->kind == CATALOG_PARAM_STRING || param->kind == CATALOG_PARAM_VALUE)) {
        option_fault(hr->rd, node, "$%.*s is no number", STR_ARG(param->name));
        return false;
    }
    action->value.param = param;
    return param != NULL;
}

static bool read_action_value(struct helper_reader *hr, const struct yaml_node *node,
                              const struct yaml_node *value, struct catalog_action *action)
{
    const struct catalog_metric *metric = action->metric;
    bool wants =
        action->op != CATALOG_INC && action->op != CATALOG_DEC && metric->type != CATALOG_INFO;

    if (wants != (value != NULL)) {
        option_fault(hr->rd, value != NULL ? value : node,
                     wants ? "%s of a %s needs a value" : "%s of a %s takes no value",
                     catalog_op_name(action->op), catalog_type_name(metric->type));
        return false;
    }
    action->has_value = wants;
    if (!wants) {
        return true;
    }
    if (metric->type == CATALOG_STATESET) {
        const char *what =
            arena_printf(hr->rd->arena, "the states of %.*s", STR_ARG(metric->name)).ptr;

        return read_label_operand(hr, value, metric->states, what, &action->value);
    }
    if (!read_number(hr, value, action)) {
        return false;
    }
    if (metric->type == CATALOG_COUNTER && action->value.param == NULL && action->value.value < 0) {
        option_fault(hr->rd, value, "a counter does not fall");
        return false;
    }
    return true;
}

/* ---- when ---- */

static bool read_condition(struct helper_reader *hr, const struct yaml_node *key,
                           const struct yaml_node *value, struct catalog_condition *ret)
{
    const struct catalog_param *param = NULL;
    struct catalog_operand *equals = &ret->equals;

    for (size_t i = 0; i < hr->helper->param_count && key->kind == YAML_KIND_SCALAR; i++) {
        if (str_eq(hr->helper->params[i].name, key->text)) {
            param = &hr->helper->params[i];
            hr->used[i] = true;
        }
    }
    ret->param = param;
    if (param == NULL) {
        option_fault(hr->rd, key, "no parameter '%.*s' of helper %.*s",
                     STR_ARG(key->kind == YAML_KIND_SCALAR ? key->text : STR("")),
                     STR_ARG(hr->helper->name));
        return false;
    }
    switch (param->kind) {
    case CATALOG_PARAM_BOOL:
        equals->value = value->kind == YAML_KIND_SCALAR && value->boolean ? 1 : 0;
        if (value->kind == YAML_KIND_SCALAR && value->type == YAML_TYPE_BOOL) {
            return true;
        }
        option_fault(hr->rd, value, "$%.*s is true or false", STR_ARG(param->name));
        return false;
    case CATALOG_PARAM_INT:
        if (value->kind == YAML_KIND_SCALAR && value->type == YAML_TYPE_INT) {
            equals->value = (double)value->integer;
            equals->text = value->text;
            return true;
        }
        option_fault(hr->rd, value, "$%.*s is an integer", STR_ARG(param->name));
        return false;
    case CATALOG_PARAM_DOUBLE:
        option_fault(hr->rd, key, "$%.*s is a double: what is not exact equals nothing",
                     STR_ARG(param->name));
        return false;
    case CATALOG_PARAM_STRING:
        return option_text(hr->rd, value, &equals->text);
    case CATALOG_PARAM_VALUE:
        return read_constant(hr, value, param->set, "its label", equals);
    }
    return false;
}

static bool read_when(struct helper_reader *hr, const struct yaml_node *when,
                      struct catalog_action *action)
{
    bool good = true;

    if (when == NULL) {
        return true;
    }
    if (when->kind != YAML_KIND_MAPPING) {
        option_fault(hr->rd, when, "when is a mapping of parameters to the constants they equal");
        return false;
    }
    struct catalog_condition *conditions =
        ARENA_ARRAY(hr->rd->arena, struct catalog_condition, when->pair_count);
    for (size_t i = 0; i < when->pair_count; i++) {
        good &= read_condition(hr, when->pairs[i].key, when->pairs[i].value, &conditions[i]);
    }
    action->conditions = conditions;
    action->condition_count = when->pair_count;
    return good;
}

static bool read_action(struct helper_reader *hr, const struct yaml_node *node,
                        struct catalog_action *action)
{
    bool good = true;
    const struct action_text *text;

    if (yaml_is_null(node)) {
        option_fault(hr->rd, node, "an action is {metric: ..., op: ...}");
        return false;
    }
    text = option_read(hr->rd, &action_type, node, &good);
    if (!good) {
        return false;
    }
    if (text->metric.len == 0 || yaml_is_null(yaml_get(node, STR("op")))) {
        option_fault(hr->rd, node, "an action needs %s", text->metric.len == 0 ? "metric" : "op");
        return false;
    }
    action->op = text->op;
    action->metric = find_metric(hr, yaml_get(node, STR("metric")), text->metric);
    if (action->metric == NULL) {
        return false;
    }
    if (!op_fits(text->op, action->metric->type)) {
        option_fault_key(hr->rd, node, "op", "%s does not fit a %s", catalog_op_name(text->op),
                         catalog_type_name(action->metric->type));
        return false;
    }
    good &= read_action_labels(hr, node, text->labels, action);
    good &= read_action_value(hr, node, text->value, action);
    good &= read_when(hr, text->when, action);
    return good;
}

static bool read_actions(struct helper_reader *hr, const struct yaml_node *node,
                         const struct yaml_node *list)
{
    bool good = true;

    if (list == NULL || list->kind != YAML_KIND_SEQUENCE || list->item_count == 0 ||
        list->item_count > CATALOG_ACTIONS_MAX) {
        option_fault(hr->rd, list != NULL ? list : node,
                     "a helper needs do: [...], 1 to %d actions", CATALOG_ACTIONS_MAX);
        return false;
    }
    struct catalog_action *actions =
        ARENA_ARRAY(hr->rd->arena, struct catalog_action, list->item_count);
    for (size_t i = 0; i < list->item_count; i++) {
        good &= read_action(hr, list->items[i], &actions[i]);
    }
    hr->helper->actions = actions;
    hr->helper->action_count = list->item_count;
    return good;
}

/* ---- helpers ---- */

static bool check_helper_name(struct helper_reader *hr, const struct yaml_node *node)
{
    str name = hr->helper->name;

    if (!catalog_name_is_word(name) || name.ptr[0] == '_' || catalog_name_is_keyword(name)) {
        option_fault_key(hr->rd, node, "name",
                         "a helper needs a name that a C function can have: '%.*s' is none",
                         STR_ARG(name));
        return false;
    }
    if (str_has_prefix(name, STR("baro_"))) {
        option_fault_key(hr->rd, node, "name", "names that begin with baro_ belong to libbaro");
        return false;
    }
    return true;
}

static void check_used(struct helper_reader *hr, const struct yaml_node *params)
{
    for (size_t i = 0; i < hr->helper->param_count; i++) {
        if (!hr->used[i]) {
            option_fault(hr->rd, yaml_key_of(params, hr->helper->params[i].name),
                         "parameter %.*s is never used", STR_ARG(hr->helper->params[i].name));
        }
    }
}

static void read_helper(struct catalog_loader *loader, const struct yaml_node *node,
                        struct catalog_helper *helper)
{
    struct helper_reader hr = {.loader = loader, .rd = &loader->rd, .helper = helper};
    bool good = true;

    if (yaml_is_null(node)) {
        option_fault(hr.rd, node, "a helper is {name: ..., params: ..., do: ...}");
        return;
    }
    const struct helper_text *text = option_read(hr.rd, &helper_type, node, &good);
    if (!good) {
        return;
    }
    *helper = (struct catalog_helper){
        .node = node, .name = text->name, .id = text->id, .help = text->help};
    good = check_helper_name(&hr, node);
    good &= read_params(&hr, text->params);
    good = good && read_actions(&hr, node, text->actions);
    if (good) {
        check_used(&hr, text->params);
    }
}

void catalog_helper_read(struct catalog_loader *loader, const struct yaml_node *node)
{
    if (yaml_is_null(node)) {
        return;
    }
    if (node->kind != YAML_KIND_SEQUENCE || node->item_count > CATALOG_HELPERS_MAX) {
        option_fault(&loader->rd, node, "helpers is a list of at most %d helpers",
                     CATALOG_HELPERS_MAX);
        return;
    }
    struct catalog_helper *helpers =
        ARENA_ARRAY(loader->rd.arena, struct catalog_helper, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        read_helper(loader, node->items[i], &helpers[i]);
    }
    loader->catalog->helpers = helpers;
    loader->catalog->helper_count = node->item_count;
}
