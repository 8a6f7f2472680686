#!/usr/bin/env python3
"""The same questions to barograph and to a real Prometheus: same data directories, same targets, same answers."""

import json
import math
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import compare  # noqa: E402
import history  # noqa: E402
from barotest import Program, Server, equal, free_port, main, need, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# Half seconds, because 2.x counts the left border of ranges and subqueries in and 3.x does not: nothing lies on one.
INSTANTS = (history.START + 3600.5, history.MID + 0.5, history.END - 15.5)
RANGES = ((history.MID - 1800.5, history.MID + 1800.5, 60), (history.START - 600.5, history.END + 600.5, 613))
QUICK = ("--scrape.discovery-reload-interval=100ms",)
ORDERED = ("sort(", "sort_desc(", "topk(", "bottomk(")

# Where 3.x answers differently than 2.42 on purpose, and why: both must answer, and not alike.
CHANGED = {
    'label_join(up, "a b", "-", "job")': "3.x allows every UTF-8 label name",
    "temperature offset 5": "3.x takes a number for a duration in seconds",
}

# Texts of errors that 3.x words differently: only the status and the type are compared.
REWORDED = {
    "temperature[5m] offset": "3.x has more that may follow",
    "http_requests_total / on (instance) http_requests_total": "the two series that are named come in the order of postings",
}


