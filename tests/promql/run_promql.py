#!/usr/bin/env python3
"""The reference of PromQL is what the tables and scripts say; the scripts are run by the unit tests."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from barotest import equal, main  # noqa: E402


def test_reference_is_up_to_date(_build: pathlib.Path, _work: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools/promql_docs.py"), "--check"], capture_output=True, text=True)
    equal((done.returncode, done.stdout + done.stderr), (0, ""), "tools/promql_docs.py --check")


if __name__ == "__main__":
    main(globals())
