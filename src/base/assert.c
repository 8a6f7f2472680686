#include "base/assert.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

void assert_fail(const char *condition, const char *file, int line, const char *function)
{
    char thread[16] = "?";

    (void)pthread_getname_np(pthread_self(), thread, sizeof(thread));
    (void)fprintf(stderr, "%s:%d: %s: assertion failed in thread %s: %s\n", file, line, function,
                  thread, condition);
    abort();
}
