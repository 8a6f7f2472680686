#include "testing/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/test.h"

/* In the child, where other threads may have held any lock: system calls alone. */
static void become(const char *const *args, int report)
{
    char *const *argv = (char *const *)(uintptr_t)args;
    int quiet = open("/dev/null", O_RDWR);
    int code;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(quiet, STDIN_FILENO);
    (void)dup2(quiet, STDOUT_FILENO);
    (void)dup2(quiet, STDERR_FILENO);
    (void)execvp(argv[0], argv);
    code = errno;
    (void)!write(report, &code, sizeof(code));
    _exit(127);
}

pid_t child_start(const char *const *args)
{
    int pipes[2], code = 0;
    char reason[128];
    pid_t pid;

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        become(args, pipes[1]);
    }
    (void)close(pipes[1]);
    /* Nothing comes when the program has begun: its end of the pipe is closed. */
    if (read(pipes[0], &code, sizeof(code)) == (ssize_t)sizeof(code)) {
        (void)close(pipes[0]);
        (void)waitpid(pid, NULL, 0);
        assert_int_equal(code, ENOENT);
        (void)snprintf(reason, sizeof(reason), "%s is not installed", args[0]);
        test_skip(reason);
    }
    (void)close(pipes[0]);
    return pid;
}

static int wait_for(pid_t pid)
{
    enum { STEP_US = 5000, STEPS = CHILD_WAIT_S * (1000000 / STEP_US) };
    int status = 0;

    for (int i = 0; i < STEPS; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return status;
        }
        (void)usleep(STEP_US);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    fail_msg("a child did not end within %d s", CHILD_WAIT_S);
    return status;
}

int child_stop(pid_t pid, int with)
{
    assert_int_equal(kill(pid, with), 0);
    return wait_for(pid);
}

int child_run(const char *const *args)
{
    return wait_for(child_start(args));
}

uint16_t child_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}
