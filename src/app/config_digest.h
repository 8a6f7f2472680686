/* config_digest: whether a configuration has changed, with the files that it names. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "codec/sha256.h"

/*
 * config_digest digests the bytes of prometheus.yml or alertmanager.yml and, by path and content,
 * of all files that match its rule_files, scrape_config_files and templates, whether or not they
 * are any good. Fails when the file or one of those cannot be read, or the file is no YAML.
 */
int config_digest(const char *path, uint8_t ret[SHA256_BYTES], struct baro_error *err);
