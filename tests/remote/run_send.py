#!/usr/bin/env python3
"""remote_write: what barograph has comes to Debian's prometheus sample by sample, whatever happens on the way: the remote is
down, the sender is killed, the configuration changes, the remote is rude.

Usage: tests/remote/run_send.py BUILD [NAME...]
"""

import concurrent.futures
import http.server
import pathlib
import re
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
import protobuf  # noqa: E402
from barotest import Server, contains, equal, free_port, main, need, wait_until  # noqa: E402

QUIET = "global: {scrape_interval: 1h}\nscrape_configs: []\n"
FAST = "queue_config: {batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 200ms}"


class Target(barotest.Site):
    """Twenty series whose values are a function of the time of the scrape, and one that comes and goes."""

    def text(self, path: str) -> str:
        now = time.time()
        lines = ["# HELP work_total Work done.", "# TYPE work_total counter"]
        lines += [f'work_total{{shard="{i}",dir="C:\\\\x"}} {int(now * 10) + i}' for i in range(20)]
        lines += [f'pod_info{{pod="pod-{int(now / 2)}"}} NaN']
        return "\n".join(lines) + "\n"


def sender_config(target: Target, remotes: str, interval: str = "100ms") -> str:
    return (f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, external_labels: {{cluster: c1, job: not-this}}}}\n"
            f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['{target.address}']}}]}}]\n"
            f"remote_write:\n{remotes}")


def remote(port: int, more: str = "", name: str = "") -> str:
    name = f"name: {name}, " if name else ""
    return f"- {{url: 'http://127.0.0.1:{port}/api/v1/write', {name}{FAST}{', ' + more if more else ''}}}\n"


def prometheus(work: pathlib.Path, port: int, *flags: str, name: str = "receiver", keep: bool = False) -> Server:
    server = Server(need("prometheus"), work, QUIET, "--web.enable-remote-write-receiver", *flags, name=name, port=port, keep_data=keep)
    server.wait_ready()
    return server


def samples(server: Server, end: float, selector: str = '{job="t"}') -> dict:
    """Every raw sample of the last minutes: {labels without the external one: [(t, v), ...]}."""
    data = server.api("query", query=f"{selector}[15m]", time=end)
    return {tuple(sorted((k, v) for k, v in row["metric"].items() if k != "cluster")): [tuple(v) for v in row["values"]] for row in data["result"]}


def difference(sent: dict, got: dict) -> str:
    """What is not the same, in short; empty when all is."""
    missing = {k: sorted(set(v) - set(got.get(k, []))) for k, v in sent.items()}
    extra = {k: sorted(set(v) - set(sent.get(k, []))) for k, v in got.items()}
    lines = [f"missing {len(v)} of {len(sent[k])} of {k}: {v[:3]}" for k, v in missing.items() if v]
    lines += [f"extra {len(v)} of {k}: {v[:3]}" for k, v in extra.items() if v]
    return "\n".join(lines[:10])


def arrives(sender: Server, receiver: Server, end: float, what: str, limit: float = 30) -> dict:
    """Waits until the receiver has exactly what the sender has up to `end`; returns that."""
    sent = samples(sender, end)
    equal(len(sent) > 20, True, f"{what}: there is something to send")
    try:
        wait_until(what, lambda: not difference(sent, samples(receiver, end)), limit, 0.2)
    except RuntimeError as late:
        raise AssertionError(f"{late}\n{difference(sent, samples(receiver, end))}") from None
    return sent


