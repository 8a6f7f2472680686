#!/usr/bin/env python3
"""The commands as scripts use them: exit status, messages, help."""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import ROOT, Server, Skip, contains, equal, main, need  # noqa: E402


def run(build, *words, stdin=""):
    done = subprocess.run([str(build / "barograph"), *words], input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_help_and_version(build, work):
    """Every command's help has an example and its exit statuses."""
    commands = re.findall(r'^COMMAND\("([^"]+)"', (ROOT / "src" / "app" / "commands.def").read_text(), re.M)
    status, everything, _ = run(build, "--help")
    equal(status, 0, "--help")
    for name in commands:
        contains(everything, f"  {name} ", "the list of all")
        status, out, err = run(build, *name.split(), "--help")
        equal((status, err), (0, ""), name)
        contains(out, f"usage: barograph {name}", name)
        assert re.search(rf"^  .*barograph {name}", out, re.M), f"{name}: no example"
        contains(out, "xit status: 0 ", name)
    equal(run(build, "help", "check", "config"), run(build, "check", "config", "--help"), "help COMMAND")
    for words in (["help", "tsdb"], ["tsdb", "--help"]):
        status, out, err = run(build, *words)
        equal((status, err, out.count("\n")), (0, "", sum(name.startswith("tsdb ") for name in commands)), "a group")
    status, out, _ = run(build, "--version")
    equal(status, 0, "--version")
    contains(out, "barograph, version 0.", "--version")
    if (ROOT / ".git").exists():
        assert re.fullmatch(r"barograph, version [0-9.]+ \(revision [0-9a-f]{12}\)\n", out), out


def test_wrong_usage_is_2(build, work):
    for words, part in ((["nonsense"], "no such command"), (["serve", "--no-such-flag"], "unknown flag"),
                        (["--query.timeout=x"], "--query.timeout"), (["query", "instant"], "usage")):
        status, _, err = run(build, *words)
        equal(status, 2, " ".join(words))
        contains(err, part, " ".join(words))
    status, _, err = run(build, "tsdb", "nonsense")
    equal((status, "tsdb verify" in err, "silence add" in err), (2, True, False), "a command that a group lacks")
    equal(run(build, "help", "nonsense")[0], 2, "help on nothing")


# Flags of Prometheus 3.14 that mean what is not here, each with a value that is not the default.
REFUSED = {"agent": "true", "storage.agent.checkpoint-batch-size": "5", "storage.agent.checkpoint-from-in-memory-series": "true",
           "storage.agent.no-lockfile": "true", "storage.agent.path": "x", "storage.agent.retention.max-time": "1h",
           "storage.agent.retention.min-time": "1m", "storage.agent.wal-compression": "false", "storage.agent.wal-compression-type": "zstd",
           "storage.agent.wal-segment-size": "20MB", "storage.agent.wal-truncate-frequency": "1h",
           "storage.tsdb.allow-overlapping-compaction": "false", "web.user-assets": "x"}
# Flags of 2.42 that Prometheus 3 does not know either.
GONE = {"alertmanager.timeout", "storage.tsdb.allow-overlapping-blocks"}
# Debian's own.
DEBIAN = {"storage.tsdb.use-lockfile", "storage.agent.use-lockfile", "web.local-assets"}


def test_flags_of_prometheus(build, work):
    """Every flag is taken, or refused with what to do instead."""
    for name, value in REFUSED.items():
        status, _, err = run(build, "serve", f"--{name}={value}", "--help")
        equal(status, 1, name)
        contains(err, f"--{name} is not supported: leave it out", name)
    for name, value in {"auto-gomemlimit.refresh-interval": "1m", "storage.tsdb.block-reload-interval": "5m",
                        "storage.tsdb.delayed-compaction.max-percent": "20", "storage.tsdb.max-block-chunk-segment-size": "64MB",
                        "storage.tsdb.samples-per-chunk": "240", "agent": "false", "storage.agent.path": "data-agent/",
                        "web.remote-write-receiver.accepted-protobuf-messages": "prometheus.WriteRequest"}.items():
        equal(run(build, "serve", f"--{name}={value}", "--help")[0], 0, name)
    theirs = re.findall(r"^ +--(?:\[no-\])?([a-z0-9.-]*[a-z0-9])(?:=| |$)", subprocess.run([need("prometheus"), "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout, re.M)
    ours = re.findall(r"^  --([a-z0-9.-]+)", run(build, "serve", "--help")[1], re.M)
    assert len(theirs) > 40, theirs
    equal(set(theirs) - set(ours) - {"help", "help-long"} - GONE - DEBIAN, set(), "flags of Debian's Prometheus that are not known here")


def test_check_config(build, work):
    good, bad, later = work / "good.yml", work / "bad.yml", work / "later.yml"
    good.write_text("scrape_configs: [{job_name: a, static_configs: [{targets: ['127.0.0.1:1']}]}]\n")
    bad.write_text("global:\n  scrape_intervall: 5s\nscrape_configs: [{job_name: a, scrape_timeout: 1x}]\n")
    later.write_text("remote_write: [{url: 'http://127.0.0.1:1/write', sigv4: {region: a}}]\n")
    equal(run(build, "check", "config", str(good))[0], 0, "a good file")
    status, out, err = run(build, "check", "config", str(bad))
    equal(status, 1, "a bad file")
    contains(out + err, f"{bad}:2:3: ", "the place")
    contains(out + err, "scrape_interval", "the nearest name")
    contains(out + err, f"{bad}:3:", "all faults at once")
    status, out, err = run(build, "check", "config", str(later))
    equal(status, 0, "valid, but not run yet")
    contains(out + err, "not supported yet", "valid, but not run yet")
    equal(run(build, "check", "config", "--strict", str(later))[0], 1, "--strict")
    rules = work / "rules.yml"
    rules.write_text("storage:\n  retention_rules:\n  - {match: '{job=\"a\"', retention: 3d}\n  - {match: up, retention: 1y}\n")
    status, out, err = run(build, "check", "config", str(rules))
    equal(status, 1, "a retention rule that is no selector")
    contains(out + err, f"{rules}:3:13: ", "its place")
    equal((out + err).count(": \""), 1, "the good rule is not named")
    status, _, err = run(build, "serve", f"--config.file={later}", f"--storage.tsdb.path={work}/data")
    equal(status, 1, "serve stops")
    contains(err, "not supported yet", "serve says why")


def test_check_metrics(build, work):
    equal(run(build, "check", "metrics", stdin="# HELP a_total x\n# TYPE a_total counter\na_total 1\n")[0], 0, "good")
    status, out, err = run(build, "check", "metrics", stdin="a{b=} 1\n")
    equal(status, 1, "a parse error")
    contains(out + err, ":1:", "the place")
    equal(run(build, "check", "metrics", stdin="# TYPE a counter\na 1\n")[0], 3, "lint findings")
    status, out, err = run(build, "check", "metrics", stdin="")
    equal(status, 1, "an empty body")
    contains(out + err, "nothing to check", "an empty body")
    equal(run(build, "check", "metrics", "--format=text", stdin="")[0], 0, "an empty body as text")
    status, out, err = run(build, "check", "metrics", stdin="# UNIT a_bytes bytes\n# TYPE a_bytes gauge\n# HELP a_bytes x\na_bytes 1\n")
    equal(status, 0, "OpenMetrics that is good text without its end")
    contains(out + err, "stdin:1:1: note: this is OpenMetrics", "OpenMetrics that is good text without its end")


def test_check_metrics_conformance(build, work):
    """Every case of the shared OpenMetrics suite gets its verdict from `check metrics` without flags."""
    shared = pathlib.Path(os.environ.get("BAROGRAPH_SHARED", ROOT.parent / "shared"))
    folder = shared / "conformance" / "openmetrics"
    if not folder.is_dir():
        raise Skip("the shared conformance data is missing (set BAROGRAPH_SHARED)")
    wrong = []
    for case in json.loads((folder / "manifest.json").read_text())["cases"]:
        status, out, err = run(build, "check", "metrics", str(folder / case["file"]))
        if (status == 0) != (case["expect"] == "pass"):
            wrong.append((case["file"], status, out + err))
    equal(wrong, [], "verdicts")


def test_query_commands(build, work):
    with Server(str(build / "barograph"), work, "global: {}\n") as server:
        server.wait_ready()
        url = f"http://127.0.0.1:{server.port}"
        status, out, _ = run(build, "query", "instant", url, "vector(42)")
        equal(status, 0, "query instant")
        contains(out, "42", "query instant")
        status, out, _ = run(build, "query", "range", "--plot", url, "vector(time())")
        equal(status, 0, "query range --plot")
        status, _, err = run(build, "query", "instant", url, "sum(")
        equal(status, 1, "a bad expression")
        contains(err, "parse error", "a bad expression")
    status, _, err = run(build, "query", "instant", url, "up")
    equal(status, 1, "nobody there")


def test_promql_scripts(build, work):
    good, bad = work / "good.test", work / "bad.test"
    good.write_text("load 1m\n  m 1 2 3\n\neval instant at 2m m\n  m 3\n")
    bad.write_text("load 1m\n  m 1 2 3\n\neval instant at 2m m\n  m 4\n")
    status, out, _ = run(build, "test", "promql", str(good))
    equal(status, 0, "a good script")
    contains(out, "1 passed, 0 failed", "a good script")
    status, out, err = run(build, "test", "promql", str(good), str(bad))
    equal(status, 1, "a script that fails")
    contains(out + err, "1 passed, 1 failed", "a script that fails")


if __name__ == "__main__":
    main(globals())
