#include <stdio.h>
#include <string.h>

#include "conf/prom_discovery_priv.h"

/* kubernetes_sd_configs. Source: Prometheus, discovery/kubernetes/kubernetes.go. */

static const char *const kubernetes_roles[] = {"node",      "pod",           "service",
                                               "endpoints", "endpointslice", "ingress"};
static void unknown_kubernetes_role(struct option_reader *rd, const struct yaml_node *node,
                                    str word)
{
    option_fault(rd, node, "unknown Kubernetes SD role \"%.*s\"", STR_ARG(word));
}
WORDS(kubernetes_role_words, kubernetes_roles, unknown_kubernetes_role, false);

static const struct option selector_rows[] = {
    ROW("role", WORD, OF(kubernetes_role_words)),
    ROW("label", STR),
    ROW("field", STR),
};
static const struct option_type selector_type = SLOTS("selector", selector_rows, NULL);

static const struct option namespaces_rows[] = {
    ROW("own_namespace", BOOL, SHOWN),
    ROW("names", STRS, SHOWN),
};
static const struct option_type namespaces_type =
    SLOTS("kubernetes.plain (namespaces)", namespaces_rows, NULL);

static const struct option attach_rows[] = {
    ROW("node", BOOL, SHOWN),
    ROW("namespace", BOOL, SHOWN),
};
static const struct option_type attach_type = SLOTS("attach_metadata", attach_rows, NULL);

/* The roles whose objects a role looks at, in the order of Prometheus's messages. */
static const char *allowed_selectors(str role)
{
    static const struct {
        const char *role;
        const char *allowed;
    } rows[] = {
        {"pod", "pod, node"},
        {"service", "service"},
        {"endpoints", "pod, service, endpoints"},
        {"endpointslice", "pod, service, endpointslice"},
        {"node", "node"},
        {"ingress", "ingress"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_is(role, rows[i].role)) {
            return rows[i].allowed;
        }
    }
    return "";
}

static bool list_has(str list, str word)
{
    for (str part; str_split_next(&list, ',', &part);) {
        if (str_eq(str_trim(part), word)) {
            return true;
        }
    }
    return false;
}

/* name=value, name==value or name!=value, separated by commas; backslashes escape. */
static void check_field_selector(struct option_reader *rd, const struct yaml_node *node, str text)
{
    str rest = text;

    if (text.len == 0) {
        return;
    }
    for (str term; str_split_next(&rest, ',', &term);) {
        if (term.len > 0 && str_index_char(term, '=') == SIZE_MAX) {
            option_fault(rd, node, "invalid selector: '%.*s'; can't understand '%.*s'",
                         STR_ARG(text), STR_ARG(term));
        }
    }
}

/* Requirements of a label selector: key, !key, key=v, key==v, key!=v, key in (..), key notin (..),
 * key>n, key<n. Checked as far as the characters go. */
static void check_label_selector(struct option_reader *rd, const struct yaml_node *node, str text)
{
    int depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (depth < 0 || depth > 1 || (unsigned char)c < ' ' || strchr("{}[]\"'&|;", c) != NULL) {
            option_fault(rd, node, "unable to parse requirement: found '%c' in \"%.*s\"", c,
                         STR_ARG(text));
            return;
        }
    }
    if (depth != 0) {
        option_fault(rd, node, "unable to parse requirement: found '', expected: ')'");
    }
}

static void check_selectors(struct option_reader *rd, const struct option_list *selectors, str role,
                            const struct yaml_node *node)
{
    const char *allowed = allowed_selectors(role);

    for (size_t i = 0; i < selectors->count; i++) {
        const void *selector = selectors->items[i];
        str of = option_slot_str(&selector_type, selector, "role");
        const struct yaml_node *place = node->items[i];

        for (size_t k = 0; k < i; k++) {
            if (str_eq(option_slot_str(&selector_type, selectors->items[k], "role"), of)) {
                option_fault(rd, place, "duplicated selector role: %.*s", STR_ARG(of));
                break;
            }
        }
        if (!list_has(str_from(allowed), of)) {
            option_fault(rd, place, "%.*s role supports only %s selectors", STR_ARG(role), allowed);
        }
        check_field_selector(rd, place, option_slot_str(&selector_type, selector, "field"));
        check_label_selector(rd, place, option_slot_str(&selector_type, selector, "label"));
    }
}

static void check_kubernetes(struct option_reader *rd, void *object, const struct yaml_node *node);
static const struct option kubernetes_rows[] = {
    ROW("api_server", URL),
    ROW("role", WORD, SHOWN, OF(kubernetes_role_words)),
    ROW("kubeconfig_file", FILE, SHOWN),
    HTTP,
    ROW("namespaces", STRUCT, OF(namespaces_type), .flags = OPTION_VALUE),
    ROW("selectors", LIST, OF(selector_type)),
    ROW("attach_metadata", STRUCT, OF(attach_type), .flags = OPTION_VALUE),
};
const struct option_type prom_kubernetes_type =
    SLOTS("kubernetes_sd_config", kubernetes_rows, check_kubernetes);

enum { KUBERNETES_ROW_SELECTORS = 5 };

static void check_kubernetes(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_http *http = option_slot_ptr(&prom_kubernetes_type, object, "http");
    const void *namespaces = option_slot_ptr(&prom_kubernetes_type, object, "namespaces");
    const struct option_list *selectors =
        (const void *)((const char *)object + KUBERNETES_ROW_SELECTORS * OPTION_SLOT_BYTES);
    str role = option_slot_str(&prom_kubernetes_type, object, "role");
    bool has_server = option_slot_is_set(&prom_kubernetes_type, object, "api_server");
    bool has_file = option_slot_is_set(&prom_kubernetes_type, object, "kubeconfig_file");
    bool own = namespaces != NULL && *(const bool *)namespaces;

    (void)require(rd, node, role.len > 0, "role",
                  "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
    prom_http_check(rd, http, node);
    if (has_server && has_file) {
        option_fault_key(rd, node, "kubeconfig_file",
                         "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
    }
    if (has_file && !prom_http_is_default(http)) {
        option_fault_key(rd, node, "kubeconfig_file",
                         "cannot use a custom HTTP client configuration together with "
                         "'kubeconfig_file'");
    }
    if (!has_server && !has_file && !prom_http_is_default(http)) {
        option_fault(rd, node,
                     "to use custom HTTP client configuration please provide the "
                     "'api_server' URL explicitly");
    }
    if (has_server && own) {
        option_fault_key(rd, node, "namespaces",
                         "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
    }
    if (has_file && own) {
        option_fault_key(rd, node, "namespaces",
                         "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' "
                         "simultaneously");
    }
    if (role.len > 0) {
        check_selectors(rd, selectors, role, yaml_get(node, STR("selectors")));
    }
}
