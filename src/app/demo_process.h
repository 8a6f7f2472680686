/*
 * demo_process: child processes of `barograph demo`: started in a directory of their own with their
 * output in a file, found by the ports that they tell there, ended in order. They end with this
 * process, however it ends. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { DEMO_ARGS_MAX = 32, DEMO_PATH_SIZE = 1024 };

struct demo_process {
    const char *name;
    uid_t uid; /* who it runs as, set before the start; 0 = as this process */
    gid_t gid;
    int stop_signal; /* 0 = SIGTERM */
    pid_t pid;       /* 0 = none */
    char log[DEMO_PATH_SIZE];
};

/* demo_process_start runs argv[0] (an absolute path) in `directory`, which is made; output goes to
 * directory/NAME.log. */
int demo_process_start(struct demo_process *process, const char *name, const char *directory,
                       const char *const *argv, struct baro_error *err);

/* demo_process_port waits until the log has `phrase` and a port behind it; fails when the process
 * ends before. */
int demo_process_port(struct demo_process *process, const char *phrase, uint16_t *ret,
                      struct baro_error *err);

/* demo_process_text waits until the log has `phrase`; demo_process_end until the process has ended,
 * and fails when it did not end well. */
int demo_process_text(struct demo_process *process, const char *phrase, struct baro_error *err);
int demo_process_end(struct demo_process *process, struct baro_error *err);

/* demo_processes_stop asks all to end, waits, and ends those that do not within `limit_ms`. */
void demo_processes_stop(struct demo_process *processes, size_t count, int limit_ms);
