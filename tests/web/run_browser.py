#!/usr/bin/env python3
"""The web UI in a real browser (Debian's chromium) against the real program: every page, and the ways through them."""

import contextlib
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from weblib import WEB, headless, need_ui, start, wait_for_data  # noqa: E402
from barotest import equal, main  # noqa: E402

LIMIT_S = 560


def in_a_browser(build: pathlib.Path, work: pathlib.Path, *names: str, alone: bool = False) -> None:
    """Runs the tests that have one of the names in theirs; with a minus before it, those that have not. Alone: those that need one server."""
    need_ui(build)
    addresses, environment = [], {**os.environ, "BAROGRAPH_CHROMIUM": headless()}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(start(build, work, "plain"))
        addresses.append(f"http://127.0.0.1:{server.port}")
        if not alone:
            prefixed = stack.enter_context(start(build, work, "prefixed", "--web.external-url=http://127.0.0.1/a/b", path="/a/b"))
            traced = stack.enter_context(start(build, work, "traced", "--enable-feature=exemplar-storage", traced=True))
            addresses.append(f"http://127.0.0.1:{prefixed.port}/a/b")
            environment["BAROGRAPH_TRACED"] = f"http://127.0.0.1:{traced.port}"
        wait_for_data(server)
        done = subprocess.run(["node", "test/browser/run.mjs", addresses[0], addresses[-1], *names], cwd=WEB, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=LIMIT_S, stdin=subprocess.DEVNULL, env=environment)
    print("  " + done.stdout.rstrip().replace("\n", "\n  "))
    equal(done.returncode, 0, "tests in the browser")


def test_in_a_browser(build: pathlib.Path, work: pathlib.Path) -> None:
    """All but what run_boards.py does."""
    in_a_browser(build, work, *(sys.argv[3:] or ["-dashboards:", "-editing:"]))


if __name__ == "__main__":
    main(globals())
