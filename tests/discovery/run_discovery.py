#!/usr/bin/env python3
"""Targets that come and go while the server runs: files, an HTTP service, DNS; and what relabelling makes of them."""

import contextlib
import fcntl
import http.server
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Skip, contains, equal, main, need, wait_until  # noqa: E402

HEAD = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"


def serve(build, work, jobs: str, name: str = "barograph") -> Server:
    """Targets follow a change at once: both programs else gather the changes of five seconds."""
    return Server(str(build / "barograph") if name == "barograph" else need(name), work, HEAD + jobs,
                  "--scrape.discovery-reload-interval=100ms", name=name)


def addresses(server, job: str) -> list[str]:
    return sorted(t["discoveredLabels"]["__address__"] for t in server.api("targets")["activeTargets"] if t["scrapePool"] == job)


def wait_for(server, job: str, want: list[str], limit: float = 2) -> None:
    try:
        wait_until(f"{job}: {want}", lambda: addresses(server, job) == want, limit)
    except RuntimeError as late:
        raise RuntimeError(f"{late}, but {addresses(server, job)}") from None


def group(*targets: str, **labels: str) -> list[dict]:
    return [{"targets": list(targets), "labels": labels}]


def replace(path: pathlib.Path, content: str) -> None:
    """As careful programs write: beside, then moved over."""
    beside = path.with_suffix(".tmp")
    beside.write_text(content)
    beside.rename(path)


def test_files(build, work):
    """JSON and YAML, a glob: changed, broken, renamed over and removed at run time."""
    folder = work / "sd"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(group("127.0.0.1:1", "127.0.0.1:2", rack="r1")))
    (folder / "b.yml").write_text("- targets: ['127.0.0.1:3']\n  labels: {rack: r2, number: '7'}\n")
    jobs = f"  - {{job_name: files, file_sd_configs: [{{files: ['{folder}/*.json', '{folder}/*.yml']}}]}}\n"
    with serve(build, work, jobs) as server:
        server.wait_ready()
        one, two, three, four = (f"127.0.0.1:{i}" for i in range(1, 5))
        wait_for(server, "files", [one, two, three])
        found = {t["discoveredLabels"]["__address__"]: t["discoveredLabels"] for t in server.api("targets")["activeTargets"]}
        equal((found[one]["rack"], found[one]["__meta_filepath"]), ("r1", f"{folder}/a.json"), "labels of a.json")
        equal((found[three]["number"], found[three]["__meta_filepath"]), ("7", f"{folder}/b.yml"), "labels of b.yml")
        (folder / "a.json").write_text(json.dumps(group(two)))
        wait_for(server, "files", [two, three])
        for broken in ("[{", "", "{}", '[{"targets": [1]}]', '[{"targets": ["x"], "label": {}}]'):
            (folder / "a.json").write_text(broken)
            time.sleep(0.4)
            equal(addresses(server, "files"), [two, three], f"after {broken!r}")
        contains(server.program.text(), "a.json", "the log names the bad file")
        replace(folder / "a.json", json.dumps(group(four)))
        wait_for(server, "files", [three, four])
        (folder / "c.yml").write_text("- targets: ['127.0.0.1:1']\n")
        wait_for(server, "files", [one, three, four])
        (folder / "c.yml").unlink()
        wait_for(server, "files", [three, four])
        (folder / "b.yml").rename(folder / "b.off")
        wait_for(server, "files", [four])
        (folder / "a.json").write_text("[]")
        end = time.monotonic() + 1
        while addresses(server, "files") and time.monotonic() < end:
            (folder / "busy").write_text("changes all the time")
        equal(addresses(server, "files"), [], "in a directory that never rests")
        (folder / "b.off").rename(folder / "b.yml")
        wait_for(server, "files", [three])
        wait_until("scraped", lambda: len(server.query('up{rack="r2"}')) == 1, 3)


def test_folder_that_comes_later(build, work):
    """The folder of a pattern need not exist when the server starts; it is found at the next refresh at the latest."""
    jobs = f"  - {{job_name: later, file_sd_configs: [{{files: ['{work}/later/*.json'], refresh_interval: 1s}}]}}\n"
    with serve(build, work, jobs) as server:
        server.wait_ready()
        (work / "later").mkdir()
        (work / "later" / "x.json").write_text(json.dumps(group("127.0.0.1:1")))
        wait_for(server, "later", ["127.0.0.1:1"], 4)


class Service:
    """Answers every GET with what it is told to."""

    def __init__(self):
        owner = self
        self.answer = (200, "application/json", b"[]")
        self.headers: dict[str, str] = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.headers = {k.lower(): v for k, v in self.headers.items()}
                status, content_type, body = owner.answer
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", content_type)
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, groups, status=200, content_type="application/json"):
        self.answer = (status, content_type, groups if isinstance(groups, bytes) else json.dumps(groups).encode())


