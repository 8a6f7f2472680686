/*
 * template_notice: the functions and the data that Alertmanager 0.34 gives to the templates of
 * notifications, and its default templates. Reference: Alertmanager's documentation, "Notification
 * Template Reference", and its template/.
 */
#pragma once

#include "base/dur.h"
#include "model/labels.h"
#include "template/template.h"

struct template_notice_alert {
    struct labels labels;
    struct labels annotations;
    ts starts_at;
    ts ends_at; /* 0 = it has none, while it fires */
    str generator_url;
    uint64_t fingerprint;
    bool is_resolved;
};

/* What the dot of a notification's template is made of. Borrowed for the call. */
struct template_notice {
    str receiver;
    str external_url;
    str reason;
    const struct template_notice_alert *alerts;
    size_t count;
    struct labels group_labels;
    struct labels route_labels;                /* rendered, or templates when there is a resolver */
    struct template_notice_resolver *resolver; /* private to template_notice_route_labels */
    ts now;
    /* The zone's hours at a time, for the function tz; NULL = UTC alone is known. */
    int (*zone)(str name, int64_t seconds, int32_t *ret_offset, char ret_abbreviation[16],
                struct baro_error *err);
    const _Atomic bool *cancel;
};

/* template_notice_set makes a set with the functions and the default templates. */
struct template_set *template_notice_set(void);

/* template_notice_value is the data: .Receiver, .Status, .Alerts and the rest. */
struct tvalue template_notice_value(struct arena *arena, const struct template_notice *notice);

/* template_notice_read makes the data of a JSON text, as webhooks receive it and amtool reads it.
 * Fails with BARO_EPARSE. */
int template_notice_read(struct arena *arena, str json, struct tvalue *ret, struct baro_error *err);

/* Data of two alerts, one of which is over, to try templates with. */
extern const char template_notice_example[];

/*
 * template_notice_route_labels renders notice->route_labels, templates which may ask for each other
 * by `routeLabels`, into the arena. A label that fails is left out. Returns how many failed; err is
 * the first one's.
 */
size_t template_notice_route_labels(const struct template_set *set,
                                    const struct template_notice *notice, struct arena *arena,
                                    struct labels *ret, struct baro_error *err);

/* template_notice_cut is the data with its first `count` alerts alone; the rest stays. */
struct tvalue template_notice_cut(struct arena *arena, const struct tvalue *data, size_t count);

/* template_notice_status is "firing" when any alert is, else "resolved". */
str template_notice_status(const struct template_notice *notice);

/* template_notice_common are the pairs that all alerts have. */
struct labels template_notice_common(struct arena *arena, const struct template_notice *notice,
                                     bool annotations);

/*
 * template_notice_run appends what a text makes of the data, as Alertmanager's ExecuteTextString;
 * is_html: with html/template's escaping, as ExecuteHTMLString. `set` may be used by any number of
 * threads. On failure out is as before.
 */
int template_notice_run(const struct template_set *set, const struct template_notice *notice,
                        struct tvalue data, struct arena *arena, str text, bool is_html,
                        struct buf *out, struct baro_error *err);
