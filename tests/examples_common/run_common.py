#!/usr/bin/env python3
"""The unit tests of what the example services share, and of the services' own parts.

Usage: tests/examples_common/run_common.py BUILD
"""

import pathlib
import re
import subprocess
import sys

PROGRAMS = ["common/common-test", "extraction/extraction-test", "load/load-test", "objectstore/objectstore-test", "orchestrator/orchestrator-test", "studio/studio-test", "reconstruction/reconstruction-test"]


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    passed = failed = 0
    for name in PROGRAMS:
        done = subprocess.run([str(build / "examples" / name)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=120, check=False)
        summary = re.search(r"(\d+) passed, (\d+) failed", done.stdout)
        if done.returncode != 0 or not summary:
            print(done.stdout)
        passed += int(summary[1]) if summary else 0
        failed += int(summary[2]) if summary else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
