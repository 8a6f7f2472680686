/*
 * events_watch: finds out what has changed: targets, alerts, rules, silences, the configuration,
 * dashboards, and what the user should notice. It keeps what it saw last and posts the difference,
 * at most EVENTS_WATCH_NAMED names an event. Used by one thread at a time.
 *
 * Kinds of events: targets, alerts, rules, silences, config, dashboards, notice.
 */
#pragma once

#include "api/events.h"

enum { EVENTS_WATCH_NAMED = 20 };

struct api_context;
struct events_watch;

/* events_watch_new keeps the context. */
struct events_watch *events_watch_new(const struct api_context *context);
struct events_watch *events_watch_free(struct events_watch *watch);

/* events_watch_look is events_options.look; the context is the watch. */
void events_watch_look(void *watch, struct events *events);