def metric(server: Server, name: str, *labels: str) -> float:
    """The sum of a metric's series that have all these labels."""
    lines = server.get("/metrics")[2].decode().splitlines()
    found = [line for line in lines if re.match(rf"{name}[{{ ]", line) and all(label in line for label in labels)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


def barograph(build: pathlib.Path, work: pathlib.Path, config: str, *flags: str, keep: bool = False) -> Server:
    server = Server(str(build / "barograph"), work, config, "--web.enable-lifecycle", *flags, name="sender", keep_data=keep)
    server.wait_ready()
    return server


def test_every_sample_arrives(build: pathlib.Path, work: pathlib.Path) -> None:
    """Live, with external labels, and with the remote down for a while."""
    port = free_port()
    with Target() as target, barograph(build, work, sender_config(target, remote(port))) as sender:
        receiver = prometheus(work, port)
        time.sleep(1.5)
        arrives(sender, receiver, time.time() - 0.5, "live")
        rows = receiver.api("query", query='work_total{shard="3"}[1m]')["result"]
        equal(rows[0]["metric"], {"__name__": "work_total", "cluster": "c1", "dir": "C:\\x", "instance": target.address, "job": "t", "shard": "3"},
              "labels")
        receiver.stop()
        time.sleep(1.5)
        wait_until("what fails is counted", lambda: metric(sender, "prometheus_remote_storage_samples_retried_total") > 0)
        receiver = prometheus(work, port, keep=True)
        time.sleep(1)
        arrives(sender, receiver, time.time() - 0.5, "after the remote was down")
        equal(metric(sender, "prometheus_remote_storage_samples_failed_total"), 0, "samples that failed")
        equal(metric(sender, "prometheus_remote_storage_samples_dropped_total"), 0, "samples that were dropped")
        # A gentle end sends what there is.
        end = time.time()
        sent = samples(sender, end)
        equal(sender.stop(), 0, "exit status")
        equal(difference(sent, samples(receiver, end)), "", "after a gentle end")
        receiver.stop()


class Late(barotest.Site):
    """Twenty series: two of three samples come late, up to five seconds, but never from before the start."""

    def __init__(self):
        self.turn, self.begin_ms, self.seen, self.is_silent = 0, int(time.time() * 1000), set(), False
        super().__init__()

    def text(self, path: str) -> str:
        if self.is_silent:
            return ""
        self.turn += 1
        t = int(time.time() * 1000)
        if self.turn % 3:
            t = max(self.begin_ms, t - self.turn * 997 % 5000)
        while t in self.seen:
            t += 1
        self.seen.add(t)
        return "".join(f'late{{i="{i}"}} {self.turn * 10 + i} {t}\n' for i in range(20))


def test_late_samples_arrive(build: pathlib.Path, work: pathlib.Path) -> None:
    """As Prometheus sends them; also after a kill, whose replay passes over them."""
    port = free_port()
    window = "storage: {tsdb: {out_of_order_time_window: 10m}}\n"
    with Late() as target:
        config = sender_config(target, remote(port)) + window
        with Server(need("prometheus"), work, QUIET + window, "--web.enable-remote-write-receiver", name="receiver", port=port) as receiver:
            receiver.wait_ready()
            with barograph(build, work, config) as sender:
                wait_until("many are late", lambda: metric(sender, "prometheus_tsdb_head_out_of_order_samples_appended_total") > 300)
                target.is_silent = True
                time.sleep(0.3)
                before = arrives(sender, receiver, time.time(), "live", 60)
                target.is_silent = False
                time.sleep(1)
                sender.stop(signal.SIGKILL)
            with barograph(build, work, config, keep=True) as sender:
                wait_until("more are late", lambda: metric(sender, "prometheus_tsdb_head_out_of_order_samples_appended_total") > 100)
                target.is_silent = True
                time.sleep(0.3)
                after = arrives(sender, receiver, time.time(), "after the kill", 60)
                equal(all(set(rows) <= set(after[labels]) for labels, rows in before.items()), True, "what there was is there")
                equal(metric(sender, "prometheus_remote_storage_samples_failed_total"), 0, "samples that failed")


def test_nothing_is_lost_by_kill(build: pathlib.Path, work: pathlib.Path) -> None:
    """kill -9 again and again, and a gentle end, with the remote up and down: what was stored arrives, and nothing is refused."""
    port = free_port()
    config = None
    with Target() as target:
        config = sender_config(target, remote(port, "", "there"), "50ms")
        receiver = prometheus(work, port)
        for turn in range(4):
            sender = barograph(build, work, config, keep=turn > 0)
            time.sleep(0.8)
            if turn >= 2:
                receiver.stop()
                time.sleep(0.5)
            begin = time.monotonic()
            sender.stop(signal.SIGTERM if turn == 2 else signal.SIGKILL)
            equal(time.monotonic() - begin < 10, True, "the end does not wait for a remote that is not there")
            if turn >= 2:
                receiver = prometheus(work, port, keep=True)
        with barograph(build, work, config, keep=True) as sender:
            time.sleep(0.5)
            arrives(sender, receiver, time.time() - 0.4, "after kill -9")
            equal(metric(sender, "prometheus_remote_storage_samples_failed_total"), 0, "samples that failed")
        receiver.stop()
        equal([line for line in receiver.program.text().splitlines() if "Out of order" in line], [], "what the remote complains of")


def test_reload_restarts_what_changed(build: pathlib.Path, work: pathlib.Path) -> None:
    """Of two remotes one gets another section: the other goes on; a third comes, and one goes."""
    ports = [free_port(), free_port()]
    with Target() as target:
        one, two = prometheus(work, ports[0], name="one"), prometheus(work, ports[1], name="two")
        first = sender_config(target, remote(ports[0], "", "one") + remote(ports[1], "", "two"))
        with barograph(build, work, first) as sender:
            for name in ("one", "two"):
                wait_until(f"{name} gets samples", lambda: metric(sender, "prometheus_remote_storage_samples_total", f'remote_name="{name}"') > 0)
            count = metric(sender, "prometheus_remote_storage_samples_total", 'remote_name="one"')
            drop = "write_relabel_configs: [{source_labels: [shard], regex: '1.', action: drop}, {target_label: via, replacement: relay}]"
            sender.config.write_text(sender_config(target, remote(ports[0], "", "one") + remote(ports[1], drop, "two")))
            equal(sender.get("/-/reload", method="POST")[0], 200, "reload")
            begin = time.time()
            equal(metric(sender, "prometheus_remote_storage_samples_total", 'remote_name="one"') >= count, True, "one goes on")
            time.sleep(1)
            end = time.time() - 0.5
            arrives(sender, one, end, "one, over a reload")
            wait_until("relabelled samples", lambda: len(samples(two, time.time(), 'work_total{via="relay"}')) == 10)
            sent = {k: [s for s in v if s[0] < begin] for k, v in samples(sender, end, "work_total").items()}
            got = {k: [s for s in v if s[0] < begin] for k, v in samples(two, end, 'work_total{via=""}').items()}
            equal(len(got), 20, "before the reload two has all")
            for key, values in got.items():
                equal(values, sent[key][:len(values)], f"{key}: no gap before the change")
            equal(metric(sender, "prometheus_remote_storage_samples_dropped_total", 'reason="dropped_series"') > 0, True, "drops are counted")
            sender.config.write_text(sender_config(target, remote(ports[0], "", "one")))
            equal(sender.get("/-/reload", method="POST")[0], 200, "reload")
            equal(metric(sender, "prometheus_remote_storage_shards", 'remote_name="two"'), 0, "two is gone")
            equal(len(list((sender.data / "remote").glob("*.position"))), 1, "its position is, too")
            twice = remote(ports[0], "", "one") + "- {url: 'http://127.0.0.1:1/x'}\n- {url: 'http://127.0.0.1:1/x'}\n"
            sender.config.write_text(sender_config(target, twice))
            status, _, body = sender.get("/-/reload", method="POST")
            equal(status, 500, "a section that is there twice")
            contains(body.decode(), "duplicate remote write configs are not allowed")
        one.stop()
        two.stop()


class Rude:
    """A remote whose answers follow a script: (status, headers, seconds to wait), or None to close the connection."""

    def __init__(self, script: list):
        rude = self
        self.script, self.requests, self.lock = list(script), [], threading.Lock()

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with rude.lock:
                    step = rude.script.pop(0) if rude.script else (204, {}, 0)
                    rude.requests.append((time.monotonic(), dict(self.headers.items()), body, step))
                if step is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, wait = step
                time.sleep(wait)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                text = b"" if status == 204 else b"no, thank you " * headers.get("X-Long", 1)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A client that gives up breaks off its request."""

        self.server = Quiet(("127.0.0.1", 0), Answer)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def bodies(self) -> list[bytes]:
        with self.lock:
            return [body for _, _, body, _ in self.requests]


def test_a_rude_remote(build: pathlib.Path, work: pathlib.Path) -> None:
    """500, 503 with Retry-After, a closed connection, 429 and silence are tried again with the same body; 400 is not."""
    script = [(500, {}, 0), (503, {"Retry-After": "1"}, 0), None, (429, {"Retry-After": "1"}, 0), (200, {}, 0), (400, {"X-Long": 10000}, 0), (204, {}, 3)]
    rude = Rude(script)
    # One large scrape a second: each is one request.
    more = "retry_on_http_429: true"
    section = (f"- {{url: 'http://127.0.0.1:{rude.port}/w?x=1', name: rude, remote_timeout: 1s, headers: {{X-Tenant: a b}}, metadata_config: {{send: false}},\n"
               f"   queue_config: {{batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 100ms, {more}}}}}\n")
    with Target() as target, barograph(build, work, sender_config(target, section, "1s")) as sender:
        wait_until("all of the script is played", lambda: len(rude.bodies()) > 8, 40)
        with rude.lock:
            requests = list(rude.requests)
        bodies = [body for _, _, body, _ in requests]
        equal([body == bodies[0] for body in bodies[:6]], [True] * 5 + [False], "the first request is repeated until it is taken")
        equal(requests[2][0] - requests[1][0] >= 0.95, True, "Retry-After of 503")
        equal(requests[4][0] - requests[3][0] >= 0.95, True, "Retry-After of 429")
        equal(bodies[6] != bodies[5], True, "what is refused is not repeated")
        equal(bodies[7] == bodies[6], True, "what is not answered in time is repeated")
        headers = [head for _, head, _, _ in requests]
        # The closed connection is libcurl's to repeat, when it was one that had been used before.
        equal([headers[i].get("Retry-Attempt") for i in (0, 1, 2, 5)], [None, "1", "2", None], "Retry-Attempt")
        for head in headers:
            equal((head["Content-Encoding"], head["Content-Type"], head["X-Prometheus-Remote-Write-Version"], head["X-Tenant"]),
                  ("snappy", "application/x-protobuf", "0.1.0", "a b"), "headers")
            contains(head["User-Agent"], "barograph/")
        equal(metric(sender, "prometheus_remote_storage_samples_failed_total", 'remote_name="rude"') > 0, True, "failed samples are counted")
        equal(metric(sender, "prometheus_remote_storage_samples_retried_total", 'remote_name="rude"') > 0, True, "retried samples are counted")
        equal(metric(sender, "prometheus_remote_storage_sent_batch_duration_seconds_count") >= 8, True, "requests are timed")
    rude.stop()


def test_the_end_waits_for_no_other_attempt(build: pathlib.Path, work: pathlib.Path) -> None:
    """A remote that asks to be left alone for an hour is asked once more at the end, and then that is it."""
    rude = Rude([(503, {"Retry-After": "3600"}, 0)] * 100)
    section = f"- {{url: 'http://127.0.0.1:{rude.port}/', name: rude, {FAST}, metadata_config: {{send: false}}}}\n"
    with Target() as target, barograph(build, work, sender_config(target, section)) as sender:
        wait_until("it was asked", lambda: len(rude.bodies()) > 0)
        equal(sender.stop(), 0)  # within half of the flush deadline
        bodies = rude.bodies()
        equal((len(bodies), bodies[-1] == bodies[0]), (2, True), "attempts of one request")
    rude.stop()


def test_a_reload_that_waits_hides_no_other_remote(build: pathlib.Path, work: pathlib.Path) -> None:
    """One remote does not answer, and its section changes: while its end is waited for, the other one is told of."""
    silent, good = Rude([(204, {}, 6)] * 100), Rude([])
    sections = [f"- {{url: 'http://127.0.0.1:{site.port}/', name: {name}, {FAST}, metadata_config: {{send: false}}}}\n"
                for name, site in (("good", good), ("silent", silent))]
    changed = sections[1].replace("name: silent,", "name: silent, send_exemplars: true,")
    with Target() as target, barograph(build, work, sender_config(target, "".join(sections)), "--storage.remote.flush-deadline=4s") as sender:
        wait_until("both were asked", lambda: min(len(silent.bodies()), len(good.bodies())) > 0)
        sender.config.write_text(sender_config(target, sections[0] + changed))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reload = pool.submit(sender.get, "/-/reload", None, "POST")
            looks = 0
            while not reload.done():
                equal(metric(sender, "prometheus_remote_storage_shards", 'remote_name="good"'), 1, f"look number {looks}")
                looks += 1
                time.sleep(0.05)
            equal(reload.result()[0], 200)
        equal(looks > 10, True, "there was something to wait for")
        wait_until("the new one is told of", lambda: metric(sender, "prometheus_remote_storage_shards", 'remote_name="silent"') == 1)
    silent.stop()
    good.stop()


class Rich:
    """A target in the protobuf format: a counter with exemplars, native histograms, classic ones that become custom buckets."""

    PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

    def __init__(self):
        rich = self
        self.count = 0

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                rich.count += 1
                body = rich.body(rich.count)
                self.send_response(200)
                self.send_header("Content-Type", rich.PROTOBUF)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def body(self, n: int) -> bytes:
        now = time.time()
        mark = protobuf.exemplar(2, {"trace_id": f"t{n}"}, n, now)
        native = protobuf.histogram(3 * n, n / 2, protobuf.native(3, [n, 2 * n], 5))
        classic = protobuf.histogram(2 * n, n / 4, protobuf.bucket(0.5, n), protobuf.bucket(1, 2 * n))
        return (protobuf.family("jobs_total", protobuf.COUNTER, ({"kind": "a"}, protobuf.value(n, mark)), help="Jobs.") +
                protobuf.family("native_seconds", protobuf.HISTOGRAM, ({}, native), help="Native.") +
                protobuf.family("classic_seconds", protobuf.HISTOGRAM, ({}, classic), help="Classic."))

    def __enter__(self) -> "Rich":
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()


def everything(server: Server, end: float) -> dict:
    """Floats and histograms of the last minutes, and exemplars, by series without the external label."""
    def key(labels: dict) -> tuple:
        return tuple(sorted((k, v) for k, v in labels.items() if k != "cluster"))

    data = server.api("query", query='{job="t"}[15m]', time=end)
    found = {key(row["metric"]): {repr(v) for v in row.get("values", []) + row.get("histograms", [])} for row in data["result"]}
    for row in server.api("query_exemplars", query='jobs_total{job="t"}', start=end - 900, end=end):
        found[("exemplars", *key(row["seriesLabels"]))] = {repr(sorted(e.items(), key=str)) for e in row["exemplars"]}
    return found


def to_barograph(build: pathlib.Path, work: pathlib.Path, message: str, custom: bool) -> None:
    """A barograph receives what another one has: floats, histograms of all kinds, exemplars."""
    port = free_port()
    section = remote(port, f"protobuf_message: {message}, send_exemplars: true, send_native_histograms: true, metadata_config: {{send_interval: 200ms}}")
    features = "--enable-feature=exemplar-storage,metadata-wal-records"
    with Rich() as target, Server(str(build / "barograph"), work, QUIET, "--web.enable-remote-write-receiver", features, name="receiver", port=port) as receiver:
        receiver.wait_ready()
        config = sender_config(target, section).replace("job_name: t,", "job_name: t, scrape_native_histograms: true, convert_classic_histograms_to_nhcb: true,")
        with barograph(build, work, config, features) as sender:
            wait_until("scrapes", lambda: target.count > 12)
            end = time.time() - 0.3
            sent = everything(sender, end)
            equal(sum(key[0] == "exemplars" for key in sent), 1, "exemplars are here")
            equal(any("'count'" in v for key, values in sent.items() for v in values), True, "histograms are here")
            if not custom:
                sent = {k: v for k, v in sent.items() if ("__name__", "classic_seconds") not in k}
            wait_until(f"{message}: everything arrives", lambda: everything(receiver, end) == sent, 30, 0.2)
            for what in ("samples", "histograms", "exemplars"):
                equal(metric(sender, f"prometheus_remote_storage_{what}_total") > 0, True, f"{what} are counted")
                equal(metric(sender, f"prometheus_remote_storage_{what}_failed_total"), 0, f"{what} that failed")
            equal(metric(sender, "prometheus_remote_storage_histograms_dropped_total", "nhcb_in_rw1_not_supported") > 0, not custom, "custom buckets in 1.0")
            if not custom:
                wait_until("metadata goes its own way", lambda: metric(sender, "prometheus_remote_storage_metadata_total") > 0)
                equal(metric(sender, "prometheus_remote_storage_metadata_failed_total"), 0, "metadata that failed")


def test_to_barograph_1(build: pathlib.Path, work: pathlib.Path) -> None:
    to_barograph(build, work, "prometheus.WriteRequest", False)


def test_to_barograph_2(build: pathlib.Path, work: pathlib.Path) -> None:
    to_barograph(build, work, "io.prometheus.write.v2.Request", True)


def resident(pid: int) -> int:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", text)[1]) << 10


class Wide(barotest.Site):
    """Two thousand series."""

    def text(self, path: str) -> str:
        now = int(time.time() * 1000)
        return "\n".join(f'wide{{n="{i}"}} {now + i}' for i in range(2000)) + "\n"


def test_a_dead_remote_takes_no_memory(build: pathlib.Path, work: pathlib.Path) -> None:
    """Beside a remote that never answers, samples come in as ever, and the queue holds what its capacity says."""
    port = free_port()
    section = (f"- {{url: 'http://127.0.0.1:{port}/api/v1/write', metadata_config: {{send: false}},\n"
               f"   queue_config: {{capacity: 4000, max_shards: 2, max_samples_per_send: 1000, batch_send_deadline: 100ms, max_backoff: 100ms}}}}\n")
    with Wide() as target, barograph(build, work, sender_config(target, section, "100ms")) as sender:
        name = "prometheus_remote_storage_samples_pending"
        wait_until("the shard is full", lambda: metric(sender, name) >= 5000)
        before, at = resident(sender.program.process.pid), metric(sender, "prometheus_tsdb_head_samples_appended_total")
        time.sleep(4)
        more = metric(sender, "prometheus_tsdb_head_samples_appended_total") - at
        equal(more >= 20000, True, f"ingestion goes on: {more} samples")
        equal(metric(sender, name) <= 5000, True, "pending samples are bounded")
        grown = resident(sender.program.process.pid) - before
        equal(grown < (8 << 20) + 16 * more, True, f"{grown} bytes more for {more} samples")
        receiver = prometheus(work, port)
        try:
            wait_until("all of it arrives when the remote is there", lambda: metric(sender, name) < 2500 and
                       len(samples(receiver, time.time(), "wide")) == 2000, 60)
            end = time.time() - 1
            sent = samples(sender, end, 'wide{n="7"}')
            wait_until("without a gap", lambda: not difference(sent, samples(receiver, end, 'wide{n="7"}')), 60)
        finally:
            receiver.stop()


if __name__ == "__main__":
    main(globals())
