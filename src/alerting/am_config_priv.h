/* am_config_priv: what the files that read alertmanager.yml share. */
#pragma once

#include "alerting/am_config.h"
#include "conf/option.h"
#include "conf/prom_config_priv.h"

extern const struct option_custom am_node_custom; /* keeps the node: const struct yaml_node * */
extern const struct option_custom am_url_custom;  /* an http URL: str */
extern const struct option_custom am_secret_url_custom;
extern const struct option_custom am_http_custom;     /* http_config: const struct prom_http * */
extern const struct option_custom am_hostport_custom; /* smarthost: str */

/* The kinds, sorted by name. */
extern const struct am_kind am_kinds[];
extern const size_t am_kind_count;

/* Rows that every kind over HTTP has. */
#define AM_COMMON_ROWS(resolved)                                                                   \
    ROW("send_resolved", BOOL, DEFAULT(resolved)), ROW("http_config", CUSTOM, OF(am_http_custom))

/* am_only_one and am_need_one: of two options, as Alertmanager words it. */
void am_only_one(struct option_reader *rd, const struct option_type *type, const void *object,
                 const struct yaml_node *node, const char *a, const char *b);
void am_need_one(struct option_reader *rd, const struct option_type *type, const void *object,
                 const struct yaml_node *node, const char *a, const char *b);

/* am_inherit copies a text or secret from global when the option is not set; false when neither is.
 */
bool am_inherit(const struct option_type *type, void *options, const char *key, const void *global,
                const char *global_key);

/* am_inherit_pair: of NAME and NAME_file, neither being set, both come from global. */
bool am_inherit_pair(const struct option_type *type, void *options, const char *key,
                     const char *file_key, const void *global, const char *global_key,
                     const char *global_file_key);

typedef void am_finish(struct option_reader *rd, const void *global, void *options,
                       const struct yaml_node *node);

/* Tables of am_kinds_chat.c and am_kinds_page.c, and what completes them. */
extern const struct option_type am_discord_type, am_mattermost_type, am_msteams_type,
    am_msteamsv2_type, am_rocketchat_type, am_slack_type, am_telegram_type, am_webex_type,
    am_wechat_type;
extern const struct option_type am_email_type, am_incidentio_type, am_jira_type, am_opsgenie_type,
    am_pagerduty_type, am_pushover_type, am_sns_type, am_victorops_type, am_webhook_type;
am_finish am_mattermost_finish, am_rocketchat_finish, am_slack_finish, am_telegram_finish,
    am_webex_finish, am_wechat_finish;
am_finish am_email_finish, am_jira_finish, am_opsgenie_finish, am_pagerduty_finish,
    am_victorops_finish;

/* event_recorder and its outputs, in am_config_events.c. */
extern const struct option_type am_events_type, am_event_file_type, am_event_webhook_type,
    am_event_kafka_type;

/* am_key_is_set says whether a mapping has the key with a value that is not null. */
bool am_key_is_set(const struct yaml_node *node, const char *key);

/* The items of a list; a node that is no list is a fault, and more than `most` items are. */
size_t am_list_count(struct option_reader *rd, const struct yaml_node *list, size_t most,
                     const char *what);

/* am_route_read makes the tree of a mapping and its sub-routes; NULL after a fault of its shape. */
struct am_route *am_route_read(struct option_reader *rd, const struct yaml_node *node,
                               struct am_route *parent);

/* am_route_check_root, and then every route against the names that there are. */
void am_route_check_root(struct option_reader *rd, const struct am_route *root);

/* am_matchers_read appends `matchers: [...]`, `match` and `match_re` of a mapping under these keys.
 */
void am_matchers_read(struct option_reader *rd, const struct yaml_node *node, const char *list_key,
                      const char *match_key, const char *match_re_key, am_matchers *ret);

/* am_interval_specs_read reads a list of times alone: specs and count. */
void am_interval_specs_read(struct option_reader *rd, const struct yaml_node *list,
                            struct am_interval *ret);

/* am_interval_read reads one named interval. */
bool am_interval_read(struct option_reader *rd, const struct yaml_node *node,
                      struct am_interval *ret);
