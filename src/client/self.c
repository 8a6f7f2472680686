#include "client/self.h"

#include <stdatomic.h>

#include "base/num.h"

static const struct {
    const char *family;
    enum self_type type;
    const char *suffix; /* of the series' name: _count and _sum of summaries */
    const char *labels; /* as they stand between the braces */
    const char *help;
} rows[] = {
#define SELF(id, family, type, suffix, labels, help) {family, SELF_##type, suffix, labels, help},
#include "client/self.def"
#undef SELF
};

static _Atomic double values[SELF_ID_COUNT];

void self_add(enum self_id id, double amount)
{
    double seen = atomic_load_explicit(&values[id], memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(&values[id], &seen, seen + amount,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void self_set(enum self_id id, double value)
{
    atomic_store_explicit(&values[id], value, memory_order_relaxed);
}

double self_get(enum self_id id)
{
    return atomic_load_explicit(&values[id], memory_order_relaxed);
}

void self_head(struct buf *buf, const char *name, const char *type, const char *help)
{
    buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void self_value(struct buf *buf, const char *name, const char *labels, double v)
{
    buf_printf(buf, "%s%s ", name, labels);
    buf_double(buf, v, NUM_G);
    buf_char(buf, '\n');
}

void self_one(struct buf *buf, const char *name, const char *type, const char *help, double v)
{
    self_head(buf, name, type, help);
    self_value(buf, name, "", v);
}

void self_write(struct buf *buf)
{
    static const char *const types[] = {
        [SELF_COUNTER] = "counter",
        [SELF_GAUGE] = "gauge",
        [SELF_SUMMARY] = "summary",
    };

    for (size_t i = 0; i < SELF_ID_COUNT; i++) {
        if (i == 0 || strcmp(rows[i].family, rows[i - 1].family) != 0) {
            self_head(buf, rows[i].family, types[rows[i].type], rows[i].help);
        }
        buf_printf(buf, "%s%s", rows[i].family, rows[i].suffix);
        if (rows[i].labels[0] != '\0') {
            buf_printf(buf, "{%s}", rows[i].labels);
        }
        buf_char(buf, ' ');
        buf_double(buf, self_get((enum self_id)i), NUM_G);
        buf_char(buf, '\n');
    }
}
