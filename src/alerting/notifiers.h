/* notifiers: the kinds of receivers as functions, one each in notify_<kind>.c. */
#pragma once

#include "alerting/am_send.h"

#define NOTIFIER(name, function) am_notify_function function;
#include "alerting/notifiers.def"
#undef NOTIFIER
