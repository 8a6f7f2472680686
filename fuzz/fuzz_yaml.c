#include "base/assert.h"
#include "codec/yaml.h"
#include "fuzz/fuzz.h"

/* Walks the tree; its size was counted when it was built. */
static uint64_t walk(const struct yaml_node *node, int depth)
{
    uint64_t count = 1;

    ASSERT(depth <= YAML_DEPTH_MAX);
    ASSERT(node->line > 0 && node->column > 0);
    switch (node->kind) {
    case YAML_KIND_SCALAR:
        ASSERT(yaml_tag_name(node) != NULL);
        break;
    case YAML_KIND_SEQUENCE:
        for (size_t i = 0; i < node->item_count && count < 10000; i++) {
            count += walk(node->items[i], depth + 1);
        }
        break;
    case YAML_KIND_MAPPING:
        for (size_t i = 0; i < node->pair_count && count < 10000; i++) {
            count += walk(node->pairs[i].key, depth + 1);
            count += walk(node->pairs[i].value, depth + 1);
        }
        break;
    }
    ASSERT(count <= node->weight);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    const struct yaml_node *root = NULL;
    struct baro_error err = {0};

    arena_init(&arena, (size_t)64 << 20);
    int r = yaml_parse(&arena, str_of((const char *)data, size), &root, &err);
    ASSERT(r == 0 || err.code == r);
    if (r == 0 && root != NULL) {
        (void)walk(root, 0);
    }
    arena_done(&arena);
    return 0;
}
