/* prom_discovery_priv: what the tables of the service discoveries share. */
#pragma once

#include "base/attr.h"
#include "conf/prom_config_priv.h"

#define HTTP ROW("http", INLINE, OF(prom_http_type))

#define CHECK(name)                                                                                \
    static const struct option_type name##_type;                                                   \
    static void check_##name(struct option_reader *rd, void *object, const struct yaml_node *node)

#define GET(name, key)    option_slot_str(&name##_type, object, key)
#define IS_SET(name, key) option_slot_is_set(&name##_type, object, key)

/* Says what is missing; true when it is there. */
static inline bool require(struct option_reader *rd, const struct yaml_node *node, bool is_there,
                           const char *key, const char *text)
{
    if (!is_there) {
        option_fault_key(rd, node, key, "%s", text);
    }
    return is_there;
}

static inline void check_http(struct option_reader *rd, const struct option_type *type,
                              const void *object, const struct yaml_node *node)
{
    prom_http_check(rd, option_slot_ptr(type, object, "http"), node);
}

#define WORDS(variable, names_, fault_, fold)                                                      \
    static const struct option_words variable = {                                                  \
        .names = (names_), .count = ARRAY_COUNT(names_), .fold_case = (fold), .unknown = (fault_)}

extern const struct option_type prom_kubernetes_type;
