#!/usr/bin/env python3
"""Catalogues: what is generated compiles, does what it says, and agrees with the checks. Usage: run_catalog.py BUILD [NAME...]"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest
from barotest import ROOT, Server, Skip, contains, equal, need, wait_until

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE / "sample.yaml"
PACKS = sorted(p for p in ROOT.glob("packs/*/catalog.yaml"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", f"-I{ROOT / 'include'}"]


def run(command: list, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, **kwargs)


def good(command: list, **kwargs) -> str:
    done = run(command, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def is_foreign(catalog: pathlib.Path) -> bool:
    return "\nforeign: true" in catalog.read_text()


def compilers() -> list[str]:
    found = [c for c in ("gcc", "clang") if shutil.which(c)]
    if not found:
        raise Skip("neither gcc nor clang is installed")
    return found


def generate(build: pathlib.Path, catalog: pathlib.Path, out: pathlib.Path) -> str:
    """Generates into out, by both programs alike; returns the catalogue's name."""
    out.mkdir(exist_ok=True)
    names = good([build / "barograph", "gen", "c", "--out", out, catalog]).split()
    other = out / "again"
    other.mkdir(exist_ok=True)
    good([build / "barograph-gen", "c", catalog, other])
    for name in names:
        equal((other / pathlib.Path(name).name).read_bytes(), pathlib.Path(name).read_bytes(), name)
    return pathlib.Path(names[0]).stem


def test_documents_example_is_a_catalogue(build: pathlib.Path, work: pathlib.Path) -> None:
    text = (ROOT / "docs/formats/catalog.md").read_text()
    example = work / "example.yaml"
    example.write_text(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
    contains(good([build / "barograph", "check", "catalog", example]), "good: ")
    generate(build, example, work / "out")


def test_packs_are_sound(build: pathlib.Path, work: pathlib.Path) -> None:
    if not PACKS:
        raise Skip("no packs")
    out = good([build / "barograph", "check", "catalog", SAMPLE, *PACKS])
    equal(out.count("good: "), len(PACKS) + 1)


def test_faults_have_places(build: pathlib.Path, work: pathlib.Path) -> None:
    bad = work / "bad.yaml"
    bad.write_text("catalog: c\ngroups:\n- name: g\n  metrics:\n  - {name: a_total, type: counter, hepl: x, help: x}\n")
    done = run([build / "barograph", "check", "catalog", bad, SAMPLE])
    equal(done.returncode, 1)
    contains(done.stdout, f"{bad}:5:36: field hepl not found in type metric; did you mean 'help'?")
    contains(done.stdout, f"{SAMPLE}: good: ")
    done = run([build / "barograph", "gen", "c", "--out", work, bad])
    equal((done.returncode, done.stdout), (1, ""))
    contains(done.stderr, f"{bad}:5:36: ")
    equal(run([build / "barograph", "gen", "c", "--out", work / "nowhere", SAMPLE]).returncode, 1)
    equal(run([build / "barograph", "gen", "c"]).returncode, 2)


def test_foreign_catalogues_have_no_code(build: pathlib.Path, work: pathlib.Path) -> None:
    other = work / "other.yaml"
    other.write_text("catalog: other\nforeign: true\ngroups: [{name: g, metrics: [{name: X_Y, type: counter, help: h}]}]\n")
    good([build / "barograph", "check", "catalog", other])
    done = run([build / "barograph", "gen", "c", "--out", work, other])
    equal(done.returncode, 1)
    contains(done.stderr, "there is no code to make")


def test_code_is_as_it_was(build: pathlib.Path, work: pathlib.Path) -> None:
    """What changes here on purpose is made anew by: barograph-gen c tests/catalog/sample.yaml tests/catalog/golden"""
    name = generate(build, SAMPLE, work)
    for file in (f"{name}.h", f"{name}.c"):
        if (work / file).read_text() != (HERE / "golden" / file).read_text():
            raise AssertionError(run(["diff", "-u", HERE / "golden" / file, work / file]).stdout[:3000])


def test_an_unchanged_file_is_left_alone(build: pathlib.Path, work: pathlib.Path) -> None:
    generate(build, SAMPLE, work)
    before = (work / "sample.c").stat().st_mtime_ns
    generate(build, SAMPLE, work)
    equal((work / "sample.c").stat().st_mtime_ns, before)


def test_code_is_formatted(build: pathlib.Path, work: pathlib.Path) -> None:
    need("clang-format")
    for catalog in [SAMPLE, *PACKS]:
        if not is_foreign(catalog):
            name = generate(build, catalog, work)
            good(["clang-format", f"--style=file:{ROOT / '.clang-format'}", "--dry-run", "-Werror", work / f"{name}.h",
                  work / f"{name}.c"])


def test_code_compiles(build: pathlib.Path, work: pathlib.Path) -> None:
    for catalog in [SAMPLE, *PACKS]:
        if is_foreign(catalog):
            continue
        name = generate(build, catalog, work)
        for cc in compilers():
            good([cc, "-std=c99", *STRICT, "-fsyntax-only", work / f"{name}.c"])
            good([{"gcc": "g++", "clang": "clang++"}[cc], "-std=c++11", "-x", "c++", *STRICT, "-fsyntax-only", work / f"{name}.h"])


def test_docs_and_dashboards_are_made(build: pathlib.Path, work: pathlib.Path) -> None:
    """Every metric is in both; the dashboard's expressions name only what its catalogue has."""
    for catalog in [SAMPLE, *PACKS]:
        names = [good([build / "barograph", "gen", kind, "--out", work, catalog]).strip() for kind in ("docs", "dashboard")]
        docs = pathlib.Path(names[0]).read_text()
        board = json.loads(pathlib.Path(names[1]).read_text())
        panels = [p for p in board["panels"] if p["type"] != "row"]
        metrics = re.findall(r"^ *- name: (\w+)\n(?: +id: .*\n)? +type: ", catalog.read_text(), re.M)
        prefix = "sample_" if catalog == SAMPLE else ""
        equal(sorted(p["title"] for p in panels), sorted(prefix + m for m in metrics), f"{catalog}: panels")
        for metric in metrics:
            contains(docs, f"`{prefix}{metric}`", names[0])
        equal(board["schemaVersion"], 39)
        equal([p["title"] for p in panels if not p["description"] or not p["fieldConfig"]["defaults"]["unit"]], [])
        equal(len({p["id"] for p in board["panels"]}), len(board["panels"]))
        places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]]
        equal(len(set(places)), len(places), "panels that lie upon each other")
        good([build / "barograph", "check", "dashboards", "--catalog", catalog, names[1]])


