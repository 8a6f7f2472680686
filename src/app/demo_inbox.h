/*
 * demo_inbox: where the demo's notifications arrive: a web server that takes what goes to Slack,
 * PagerDuty and webhooks, and a mail server, both on free loopback ports. Each notification is a
 * line on standard output and in a list, which GET / shows, and a file with all of its text. The
 * mail server speaks just enough of SMTP, to one client at a time, and asks nobody who he is.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct demo_inbox;

/* demo_inbox_start serves until demo_inbox_free; files go to `directory`, which is made. */
int demo_inbox_start(const char *directory, struct demo_inbox **ret, struct baro_error *err);
struct demo_inbox *demo_inbox_free(struct demo_inbox *inbox);
DEFINE_CLEANUP(demo_inbox_free, struct demo_inbox)

uint16_t demo_inbox_web_port(const struct demo_inbox *inbox);
uint16_t demo_inbox_mail_port(const struct demo_inbox *inbox);
