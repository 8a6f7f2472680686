#!/usr/bin/env python3
"""The load test against the services, and against a service that misbehaves; ids are those of the acceptance list.

Usage: tests/examples_load/run_load.py BUILD [NAME...]
"""

import http.server
import json
import pathlib
import signal
import subprocess
import sys
import threading
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
from barotest import Program, Skip, contains, equal, main, wait_until  # noqa: E402
from exampletest import Service  # noqa: E402

IDS = ["O-L1", "O-L2", "O-L3", "O-L4", "O-L5"]
FIGURES = ["GPU utilisation, most", "GPU temperature, most", "HTTP duration, P95", "error rate", "WebSocket connections, most",
           "slowest stage, mean", "queue depth, most", "cache hit rate"]


def load(build, *arguments, timeout=120):
    done = subprocess.run([str(build / "examples" / "load" / "load"), *arguments], capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def figures(scenario):
    return {figure["name"]: figure for figure in scenario["figures"]}


def test_O_L1_to_O_L5_against_the_orchestrator(build, work):
    with Service(build, work, "orchestrator/orchestrator", "--workers=8") as service:
        plot = work / "plot.svg"
        status, out, err = load(build, "--target=orchestrator", f"--url=http://127.0.0.1:{service.port}", "--scale=0.001",
                                "--pause-ms=50", "--json", f"--plot={plot}")
        report = json.loads(out)
        equal((status, report["pass"]), (0, True), out[-3000:] + err)
        equal([row["id"] for row in report["scenarios"]], IDS, "scenarios")
        equal([row["users"] for row in report["scenarios"]], [1, 5, 10, 20, 3], "users")
        equal(report["scenarios"][0]["generations"], 1, "a thousandth of ten generations, at least one")
        for row in report["scenarios"]:
            equal([figure["name"] for figure in row["figures"]], FIGURES, "what is watched")
            equal(row["requests"] >= row["generations"] > 0, True, row["id"])
            equal(row["generations_failed"], 0, row["id"])
            equal(sorted(row["stages"]), ["assemble", "inference", "post", "rag", "stream"], "stages")
        sustained = report["scenarios"][4]
        equal(sustained["websocket_messages"] > 0, True, "tokens by WebSocket")
        equal(3.4 < sustained["seconds"] < 8, True, f"{sustained['seconds']} s of 3600 s / 1000")
        picture = xml.dom.minidom.parse(str(plot))
        equal(len(picture.getElementsByTagName("circle")) > 20, True, "dots")
        equal(len(picture.getElementsByTagName("path")), 10, "users and queues of five scenarios")


def test_against_the_extraction_service(build, work):
    service = Service(build, work, "extraction/extraction", f"--data={work}/data", "--worker-listen=127.0.0.1:0",
                      "--search-listen=127.0.0.1:0")
    with service:
        wait_until("workers", lambda: "extraction worker metrics on port" in service.program.text(), 10)
        worker = service.program.text().split("extraction worker metrics on port ")[1].split()[0]
        status, out, _ = load(build, "--target=extraction", f"--url=http://127.0.0.1:{service.port}", "--scenario=normal",
                              "--scale=0.004", f"--metrics={{url}}/api/v1/metrics,http://127.0.0.1:{worker}/metrics", "--json")
        row = json.loads(out)["scenarios"][0]
        equal(row["generations_failed"], 0, out)
        equal(figures(row)["HTTP duration, P95"]["verdict"], "pass", out)
        equal(figures(row)["WebSocket connections, most"]["value"], 5.0, "a WebSocket a user")
        equal(row["stages"]["dxf"] is not None, True, "extraction durations")
        equal(figures(row)["cache hit rate"]["value"] > 50, True, out)
        equal(status in (0, 1), True, "exit status")


def test_against_the_studio(build, work):
    if not (build / "examples" / "studio" / "studio").exists():
        raise Skip("the studio is not built")
    with Service(build, work, "studio/studio", f"--data={work}/data", "--rate=0") as service:
        status, out, err = load(build, f"--url=http://127.0.0.1:{service.port}", "--scenario=baseline", "--json")
        row = json.loads(out)["scenarios"][0]
        equal((row["generations"], row["generations_failed"]), (10, 0), out + err)
        equal(sorted(row["stages"])[:2], ["image_loading", "image_preprocessing"], "stages")
        equal(figures(row)["error rate"]["verdict"], "pass", out)
        equal(status in (0, 1), True, "exit status")


def test_against_the_reconstruction_service(build, work):
    if not (build / "examples" / "reconstruction" / "reconstruction").exists():
        raise Skip("the reconstruction service is not built")
    with Service(build, work, "reconstruction/reconstruction", "--rate=0") as service:
        _, out, err = load(build, "--target=reconstruction", f"--url=http://127.0.0.1:{service.port}", "--scenario=baseline",
                           "--scale=0.2", "--json")
        row = json.loads(out)["scenarios"][0]
        equal((row["generations"], row["generations_failed"]), (2, 0), out + err)
        equal("export" in row["stages"], True, "stages")


def test_table_advice_and_status_when_limits_are_exceeded(build, work):
    with Service(build, work, "orchestrator/orchestrator", "--fault=failing-stage:post=0.5") as service:
        status, out, _ = load(build, "--target=orchestrator", f"--url=http://127.0.0.1:{service.port}", "--scenario=O-L2",
                              "--scale=0.001")
        equal(status, 1, out)
        contains(out, "O-L2 normal: 5 users", "head")
        contains(out, "FAIL", "verdict")
        contains(out, "advice: error rate", "advice")
        contains(out, "last error: POST /v1/prompt: 500", "last error")
        contains(out, "not exposed", "figures that there are not")
        contains(out, "NOT all within their limits", "end")


def test_queue_depth_over_ten_fails(build, work):
    with Service(build, work, "orchestrator/orchestrator", "--fault=flooded-queue:12", "--drain=0.1") as service:
        wait_until("flooded", lambda: service.metrics().sum("orchestrator_queue_depth") > 20)
        _, out, _ = load(build, "--target=orchestrator", f"--url=http://127.0.0.1:{service.port}", "--scenario=baseline",
                         "--scale=0.1", "--json", "--limit=20")
        equal(figures(json.loads(out)["scenarios"][0])["queue depth, most"]["verdict"], "FAIL", out)


class Rude(http.server.BaseHTTPRequestHandler):
    """Answers each request in another wrong way."""
    protocol_version = "HTTP/1.1"
    turns = [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
             b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000,
             b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":"]
    turn = 0

    def answer(self):
        Rude.turn += 1
        self.wfile.write(self.turns[Rude.turn % len(self.turns)])
        self.close_connection = True

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def test_a_rude_service_is_counted_not_believed(build, work):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rude)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        status, out, _ = load(build, "--target=orchestrator", f"--url=http://127.0.0.1:{server.server_port}",
                              "--scenario=baseline", "--json", "--limit=2")
        row = json.loads(out)["scenarios"][0]
        equal((status, row["generations"], row["generations_failed"]), (1, 10, 10), out)
        equal(row["requests"], 10, "requests")
        equal(figures(row)["error rate"]["value"] > 50, True, "error rate")
    finally:
        server.shutdown()
        server.server_close()


