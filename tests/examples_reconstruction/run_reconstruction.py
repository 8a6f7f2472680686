#!/usr/bin/env python3
"""The reconstruction service: bodies of known shape against the truth, every metric E-M01..E-M12, health, two processes,
lost dependencies, StatsD, S3, PostgreSQL, hostile input, its end.

Usage: tests/examples_reconstruction/run_reconstruction.py BUILD [NAME...]
"""

import atexit
import contextlib
import hashlib
import hmac
import http.server
import json
import math
import os
import pathlib
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
import exampletest as ex  # noqa: E402
from barotest import Skip, contains, equal, free_port, main, wait_until  # noqa: E402

PROGRAM = "reconstruction/reconstruction"
STAGES = ["feature_extraction", "feature_matching", "sparse_reconstruction", "dense_reconstruction", "meshing", "texturing",
          "export"]


def ended(api: ex.Service, job_id: str, wait: int = 40) -> dict:
    status, job = api.get(f"/api/job/{job_id}?wait={wait}")
    equal(status, 200, f"job {job}")
    return job


def synthetic(api: ex.Service, shape: str = "sphere", views: int = 12, **fields: object) -> dict:
    status, answer = api.post("/api/job", {"synthetic": {"shape": shape, "views": views}, "resolution": 32, **fields})
    equal((status, answer.get("status")), (202, "success"), f"{answer}")
    return ended(api, answer["job_id"])


def photos_of(build: pathlib.Path, work: pathlib.Path, shape: str, views: int) -> list[bytes]:
    subprocess.run([str(build / "examples" / PROGRAM), f"--make-photos={work / shape}", f"--shape={shape}",
                    f"--views={views}"], check=True, timeout=60)
    return [p.read_bytes() for p in sorted((work / shape).iterdir())]


def form(photos: list[bytes], **fields: str) -> tuple[bytes, dict[str, str]]:
    mark = "barographtest" + os.urandom(8).hex()
    body = b"".join(f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
                    for k, v in fields.items())
    for i, photo in enumerate(photos):
        body += (f'--{mark}\r\nContent-Disposition: form-data; name="photos"; filename="{i}.png"\r\n'
                 "Content-Type: image/png\r\n\r\n").encode() + photo + b"\r\n"
    return body + f"--{mark}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={mark}"}


def fetch(api: ex.Service, job: dict, name: str) -> bytes:
    status, _, body = api.call("GET", f"/api/job/{job['job_id']}/files/{name}")
    equal(status, 200, name)
    equal(len(body), next(f["bytes"] for f in job["result"]["files"] if f["name"] == name), name)
    return body


def read_ply(data: bytes) -> list[tuple]:
    head, _, body = data.partition(b"end_header\n")
    count = next(int(line.split()[2]) for line in head.decode().splitlines() if line.startswith("element vertex"))
    equal(len(body), 27 * count, "size of the PLY")
    return [struct.unpack_from("<6f3B", body, 27 * i) for i in range(count)]


def test_known_bodies_come_back(build: pathlib.Path, work: pathlib.Path) -> None:
    """Photos that were sent, not drawn by the worker; the results against what the bodies are."""
    truths = {"sphere": (4 / 3 * math.pi * 0.7**3, lambda p: math.dist(p, (0, 0, 0)) - 0.7),
              "cube": (1.0, lambda p: max(abs(c) for c in p) - 0.5)}
    with ex.Service(build, work, PROGRAM) as api:
        for shape, (volume, distance) in truths.items():
            body, headers = form(photos_of(build, work, shape, 14), dataset_type="object", resolution="40")
            status, _, answer = api.call("POST", "/api/job", body, headers)
            equal(status, 202, f"{answer!r}")
            job = ended(api, json.loads(answer)["job_id"])
            equal((job["state"], job["dataset_type"], job["result"]["photos"]), ("done", "object", 14), f"{job}")
            got = ex.check_closed(ex.read_stl(fetch(api, job, "mesh.stl")))
            equal(abs(got - job["result"]["volume"]) < 1e-3, True, f"{shape}: told {job['result']['volume']}, is {got}")
            equal(0.93 < got / volume < 1.12, True, f"{shape}: volume {got} of {volume}")
            points = read_ply(fetch(api, job, "cloud.ply"))
            equal(len(points), job["result"]["points"])
            error = sum(abs(distance(p[:3])) for p in points) / len(points)
            equal(error < 0.04, True, f"{shape}: mean distance {error}")
            equal(sum(p[6] > p[8] for p in points) / len(points) > 0.9, True, f"{shape}: it is reddish")
            equal(len(ex.read_glb(fetch(api, job, "mesh.glb"))), job["result"]["faces"])
            equal(job["result"]["quality"] > 0.7, True, f"{job['result']}")


