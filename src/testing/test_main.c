/*
 * The tests run in a child process, one after the other, until one of them fails or ends the
 * process; the next child goes on behind it. So what a failed test leaves behind, its threads most
 * of all, harms no other one, and a crash is a failed test with a name. The parent has no threads
 * and counts.
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "testing/test.h"

extern const struct test_case __start_baro_tests[];
extern const struct test_case __stop_baro_tests[];

enum { TESTS_MAX = 8192, DIRS_MAX = 4096, TEXT_BYTES = 200 };
/* Of one test, far above the longest: one that hangs says its name before tests/run gives up. Tests
 * of more than SLOW_S say how long they took. */
enum { LIMIT_S = 480, SLOW_S = 5 };

/* What the children tell the parent, in memory that all of them have. */
struct tally {
    size_t begun;     /* tests */
    bool is_complete; /* the last test has ended too */
    bool failed[TESTS_MAX];
    char row[TEXT_BYTES]; /* of the test under way; "" = none */
    size_t skip_count;
    char skip_reasons[TESTS_MAX][TEXT_BYTES];
    size_t directory_count;
    char directories[DIRS_MAX][64];
};

static struct tally *tally;
static const struct test_case *chosen[TESTS_MAX];
static size_t chosen_count;
/* The child's own: its present test has come to an end, when that began; a test has failed. */
static bool is_done;
static time_t begun_at;
static bool has_failed;

void test_row(const char *name)
{
    (void)snprintf(tally->row, sizeof(tally->row), "%s", name != NULL ? name : "");
}

void test_str_equal_(str got, str want, const char *file, int line)
{
    if (!str_eq(got, want)) {
        print_error("%s:%d: wanted \"%.*s\"\n%s:%d:    got \"%.*s\"\n", file, line, STR_ARG(want),
                    file, line, STR_ARG(got));
        _fail(file, line);
    }
}

void test_ok_(int result, const struct baro_error *err, const char *file, int line)
{
    char text[ERROR_FORMAT_BYTES] = "";

    if (result >= 0) {
        return;
    }
    if (err != NULL && err->code != 0) {
        error_format(err, text, sizeof(text));
    }
    print_error("%s:%d: wanted success, got %s: %s\n", file, line, error_name(result), text);
    _fail(file, line);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_directories(void)
{
    enum { OPEN_FILES = 16 };

    for (size_t i = 0; i < tally->directory_count; i++) {
        (void)nftw(tally->directories[i], remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
    }
}

const char *test_dir(void)
{
    char *path = tally->directories[tally->directory_count % DIRS_MAX];

    assert_true(tally->directory_count < DIRS_MAX);
    (void)snprintf(path, sizeof(tally->directories[0]), "/tmp/barograph-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    tally->directory_count++;
    return path;
}

/* The test that has begun last. */
static size_t current(void)
{
    return tally->begun - 1;
}

void test_skip(const char *reason)
{
    (void)snprintf(tally->skip_reasons[tally->skip_count++], TEXT_BYTES, "%s", reason);
    print_message("%s: %s\n", chosen[current()]->name, reason);
    is_done = true;
    skip();
    abort();
}

void test_has_one_thread(void)
{
    if (BARO_TSAN) {
        test_skip("one thread, no races");
    }
}

const char *test_shared(const char *path)
{
    static char full[1024];
    const char *root = getenv("BAROGRAPH_SHARED");
    struct stat status;

    (void)snprintf(full, sizeof(full), "%s/%s", root != NULL ? root : "../shared", path);
    if (stat(full, &status) != 0) {
        test_skip("the shared conformance data is missing (set BAROGRAPH_SHARED)");
    }
    return full;
}

/* ---- in a child ---- */

/* cmocka goes on behind a crash, on the stack of whichever thread it was: what it does about these
 * signals is undone for the time of a test. */
static const int crash_signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
static struct sigaction crash_actions[ARRAY_COUNT(crash_signals)];

static int set_up(void **state)
{
    (void)state;
    if (has_failed) {
        _exit(1); /* at once: what is left of the failed test must not be used, by nobody */
    }
    tally->begun++;
    tally->row[0] = '\0';
    is_done = false;
    (void)alarm(LIMIT_S);
    begun_at = time(NULL);
    return 0;
}

static void run_current(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(crash_signals); i++) {
        (void)sigaction(crash_signals[i], &crash_actions[i], NULL);
    }
    chosen[current()]->run(state);
    is_done = true;
}

/* A failed check leaves the test in the middle of its row. */
static int tear_down(void **state)
{
    (void)state;
    (void)alarm(0);
    if (time(NULL) - begun_at > SLOW_S) {
        print_message("%s took %d s\n", chosen[current()]->name, (int)(time(NULL) - begun_at));
    }
    if (tally->row[0] != '\0') {
        print_message("last row: \"%s\"\n", tally->row);
    }
    if (!is_done) {
        has_failed = true;
        tally->failed[current()] = true;
        /* It is the next child that begins the next test, and says so. */
        ASSERT(freopen("/dev/null", "w", stdout) != NULL);
    }
    return 0;
}

/* Runs the tests from `first` on, and ends the process behind one that fails. */
NORETURN static void run_from(size_t first)
{
    static struct CMUnitTest tests[TESTS_MAX];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < ARRAY_COUNT(crash_signals); i++) {
        (void)sigaction(crash_signals[i], NULL, &crash_actions[i]);
    }
    for (size_t i = first; i < chosen_count; i++) {
        tests[i] = (struct CMUnitTest){chosen[i]->name, run_current, set_up, tear_down, NULL};
    }
    (void)_cmocka_run_group_tests("barograph", tests + first, chosen_count - first, NULL, NULL);
    if (has_failed) {
        _exit(1);
    }
    tally->is_complete = true;
    exit(0); /* and sanitizers have their say */
}

/* ---- in the parent ---- */

/* Every `count`th test, beginning with number `first`: so that processes can share the tests. */
struct part {
    unsigned first, count;
};

/* The part that a first argument --part=1/2 says, else all; takes the argument away. */
static struct part part_of(int *argc, char ***argv)
{
    struct part part = {1, 1};

    if (*argc > 1 && strncmp((*argv)[1], "--part=", 7) == 0) {
        if (sscanf((*argv)[1], "--part=%u/%u", &part.first, &part.count) != 2 || part.first < 1 ||
            part.first > part.count) {
            (void)fprintf(stderr, "%s: wanted --part=NUMBER/COUNT\n", (*argv)[1]);
            exit(2);
        }
        *argc -= 1;
        *argv += 1;
    }
    part.first--;
    return part;
}

/* The arguments behind the program's name are parts of names and files; none: every test. */
static bool is_wanted(const struct test_case *test, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(test->name, argv[i]) != NULL || strstr(test->file, argv[i]) != NULL) {
            return true;
        }
    }
    return argc < 2;
}

