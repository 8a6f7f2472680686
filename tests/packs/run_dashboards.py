#!/usr/bin/env python3
"""The packs' dashboards: sound JSON, the documented panels and queries, known metrics, and data in every panel."""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from barotest import Site, Server, contains, equal, main, need, wait_until  # noqa: E402
import packlib  # noqa: E402
from packlib import NAMES, PACKS, ROOT  # noqa: E402

KINDS = {"row", "timeseries", "stat", "gauge", "bargauge", "piechart", "heatmap", "table"}
# Units of Grafana's registry that the boards use.
UNITS = {"s", "short", "percent", "percentunit", "bytes", "Bps", "reqps", "ops", "celsius"}


def test_json_is_what_the_boards_say(build, work):
    done = subprocess.run([sys.executable, ROOT / "tools/packs_dashboards.py", "--check"], capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stderr), (0, ""), "tools/packs_dashboards.py --check")


def test_the_tool_refuses_what_it_does_not_know(build, work):
    board = work / "boards" / "bad.yaml"
    board.parent.mkdir()
    for text, part in (("title: x\nrowz: []\n", "rowz"), ("title: [", "bad.yaml"), ("uid: x\n", "title")):
        board.write_text(text)
        done = subprocess.run([sys.executable, ROOT / "tools/packs_dashboards.py", str(board)], capture_output=True, text=True, timeout=60)
        equal(done.returncode, 1, text)
        contains(done.stderr, part, text)
    equal((work / "dashboards").exists(), False, "nothing is written")


def check_grid(where, board):
    """Panels lie on the grid of 24 columns, and no two on one place."""
    taken = {}
    for panel in board["panels"]:
        at = panel["gridPos"]
        equal(at["x"] >= 0 and at["w"] > 0 and at["h"] > 0 and at["x"] + at["w"] <= 24, True, f"{where}: {panel['title']}: {at}")
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            equal(taken.setdefault(cell, panel["title"]), panel["title"], f"{where}: two panels at {cell}")


def check_panel(where, panel, uids):
    config = panel["fieldConfig"]["defaults"]
    equal(len(panel["description"]) >= 12, True, f"{where}: a description that helps")
    equal(config["unit"] in UNITS, True, f"{where}: unit {config['unit']}")
    equal(bool(config["noValue"]), True, f"{where}: a text for no data")
    steps = config["thresholds"]["steps"]
    equal(steps[0]["value"], None, f"{where}: the first threshold has no bound")
    bounds = [step["value"] for step in steps[1:]]
    equal(bounds, sorted(set(bounds)), f"{where}: thresholds rise")
    equal(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, f"{where}: data source")
    equal(bool(panel["targets"]), True, f"{where}: queries")
    refs = [target["refId"] for target in panel["targets"]]
    equal(len(set(refs)), len(refs), f"{where}: query names")
    for target in panel["targets"]:
        equal(bool(target["expr"].strip()), True, f"{where}: {target['refId']}: an expression")
        equal(target["datasource"], panel["datasource"], f"{where}: {target['refId']}: data source")
        equal(target["instant"] != target["range"], True, f"{where}: {target['refId']}: instant or range")
        equal(target.get("format", "time_series"), {"table": "table", "heatmap": "heatmap"}.get(panel["type"], "time_series"), f"{where}: format")
    for link in panel.get("links", []) + config.get("links", []):
        equal(link["url"].split("/d/")[1].split("?")[0] in uids, True, f"{where}: {link['url']} leads somewhere")


def test_structure(build, work):
    all_uids = [board["uid"] for pack in NAMES for board in packlib.dashboards(pack).values()]
    equal(len(set(all_uids)), len(all_uids), "uids differ")
    titles = [board["title"] for pack in NAMES for board in packlib.dashboards(pack).values()]
    equal(len(set(titles)), len(titles), "titles differ")
    for pack in NAMES:
        for name, board in packlib.dashboards(pack).items():
            where = f"{pack}/{name}"
            equal((board["schemaVersion"], board["id"], board["time"]["to"]), (39, None, "now"), where)
            equal(len(board["uid"]) <= 40, True, f"{where}: uid")
            equal({panel["type"] for panel in board["panels"]} <= KINDS, True, f"{where}: kinds of panels")
            ids = [panel["id"] for panel in board["panels"]]
            equal(len(set(ids)), len(ids), f"{where}: panel ids")
            check_grid(where, board)
            variables = [variable["name"] for variable in board["templating"]["list"]]
            equal(variables[0], "datasource", f"{where}: the data source is a variable")
            equal(any("ALERTS" in entry.get("expr", "") for entry in board["annotations"]["list"]), True, f"{where}: alerts are annotations")
            equal([link["url"] for link in board["links"] if link["url"].split("/d/")[1] not in all_uids], [], f"{where}: links")
            for panel in packlib.panels(board):
                check_panel(f"{where}: {panel['title']}", panel, all_uids)


