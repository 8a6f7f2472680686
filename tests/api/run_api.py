#!/usr/bin/env python3
"""Answers of the HTTP API that only barograph or a newer Prometheus than Debian's has."""

import concurrent.futures
import json
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, wait_until  # noqa: E402

CONFIG = """
scrape_configs:
  - job_name: one
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{env: dev}}}}]
    relabel_configs:
      - {{source_labels: [env], target_label: stage, regex: "(d).*", replacement: "${{1}}-stage"}}
      - {{regex: env, action: labeldrop}}
      - {{source_labels: [stage], regex: "x.*", action: keep}}
      - {{target_label: never, replacement: "", separator: ""}}
  - job_name: "none \\U0001F600"
    static_configs: []
"""


def start(build, work, *flags, name="server"):
    server = Server(str(build / "barograph"), work, "scrape_configs: []\n", *flags, name=name)
    server.config.write_text(CONFIG.format(port=server.port))
    return server


def fault(server, path, **params):
    status, _, body = server.get(f"/api/v1/{path}?{urllib.parse.urlencode(params, doseq=True)}")
    answer = json.loads(body)
    return status, answer.get("errorType"), answer.get("error")


def families(text):
    """{family: type} of an exposition."""
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))


def test_self_metrics_are_those_of_metrics(build, work):
    with start(build, work) as server:
        server.wait_ready()
        server.query("up")
        text = server.get("/metrics")[2].decode()
        data = server.api("status/self_metrics")
        names = [family["name"] for family in data]
        equal(names, sorted(names), "sorted")
        got = {family["name"]: family["type"].lower() for family in data}
        equal(got, families(text), "families and types")
        for family in data:
            assert family["help"], family["name"]
            for metric in family["metric"]:
                kind = family["type"].lower()
                value = metric[kind]
                if kind in ("counter", "gauge"):
                    assert isinstance(value["value"], (int, float)) or value["value"] in ("NaN", "Infinity"), family
                else:
                    assert value["sampleCount"].isdigit() and "sampleSum" in value, family
        durations = next(f for f in data if f["name"] == "prometheus_http_request_duration_seconds")
        query = next(m for m in durations["metric"] if m["label"] == [{"name": "handler", "value": "/api/v1/query"}])
        equal([bucket["upperBound"] for bucket in query["histogram"]["bucket"]], [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120])
        equal(query["histogram"]["bucket"][-1]["cumulativeCount"], query["histogram"]["sampleCount"], "cumulated")
        build_info = server.api("status/self_metrics", metric_name_pattern="prometheus_build_info|process_threads")
        equal([family["name"] for family in build_info], ["process_threads", "prometheus_build_info"], "filtered")
        equal(server.api("status/self_metrics", metric_name_pattern="threads"), [], "the pattern is anchored")
        status, kind, text = fault(server, "status/self_metrics", metric_name_pattern="(")
        equal((status, kind), (400, "bad_data"), "a bad pattern")
        contains(text, "invalid metric_name_pattern: error parsing regexp")


def test_relabel_steps(build, work):
    with start(build, work) as server:
        server.wait_ready()
        labels = {"__address__": "h:1", "env": "dev"}
        steps = server.api("targets/relabel_steps", scrapePool="one", labels=json.dumps(labels))["steps"]
        equal([step["keep"] for step in steps], [True, True, False, False], "until one drops it")
        equal([step["output"] for step in steps],
              [{**labels, "stage": "d-stage"}, {"__address__": "h:1", "stage": "d-stage"}, {}, {}], "after each rule")
        equal(steps[0]["rule"], {"source_labels": ["env"], "separator": ";", "regex": "(d).*", "target_label": "stage",
                                 "replacement": "${1}-stage", "action": "replace"}, "a rule as Prometheus shows it")
        equal(steps[3]["rule"]["replacement"], "", "an empty replacement is shown")
        equal(server.api("targets/relabel_steps", scrapePool="none \U0001F600", labels="{}"), {"steps": []}, "no rules")
        for params, want in (({}, "no scrapePool parameter provided"), ({"scrapePool": "one"}, "no labels parameter provided"),
                             ({"scrapePool": "one", "labels": "{"}, "error parsing labels"),
                             ({"scrapePool": "one", "labels": "[]"}, "error parsing labels"),
                             ({"scrapePool": "one", "labels": '{"a": 1}'}, "error parsing labels"),
                             ({"scrapePool": "two", "labels": "{}"}, 'scrape pool "two" not found')):
            status, kind, text = fault(server, "targets/relabel_steps", **params)
            equal((status, kind), (400, "bad_data"), str(params))
            contains(text, want, str(params))


