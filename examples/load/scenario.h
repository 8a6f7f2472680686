/* scenario: the five load tests that the studio's document plans, and what they are to stay within.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SCENARIO_USERS_MAX = 64 };

struct scenario {
    const char *name;
    const char *id; /* O-L1 ... */
    int users;
    int generations; /* of all users together; 0 = by time */
    double seconds;  /* 0 = until the generations are done */
    double ramp_s;   /* users come one after the other for so long */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* scenario_find returns NULL for an unknown name; it takes the id, too. */
const struct scenario *scenario_find(const char *name);

/* scenario_scaled multiplies times and generations, at least one generation; the users stay. */
struct scenario scenario_scaled(const struct scenario *scenario, double scale);

/* scenario_user_start is when a user (from 0) begins, in seconds after the start. */
double scenario_user_start(const struct scenario *scenario, int user);
