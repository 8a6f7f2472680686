/* template_notice_priv: what data and functions of notifications share. */
#pragma once

#include "template/template_notice.h"

extern const struct template_function_row template_notice_functions[];
extern const size_t template_notice_function_count;

/* Values of their fields' values: seven of an alert, nine of the data, in the order in which
 * Alertmanager declares them; the third of the data is a list of alerts. */
struct tvalue template_notice_alert_of(struct arena *arena, const struct tvalue *values);
struct tvalue template_notice_data_of(struct arena *arena, const struct tvalue *values);
struct tvalue template_notice_kv(struct arena *arena, struct labels labels);

/* template_is_strings says whether a value is Go's []string; what list makes is none. */
bool template_is_strings(const struct tvalue *value);

/* template_join appends the strings of a list. */
void template_join(struct buf *buf, str separator, const struct tvalue_list *list);

/* The default templates, in pieces; NULL at the end. */
extern const char *const template_notice_texts[];
extern const char *const template_notice_emails[];
