/*
 * dxf: drawings as AutoCAD exchanges them, in their text form: pairs of lines, a group code and a
 * value. Code 0 begins an entity, 8 names its layer, 10/20/30 and 11/21/31 are points, 1 and 3 are
 * text, 2 and 70 say what a table holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"

enum {
    LINE_BYTES_MAX = 65536, /* the format's own limit is 2,049 characters */
    CODE_MIN = -5,
    CODE_MAX = 1071, /* of the reference */
};

/* One pair, and where it stands. */
struct pair {
    int code;
    const char *value;
    size_t len;
    size_t line;
};

struct reader {
    const char *at;
    const char *end;
    size_t line;
    struct svc_error *err;
};

struct drawing {
    struct doc *doc;
    json_t *entities; /* counters by type */
    json_t *layers;   /* counters by layer */
    json_t *layer_names;
    json_t *blocks;
    char section[16];
    char entity[32];
    char header[32]; /* the variable whose values follow */
    char table[16];
    double point[2][3];
    bool has_point[2];
    struct doc_box box;
    size_t entity_count;
    size_t text_count;
};

/* One line without its end and the blanks around it. 1, 0 at the end, or a negative errno. */
static int line_read(struct reader *reader, const char **ret_text, size_t *ret_len)
{
    const char *end;
    size_t len;

    if (reader->at >= reader->end) {
        return 0;
    }
    reader->line++;
    end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    len = (size_t)((end != NULL ? end : reader->end) - reader->at);
    if (len > LINE_BYTES_MAX) {
        return svc_fail(reader->err, -EINVAL, "dxf: line %zu: longer than %d bytes", reader->line,
                        LINE_BYTES_MAX);
    }
    *ret_text = reader->at;
    reader->at = end != NULL ? end + 1 : reader->end;
    while (len > 0 && ((*ret_text)[len - 1] == '\r' || (*ret_text)[len - 1] == ' ')) {
        len--;
    }
    *ret_len = len;
    return 1;
}

static int pair_read(struct reader *reader, struct pair *ret)
{
    const char *code;
    size_t len;
    double value = 0;
    int r = line_read(reader, &code, &len);

    if (r <= 0) {
        return r;
    }
    if (!doc_number(code, len, &value) || value < CODE_MIN || value > CODE_MAX ||
        value != (int)value) {
        return svc_fail(reader->err, -EINVAL,
                        "dxf: line %zu: not a group code (%d to %d): is this a text DXF?",
                        reader->line, CODE_MIN, CODE_MAX);
    }
    ret->code = (int)value;
    ret->line = reader->line;
    r = line_read(reader, &ret->value, &ret->len);
    return r != 0 ? r
                  : svc_fail(reader->err, -EINVAL, "dxf: line %zu: ends behind a group code",
                             reader->line);
}

static void keep(char *to, size_t size, const struct pair *pair)
{
    (void)snprintf(to, size, "%.*s", (int)(pair->len < size ? pair->len : size - 1), pair->value);
}

static bool is(const struct pair *pair, const char *text)
{
    return strlen(text) == pair->len && memcmp(pair->value, text, pair->len) == 0;
}

/* The points of the entity or vertex before go into the bounds. */
static void points_flush(struct drawing *drawing)
{
    for (int i = 0; i < 2; i++) {
        if (drawing->has_point[i]) {
            doc_box_add(&drawing->box, drawing->point[i]);
        }
        drawing->has_point[i] = false;
        memset(drawing->point[i], 0, sizeof(drawing->point[i]));
    }
}

static int point_take(struct drawing *drawing, const struct pair *pair, struct svc_error *err)
{
    int which = pair->code % 10;
    int axis = pair->code / 10 - 1;
    double value = 0;

    if (!doc_number(pair->value, pair->len, &value)) {
        return svc_fail(err, -EINVAL, "dxf: line %zu: a coordinate that is no number",
                        pair->line + 1);
    }
    if (axis == 0 && drawing->has_point[which]) {
        points_flush(drawing); /* the next vertex of a polyline */
    }
    drawing->point[which][axis] = value;
    drawing->has_point[which] = true;
    return 0;
}

static bool is_point_code(int code)
{
    return code == 10 || code == 20 || code == 30 || code == 11 || code == 21 || code == 31;
}

static bool is_text_entity(const char *entity)
{
    return strcmp(entity, "TEXT") == 0 || strcmp(entity, "MTEXT") == 0 ||
           strcmp(entity, "ATTRIB") == 0 || strcmp(entity, "ATTDEF") == 0 ||
           strcmp(entity, "DIMENSION") == 0;
}

static int entity_take(struct drawing *drawing, const struct pair *pair, struct svc_error *err)
{
    if (pair->code == 0) {
        points_flush(drawing);
        keep(drawing->entity, sizeof(drawing->entity), pair);
        doc_count(drawing->doc, drawing->entities, pair->value, pair->len);
        drawing->entity_count++;
    } else if (pair->code == 8) {
        doc_count(drawing->doc, drawing->layers, pair->value, pair->len);
    } else if (is_point_code(pair->code)) {
        return point_take(drawing, pair, err);
    } else if ((pair->code == 1 || pair->code == 3) && is_text_entity(drawing->entity)) {
        doc_text_put(drawing->doc, pair->value, pair->len);
        drawing->text_count++;
    }
    return 0;
}