# (statement, whether it compiles): a value of another label, a number, a text, a name that is none, a missing label.
STATEMENTS = [
    ("sample_jobs_total_inc(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A_PLUS);", True),
    ("sample_stage s = SAMPLE_STAGE_SAVE; sample_jobs_total_add(s, sample_grade_at(1), 2);", True),
    ("sample_jobs_total_inc(SAMPLE_GRADE_A_PLUS, SAMPLE_STAGE_LOAD);", False),
    ("sample_jobs_total_inc(0, SAMPLE_GRADE_A);", False),
    ("sample_jobs_total_inc(SAMPLE_STAGE_LOAD, 7);", False),
    ('sample_jobs_total_inc("load", SAMPLE_GRADE_A);', False),
    ("sample_jobs_total_inc(SAMPLE_STAGE_LOOD, SAMPLE_GRADE_A);", False),
    ("sample_jobs_total_inc(SAMPLE_STAGE_LOAD);", False),
    ("sample_active_jobs_dec(SAMPLE_FAILURES_TOTAL_TYPE_UPLOAD);", False),
    ("sample_switch(SAMPLE_MODE_STATE_READY);", True),
    ("sample_switch(SAMPLE_STAGE_LOAD);", False),
    ("sample_jobs_total_set(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A, 1);", False),
]


def test_wrong_values_do_not_compile(build: pathlib.Path, work: pathlib.Path) -> None:
    generate(build, SAMPLE, work)
    for number, (statement, is_good) in enumerate(STATEMENTS):
        source = work / f"s{number}.c"
        source.write_text(f'#include "sample.h"\n\nint main(void)\n{{\n    {statement}\n    return 0;\n}}\n')
        for command in (["gcc", "-std=c99"], ["clang", "-std=c99"], ["g++", "-std=c++11", "-x", "c++"]):
            if shutil.which(command[0]):
                done = run([*command, "-Werror=implicit-function-declaration", f"-I{ROOT / 'include'}", f"-I{work}",
                            "-fsyntax-only", source])
                equal(done.returncode == 0, is_good, f"{command[0]}: {statement}\n{done.stderr[:500]}")


