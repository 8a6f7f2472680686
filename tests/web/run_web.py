#!/usr/bin/env python3
"""The web UI without a browser: types, layering, units, and the sizes of what is embedded."""

import gzip
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from weblib import WEB, need_ui  # noqa: E402
from barotest import ROOT, Server, Skip, equal, main  # noqa: E402

LIMIT_S = 580
KB = 1000
# Budgets of the design, gzip'd.
FIRST_JS, EDITOR_JS, EDIT_MODE_JS, OTHER_JS, ALL_CSS, EVERYTHING = 200 * KB, 155 * KB, 60 * KB, 45 * KB, 28 * KB, 900 * KB
EDITOR = "src/promql/Editor.tsx"
# What a dashboard of time series loads before it is drawn.
DASHBOARD = ("src/pages/board/Board.tsx", "src/panels/timeseries/Panel.tsx")


def tool(*command: str) -> str:
    done = subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=LIMIT_S, stdin=subprocess.DEVNULL, env={**os.environ, "CI": "1", "NO_COLOR": "1"})
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def test_types(build: pathlib.Path, work: pathlib.Path) -> None:
    need_ui(build)
    tool("node_modules/.bin/tsc", "--noEmit")


def test_layers_and_lint(build: pathlib.Path, work: pathlib.Path) -> None:
    need_ui(build)
    tool("node_modules/.bin/eslint", "--max-warnings=0", "src")


def test_units(build: pathlib.Path, work: pathlib.Path) -> None:
    need_ui(build)
    print("  " + next((line.strip() for line in tool("node_modules/.bin/vitest", "run").splitlines() if "Tests" in line), ""))


def corpus() -> list[pathlib.Path]:
    folders = [ROOT / "tests/web" / name for name in ("boards", "corpus", "dashboards", "fixed")]
    return [path for folder in [*folders, *sorted((ROOT / "packs").glob("*/dashboards"))] for path in sorted(folder.glob("*.json"))]


def without(board: dict, *names: str) -> dict:
    return {name: value for name, value in board.items() if name not in names}


def post(server: Server, board: dict) -> None:
    status, _, body = server.get("/api/dashboards/db", {"Content-Type": "application/json"}, "POST",
                                 json.dumps({"dashboard": board, "overwrite": True, "message": "a test"}).encode())
    equal(status, 200, f"{board['title']}: save: {body[:300]!r}")


def test_dashboards_are_kept(build: pathlib.Path, work: pathlib.Path) -> None:
    """The corpus comes from the server and goes back to its file with no value changed but what was."""
    folder = work / "kept"
    folder.mkdir()
    files = {}
    for i, path in enumerate(corpus()):
        board = json.loads(path.read_text())
        copy = folder / f"{i:03d}.json"
        copy.write_bytes(path.read_bytes())
        files[board["uid"]] = (copy, board)
    with Server(str(build / "barograph"), work, "", f"--dashboards.path={folder}", name="kept") as server:
        server.wait_ready()
        for uid, (copy, board) in files.items():
            _, _, body = server.get(f"/api/dashboards/uid/{uid}")
            given = json.loads(body)["dashboard"]
            equal(without(given, "id", "version"), without(board, "id", "version"), f"{board['title']}: as given")
            post(server, {**given, "title": board["title"] + " (changed)"})
            kept = json.loads(copy.read_text())
            equal(without(kept, "id", "version", "title"), without(board, "id", "version", "title"), f"{board['title']}: as saved")
            equal(kept["title"], board["title"] + " (changed)", "title")
    print(f"  {len(files)} dashboards")


def packed(path: pathlib.Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def test_sizes(build: pathlib.Path, work: pathlib.Path) -> None:
    """What a page loads, from the build's manifest."""
    need_ui(build)
    found = list(build.glob("src/api/web_assets.c.p/dist/.vite/manifest.json"))
    if not found:
        raise Skip("the UI was built elsewhere: it has no manifest")
    dist = found[0].parent.parent
    manifest = json.loads(found[0].read_text())

    def closure(name: str, seen: set[str]) -> set[str]:
        if name not in seen:
            seen.add(name)
            for other in manifest[name].get("imports", []):
                closure(other, seen)
        return seen

    def js(names: set[str]) -> int:
        return sum(size[n] for n in names if manifest[n]["file"].endswith(".js"))

    size = {name: packed(dist / row["file"]) for name, row in manifest.items()}
    entry = next(name for name, row in manifest.items() if row.get("isEntry"))
    first = closure(entry, set())
    editor = closure(EDITOR, set()) - first
    sizes = {"first JS of a page": (js(first), FIRST_JS),
             "first JS of a dashboard": (js(first.union(*(closure(name, set()) for name in DASHBOARD))), FIRST_JS),
             "editor": (js(editor), EDITOR_JS),
             "all CSS": (sum(packed(path) for path in dist.rglob("*.css")), ALL_CSS),
             "everything": ((build / "src/api/web_assets.blob").stat().st_size, EVERYTHING)}
    for name, row in manifest.items():
        if row["file"].endswith(".js") and name not in first and name not in editor:
            sizes[name] = (size[name], EDIT_MODE_JS if name.startswith("src/dashboard/edit/") else OTHER_JS)
    for name, (bytes_, budget) in sorted(sizes.items(), key=lambda item: -item[1][0])[:9]:
        print(f"  {name}: {bytes_ / KB:.1f} of {budget / KB:.0f} KB")
    equal([f"{name}: {bytes_} bytes, {budget} at most" for name, (bytes_, budget) in sizes.items() if bytes_ > budget], [], "too large")


if __name__ == "__main__":
    main(globals())
