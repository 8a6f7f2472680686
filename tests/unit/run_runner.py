#!/usr/bin/env python3
"""What the runner of the unit tests makes of tests that fail, crash, leak and end the process: src/testing/failing_tests.c.

Usage: tests/unit/run_runner.py BUILD [NAME...]
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Skip, contains, equal, main  # noqa: E402

GOOD = ["good_first", "good_with_its_own_frame", "good_with_a_directory"]
BAD = ["fails_with_a_thread_on_its_frame", "aborts_with_a_directory", "crashes", "crashes_on_a_thread", "exits_as_if_all_were_well",
       "is_late", "fails_last"]


class Run:
    """The output of the failing tests whose names contain one of the words, from the line that names a test on."""

    def __init__(self, build: pathlib.Path, *words: str):
        done = subprocess.run([str(build / "failing-tests"), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        self.status, self.text = done.returncode, done.stdout
        self.lines = self.text.splitlines()

    def names(self, head: str) -> list[str]:
        return [line[len(head):] for line in self.lines if line.startswith(head)]


def is_sanitized(build: pathlib.Path, symbol: str) -> bool:
    return symbol in subprocess.run(["nm", str(build / "failing-tests")], capture_output=True, text=True).stdout


def test_each_failure_is_alone(build, work):
    """Every test runs once, those behind a failed one too; each failure has its name."""
    run = Run(build, "good_", *BAD)
    equal(run.status, 1, run.text)
    equal(run.lines[-1], f"{len(GOOD)} passed, {len(BAD)} failed, 1 skipped", run.text)
    begun = run.names("[ RUN      ] ")
    equal(sorted(begun), sorted(GOOD + BAD + ["good_but_skipped"]), "begun")
    equal(run.names("[       OK ] "), GOOD, "passed")
    equal([name for name in begun if name in set(run.names("[  FAILED  ] "))], [name for name in begun if name in BAD], "failed")
    equal(run.names("failed: "), [name for name in begun if name in BAD], "the list of them")
    contains(run.text, "skipped: what it needs is not there\n")
    contains(run.text, "last row: \"the second\"\n")
    contains(run.text, "is_late is not done after")
    contains(run.text, "exits_as_if_all_were_well: the process ended with status 0\n")
    contains(run.text, "crashes_on_a_thread: ")
    directories = re.findall("^directory (.*)$", run.text, re.M)
    equal([path for path in directories if pathlib.Path(path).exists()], [], "directories that are left")
    equal(len(directories), 2, "directories")


def test_all_well(build, work):
    """No failure, and parts of what a word chooses."""
    run = Run(build, "good_")
    equal((run.status, run.lines[-1]), (0, f"{len(GOOD)} passed, 0 failed, 1 skipped"), run.text)
    equal(run.names("[ RUN      ] "), GOOD + ["good_but_skipped"])
    run = Run(build, "--part=2/2", "good_")
    equal((run.status, run.lines[-1]), (0, "1 passed, 0 failed, 1 skipped"), run.text)
    run = Run(build, "no such test")
    equal((run.status, run.lines[-1]), (0, "0 passed, 0 failed, 0 skipped"), run.text)


def test_sanitizers(build, work):
    """What the address sanitizer finds is a failure: an overrun of its test, a leak of all."""
    if not is_sanitized(build, "__asan_init"):
        raise Skip("not built with the address sanitizer")
    run = Run(build, "overruns", "good_first")
    equal((run.status, run.lines[-1]), (1, "1 passed, 1 failed, 0 skipped"), run.text)
    equal(run.names("failed: "), ["overruns"], run.text)
    contains(run.text, "heap-buffer-overflow")
    run = Run(build, "leaks", "good_first")
    equal((run.status, run.lines[-1]), (1, "2 passed, 1 failed, 0 skipped"), run.text)
    contains(run.text, "detected memory leaks")
    # What a failed test has left behind is no leak, and hides none.
    run = Run(build, "leaks", "fails_with_a_thread", "good_first")
    equal((run.status, run.lines[-1]), (1, "2 passed, 2 failed, 0 skipped"), run.text)


if __name__ == "__main__":
    main(globals())
