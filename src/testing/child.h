/*
 * child: other programs that a test starts. A child ends with its test process, says nothing to the
 * test's output (which a reader would otherwise wait for), and is waited for with a limit. Main
 * thread only: it is with the thread that a child ends.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* child_start starts args[0], found by PATH, with NULL behind the last argument; skips the test
 * when the program is not installed. */
pid_t child_start(const char *const *args);

/* child_stop sends a signal and waits; a child that is there CHILD_WAIT_S later is killed, and the
 * test fails. Returns waitpid's status. */
enum { CHILD_WAIT_S = 60 };
int child_stop(pid_t pid, int with);

/* child_run starts a program and waits for its end, as long as child_stop does. Returns waitpid's
 * status. */
int child_run(const char *const *args);

/* child_port is a loopback port that was free a moment ago. */
uint16_t child_port(void);
