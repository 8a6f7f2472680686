#!/usr/bin/env python3
"""The prompt orchestrator as its users and its operators see it; ids are those of the acceptance list.

Usage: tests/examples_orchestrator/run_orchestrator.py BUILD [NAME...]
"""

import concurrent.futures
import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
from barotest import ROOT, Program, contains, equal, main, need, wait_until  # noqa: E402
from exampletest import Service, WebSocket, check_family  # noqa: E402

STAGES = ["assemble", "inference", "post", "rag", "stream"]


def start(build, work, *arguments, **more):
    return Service(build, work, "orchestrator/orchestrator", *arguments, **more)


def ask(service, prompt="What does a bounded queue keep?", **fields):
    return service.post("/v1/prompt", {"prompt": prompt, **fields})


def events(service, **fields):
    """The server-sent events of a streamed prompt: (name, data)."""
    status, headers, body = service.call("POST", "/v1/prompt", json.dumps({"stream": True, **fields}).encode(),
                                         {"Content-Type": "application/json"})
    equal((status, headers["content-type"]), (200, "text/event-stream"), "stream")
    found = []
    for block in body.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def stage_family(build, work, name, kind):
    with start(build, work) as service:
        equal(ask(service)[0], 200, "prompt")
        metrics = service.metrics()
        check_family(metrics, name, kind, ["stage"])
        equal(sorted(labels["stage"] for labels, _ in metrics.of(name + ("_count" if kind == "histogram" else ""))),
              STAGES, f"stages of {name}")
        return metrics


def test_T_M1_requests_total(build, work):
    metrics = stage_family(build, work, "orchestrator_requests_total", "counter")
    for stage in STAGES:
        equal(metrics.sum("orchestrator_requests_total", stage=stage), 1, stage)


def test_T_M2_requests_shed_total(build, work):
    stage_family(build, work, "orchestrator_requests_shed_total", "counter")


def test_T_M3_stage_duration_seconds(build, work):
    metrics = stage_family(build, work, "orchestrator_stage_duration_seconds", "histogram")
    equal(metrics.sum("orchestrator_stage_duration_seconds_bucket", stage="inference", le="0.5"), 1, 'le="0.5"')


def test_T_M4_queue_depth(build, work):
    metrics = stage_family(build, work, "orchestrator_queue_depth", "gauge")
    equal(metrics.sum("orchestrator_queue_depth"), 0, "queues at rest")


def test_T_M5_errors_total(build, work):
    with start(build, work, "--limit=0.05", "--fault=slow-stage:rag=0.1") as service:
        status, answer = ask(service)
        equal((status, answer["error"]), (504, "timeout"), "too late")
        metrics = service.metrics()
        check_family(metrics, "orchestrator_errors_total", "counter", ["stage", "error_type"])
        equal(metrics.sum("orchestrator_errors_total", stage="rag", error_type="timeout"), 1, "the timeout")


def test_T_M6_tokens_generated_total(build, work):
    with start(build, work) as service:
        _, first = ask(service)
        _, second = ask(service, "one two three", worker="echo")
        metrics = service.metrics()
        check_family(metrics, "orchestrator_tokens_generated_total", "counter", ["worker_type"])
        equal(metrics.sum("orchestrator_tokens_generated_total", worker_type="ngram"), first["tokens"], "ngram")
        equal((second["tokens"], metrics.sum("orchestrator_tokens_generated_total", worker_type="echo")), (3, 3), "echo")


