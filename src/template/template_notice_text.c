/*
 * The default templates of notifications. Their names are what configurations and users' templates
 * refer to, and their output is that of Alertmanager 0.34's default.tmpl; the text is our own. What
 * begins with "barograph." is for this file alone.
 */
#include "template/template_notice_priv.h"

#define DEFINE(name, body) "{{ define \"" name "\" }}" body "{{ end }}"
#define USE(name)          "{{ template \"" name "\" . }}"

#define SUBJECT(name) DEFINE(name, USE("__subject"))
#define SENDER(name)  DEFINE(name, USE("__alertmanager"))
#define LINK(name)    DEFINE(name, USE("__alertmanagerURL"))
#define EMPTY(name)   DEFINE(name, "")
#define COLOR(name)   DEFINE(name, "{{ if .Alerts.Firing }}danger{{ else }}good{{ end }}")

#define ANNOTATIONS "{{ .CommonAnnotations.Values.Join \" \" }}"

/* A heading and the alerts below it, for those that fire and those that do not any more. */
#define SECTIONS(before, heading, list, behind)                                                    \
    "{{ with .Alerts.Firing }}" before heading "Alerts Firing:\n" USE(list) behind                 \
        "{{ end }}\n"                                                                              \
        "{{ with .Alerts.Resolved }}" before heading "Alerts Resolved:\n" USE(list) behind         \
        "{{ end }}"

const char *const template_notice_texts[] = {
    /* What all are made of. */
    DEFINE("__alertmanager", "Alertmanager"),
    DEFINE("__alertmanagerURL", "{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}"),
    DEFINE("__subject",
           "[{{ toUpper .Status }}{{ with .Alerts.Firing }}:{{ len . }}{{ end }}] "
           "{{ .GroupLabels.Values.Join \" \" }} "
           "{{ if gt (len .CommonLabels) (len .GroupLabels) }}"
           "({{ (.CommonLabels.Remove .GroupLabels.Names).Values.Join \" \" }}){{ end }}"),
    EMPTY("__description"),
    DEFINE("barograph.pairs", "{{ range .SortedPairs }} - {{ .Name }} = {{ .Value }}\n{{ end }}"),
    DEFINE("__text_alert_list", "{{ range . }}Labels:\n{{ template \"barograph.pairs\" .Labels }}"
                                "Annotations:\n{{ template \"barograph.pairs\" .Annotations }}"
                                "Source: {{ .GeneratorURL }}\n{{ end }}"),
    DEFINE("barograph.markdown",
           "{{ range .SortedPairs }}  - {{ .Name }} = {{ .Value }}\n{{ end }}\n"),
    DEFINE("__text_alert_list_markdown",
           "{{ range . }}\nLabels:\n{{ template \"barograph.markdown\" .Labels }}"
           "Annotations:\n{{ template \"barograph.markdown\" .Annotations }}"
           "Source: {{ .GeneratorURL }}\n{{ end }}\n"),
    DEFINE("barograph.tight", "\n" SECTIONS("", "", "__text_alert_list", "")),
    DEFINE("barograph.plain", "\n" SECTIONS("\n", "", "__text_alert_list", "\n") "\n"),
    DEFINE("barograph.headed", "\n" SECTIONS("\n", "# ", "__text_alert_list_markdown", "\n") "\n"),

    SUBJECT("slack.default.title"),
    SENDER("slack.default.username"),
    LINK("slack.default.titlelink"),
    DEFINE("slack.default.fallback",
           USE("slack.default.title") " | " USE("slack.default.titlelink")),
    COLOR("slack.default.color"),
    EMPTY("slack.default.callbackid"),
    EMPTY("slack.default.pretext"),
    EMPTY("slack.default.iconemoji"),
    EMPTY("slack.default.iconurl"),
    EMPTY("slack.default.text"),
    EMPTY("slack.default.footer"),

    SUBJECT("pagerduty.default.description"),
    SENDER("pagerduty.default.client"),
    LINK("pagerduty.default.clientURL"),
    DEFINE("pagerduty.default.instances", USE("__text_alert_list")),

    SUBJECT("opsgenie.default.message"),
    LINK("opsgenie.default.source"),
    DEFINE("opsgenie.default.description", ANNOTATIONS USE("barograph.tight")),

    SUBJECT("victorops.default.entity_display_name"),
    SENDER("victorops.default.monitoring_tool"),
    DEFINE("victorops.default.state_message", ANNOTATIONS USE("barograph.tight")),

    DEFINE("wechat.default.message",
           USE("__subject") "\n" ANNOTATIONS USE("barograph.tight") "\nAlertmanagerUrl:\n" USE(
               "__alertmanagerURL")),
    EMPTY("wechat.default.to_user"),
    EMPTY("wechat.default.to_party"),
    EMPTY("wechat.default.to_tag"),
    EMPTY("wechat.default.agent_id"),

    SUBJECT("pushover.default.title"),
    LINK("pushover.default.url"),
    DEFINE("pushover.default.message", ANNOTATIONS USE("barograph.plain")),
    SUBJECT("sns.default.subject"),
    DEFINE("sns.default.message", ANNOTATIONS USE("barograph.plain")),
    DEFINE("webex.default.message", ANNOTATIONS USE("barograph.plain")),
    DEFINE("telegram.default.message", USE("barograph.plain")),

    SUBJECT("discord.default.title"),
    EMPTY("discord.default.content"),
    DEFINE("discord.default.message", USE("barograph.plain")),

    SUBJECT("msteams.default.summary"),
    SUBJECT("msteams.default.title"),
    DEFINE("msteams.default.text", USE("barograph.headed")),
    SUBJECT("msteamsv2.default.title"),
    DEFINE("msteamsv2.default.text", USE("barograph.headed")),

    SUBJECT("jira.default.summary"),
    DEFINE("jira.default.description", USE("barograph.headed")),
    /* The gravest severity of the alerts that fire; of the others when none of those has one. */
    DEFINE(
        "jira.default.priority",
        "{{ $firing := \"\" }}{{ $over := \"\" }}"
        "{{ range .Alerts }}{{ $now := $over }}"
        "{{ if eq .Status \"firing\" }}{{ $now = $firing }}{{ end }}"
        "{{ if eq .Labels.severity \"critical\" }}{{ $now = \"High\" }}"
        "{{ else if eq $now \"High\" }}"
        "{{ else if eq .Labels.severity \"warning\" }}{{ $now = \"Medium\" }}"
        "{{ else if and (eq .Labels.severity \"info\") (not $now) }}{{ $now = \"Low\" }}{{ end }}"
        "{{ if eq .Status \"firing\" }}{{ $firing = $now }}{{ else }}{{ $over = $now }}{{ end }}"
        "{{ end }}{{ or $firing $over }}"),

    SUBJECT("rocketchat.default.title"),
    SENDER("rocketchat.default.alias"),
    LINK("rocketchat.default.titlelink"),
    EMPTY("rocketchat.default.emoji"),
    EMPTY("rocketchat.default.iconurl"),
    EMPTY("rocketchat.default.text"),

    SENDER("mattermost.default.username"),
    SUBJECT("mattermost.default.title"),
    LINK("mattermost.default.titlelink"),
    COLOR("mattermost.default.color"),
    DEFINE("mattermost.default.fallback",
           USE("mattermost.default.title") " | " USE("mattermost.default.titlelink")),
    DEFINE("mattermost.default.text", USE("barograph.headed")),
    SUBJECT("email.default.subject"),
    NULL,
};