def test_nobody_there(build, work):
    status, out, _ = load(build, "--url=http://127.0.0.1:1", "--scenario=baseline", "--scale=0.1")
    equal(status, 1, out)
    contains(out, "Connection refused", "why")


def test_an_interrupted_run_reports_what_it_has(build, work):
    with Service(build, work, "orchestrator/orchestrator") as service:
        program = Program([str(build / "examples" / "load" / "load"), "--target=orchestrator", "--pause-ms=10",
                           f"--url=http://127.0.0.1:{service.port}", "--scenario=sustained"], work / "load.log")
        try:
            wait_until("at work", lambda: service.metrics().sum("orchestrator_requests_total") > 20)
        finally:
            status = program.stop(signal.SIGINT)
        equal(status in (0, 1), True, program.text())
        contains(program.text(), "O-L5 sustained: 3 users", "report")


def test_options_teach(build, work):
    status, out, _ = load(build, "--list")
    equal((status, [line.split()[0] for line in out.splitlines()]), (0, IDS), "--list")
    for argument, part in (("--target=x", "studio, orchestrator"), ("--scenario=x", "--list"), ("--url=x", "http://HOST:PORT"),
                           ("--scale=0", "from 0.0001"), ("--metrics=x", "http://HOST:PORT")):
        status, _, err = load(build, argument)
        equal(status, 2, argument)
        contains(err, part, argument)


if __name__ == "__main__":
    main(globals())
