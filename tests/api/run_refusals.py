#!/usr/bin/env python3
"""Bad requests to barograph and to Debian's Prometheus (2.42): the same status, kind and text of the fault, and the same headers,
but for what 3.x words or does otherwise."""

import http.client
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, main, need  # noqa: E402

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CORS = {"Origin": "http://example.com"}
Q, R = "/api/v1/query", "/api/v1/query_range"
LONG = "a" * 5000

# (method, path with query, headers, body). What needs no server with data; sorted by what is wrong.
CASES = [
    # Parameters that are missing or empty.
    ("GET", Q, {}, None), ("GET", f"{Q}?query=", {}, None), ("POST", Q, FORM, ""), ("POST", Q, FORM, "query="),
    ("GET", R, {}, None), ("GET", f"{R}?query=1", {}, None), ("GET", f"{R}?query=1&start=1", {}, None),
    ("GET", f"{R}?query=1&start=1&end=2", {}, None), ("GET", f"{R}?query=1&start=&end=2&step=1", {}, None),
    ("GET", f"{R}?start=1&end=2&step=1", {}, None), ("GET", f"{R}?query=1&start=1&end=2&step=", {}, None),
    ("GET", "/api/v1/series", {}, None), ("GET", "/api/v1/series?match[]=", {}, None), ("POST", "/api/v1/series", FORM, ""),
    ("GET", "/api/v1/query_exemplars", {}, None), ("GET", "/api/v1/format_query", {}, None), ("GET", "/federate", {}, None),
    # Times.
    ("GET", f"{Q}?query=1&time=x", {}, None), ("GET", f"{Q}?query=1&time=1e999", {}, None), ("GET", f"{Q}?query=1&time=NaN", {}, None),
    ("GET", f"{Q}?query=1&time=2015-13-01T00:00:00Z", {}, None), ("GET", f"{Q}?query=1&time=2015-01-01", {}, None),
    ("GET", f"{Q}?query=1&time=2015-01-01T00:00:00", {}, None), ("GET", f"{Q}?query=1&time=-1e30", {}, None),
    ("GET", f"{Q}?query=1&time=0x10", {}, None), ("GET", f"{Q}?query=1&time=1_0", {}, None), ("GET", f"{Q}?query=1&time=%201", {}, None),
    ("GET", f"{R}?query=1&start=x&end=2&step=1", {}, None), ("GET", f"{R}?query=1&start=1&end=y&step=1", {}, None),
    ("GET", f"{R}?query=1&start=2&end=1&step=1", {}, None), ("GET", "/api/v1/labels?start=x", {}, None),
    ("GET", "/api/v1/labels?start=2&end=1", {}, None), ("GET", "/api/v1/series?match[]=up&end=x", {}, None),
    ("GET", "/api/v1/label/job/values?end=x", {}, None), ("GET", "/api/v1/query_exemplars?query=up&start=x", {}, None),
    ("GET", "/api/v1/query_exemplars?query=up&start=2&end=1", {}, None), ("GET", "/api/v1/query_exemplars?query=up&end=x", {}, None),
    # Durations.
    ("GET", f"{Q}?query=1&timeout=x", {}, None), ("GET", f"{Q}?query=1&timeout=1e30", {}, None), ("GET", f"{Q}?query=1&timeout=1y1h", {}, None),
    ("GET", f"{Q}?query=1&lookback_delta=x", {}, None), ("GET", f"{Q}?query=1&timeout=5", {}, None),
    ("GET", f"{R}?query=1&start=1&end=2&step=x", {}, None), ("GET", f"{R}?query=1&start=1&end=2&step=0", {}, None),
    ("GET", f"{R}?query=1&start=1&end=2&step=-5", {}, None), ("GET", f"{R}?query=1&start=1&end=2&step=1e999", {}, None),
    ("GET", f"{R}?query=1&start=1&end=2&step=5x", {}, None), ("GET", f"{R}?query=1&start=1&end=2&step=1h1h", {}, None),
    ("GET", f"{R}?query=1&start=0&end=1e9&step=1", {}, None), ("GET", f"{R}?query=1&start=1&end=2&step=NaN", {}, None),
    # Expressions.
    ("GET", f"{Q}?query=up%7B", {}, None), ("GET", f"{Q}?query=%7B%7D", {}, None), ("GET", f"{Q}?query=foo%20bar", {}, None),
    ("GET", f"{Q}?query=%00", {}, None), ("GET", f"{Q}?query=%ff", {}, None), ("GET", f"{Q}?query=sum(", {}, None),
    ("GET", f"{Q}?query=up%7Ba%3D~%22%28%22%7D", {}, None), ("GET", f"{Q}?query=nope(1)", {}, None), ("GET", f"{Q}?query=1%2B", {}, None),
    ("GET", f"{R}?query=up[5m]&start=1&end=2&step=1", {}, None), ("GET", f"{R}?query=%22a%22&start=1&end=2&step=1", {}, None),
    ("GET", f"{Q}?query={'('}{LONG}", {}, None),
    # Selectors.
    ("GET", "/api/v1/series?match[]=up%7B", {}, None), ("GET", "/api/v1/series?match[]=%7B%7D", {}, None),
    ("GET", "/api/v1/series?match[]=%7Ba%3D~%22.*%22%7D", {}, None), ("GET", "/api/v1/series?match[]=sum(up)", {}, None),
    ("GET", "/api/v1/series?match[]=up%20offset%205m", {}, None), ("GET", "/api/v1/series?match[]=up&match[]=%7B", {}, None),
    ("GET", "/api/v1/labels?match[]=%7B", {}, None), ("GET", "/api/v1/labels?match[]=%7B%7D", {}, None),
    ("GET", "/api/v1/label/job/values?match[]=%7B", {}, None), ("GET", "/federate?match[]=%7B", {}, None),
    ("GET", "/federate?match[]=up&match[]=up%7B", {}, None), ("GET", "/federate?match[]=%7B%7D", {}, None),
    ("GET", "/api/v1/targets/metadata?match_target=%7B", {}, None), ("GET", "/api/v1/targets/metadata?match_target=up%20offset%201m", {}, None),
    # Names.
    ("GET", "/api/v1/label/a-b/values", {}, None), ("GET", "/api/v1/label/%20/values", {}, None), ("GET", "/api/v1/label/1a/values", {}, None),
    ("GET", "/api/v1/label//values", {}, None), ("GET", "/api/v1/label/a/b/values", {}, None), ("GET", "/api/v1/label/job", {}, None),
    ("GET", "/api/v1/label/job/values/", {}, None), ("GET", "/api/v1/label/%zz/values", {}, None),
    # Limits and kinds.
    ("GET", "/api/v1/metadata?limit=x", {}, None), ("GET", "/api/v1/metadata?limit=-1", {}, None), ("GET", "/api/v1/metadata?limit=0", {}, None),
    ("GET", "/api/v1/targets/metadata?limit=x", {}, None), ("GET", "/api/v1/rules?type=x", {}, None),
    ("GET", "/api/v1/rules?type=ALERT", {}, None), ("GET", "/api/v1/targets?state=x", {}, None),
    # Methods and paths.
    ("PUT", f"{Q}?query=1", {}, None), ("DELETE", f"{Q}?query=1", {}, None), ("PATCH", Q, {}, None), ("POST", "/api/v1/targets", FORM, ""),
    ("POST", "/api/v1/rules", FORM, ""), ("POST", "/api/v1/metadata", FORM, ""), ("POST", "/api/v1/label/job/values", FORM, ""),
    ("DELETE", "/api/v1/series?match[]=up", {}, None), ("GET", "/api/v1/admin/tsdb/snapshot", {}, None),
    ("POST", "/api/v1/admin/tsdb/snapshot", FORM, ""), ("POST", "/api/v1/admin/tsdb/delete_series", FORM, "match[]=up"),
    ("PUT", "/api/v1/admin/tsdb/clean_tombstones", {}, None), ("GET", "/api/v1/", {}, None), ("GET", "/api/v1", {}, None),
    ("GET", "/api/v1/nothing", {}, None), ("GET", "/api/v2/nothing", {}, None), ("POST", "/-/healthy", FORM, ""), ("POST", "/metrics", FORM, ""),
    ("GET", "/-/reload", {}, None), ("POST", "/-/reload", FORM, ""), ("PUT", "/-/quit", {}, None), ("GET", "/-/quit", {}, None),
    ("POST", "/-/nothing", FORM, ""), ("POST", "/api/v1/write", {}, None), ("POST", "/api/v1/read", {}, None),
    # HEAD, OPTIONS, origins.
    ("HEAD", f"{Q}?query=1", {}, None), ("HEAD", "/-/healthy", {}, None), ("HEAD", "/metrics", {}, None), ("HEAD", "/federate?match[]=up", {}, None),
    ("OPTIONS", Q, {}, None), ("OPTIONS", Q, CORS, None), ("OPTIONS", "/api/v1/nothing", CORS, None), ("OPTIONS", "/-/healthy", {}, None),
    ("OPTIONS", "/metrics", {}, None), ("GET", f"{Q}?query=1", CORS, None), ("GET", f"{Q}?query=up%7B", CORS, None),
    ("GET", "/api/v1/targets", CORS, None), ("GET", "/federate?match[]=up", CORS, None), ("GET", "/-/healthy", CORS, None),
    # Forms.
    ("POST", Q, FORM, "query=up%7B"), ("POST", Q, FORM, "query=1&time=x"), ("POST", Q, FORM, "query=%zz"), ("POST", Q, FORM, "query=1;time=x"),
    ("POST", Q, {"Content-Type": "application/json"}, '{"query": "1"}'), ("POST", Q, {}, "query=1"), ("POST", f"{Q}?query=1", FORM, ""),
    ("POST", f"{Q}?query=1", FORM, "query=up%7B"), ("GET", f"{Q}?query=%zz", {}, None), ("GET", f"{Q}?query=1;time=x", {}, None),
    ("POST", Q, {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}, "query=up%7B"),
    ("POST", Q, {"Content-Type": "multipart/form-data; boundary=x"}, "--x--\r\n"),
]

