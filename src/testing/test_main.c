#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "testing/test.h"

extern const struct test_case __start_baro_tests[];
extern const struct test_case __stop_baro_tests[];

enum { TESTS_MAX = 8192, DIRS_MAX = 4096 };
/* Of one test, far above the longest: one that hangs says its name before tests/run gives up. Tests
 * of more than SLOW_S say how long they took. */
enum { LIMIT_S = 480, SLOW_S = 5 };

static const char *row_name;
static const char *skip_reasons[TESTS_MAX];
static const char *current_test;
static size_t skip_count;
static time_t begun;
static char directories[DIRS_MAX][64];
static size_t directory_count;

void test_row(const char *name)
{
    row_name = name;
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

    for (size_t i = 0; i < directory_count; i++) {
        (void)nftw(directories[i], remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
    }
}

const char *test_dir(void)
{
    char *path = directories[directory_count % DIRS_MAX];

    assert_true(directory_count < DIRS_MAX);
    (void)snprintf(path, sizeof(directories[0]), "/tmp/barograph-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    directory_count++;
    return path;
}

void test_skip(const char *reason)
{
    skip_reasons[skip_count++] = reason;
    print_message("%s: %s\n", current_test, reason);
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

static int set_up(void **state)
{
    current_test = *state != NULL ? (const char *)*state : "?";
    row_name = NULL;
    (void)alarm(LIMIT_S);
    begun = time(NULL);
    return 0;
}

/* A failed check leaves the test in the middle of its row. */
static int tear_down(void **state)
{
    (void)state;
    (void)alarm(0);
    if (time(NULL) - begun > SLOW_S) {
        print_message("%s took %d s\n", current_test, (int)(time(NULL) - begun));
    }
    if (row_name != NULL) {
        print_message("last row: \"%s\"\n", row_name);
    }
    return 0;
}

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

/* Writes the wanted tests of the part to ret, which has room for TESTS_MAX. */
static size_t choose(struct part part, int argc, char **argv, struct CMUnitTest *ret)
{
    size_t wanted = 0;
    size_t count = 0;

    for (const struct test_case *test = __start_baro_tests; test < __stop_baro_tests; test++) {
        if (is_wanted(test, argc, argv) && wanted++ % part.count == part.first &&
            count < TESTS_MAX) {
            void *name = NULL;

            memcpy(&name, &test->name, sizeof(name));
            ret[count++] = (struct CMUnitTest){test->name, test->run, set_up, tear_down, name};
        }
    }
    return count;
}

static void print_row_on_abort(int number)
{
    if (row_name != NULL) {
        (void)fprintf(stderr, "in row \"%s\" of test %s\n", row_name, current_test);
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void abort_late_test(int number)
{
    (void)number;
    (void)fprintf(stderr, "test %s is not done after %d s\n", current_test, LIMIT_S);
    abort();
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[TESTS_MAX];
    struct part part = part_of(&argc, &argv);
    size_t count = choose(part, argc, argv, tests);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGABRT, print_row_on_abort);
    (void)signal(SIGALRM, abort_late_test);
    (void)atexit(remove_directories);
    failed = _cmocka_run_group_tests("barograph", tests, count, NULL, NULL);
    for (size_t i = 0; i < skip_count; i++) {
        (void)printf("skipped: %s\n", skip_reasons[i]);
    }
    (void)printf("%zu passed, %d failed, %zu skipped\n", count - (size_t)failed - skip_count,
                 failed, skip_count);
    return failed == 0 ? 0 : 1;
}
