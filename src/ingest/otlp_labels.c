#include "ingest/otlp_priv.h"
#include "ingest/otlp_value.h"

static const char *const identifying[] = {"service.namespace", "service.name",
                                          "service.instance.id"};

int otlp_attributes_read(struct reader *rd, const struct protobuf_field *field, struct arena *arena,
                         otlp_labels *ret)
{
    const struct label label = otlp_attribute_read(rd, protobuf_bytes(rd, field), arena);

    rd->failed = rd->failed || ret->count == OTLP_ATTRIBUTES_MAX;
    if (!rd->failed) {
        vec_push(ret, label);
    }
    return rd->failed ? BARO_EPARSE : 0;
}

int otlp_labels_spend(struct otlp_taking *taking, size_t bytes, struct baro_error *err)
{
    const size_t most = taking->options->label_bytes_max > 0 ? taking->options->label_bytes_max
                                                             : OTLP_LABEL_BYTES_MAX;

    taking->label_bytes += bytes;
    return taking->label_bytes > most
               ? error_set(err, BARO_EPARSE,
                           "OTLP: the labels of all series have more than %zu bytes: send fewer "
                           "points in a request",
                           most)
               : 0;
}

static str attribute(const otlp_labels *attributes, const char *name)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (str_is(attributes->items[i].name, name)) {
            return attributes->items[i].value;
        }
    }
    return STR_NULL;
}

static int bad_name(struct baro_error *err, str name)
{
    return error_set(err, BARO_EINVALID, "attribute \"%.*s\" cannot be a label", STR_ARG(name));
}

static bool is_listed(const struct otlp_options *options, str name)
{
    for (size_t i = 0; i < options->attribute_count; i++) {
        if (str_eq(options->attributes[i], name)) {
            return true;
        }
    }
    return false;
}

/* job and instance, and the labels that all points of the resource get. */
int otlp_labels_resource(struct otlp_taking *taking, struct baro_error *err)
{
    const struct otlp_options *options = taking->options;
    const str service = attribute(&taking->resource, "service.name");
    const str space = attribute(&taking->resource, "service.namespace");

    vec_reset(&taking->promoted);
    taking->job =
        service.ptr != NULL && space.ptr != NULL
            ? arena_printf(&taking->resource_arena, "%.*s/%.*s", STR_ARG(space), STR_ARG(service))
            : service;
    taking->instance = attribute(&taking->resource, "service.instance.id");
    for (size_t i = 0; i < taking->resource.count; i++) {
        const struct label *from = &taking->resource.items[i];
        str name;

        if (is_listed(options, from->name) == options->promotes_all) {
            continue;
        }
        name = otlp_label_name(&taking->resource_arena, &options->naming, from->name);
        if (name.ptr == NULL) {
            return bad_name(err, from->name);
        }
        vec_push(&taking->promoted, (struct label){name, from->value});
    }
    return 0;
}

static int add_scope_label(struct otlp_taking *taking, str name, str value, struct baro_error *err)
{
    const str label =
        otlp_label_name(&taking->resource_arena, &taking->options->naming,
                        arena_printf(&taking->resource_arena, "otel_scope_%.*s", STR_ARG(name)));

    if (label.ptr == NULL) {
        return bad_name(err, name);
    }
    vec_push(&taking->scope, (struct label){label, value});
    return 0;
}

int otlp_labels_scope(struct otlp_taking *taking, str scope, str schema_url, struct baro_error *err)
{
    struct reader rd = reader_over(scope);
    struct protobuf_field field = {0};
    otlp_labels attributes = {0};
    str name = STR(""), version = STR("");
    int r = 0;

    vec_reset(&taking->scope);
    while (protobuf_next(&rd, &field)) {
        if (field.number == SCOPE_NAME) {
            name = protobuf_bytes(&rd, &field);
        } else if (field.number == SCOPE_VERSION) {
            version = protobuf_bytes(&rd, &field);
        } else if (field.number == SCOPE_ATTRIBUTES) {
            (void)otlp_attributes_read(&rd, &field, &taking->resource_arena, &attributes);
        }
    }
    if (rd.failed) {
        r = error_set(err, BARO_EPARSE, "OTLP: a scope is damaged, or has too many attributes");
    }
    if (r >= 0 && taking->options->promotes_scope && name.len > 0) {
        for (size_t i = 0; r >= 0 && i < attributes.count; i++) {
            r = add_scope_label(taking, attributes.items[i].name, attributes.items[i].value, err);
        }
        vec_push(&taking->scope, (struct label){STR("otel_scope_name"), name});
        vec_push(&taking->scope, (struct label){STR("otel_scope_version"), version});
        vec_push(&taking->scope, (struct label){STR("otel_scope_schema_url"), schema_url});
    }
    vec_done(&attributes);
    return r;
}