# What differs, by the beginning of "METHOD PATH BODY", and why. A row that nothing needs any more fails the test.
DIFFERENT = {
    f"GET {Q}?query=1&time=NaN": "no time; Go makes some other time of it",
    f"GET {Q}?query=1&time=-1e30": "no time either",
    f"GET {Q}?query=1&time=1_0": "Go takes underscores in numbers",
    f"GET {Q}?query=1&lookback_delta=x": "3.x knows the parameter",
    "GET /api/v1/label/a-b/values": "3.x allows every UTF-8 label name",
    "GET /api/v1/label/%20/values": "3.x allows every UTF-8 label name",
    "GET /api/v1/label/1a/values": "3.x allows every UTF-8 label name",
    "GET /api/v1/label//values": "no redirects to cleaned paths: 404",
    "GET /api/v1/label/job/values/": "no redirects to cleaned paths: 404",
    "GET /api/v1 ": "no redirects to cleaned paths: 404",
    "GET /api/v1/label/%zz/values": "the API's own fault instead of the server's",
    "DELETE /api/v1/series": "3.x has no such method",
    "GET /-/reload": "a 405 says what is allowed",
    "GET /-/quit": "a 405 says what is allowed",
    f"HEAD {Q}": "HEAD is answered wherever GET is",
    "HEAD /-/healthy": "with the content type that GET has",
    "HEAD /metrics": "HEAD is answered wherever GET is",
    "HEAD /federate": "HEAD is answered wherever GET is",
    "OPTIONS /-/healthy": "204 for what has no body",
    "OPTIONS /metrics": "204 for what has no body",
    f"POST {Q} query=%zz": "what cannot be read is said to be unreadable",
    f"POST {Q} query=1;time=x": "what cannot be read is said to be unreadable",
    f"GET {Q}?query=%zz": "what cannot be read is said to be unreadable",
    f"GET {Q}?query=1;time=x": "what cannot be read is said to be unreadable",
}

