#include "app/demo_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/files.h"
#include "base/attr.h"
#include "base/buf.h"

enum { START_MS = 30000, POLL_MS = 20, PORT_MAX = 65535 };

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

/* Only what may be called between fork and exec of a process that has threads, too. */
NORETURN static void child_run(const struct demo_process *process, const char *directory,
                               const char *const *argv)
{
    const char *log = process->log;
    int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;

    (void)sigemptyset(&none); /* the thread that started it may have blocked them */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGINT,
                 SIG_IGN); /* the terminal's ^C goes to all; the parent ends them in order */
    if (out >= 0 && in >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0 &&
        dup2(in, STDIN_FILENO) >= 0 && chdir(directory) == 0 &&
        (process->uid == 0 ||
         (setgroups(0, NULL) == 0 && setgid(process->gid) == 0 && setuid(process->uid) == 0))) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a change of user has undone it */
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    }
    _exit(127);
}

int demo_process_start(struct demo_process *process, const char *name, const char *directory,
                       const char *const *argv, struct baro_error *err)
{
    pid_t pid;

    if (mkdir(directory, 0750) < 0 && errno != EEXIST) {
        return error_set(err, -errno, "%s: cannot be made: give another --data", directory);
    }
    if (process->uid != 0 && chown(directory, process->uid, process->gid) < 0) {
        return error_set(err, -errno, "%s: cannot be given to another user", directory);
    }
    process->name = name;
    (void)snprintf(process->log, sizeof(process->log), "%s/%s.log", directory, name);
    (void)unlink(process->log); /* what an earlier run told is no answer */
    pid = fork();
    if (pid == 0) {
        child_run(process, directory, argv);
    }
    if (pid < 0) {
        return error_set(err, -errno, "%s: no process for it", name);
    }
    process->pid = pid;
    return 0;
}

static bool port_find(str text, const char *phrase, uint16_t *ret)
{
    size_t at = str_index(text, str_from(phrase));
    str digits = at == SIZE_MAX ? STR_NULL : str_from_index(text, at + strlen(phrase));
    uint32_t port = 0;
    size_t i = 0;

    while (i < digits.len && digits.ptr[i] >= '0' && digits.ptr[i] <= '9' && port <= PORT_MAX) {
        port = port * 10 + (uint32_t)(digits.ptr[i++] - '0');
    }
    /* A line that is not whole yet may have only some of the digits. */
    if (i == 0 || i == digits.len || port == 0 || port > PORT_MAX) {
        return false;
    }
    *ret = (uint16_t)port;
    return true;
}

/* Reads the log over and over until the test holds. */
static int log_await(struct demo_process *process,
                     bool (*test)(str text, const char *phrase, uint16_t *ret), const char *phrase,
                     uint16_t *ret, const char *late, struct baro_error *err)
{
    struct buf text = {0};
    bool found = false;
    bool ended = false;

    for (int waited = 0; !found && !ended && waited < START_MS; waited += POLL_MS) {
        ended = waitpid(process->pid, NULL, WNOHANG) != 0;
        buf_reset(&text);
        found = file_read(process->log, &text, NULL) >= 0 && test(buf_view(&text), phrase, ret);
        if (!found) {
            pause_ms(POLL_MS);
        }
    }
    buf_done(&text);
    if (ended) {
        process->pid = 0;
    }
    return found && !ended ? 0
                           : error_set(err, BARO_ETIMEOUT, "%s: %s: see %s", process->name,
                                       ended ? "it ended at once" : late, process->log);
}

int demo_process_port(struct demo_process *process, const char *phrase, uint16_t *ret,
                      struct baro_error *err)
{
    return log_await(process, port_find, phrase, ret, "it does not say where it listens", err);
}

static bool phrase_find(str text, const char *phrase, UNUSED uint16_t *ret)
{
    return str_contains(text, str_from(phrase));
}

int demo_process_text(struct demo_process *process, const char *phrase, struct baro_error *err)
{
    return log_await(process, phrase_find, phrase, NULL, "it does not get ready", err);
}

int demo_process_end(struct demo_process *process, struct baro_error *err)
{
    int status = -1;
    pid_t ended = 0;

    for (int waited = 0; ended == 0 && waited < START_MS; waited += POLL_MS) {
        ended = waitpid(process->pid, &status, WNOHANG);
        if (ended == 0) {
            pause_ms(POLL_MS);
        }
    }
    if (ended == 0) {
        (void)kill(process->pid, SIGKILL);
        (void)waitpid(process->pid, NULL, 0);
    }
    process->pid = 0;
    return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? 0
               : error_set(err, BARO_EEXEC, "%s: it failed: see %s", process->name, process->log);
}

void demo_processes_stop(struct demo_process *processes, size_t count, int limit_ms)
{
    int waited = 0;

    for (size_t i = count; i > 0; i--) {
        if (processes[i - 1].pid > 0) {
            (void)kill(processes[i - 1].pid,
                       processes[i - 1].stop_signal != 0 ? processes[i - 1].stop_signal : SIGTERM);
        }
    }
    for (size_t i = 0; i < count; i++) {
        while (processes[i].pid > 0 && waitpid(processes[i].pid, NULL, WNOHANG) == 0) {
            if (waited >= limit_ms) {
                (void)kill(processes[i].pid, SIGKILL);
                (void)waitpid(processes[i].pid, NULL, 0);
                break;
            }
            pause_ms(POLL_MS);
            waited += POLL_MS;
        }
        processes[i].pid = 0;
    }
}
