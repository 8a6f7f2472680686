#!/usr/bin/env python3
"""OTLP metrics received over HTTP: protobuf and JSON, gzip, the section `otlp` of the configuration, and what is refused.

Usage: tests/ingest/run_otlp.py BUILD [NAME...]
"""

import gzip
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, contains, equal, main  # noqa: E402
from protobuf import double, message, uint, varint  # noqa: E402

QUIET = "global: {scrape_interval: 1h}\nscrape_configs: []\n"
RECEIVE = "--web.enable-otlp-receiver"
PATH = "/api/v1/otlp/v1/metrics"
PROTOBUF, JSON = "application/x-protobuf", "application/json"


def post(server: Server, body: bytes, kind: str = JSON, encoding: str = "") -> tuple[int, dict[str, str], str]:
    status, headers, text = server.get(PATH, {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {}), "POST", body)
    return status, headers, text.decode()


def now_ns() -> int:
    return int(time.time() * 1000) * 1000000


def attributes(**values: str) -> list[dict]:
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in values.items()]


def request(*metrics: dict, **resource: str) -> bytes:
    return json.dumps({"resourceMetrics": [{"resource": {"attributes": attributes(**resource)}, "scopeMetrics": [{"metrics": metrics}]}]}).encode()


def gauge(name: str, value: float, t: int, unit: str = "", **labels: str) -> dict:
    return {"name": name, "unit": unit, "gauge": {"dataPoints": [{"timeUnixNano": str(t), "asDouble": value, "attributes": attributes(**labels)}]}}


def fixed64(number: int, n: int) -> bytes:
    return varint(number << 3 | 1) + n.to_bytes(8, "little")


def pair(key: str, value: str) -> bytes:
    return message(1, message(1, key), message(2, message(1, value)))


def test_otlp_is_off_by_default(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET) as server:
        server.wait_ready()
        status, _, text = post(server, request(gauge("m", 1, now_ns())))
        equal((status, "--web.enable-otlp-receiver" in text), (404, True))
        equal(server.api("features")["api"]["otlp_write_receiver"], False)


def test_otlp_takes_json_and_protobuf(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET, RECEIVE) as server:
        server.wait_ready()
        t = now_ns()
        body = request(gauge("room.temperature", 21.5, t, "Cel", room__name="x"), service__name="shop", service__instance__id="i", zone="z")
        status, headers, text = post(server, body)
        equal((status, headers["content-type"], text), (200, JSON, "{}"))
        labels = (("instance", "i"), ("job", "shop"))
        equal(server.query("room_temperature_celsius"), {(("__name__", "room_temperature_celsius"), *labels, ("room_name", "x")): 21.5})
        equal(server.query("target_info"), {(("__name__", "target_info"), *labels, ("zone", "z")): 1.0})
        equal(post(server, gzip.compress(request(gauge("packed", 2, t))), JSON, "gzip")[0], 200)
        equal(server.query("packed"), {(("__name__", "packed"),): 2.0})
        point = fixed64(3, t) + double(4, 7.5) + message(7, message(1, "kind"), message(2, message(1, "a")))
        metric = message(1, "jobs.done") + message(3, "1") + message(7, message(1, point), uint(2, 2), uint(3, 1))
        body = message(1, message(1, pair("service.name", "made")), message(2, message(2, metric)))
        status, headers, text = post(server, body, PROTOBUF)
        equal((status, headers["content-type"], text), (200, PROTOBUF, ""))
        equal(server.query("jobs_done_total"), {(("__name__", "jobs_done_total"), ("job", "made"), ("kind", "a")): 7.5})
        # An exponential histogram is a native one; what was answered is there after a kill.
        exponential = {"name": "size", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": str(t), "count": "5", "sum": 9, "scale": 0, "positive": {"offset": 0, "bucketCounts": ["2", "3"]}}]}}
        equal(post(server, request(exponential))[0], 200)
        equal(server.query("histogram_count(size)"), {(): 5.0})
        server.program.process.kill()
        server.program.process.wait(10)
        server.program.out.close()
        again = Server(str(build / "barograph"), work, QUIET, RECEIVE, keep_data=True)
        again.wait_ready()
        equal(again.query("histogram_sum(size)", t / 1e9), {(): 9.0})
        equal(again.stop(), 0)


def test_otlp_heeds_the_configuration(build: pathlib.Path, work: pathlib.Path) -> None:
    config = QUIET + ("otlp: {translation_strategy: NoTranslation, promote_resource_attributes: [host.name], convert_histograms_to_nhcb: true,\n"
                      "  keep_identifying_resource_attributes: true}\n")
    with Server(str(build / "barograph"), work, config, RECEIVE, "--web.enable-lifecycle", "--enable-feature=otlp-native-delta-ingestion") as server:
        server.wait_ready()
        t = now_ns()
        classic = {"name": "wait.time", "unit": "s", "histogram": {"aggregationTemporality": 1, "dataPoints": [
            {"timeUnixNano": str(t), "count": "3", "sum": 4, "bucketCounts": ["1", "2"], "explicitBounds": [0.5]}]}}
        status, _, text = post(server, request(classic, gauge("up.time", 1, t, "s"), service__name="shop", host__name="h"))
        equal(status, 200, text)
        labels = (("host.name", "h"), ("job", "shop"))
        equal(server.query('{"up.time"}'), {(("__name__", "up.time"), *labels): 1.0})
        equal(server.query('histogram_count({"wait.time"})'), {labels: 3.0})
        equal(server.query('target_info{"service.name"="shop"}'), {(("__name__", "target_info"), *labels, ("service.name", "shop")): 1.0})
        # A reload changes how names are made.
        server.config.write_text(QUIET + "otlp: {translation_strategy: UnderscoreEscapingWithoutSuffixes}\n")
        equal(server.get("/-/reload", method="POST")[0], 200)
        equal(post(server, request(gauge("up.time", 2, t, "s")))[0], 200)
        equal(server.query("up_time"), {(("__name__", "up_time"),): 2.0})
        equal(server.api("features")["otlp_receiver"], {"delta_conversion": False, "native_delta_ingestion": True})


def test_otlp_refuses(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET, RECEIVE) as server:
        server.wait_ready()
        t = now_ns()
        good = request(gauge("m", 1, t))
        for name, body, kind, encoding, want, part in [
            ("another type", good, "text/plain", "", 400, "unsupported content type: text/plain"),
            ("another encoding", good, JSON, "br", 400, "unsupported compression: br"),
            ("no gzip", good, JSON, "gzip", 400, "gzip"),
            ("no JSON", b"{", JSON, "", 400, "1:"),
            ("no object", b"[]", JSON, "", 400, "an object is wanted"),
            ("no message", b"\x0a\x7f", PROTOBUF, "", 400, "damaged"),
            ("a bomb", gzip.compress(bytes(33 << 20)), PROTOBUF, "gzip", 413, ""),
        ]:
            status, _, text = post(server, body, kind, encoding)
            equal(status, want, f"{name}: {text}")
            contains(text, part, name)
        delta = {"name": "d", "sum": {"aggregationTemporality": 1, "dataPoints": [{"timeUnixNano": str(t), "asInt": "1"}]}}
        status, _, text = post(server, request(delta, gauge("kept", 4, t)))
        equal(status, 400)
        contains(text, 'invalid temporality and type combination for metric "d"')
        equal(server.query("kept"), {(("__name__", "kept"),): 4.0}, "what was good is kept")


if __name__ == "__main__":
    main(globals())