/* Chooses the wanted tests of the part. */
static void choose(struct part part, int argc, char **argv)
{
    size_t wanted = 0;

    for (const struct test_case *test = __start_baro_tests; test < __stop_baro_tests; test++) {
        if (is_wanted(test, argc, argv) && wanted++ % part.count == part.first) {
            ASSERT(chosen_count < TESTS_MAX);
            chosen[chosen_count++] = test;
        }
    }
}

/* How a child ended that should not have. */
static void tell_end(const char *name, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        (void)printf("%s is not done after %d s\n", name, LIMIT_S);
    } else if (WIFSIGNALED(status)) {
        (void)printf("%s: signal %d ended the process: %s\n", name, WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    } else {
        (void)printf("%s: the process ended with status %d\n", name, WEXITSTATUS(status));
    }
}

static int child_status(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) != child) {
        ASSERT(errno == EINTR);
    }
    return status;
}

/* One child; returns how many failures it had of its own, beside those of tests. */
static size_t run_child(void)
{
    const size_t first = tally->begun;
    const pid_t child = fork();
    int status;

    ASSERT(child >= 0);
    if (child == 0) {
        run_from(first);
    }
    status = child_status(child);
    if (tally->is_complete) {
        /* Of a sanitizer: leaks, or what it went on behind. */
        if (status != 0) {
            tell_end("all tests", status);
            (void)printf("[  FAILED  ] all tests\n");
        }
        return status != 0;
    }
    if (tally->begun == first) {
        tally->begun++; /* it died before its first test: that one is taken for the reason */
    }
    if (!tally->failed[current()]) {
        tally->failed[current()] = true;
        if (tally->row[0] != '\0') {
            (void)printf("last row: \"%s\"\n", tally->row);
        }
        tell_end(chosen[current()]->name, status);
    }
    (void)printf("[  FAILED  ] %s\n", chosen[current()]->name);
    return 0;
}

int main(int argc, char **argv)
{
    const struct part part = part_of(&argc, &argv);
    size_t failed = 0;
    size_t passed;

    tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(tally != MAP_FAILED);
    choose(part, argc, argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    while (!tally->is_complete && tally->begun < chosen_count) {
        failed += run_child();
    }
    passed = chosen_count - tally->skip_count;
    for (size_t i = 0; i < tally->skip_count; i++) {
        (void)printf("skipped: %s\n", tally->skip_reasons[i]);
    }
    for (size_t i = 0; i < chosen_count; i++) {
        if (tally->failed[i]) {
            (void)printf("failed: %s\n", chosen[i]->name);
            failed++;
            passed--;
        }
    }
    remove_directories();
    (void)printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, tally->skip_count);
    return failed == 0 ? 0 : 1;
}
