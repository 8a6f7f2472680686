#!/usr/bin/env python3
"""Dashboards in a real browser: the corpus, Node Exporter Full, edit mode. What run_browser.py is for the other pages."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from run_browser import in_a_browser  # noqa: E402
from barotest import main  # noqa: E402


def test_dashboards_in_a_browser(build: pathlib.Path, work: pathlib.Path) -> None:
    in_a_browser(build, work, *(sys.argv[3:] or ["dashboards:", "editing:"]), alone=True)


if __name__ == "__main__":
    main(globals())
