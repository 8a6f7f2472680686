#!/usr/bin/env python3
"""The extraction service as its users and its operators see it; ids are those of the acceptance list.

Usage: tests/examples_extraction/run_extraction.py BUILD [NAME...]
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
import samples  # noqa: E402
from barotest import ROOT, Program, Skip, contains, equal, free_port, main, need, wait_until  # noqa: E402
from exampletest import Metrics, Service, WebSocket, check_family, multipart  # noqa: E402

WORKER_PORT = re.compile(r"extraction worker metrics on port (\d+)")
SEARCH_PORT = re.compile(r"search worker metrics on port (\d+)")
API = "/api/v1/metrics"


class Extraction(Service):
    """The whole service: its API, and its workers' ports."""

    def __init__(self, build, work, *arguments, **more):
        super().__init__(build, work, "extraction/extraction", f"--data={work}/data-{time.monotonic_ns()}",
                         "--worker-listen=127.0.0.1:0", "--search-listen=127.0.0.1:0", *arguments, **more)

    def __enter__(self):
        super().__enter__()
        wait_until("workers: listening", lambda: WORKER_PORT.search(self.program.text())
                   and SEARCH_PORT.search(self.program.text()), 20, 0.02)
        self.worker_port = int(WORKER_PORT.search(self.program.text())[1])
        self.search_port = int(SEARCH_PORT.search(self.program.text())[1])
        return self

    def port_metrics(self, port):
        api, self.port = self.port, port
        try:
            return self.metrics()
        finally:
            self.port = api

    def worker_metrics(self):
        return self.port_metrics(self.worker_port)

    def search_metrics(self):
        return self.port_metrics(self.search_port)

    def upload(self, data, name="file.bin", kind=None):
        query = f"?name={name}" + (f"&type={kind}" if kind else "")
        status, _, body = self.call("POST", f"/api/v1/documents{query}", data, {"Content-Type": "application/octet-stream"})
        return status, json.loads(body)

    def ended(self, id_, limit=20):
        """The document once it is done or has failed."""
        found = {}

        def is_over():
            found.update(self.get(f"/api/v1/documents/{id_}")[1])
            return found["status"] in ("done", "failed")

        wait_until(f"document {id_}", is_over, limit, 0.02)
        return found

    def extract(self, data, name="file.bin", kind=None):
        status, answer = self.upload(data, name, kind)
        equal(status in (200, 202), True, f"{name}: {status} {answer}")
        return self.ended(answer["id"])


def start(build, work, *arguments, **more):
    return Extraction(build, work, *arguments, **more)


def wait_sum(metrics, name, want, **labels):
    wait_until(f"{name}{labels} = {want}", lambda: metrics().sum(name, **labels) == want, 10)


def wait_known(service):
    """Until the bytes of the one document are known: asking for it kept it already, the worker's event comes behind."""
    wait_until("two sets", lambda: service.metrics(API).sum("cache_operations_total", operation="set") == 2, 10)


def test_P_M1_http_requests_total(build, work):
    with start(build, work) as service:
        service.get("/api/v1/queues")
        service.get("/api/v1/documents/0123456789abcdef")
        metrics = service.metrics(API)
        check_family(metrics, "http_requests_total", "counter", ["method", "endpoint", "status"])
        equal(metrics.sum("http_requests_total", method="GET", endpoint="/api/v1/documents/:id", status="404"), 1, "a template")


def test_P_M2_http_request_duration_seconds(build, work):
    with start(build, work) as service:
        service.get("/api/v1/queues")
        metrics = service.metrics(API)
        check_family(metrics, "http_request_duration_seconds", "histogram", ["method", "endpoint"])
        bounds = [float(l["le"]) for l, _ in metrics.of("http_request_duration_seconds_bucket", endpoint="/api/v1/queues")]
        equal(bounds, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, float("inf")], "buckets")


