/*
 * am_zone: the hours that a place keeps, from the IANA data base of the system (TZif files, RFC
 * 8536), with the rule behind the last transition. Immutable once loaded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct am_zone;

/* am_zone_load reads "Europe/Vienna", "UTC" (or empty) or "Local" (/etc/localtime) into the arena.
 * Fails with BARO_ENOTFOUND or BARO_ECORRUPT. */
int am_zone_load(struct arena *arena, str name, const struct am_zone **ret, struct baro_error *err);

/* am_zone_parse reads the bytes of a TZif file, which must live as long as the zone. */
int am_zone_parse(struct arena *arena, str bytes, const struct am_zone **ret,
                  struct baro_error *err);

/* am_zone_offset is the seconds east of UTC at a time (seconds since 1970). NULL is UTC. */
int32_t am_zone_offset(const struct am_zone *zone, int64_t seconds);

/* am_zone_abbreviation is what the place calls its hours then: "CET", "CEST", "+03". It lives as
 * long as the zone. */
str am_zone_abbreviation(const struct am_zone *zone, int64_t seconds);
