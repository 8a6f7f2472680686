#!/usr/bin/env python3
"""Rule files, their unit tests and their evaluation through the program, beside the conformance data and Prometheus."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import ROOT, Skip, equal, main  # noqa: E402

DATA = pathlib.Path(os.environ.get("BAROGRAPH_SHARED", ROOT.parent / "shared")) / "conformance" / "promtool"


def run(build, folder, *words):
    done = subprocess.run([str(build / "barograph"), *words], cwd=folder, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def faults(build, command, name):
    """The cases of a folder whose verdict is another one than the manifest's."""
    folder = DATA / name
    if not folder.exists():
        raise Skip("no conformance data for rules")
    found = []
    for case in json.loads((folder / "manifest.json").read_text())["cases"]:
        args = case.get("global_args", []) + case.get("args", [])
        status, output = run(build, folder, command, "rules", *args, case["file"])
        missing = [text for text in case.get("errors", []) if text not in output]
        if (status == 0) != (case["expect"] == "pass") or status != case.get("exit", status) or missing:
            found.append((case, status, output))
    return found


def test_check_rules_gives_the_verdicts(build, work):
    for name in ("check-rules", "rulefmt", "rule-fixtures"):
        equal(faults(build, "check", name), [], name)


def test_unit_tests_give_the_verdicts(build, work):
    for name in ("test-rules", "own-test-rules"):
        equal(faults(build, "test", name), [], name)


def test_packs_pass_their_unit_tests(build, work):
    files = sorted((ROOT / "packs").glob("*/rules/tests/*.yml"))
    equal(len(files) > 0, True, "there are tests")
    for test in files:
        equal(run(build, test.parent, "test", "rules", test.name)[0], 0, str(test.relative_to(ROOT)))


if __name__ == "__main__":
    main(globals())
