#!/usr/bin/env python3
"""Queries under control: what runs, killing, plans, limits, the log of queries, and what a crash leaves behind."""

import json
import pathlib
import signal
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main, wait_until  # noqa: E402

# Some 10^10 evaluations: far beyond what ends by itself within the test.
ENDLESS = "sum_over_time(sum_over_time(sum_over_time(vector(1)[1h:1ms])[1h:1s])[1h:1s])"


def start(build: pathlib.Path, work: pathlib.Path, keep: bool = False) -> Server:
    config = f"global:\n  query_log_file: {work}/queries.log\n"
    server = Server(str(build / "barograph"), work, config, "--query.timeout=2m", keep_data=keep)
    server.wait_ready()
    return server


def ask(server: Server, **params: object) -> dict:
    return json.loads(server.get("/api/v1/query?" + urllib.parse.urlencode(params), timeout=120)[2])


def in_background(server: Server, expr: str) -> tuple[threading.Thread, dict]:
    answer = {}

    def run() -> None:
        try:
            answer.update(ask(server, query=expr, time=1700000000))
        except OSError:
            pass  # the server was killed
        answer["at"] = time.monotonic()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answer


def wait_running(server: Server) -> dict:
    wait_until("the query is listed", lambda: any(q["query"] == ENDLESS for q in server.api("queries")))
    return next(q for q in server.api("queries") if q["query"] == ENDLESS)


def test_kill_a_running_query(build: pathlib.Path, work: pathlib.Path) -> None:
    with start(build, work) as server:
        equal(server.api("queries"), [], "nothing runs")
        thread, answer = in_background(server, ENDLESS)
        listed = wait_running(server)
        equal((listed["kind"], listed["client"], listed["killed"]), ("instant", "127.0.0.1", False), "the listed query")
        equal(server.get("/api/v1/queries/999999", method="DELETE")[0], 404, "no such query")
        equal(server.get("/api/v1/queries/x", method="DELETE")[0], 400, "no id")
        begin = time.monotonic()
        equal(server.get(f"/api/v1/queries/{listed['id']}", method="DELETE")[0], 200, "killed")
        thread.join(20)
        equal(thread.is_alive(), False, "the query has ended")
        equal(answer["errorType"], "canceled", "its error")
        took = answer["at"] - begin
        print(f"a killed query ended within {took * 1000:.0f} ms")
        if took > 2:
            raise AssertionError(f"a killed query ran on for {took:.2f} s")
        equal(server.api("queries"), [], "nothing runs any more")


def test_explain_tells_costs_by_node(build: pathlib.Path, work: pathlib.Path) -> None:
    with start(build, work) as server:
        data = ask(server, query="1 + sum(vector(2)) * scalar(vector(3))", time=0, explain="true", stats="all")["data"]
        plan = data["explain"]
        equal((plan["node"], len(plan["children"]), plan["runs"]), ("binary", 2, 1), "the root")
        total = plan["children"][1]["children"][0]
        equal((total["node"], total["expr"], total["series"], total["points"]), ("aggregate", "sum(vector(2))", 1, 1), "the sum")
        equal("stats" in data, True, "statistics")
        equal("explain" in ask(server, query="1", time=0)["data"], False, "only when asked for")


def test_requests_lower_limits(build: pathlib.Path, work: pathlib.Path) -> None:
    wide = "sum_over_time(vector(1)[1h:1s])"
    with start(build, work) as server:
        equal(ask(server, query=wide, time=0)["status"], "success", "without limits")
        answer = ask(server, query=wide, time=0, max_samples=100)
        contains(answer["error"], "query processing would load too many samples into memory", "too many samples")
        equal(ask(server, query=wide, time=0, max_bytes=1000)["errorType"], "execution", "too many bytes")
        equal(ask(server, query=wide, time=0, max_bytes="x")["errorType"], "bad_data", "no number")


def test_log_of_queries(build: pathlib.Path, work: pathlib.Path) -> None:
    with start(build, work) as server:
        ask(server, query="vector(7)", time=1700000000.5)
        ask(server, query="vector(", time=0)
        lines = [json.loads(line) for line in (work / "queries.log").read_text().splitlines()]
        equal(len(lines), 2, "lines")
        equal(lines[0]["params"], {"end": "2023-11-14T22:13:20.5Z", "query": "vector(7)", "start": "2023-11-14T22:13:20.5Z", "step": 0},
              "parameters")
        equal(lines[0]["httpRequest"], {"clientIP": "127.0.0.1", "method": "GET", "path": "/api/v1/query"}, "request")
        equal("timings" in lines[0]["stats"], True, "statistics")
        contains(lines[1]["error"], "parse error", "the fault of the other")


def test_a_crash_names_its_queries(build: pathlib.Path, work: pathlib.Path) -> None:
    server = start(build, work)
    thread, _ = in_background(server, ENDLESS)
    wait_running(server)
    server.program.process.send_signal(signal.SIGKILL)
    server.program.process.wait(20)
    server.program.out.close()
    thread.join(20)
    with start(build, work, keep=True) as again:
        text = again.program.text()
        contains(text, "a query ran when the program last ended", "the log")
        contains(text, "vector(1)[1h:1ms]", "its text")


def anonymous_mib(server: Server) -> float:
    text = pathlib.Path(f"/proc/{server.program.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon")) / 1024


def test_refused_queries_free_everything(build: pathlib.Path, work: pathlib.Path) -> None:
    with start(build, work) as server:
        before = anonymous_mib(server)
        # 100 million samples are beyond --query.max-samples; 20 rows of 2 million steps beyond the bytes.
        rows = " or ".join(f'label_replace(vector(1), "n", "{n}", "", "")' for n in range(20))
        for expr, text in (("count_over_time(vector(1)[100000s:1ms])", "query processing would load too many samples into memory in query execution"),
                           (f"count_over_time(({rows})[2000s:1ms])", "query needs more than 268435456 bytes in query execution")):
            answer = ask(server, query=expr, time=1700000000, max_bytes=268435456)
            equal((answer["errorType"], answer["error"]), ("execution", text), expr[:60])
        wait_until("the memory has gone back", lambda: anonymous_mib(server) < before + 40, 20)


def test_features(build: pathlib.Path, work: pathlib.Path) -> None:
    with start(build, work) as server:
        features = server.api("features")
        equal(features["promql_functions"]["rate"], True, "a function")
        equal(features["promql_functions"]["limitk" if "limitk" in features["promql_functions"] else "info"], False, "an experimental one")
        equal(features["promql"]["at_modifier"], True, "a modifier")


if __name__ == "__main__":
    main(globals())