# Taken out of both texts.
REWORDED = [
    (r"invalid parameter \"(query|match\[\]|match_target)\": ", "3.x names the parameter everywhere"),
    (r"unknown position: |\d+:\d+: (?=parse error: no expression)", "3.x tells a position"),
    (r"(?<=snappy: )(corrupt input|the length is missing or too large)", "what is wrong with it is told"),
    (r"--(web\.enable-|enable-feature=)(?=remote-write-receiver)", "3.x names the flag of today"),
    (r"\^\(\?:|\)\$(?=`)", "2.x shows the anchors that it puts around regular expressions"),
]
HEADERS = ("content-type", "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
           "access-control-expose-headers", "allow", "vary")


def ask(server, method, path, headers, body):
    conn = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        conn.request(method, path, body=body, headers=headers)
        answer = conn.getresponse()
        text = answer.read().decode(errors="replace")
        kept = {k.lower(): v for k, v in answer.getheaders() if k.lower() in HEADERS}
        if "Origin" not in headers:
            kept.pop("vary", None)  # 3.x sets it always
        if "allow" in kept:  # in any order; HEAD is answered wherever GET is
            kept["allow"] = sorted(set(kept["allow"].split(", ")) - {"HEAD"})
    finally:
        conn.close()
    try:
        parsed = json.loads(text)
        text = (parsed.get("status"), parsed.get("errorType"), parsed.get("error"))
    except (ValueError, AttributeError):
        text = (None, None, text.strip() if answer.status >= 400 else "")
    for pattern, _ in REWORDED:
        text = tuple(re.sub(pattern, "", part) if isinstance(part, str) else part for part in text)
    return answer.status, text, kept


def test_bad_requests_are_refused_alike(build, work):
    faults, used = [], set()
    with Server(need("prometheus"), work, "global: {}\n", name="prometheus") as prometheus, \
            Server(str(build / "barograph"), work, "global: {}\n", name="barograph") as barograph:
        prometheus.wait_ready()
        barograph.wait_ready()
        for case in CASES:
            name = f"{case[0]} {case[1]} {case[3] or ''}"
            rows = {row for row in DIFFERENT if name.startswith(row)}
            theirs, mine = ask(prometheus, *case), ask(barograph, *case)
            if theirs == mine:
                continue
            used |= rows
            if not rows:
                faults.append(f"{name[:200]} {case[2]}\n    {theirs}\n    {mine}")
    print(f"{len(CASES)} requests, {len(used)} differ as they should")
    assert not faults, "\n".join(faults)
    assert used == set(DIFFERENT), f"not different any more: {set(DIFFERENT) - used}"


if __name__ == "__main__":
    main(globals())
