#!/usr/bin/env python3
"""The web UI over data that never change: golden pictures of every panel, and the budgets of time."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fixed import post_alerts, start_fixed  # noqa: E402
from weblib import WEB, chromium, need_ui, start, wait_for_data  # noqa: E402
from barotest import ROOT, equal, main  # noqa: E402

LIMIT_S = 280
GOLDEN = ROOT / "tests" / "web" / "golden"


def browse(script: str, *arguments: str) -> None:
    done = subprocess.run(["node", f"test/browser/{script}", *arguments], cwd=WEB, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=LIMIT_S, stdin=subprocess.DEVNULL,
                          env={**os.environ, "BAROGRAPH_CHROMIUM": chromium()})
    print("  " + done.stdout.rstrip().replace("\n", "\n  "))
    equal(done.returncode, 0, script)


def test_golden_pictures(build: pathlib.Path, work: pathlib.Path) -> None:
    need_ui(build)
    with start_fixed(build, work) as server:
        server.wait_ready()
        post_alerts(server)
        browse("golden.mjs", f"http://127.0.0.1:{server.port}", str(GOLDEN), str(build / "golden-failed"))


def test_budgets(build: pathlib.Path, work: pathlib.Path) -> None:
    need_ui(build)
    with start_fixed(build, work) as fixed, start(build, work, "live") as live:
        fixed.wait_ready()
        wait_for_data(live)
        browse("budgets.mjs", f"http://127.0.0.1:{fixed.port}", f"http://127.0.0.1:{live.port}")


if __name__ == "__main__":
    main(globals())
