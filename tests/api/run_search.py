#!/usr/bin/env python3
"""/api/v1/search/*: names and values that fit what somebody types, as Prometheus's experimental search API answers."""

import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Site, contains, equal, main, wait_until  # noqa: E402

METRICS = """# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200"} 1
http_requests_total{code="404"} 1
# TYPE http_duration_seconds histogram
http_duration_seconds_bucket{le="1"} 1
http_duration_seconds_bucket{le="+Inf"} 1
http_duration_seconds_sum 1
http_duration_seconds_count 1
# TYPE temperature gauge
temperature{room="kitchen"} 20
temperature{room="cellar"} 10
"""
HTTP = ["http_duration_seconds_bucket", "http_duration_seconds_count", "http_duration_seconds_sum", "http_requests_total"]


def ask(server, what, method="GET", **params):
    """(status, lines)"""
    query = urllib.parse.urlencode({key.replace("__", "[]"): value for key, value in params.items()}, doseq=True)
    if method == "GET":
        status, headers, body = server.get(f"/api/v1/search/{what}?{query}")
    else:
        status, headers, body = server.get(f"/api/v1/search/{what}", {"Content-Type": "application/x-www-form-urlencoded"}, "POST",
                                           query.encode())
    if status == 200:
        equal(headers["content-type"], "application/x-ndjson; charset=utf-8", "its kind")
    return status, [json.loads(line) for line in body.decode().splitlines()]


def found(server, what, key="name", **params):
    status, lines = ask(server, what, **params)
    equal(status, 200, f"{what} {params}: {lines}")
    return [hit[key] for line in lines[:-1] for hit in line["results"]], lines[-1]["has_more"]


def test_search(build, work):
    site = Site()
    site.text = lambda path: METRICS
    config = f"scrape_configs:\n- {{job_name: one, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{site.port}']}}]}}\n"
    with site, Server(str(build / "barograph"), work, config, "--enable-feature=search-api", "--web.search.max-limit=50") as server:
        server.wait_ready()
        wait_until("scraped", lambda: server.query("temperature"))
        names(server)
        labels_and_values(server)
        scores(server)
        refusals(server)
        equal(server.api("features")["api"]["search"], True, "it is on")


def names(server):
    equal(found(server, "metric_names", search__="http"), (HTTP, False), "those that contain it")
    equal(found(server, "metric_names", method="POST", search__="http"), (HTTP, False), "by a form")
    equal(found(server, "metric_names", search__="htotal"), (["http_requests_total"], False), "its characters in order")
    equal(found(server, "metric_names", search__="HTTP"), ([], False), "case counts")
    equal(found(server, "metric_names", search__="HTTP", case_sensitive="false")[0], HTTP, "unless it does not")
    equal(found(server, "metric_names", search__=["temp", "requests"])[0], ["http_requests_total", "temperature"], "any of two")
    equal(found(server, "metric_names", search__="http", sort_by="alpha", sort_dir="dsc")[0], HTTP[::-1], "downwards")
    equal(found(server, "metric_names", search__="http", limit=2), (HTTP[:2], True), "there are more")
    equal(found(server, "metric_names", match__='{room!=""}'), (["temperature"], False), "of some series")
    equal(found(server, "metric_names", match__=['{room="kitchen"}', '{code="200"}', '{code="404"}'])[0],
          ["http_requests_total", "temperature"], "of several selectors, once each")
    status, lines = ask(server, "metric_names", search__="http", batch_size=3)
    equal([len(line.get("results", [])) for line in lines], [3, 1, 0], "in batches")
    equal(lines[-1], {"status": "success", "has_more": False}, "the trailer")
    equal(ask(server, "metric_names", search__="zzz")[1], [{"results": []}, {"status": "success", "has_more": False}], "nothing")
    _, lines = ask(server, "metric_names", search__="http", include_metadata="true")
    equal([(hit["name"], hit.get("type"), hit.get("help")) for hit in lines[0]["results"]],
          [(name, "histogram", None) for name in HTTP[:3]] + [("http_requests_total", "counter", "Requests.")], "with metadata")
    equal(found(server, "metric_names", search__="http", start=1, end=2)[0], [], "long ago")


def labels_and_values(server):
    equal(found(server, "label_names", search__="o"), (["code", "job", "room"], False), "names of labels")
    equal(found(server, "label_names", match__="temperature", search__="o")[0], ["job", "room"], "of some series")
    equal(found(server, "label_values", key="value", label="room")[0], ["cellar", "kitchen"], "values")
    equal(found(server, "label_values", key="value", label="room", search__="kit")[0], ["kitchen"], "some of them")
    equal(found(server, "label_values", key="value", label="none")[0], [], "of no label")


def scores(server):
    _, lines = ask(server, "metric_names", search__="http_r", sort_by="score", include_score="true")
    hits = lines[0]["results"]
    equal((hits[0]["name"], hits[0]["score"]), ("http_requests_total", 1), "a beginning is as good as can be")
    assert all(a["score"] >= b["score"] for a, b in zip(hits, hits[1:])), hits
    equal(found(server, "metric_names", search__="temprature", fuzz_alg="jarowinkler", fuzz_threshold=90)[0], ["temperature"], "a typo")
    equal(found(server, "metric_names", search__="temprature", fuzz_alg="jarowinkler")[0], [], "contained, or nothing")


def refusals(server):
    for what, params, want in (
            ("label_values", {}, 'missing required parameter "label"'),
            ("metric_names", {"limit": 51}, "limit 51 exceeds the configured maximum (50, see --web.search.max-limit)"),
            ("metric_names", {"limit": 0}, 'invalid limit "0": must be a positive integer'),
            ("metric_names", {"batch_size": "x"}, 'invalid batch_size "x": must be a positive integer'),
            ("metric_names", {"fuzz_threshold": 101}, 'invalid fuzz_threshold "101": must be 0-100'),
            ("metric_names", {"fuzz_alg": "x"}, 'unsupported fuzz_alg "x": must be one of [subsequence jarowinkler]'),
            ("metric_names", {"case_sensitive": "maybe"}, 'invalid case_sensitive "maybe": must be boolean'),
            ("metric_names", {"sort_by": "x"}, 'invalid sort_by "x" for metric_names: must be "alpha" or "score"'),
            ("metric_names", {"sort_dir": "asc"}, "sort_dir is only valid when sort_by is set"),
            ("metric_names", {"sort_by": "alpha", "sort_dir": "x"}, 'invalid sort_dir "x": must be "asc" or "dsc"'),
            ("metric_names", {"sort_by": "score"}, "sort_by=score requires search[] to be set"),
            ("metric_names", {"start": 2, "end": 1}, "end timestamp must not be before start timestamp"),
            ("metric_names", {"start": "x"}, 'invalid parameter "start"'), ("metric_names", {"match__": "{"}, "parse error"),
            ("metric_names", {"search__": ["a"] * 33}, "too many search[] terms: got 33, maximum is 32")):
        status, lines = ask(server, what, **params)
        equal((status, lines[0]["status"], lines[0]["errorType"]), (400, "error", "bad_data"), f"{what} {params}")
        contains(lines[0]["error"], want, f"{what} {params}")


def test_it_is_off_without_the_feature(build, work):
    with Server(str(build / "barograph"), work, "scrape_configs: []\n") as server:
        server.wait_ready()
        for what in ("metric_names", "label_names", "label_values"):
            equal(ask(server, what), (500, [{"status": "error", "errorType": "unavailable", "error": "search API disabled"}]), what)


if __name__ == "__main__":
    main(globals())