# ---- what the documents list

# pack, file: refresh, start of the time range
TIMES = {
    ("orfeas", "grafana-dashboard.json"): ("10s", "now-1h"),
    ("orchestrator", "grafana-dashboard.json"): ("5s", "now-1h"),
    **{("pybase", name): ("30s", "now-1h") for name in ("overview.json", "api-performance.json", "celery-workers.json", "database-redis.json")},
}
STUDIO_ROWS = {
    "System Health Overview": ["Uptime", "Total requests per second", "Error rate", "Active jobs"],
    "Request Analytics": ["Request rate by endpoint", "P50/P95 latency", "Error-rate trends", "Status-code distribution"],
    "AI Generation Analytics": ["Text→image generation rate", "3D model generation rate", "Generation-duration trends", "Success vs failure rates"],
    "Resource Utilization": ["CPU usage (average & max)", "Memory usage percentage", "GPU utilization", "Disk space"],
    "Business Metrics": ["Total generations", "Quality score", "Rate-limit rejections", "Generation format distribution"],
}
NINE_PANELS = {"Request Rate": "timeseries", "Stage Latency": "gauge", "Latency Percentiles": "timeseries", "Queue Depth": "timeseries",
               "Backpressure": "timeseries", "Total Requests": "stat", "Total Errors": "stat", "Total Shed": "stat", "Total Tokens": "stat"}
# (pack, file): panels that the documents ask for, by the title that they have here
LISTED = {
    ("orfeas", "orfeas-dashboard.json"): ["GPU utilization", "GPU memory usage", "HTTP request rate", "Error rate", "Generation duration", "Quality scores"],
    ("pybase", "overview.json"): ["Targets up", "Request and error rate", "Active WebSocket connections", "PostgreSQL", "Redis", "Cache hit ratio of reads",
                                  "Extraction task throughput"],
    ("pybase", "api-performance.json"): ["Request rate by endpoint", "Response time percentiles", "Error rate breakdown", "Slowest endpoints",
                                         "Traffic patterns over time"],
    ("pybase", "celery-workers.json"): ["Task throughput by type", "Task duration percentiles", "Task failure rates", "Worker queue depth",
                                        "Task retry statistics"],
    ("pybase", "database-redis.json"): ["PostgreSQL connection pool usage", "Query performance", "Cache hit/miss ratios", "Redis memory usage",
                                        "Slow query log"],
    ("e2e3d", "storage.json"): ["Storage usage by bucket", "Object count by bucket", "Upload rate", "Download rate", "Disk space available"],
    ("e2e3d", "job-statistics.json"): ["Job success rate", "Job processing time", "Success rate by dataset type", "Mean reconstruction time by dataset type"],
}


