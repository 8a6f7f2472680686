/* rule_labels: label sets that rules keep: one heap block a set, and a key to look it up by. */
#pragma once

#include "base/arena.h"
#include "model/labels.h"

/* rule_labels_copy copies items and bytes into one block; rule_labels_free releases such a set. */
struct labels rule_labels_copy(struct labels labels);
void rule_labels_free(struct labels labels);

/* rule_labels_key makes a text that is equal for equal sets and for no others; in the arena. */
str rule_labels_key(struct arena *arena, struct labels labels);
