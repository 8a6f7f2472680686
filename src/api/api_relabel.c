/* /api/v1/targets/relabel_steps: what each of a pool's relabel_configs makes of a set of labels. */
#include "api/api_priv.h"
#include "codec/json.h"
#include "conf/prom_config.h"
#include "model/relabel.h"

/* A discovered target has some dozens of labels. */
enum { LABELS_MAX = 1000 };

static int read_labels(struct api_call *call, const struct json *root,
                       struct labels_builder *builder)
{
    const struct json *value;
    void *iterator = NULL;
    str name;

    if (json_kind_of(root) != JSON_KIND_OBJECT || json_count(root) > LABELS_MAX) {
        return api_fail(call, API_BAD_DATA,
                        "error parsing labels: a JSON object of at most %d strings is wanted",
                        LABELS_MAX);
    }
    while (json_member(root, &iterator, &name, &value)) {
        if (json_kind_of(value) != JSON_KIND_STRING) {
            return api_fail(call, API_BAD_DATA,
                            "error parsing labels: the value of \"%.*s\" is no string",
                            STR_ARG(name));
        }
        labels_builder_set(builder, arena_str(call->arena, name),
                           arena_str(call->arena, json_text(value)));
    }
    return 0;
}

/* With Go's omissions: what is empty is left out, but for separator and replacement. */
static void write_rule(struct json_writer *json, const struct prom_relabel *rule)
{
    json_write_object_begin(json);
    if (rule->source_labels.count > 0) {
        json_write_key(json, STR("source_labels"));
        json_write_strs(json, rule->source_labels.items, rule->source_labels.count);
    }
    json_write_pair_str(json, STR("separator"), rule->separator);
    json_write_pair_str(json, STR("regex"), rule->regex);
    if (rule->modulus > 0) {
        json_write_pair_u64(json, STR("modulus"), rule->modulus);
    }
    if (rule->target_label.len > 0) {
        json_write_pair_str(json, STR("target_label"), rule->target_label);
    }
    json_write_pair_str(json, STR("replacement"), rule->replacement);
    json_write_pair_str(json, STR("action"), str_from(prom_relabel_action_name(rule->action)));
    json_write_object_end(json);
}

/* Each rule is compiled alone, so that what it makes can be shown. */
static int write_step(struct api_call *call, const struct prom_relabel *rule, bool legacy_names,
                      struct labels_builder *builder, bool *keep)
{
    CLEANUP(relabel_rules_freep) struct relabel_rules *rules = NULL;
    const struct prom_relabels one = {&rule, 1};
    struct json_writer *json = &call->json;
    struct labels output = {0};
    struct baro_error err = {0};

    if (relabel_rules_new(one, legacy_names, &rules, &err) < 0) {
        return api_fail(call, API_INTERNAL, "%s", err.message);
    }
    *keep = *keep && relabel_apply(rules, builder, call->arena);
    if (*keep) {
        output = labels_builder_finish(builder);
    }
    json_write_object_begin(json);
    json_write_key(json, STR("rule"));
    write_rule(json, rule);
    json_write_key(json, STR("output"));
    api_write_labels(json, output);
    json_write_pair_bool(json, STR("keep"), *keep);
    json_write_object_end(json);
    return 0;
}

static int write_steps(struct api_call *call, const struct prom_scrape *scrape,
                       struct labels_builder *builder)
{
    const struct prom_relabels rules = scrape->relabel_configs;
    bool legacy_names = scrape->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    bool keep = true;
    int r = 0;

    json_write_object_begin(&call->json);
    json_write_key(&call->json, STR("steps"));
    json_write_array_begin(&call->json);
    for (size_t i = 0; i < rules.count && r >= 0; i++) {
        r = write_step(call, rules.items[i], legacy_names, builder, &keep);
    }
    json_write_array_end(&call->json);
    json_write_object_end(&call->json);
    return r;
}

int api_relabel_steps(struct api_call *call)
{
    const struct api_context *context = call->context;
    CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
    CLEANUP(json_doc_freep) struct json *root = NULL;
    str pool = form_get(&call->form, STR("scrapePool"));
    str text = form_get(&call->form, STR("labels"));
    struct labels_builder builder = {0};
    const struct prom_scrape *scrape;
    struct baro_error err = {0};
    int r;

    if (pool.len == 0) {
        return api_fail(call, API_BAD_DATA, "no scrapePool parameter provided");
    }
    if (text.len == 0) {
        return api_fail(call, API_BAD_DATA, "no labels parameter provided");
    }
    if (json_doc_parse(text, &root, &err) < 0) {
        return api_fail(call, API_BAD_DATA, "error parsing labels: %s", err.message);
    }
    config = context->sources.running != NULL ? context->sources.running(context->app) : NULL;
    scrape = config != NULL ? prom_config_scrape(config, pool) : NULL;
    if (scrape == NULL) {
        return api_fail(call, API_BAD_DATA,
                        "error retrieving scrape config: scrape pool \"%.*s\" not found",
                        STR_ARG(pool));
    }
    r = read_labels(call, root, &builder);
    r = r < 0 ? r : write_steps(call, scrape, &builder);
    labels_builder_done(&builder);
    return r;
}