def test_documented_panels(build, work):
    for (pack, name), (refresh, start) in TIMES.items():
        board = packlib.dashboards(pack)[name]
        equal((board["refresh"], board["time"]["from"]), (refresh, start), f"{pack}/{name}: refresh and range")
    rows, current = {}, None
    for panel in packlib.dashboards("orfeas")["grafana-dashboard.json"]["panels"]:
        current = rows.setdefault(panel["title"], []) if panel["type"] == "row" else current
        if panel["type"] != "row":
            current.append(panel["title"])
    equal(rows, STUDIO_ROWS, "O-D10..O-D50")
    kinds = {panel["title"]: panel["type"] for panel in packlib.panels(packlib.dashboards("orfeas")["grafana-dashboard.json"])}
    equal((kinds["Total generations"], kinds["Quality score"]), ("piechart", "heatmap"), "O-D50")
    nine = packlib.panels(packlib.dashboards("orchestrator")["grafana-dashboard.json"])
    equal({panel["title"]: panel["type"] for panel in nine}, NINE_PANELS, "T-D1..T-D9")
    custom = {panel["title"]: panel["fieldConfig"]["defaults"]["custom"] for panel in nine}
    equal((custom["Queue Depth"]["fillOpacity"] > 0, custom["Backpressure"]["drawStyle"]), (True, "bars"), "T-D4, T-D5")
    steps = {panel["title"]: [step["color"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]] for panel in nine}
    equal((steps["Total Errors"], steps["Total Shed"], len(steps["Stage Latency"])), (["green", "red"], ["green", "yellow", "red"], 3), "T-D2, T-D7, T-D8")
    equal(next(panel for panel in nine if panel["title"] == "Total Requests")["options"]["graphMode"], "area", "T-D6: sparkline")
    equal([panel["title"] for panel in nine if not panel.get("links")], [], "T: every panel leads on")
    for (pack, name), wanted in LISTED.items():
        have = [panel["title"] for panel in packlib.panels(packlib.dashboards(pack)[name])]
        equal([title for title in wanted if title not in have], [], f"{pack}/{name}")
    equal(set(packlib.dashboards("e2e3d")), {"system-overview.json", "api-performance.json", "reconstruction-performance.json", "storage.json",
                                             "job-statistics.json"}, "E-D1..E-D5")


QUERIES = {
    "orfeas": ["rate(http_requests_total[5m])", "histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m]))"],
    "e2e3d": ["rate(api_requests_total[5m])", "histogram_quantile(0.95, sum(rate(api_request_duration_seconds_bucket[5m])) by (le, endpoint))",
              "histogram_quantile(0.95, sum(rate(job_processing_duration_seconds_bucket[1h])) by (le))",
              "sum(jobs_completed_total) / (sum(jobs_completed_total) + sum(jobs_failed_total))",
              "node_memory_MemTotal_bytes - node_memory_MemFree_bytes", "node_filesystem_avail_bytes / node_filesystem_size_bytes",
              'rate(minio_s3_requests_total{api="PutObject"}[5m])', 'rate(minio_s3_requests_total{api="GetObject"}[5m])'],
    "orchestrator": ["rate(orchestrator_requests_total[1m])", "sum(rate(orchestrator_requests_total[1m]))",
                     "histogram_quantile(0.95, rate(orchestrator_stage_duration_seconds_bucket[5m]))", 'orchestrator_queue_depth{stage="inference"}',
                     "sum(rate(orchestrator_requests_shed_total[5m])) / sum(rate(orchestrator_requests_total[5m])) * 100",
                     "rate(orchestrator_errors_total[1m])", "rate(orchestrator_tokens_generated_total[1m])"],
    "pybase": ['rate(http_requests_total{status!~"5.."}[5m])', "histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m]))",
               'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
               'sum(rate(extraction_tasks_total{status="success"}[5m])) / sum(rate(extraction_tasks_total[5m]))',
               'sum(rate(cache_operations_total{status="hit"}[5m])) / sum(rate(cache_operations_total[5m]))'],
}


def test_documented_queries(build, work):
    """O-V4, E 1.2.3, T 1.3.6, P 1.4.5: each stands letter for letter in a dashboard or on a page."""
    for pack, wanted in QUERIES.items():
        have = {expr for _, expr in packlib.board_expressions(pack) + packlib.page_expressions(pack)}
        equal([query for query in wanted if query not in have], [], pack)
    more = {expr for where, expr in packlib.page_expressions("orchestrator") if "METRICS.md" in where} - set(QUERIES["orchestrator"])
    equal(len(more) > 20, True, f"T: {len(more)} more queries")


# ---- expressions

def every_expression(pack):
    found = packlib.board_expressions(pack) + packlib.page_expressions(pack)
    return found + [(f"{pack}: rule {rule.get('alert') or rule['record']}", rule["expr"]) for rule in packlib.rules(pack) + packlib.rules(pack, "record")]


