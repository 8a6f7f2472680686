#include "app/demo_config.h"

#include "base/attr.h"

static const struct demo_target *target_of(str line, const struct demo_target *targets,
                                           size_t count)
{
    str name = str_trim(str_from_index(line, STR("  - job_name:").len));

    for (size_t i = 0; i < count; i++) {
        if (str_is(name, targets[i].job) && targets[i].port != 0) {
            return &targets[i];
        }
    }
    return NULL;
}

/* "- targets: ['localhost:5000']" with another port; a job of the demo has one target. */
static void line_put(struct buf *out, str line, const struct demo_target *target)
{
    size_t at = str_index(line, STR("'localhost:"));
    str rest = at == SIZE_MAX ? line : str_from_index(line, at + 1);
    size_t quote = str_index_char(rest, '\'');

    if (at == SIZE_MAX || quote == SIZE_MAX) {
        buf_str(out, line);
    } else {
        buf_str(out, str_slice(line, 0, at));
        buf_printf(out, "'127.0.0.1:%u'", target->port);
        buf_str(out, str_from_index(rest, quote + 1));
    }
    buf_char(out, '\n');
}

static bool is_left_out(str line, const struct demo_target *target)
{
    str text = str_trim(line);

    return text.len == 0 || str_has_prefix(text, STR("#")) ||
           str_has_prefix(text, STR("scrape_interval:")) ||
           (target->path != NULL && str_has_prefix(text, STR("metrics_path:")));
}

size_t demo_scrape_jobs(struct buf *out, str yaml, const struct demo_target *targets, size_t count)
{
    const struct demo_target *target = NULL;
    size_t kept = 0;

    for (str line; str_split_next(&yaml, '\n', &line);) {
        if (str_has_prefix(line, STR("  - job_name:"))) {
            target = target_of(line, targets, count);
            kept += target != NULL ? 1 : 0;
            if (target != NULL) {
                buf_str(out, line);
                buf_char(out, '\n');
            }
            if (target != NULL && target->path != NULL) {
                buf_printf(out, "    metrics_path: %s\n", target->path);
            }
        } else if (target != NULL && !is_left_out(line, target)) {
            line_put(out, line, target);
        }
    }
    return kept;
}

void demo_config(struct buf *out, const char *interval, uint16_t own_port, const char *const *rules,
                 size_t rule_count)
{
    buf_printf(out,
               "# Made by barograph demo at each start.\nglobal:\n  scrape_interval: %s\n  "
               "evaluation_interval: %s\n",
               interval, interval);
    buf_c(out, "scrape_config_files: ['scrape/*.yml']\n");
    buf_printf(out,
               "scrape_configs:\n  - job_name: barograph\n    static_configs:\n      - targets: "
               "['127.0.0.1:%u']\n",
               own_port);
    if (rule_count > 0) {
        buf_c(out, "rule_files:\n");
    }
    for (size_t i = 0; i < rule_count; i++) {
        buf_printf(out, "  - '%s/*.yml'\n", rules[i]);
    }
}
