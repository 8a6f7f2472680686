#!/usr/bin/env python3
"""The studio as its users see it: uploads, generations, files, progress, refusals, its end. Ids are REQUIREMENTS' (1.1).

Usage: tests/examples_studio/run_studio.py BUILD [NAME...]
"""

import contextlib
import http.client
import json
import pathlib
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
import exampletest as ex  # noqa: E402
from barotest import ROOT, contains, equal, main, wait_until  # noqa: E402

STUDIO = "studio/studio"
READERS = {"stl": ex.read_stl, "obj": ex.read_obj, "glb": ex.read_glb}


def upload(studio: ex.Service, data: bytes) -> str:
    status, _, body = studio.call("POST", "/api/upload-image", data)
    if status not in (200, 201):
        raise AssertionError(f"upload: {status} {body!r}")
    return json.loads(body)["image_id"]


def generate(studio: ex.Service, image_id: str, **fields: object) -> dict:
    status, job = studio.post("/api/generate-3d", image_id=image_id, wait=30, **fields)
    equal(status, 200, f"generate {fields}: {job}")
    return job


def fetch(studio: ex.Service, job: dict, name: str) -> bytes:
    url = next(f["url"] for f in job["files"] if f["name"] == name)
    status, _, body = studio.call("GET", url)
    equal(status, 200, url)
    equal(len(body), next(f["bytes"] for f in job["files"] if f["name"] == name), url)
    return body


def test_mesh_files_are_valid_and_closed(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO) as studio:
        image_id = upload(studio, ex.disk())
        for form, reader in READERS.items():
            for base in ("plate", "cutout"):
                job = generate(studio, image_id, format=form, base=base, quality="draft")
                equal(job["state"], "done", f"{form} {base}")
                triangles = reader(fetch(studio, job, f"model.{form}"))
                equal(len(triangles), job["quality"]["triangles"], form)
                volume = ex.check_closed(triangles) * (1e9 if form == "glb" else 1)  # glTF counts in metres
                if abs(volume / job["quality"]["volume_mm3"] - 1) > 0.001:
                    raise AssertionError(f"{form} {base}: volume {volume}, told {job['quality']['volume_mm3']}")
                equal((job["quality"]["manifold"], job["quality"]["printable"]), (True, True), f"{form} {base}")
        job = generate(studio, image_id, format="obj", quality="draft", size_mm=50)
        contains(fetch(studio, job, "model.mtl").decode(), "map_Kd texture.png")
        equal(fetch(studio, job, "texture.png")[:4], b"\x89PNG")
        xs = [p[0] for t in ex.read_obj(fetch(studio, job, "model.obj")) for p in t]
        equal(round(max(xs) - min(xs), 2), 50.0, "size_mm")


def test_uploads_of_each_kind(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO) as studio:
        data = ex.disk(40)
        body, headers = ex.multipart("image", "a.png", "image/png", data)
        status, _, answer = studio.call("POST", "/api/upload-image", body, headers)
        equal((status, json.loads(answer)["format"]), (201, "png"))
        image_id = json.loads(answer)["image_id"]
        equal(studio.call("POST", "/api/upload-image", data)[0], 200, "the same again")
        equal(studio.call("GET", f"/api/images/{image_id}")[2], data, "the picture comes back")
        status, _, answer = studio.call("POST", "/api/upload-image", b"P6 8 8 255 " + bytes(range(192)))
        equal((status, json.loads(answer)["format"], json.loads(answer)["width"]), (201, "pnm", 8))
        for name in ("base.jpg", "progressive.jpg"):
            data = (ROOT / "fuzz" / "corpus" / "studio_image" / name).read_bytes()
            status, _, answer = studio.call("POST", "/api/upload-image", data)
            equal((status, json.loads(answer)["format"], json.loads(answer)["width"]), (201, "jpeg", 16), name)
            equal(studio.call("POST", "/api/upload-image", data[:-100])[0], 400, f"{name}, cut off")


def test_text_becomes_a_picture_and_a_mesh(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO) as studio:
        for style in ("abstract", "cartoon", "pixel", "realistic", "watercolor"):
            status, job = studio.post("/api/text-to-image", prompt="a blue whale", art_style=style, width=128, height=128,
                                      wait=20)
            equal((status, job["state"], job["cached"]), (200, "done", False), style)
        equal(studio.call("GET", f"/api/images/{job['image_id']}")[2][:4], b"\x89PNG")
        again = studio.post("/api/text-to-image", prompt="a blue whale", art_style="watercolor", width=128, height=128,
                            wait=20)[1]
        equal((again["cached"], again["image_id"]), (True, job["image_id"]), "cache")
        mesh = generate(studio, job["image_id"], format="stl", quality="draft", base="cutout")
        ex.check_closed(ex.read_stl(fetch(studio, mesh, "model.stl")))