def test_two_processes_share_the_work(build: pathlib.Path, work: pathlib.Path) -> None:
    """E-P4, E-P5: the API and the worker have ports and metrics of their own."""
    with ex.Service(build, work, PROGRAM, "--role=worker", "--workers=2") as worker:
        with ex.Service(build, work, PROGRAM, "--role=api", f"--worker-url=127.0.0.1:{worker.port}") as api:
            jobs = [api.post("/api/job", {"synthetic": {"shape": s, "views": 8}, "resolution": 24})[1]["job_id"]
                    for s in ("sphere", "torus", "vase")]
            equal([ended(api, j)["state"] for j in jobs], ["done"] * 3)
            equal((api.metrics().sum("jobs_created_total"), worker.metrics().sum("jobs_completed_total")), (3.0, 3.0))
            status, health = api.get("/api/health")
            equal((status, health["status"], health["components"]),
                  (200, "healthy", {"database": "healthy", "minio": "healthy", "reconstruction": "healthy"}))
            worker.program.stop()
            status, health = api.get("/api/health")
            equal((status, health["status"], health["components"]["reconstruction"]), (500, "unhealthy", "unhealthy"))
            time.strptime(health["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")


# ---- a test per id ----

FAMILIES = {
    "E-M01": ("api_requests_total", "counter", ["method", "endpoint", "status"]),
    "E-M02": ("api_request_duration_seconds", "histogram", ["method", "endpoint"]),
    "E-M03": ("jobs_created_total", "counter", []),
    "E-M04": ("jobs_completed_total", "counter", []),
    "E-M05": ("jobs_failed_total", "counter", []),
    "E-M06": ("job_processing_duration_seconds", "histogram", []),
    "E-M07": ("health_checks_total", "counter", ["component", "status"]),
    "E-M08": ("reconstruction_stage_duration_seconds", "histogram", ["stage", "dataset_type"]),
    "E-M09": ("reconstruction_memory_usage_bytes", "gauge", ["stage"]),
    "E-M10": ("reconstruction_point_cloud_size", "histogram", ["dataset_type"]),
    "E-M11": ("reconstruction_mesh_face_count", "histogram", ["dataset_type"]),
    "E-M12": ("reconstruction_errors_total", "counter", ["stage", "error_type"]),
    "E-M17a": ("job_queue_depth", "gauge", []),
    "E-M17b": ("reconstruction_jobs_total", "counter", ["dataset_type", "status"]),
    "E-M17c": ("db_query_duration_seconds", "histogram", ["operation"]),
    "E-M18a": ("reconstruction_quality_score", "histogram", ["dataset_type"]),
    "E-M18b": ("reconstruction_texture_resolution_pixels", "histogram", ["dataset_type"]),
    "E-M18c": ("reconstruction_stage_cpu_seconds_total", "counter", ["stage"]),
}
_loaded: ex.Metrics | None = None
_service: ex.Service | None = None


def light_load(build: pathlib.Path) -> ex.Metrics:
    global _loaded, _service
    if _loaded:
        return _loaded
    work = tempfile.TemporaryDirectory(prefix="barograph-")
    api = _service = ex.Service(build, pathlib.Path(work.name), PROGRAM)
    api.__enter__()
    atexit.register(lambda: (api.program.stop(), work.cleanup()))
    synthetic(api, "figure", dataset_type="figure")
    flat = ex.png(64, 64, lambda x, y: (200, 200, 200))
    body, headers = form([flat] * 4, dataset_type="vessel")
    answer = json.loads(api.call("POST", "/api/job", body, headers)[2])
    job = ended(api, answer["job_id"])
    equal((job["state"], job["result"]["error"], job["result"]["stage"]), ("failed", "inconsistent", "feature_extraction"))
    api.get("/api/health")
    time.sleep(1.1)  # gauges are set once a second
    _loaded = api.metrics()
    return _loaded


def make_id_test(name: str, kind: str, labels: list[str]):
    return lambda build, work: ex.check_family(light_load(build), name, kind, labels)


TESTS = {f"test_{identity}_{row[0]}": make_id_test(*row) for identity, row in FAMILIES.items()}


def test_values_are_sound(build: pathlib.Path, work: pathlib.Path) -> None:
    m = light_load(build)
    equal((m.sum("jobs_created_total"), m.sum("jobs_completed_total"), m.sum("jobs_failed_total")), (2.0, 1.0, 1.0))
    equal(m.sum("job_processing_duration_seconds_count"), 2.0)
    for stage in STAGES:
        equal(m.sum("reconstruction_stage_duration_seconds_count", stage=stage, dataset_type="figure"), 1.0, stage)
        equal(m.sum("reconstruction_memory_usage_bytes", stage=stage) > 1 << 20, True, stage)
    equal(m.sum("reconstruction_errors_total", stage="feature_extraction", error_type="inconsistent"), 1.0)
    equal(m.sum("api_requests_total", method="POST", endpoint="/api/job", status="success"), 2.0)
    equal(m.sum("health_checks_total", component="minio", status="healthy"), 1.0)
    equal(m.sum("reconstruction_point_cloud_size_sum", dataset_type="figure") > 300, True)


def test_the_exposition_agrees_with_the_catalogue(build: pathlib.Path, work: pathlib.Path) -> None:
    light_load(build)
    ex.judge_exposition(build, _service, "e2e3d")


def test_a_real_prometheus_scrapes_it(build: pathlib.Path, work: pathlib.Path) -> None:
    light_load(build)
    ex.scrape_with_prometheus(work, _service, {
        "sum(jobs_completed_total) / (sum(jobs_completed_total) + sum(jobs_failed_total))": 0.5,
        "histogram_quantile(0.95, sum(rate(api_request_duration_seconds_bucket[5m])) by (le))": 0.0001})


# ---- faults ----


def test_A2_requests_take_long(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, PROGRAM, "--fault=slow-http:1.2") as api:
        api.get("/api/jobs")
        equal(api.metrics().quantile(0.95, "api_request_duration_seconds") > 1, True)


def test_A3_jobs_fail(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, PROGRAM, "--fault=fail-stage:meshing=1") as api:
        job = synthetic(api)
        equal((job["state"], job["result"]["error"], job["result"]["stage"]), ("failed", "injected", "meshing"))
        m = api.metrics()
        equal(m.sum("jobs_failed_total") / m.sum("jobs_created_total"), 1.0)


def test_lost_dependencies(build: pathlib.Path, work: pathlib.Path) -> None:
    """E-P9: each lost component makes health 500, says which, and is counted."""
    for fault, component in (("lost-database", "database"), ("lost-storage", "minio"), ("lost-worker", "reconstruction")):
        with ex.Service(build, work, PROGRAM, f"--fault={fault}") as api:
            status, health = api.get("/api/health")
            equal((status, health["status"]), (500, "unhealthy"), fault)
            equal([k for k, v in health["components"].items() if v == "unhealthy"], [component])
            equal(api.metrics().sum("health_checks_total", component=component, status="unhealthy"), 1.0)
            if fault != "lost-worker":
                body, headers = form([ex.disk(40)] * 4)
                status, _, answer = api.call("POST", "/api/job", body, headers)
                equal((status, json.loads(answer)["error"]), (500, "dependency"), fault)
                equal(api.metrics().sum("api_requests_total", endpoint="/api/job", status="error"), 1.0)
            if fault == "lost-database":
                equal(api.metrics().sum("db_query_errors_total") > 0, True)


def test_statsd_events_are_airflows(build: pathlib.Path, work: pathlib.Path) -> None:
    """E-M16"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.5)
        with ex.Service(build, work, PROGRAM, f"--statsd=127.0.0.1:{receiver.getsockname()[1]}") as api:
            synthetic(api, views=6)
            lines = []
            with contextlib.suppress(TimeoutError):
                while len(lines) < 200:
                    lines.append(receiver.recv(512).decode())
    for stage in STAGES:
        equal(f"airflow.ti.start.reconstruction.{stage}:1|c" in lines, True, f"{stage} in {lines}")
        equal(f"airflow.ti.finish.reconstruction.{stage}.success:1|c" in lines, True, stage)
        equal(any(line.startswith(f"airflow.dag.reconstruction.{stage}.duration:") and line.endswith("|ms") for line in lines),
              True, stage)
    equal(lines.count("airflow.ti_successes:1|c"), 7)
    equal(sum(line.startswith("airflow.dagrun.duration.success.reconstruction:") for line in lines), 1)


# ---- S3 and PostgreSQL ----


class Bucket(http.server.BaseHTTPRequestHandler):
    """A bucket that checks signatures by the published algorithm, written here from its description."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes] = {}
    secret = ""
    refused: list[str] = []

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def check(self, body: bytes) -> bool:
        auth = dict(part.split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(","))
        _, day, region, service, end = auth["Credential"].split("/")
        names = auth["SignedHeaders"].split(";")
        digest = hashlib.sha256(body).hexdigest()
        canonical = "\n".join([self.command, self.path, "", *(f"{n}:{self.headers[n]}" for n in names), "",
                               auth["SignedHeaders"], digest])
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], f"{day}/{region}/{service}/{end}",
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret).encode()
        for part in (day, region, service, end, text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        good = key.hex() == auth["Signature"] and digest == self.headers["x-amz-content-sha256"]
        if not good:
            self.refused.append(f"{self.command} {self.path}")
            self.answer(403)
        return good

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.check(body):
            self.objects[self.path] = body
            self.answer(200)

    def do_GET(self) -> None:
        if self.check(b""):
            self.answer(*((200, self.objects[self.path]) if self.path in self.objects else (404, b"")))

    def log_message(self, *_: object) -> None:
        pass


def test_objects_in_s3(build: pathlib.Path, work: pathlib.Path) -> None:
    Bucket.secret = secrets.token_urlsafe(24)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        keys = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": Bucket.secret, "AWS_REGION": "eu-test-1"}
        url = f"--objects=s3+http://127.0.0.1:{server.server_address[1]}/photos"
        with ex.Service(build, work, PROGRAM, url, environment=keys) as api:
            body, headers = form(photos_of(build, work, "sphere", 6), resolution="24")
            job = ended(api, json.loads(api.call("POST", "/api/job", body, headers)[2])["job_id"])
            equal(job["state"], "done", f"{job}")
            ex.check_closed(ex.read_stl(fetch(api, job, "mesh.stl")))
            equal(f"/photos/jobs/{job['job_id']}/results/mesh.glb" in Bucket.objects, True)
            equal(Bucket.refused, [])
            equal(api.get("/api/health")[0], 200)
        wrong = {**keys, "AWS_SECRET_ACCESS_KEY": "wrong"}
        with ex.Service(build, work, PROGRAM, url, environment=wrong) as api:
            status, health = api.get("/api/health")
            equal((status, health["components"]["minio"]), (500, "unhealthy"))
    finally:
        server.shutdown()


def find_postgresql() -> pathlib.Path:
    for found in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return found.parent
    raise Skip("PostgreSQL's server is not installed")


def test_the_job_of_a_killed_worker_is_done_by_another(build: pathlib.Path, work: pathlib.Path) -> None:
    url = f"--database=sqlite:{work}/jobs.sqlite"
    same = [url, f"--objects={work}/objects", "--lease=2"]
    with ex.Service(build, work, PROGRAM, *same, "--role=worker", "--fault=slow-stage:meshing=60") as doomed, \
            ex.Service(build, work, PROGRAM, *same, "--role=api", f"--worker-url=127.0.0.1:{doomed.port}") as api:
        job = api.post("/api/job", {"synthetic": {"shape": "sphere", "views": 6}, "resolution": 16})[1]["job_id"]
        wait_until("it runs", lambda: api.get(f"/api/job/{job}")[1]["state"] == "running", 20)
        with ex.Service(build, work, PROGRAM, *same, "--role=worker") as other:
            time.sleep(4)  # twice the lease
            equal(api.get(f"/api/job/{job}")[1]["state"], "running", "who lives keeps its job")
            equal(other.metrics().sum("jobs_completed_total"), 0.0, "nobody else has done it")
            doomed.program.stop(signal.SIGKILL)
            equal(ended(api, job)["state"], "done", "by the other")
            equal(other.metrics().sum("jobs_completed_total"), 1.0, "by the other")


def test_jobs_in_postgresql(build: pathlib.Path, work: pathlib.Path) -> None:
    bin_dir = find_postgresql()
    account = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if account and not shutil.which("setpriv"):
        raise Skip("PostgreSQL does not run as root, and setpriv is missing")
    data, port = work / "pg", free_port()
    work.chmod(0o755)
    data.mkdir()
    if account:
        os.chown(data, 65534, 65534)
    subprocess.run([*account, str(bin_dir / "initdb"), "-D", str(data), "-A", "trust", "-U", "tester", "--no-sync"],
                   check=True, timeout=120, stdout=subprocess.DEVNULL)
    server = subprocess.Popen([*account, str(bin_dir / "postgres"), "-D", str(data), "-p", str(port), "-k", str(data),
                               "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def is_up() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return subprocess.run([str(bin_dir / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)], check=False,
                                      stdout=subprocess.DEVNULL).returncode == 0
            return False

        wait_until("PostgreSQL", is_up, 30)
        url = f"--database=postgresql://tester@127.0.0.1:{port}/postgres"
        with ex.Service(build, work, PROGRAM, url, "--role=worker") as worker, \
                ex.Service(build, work, PROGRAM, url, "--role=worker") as other, \
                ex.Service(build, work, PROGRAM, url, "--role=api", f"--worker-url=127.0.0.1:{worker.port}") as api:
            jobs = [api.post("/api/job", {"synthetic": {"shape": "sphere", "views": 6}, "resolution": 16})[1]["job_id"]
                    for _ in range(6)]
            equal([ended(api, j)["state"] for j in jobs], ["done"] * 6)
            done = worker.metrics().sum("jobs_completed_total") + other.metrics().sum("jobs_completed_total")
            equal(done, 6.0, "no job was done twice")
            equal(api.get("/api/health")[0], 200)
            equal(len(api.get("/api/jobs")[1]["jobs"]), 6)
            server.send_signal(signal.SIGINT)
            server.wait(30)
            equal(api.get("/api/health")[1]["components"]["database"], "unhealthy")
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
            server.wait(30)


# ---- hostile input, and the end ----


def test_refusals_teach(build: pathlib.Path, work: pathlib.Path) -> None:
    good = ex.disk(32)
    with ex.Service(build, work, PROGRAM, "--rate=0") as api:
        for value, part in (({}, "photos: 0: send 4 to 72"), ({"synthetic": {}}, "synthetic.shape"),
                            ({"synthetic": {"shape": "teapot"}}, "synthetic.shape"),
                            ({"synthetic": {"shape": "cube", "views": 3}}, "views: give a number"),
                            ({"synthetic": {"shape": "cube"}, "resolution": 1000}, "resolution: give a number"),
                            ({"synthetic": {"shape": "cube"}, "dataset_type": "x\"}\n"}, "dataset_type: give one of")):
            status, answer = api.post("/api/job", value)
            equal((status, answer["error"]), (400, "validation"), f"{value}")
            contains(answer["message"], part)
        for photos, fields, part in (([good] * 3, {}, "photos: 3"), ([good] * 3 + [b"text"], {}, "photo 4"),
                                     ([good] * 4, {"resolution": "many"}, "resolution"),
                                     ([good] * 4, {"elevation": "nan"}, "elevation")):
            body, headers = form(photos, **fields)
            status, _, answer = api.call("POST", "/api/job", body, headers)
            equal(status, 400, f"{fields} {answer!r}")
            contains(json.loads(answer)["message"], part)
        body, headers = form([good[:200]] * 4)
        job = ended(api, json.loads(api.call("POST", "/api/job", body, headers)[2])["job_id"])
        equal((job["state"], job["result"]["error"]), ("failed", "photo_broken"))
        contains(job["result"]["message"], "photo 1: ")
        moving = [ex.png(64, 64, lambda x, y, i=i: (20, 30, 90) if abs(y - 10 - 8 * i) < 8 and abs(x - 32) < 10
                         else (240, 240, 235)) for i in range(6)]
        body, headers = form(moving)
        job = ended(api, json.loads(api.call("POST", "/api/job", body, headers)[2])["job_id"])
        equal((job["state"], job["result"]["error"], job["result"]["stage"]), ("failed", "inconsistent", "feature_matching"))
        for path in ("/api/job/x", "/api/job/..%2f..%2fetc", "/api/job/0/files/mesh.stl", "/api/job/0/files/..%2fx",
                     "/api/job/' OR 1=1"):
            equal(api.call("GET", path.replace(" ", "%20"))[0], 404, path)
        for body in (b"", b"[]", b"{", b"[" * 100000):
            equal(api.call("POST", "/api/job", body)[0], 400, repr(body[:10]))


def test_it_ends_gracefully(build: pathlib.Path, work: pathlib.Path) -> None:
    """A job that is too slow for the time of draining goes back into the queue, and is done by the next run."""
    with ex.Service(build, work, PROGRAM, "--drain=0.3", "--fault=slow-stage:meshing=60") as api:
        job_id = api.post("/api/job", {"synthetic": {"shape": "cube", "views": 4}, "resolution": 16})[1]["job_id"]
        wait_until("it runs", lambda: api.get(f"/api/job/{job_id}")[1]["state"] == "running", 5)
        begin = time.monotonic()
        api.program.process.send_signal(signal.SIGTERM)
        equal(api.program.process.wait(10), 0)
        equal(time.monotonic() - begin < 5, True, "the end waits for nobody")
    with ex.Service(build, work, PROGRAM) as api:
        equal(ended(api, job_id)["state"], "done")


def test_arguments_teach(build: pathlib.Path, work: pathlib.Path) -> None:
    for arguments, status, part in ((["--help"], 0, "--role=all|api|worker"), (["--role=boss"], 2, "all, api or worker"),
                                    (["--database=/nonexistent/x"], 1, "--database=/nonexistent/x"),
                                    (["--objects=s3+http://x"], 2, "s3+http://HOST:PORT/BUCKET"),
                                    (["--statsd=nowhere"], 2, "HOST:PORT"),
                                    (["--make-photos=p", "--shape=teapot"], 1, "sphere, torus"),
                                    (["--database=postgresql://127.0.0.1:1/x"], 1, "--database")):
        service = ex.Service(build, work, PROGRAM, *arguments, listens=False)
        equal(service.program.process.wait(15), status, f"{arguments}: {service.program.text()}")
        contains(service.program.text(), part)


if __name__ == "__main__":
    main({**TESTS, **globals()})
