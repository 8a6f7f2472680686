/* exporter_test: what the tests of collectors share. */
#pragma once

#include "exporter/emit.h"

/* exporter_collect_text is the text that a collector emits; mem_free it. */
char *exporter_collect_text(void (*collect)(void *context, struct emit *emit), void *context);

/* exporter_expect checks that each line (NULL-terminated list) stands in the text as a whole. */
void exporter_expect(const char *text, const char *const *lines);

/* exporter_put writes a file below root, and the directories that it is in. */
void exporter_put(const char *root, const char *path, const char *text);
