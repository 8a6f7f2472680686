/*
 * silence_schedule: the times of a recurring silence as words of the command line, and the windows
 * that a server gives for them.
 *
 *   weekdays=saturday,sunday times=22:00-24:00,00:00-06:00 location=Europe/Vienna
 *
 * Keys and values are those of alertmanager.yml's time intervals: times, weekdays, days_of_month,
 * months, years (lists, ranges with a colon), location. A word that begins with { is such an
 * interval as JSON.
 */
#pragma once

#include "base/error.h"
#include "codec/json.h"
#include "codec/json_write.h"

/* silence_schedule_write writes one interval as an object; the server checks the values. Fails with
 * BARO_EUSAGE. */
int silence_schedule_write(struct json_writer *json, str words, struct baro_error *err);

/* silence_schedule_print prints "START  END" for each window of `nextWindows`, indented. */
void silence_schedule_print(const struct json *windows);
