#!/usr/bin/env python3
"""The protobuf exposition: the same series as from the same target's text, damage refused, Debian's Prometheus as a target."""

import math
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import protobuf as pb  # noqa: E402
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402
from run_targets import TEXT, Target, config, faults_of, job, scraped, serve  # noqa: E402

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
PROTO_ONLY = "scrape_protocols: [PrometheusProto]"

BODY = b"".join((
    pb.family("c_total", pb.COUNTER, ({"code": "200"}, pb.value(5, pb.exemplar(2, {"trace": "x"}, .5, 7))),
              ({"code": "500"}, pb.value(2)), help="Requests."),
    pb.family("g", pb.GAUGE, ({}, pb.value(-1.5)), ({"quoted": 'a"b\\c\nd'}, pb.value(math.inf)), help="A \\ gauge."),
    pb.family("s", pb.SUMMARY, ({"a": "b"}, pb.summary(7, 3.5, {.5: .25, .99: 1, 1: math.nan}))),
    pb.family("u", pb.UNTYPED, ({"a": "ä€"}, pb.value(1e9))),
    pb.family("h", pb.HISTOGRAM, ({"a": "b"}, pb.histogram(10, 12.5, pb.bucket(.5, 4), pb.bucket(1, 8))),
              ({"a": "c"}, pb.histogram(3, 1, pb.bucket(1, 3), pb.bucket(math.inf, 3)))),
))
SAME_AS_TEXT = """\
# HELP c_total Requests.
# TYPE c_total counter
c_total{code="200"} 5
c_total{code="500"} 2
# HELP g A \\\\ gauge.
# TYPE g gauge
g -1.5
g{quoted="a\\"b\\\\c\\nd"} +Inf
# TYPE s summary
s{a="b",quantile="0.5"} 0.25
s{a="b",quantile="0.99"} 1
s{a="b",quantile="1"} NaN
s_sum{a="b"} 3.5
s_count{a="b"} 7
u{a="ä€"} 1e9
# TYPE h histogram
h_bucket{a="b",le="0.5"} 4
h_bucket{a="b",le="1"} 8
h_bucket{a="b",le="+Inf"} 10
h_sum{a="b"} 12.5
h_count{a="b"} 10
h_bucket{a="c",le="1"} 3
h_bucket{a="c",le="+Inf"} 3
h_sum{a="c"} 1
h_count{a="c"} 3
"""


def by_labels(server, name: str) -> dict[tuple, str]:
    """{labels without instance and job: value as text} of a job; NaN equals itself so."""
    found = server.query(f'{{job="{name}",__name__!~"up|scrape_.*"}}')
    return {tuple(pair for pair in labels if pair[0] not in ("instance", "job")): repr(v) for labels, v in found.items()}


def test_same_series_as_text(build, work):
    with Target(lambda h: (200, {"Content-Type": PROTOBUF}, BODY)) as proto, \
            Target(lambda h: (200, {"Content-Type": TEXT}, SAME_AS_TEXT.encode())) as text, \
            Target(lambda h: (200, {"Content-Type": "x/y"}, BODY)) as unnamed:
        jobs = {"proto": (proto, PROTO_ONLY), "text": (text, ""),
                "unnamed": (unnamed, "fallback_scrape_protocol: PrometheusProto")}
        with serve(build, work, config(*(job(name, t.port, more) for name, (t, more) in jobs.items()))) as server:
            server.wait_ready()
            scraped(server, jobs, 2)
            faults_of(server, dict.fromkeys(jobs))
            equal(by_labels(server, "proto"), by_labels(server, "text"), "series and values")
            equal(by_labels(server, "unnamed"), by_labels(server, "text"), "series and values by the fallback")
            equal(len(by_labels(server, "text")), 19, "all of them")
            for name, kind, text_of in (("c_total", "counter", "Requests."), ("g", "gauge", "A \\ gauge."), ("h", "histogram", "")):
                equal({(m["type"], m["help"]) for m in server.api("metadata", metric=name)[name]}, {(kind, text_of)}, name)
        accept = proto.requests[0][1]["accept"]
        equal(accept, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.5",
              "what was asked for")


def test_damage_is_refused(build, work):
    """Each fault fails the scrape of its target with a message, ends its series, and nothing else notices."""
    answers = {"cut": (BODY[:-7], "the body ends inside it"), "wire": (BODY + b"\x04\x0a\x01g\x0f", "it is damaged"),
               "text": (SAME_AS_TEXT.encode(), "protobuf: the metric family at byte"), "nameless": (b"\x02\x18\x01", "it has no name"),
               "labels": (pb.family("g", pb.GAUGE, ({"": "x"}, pb.value(1))), "empty label name"),
               "twice": (pb.family("h", pb.HISTOGRAM, ({"le": "1"}, pb.histogram(1, 1))), "not unique"),
               "good": (BODY, None)}
    broken = threading.Event()

    def answer(body: bytes):
        return lambda handler: (200, {"Content-Type": PROTOBUF}, body if broken.is_set() else BODY)

    targets = {name: Target(answer(body)) for name, (body, _) in answers.items()}
    try:
        with serve(build, work, config(*(job(name, t.port, PROTO_ONLY) for name, t in targets.items()))) as server:
            server.wait_ready()
            scraped(server, answers)
            faults_of(server, dict.fromkeys(answers))
            broken.set()
            wait_until("all but one are down", lambda: sum(server.query("up").values()) == 1)
            faults_of(server, {name: fault for name, (_, fault) in answers.items()})
            equal({dict(labels)["job"] for labels in server.query("c_total")}, {"good"}, "who has series left")
    finally:
        for target in targets.values():
            target.__exit__()


def test_prometheus_as_target(build, work):
    """Debian's Prometheus exposes both: the same families, series and constants come out."""
    with Server(need("prometheus"), work, "scrape_configs: []\n", name="prometheus") as peer:
        peer.wait_ready()
        with serve(build, work, config(job("proto", peer.port, PROTO_ONLY), job("text", peer.port))) as server:
            server.wait_ready()
            scraped(server, ("proto", "text"), 3)
            faults_of(server, {"proto": None, "text": None})
            proto, text = by_labels(server, "proto"), by_labels(server, "text")
            # A path that was first asked in between has its series in one answer only.
            steady = {labels for labels in proto.keys() | text.keys() if "handler" not in dict(labels) and "code" not in dict(labels)}
            equal(steady & proto.keys(), steady & text.keys(), "series")
            assert len(steady) > 200, len(steady)
            for name in ("prometheus_build_info", "go_info", "go_gc_duration_seconds_count", "net_conntrack_dialer_conn_attempted_total"):
                equal({k: v for k, v in proto.items() if dict(k)["__name__"] == name},
                      {k: v for k, v in text.items() if dict(k)["__name__"] == name}, name)
            print(f"    {len(proto)} series by protobuf, {len(text)} as text")
            targets = {t["scrapePool"]: t for t in server.api("targets")["activeTargets"]}
            contains(targets["proto"]["health"], "up", "health")


if __name__ == "__main__":
    main(globals())
