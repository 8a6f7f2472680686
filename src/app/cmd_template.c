/* barograph template render: what a template makes of a notification's data, as amtool does. */
#include <stdio.h>

#include "alerting/am_templates.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "sys/clock.h"

enum render_flag { RENDER_GLOB, RENDER_TEXT, RENDER_TYPE, RENDER_DATA };

static const struct flag rows[] = {
    {"template.glob", FLAG_LIST, "", FLAG_RUN, "files of templates; may be given several times"},
    {"template.text", FLAG_TEXT, "", FLAG_RUN,
     "what is rendered: {{ template \"slack.default.text\" . }}"},
    {"template.type", FLAG_TEXT, "text", FLAG_RUN, "text or html"},
    {"template.data", FLAG_TEXT, "", FLAG_RUN,
     "a file with the data as JSON, as a webhook receives it; an example when not given"},
};
static const char summary[] = "Renders a template for notifications with Alertmanager's functions, "
                              "data and default templates.\n"
                              "Exit status: 0 good, 1 a fault, 2 wrong usage.\n\n"
                              "  barograph template render --template.glob='templates/*.tmpl' \\\n"
                              "    --template.text='{{ template \"slack.default.title\" . }}'";

static int load(struct template_set *set, const struct flags *flags, struct baro_error *err)
{
    int result = 0;

    for (size_t i = 0; i < flags->list_count && result >= 0; i++) {
        result = flags->list_row[i] == RENDER_GLOB ? am_templates_load(set, flags->list[i], err)
                                                   : result;
    }
    return result;
}

static int render(const struct flags *flags, struct buf *out, struct baro_error *err)
{
    CLEANUP(template_set_freep) struct template_set *set = template_notice_set();
    const struct template_notice notice = {.now = clock_now(clock_real()),
                                           .zone = am_templates_zone};
    struct arena arena = {0};
    struct buf json = {0};
    struct tvalue data = tvalue_none();
    str file = flags_text(flags, RENDER_DATA);
    int result = load(set, flags, err);

    if (result >= 0 && file.len > 0) {
        result = file_read(file.ptr, &json, err);
    } else {
        buf_c(&json, template_notice_example);
    }
    if (result >= 0) {
        result = template_notice_read(&arena, buf_view(&json), &data, err);
    }
    if (result >= 0) {
        result = template_notice_run(set, &notice, data, &arena, flags_text(flags, RENDER_TEXT),
                                     str_is(flags_text(flags, RENDER_TYPE), "html"), out, err);
    }
    buf_done(&json);
    arena_done(&arena);
    return result;
}

int command_template_render(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    struct buf out = {0};
    str type;
    int status = 0;

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    type = flags_text(&flags, RENDER_TYPE);
    if (flags.help || flags_text(&flags, RENDER_TEXT).len == 0 || flags.arg_count > 0 ||
        (!str_is(type, "text") && !str_is(type, "html"))) {
        return flags_usage(&flags, "template render --template.text=TEXT [FLAGS]", summary);
    }
    if (render(&flags, &out, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        status = 1;
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    return status;
}
