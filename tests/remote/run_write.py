#!/usr/bin/env python3
"""Remote write received: what is answered to good and bad requests, and Debian's prometheus as the sender, whose every sample arrives.

Usage: tests/remote/run_write.py BUILD [NAME...]
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402
from protobuf import message  # noqa: E402
from remote import WRITE_1, WRITE_2, histogram, pack, request_2, sample, series_1  # noqa: E402

QUIET = "global: {scrape_interval: 1h}\nscrape_configs: []\n"
RECEIVE = "--web.enable-remote-write-receiver"


def post(server: Server, body: bytes, kind: str = WRITE_1, encoding: str = "snappy") -> tuple[int, dict[str, str], str]:
    headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
    status, headers, text = server.get("/api/v1/write", headers, "POST", body)
    return status, headers, text.decode()


def now_ms() -> int:
    return int(time.time() * 1000)


def test_write_is_off_by_default(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET) as server:
        server.wait_ready()
        status, _, text = post(server, pack(series_1({"__name__": "m"}, sample(now_ms(), 1))))
        equal(status, 404)
        contains(text, "--web.enable-remote-write-receiver")
        equal(server.api("features")["api"]["remote_write_receiver"], False)


def test_write_takes_both_messages(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET, RECEIVE, "--enable-feature=st-storage", "--enable-feature=exemplar-storage") as server:
        server.wait_ready()
        t = now_ms()
        status, headers, text = post(server, pack(series_1({"__name__": "one", "a": "b"}, sample(t - 1000, 1), sample(t, 2))))
        equal((status, text), (204, ""))
        equal("x-prometheus-remote-write-samples-written" in headers, False, "1.0 counts nothing")
        exemplar = message(4, message(1, bytes([1, 2])), b"\x11" + bytes(6) + b"\xf0\x3f" + b"\x18" + varint_of(t))
        body = request_2(({"__name__": "two"}, [sample(t, 3, t - 5000)], exemplar), ({"__name__": "hist"}, [], message(3, histogram(t, 4))))
        status, headers, text = post(server, pack(body), WRITE_2)
        equal((status, text), (204, ""))
        equal([headers[f"x-prometheus-remote-write-{what}-written"] for what in ("samples", "histograms", "exemplars")], ["1", "1", "1"])
        equal(server.query("one"), {(("__name__", "one"), ("a", "b")): 2.0})
        equal(server.query("count_over_time(one[1m])"), {(("a", "b"),): 2.0})
        equal(server.query("two"), {(("__name__", "two"),): 3.0})
        equal(server.query("histogram_count(hist)"), {(): 4.0})
        # What was answered is there after a kill.
        server.program.process.kill()
        server.program.process.wait(10)
        server.program.out.close()
        again = Server(str(build / "barograph"), work, QUIET, RECEIVE, keep_data=True)
        again.wait_ready()
        equal(again.query("one", t / 1000), {(("__name__", "one"), ("a", "b")): 2.0})
        equal(again.query("histogram_count(hist)", t / 1000), {(): 4.0})
        equal(again.stop(), 0)


def varint_of(n: int) -> bytes:
    import protobuf
    return protobuf.varint(n)


def test_write_refuses(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(str(build / "barograph"), work, QUIET, RECEIVE) as server:
        server.wait_ready()
        t = now_ms()
        good = pack(series_1({"__name__": "m"}, sample(t, 1)))
        for name, body, kind, encoding, want, part in [
            ("another encoding", good, WRITE_1, "gzip", 415, "only snappy is acceptable"),
            ("another type", good, "text/plain", "snappy", 415, "expected application/x-protobuf"),
            ("another message", good, "application/x-protobuf;proto=x.Y", "snappy", 415, "unknown type for remote write protobuf message x.Y"),
            ("no snappy", b"\xff\xff\xff", WRITE_1, "snappy", 400, "snappy"),
            ("a claim of a gigabyte", b"\x80\x80\x80\x80\x04" + bytes(100), WRITE_1, "snappy", 413, "snappy"),
            ("no message", pack(b"\x0a\x7f"), WRITE_1, "snappy", 400, "damaged"),
        ]:
            status, _, text = post(server, body, kind, encoding)
            equal(status, want, f"{name}: {text}")
            contains(text, part, name)
        equal(post(server, good, "", "")[0], 204, "headers may be left out")
        status, headers, text = post(server, pack(request_2(
            ({"__name__": "m"}, [sample(t - 1, 1)], b""), ({"__name__": "n"}, [sample(t, 2)], b""), ({"a": "b"}, [sample(t, 3)], b""))), WRITE_2)
        equal((status, headers["x-prometheus-remote-write-samples-written"]), (400, "1"), text)
        contains(text, "out of order sample for series m")
        contains(text, "invalid metric name or labels")
        equal(server.query("n"), {(("__name__", "n"),): 2.0}, "what was good is kept")
        text = server.get("/metrics")[2].decode()
        contains(text, "prometheus_api_remote_write_invalid_labels_samples_total 1\n")
        contains(text, 'prometheus_http_requests_total{code="400",handler="/api/v1/write"}')


def test_write_takes_the_named_messages_alone(build: pathlib.Path, work: pathlib.Path) -> None:
    flag = "--web.remote-write-receiver.accepted-protobuf-messages="
    with Server(str(build / "barograph"), work, QUIET, "--enable-feature=remote-write-receiver", flag + "io.prometheus.write.v2.Request") as server:
        server.wait_ready()
        status, _, text = post(server, pack(series_1({"__name__": "m"}, sample(now_ms(), 1))))
        equal(status, 415)
        contains(text, "only accepts io.prometheus.write.v2.Request")
        equal(post(server, pack(request_2(({"__name__": "m"}, [sample(now_ms(), 1)], b""))), WRITE_2)[0], 204)
    bad = Server(str(build / "barograph"), work, QUIET, RECEIVE, flag + "x.Y", name="bad")
    equal(bad.program.process.wait(30), 2)
    contains(bad.program.text(), "io.prometheus.write.v2.Request")
    bad.program.out.close()


def samples_of(server: Server, begin: float, end: float) -> dict:
    """Every raw sample of job t behind `begin`, up to `end`."""
    data = server.api("query", query=f'{{job="t"}}[{round((end - begin) * 1000)}ms]', time=f"{end:.3f}")
    return {tuple(sorted(row["metric"].items())): [tuple(v) for v in row["values"]] for row in data["result"]}


class Target(barotest.Site):
    def __init__(self):
        self.begin = time.time()
        super().__init__()

    def text(self, path: str) -> str:
        age = time.time() - self.begin
        lines = [f'work_total{{shard="{i}"}} {int(age * (i + 1) * 10)}' for i in range(20)]
        return "\n".join(lines + [f'pod_info{{pod="pod-{int(age / 2)}"}} NaN']) + "\n"


def test_prometheus_writes_here(build: pathlib.Path, work: pathlib.Path) -> None:
    """Every sample that prometheus has scraped is here, stale markers included: counts and values of raw samples are the same."""
    prometheus = need("prometheus")
    with Target() as target, Server(str(build / "barograph"), work, QUIET, RECEIVE, name="receiver") as receiver:
        receiver.wait_ready()
        config = target.config("100ms") + (f"remote_write: [{{url: 'http://127.0.0.1:{receiver.port}/api/v1/write', "
                                           "queue_config: {batch_send_deadline: 200ms, min_backoff: 30ms}}]\n")
        with Server(prometheus, work, config, "--log.level=warn", name="sender") as sender:
            sender.wait_ready()
            # Prometheus sends what it scrapes from some time after its start.
            wait_until("the first samples have come", lambda: receiver.query('{job="t"}'), 60)
            begin = time.time()
            time.sleep(4)
            end = time.time()
            wait_until("the last samples have come", lambda: any(float(t) > end for t in receiver.query('timestamp(up{job="t"})').values()), 60)
            ours, theirs = samples_of(receiver, begin, end), samples_of(sender, begin, end)
            equal(len(theirs) > 25, True, f"{len(theirs)} series")
            equal(sorted(ours), sorted(theirs), "series")
            for key, values in theirs.items():
                equal(ours[key], values, f"{key}")
            equal(receiver.query("count(pod_info)", end), sender.query("count(pod_info)", end), "stale markers end series")
            equal("refused" in receiver.program.text(), False, receiver.program.text()[-2000:])


if __name__ == "__main__":
    main(globals())
