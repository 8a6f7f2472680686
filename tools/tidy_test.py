#!/usr/bin/env python3
"""Tests of tools/tidy: each rule is broken once in a small tree and must be found; a clean tree must pass."""

import pathlib
import subprocess
import sys
import tempfile

TIDY = pathlib.Path(__file__).resolve().parent / "tidy"
CASES = [  # name, {file: text}, text that must be printed ("" = clean)
    ("clean", {"base/a.h": "#pragma once\n", "model/b.c": '#include "base/a.h"\n'}, ""),
    ("upward", {"base/a.c": '#include "model/b.h"\n', "model/b.h": ""}, "layering: base (floor 0) must not include model"),
    ("sideways", {"model/a.c": '#include "http/b.h"\n', "http/b.h": ""}, "must not include http"),
    ("harness", {"base/a.c": '#include "testing/test.h"\n'}, "only *_test.c includes the test harness"),
    ("harness uses", {"testing/a.c": '#include "tsdb/head.h"\n', "tsdb/head.h": ""}, "the test harness uses base and storage alone"),
    ("recorder", {"testing/a.h": '#include "storage/a.h"\n#include "base/a.h"\n', "storage/a.h": "", "base/a.h": ""}, ""),
    ("cycle", {"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/a.h"\n'}, "cycle:"),
    ("forbidden", {"base/a.c": "void f(void)\n{\n    strcpy(a, b);\n}\n"}, "forbidden: strcpy()"),
    ("comment", {"base/a.c": "/* strcpy(a, b) */\nconst char *s = \"system(x)\";\n"}, ""),
    ("log", {"model/a.c": 'void f(void)\n{\n    log_warn("x");\n}\n'}, "log: floors 0 to 4"),
    ("library", {"model/a.c": "#include <curl/curl.h>\n"}, "library: <curl/curl.h>"),
    ("table", {"promql/a.def": "/* Sorted by name. */\nFUNCTION(b, 1)\nFUNCTION(a, 2)\n"}, "table: a stands behind b"),
    ("size", {"base/a.c": "\n" * 1001}, "size: 1001 lines"),
    ("links", {"/a.md": "# One: `two`\n[a](docs/b.md#b-c), [b](https://x.invalid/), [c](#one-two)\n", "/docs/b.md": "## B c\n[a](../a.md)\n"}, ""),
    ("link", {"/a.md": "\n[a](docs/b.md)\n"}, "a.md:2: link: docs/b.md: there is no such file"),
    ("anchor", {"/a.md": "# One\n[a](#two)\n"}, "a.md:2: link: #two: there is no such heading"),
    ("code is no link", {"/a.md": "```c\nx[1](y)\n```\n"}, ""),
    ("map", {"base/a.c": "", "/docs/ARCHITECTURE.md": "`base/a`, `base/*.c`, `base/b`\n"}, "map: base/b: src/ has no such file"),
    ("version", {"/meson.build": "version: '1.2',\n  license", "app/version.h": '#define BAROGRAPH_VERSION "1.3"\n'}, "version: 1.3"),
]


def main() -> int:
    failed = 0
    for name, files, want in CASES:
        with tempfile.TemporaryDirectory() as root:
            for file, text in files.items():
                path = pathlib.Path(root, *([] if file.startswith("/") else ["src"]), file.lstrip("/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, str(TIDY), root], capture_output=True, text=True, timeout=60)
            good = done.returncode == 0 if want == "" else done.returncode == 1 and want in done.stdout
            if not good:
                failed += 1
                print(f"{name}: wanted {want or 'a clean run'!r}, got status {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