def test_T_P1_P2_metrics_and_health_on_one_port(build, work):
    with start(build, work) as service:
        status, health = service.get("/health")
        equal((status, health["status"]), (200, "healthy"), "health")
        equal(sorted(set(health["components"]) & set(STAGES)), STAGES, "components")
        for accept, kind in (("text/plain", "text/plain; version=0.0.4"),
                             ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text")):
            status, headers, body = service.call("GET", "/metrics", headers={"Accept": accept})
            equal(status, 200, accept)
            contains(headers["content-type"], kind, accept)
            contains(body.decode(), "orchestrator_queue_depth", accept)
        equal(service.get("/v1/stages")[1]["inside"], 0, "stages")


def test_metrics_agree_with_the_catalogue_and_promtool(build, work):
    with start(build, work, "--fault=failing-stage:post=0.5") as service:
        for seed in range(12):
            ask(service, seed=seed)
        url = f"http://127.0.0.1:{service.port}/metrics"
        done = subprocess.run([str(build / "barograph"), "check", "metrics", "--complete",
                               f"--catalog={ROOT}/packs/orchestrator/catalog.yaml", url], capture_output=True, text=True,
                              timeout=60)
        equal((done.returncode, done.stdout + done.stderr), (0, done.stdout), "check metrics --catalog")
        done = subprocess.run([need("promtool"), "check", "metrics"], input=service.metrics().text, capture_output=True,
                              text=True, timeout=60)
        equal((done.returncode, done.stderr), (0, ""), "promtool check metrics")


def test_answers_come_from_the_corpus(build, work):
    corpus = work / "corpus.txt"
    corpus.write_text("The heron stands still in cold water. The heron waits for a fish.\n\nA kettle boils water for tea. "
                      "The kettle sings loudly.\n")
    blocked = work / "blocked.txt"
    blocked.write_text("fish\n")
    with start(build, work, f"--corpus={corpus}", f"--blocked-words={blocked}") as service:
        status, answer = ask(service, "Where does the heron stand?", max_tokens=40, seed=3)
        equal((status, answer["state"], answer["worker"]), (200, "done", "ngram"), "answer")
        equal(answer["sources"][0]["passage"], 0, "the passage about herons")
        words = set(answer["text"].lower().replace(".", "").replace("*", "").split())
        equal(words - set(corpus.read_text().lower().replace(".", "").split()), set(), "words that the corpus lacks")
        equal("fish" in answer["text"], False, answer["text"])
        equal(ask(service, "Where does the heron stand?", max_tokens=40, seed=3)[1]["text"], answer["text"], "same seed")
        equal(sorted(answer["stages"]), STAGES, "stages")
        status, again = service.get(f"/v1/prompt/{answer['id']}")
        equal((status, again["text"]), (200, answer["text"]), "a recent prompt")
        equal(service.get("/v1/prompt/none")[0], 404, "no such prompt")


def test_tokens_stream_as_events_and_by_websocket(build, work):
    with start(build, work) as service:
        socket_ = WebSocket(service.port, "/v1/ws?session=s1")
        other = WebSocket(service.port, "/v1/ws?session=s2")
        found = events(service, prompt="Say this, then.", worker="echo", session="s1")
        equal([name for name, _ in found], ["token"] * (len(found) - 1) + ["done"], "names of events")
        equal("".join(data["text"] for name, data in found if name == "token"), "Say this, then.", "text")
        pieces = [socket_.event() for _ in range(len(found) - 1)]
        equal("".join(piece["text"] for piece in pieces), "Say this, then.", "text by WebSocket")
        equal([piece["last"] for piece in pieces], [False] * (len(pieces) - 1) + [True], "the last one")
        other.sock.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"another session's: {other.event()}")
        socket_.end()
        other.end()


def test_a_reader_who_leaves_ends_the_stream(build, work):
    with start(build, work, "--token-delay-ms=20", "--workers=1") as service:
        body = json.dumps({"prompt": "word " * 500, "worker": "echo", "stream": True, "max_tokens": 400}).encode()
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as s:
            s.sendall(b"POST /v1/prompt HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                      + str(len(body)).encode() + b"\r\n\r\n" + body)
            contains(s.recv(4096).decode(), "200", "the stream begins")
        # Eight seconds of tokens were left; the next prompt need not wait for them.
        begin = time.monotonic()
        equal(ask(service, "short", worker="echo")[0], 200, "the next prompt")
        equal(time.monotonic() - begin < 4, True, f"{time.monotonic() - begin:.1f} s")


def test_sessions_are_bounded_and_remember(build, work):
    template = work / "template.txt"
    template.write_text("{history}|{question}")
    with start(build, work, "--session-prompts=1", "--fault=slow-stage:rag=0.3", f"--template={template}") as service:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda i: ask(service, f"prompt {i}", session="one"), range(4)))
        equal(sorted(status for status, _ in answers), [200, 429, 429, 429], "one at a time")
        equal(ask(service, "another", session="two")[0], 200, "another session")
        equal(service.get("/v1/stages")[1]["sessions"], 2, "sessions")


def test_refusals_say_what_is_wrong(build, work):
    with start(build, work) as service:
        for body, status, part in ((b"{", 400, "JSON"), (b"{}", 400, "prompt"), (b'{"prompt": "  "}', 400, "prompt"),
                                   (b'{"prompt": 7}', 400, "prompt"), (b'{"prompt": "x", "worker": "openai"}', 400, "worker"),
                                   (b'{"prompt": "x", "max_tokens": 0}', 400, "max_tokens"),
                                   (b'{"prompt": "x", "max_tokens": 1e9}', 400, "max_tokens"),
                                   (b'{"prompt": "x", "seed": "y"}', 400, "seed"),
                                   (json.dumps({"prompt": "x", "session": "s" * 100}).encode(), 400, "session"),
                                   (json.dumps({"prompt": "x" * 20000}).encode(), 413, "prompt")):
            got, _, answer = service.call("POST", "/v1/prompt", body, {"Content-Type": "application/json"})
            equal(got, status, repr(body[:60]))
            contains(json.loads(answer)["message"], part, repr(body[:60]))
        equal(service.get("/nowhere")[0], 404, "no such path")
        equal(service.call("PUT", "/v1/prompt")[0], 405, "no such method")
        equal(service.metrics().sum("orchestrator_requests_total"), 0, "nothing of it reached a stage")


