/* am_templates: the templates that notifications are made with: the default ones, and the files
 * that a configuration names. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "template/template_notice.h"

/* am_templates_load parses every file that a pattern matches, in order of names; none is fine. A
 * file's name without its directory is that of the template. Fails with the file's fault. */
int am_templates_load(struct template_set *set, str pattern, struct baro_error *err);

/* am_templates_zone tells a zone's hours at a time (seconds since 1970): struct template_notice's
 * zone. */
int am_templates_zone(str name, int64_t seconds, int32_t *ret_offset, char ret_abbreviation[16],
                      struct baro_error *err);