def test_P_M3_M4_extraction_tasks_and_durations(build, work):
    with start(build, work) as service:
        for name, data in (("a.dxf", samples.dxf()), ("a.stp", samples.step()), ("a.ifc", samples.ifc()), ("a.pdf", samples.pdf())):
            equal(service.extract(data, name)["status"], "done", name)
        equal(service.extract(b"0\nEOF\n", "bad.dxf")["status"], "failed", "a bad file")
        wait_sum(service.worker_metrics, "extraction_tasks_total", 5)
        metrics = service.worker_metrics()
        check_family(metrics, "extraction_tasks_total", "counter", ["task_type", "status"])
        check_family(metrics, "extraction_duration_seconds", "histogram", ["task_type"])
        for kind in ("dxf", "step", "ifc", "pdf"):
            equal(metrics.sum("extraction_tasks_total", task_type=kind, status="success"), 1, kind)
        equal(metrics.sum("extraction_tasks_total", task_type="dxf", status="failure"), 1, "the failure")
        bounds = [float(l["le"]) for l, _ in metrics.of("extraction_duration_seconds_bucket", task_type="pdf")]
        equal(bounds, [1, 5, 10, 30, 60, 120, 300, 600, float("inf")], "buckets")


def test_P_M5_db_query_duration_seconds(build, work):
    with start(build, work) as service:
        service.extract(samples.dxf(), "a.dxf")
        metrics = service.metrics(API)
        check_family(metrics, "db_query_duration_seconds", "histogram", ["operation"])
        check_family(metrics, "db_query_errors_total", "counter", ["operation"])
        bounds = [float(l["le"]) for l, _ in metrics.of("db_query_duration_seconds_bucket", operation="select")]
        equal(bounds, [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, float("inf")], "buckets")
        equal(metrics.sum("db_query_duration_seconds_count", operation="insert"), 1, "one insert")


def test_P_M6_cache_operations_total(build, work):
    with start(build, work) as service:
        first = service.extract(samples.dxf(), "a.dxf")
        wait_known(service)
        equal(service.upload(samples.dxf(), "b.dxf")[1], {"id": first["id"], "status": "done", "cached": True}, "again")
        service.get(f"/api/v1/documents/{first['id']}")
        metrics = service.metrics(API)
        check_family(metrics, "cache_operations_total", "counter", ["operation", "status"])
        equal(metrics.sum("cache_operations_total", operation="get", status="hit") >= 2, True, "hits")
        status, _, _ = service.call("DELETE", f"/api/v1/documents/{first['id']}")
        equal(status, 200, "delete")
        equal(service.metrics(API).sum("cache_operations_total", operation="delete", status="hit"), 2, "deleted")
        equal(service.upload(samples.dxf(), "b.dxf")[0], 202, "it is work again")


def test_P_M7_websocket_connections_active(build, work):
    with start(build, work) as service:
        check_family(service.metrics(API), "websocket_connections_active", "gauge", [])
        sockets = [WebSocket(service.port, "/api/v1/ws") for _ in range(3)]
        wait_sum(lambda: service.metrics(API), "websocket_connections_active", 3)
        for one in sockets:
            one.end()
        wait_sum(lambda: service.metrics(API), "websocket_connections_active", 0)


def test_P_M11_queues_and_retries(build, work):
    with start(build, work, "--workers=1", "--fault=slow-extraction:0.4") as service:
        ids = [service.upload(samples.dxf(f"text {i}"), f"{i}.dxf")[1]["id"] for i in range(4)]
        wait_until("some wait", lambda: service.worker_metrics().sum("celery_queue_length", queue="extraction") >= 1, 5)
        for id_ in ids:
            equal(service.ended(id_)["status"], "done", id_)
        check_family(service.worker_metrics(), "celery_queue_length", "gauge", ["queue"])
        check_family(service.search_metrics(), "celery_queue_length", "gauge", ["queue"])
        check_family(service.worker_metrics(), "celery_task_retried_total", "counter", ["task_type"])