def libbaro(build: pathlib.Path) -> list[str]:
    """What to link for libbaro."""
    library = build / "src" / "client" / "libbaro.a"
    if not library.exists():
        raise Skip("libbaro is not built")
    return [str(library), "-lz", "-lgnutls", "-lcrypt", "-lpthread", "-lm"]


def is_sanitized(build: pathlib.Path) -> list[str]:
    """Flags that a library of a sanitizer build asks for."""
    options = json.loads(good(["meson", "introspect", "--buildoptions", build]))
    kinds = next((o["value"] for o in options if o["name"] == "b_sanitize"), "none")
    return [] if kinds == "none" else [f"-fsanitize={kinds}"]


def test_code_does_what_it_says(build: pathlib.Path, work: pathlib.Path) -> None:
    """The sample's program: its exposition is the golden one, in both text formats, and what its catalogue says."""
    libraries = libbaro(build)
    sanitizers = is_sanitized(build)
    generate(build, SAMPLE, work)
    for cc in compilers() if not sanitizers else ["clang"]:
        program = work / f"sample-{cc}"
        good([cc, "-std=c99", *STRICT, *sanitizers, f"-I{work}", HERE / "sample_main.c", work / "sample.c", "-o", program,
              *libraries])
        text = good([program])
        # Quantiles are an estimate: their value is libbaro's affair.
        lines = [line for line in text.splitlines() if "quantile=" not in line]
        equal(lines, (HERE / "golden" / "sample.txt").read_text().splitlines(), cc)
        for kind, body in (("text", text), ("openmetrics", good([program, "o"]))):
            path = work / f"{kind}.txt"
            path.write_text(body)
            good([build / "barograph", "check", "metrics", f"--format={kind}", "--catalog", SAMPLE, "--complete", path])
            good([build / "barograph", "check", "metrics", f"--format={kind}", path])
        done = run([program], env={**os.environ, "PROMETHEUS_ENABLED": "false"})
        equal((done.returncode, done.stderr), (0, ""))
        equal([line for line in done.stdout.splitlines() if not line.startswith("#")], [], "disabled")


def check(build: pathlib.Path, what: str, *args: object) -> str:
    return good([build / "barograph", "check", what, *args])


def test_rules_and_dashboards_of_packs_name_what_there_is(build: pathlib.Path, work: pathlib.Path) -> None:
    """Each pack's expressions beside its own catalogue and those of the exporters."""
    foreign = [c for c in PACKS if is_foreign(c)]
    if not foreign:
        raise Skip("no catalogue of the exporters")
    others = [arg for c in foreign for arg in ("--catalog", c)]
    looked_at = 0
    for catalog in PACKS:
        rules = sorted(catalog.parent.glob("rules/*.yml"))
        dashboards = sorted(catalog.parent.glob("dashboards/*.json"))
        known = ["--catalog", catalog, *others, "--allow", "process_.*"]
        if rules:
            looked_at += check(build, "rules", *known, *rules).count("good: ")
        if dashboards:
            looked_at += check(build, "dashboards", *known, *[f"--rules={r}" for r in rules], *dashboards).count("good: ")
    if looked_at == 0:
        raise Skip("no rules and dashboards")


def test_rules_are_judged_as_promtool_does(build: pathlib.Path, work: pathlib.Path) -> None:
    promtool = need("promtool")
    rule_files = {
        "good": "groups:\n- name: g\n  rules:\n  - {record: a:b, expr: sum(x)}\n",
        "unclosed": "groups:\n- name: g\n  rules:\n  - {record: a, expr: sum(x}\n",
        "type": "groups:\n- name: g\n  rules:\n  - {record: a, expr: rate(x)}\n",
        "both": "groups:\n- name: g\n  rules:\n  - {record: a, alert: b, expr: x}\n",
        "twice": "groups:\n- name: g\n- name: g\n",
        "unknown": "groups:\n- name: g\n  rule: []\n",
        "no name": "groups:\n- rules: []\n",
        "for": "groups:\n- name: g\n  rules:\n  - {alert: a, expr: x, for: 5}\n",
        "label": "groups:\n- name: g\n  rules:\n  - {alert: a, expr: x, labels: {__name__: c}}\n",
        "template": "groups:\n- name: g\n  rules:\n  - {alert: a, expr: x, annotations: {s: '{{ humanise 1 }}'}}\n",
        "good template": "groups:\n- name: g\n  rules:\n  - {alert: a, expr: x, annotations: {s: '{{ humanize $value }}'}}\n",
        "empty": "groups: []\n",
    }
    for name, text in rule_files.items():
        path = work / "r.yml"
        path.write_text(text)
        theirs = run([promtool, "check", "rules", path]).returncode
        ours = run([build / "barograph", "check", "rules", path])
        equal(ours.returncode, theirs, f"{name}: {ours.stdout}{ours.stderr}")


