/*
 * am_redact: alertmanager.yml as it may be shown: the same tree, "<secret>" where a receiver, the
 * global section or an HTTP client has one. Which keys those are stands in the tables of am_kinds.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* am_redact appends the text to ret. Fails as yaml_parse does. */
int am_redact(str text, struct buf *ret, struct baro_error *err);