def test_http(build, work):
    """The last good answer stays while the service answers badly."""
    service = Service()
    one, two = "127.0.0.1:1", "127.0.0.1:2"
    service.say(group(one, rack="r1"))
    url = f"http://127.0.0.1:{service.port}/targets?x=1"
    jobs = f"  - {{job_name: http, http_sd_configs: [{{url: '{url}', refresh_interval: 1s, basic_auth: {{username: u, password: p}}}}]}}\n"
    with serve(build, work, jobs) as server:
        server.wait_ready()
        wait_for(server, "http", [one])
        found = server.api("targets")["activeTargets"][0]["discoveredLabels"]
        equal((found["rack"], found["__meta_url"]), ("r1", url), "labels")
        equal(service.headers["authorization"], "Basic dTpw", "credentials")
        contains(service.headers["user-agent"], "barograph/", "user agent")
        equal(service.headers.get("x-prometheus-refresh-interval-seconds"), "1", "interval header")
        for body, status, content_type in ((group(two), 500, "application/json"), (b"[{", 200, "application/json"),
                                           (group(two), 200, "text/plain"), (b"\xff\xfe", 200, "application/json"),
                                           (b'{"targets": []}', 200, "application/json"), (group(two), 301, "application/json")):
            service.say(body, status, content_type)
            time.sleep(1.2)
            equal(addresses(server, "http"), [one], f"after {body!r} {status} {content_type}")
        service.say(group(two), content_type="application/json; charset=utf-8")
        wait_for(server, "http", [two])
        service.server.shutdown()
        service.server.server_close()
        time.sleep(1.5)
        equal(addresses(server, "http"), [two], "the service is gone")


def test_relabelling_and_dropped_targets(build, work):
    """Both programs make the same targets of the same groups; 2.x mixes what relabelling wrote into discoveredLabels."""
    groups = [{"targets": ["a:1", "b:80", "c:3"], "labels": {"__meta_role": "web", "__meta_zone": "z1", "team": "x"}},
              {"targets": ["d:4", "[::1]:5"], "labels": {"__meta_role": "db", "__meta_zone": "z2", "__scheme__": "https"}}]
    (work / "g.json").write_text(json.dumps(groups))
    files = f"file_sd_configs: [{{files: ['{work}/g.json']}}]"
    jobs = f"""
  - job_name: all
    {files}
  - job_name: web
    {files}
    relabel_configs:
      - {{source_labels: [__meta_role], regex: web, action: keep}}
      - {{regex: __meta_(zone), action: labelmap}}
      - {{source_labels: [__address__], regex: '([^:]+)(:\\d+)?', target_label: host, replacement: '$1'}}
      - {{target_label: __tmp_x, replacement: y}}
  - job_name: kept
    {files}
    keep_dropped_targets: 2
    relabel_configs: [{{source_labels: [__meta_role], regex: nothing, action: keep}}]
  - job_name: path
    {files}
    params: {{p: [v]}}
    relabel_configs:
      - {{source_labels: [__meta_zone], target_label: __metrics_path__, replacement: '/m/$1'}}
      - {{source_labels: [__param_p], target_label: from_param}}
      - {{source_labels: [__scrape_interval__], target_label: every}}
      - {{target_label: __scrape_interval__, replacement: 5s}}
      - {{action: dropequal, source_labels: [__meta_role], target_label: team}}
"""
    answers = []
    for name in ("prometheus", "barograph"):
        text = jobs if name == "barograph" else "".join(
            line + "\n" for line in jobs.splitlines() if "keep_dropped" not in line)
        with serve(build, work, text, name) as server:
            server.wait_ready()
            wait_until("targets", lambda s=server: len(addresses(s, "all")) == 5 and len(addresses(s, "path")) == 5, 15)
            data = server.api("targets")
            answers.append((sorted((t["scrapePool"], t["scrapeUrl"], t["scrapeInterval"], json.dumps(t["labels"], sort_keys=True),
                                    t["scrapePool"] == "all" and json.dumps(t["discoveredLabels"], sort_keys=True)) for t in data["activeTargets"]),
                            sorted((d["discoveredLabels"]["job"], d["discoveredLabels"]["__address__"])
                                   for d in data["droppedTargets"]), data.get("droppedTargetCounts")))
    equal(answers[1][0], answers[0][0], "active targets")
    web = [d for d in answers[1][1] if d[0] == "web"]
    equal(web, [d for d in answers[0][1] if d[0] == "web"], "dropped targets")
    equal(len([d for d in answers[1][1] if d[0] == "kept"]), 2, "keep_dropped_targets")
    equal({k: v for k, v in answers[1][2].items() if v}, {"web": 2, "kept": 5}, "droppedTargetCounts")


# ---- DNS, in a network namespace of its own ----

TYPES = {"A": 1, "NS": 2, "MX": 15, "AAAA": 28, "SRV": 33}