def test_real_promql_takes_every_expression(build, work):
    """As recording rules, promtool parses them all in one run."""
    promtool = need("promtool")
    rows = [(where, expr) for pack in NAMES for where, expr in every_expression(pack)]
    rules = [{"record": f"case:{number}", "expr": expr} for number, (_, expr) in enumerate(rows)]
    path = work / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "cases", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])


def parse(server, expr):
    status, _, body = server.get("/api/v1/parse_query?" + urllib.parse.urlencode({"query": expr}))
    answer = json.loads(body)
    equal((status, answer["status"]), (200, "success"), f"{expr}: {body[:300]!r}")
    return answer["data"]


def test_expressions_name_known_metrics_and_labels(build, work):
    """Every selector names a series that a catalogue has, with labels that it has; every metric of a catalogue is in some panel."""
    with Server(str(build / "barograph"), work, "global: {}\n") as server:
        server.wait_ready()
        for pack in NAMES:
            known = packlib.known_series(pack)
            seen = set()
            for where, expr in every_expression(pack):
                for name, asked in packlib.selectors(parse(server, expr)):
                    if not name:
                        continue
                    equal(name in known, True, f"{where}: {name} is in no catalogue")
                    equal(asked - known[name] - packlib.ADDED_LABELS, set(), f"{where}: labels of {name}")
                    if "dashboard" in where or ".json" in where:
                        seen.add(name)
            missing = [name for name in packlib.metrics(packlib.catalog(pack)) if not {name, f"{name}_bucket", f"{name}_sum", f"{name}_count"} & seen]
            equal(missing, [], f"{pack}: metrics that no panel shows")


# ---- data

def values_of(label, definition):
    if "values" in definition:
        return definition["values"]
    samples = {"status": ["200", "500"], "core": ["0", "1"], "gpu_id": ["0"], "mode": ["idle", "user"], "api": ["PutObject", "GetObject", "putobject", "getobject"],
               "dataset_type": ["turntable", "aerial"], "fstype": ["ext4"], "threshold": ["0.8"], "error_type": ["timeout"]}
    return samples.get(label, [f"{label}-1"])


def series_of(metric, shared):
    """Every combination of label values as the text between braces."""
    rows = [""]
    for name, definition in packlib.labels(metric, shared).items():
        rows = [f'{row},{name}="{value}"' for row in rows for value in values_of(name, definition)]
    return [row.lstrip(",") for row in rows]


def bounds_of(metric):
    buckets = metric.get("buckets", [1])
    if isinstance(buckets, dict):
        (how, rule), = buckets.items()
        step = (lambda i: rule["start"] * rule["factor"] ** i) if how == "exponential" else (lambda i: rule["start"] + rule["width"] * i)
        return [step(i) for i in range(rule["count"])]
    return buckets


def exposition(source, tick):
    """All metrics of a catalogue with values at a tick: counters and histograms rise, gauges stand."""
    lines = []
    for name, metric in packlib.metrics(source).items():
        kind = metric["type"]
        lines.append(f"# TYPE {name} {'gauge' if kind == 'info' else kind}")
        for row in series_of(metric, source.get("labels", {})):
            braces = f"{{{row}}}" if row else ""
            if kind == "counter":
                lines.append(f"{name}{braces} {7 * tick}")
            elif kind in ("gauge", "info"):
                lines.append(f"{name}{braces} {time.time() - 30 if 'timestamp' in name or name.endswith('_time_seconds') or 'last_seen' in name else 42}")
            elif kind == "summary":
                lines += [f"{name}_sum{braces} {3 * tick}", f"{name}_count{braces} {tick}"]
            else:
                comma = "," if row else ""
                bounds = bounds_of(metric)
                lines += [f'{name}_bucket{{{row}{comma}le="{bound:g}"}} {tick * (i + 1)}' for i, bound in enumerate(bounds)]
                total = tick * (len(bounds) + 1)
                lines += [f'{name}_bucket{{{row}{comma}le="+Inf"}} {total}', f"{name}_sum{braces} {total * bounds[0]}", f"{name}_count{braces} {total}"]
    return "\n".join(lines) + "\n"


# What services show that have just started: no error has happened yet, so no counter of errors exists.
QUIET = "app_uptime_seconds 5\njobs_created_total 0\norchestrator_queue_depth{stage=\"rag\"} 0\nwebsocket_connections_active 0\n"


