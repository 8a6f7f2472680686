#!/usr/bin/env python3
"""Asks two Prometheus-compatible servers the same questions and compares status and body.

    compare.py URL_A URL_B [--verbose]

Both must scrape the same targets with the same configuration, or none. What is asked is either
independent of the samples (errors, constants) or reduced to its shape. Known differences between
Prometheus 2.42 and 3.x are listed in DIFFERENT, with the reason. Ends with "N passed, M failed".
"""

import gzip
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

T = "1700000000"

# (method, path, parameters); parameters of POST go into the body.
SAME = [
    ("GET", "/api/v1/query", {"query": "1", "time": T}),
    ("GET", "/api/v1/query", {"query": "1.5e-7", "time": T + ".123"}),
    ("GET", "/api/v1/query", {"query": "1e21", "time": T + ".5"}),
    ("GET", "/api/v1/query", {"query": "1e20", "time": "-1.5"}),
    ("GET", "/api/v1/query", {"query": "-0", "time": "0"}),
    ("GET", "/api/v1/query", {"query": "NaN", "time": "2015-07-01T20:10:51.781Z"}),
    ("GET", "/api/v1/query", {"query": "-Inf", "time": "2015-07-01T20:10:51+02:00"}),
    ("GET", "/api/v1/query", {"query": '"a<b>&\\"\\u00e9\\n"', "time": T}),
    ("GET", "/api/v1/query", {"query": "vector(1)", "time": T}),
    ("GET", "/api/v1/query", {"query": 'label_replace(vector(1), "l", "a<b", "", "")', "time": T}),
    ("GET", "/api/v1/query", {"query": "nothing_of_this_name", "time": T}),
    ("GET", "/api/v1/query", {"query": "nothing_of_this_name[5m]", "time": T}),
    ("GET", "/api/v1/query", {"query": "vector(1)[2m:1m]", "time": T}),
    ("GET", "/api/v1/query", {"query": "time()", "time": "1e9"}),
    ("POST", "/api/v1/query", {"query": "1 + 1", "time": T}),
    ("POST", "/api/v1/query", {"query": "sum(vector(1)) by (x)", "time": T}),
    ("GET", "/api/v1/query", {"query": "up{"}),
    ("GET", "/api/v1/query", {"query": "up)"}),
    ("GET", "/api/v1/query", {"query": "sum("}),
    ("GET", "/api/v1/query", {"query": "rate(up)"}),
    ("GET", "/api/v1/query", {"query": "1 and 1"}),
    ("GET", "/api/v1/query", {"query": "{}"}),
    ("GET", "/api/v1/query", {"query": "abs(1, 2)"}),
    ("GET", "/api/v1/query", {"query": 'up{a=~"("}'}),
    ("GET", "/api/v1/query", {"query": "1", "time": "yesterday"}),
    ("GET", "/api/v1/query", {"query": "1", "timeout": "soon"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "10", "step": "5"}),
    ("GET", "/api/v1/query_range", {"query": "time()", "start": T, "end": "1700000001", "step": "250ms"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "10", "end": "10", "step": "1h"}),
    ("POST", "/api/v1/query_range", {"query": "vector(time() % 3)", "start": "0", "end": "10", "step": "2"}),
    ("GET", "/api/v1/query_range", {"query": "nothing_of_this_name", "start": "0", "end": "10", "step": "5"}),
    ("GET", "/api/v1/query_range", {"query": "1", "end": "10", "step": "5"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "x", "end": "10", "step": "5"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "10"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "10", "step": "0"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "10", "step": "-1"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "10", "step": "1e300"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "10", "end": "0", "step": "1"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "11000", "step": "1"}),
    ("GET", "/api/v1/query_range", {"query": "1", "start": "0", "end": "11001", "step": "1"}),
    ("GET", "/api/v1/series", {}),
    ("GET", "/api/v1/series", {"match[]": "nothing_of_this_name"}),
    ("POST", "/api/v1/series", {"match[]": "nothing_of_this_name"}),
    ("GET", "/api/v1/series", {"match[]": "up{"}),
    ("GET", "/api/v1/series", {"match[]": "up", "start": "x"}),
    ("GET", "/api/v1/labels", {"match[]": "nothing_of_this_name"}),
    ("GET", "/api/v1/labels", {"end": "x"}),
    ("GET", "/api/v1/label/nothing_of_this_name/values", {}),
    ("GET", "/api/v1/label/job/values", {"start": "x"}),
    ("GET", "/api/v1/metadata", {"limit": "x"}),
    ("GET", "/api/v1/metadata", {"metric": "nothing_of_this_name"}),
    ("GET", "/api/v1/targets/metadata", {"metric": "nothing_of_this_name"}),
    ("GET", "/api/v1/targets/metadata", {"limit": "x"}),
    ("GET", "/api/v1/targets/metadata", {"match_target": "{"}),
    ("GET", "/api/v1/rules", {}),
    ("GET", "/api/v1/rules", {"type": "x"}),
    ("GET", "/api/v1/alerts", {}),
    ("GET", "/api/v1/alertmanagers", {}),
    ("GET", "/api/v1/query_exemplars", {"query": "up"}),
    ("GET", "/api/v1/format_query", {"query": "sum(rate(a[5m]))by(b)"}),
    ("GET", "/api/v1/format_query", {"query": "sum("}),
    ("GET", "/api/v1/nothing", {}),
    ("GET", "/federate", {"match[]": "nothing_of_this_name"}),
    ("GET", "/federate", {"match[]": "up{"}),
    ("GET", "/-/healthy", {}),
    ("GET", "/-/ready", {}),
    ("HEAD", "/-/healthy", {}),
]