def name_bytes(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.strip(".").split(".")) + b"\0"


class Dns:
    """A DNS server on 127.0.0.1:53 by UDP: records are {(name, type): [rdata]}; garbage: what it answers instead."""

    def __init__(self):
        self.records: dict[tuple[str, int], list[bytes]] = {}
        self.garbage: bytes | None = None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(2048)
            if self.garbage is not None:
                self.socket.sendto(query[:2] + self.garbage, peer)
                continue
            parts, at = [], 12
            while query[at]:
                parts.append(query[at + 1:at + 1 + query[at]].decode().lower())
                at += 1 + query[at]
            kind = struct.unpack(">H", query[at + 1:at + 3])[0]
            name = ".".join(parts)
            found = self.records.get((name, kind), [])
            known = any(n == name for n, _ in self.records)
            answer = query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3), 1, len(found), 0, 0) + query[12:at + 5]
            for data in found:
                answer += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data
            self.socket.sendto(answer, peer)


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, 0x8913, request))[1]
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))


def dns_inside(build: pathlib.Path, work: pathlib.Path) -> None:
    loopback_up()
    (work / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(work / "resolv.conf"), "/etc/resolv.conf"], check=True)
    dns = Dns()
    dns.records[("web.test", 1)] = [bytes([127, 0, 0, 1]), bytes([127, 0, 0, 2])]
    dns.records[("_m._tcp.web.test", 33)] = [struct.pack(">HHH", 1, 1, 9001) + name_bytes("one.web.test"),
                                             struct.pack(">HHH", 1, 1, 9002) + name_bytes("two.web.test")]
    dns.records[("six.test", 28)] = [socket.inet_pton(socket.AF_INET6, "::1")]
    dns.records[("mail.test", 15)] = [struct.pack(">H", 10) + name_bytes("mx.mail.test")]
    rows = (("a", "web.test", "type: A, port: 80"), ("srv", "_m._tcp.web.test", "type: SRV"), ("six", "six.test", "type: AAAA, port: 80"),
            ("mx", "mail.test", "type: MX, port: 25"), ("none", "missing.test", "type: A, port: 80"))
    jobs = "".join(f"  - {{job_name: {job}, dns_sd_configs: [{{names: ['{name}'], {more}, refresh_interval: 1s}}]}}\n"
                   for job, name, more in rows)
    with serve(build, work, jobs) as server:
        server.wait_ready()
        wait_for(server, "a", ["127.0.0.1:80", "127.0.0.2:80"], 5)
        wait_for(server, "srv", ["one.web.test:9001", "two.web.test:9002"], 5)
        wait_for(server, "six", ["[::1]:80"], 5)
        wait_for(server, "mx", ["mx.mail.test:25"], 5)
        equal(addresses(server, "none"), [], "a name that is not there")
        srv = [t["discoveredLabels"] for t in server.api("targets")["activeTargets"] if t["scrapePool"] == "srv"][0]
        equal({k: v for k, v in srv.items() if k.startswith("__meta")},
              {"__meta_dns_name": "_m._tcp.web.test", "__meta_dns_srv_record_target": srv["__meta_dns_srv_record_target"],
               "__meta_dns_srv_record_port": srv["__meta_dns_srv_record_port"]}, "labels of SRV")
        contains(srv["__meta_dns_srv_record_target"], ".web.test.", "the target as DNS writes it")
        for garbage in (b"", b"\x81\x80" + b"\xff" * 60, os.urandom(300), b"\x81\x82" + b"\0" * 8,
                        b"\x81\x80\0\1\xff\xff\0\0\0\0\3web\4test\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\xff\xff\x7f"):
            dns.garbage = garbage
            time.sleep(1.6)
            equal(addresses(server, "a"), ["127.0.0.1:80", "127.0.0.2:80"], f"after garbage {garbage[:20]!r}")
        dns.garbage = None
        dns.records[("web.test", 1)] = [bytes([127, 0, 0, 3])]
        wait_for(server, "a", ["127.0.0.3:80"], 8)
        del dns.records[("web.test", 1)]
        wait_for(server, "a", [], 8)
        equal(server.stop(), 0, "exit status")


def test_dns(build, work):
    """A small server on 127.0.0.1:53 of a network namespace, so that the system's resolver settings lead to it."""
    prefix = ["unshare", "-n", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-n", "-m"]
    if not shutil.which("unshare") or subprocess.run([*prefix, "mount", "--bind", "/dev/null", "/etc/resolv.conf"],
                                                     capture_output=True).returncode:
        raise Skip("no network namespace can be made here")
    done = subprocess.run([*prefix, sys.executable, __file__, "--dns", str(build), str(work)], capture_output=True, text=True,
                          timeout=60)
    equal(done.returncode, 0, (done.stdout + done.stderr)[-3000:])


if __name__ == "__main__":
    if sys.argv[1] == "--dns":
        dns_inside(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        main(globals())