def test_dashboard_of_the_conformance_data(build: pathlib.Path, work: pathlib.Path) -> None:
    board = pathlib.Path(os.environ.get("BAROGRAPH_SHARED", ROOT.parent / "shared")) / "conformance/dashboards/node-exporter-full.json"
    if not board.exists():
        raise Skip("no conformance data")
    contains(check(build, "dashboards", board), ": good: 289 expressions")


def test_expressions_that_name_nothing_are_found(build: pathlib.Path, work: pathlib.Path) -> None:
    rules = work / "rules.yml"
    rules.write_text("groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: |\n      sum by (stage, nix) (\n"
                     "        rate(sample_jobs_total{grade=\"F\"}[5m])\n      ) + a:b + sample_jobs_totl + other_x\n")
    done = run([build / "barograph", "check", "rules", "--catalog", SAMPLE, "--allow=other_.*", rules])
    equal(done.returncode, 1)
    equal(done.stdout.splitlines(), [
        f'{rules}:7:32: no value of label grade of sample_jobs_total matches "F"',
        f"{rules}:6:22: no series here has the label 'nix' of by (); there is: stage, grade, job, instance",
        f"{rules}:8:17: no catalogue has the metric 'sample_jobs_totl'; did you mean 'sample_jobs_total'?",
    ])
    equal(run([build / "barograph", "check", "rules", rules]).returncode, 0)
    board = work / "board.json"
    board.write_text('{"panels": [{"targets": [{"expr": "rate(sample_jobs_totl{grade=\\"$g\\"}[$__rate_interval])"}]}]}')
    done = run([build / "barograph", "check", "dashboards", "--catalog", SAMPLE, board])
    equal((done.returncode, done.stdout),
          (1, f"{board}:1:41: no catalogue has the metric 'sample_jobs_totl'; did you mean 'sample_jobs_total'?\n"))
    equal(run([build / "barograph", "check", "dashboards", "--catalog", work / "none.yaml", board]).returncode, 1)
    equal(run([build / "barograph", "check", "dashboards"]).returncode, 2)


def test_own_metrics_are_as_declared(build: pathlib.Path, work: pathlib.Path) -> None:
    """A server's /metrics beside the catalogue that its table is made from."""
    catalog = ROOT / "src/client/self.yaml"
    check(build, "catalog", catalog)
    (work / "own-rules.yml").write_text("groups: [{name: g, rules: [{record: a, expr: '1'}]}]\n")
    config = "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:1']}]}]}\n" \
             "rule_files: [own-rules.yml]\nscrape_configs: [{job_name: none}, " \
             "{job_name: gone, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:1']}]}]\n" \
             "remote_write: [{url: 'http://127.0.0.1:1/write'}]\nremote_read: [{url: 'http://127.0.0.1:1/read'}]\n"
    with Server(str(build / "barograph"), work, config, "--storage.remote.flush-deadline=1s") as server:
        server.wait_ready()
        wait_until("the scrape job is there", lambda: "none" in server.api("scrape_pools")["scrapePools"])
        wait_until("two scrapes: the time between them is told", lambda: server.query("count_over_time(up[1m]) >= 2"))
        for path in ("/api/v1/query?query=1", "/api/v1/query?query=", "/nowhere", "/metrics"):
            server.get(path)
        check(build, "metrics", "--complete", "--catalog", catalog, f"http://127.0.0.1:{server.port}/metrics")


def test_no_stable_metric_of_ours_vanished(build: pathlib.Path, work: pathlib.Path) -> None:
    """self_stable.txt has the names and types that were promised; a release adds its new ones."""
    declared = dict(re.findall(r"^ +- name: (\w+)\n(?: +id: \w+\n)? +type: (\w+)$",
                               (ROOT / "src/client/self.yaml").read_text(), re.M))
    for line in (HERE / "self_stable.txt").read_text().splitlines():
        name, kind = line.split()
        equal(declared.get(name), kind, name)


if __name__ == "__main__":
    barotest.main(dict(globals()))