def test_what_is_found_in_files(build, work):
    with start(build, work) as service:
        body, headers = multipart("file", "plan.dxf", "image/vnd.dxf", samples.dxf("Türe links"))
        status, _, answer = service.call("POST", "/api/v1/documents", body, headers)
        equal(status, 202, "a form")
        plan = service.ended(json.loads(answer)["id"])
        equal((plan["name"], plan["type"], plan["summary"]["entities"]["LINE"]), ("plan.dxf", "dxf", 3), "DXF")
        equal(plan["summary"]["bounds"]["max"][:2], [2.5, 10.0], "bounds")
        part = service.extract(samples.step("Bracket"), "part.stp")["summary"]
        equal((part["names"], part["units"]), (["Bracket"], {"millimetre": 1}), "STEP")
        house = service.extract(samples.ifc(), "house.ifc")["summary"]
        equal((house["entities"]["IFCWALL"], house["schemas"]), (1, ["IFC4"]), "IFC")
        paper = service.extract(samples.pdf("Hello", 3), "paper.pdf")
        equal((paper["summary"]["pages"], paper["summary"]["info"]["Title"]), (3, "A drawing"), "PDF")
        status, headers, text = service.call("GET", f"/api/v1/documents/{paper['id']}/text")
        equal((status, text.decode()), (200, "A drawing\nHello 1\nHello 2\nHello 3\n"), "its text")
        wait_until("found", lambda: service.get("/api/v1/search?q=t%C3%BCre")[1]["results"], 5)
        equal(service.get("/api/v1/search?q=Hello")[1]["results"][0]["id"], paper["id"], "search")
        equal(len(service.get("/api/v1/documents?limit=2")[1]["documents"]), 2, "list")


def test_hostile_files_are_refused_and_the_workers_live(build, work):
    with start(build, work, "--workers=1") as service:
        for name, kind, data, part in samples.HOSTILE:
            found = service.extract(data, "x." + kind, kind)
            equal(found["status"], "failed" if part else "done", name)
            if part:
                contains(found["error"], part, name)
        equal("worker lost" in service.program.text(), False, service.program.text()[-500:])
        equal(service.extract(samples.dxf("still here"), "x.dxf")["status"], "done", "afterwards")


def test_lines_of_100_MB_are_bounded(build, work):
    with start(build, work) as service:
        found = service.extract(b"0\nSECTION\n2\nENTITIES\n0\nTEXT\n1\n" + b"x" * (100 << 20), "long.dxf")
        equal(found["status"], "failed", "a line of 100 MB")
        contains(found["error"], "longer than", "a line of 100 MB")
        status, _, _ = service.call("GET", "/health")
        equal(status, 200, "health")


def test_refusals_say_what_is_wrong(build, work):
    with start(build, work) as service:
        for path, data, status, part in (("/api/v1/documents", b"", 400, "file"), ("/api/v1/documents", b"hello", 415, "PDF"),
                                         ("/api/v1/documents?type=dwg", b"x", 415, "?type=")):
            got, _, body = service.call("POST", path, data, {"Content-Type": "application/octet-stream"})
            equal(got, status, path)
            contains(json.loads(body)["message"], part, path)
        for path, status in (("/api/v1/documents/x", 404), ("/api/v1/documents/0123456789abcdef", 404),
                             ("/api/v1/documents/0123456789abcdef/text", 404), ("/api/v1/search", 400),
                             ("/api/v1/documents?limit=0", 400), ("/api/v1/documents?limit=x", 400)):
            equal(service.get(path)[0], status, path)
        equal(service.get("/api/v1/search?q=%27;%20DROP%20TABLE%20documents")[0], 200, "not SQL")


def test_progress_by_websocket(build, work):
    with start(build, work, "--workers=1", "--fault=slow-extraction:0.3") as service:
        _, answer = service.upload(samples.pdf(), "a.pdf")
        one = WebSocket(service.port, f"/api/v1/ws?document={answer['id']}")
        states = []
        while not states or states[-1] not in ("done", "indexed"):
            event = one.event()
            equal(event["document"], answer["id"], "whose progress")
            states.append(event["state"])
        equal(states[-1], "done", str(states))
        one.end()