def test_openapi(build, work):
    with start(build, work, "--web.route-prefix=/x") as server:
        wait_until("ready", lambda: server.program.process.poll() is None and is_ok(server, "/x/-/ready"), 60)
        status, headers, body = server.get("/x/api/v1/openapi.yaml")
        equal((status, headers["content-type"]), (200, "application/yaml; charset=utf-8"), "served as YAML")
        for part in ("openapi: 3.1.0\n", "  - url: /x/api/v1\n", "  /label/{name}/values:\n", "operationId: query-range-post\n",
                     "    Error:\n"):
            contains(body.decode(), part)
        contains(server.get("/x/api/v1/openapi.yaml?openapi_version=3.2")[2].decode(), "openapi: 3.2.0\n")


def is_ok(server, path):
    try:
        return server.get(path)[0] == 200
    except OSError:
        return False


def test_stats_other_than_true_and_all_are_deprecated(build, work):
    with start(build, work) as server:
        server.wait_ready()
        for value, warned in (("", False), ("true", False), ("all", False), ("yes", True)):
            for path in ("query?query=1", "query_range?query=1&start=0&end=1&step=1"):
                answer = json.loads(server.get(f"/api/v1/{path}&stats={value}")[2])
                equal("stats" in answer["data"], value != "", f"{path} {value}")
                equal(answer.get("warnings"), [f'value "{value}" for parameter "stats" is deprecated and will be rejected in the '
                                               'next major release, use "true" or "all"'] if warned else None, f"{path} {value}")


def test_notifications_tell_of_a_failed_reload(build, work):
    with start(build, work, "--web.enable-lifecycle") as server:
        server.wait_ready()
        equal(server.api("notifications"), [], "all is well")
        good = server.config.read_text()
        server.config.write_text("scrape_configs: [\n")
        equal(server.get("/-/reload", method="POST")[0], 500, "a bad file")
        notes = server.api("notifications")
        equal([(note["text"], note["active"]) for note in notes], [("Configuration reload has failed.", True)])
        server.config.write_text(good)
        equal(server.get("/-/reload", method="POST")[0], 200, "a good one")
        equal(server.api("notifications"), [], "all is well again")


def test_a_reload_opens_the_log_of_queries_anew(build, work):
    """logrotate moves the file away and has Prometheus reload."""
    log, moved = work / "queries.log", work / "queries.log.1"
    with start(build, work, "--web.enable-lifecycle") as server:
        server.config.write_text(f"global: {{query_log_file: {log}}}\n" + CONFIG.format(port=server.port))
        server.wait_ready()
        server.query("1")
        wait_until("a line", lambda: log.exists() and log.read_text().count("\n") == 1)
        log.rename(moved)
        equal(server.get("/-/reload", method="POST")[0], 200, "reload")
        server.query("2")
        wait_until("a line in the new file", lambda: log.exists() and log.read_text().count("\n") == 1)
        equal(moved.read_text().count("\n"), 1, "the old file is left alone")


def test_reloads_while_it_ends(build, work):
    """A reload that comes while the program ends is refused, and holds nothing up."""
    for _ in range(3):
        with start(build, work, "--web.enable-lifecycle") as server:
            server.wait_ready()
            done = threading.Event()

            def reload(server=server, done=done):
                seen = set()
                while not done.is_set():
                    try:
                        seen.add(server.get("/-/reload", method="POST", timeout=10)[0])
                    except OSError:
                        return seen
                return seen
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                loops = [pool.submit(reload) for _ in range(4)]
                time.sleep(0.2)
                status = server.stop()
                done.set()
                seen = set().union(*(loop.result() for loop in loops))
            equal(status, 0, "exit status")
            assert seen <= {200, 500, 503}, seen


if __name__ == "__main__":
    main(globals())
