/*
 * prom_config_file: files that a configuration names: reading them within limits, and target files
 * of file_sd_configs, YAML or JSON.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "conf/prom_config.h"

/* prom_config_file_read appends a file's content; fails with -errno or BARO_ELIMIT. */
int prom_config_file_read(const char *path, struct buf *buf, struct baro_error *err);

/*
 * prom_target_file_load reads the target groups of a file whose name ends in .json, .yml or .yaml.
 * They live in the arena. Fails with -errno, BARO_EPARSE or BARO_ELIMIT; the faults, with places,
 * go to `faults`, and the outputs stay untouched.
 */
int prom_target_file_load(const char *path, struct arena *arena,
                          const struct prom_target_group *const **ret_groups, size_t *ret_count,
                          struct faults *faults);

/* prom_target_text_parse is prom_target_file_load over text; `name` is that of the source. */
int prom_target_text_parse(str text, const char *name, struct arena *arena,
                           const struct prom_target_group *const **ret_groups, size_t *ret_count,
                           struct faults *faults);

/* prom_http_file_load reads a file with the settings of an HTTP client alone, as promtool's
 * --http.config.file has it. What *ret is lives in the arena. */
int prom_http_file_load(const char *path, struct arena *arena, const struct prom_http **ret,
                        struct faults *faults);