def expressions():
    lines = (HERE / "expressions.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def ask(server, path, params):
    status, _, body = server.get(f"/api/v1/{path}?{urllib.parse.urlencode(params)}")
    return status, json.loads(body)


def same_value(a: str, b: str) -> bool:
    if a == b:
        return True
    x, y = float(a), float(b)
    return (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-300)


def same_points(a, b) -> bool:
    return len(a) == len(b) and all(x[0] == y[0] and same_value(x[1], y[1]) for x, y in zip(a, b))


def difference(expr, theirs, mine):
    """What differs between two answers, or None."""
    (their_status, their), (my_status, my) = theirs, mine
    if expr in CHANGED:
        return "not different any more" if their == my else None
    if their_status != my_status or their["status"] != my["status"]:
        return f"status {their_status} {their.get('error')} / {my_status} {my.get('error')}"
    if their["status"] == "error":
        if their["errorType"] != my["errorType"]:
            return f"{their['errorType']} / {my['errorType']}"
        if expr not in REWORDED and compare.plain(json.dumps(their).encode()) != compare.plain(json.dumps(my).encode()):
            return f"{their['error']!r} / {my['error']!r}"
        return None
    their, my = their["data"], my["data"]
    if their["resultType"] != my["resultType"]:
        return f"{their['resultType']} / {my['resultType']}"
    if their["resultType"] == "string":
        return None if their == my else f"{their} / {my}"
    if their["resultType"] == "scalar":
        return None if same_points([their["result"]], [my["result"]]) else f"{their} / {my}"
    return series_difference(expr, their, my)


def series_difference(expr, their, my):
    a, b = their["result"], my["result"]
    if their["resultType"] == "vector" and not expr.startswith(ORDERED):
        a, b = (sorted(rows, key=lambda row: json.dumps(row["metric"], sort_keys=True)) for rows in (a, b))
    if [row["metric"] for row in a] != [row["metric"] for row in b]:
        return f"labels {[row['metric'] for row in a]} / {[row['metric'] for row in b]}"[:1500]
    for x, y in zip(a, b):
        x_points, y_points = (row["values"] if "values" in row else [row["value"]] for row in (x, y))
        if not same_points(x_points, y_points):
            first = [(p, q) for p, q in zip(x_points, y_points) if not same_points([p], [q])][:3]
            return f"{x['metric']}: {len(x_points)} / {len(y_points)} points, first {first}"
    return None


def faults_of(prometheus, barograph):
    for expr in expressions():
        for at in INSTANTS:
            params = {"query": expr, "time": at}
            yield expr, params, difference(expr, ask(prometheus, "query", params), ask(barograph, "query", params))
        for start, end, step in RANGES:
            params = {"query": expr, "start": start, "end": end, "step": step}
            yield expr, params, difference(expr, ask(prometheus, "query_range", params), ask(barograph, "query_range", params))


def both_over_history(build, work):
    history.write_blocks(need("promtool"), work, work / "prometheus-data")
    shutil.copytree(work / "prometheus-data", work / "barograph-data")
    flags = "--storage.tsdb.retention.time=100y"
    return [Server(binary, work, "global: {}\n", flags, name=name, keep_data=True)
            for binary, name in ((need("prometheus"), "prometheus"), (str(build / "barograph"), "barograph"))]


def test_expressions_over_one_history(build, work):
    """Every expression of expressions.txt, instant and range: same labels, values to 1e-9, same errors."""
    prometheus, barograph = both_over_history(build, work)
    with prometheus, barograph:
        prometheus.wait_ready()
        barograph.wait_ready()
        asked, faults = 0, []
        for expr, params, fault in faults_of(prometheus, barograph):
            asked += 1
            if fault:
                faults.append(f"{params}\n    {fault}")
        print(f"{asked} answers compared, {len(faults)} differ")
        assert not faults, "\n".join(faults)


def test_names_and_series_over_one_history(build, work):
    prometheus, barograph = both_over_history(build, work)
    with prometheus, barograph:
        prometheus.wait_ready()
        barograph.wait_ready()
        whole = {"start": history.START, "end": history.END}
        for path, params in (
                ("labels", {}), ("labels", whole), ("labels", {"match[]": "up"}), ("label/room/values", {}),
                ("label/__name__/values", whole), ("label/le/values", {"match[]": 'latency_seconds_bucket{path="/"}'}),
                ("label/room/values", {"start": history.START, "end": history.START + 60}),
                ("series", {"match[]": "temperature", **whole}), ("series", {"match[]": '{job="api"}', **whole}),
                ("series", {"match[]": "temperature", "start": history.END - 60, "end": history.END}),
                ("series", {"match[]": "temperature", "start": history.END + 600, "end": history.END + 900})):
            equal(ask(barograph, path, params), ask(prometheus, path, params), f"{path} {params}")


def test_checks_of_compare(build, work):
    """compare.py between two programs that watch themselves, once each has scraped."""
    port = {"prometheus": free_port(), "barograph": free_port()}
    config = "global: {scrape_interval: 1s}\nscrape_configs:\n" \
             "  - {job_name: one, static_configs: [{targets: ['127.0.0.1:%d']}]}\n" \
             "  - {job_name: gone, static_configs: [{targets: ['127.0.0.1:1']}]}\n" % port["prometheus"]
    with Server(need("prometheus"), work, config, *QUICK, name="prometheus", port=port["prometheus"]) as prometheus, \
            Server(str(build / "barograph"), work, config, *QUICK, name="barograph", port=port["barograph"]) as barograph:
        for server in (prometheus, barograph):
            server.wait_ready()
            wait_until("two jobs were scraped", lambda s=server: sorted(s.query("up").values()) == [0, 1], 20)
        time.sleep(1)
        done = subprocess.run([sys.executable, str(HERE / "compare.py"), *(f"http://127.0.0.1:{s.port}" for s in (prometheus, barograph))],
                              capture_output=True, text=True, timeout=120)
        equal(done.returncode, 0, done.stdout[-6000:])


def test_a_moved_directory_with_blocks_and_wal(build, work):
    """What Prometheus left behind, blocks and WAL, answers as before, also across the border of the two."""
    port, node_port = free_port(), free_port()
    node = Program([need("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node_port}"], work / "node.log")
    history.write_blocks(need("promtool"), work, work / "moved-data")
    config = f"scrape_configs:\n  - {{job_name: node, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{node_port}']}}]}}\n"
    flags, answers = ("--storage.tsdb.retention.time=100y", *QUICK), []
    questions = None
    try:
        for binary in (need("prometheus"), str(build / "barograph")):
            with Server(binary, work, config if not answers else "global: {}\n", *flags, name="moved", port=port,
                        keep_data=True) as server:
                server.wait_ready()
                if not answers:
                    wait_until("some scrapes", lambda: sum(server.query("count_over_time(up{job='node'}[1m])").values()) >= 5)
                    questions = list(moved_questions(time.time() - 1))
                answers.append([ask(server, path, params) for path, params in questions])
                server.stop()
        for (path, params), theirs, mine in zip(questions, *answers):
            equal(difference("", theirs, mine), None, f"{path} {params}")
    finally:
        node.stop()


def moved_questions(now):
    span = {"start": history.START + 0.5, "end": now, "step": (now - history.START) / 5000}
    close = {"start": now - 4, "end": now, "step": 1}
    yield "query_range", {"query": "up", **span}
    yield "query_range", {"query": "sum by (job) (up @ end())", **span}
    yield "query_range", {"query": "up @ start()", "start": history.END - 60, "end": now, "step": 40000}
    yield "query_range", {"query": '{job="node", __name__=~"node_cpu.*|node_memory.*"}', **close}
    yield "query_range", {"query": "rate(node_cpu_seconds_total[3s])", **close}
    yield "query", {"query": "node_load1[10s]", "time": now}
    yield "query", {"query": f"up @ {history.MID} or up", "time": now}
    yield "query", {"query": "count_over_time(up[5y])", "time": now}
    yield "query", {"query": "max_over_time(up[5y:30d])", "time": now}
    yield "query", {"query": 'count({job="node"})', "time": now}


if __name__ == "__main__":
    main(globals())
