/*
 * text: short texts in an arena, for messages, labels and values: each is NUL-terminated and lives
 * as long as its arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/str.h"

/* text_take copies what buf has gathered, and releases buf. */
str text_take(struct arena *arena, struct buf *buf);

/* text_time is RFC 3339, text_dur as Prometheus prints durations, text_quoted as Go's %q. */
str text_time(struct arena *arena, ts t);
str text_dur(struct arena *arena, dur d);
str text_quoted(struct arena *arena, str text);