def test_metrics_agree_with_the_catalogue_and_promtool(build, work):
    with start(build, work) as service:
        service.extract(samples.dxf(), "a.dxf")
        for url, text in ((f"http://127.0.0.1:{service.port}{API}", service.metrics(API).text),
                          (f"http://127.0.0.1:{service.worker_port}/metrics", service.worker_metrics().text),
                          (f"http://127.0.0.1:{service.search_port}/metrics", service.search_metrics().text)):
            done = subprocess.run([str(build / "barograph"), "check", "metrics", f"--catalog={ROOT}/packs/pybase/catalog.yaml",
                                   url], capture_output=True, text=True, timeout=60)
            equal(done.returncode, 0, f"check metrics {url}: {done.stdout}{done.stderr}")
            done = subprocess.run([need("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
            equal((done.returncode, done.stderr), (0, ""), f"promtool check metrics: {url}")


def worker_pids(service):
    """The worker processes, by their names, among the descendants of the service."""
    found, todo = {}, [service.program.process.pid]
    while todo:
        pid = todo.pop()
        with contextlib.suppress(OSError):
            found[pid] = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
            todo += [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return {pid: name for pid, name in found.items() if re.fullmatch(r"extraction-\d+", name)}


def test_P_F3_one_scrape_sees_all_processes_and_counters_stay(build, work):
    (work / "multiproc").mkdir()
    with start(build, work, "--workers=3", environment={"PROMETHEUS_MULTIPROC_DIR": str(work / "multiproc")}) as service:
        equal((work / "multiproc" / "extraction" / "baro.shm").exists(), True, "the segment is where the variable says")
        for i in range(9):
            equal(service.extract(samples.dxf(f"text {i}"), f"{i}.dxf")["status"], "done", str(i))
        wait_sum(service.worker_metrics, "extraction_tasks_total", 9)
        for pid in worker_pids(service):
            os.kill(pid, signal.SIGKILL)
        wait_until("replaced", lambda: service.program.text().count("worker lost") == 3 and len(worker_pids(service)) == 3, 10)
        equal(service.worker_metrics().sum("extraction_tasks_total"), 9, "counters of dead workers")
        equal(service.extract(samples.dxf("more"), "more.dxf")["status"], "done", "new workers")
        wait_sum(service.worker_metrics, "extraction_tasks_total", 10)


def test_P_F4_metrics_can_be_switched_off(build, work):
    with start(build, work, environment={"PROMETHEUS_ENABLED": "false"}) as service:
        equal(service.extract(samples.dxf(), "a.dxf")["status"], "done", "the work goes on")
        equal(service.metrics(API).samples, [], "no sample")


def test_P_F5_the_endpoint_can_be_moved(build, work):
    with start(build, work, environment={"METRICS_ENDPOINT": "/internal/figures"}) as service:
        contains(service.metrics("/internal/figures").text, "websocket_connections_active", "moved")
        equal(service.get(API)[0], 404, "no longer here")


def test_a_task_that_kills_its_worker_is_tried_again_and_given_up(build, work):
    with start(build, work, "--workers=1", "--fault=worker-crash:1") as service:
        found = service.extract(samples.dxf(), "a.dxf")
        equal((found["status"], found["attempts"]), ("failed", 3), "given up")
        contains(found["error"], "died", "why")
        equal(service.worker_metrics().sum("celery_task_retried_total", task_type="dxf"), 2, "retries")


def test_P_A1_api_errors(build, work):
    with start(build, work, "--fault=api-errors:0.5") as service:
        for _ in range(40):
            service.get("/api/v1/search?q=x")
        metrics = service.metrics(API)
        share = metrics.sum("http_requests_total", status="500") / metrics.sum("http_requests_total")
        equal(share > 0.05, True, f"share {share}")


def test_P_A2_extraction_failures(build, work):
    with start(build, work, "--fault=extraction-failures:1") as service:
        equal(service.extract(samples.dxf(), "a.dxf")["status"], "failed", "fault")
        wait_sum(service.worker_metrics, "extraction_tasks_total", 1, status="failure")


def test_P_A3_db_errors(build, work):
    with start(build, work, "--fault=db-errors:0.3") as service:
        for _ in range(40):
            service.get("/api/v1/documents")
        metrics = service.metrics(API)
        share = metrics.sum("db_query_errors_total") / metrics.sum("db_query_duration_seconds_count")
        equal(share > 0.01, True, f"share {share}")


def test_P_A4_slow_api(build, work):
    with start(build, work, "--fault=slow-api:1.1") as service:
        service.get("/api/v1/documents")
        equal(service.metrics(API).sum("http_request_duration_seconds_bucket", endpoint="/api/v1/documents", le="1")
              + service.metrics(API).sum("http_request_duration_seconds_bucket", endpoint="/api/v1/documents", le="1.0"), 0,
              "none within a second")


def test_P_A5_C_27_slow_extraction(build, work):
    with start(build, work, "--workers=1", "--fault=slow-extraction:1.2") as service:
        _, answer = service.upload(samples.dxf(), "a.dxf")

        def started():
            return max([v for _, v in service.worker_metrics().of("extraction_task_started_timestamp", task_type="dxf")], default=0)

        wait_until("it runs", lambda: started() > 0, 5)
        check_family(service.worker_metrics(), "extraction_task_started_timestamp", "gauge", ["task_type", "worker"])
        equal(abs(time.time() - started()) < 5, True, f"a Unix time: {started()}")
        equal(service.ended(answer["id"])["status"], "done", "in the end")
        wait_until("it runs no more", lambda: started() == 0, 5)
        equal(service.worker_metrics().sum("extraction_duration_seconds_bucket", task_type="dxf", le="1")
              + service.worker_metrics().sum("extraction_duration_seconds_bucket", task_type="dxf", le="1.0"), 0, "over 1 s")


def test_P_A6_slow_db(build, work):
    with start(build, work, "--fault=slow-db:0.6") as service:
        service.get("/api/v1/documents")
        equal(service.metrics(API).quantile(0.95, "db_query_duration_seconds") > 0.5, True, "p95")


def test_P_A7_pool_exhausted(build, work):
    with start(build, work, "--db-pool=4", "--fault=pool-exhausted") as service:
        metrics = service.metrics(API)
        share = metrics.sum("db_pool_connections_in_use") / metrics.sum("db_pool_connections_max")
        equal(share > 0.9, True, f"share {share}")
        status, answer = service.get("/api/v1/documents")
        equal(status, 503, "no connection is left")
        contains(answer["message"], "--db-pool", "what to do")


def test_P_A10_websockets(build, work):
    with start(build, work, "--connections=1300", "--fault=websockets:1001") as service:
        wait_until("more than 1000", lambda: service.metrics(API).sum("websocket_connections_active") > 1000, 20)


def test_shutdown_finishes_the_task_and_leaves_nobody(build, work):
    with start(build, work, "--workers=2", "--fault=slow-extraction:0.5") as service:
        _, answer = service.upload(samples.dxf(), "a.dxf")
        wait_until("it runs", lambda: service.get(f"/api/v1/documents/{answer['id']}")[1]["status"] == "running", 5)
        pids = list(worker_pids(service))
        service.program.process.send_signal(signal.SIGTERM)
        equal(service.program.process.wait(20), 0, "exit status")
        for pid in pids:
            equal(pathlib.Path(f"/proc/{pid}").exists(), False, f"worker {pid} is gone")
    data = next(work.glob("data-*"))
    import sqlite3
    with contextlib.closing(sqlite3.connect(data / "extraction.sqlite")) as database:
        equal(database.execute("SELECT status FROM documents").fetchall(), [("done",)], "the task was finished")


@contextlib.contextmanager
def redis(work, *arguments):
    """A Redis server of our own, in memory."""
    port = free_port()
    program = Program([need("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                       "--dir", str(work), *arguments], work / "redis.log")
    try:
        def is_up():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                s.sendall(b"PING\r\n")
                return s.recv(7) == b"+PONG\r\n"
            return False

        wait_until("redis", is_up, 20)
        yield port
    finally:
        program.stop()


@contextlib.contextmanager
def postgres(work):
    """A PostgreSQL server of our own; it refuses to run as root, so root hands it to the user of Debian's package."""
    binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries or not (binaries[-1] / "initdb").exists():
        raise Skip("postgresql is not installed")
    place = work / "postgres"
    place.mkdir()
    who = {}
    if os.geteuid() == 0:
        work.chmod(0o755)
        shutil.chown(place, "postgres")
        who = {"user": "postgres", "group": "postgres", "extra_groups": []}
    port = free_port()
    subprocess.run([str(binaries[-1] / "initdb"), "-D", str(place / "data"), "-A", "trust", "-U", "tester", "--no-sync"], check=True,
                   capture_output=True, timeout=60, cwd=place, **who)
    program = Program([str(binaries[-1] / "postgres"), "-D", str(place / "data"), "-p", str(port), "-k", str(place), "-c",
                       "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"], work / "postgres.log", cwd=place, **who)
    try:
        wait_until("postgresql", lambda: "ready to accept connections" in program.text(), 30)
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        program.stop(signal.SIGINT)


def whole_way(service):
    """An upload, its result, search, cache and deletion."""
    found = service.extract(samples.pdf("Words to find"), "a.pdf")
    equal((found["status"], found["summary"]["pages"]), ("done", 2), "extracted")
    wait_until("indexed", lambda: service.get("/api/v1/search?q=find")[1]["results"], 5)
    wait_known(service)
    equal(service.upload(samples.pdf("Words to find"), "b.pdf")[1].get("cached"), True, "cached")
    equal(service.call("DELETE", f"/api/v1/documents/{found['id']}")[0], 200, "deleted")
    equal(service.get("/api/v1/search?q=find")[1]["results"], [], "not found any more")


def test_P_M9_redis_holds_queue_and_cache(build, work):
    with redis(work) as port, start(build, work, f"--redis=redis://127.0.0.1:{port}/3") as service:
        whole_way(service)
        equal(service.get("/health")[1]["components"]["queue"], "healthy", "health")
        wait_sum(service.worker_metrics, "extraction_tasks_total", 1, status="success")


def test_P_A8_redis_memory(build, work):
    with redis(work, "--maxmemory", "12mb") as port:
        def used():
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                s.sendall(b"INFO memory\r\n")
                text = s.recv(65536).decode()
            return int(re.search(r"\nused_memory:(\d+)", text)[1]) / int(re.search(r"\nmaxmemory:(\d+)", text)[1])

        before = used()
        with start(build, work, f"--redis=redis://127.0.0.1:{port}", "--fault=redis-memory:0.85") as service:
            wait_until("more than 80 %", lambda: used() > 0.8, 10)
            equal(service.get("/health")[0], 200, "it still works")
        with start(build, work, f"--redis=redis://127.0.0.1:{port}"):
            wait_until("the junk is gone with the fault", lambda: used() < before + 0.1, 10)


def test_P_M8_postgresql_holds_the_documents(build, work):
    with postgres(work) as url:
        with start(build, work, f"--database={url}") as service:
            whole_way(service)
            equal(service.get("/health")[1]["components"]["database"], "healthy", "health")
            equal(service.metrics(API).sum("db_query_errors_total"), 0, "errors")
        done = subprocess.run([str(build / "examples" / "extraction" / "extraction"), "--listen=127.0.0.1:0", f"--data={work}/d",
                               "--database=postgresql://127.0.0.1:1/x?connect_timeout=2"], capture_output=True, text=True, timeout=30)
        equal(done.returncode, 1, "a wrong URL")
        contains(done.stderr, "is it up", "a wrong URL")


def test_roles_of_their_own_meet_in_redis(build, work):
    with redis(work) as port:
        shared = [f"--redis=redis://127.0.0.1:{port}", f"--data={work}/shared"]
        binary = str(build / "examples" / "extraction" / "extraction")
        with Service(build, work, "extraction/extraction", "--role=api", *shared) as api:
            roles = [Program([binary, f"--role={role}", "--worker-listen=127.0.0.1:0", "--search-listen=127.0.0.1:0", *shared],
                             work / f"{role}.log") for role in ("extraction", "search")]
            try:
                api.__class__ = Extraction
                equal(api.extract(samples.dxf("far away"), "a.dxf")["status"], "done", "another process did it")
                wait_until("indexed", lambda: api.get("/api/v1/search?q=far")[1]["results"], 5)
            finally:
                for program in roles:
                    equal(program.stop(), 0, program.log.name)


def test_bad_options_teach(build, work):
    for arguments, part in ((["--role=x"], "all, api"), (["--role=api"], "--redis"), (["--redis=http://x"], "redis://HOST"),
                            (["--redis=redis://127.0.0.1:1"], "redis: 127.0.0.1:1"), (["--data=/proc/nowhere"], "/proc/nowhere"),
                            (["--database=/nowhere/x"], "/nowhere/x")):
        done = subprocess.run([str(build / "examples" / "extraction" / "extraction"), "--listen=127.0.0.1:0",
                               f"--data={work}/d", *arguments], capture_output=True, text=True, timeout=30)
        equal(done.returncode in (1, 2), True, str(arguments))
        contains(done.stderr, part, str(arguments))


if __name__ == "__main__":
    main(globals())