def test_results_come_from_the_cache(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO) as studio:
        image_id = upload(studio, ex.disk())
        first = generate(studio, image_id, format="stl", quality="draft")
        second = generate(studio, image_id, format="stl", quality="draft")
        third = generate(studio, image_id, format="stl", quality="draft", relief_mm=9)
        equal([j["cached"] for j in (first, second, third)], [False, True, False])
        equal(fetch(studio, first, "model.stl"), fetch(studio, second, "model.stl"))
        equal(first["quality"], second["quality"])


def test_progress_by_websocket(build: pathlib.Path, work: pathlib.Path) -> None:
    """O-M40..O-M43, O-V2: events in their order, to all and to a topic's subscribers."""
    with ex.Service(build, work, STUDIO) as studio:
        image_id = upload(studio, ex.disk())
        everyone = ex.WebSocket(studio.port, "/ws")
        elsewhere = ex.WebSocket(studio.port, "/ws?job=0123456789abcdef")
        job = generate(studio, image_id, quality="draft", format="stl")
        events = []
        while not events or events[-1]["event"] not in ("complete", "error"):
            events.append(everyone.event())
        equal([e["stage"] for e in events if e["event"] == "stage_change"],
              ["image_loading", "image_preprocessing", "shape_generation", "texture_synthesis", "mesh_export"])
        percents = [e["progress"] for e in events if e["event"] == "progress"]
        equal(percents, sorted(percents), "progress rises")
        equal((events[-1]["event"], events[-1]["job"]["id"], events[-1]["job_id"]), ("complete", job["id"], job["id"]))
        elsewhere.send(9, b"are you there")
        equal(elsewhere.read(), (10, b"are you there"), "the other topic got nothing but its pong")
        elsewhere.send(1, json.dumps({"unsubscribe": True}).encode())
        elsewhere.send(9, b"x")
        elsewhere.read()
        studio.post("/api/generate-3d", image_id="f" * 64)
        generate(studio, image_id, quality="draft", format="stl")  # from the cache: one event
        equal(elsewhere.event()["event"], "complete")
        metrics = studio.metrics()
        equal(metrics.sum("websocket_connections_active", client_type="browser"), 2.0)
        if metrics.sum("websocket_messages_sent_total", event_type="progress") < 5:
            raise AssertionError("progress messages were not counted")
        everyone.send(8, struct.pack(">H", 1000))
        equal(everyone.close_code(), 1000)
        wait_until("one connection less",
                   lambda: studio.metrics().sum("websocket_connections_active") == 1 and
                   studio.metrics().sum("websocket_connection_duration_seconds_count") == 1, 5)


