/* gen_c_priv: what the parts of the C generator share. */
#pragma once

#include "base/arena.h"
#include "catalog/gen_c.h"

/* The width of a line, of .clang-format. */
enum { GEN_C_COLUMNS = 100 };

/* Handles of closed label combinations are kept in tables of at most this many cells (32 KiB); a
 * metric with more combinations looks them up by value. */
enum { GEN_C_CELLS_MAX = 4096 };

/* Series whose labels are all closed exist from registration on when there are at most so many. */
enum { GEN_C_EAGER_MAX = 64 };

enum { GEN_C_EXTRAS_MAX = 3, GEN_C_PARAMS_MAX = CATALOG_LABELS_MAX + GEN_C_EXTRAS_MAX };

/* A function of a metric that updates one series: baro_TYPE_NAME(handle, args...). */
struct gen_c_op {
    const char *name;
    const char *params[GEN_C_EXTRAS_MAX]; /* after the labels; "@" stands for the type of states */
    const char *args[GEN_C_EXTRAS_MAX];
};

/* gen_c_ops returns the operations of a type; the last one has no name. */
const struct gen_c_op *gen_c_ops(enum catalog_type type);

/* What every type has beside: "handle" (not info), "family", "remove" (with labels). */
bool gen_c_has_handle(const struct catalog_metric *metric);

struct gen_c {
    const struct catalog *catalog;
    struct buf *out;
    struct arena arena; /* for names */
};

/* A function's head. */
struct gen_c_head {
    str type; /* with what stands between it and the name: "void ", "const char *" */
    str name;
    str params[GEN_C_PARAMS_MAX];
    size_t param_count;
};

/* Heads of the functions of a metric, of a set ("text", "from", "at") and of a helper. */
struct gen_c_head gen_c_op_head(struct gen_c *gen, const struct catalog_metric *metric,
                                const struct gen_c_op *op);
struct gen_c_head gen_c_metric_head(struct gen_c *gen, const struct catalog_metric *metric,
                                    const char *type, const char *name, bool labels);
struct gen_c_head gen_c_set_head(struct gen_c *gen, const struct catalog_set *set,
                                 const char *name);
struct gen_c_head gen_c_helper_head(struct gen_c *gen, const struct catalog_helper *helper);

/* "counter", as in baro_counter. */
const char *gen_c_type(enum catalog_type type);

/* A label as a parameter's name, which differs from those of the operations. */
str gen_c_label(struct gen_c *gen, const struct catalog_label *label);

/* ---- gen_c_write.c: text in the shape that clang-format gives it ---- */

/* gen_c_prototype appends "TYPE NAME(PARAMS);", gen_c_definition the same with " {" on the next
 * line. */
void gen_c_prototype(struct gen_c *gen, const struct gen_c_head *head);
void gen_c_definition(struct gen_c *gen, const struct gen_c_head *head);

/* gen_c_list appends `before` at an indent, then items with ", " or " && " between, then `after`;
 * lines that grow too long are broken between items. */
void gen_c_list(struct gen_c *gen, size_t indent, str before, const str *items, size_t count,
                const char *separator, const char *after);

/* gen_c_assign appends "BEFORE = CALL(ARGS);" at an indent of 4. */
void gen_c_assign(struct gen_c *gen, str before, str call, const str *args, size_t count);

/* gen_c_values appends a declaration of the array of label texts that libbaro takes. */
void gen_c_values(struct gen_c *gen, const str *items, size_t count);

/* gen_c_comment appends a comment of its own lines. */
void gen_c_comment(struct gen_c *gen, str text);

/* gen_c_string is a C string literal. */
str gen_c_string(struct gen_c *gen, str text);

/* gen_c_number is a double as a C constant. */
str gen_c_number(struct gen_c *gen, double value);

/* ---- gen_c_helper.c ---- */

/* gen_c_helpers appends the bodies of all helpers, with what they need. */
void gen_c_helpers(struct gen_c *gen);
