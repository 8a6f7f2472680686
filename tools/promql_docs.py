#!/usr/bin/env python3
"""Writes docs/promql.md, the reference of PromQL, from the tables and the scripts that test them.

Usage: tools/promql_docs.py [--check]     --check: fail when the page is not up to date

Rows: src/promql/functions.def and operators.def. Examples: evals of tests/promql/reference.test behind `# row: NAME`, and for
functions without one the first eval of functions.test that begins with the function. A row without an example is an error.
"""

import argparse
import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {"V": "vector", "M": "range vector", "S": "scalar", "T": "string"}
STRING = r'"((?:[^"\\]|\\.)*)"'
HEAD = """# PromQL reference

Made by `tools/promql_docs.py` from `src/promql/functions.def`, `src/promql/operators.def` and the scripts in `tests/promql/`;
edit those. Every example is run as a test. "e" marks what needs a flag of `--enable-feature` (`docs/conformance.md`).
Samples of the examples: see the end of the page.
"""


@dataclasses.dataclass
class Example:
    when: str
    expression: str
    lines: list[str]
    data: int  # number of the load before it

    def cells(self) -> str:
        answer = "<br>".join(f"`{line}`" for line in self.lines) or "nothing"
        return f"{code(self.expression)} | {self.when}, {letter(self.data)} | {answer}"


def code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def letter(number: int) -> str:
    return chr(ord("A") + number)


def read_script(path: pathlib.Path, loads: list[str], examples: dict[str, Example]) -> None:
    """Adds what stands in a script; what a former one says about a row stays."""
    lines, row, at, current = path.read_text(encoding="utf-8").splitlines(), "", 0, -1
    while at < len(lines):
        line, block = lines[at], []
        at += 1
        while at < len(lines) and lines[at].startswith("    ") and not line.startswith("#"):
            block.append(re.sub(r"\s+", " ", lines[at].strip()))
            at += 1
        if line.startswith("load "):
            current = len(loads)
            loads.append("\n".join([line, *("    " + text for text in block)]))
        elif line.startswith("# row: "):
            row = line.removeprefix("# row: ")
        elif match := re.match(r"eval (instant at (\S+)|range from (\S+) to (\S+) step (\S+)) (.*)", line):
            name = row or match[6].split("(")[0]
            row = ""
            answer = [text for text in block if not text.startswith("expect")]
            when = f"at {match[2]}" if match[2] else f"{match[3]} to {match[4]}, step {match[5]}"
            examples.setdefault(name, Example(when, match[6], answer, current))


def signature(name: str, types: str, variadic: int) -> str:
    words = [TYPES[letter] for letter in re.findall(r"\b[VMST]\b", types)]
    if variadic > 0:
        words[-1] = f"[{words[-1]}]"
    elif variadic < 0:
        words[-1] += " ..."
    return f"{name}({', '.join(words)})"


def rows_of(path: pathlib.Path, pattern: str) -> list[re.Match[str]]:
    return list(re.finditer(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))


def table(title: str, rows: list[tuple[str, str, str, Example]]) -> str:
    lines = [f"## {title}", "", "| | | Meaning | Example | At, data | Answer |", "|---|---|---|---|---|---|"]
    lines += [f"| {code(what)} | {mark} | {text} | {example.cells()} |" for what, mark, text, example in rows]
    return "\n".join(lines) + "\n"


def page() -> str:
    loads: list[str] = []
    examples: dict[str, Example] = {}
    missing: list[str] = []

    def example(name: str) -> Example:
        if name not in examples:
            missing.append(name)
        return examples.get(name, Example("", "", [], 0))

    for script in ("reference", "functions"):
        read_script(ROOT / f"tests/promql/{script}.test", loads, examples)
    operators = ROOT / "src/promql/operators.def"
    functions = rows_of(ROOT / "src/promql/functions.def",
                        rf"^FUNCTION\((\w+), \d, ARGS\((.*?)\), (-?\d), (\w), (\w+), {STRING}\)")
    binaries = rows_of(operators, rf"^BINARY\(\w+, {STRING}, {STRING}\)")
    aggregations = rows_of(operators, rf'^AGGREGATION\(\w+, {STRING}, {STRING}, (\w+), {STRING}\)')
    modifiers = rows_of(operators, rf"^MODIFIER\({STRING}, (\w+), {STRING}\)")

    def mark(stability: str) -> str:
        return "e" if stability == "EXPERIMENTAL" else ""

    tables = [
        table("Functions", [(signature(m[1], m[2], int(m[3])), mark(m[5]), m[6], example(m[1])) for m in functions]),
        table("Binary operators", [(m[1], "", m[2], example(m[1])) for m in binaries]),
        table("Aggregations", [(f"{m[1]}({m[2]}{', ' if m[2] else ''}vector)", mark(m[3]), m[4], example(m[1])) for m in aggregations]),
        table("Selectors and modifiers", [(m[1], mark(m[2]), m[3], example(f"modifier {m[1]}")) for m in modifiers]),
    ]
    if missing or not (functions and binaries and aggregations and modifiers):
        sys.exit(f"promql_docs: rows without an example in tests/promql: {', '.join(missing)}")
    used = sorted({e.data for e in examples.values() if any(e.cells() in text for text in tables)})
    data = "\n".join(f"{letter(number)}:\n\n```\n{loads[number]}\n```\n" for number in used)
    return f"{HEAD}\n" + "\n".join(tables) + f"\n## Samples\n\n{data}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    path, text = ROOT / "docs/promql.md", page()
    if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
        print("promql_docs: docs/promql.md is not up to date: run tools/promql_docs.py")
        return 1
    if not check:
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
