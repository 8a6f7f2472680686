/* Bodies: JSON as Go's encoder writes it, cut texts, trees of templates. */
#include <stdlib.h>

#include "alerting/am_send.h"
#include "template/template_json.h"

enum { NODE_DEPTH_MAX = 64 };

static const str ellipsis = STR_INIT("\xE2\x80\xA6");

/* ---- Cutting ---- */

str am_cut_runes(struct arena *arena, str text, size_t most)
{
    size_t count = 0;
    size_t keep = 0; /* bytes of most - 1 characters */
    size_t at = 0;

    while (at < text.len) {
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(text, at), &rune);

        keep = count + 1 < most || (most <= 3 && count < most) ? at + (size == 0 ? 1 : size) : keep;
        at += size == 0 ? 1 : size;
        count++;
    }
    if (count <= most) {
        return text;
    }
    return arena_printf(arena, "%.*s%s", (int)keep, text.ptr, most > 3 ? ellipsis.ptr : "");
}

str am_cut_bytes(struct arena *arena, str text, size_t most)
{
    size_t keep = 0;

    if (text.len <= most) {
        return text;
    }
    while (keep + ellipsis.len <= most) {
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(text, keep), &rune);

        size = size == 0 ? 1 : size;
        if (keep + size + ellipsis.len > most) {
            break;
        }
        keep += size;
    }
    return arena_printf(arena, "%.*s%s", (int)keep, text.ptr, ellipsis.ptr);
}

/* ---- Members ---- */

void am_member(struct json_writer *json, const char *name, str value)
{
    if (json->need_comma) {
        buf_char(json->buf, ',');
    }
    buf_printf(json->buf, "\"%s\":", name);
    template_json_str(json->buf, value);
    json->need_comma = true;
}

void am_member_some(struct json_writer *json, const char *name, str value)
{
    if (value.len > 0) {
        am_member(json, name, value);
    }
}

void am_member_fields(struct am_attempt *sending, struct json_writer *json,
                      const struct option_type *type, const void *object,
                      const struct am_field *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str text = am_send_render(sending, option_slot_str(type, object, rows[i].key));

        if (rows[i].runes_max > 0) {
            text = am_cut_runes(&sending->arena, text, rows[i].runes_max);
        }
        if (rows[i].always || text.len > 0) {
            am_member(json, rows[i].name, text);
        }
    }
}

/* ---- Trees ---- */

static void put_node(struct am_attempt *sending, struct json_writer *json,
                     const struct yaml_node *node, bool is_template, unsigned depth);

static void put_string(struct json_writer *json, str text)
{
    if (json->need_comma) {
        buf_char(json->buf, ',');
    }
    template_json_str(json->buf, text);
    json->need_comma = true;
}

/* What a template yields: text, or whatever else it reads as. */
static void put_rendered(struct am_attempt *sending, struct json_writer *json, str template,
                         unsigned depth)
{
    const struct yaml_node *tree = NULL;
    str text = am_send_render(sending, template);
    int result = yaml_parse(&sending->arena, text, &tree, NULL);
    bool is_text = result < 0 || (tree != NULL && tree->kind == YAML_KIND_SCALAR &&
                                  tree->type == YAML_TYPE_STRING);

    if (is_text) {
        put_string(json, text);
    } else if (yaml_is_null(tree)) {
        json_write_null(json);
    } else {
        put_node(sending, json, tree, false, depth + 1);
    }
}

static void put_scalar(struct am_attempt *sending, struct json_writer *json,
                       const struct yaml_node *node, bool is_template, unsigned depth)
{
    if (node->type != YAML_TYPE_STRING) {
        yaml_write_scalar(json, node);
    } else if (is_template) {
        put_rendered(sending, json, node->text, depth);
    } else {
        put_string(json, node->text);
    }
}

struct member {
    str name;
    const struct yaml_node *value;
};

static int member_compare(const void *a, const void *b)
{
    return str_cmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* In the order of the names that come out, as Go writes maps; keys that are no texts are left out.
 */
static void put_mapping(struct am_attempt *sending, struct json_writer *json,
                        const struct yaml_node *node, bool is_template, unsigned depth)
{
    struct member *members = ARENA_ARRAY(&sending->arena, struct member, node->pair_count);
    size_t count = 0;

    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_node *key = node->pairs[i].key;

        if (key->kind == YAML_KIND_SCALAR && key->type == YAML_TYPE_STRING) {
            members[count++] = (struct member){
                is_template ? am_send_render(sending, key->text) : key->text, node->pairs[i].value};
        }
    }
    if (count > 1) {
        qsort(members, count, sizeof(*members), member_compare);
    }
    json_write_object_begin(json);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && str_eq(members[i].name, members[i + 1].name)) {
            continue; /* the later one counts */
        }
        put_string(json, members[i].name);
        buf_char(json->buf, ':');
        json->need_comma = false;
        put_node(sending, json, members[i].value, is_template, depth + 1);
    }
    json_write_object_end(json);
}

static void put_node(struct am_attempt *sending, struct json_writer *json,
                     const struct yaml_node *node, bool is_template, unsigned depth)
{
    if (depth > NODE_DEPTH_MAX) {
        json_write_null(json);
        return;
    }
    switch (node->kind) {
    case YAML_KIND_SCALAR:
        put_scalar(sending, json, node, is_template, depth);
        break;
    case YAML_KIND_SEQUENCE:
        json_write_array_begin(json);
        for (size_t i = 0; i < node->item_count; i++) {
            put_node(sending, json, node->items[i], is_template, depth + 1);
        }
        json_write_array_end(json);
        break;
    case YAML_KIND_MAPPING:
        put_mapping(sending, json, node, is_template, depth);
        break;
    }
}

void am_member_node(struct am_attempt *sending, struct json_writer *json,
                    const struct yaml_node *node)
{
    put_node(sending, json, node, true, 0);
}

/* ---- A webhook's message ---- */

void am_member_webhook(struct am_attempt *sending, struct json_writer *json, const char *version,
                       size_t max_alerts, size_t shown)
{
    size_t count = sending->notification->count;
    size_t cut = max_alerts > 0 && count > max_alerts ? count - max_alerts : 0;
    struct tvalue data;

    if (cut > 0) {
        sending->notice.count = max_alerts;
        sending->data = template_notice_value(&sending->arena, &sending->notice);
    }
    data = shown > 0 ? template_notice_cut(&sending->arena, &sending->data, shown) : sending->data;
    /* The data's members, without the brace behind them. */
    template_json(json->buf, &data);
    if (!json->buf->failed) {
        json->buf->len--;
    }
    json->need_comma = true;
    am_member(json, "version", str_from(version));
    am_member(json, "groupKey", sending->notification->group_key);
    json_write_pair_u64(json, STR("truncatedAlerts"), cut);
    json_write_object_end(json);
}