def test_back_pressure_sheds_at_full_queues(build, work):
    """One worker that takes 0.2 s and queues of one: what comes at once is shed, and is told so."""
    with start(build, work, "--queue=1", "--workers=1", "--push-wait-ms=10", "--fault=slow-stage:inference=0.2") as service:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda i: ask(service, seed=i), range(12)))
        shed = [answer for status, answer in answers if status == 503]
        equal(all(answer["error"] == "shed" for answer in shed), True, "reasons")
        metrics = service.metrics()
        equal(metrics.sum("orchestrator_requests_shed_total"), len(shed), "shed requests")
        equal(len(shed) > 0 and len(shed) < 12, True, f"{len(shed)} of 12 shed")
        equal(metrics.sum("orchestrator_requests_total", stage="stream"), 12 - len(shed), "answered requests")


def test_T_A1_failing_stage(build, work):
    with start(build, work, "--fault=failing-stage:inference=0.5") as service:
        statuses = [ask(service, seed=i)[0] for i in range(40)]
        metrics = service.metrics()
        errors = metrics.sum("orchestrator_errors_total", stage="inference", error_type="fault")
        equal(errors, statuses.count(500), "errors")
        share = errors / metrics.sum("orchestrator_requests_total", stage="rag")
        equal(share > 0.05, True, f"error share {share}")


def test_T_A2_slow_stage(build, work):
    with start(build, work, "--fault=slow-stage:post=1.1") as service:
        equal(ask(service)[0], 200, "slow, but answered")
        metrics = service.metrics()
        equal(metrics.quantile(0.95, "orchestrator_stage_duration_seconds") >= 1.1, True, "p95 follows the fault")
        equal(metrics.sum("orchestrator_stage_duration_seconds_count", stage="post"), 1, "prompts")


def test_T_A3_shedding(build, work):
    with start(build, work, "--fault=shedding:200", "--drain=0.1") as service:
        def share():
            metrics = service.metrics()
            return metrics.sum("orchestrator_requests_shed_total") / max(metrics.sum("orchestrator_requests_total"), 50)

        wait_until("more than 10 % shed", lambda: share() > 0.1, 10)


def test_T_A4_flooded_queue(build, work):
    with start(build, work, "--fault=flooded-queue", "--drain=0.1") as service:
        wait_until("more than 900 wait", lambda: service.metrics().sum("orchestrator_queue_depth", stage="inference") > 900, 10)
        equal(service.get("/health")[0], 200, "it is not full yet")


def test_T_A5_down(build, work):
    program = Program([str(build / "examples" / "orchestrator" / "orchestrator"), "--fault=down", "--listen=127.0.0.1:0"],
                      work / "down.log")
    wait_until("runs", lambda: "stays closed" in program.text(), 10)
    equal("listening" in program.text(), False, "no port")
    equal(program.stop(), 0, "exit status")


def test_T_F6_shutdown_finishes_what_is_inside(build, work):
    with start(build, work, "--fault=slow-stage:inference=0.4") as service:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask, service)
            wait_until("inside", lambda: service.get("/v1/stages")[1]["inside"] == 1, 5)
            service.program.process.send_signal(signal.SIGTERM)
            equal(answer.result(timeout=20)[0], 200, "an answer in spite of SIGTERM")
        equal(service.program.process.wait(20), 0, "exit status")


def test_T_F8_metrics_without_http(build, work):
    prompts = work / "prompts.txt"
    prompts.write_text("What does a queue keep?\n\nWho measures pressure?\n")
    exposition = work / "orchestrator.prom"
    done = subprocess.run([str(build / "examples" / "orchestrator" / "orchestrator"), f"--batch={prompts}",
                           f"--metrics-file={exposition}"], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, done.stderr)
    equal(len(done.stdout.strip().splitlines()), 2, "answers")
    contains(done.stderr, "stage=inference requests=2", "log lines")
    contains(exposition.read_text(), 'orchestrator_requests_total{stage="rag"} 2', "the file")


def test_disabled_metrics_cost_nothing_else(build, work):
    with start(build, work, environment={"PROMETHEUS_ENABLED": "false"}) as service:
        equal(ask(service)[0], 200, "answer")


def test_bad_options_teach(build, work):
    for argument, part in (("--worker=openai", "ngram and echo"), ("--queue=0", "from 1 to"), ("--corpus=/nowhere", "/nowhere"),
                           ("--fault=none", "none"), ("--nonsense", "--help")):
        done = subprocess.run([str(build / "examples" / "orchestrator" / "orchestrator"), argument, "--listen=127.0.0.1:0"],
                              capture_output=True, text=True, timeout=30)
        equal(done.returncode in (1, 2), True, argument)
        contains(done.stderr, part, argument)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run([str(build / "examples" / "orchestrator" / "orchestrator"),
                               f"--listen=127.0.0.1:{taken.getsockname()[1]}"], capture_output=True, text=True, timeout=30)
        contains(done.stderr, "the port is taken", "C-03")


if __name__ == "__main__":
    main(globals())