static void header_take(struct drawing *drawing, const struct pair *pair)
{
    double value = 0;

    if (pair->code == 9) {
        keep(drawing->header, sizeof(drawing->header), pair);
    } else if (strcmp(drawing->header, "$ACADVER") == 0 && pair->code == 1) {
        char text[2 * 32 + 1];

        (void)doc_utf8(pair->value, pair->len < 32 ? pair->len : 32, text);
        json_object_set_new(drawing->doc->summary, "version", json_string(text));
    } else if (strcmp(drawing->header, "$INSUNITS") == 0 &&
               doc_number(pair->value, pair->len, &value)) {
        static const char *const units[] = {"unitless",    "inches",      "feet",  "miles",
                                            "millimetres", "centimetres", "metres"};
        size_t count = sizeof(units) / sizeof(units[0]);

        json_object_set_new(
            drawing->doc->summary, "units",
            json_string(value >= 0 && value < (double)count ? units[(size_t)value] : "other"));
    }
}

static void table_take(struct drawing *drawing, const struct pair *pair)
{
    if (pair->code == 0) {
        keep(drawing->table, sizeof(drawing->table), pair);
    } else if (pair->code == 2 && strcmp(drawing->table, "LAYER") == 0) {
        doc_name(drawing->doc, drawing->layer_names, pair->value, pair->len);
    }
}

static void block_take(struct drawing *drawing, const struct pair *pair)
{
    if (pair->code == 0) {
        keep(drawing->table, sizeof(drawing->table), pair);
    } else if (pair->code == 2 && strcmp(drawing->table, "BLOCK") == 0) {
        doc_name(drawing->doc, drawing->blocks, pair->value, pair->len);
    }
}

static int pair_take(struct drawing *drawing, const struct pair *pair, bool *section_next,
                     struct svc_error *err)
{
    if (*section_next && pair->code == 2) {
        keep(drawing->section, sizeof(drawing->section), pair);
        *section_next = false;
    } else if (pair->code == 0 && is(pair, "SECTION")) {
        *section_next = true;
    } else if (pair->code == 0 && is(pair, "ENDSEC")) {
        points_flush(drawing);
        drawing->section[0] = '\0';
    } else if (strcmp(drawing->section, "ENTITIES") == 0) {
        return entity_take(drawing, pair, err);
    } else if (strcmp(drawing->section, "HEADER") == 0) {
        header_take(drawing, pair);
    } else if (strcmp(drawing->section, "TABLES") == 0) {
        table_take(drawing, pair);
    } else if (strcmp(drawing->section, "BLOCKS") == 0) {
        block_take(drawing, pair);
    }
    return 0;
}

static int drawing_read(struct drawing *drawing, struct reader *reader)
{
    struct pair pair = {0};
    bool section_next = false;
    bool seen_section = false;
    bool seen_end = false;
    int r;

    while (!seen_end && (r = pair_read(reader, &pair)) > 0) {
        seen_section = seen_section || (pair.code == 0 && is(&pair, "SECTION"));
        seen_end = pair.code == 0 && is(&pair, "EOF");
        r = seen_end ? 0 : pair_take(drawing, &pair, &section_next, reader->err);
        if (r < 0) {
            return r;
        }
    }
    if (!seen_end && r < 0) {
        return r;
    }
    if (!seen_section) {
        return svc_fail(reader->err, -EINVAL, "dxf: no SECTION in it: not a drawing");
    }
    return seen_end ? 0
                    : svc_fail(reader->err, -EINVAL, "dxf: line %zu: no EOF: the file is cut off",
                               reader->line);
}

int dxf_parse(const uint8_t *data, size_t len, struct doc *doc, struct svc_error *err)
{
    static const char binary[] = "AutoCAD Binary DXF";
    struct reader reader = {.at = (const char *)data, .end = (const char *)data + len, .err = err};
    struct drawing drawing = {.doc = doc, .box = doc_box_empty()};
    int r;

    if (len >= sizeof(binary) - 1 && memcmp(data, binary, sizeof(binary) - 1) == 0) {
        return svc_fail(err, -EINVAL, "dxf: a binary DXF: save it as text DXF");
    }
    drawing.entities = json_object();
    drawing.layers = json_object();
    drawing.layer_names = json_array();
    drawing.blocks = json_array();
    r = drawing_read(&drawing, &reader);
    json_object_set_new(doc->summary, "entities", drawing.entities);
    json_object_set_new(doc->summary, "layers", drawing.layers);
    json_object_set_new(doc->summary, "layer_names", drawing.layer_names);
    json_object_set_new(doc->summary, "blocks", drawing.blocks);
    json_object_set_new(doc->summary, "entity_count",
                        json_integer((json_int_t)drawing.entity_count));
    json_object_set_new(doc->summary, "texts", json_integer((json_int_t)drawing.text_count));
    json_object_set_new(doc->summary, "bounds", doc_box_json(&drawing.box));
    return r;
}