def test_rude_websockets(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO) as studio:
        cases = [("not masked", b"\x81\x02hi", 1002), ("reserved bits", b"\xf1\x80aaaa", 1002),
                 ("unknown opcode", b"\x85\x80aaaa", 1002), ("too large", b"\x81\xff\0\0\0\0\x7f\xff\xff\xff", 1009),
                 ("binary", b"\x82\x81aaaa" + bytes([ord("x") ^ ord("a")]), 1003),
                 ("not UTF-8", b"\x81\x81\0\0\0\0\xff", 1007), ("a long ping", b"\x89\xfe\0\x80", 1002),
                 ("the rest of nothing", b"\x80\x80aaaa", 1002)]
        for name, frame, code in cases:
            ws = ex.WebSocket(studio.port, "/ws")
            ws.sock.sendall(frame)
            equal(ws.close_code(), code, name)
            ws.end()
        for name, headers, want in (("no upgrade", "", b" 426 "), ("wrong version", "Upgrade: websocket\r\nConnection: "
                                    "upgrade\r\nSec-WebSocket-Version: 8\r\n", b" 426 "),
                                    ("no key", "Upgrade: websocket\r\nConnection: upgrade\r\n"
                                     "Sec-WebSocket-Version: 13\r\n", b" 400 ")):
            got = studio.raw(f"GET /ws HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode(), 0.3)
            contains(got.split(b"\r\n")[0].decode(), want.decode(), name)
        dead = ex.WebSocket(studio.port, "/ws")
        dead.sock.setsockopt(6, 1, 1)
        dead.end()
        ws = ex.WebSocket(studio.port, "/ws")
        ws.send(1, b"half ", first=0)
        ws.send(9, b"in between")
        equal(ws.read(), (10, b"in between"))
        ws.send(0, b"a message")
        ws.send(9, b"still there")
        equal(ws.read(), (10, b"still there"))
        metrics = studio.metrics()
        equal(metrics.sum("websocket_errors_total", error_type="protocol"), float(len(cases)))
        equal(metrics.sum("websocket_errors_total", error_type="handshake"), 3.0)


def test_refusals_teach(build: pathlib.Path, work: pathlib.Path) -> None:
    """O-M07: each wrong input is answered with what to do, and counted by field and kind."""
    cases = [
        ("/api/text-to-image", {}, "prompt", "missing"),
        ("/api/text-to-image", {"prompt": ""}, "prompt", "empty"),
        ("/api/text-to-image", {"prompt": 5}, "prompt", "wrong_type"),
        ("/api/text-to-image", {"prompt": "x" * 501}, "prompt", "too_long"),
        ("/api/text-to-image", {"prompt": "x", "art_style": "cubist"}, "art_style", "unknown_value"),
        ("/api/text-to-image", {"prompt": "x", "width": 63}, "width", "out_of_range"),
        ("/api/text-to-image", {"prompt": "x", "width": 1e300}, "width", "out_of_range"),
        ("/api/generate-3d", {}, "image_id", "missing"),
        ("/api/generate-3d", {"image_id": "../../etc/passwd"}, "image_id", "not_found"),
        ("/api/generate-3d", {"image_id": "0" * 64}, "image_id", "not_found"),
        ("/api/generate-3d", {"image_id": "0" * 65}, "image_id", "too_long"),
        ("/api/generate-3d", {"image_id": "x", "format": "fbx"}, "format", "unknown_value"),
    ]
    with ex.Service(build, work, STUDIO, "--rate=0") as studio:
        for path, body, field, kind in cases:
            status, answer = studio.post(path, body)
            equal((status, answer["error"]), (400, "validation"), f"{path} {body}")
            contains(answer["message"], f"{field}: {kind}")
        metrics = studio.metrics()
        for _, _, field, kind in cases:
            if metrics.sum("validation_errors_total", field=field, error_type=kind) < 1:
                raise AssertionError(f"{field} {kind} was not counted")
        for body in (b"", b"{", b"[]", b'{"a":1,"a":2}', b"[" * 100000, b"\xff\xfe", b'"x"'):
            status, _, answer = studio.call("POST", "/api/generate-3d", body)
            equal((status, json.loads(answer)["error"]), (400, "validation"), repr(body[:20]))
        equal(studio.call("GET", "/nope")[0], 404)
        status, headers, _ = studio.call("DELETE", "/api/upload-image")
        equal((status, headers["allow"]), (405, "POST"))
        equal(studio.get("/api/jobs/unknown")[0], 404)
        equal(studio.call("GET", "/api/jobs/..%2f..%2fetc/files/passwd")[0], 404)
        equal(studio.call("GET", "/api/jobs/" + "a" * 3000)[0], 404)
        equal(studio.metrics().sum("http_requests_total", endpoint="/api/jobs/:id", status="404"), 2.0, "template")


def test_hostile_uploads(build: pathlib.Path, work: pathlib.Path) -> None:
    whole = ex.disk(64)
    bomb = b"\x89PNG\r\n\x1a\n" + ex.png(1, 1, lambda x, y: (0, 0, 0))[8:].replace(
        struct.pack(">II", 1, 1), struct.pack(">II", 60000, 60000))
    cases = [("cut off", whole[:len(whole) // 2], 400), ("cut in the header", whole[:20], 400), ("a bomb", bomb, 400),
             ("a PNM bomb", b"P5 8192 8192 255 ", 413), ("a text", b"hello", 415), ("no body", b"", 400),
             ("an empty JPEG", b"\xff\xd8\xff\xe0", 400), ("zeros", bytes(10000), 415)]
    with ex.Service(build, work, STUDIO, "--rate=0") as studio:
        for name, data, want in cases:
            equal(studio.call("POST", "/api/upload-image", data)[0], want, name)
        got = studio.raw(b"POST /api/upload-image HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\nxx", 2)
        contains(got.decode(), " 413 ", "a huge announcement")
        equal(studio.call("POST", "/api/upload-image", bytes((24 << 20) + 1))[0], 413, "one byte too many")
        for name, body in (("no boundary", b"x"), ("never closed", b"--m\r\nContent-Disposition: form-data; name=\"a\"\r\n"),
                           ("65 parts", b"".join(b"--m\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n"
                                                 for _ in range(65)) + b"--m--\r\n")):
            kind = "multipart/form-data" + ("" if name == "no boundary" else "; boundary=m")
            equal(studio.call("POST", "/api/upload-image", body, {"Content-Type": kind})[0], 400, name)
        image_id = upload(studio, ex.png(32, 32, lambda x, y: (200, 200, 200)))
        status, job = studio.post("/api/generate-3d", image_id=image_id, base="cutout", wait=20)
        equal((status, job["state"], job["error"]), (200, "failed", "no_subject"))
        metrics = studio.metrics()
        equal(metrics.sum("failed_generations_total", type="generate_3d", reason="no_subject"), 1.0)
        equal(metrics.sum("image_uploads_total", format="png", status="failure"), 3.0)
        equal(metrics.sum("pipeline_stage_errors_total", stage="shape_generation", error_type="no_subject"), 1.0)
        equal(studio.get("/health")[0], 200, "still well")


def test_slow_clients_do_not_hold_it(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--connections=8") as studio:
        got = studio.raw(b"GET /api/jobs HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70000 + b"\r\n\r\n", 3)
        contains(got.split(b"\r\n")[0].decode(), " 431 ", "too large a header")
        contains(studio.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 2)[:60].decode() or "closed", "", "TLS")
        equal(studio.get("/health")[0], 200)


def test_dripping_clients_are_ended(build: pathlib.Path, work: pathlib.Path) -> None:
    """Bytes that come one by one keep no connection for ever: not in the header, not in the body; sockets and handlers may
    take their time."""
    def drip(head: bytes, limit: float) -> float:
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", studio.port), timeout=limit) as s:
            s.sendall(head)
            s.settimeout(0.1)
            while time.monotonic() - begin < limit:
                try:
                    s.sendall(b"x")
                    if s.recv(4096) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            return time.monotonic() - begin

    with ex.Service(build, work, STUDIO, "--patience=0.3", "--fault=slow-stage:shape_generation=3.5") as studio:
        ws = ex.WebSocket(studio.port, "/ws")
        image_id = upload(studio, ex.disk(32))
        job = []
        waiting = threading.Thread(target=lambda: job.append(generate(studio, image_id, quality="draft")["state"]))
        waiting.start()
        took = drip(b"GET /health HTTP/1.1\r\nX: ", 5)
        equal(took < 4, True, f"header: {took} s")
        took = drip(b"POST /api/upload-image HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", 6)
        equal(1 < took < 5, True, f"body: {took} s")
        waiting.join(20)
        equal(job, ["done"], "a handler that waits longer than the patience")
        ws.send(9, b"still here")
        while (frame := ws.read())[0] == 1:
            continue
        equal(frame, (10, b"still here"))
        equal(studio.metrics().sum("http_requests_total", status="499") >= 1, True, "the client that left")


def test_queue_is_bounded_and_jobs_cancel(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--workers=1", "--queue=2", "--rate=0",
                    "--fault=slow-stage:shape_generation=30") as studio:
        image_id = upload(studio, ex.disk())
        jobs = []
        for i in range(3):
            status, job = studio.post("/api/generate-3d", image_id=image_id, quality="draft")
            equal(status, 202, f"job {i}")
            jobs.append(job)
            wait_until("the first runs", lambda: studio.get(f"/api/jobs/{jobs[0]['id']}")[1]["state"] == "running", 5)
        status, answer = studio.post("/api/generate-3d", image_id=image_id, quality="draft")
        equal((status, answer["error"]), (503, "queue_full"))
        metrics = studio.metrics()
        equal(metrics.sum("active_jobs", type="generate_3d"), 1.0, "O-M23")
        equal(metrics.sum("job_queue_size", type="generate_3d"), 2.0, "O-M24")
        for job in jobs:
            equal(studio.call("DELETE", f"/api/jobs/{job['id']}")[0], 202)
        for job in jobs:
            wait_until("canceled", lambda: studio.get(f"/api/jobs/{job['id']}")[1]["state"] == "canceled", 5)
        equal(studio.call("DELETE", f"/api/jobs/{jobs[0]['id']}")[0], 404)
        equal(studio.metrics().sum("active_jobs", type="generate_3d"), 0.0)


def test_it_ends_gracefully(build: pathlib.Path, work: pathlib.Path) -> None:
    """SIGTERM: running work ends well, new work is refused, sockets are told, the exit status is 0."""
    with ex.Service(build, work, STUDIO, "--fault=slow-stage:shape_generation=1.5") as studio:
        image_id = upload(studio, ex.disk())
        ws = ex.WebSocket(studio.port, "/ws")
        result: list = []
        caller = threading.Thread(target=lambda: result.append(
            studio.post("/api/generate-3d", image_id=image_id, quality="draft", wait=20)))
        caller.start()
        time.sleep(0.5)
        studio.program.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        status, answer = studio.get("/health")
        equal((status, answer["status"]), (503, "draining"))
        equal(studio.post("/api/text-to-image", prompt="late")[0], 503)
        caller.join(10)
        equal((result[0][0], result[0][1]["state"]), (200, "done"), "the running job")
        equal(ws.close_code(), 1001)
        equal(studio.program.process.wait(10), 0)
    with ex.Service(build, work, STUDIO) as studio:
        jobs = studio.get("/api/jobs?state=done")[1]["jobs"]
        equal([j["type"] for j in jobs], ["generate_3d"], "jobs outlive the process")
        equal(studio.get(f"/api/jobs/{jobs[0]['id']}")[1]["state"], "done")
        ex.check_closed(ex.read_glb(fetch(studio, jobs[0], "model.glb")))


def test_the_page(build: pathlib.Path, work: pathlib.Path) -> None:
    """The page names no address of its own, and every route that it uses is there."""
    with ex.Service(build, work, STUDIO) as studio:
        status, headers, body = studio.call("GET", "/")
        text = body.decode()
        equal((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        contains(headers["content-security-policy"], "default-src 'self'")
        equal("http://" in text or "https://" in text, False, "outside addresses")
        routes = {r["path"] for r in studio.get("/api")[1]["routes"]}
        for path in ("/api/images/:id", "/api/text-to-image", "/api/upload-image", "/api/generate-3d", "/api/jobs/:id", "/ws"):
            equal((path in routes, path.replace(":id", "") in text), (True, True), path)


def test_what_is_kept_is_bounded(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--keep-jobs=3", "--keep-images=2", "--rate=0", "--data=d") as studio:
        for i in range(5):
            image_id = upload(studio, ex.disk(40, 0.25 + i / 100))
            generate(studio, image_id, quality="draft", format="stl")
        equal(len(studio.get("/api/jobs")[1]["jobs"]), 3)
        equal(len(list((work / "d" / "results").iterdir())), 3)
        equal(len(list((work / "d" / "images").iterdir())), 2)


def test_arguments_teach(build: pathlib.Path, work: pathlib.Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        service = ex.Service(build, work, STUDIO, *arguments, listens=False)
        return service.program.process.wait(10), service.program.text()

    status, text = run("--help")
    equal(status, 0)
    for part in ("--listen=HOST:PORT", "--fault=slow-stage", "/api/generate-3d", "Examples:"):
        contains(text, part)
    for arguments, part in ((["--nope"], "--help lists"), (["--gpu=yes"], "auto, none or simulated"),
                            (["--listen=localhost"], "HOST:PORT"), (["--fault=slow"], "give one of bad-mesh"),
                            (["--fault=disk-fill"], "--disk-quota"), (["--workers=0"], "from 1 to 16")):
        status, text = run(*arguments)
        equal(status, 2, f"{arguments}: {text}")
        contains(text, part)
    with ex.Service(build, work, STUDIO) as studio:
        status, text = run(f"--listen=127.0.0.1:{studio.port}", "--data=other")
        equal(status, 1)
        contains(text, "the port is taken")


def test_requests_and_handshakes_may_be_under_way_at_the_end(build: pathlib.Path, work: pathlib.Path) -> None:
    """Uploads that sleep in a fault, and WebSockets that shake hands, while the service ends: it ends well, and at once."""
    hello = (b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    for _ in range(3):
        with ex.Service(build, work, STUDIO, "--rate=0", "--drain=0", "--fault=slow-http:30") as studio:
            ending = threading.Event()

            def ask() -> None:
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    studio.post("/api/text-to-image", prompt="x")  # noqa: B023

            def shake() -> None:
                while not ending.is_set():  # noqa: B023
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", studio.port), timeout=1) as s:  # noqa: B023
                        s.sendall(hello)
                        s.recv(64)
            threads = [threading.Thread(target=call, daemon=True) for call in [ask] * 6 + [shake] * 4]
            for thread in threads:
                thread.start()
            wait_until("all are under way", lambda: studio.metrics().sum("concurrent_requests", endpoint="/api/text-to-image") >= 6, 20)
            begin = time.monotonic()
            equal(studio.program.stop(), 0, "exit status")
            equal(time.monotonic() - begin < 25, True, "it does not wait for the sleepers")
            ending.set()
            for thread in threads:
                thread.join(20)


if __name__ == "__main__":
    main(globals())