class Target(Site):
    """GET /PACK: what a service of that pack would show; each request is one tick later."""

    def __init__(self):
        self.ticks: dict[str, int] = {}
        super().__init__()

    def text(self, path: str) -> str:
        pack = path.strip("/")
        self.ticks[pack] = self.ticks.get(pack, 0) + 1
        return QUIET if pack == "quiet" else exposition(packlib.catalog(pack), self.ticks[pack])


# job -> the catalogue that it shows
JOBS = {"orfeas-backend": "orfeas", "api": "e2e3d", "reconstruction": "exporters", "orchestrator": "orchestrator", "pybase-backend": "pybase",
        "pybase-node": "exporters"}


def has_data(server, expr):
    """True when a value comes that is a number."""
    rows = server.api("query", query=expr)["result"]
    return any(row["value"][1] != "NaN" for row in rows)


@contextlib.contextmanager
def scraped(build, work, jobs):
    """barograph that has scraped the targets of {job: path} four times."""
    target = Target()
    config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
              "scrape_configs": [{"job_name": job, "metrics_path": f"/{path}", "static_configs": [{"targets": [target.address]}]} for job, path in jobs.items()]}
    try:
        with Server(str(build / "barograph"), work, json.dumps(config)) as server:
            server.wait_ready()
            wait_until("four scrapes of each", lambda: len(target.ticks) == len(set(jobs.values())) and min(target.ticks.values()) >= 4)
            yield server
    finally:
        target.stop()


def test_every_panel_draws_data(build, work):
    """With every metric of the catalogues scraped, each query has a value; those that look back days are left out."""
    with scraped(build, work, JOBS) as server:
        empty, count = [], 0
        for pack in NAMES:
            for where, expr in packlib.board_expressions(pack):
                if "offset" not in expr and "annotation" not in where:
                    count += 1
                    first = re.split(r" or on \(\) (?:label_replace\()?0 \* sum", expr)[0]  # without what stands in for it
                    empty += [] if has_data(server, first) else [f"{where}: {first}"]
        equal(empty, [], f"{count} queries; those without data")


def test_no_error_yet_is_zero(build, work):
    """A counter of errors does not exist before the first error; panels say 0 then, and nothing when the service is gone."""
    with scraped(build, work, {"orfeas-backend": "quiet", "pybase-backend": "quiet"}) as server:
        zeros = [row for pack in NAMES for row in packlib.board_expressions(pack) if "or on () 0 *" in row[1] or "or on () label_replace(0 *" in row[1]]
        equal(len(zeros) > 25, True, f"{len(zeros)} queries")
        for where, expr in zeros:
            rows = server.api("query", query=expr)["result"]
            equal([row["value"][1] for row in rows], ["0"], f"{where}: {expr}")
            equal(server.api("query", query=expr, time=1)["result"], [], f"{where}: before anything was scraped")


def barograph(build, *words):
    done = subprocess.run([str(build / "barograph"), *map(str, words)], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")


def test_barographs_own_checks(build, work):
    """The catalogue tools find nothing in the packs: catalogues, dashboards and rules agree."""
    catalogs = [PACKS / pack / "catalog.yaml" for pack in [*NAMES, "exporters"]]
    barograph(build, "check", "catalog", *catalogs)
    for pack in NAMES:
        known = [f"--catalog={PACKS / name / 'catalog.yaml'}" for name in (pack, "exporters")]
        barograph(build, "check", "dashboards", *known, *sorted((PACKS / pack / "dashboards").glob("*.json")))
        barograph(build, "check", "rules", *known, *packlib.rule_files(pack))


def test_generated_code_has_the_documents_functions(build, work):
    """gen c writes a declaration for every helper under the name that the documents have."""
    for pack in NAMES:
        (work / pack).mkdir()
        barograph(build, "gen", "c", f"--out={work / pack}", PACKS / pack / "catalog.yaml")
        header = (work / pack / f"{pack}.h").read_text()
        for helper in packlib.catalog(pack)["helpers"]:
            equal(bool(re.search(rf"\bvoid {helper['name']}\(", header)), True, f"{pack}: {helper['name']}")


if __name__ == "__main__":
    main(globals())