# Asked of both; only the shape (keys and types, to the first element of lists) is compared.
SHAPE = [
    ("GET", "/api/v1/query", {"query": "up"}),
    ("GET", "/api/v1/targets", {}),
    ("GET", "/api/v1/targets", {"state": "active"}),
    ("GET", "/api/v1/labels", {}),
    ("GET", "/api/v1/label/job/values", {}),
    ("GET", "/api/v1/series", {"match[]": "up"}),
    ("GET", "/api/v1/status/buildinfo", {}),
    ("GET", "/api/v1/status/config", {}),
    ("GET", "/api/v1/status/flags", {}),
    ("GET", "/api/v1/status/runtimeinfo", {}),
    ("GET", "/api/v1/status/tsdb", {}),
    ("GET", "/api/v1/status/walreplay", {}),
]

# Sorted alike on both sides before they are compared.
SORTED = [
    ("GET", "/api/v1/label/job/values", {}),
    ("GET", "/api/v1/query", {"query": "count by (job) (up)"}),
    ("GET", "/api/v1/series", {"match[]": "up"}),
    ("GET", "/api/v1/query", {"query": "up == 1", "limit": "0"}),
]

# Texts and fields that 3.x has changed: each pattern is taken out of both bodies.
DIFFERENT = [
    (r"invalid parameter \\\"(query|match\[\])\\\": ", "3.x names the parameter everywhere"),
    (r"\^\(\?:|\)\$(?=`)", "2.x shows the anchors that it puts around regular expressions"),
    (r"unknown position: |1:1: (?=parse error: no expression)", "3.x tells a position"),
]

# Fields that only one of the versions has.
OPTIONAL_KEYS = {
    "droppedTargetCounts", "hostname", "serverTime", "GOMEMLIMIT", "scrapePool", "infos", "fillValues",
    "externalURL", "barographVersion", "barographRevision",
}


def ask(base, method, path, params, headers=None):
    text = urllib.parse.urlencode(params, doseq=True)
    url = base + path + ("?" + text if method != "POST" and text else "")
    data = text.encode() if method == "POST" else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def plain(body):
    text = body.decode("utf-8", "replace")
    for pattern, _ in DIFFERENT:
        text = re.sub(pattern, "", text)
    try:
        return json.loads(text)
    except ValueError:
        return text


def shape(value):
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items()) if key not in OPTIONAL_KEYS}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def maps_are_open(path):
    """Objects whose keys are data: labels, flags."""
    return "targets" in path or "flags" in path or "series" in path or path.endswith("/query")


def same_shape(path, a, b):
    a, b = shape(plain(a)), shape(plain(b))
    if maps_are_open(path):
        def close(value):
            if isinstance(value, dict):
                if value and all(item == "str" for item in value.values()) and "health" not in value:
                    return "strings"
                return {key: close(item) for key, item in value.items()}
            return [close(item) for item in value] if isinstance(value, list) else value
        a, b = close(a), close(b)
    return a == b, a, b


def order(value):
    """Lists in one order, timestamps taken out."""
    if isinstance(value, dict):
        return {key: (item[1] if key == "value" else order(item)) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def check_gzip(base):
    status, body, headers = ask(base, "GET", "/api/v1/label/__name__/values", {}, {"Accept-Encoding": "gzip"})
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return status == 200 and json.loads(body)["status"] == "success"


def main():
    verbose = "--verbose" in sys.argv
    urls = [argument.rstrip("/") for argument in sys.argv[1:] if not argument.startswith("--")]
    if len(urls) != 2:
        print(__doc__)
        return 2
    passed = failed = 0

    def note(ok, name, a, b):
        nonlocal passed, failed
        passed += ok
        failed += not ok
        if not ok or verbose:
            print(("ok    " if ok else "FAIL  ") + name)
        if not ok:
            print(f"      A: {a}\n      B: {b}")

    for kind, cases in (("same", SAME), ("shape", SHAPE), ("sorted", SORTED)):
        for method, path, params in cases:
            (status_a, body_a, head_a), (status_b, body_b, head_b) = (ask(url, method, path, params) for url in urls)
            if kind == "same":
                a, b = plain(body_a), plain(body_b)
                ok = a == b
            elif kind == "shape":
                ok, a, b = same_shape(path, body_a, body_b)
            else:
                a, b = order(plain(body_a)), order(plain(body_b))
                ok = a == b
            types = [head.get_content_type() for head in (head_a, head_b)]
            ok = ok and status_a == status_b and types[0] == types[1]
            note(ok, f"{kind} {method} {path} {params}", (status_a, types[0], a), (status_b, types[1], b))
    for url in urls:
        note(check_gzip(url), f"gzip {url}", "", "")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