/* Attributes of one name after sanitizing are joined, in the order of their own names. */
static int add_attributes(struct otlp_taking *taking, otlp_labels *attributes,
                          struct baro_error *err)
{
    struct labels_builder *base = &taking->base;

    if (attributes->count > 0) {
        labels_sort(attributes->items, attributes->count);
    }
    for (size_t i = 0; i < attributes->count; i++) {
        const struct label *from = &attributes->items[i];
        str name =
            taking->options->naming.allows_utf8
                ? from->name
                : otlp_label_name(&taking->point_arena, &taking->options->naming, from->name);
        str there;

        if (name.len == 0) {
            return bad_name(err, from->name);
        }
        there = labels_builder_get(base, name);
        if (there.len > 0 && !taking->options->naming.allows_utf8) {
            int r = otlp_labels_spend(taking, there.len + from->value.len, err);

            if (r < 0) {
                return r;
            }
            labels_builder_set(base, name,
                               arena_printf(&taking->point_arena, "%.*s;%.*s", STR_ARG(there),
                                            STR_ARG(from->value)));
        } else {
            labels_builder_set(base, name, from->value);
        }
    }
    return 0;
}

static void add_job(struct otlp_taking *taking)
{
    if (taking->job.len > 0) {
        labels_builder_set(&taking->base, STR("job"), taking->job);
    }
    if (taking->instance.len > 0) {
        labels_builder_set(&taking->base, STR("instance"), taking->instance);
    }
}

/* That all is UTF-8, and not too much of it. */
static int check(struct otlp_taking *taking, struct baro_error *err)
{
    const struct labels_builder *labels = &taking->base;
    int r = otlp_labels_spend(
        taking, labels_text_bytes((struct labels){labels->items, labels->count}), err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < labels->count; i++) {
        if (!utf8_is_valid(labels->items[i].name) || !utf8_is_valid(labels->items[i].value)) {
            return error_set(err, BARO_EINVALID, "an attribute is not valid UTF-8");
        }
    }
    return 0;
}

/* The metric's name is no attribute. */
static void drop_attribute(otlp_labels *attributes, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < attributes->count; i++) {
        if (!str_is(attributes->items[i].name, name)) {
            attributes->items[count++] = attributes->items[i];
        }
    }
    attributes->count = count;
}

static void add_type_and_unit(struct otlp_taking *taking)
{
    const struct metadata *metadata = &taking->metadata;

    if (metadata->type != METRIC_UNKNOWN) {
        labels_builder_set(&taking->base, LABEL_TYPE, str_from(metric_type_name(metadata->type)));
    }
    if (metadata->unit.len > 0) {
        labels_builder_set(&taking->base, LABEL_UNIT,
                           otlp_unit_name(&taking->point_arena, metadata->unit,
                                          taking->options->naming.allows_utf8));
    }
}

int otlp_labels_point(struct otlp_taking *taking, struct baro_error *err)
{
    struct labels_builder *base = &taking->base;
    int r;

    labels_builder_reset(base);
    drop_attribute(&taking->attributes, "__name__");
    r = add_attributes(taking, &taking->attributes, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < taking->promoted.count; i++) {
        if (labels_builder_get(base, taking->promoted.items[i].name).len == 0) {
            labels_builder_set(base, taking->promoted.items[i].name,
                               taking->promoted.items[i].value);
        }
    }
    add_job(taking);
    for (size_t i = 0; i < taking->scope.count; i++) {
        labels_builder_set(base, taking->scope.items[i].name, taking->scope.items[i].value);
    }
    if (taking->options->type_and_unit_labels) {
        add_type_and_unit(taking);
    }
    return check(taking, err);
}

/* target_info tells all attributes of a resource. It is made when there are others than those that
 * name it, and one of these. */
int otlp_labels_target(struct otlp_taking *taking, bool *ret_has_one, struct baro_error *err)
{
    otlp_labels *attributes = &taking->attributes;
    size_t others = taking->resource.count;
    int r;

    vec_reset(attributes);
    for (size_t i = 0; i < taking->resource.count; i++) {
        vec_push(attributes, taking->resource.items[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(identifying); i++) {
        others -= attribute(&taking->resource, identifying[i]).ptr != NULL;
        if (!taking->options->keeps_identifying) {
            drop_attribute(attributes, identifying[i]);
        }
    }
    labels_builder_reset(&taking->base);
    r = others > 0 ? add_attributes(taking, attributes, err) : 0;
    add_job(taking);
    *ret_has_one = others > 0 && (labels_builder_get(&taking->base, STR("job")).len > 0 ||
                                  labels_builder_get(&taking->base, STR("instance")).len > 0);
    return r < 0 ? r : check(taking, err);
}
