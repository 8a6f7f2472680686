/*
 * test: tests that register themselves. TEST(head_append_rejects_too_old) { ... } in a *_test.c is
 * run by the one test binary, which takes name filters and ends with "N passed, M failed". Checks
 * are cmocka's assert_* macros; the helpers below add what it lacks. A test that fails or crashes
 * ends its process, and the others go on in a new one. Only *_test.c files include this header.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/str.h"

struct test_case {
    const char *name;
    const char *file;
    void (*run)(void **state);
};

#define TEST(test_name)                                                                            \
    static void test_name(void **state);                                                           \
    __attribute__((used, section("baro_tests"),                                                    \
                   aligned(8))) static const struct test_case test_case_##test_name = {            \
        .name = #test_name, .file = __FILE__, .run = test_name};                                   \
    static void test_name(UNUSED void **state)

/* test_str_equal fails at the caller's line with wanted and got. */
#define assert_str_equal(got, want) test_str_equal_(got, want, __FILE__, __LINE__)
void test_str_equal_(str got, str want, const char *file, int line);

/* assert_ok fails when a call returned a negative code, and prints err's text. */
#define assert_ok(result, err) test_ok_((int)(result), err, __FILE__, __LINE__)
void test_ok_(int result, const struct baro_error *err, const char *file, int line);

/* test_row names the current row of a table; a failure prints it. NULL when done. */
void test_row(const char *name);

/* test_dir returns a fresh empty directory for this test, removed at exit; valid until the next
 * call. */
const char *test_dir(void);

/* test_skip ends the test as skipped; the reason, which is copied, stands in the summary. */
NORETURN void test_skip(const char *reason);

/* test_has_one_thread skips a test where the sanitizer looks for races: there are none in it, and
 * what it does hundreds of times costs a hundred times as much there. */
void test_has_one_thread(void);

/* test_shared returns the path of a file of the conformance data (../shared/...), or skips the test
 * when missing. */
const char *test_shared(const char *path);
