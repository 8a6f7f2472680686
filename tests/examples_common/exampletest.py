"""What the tests of the example services share: services on free ports, HTTP, WebSockets, expositions, pictures, meshes.
Standard library only; barotest.py beside tests/run has the checks."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, equal, free_port, need, wait_until  # noqa: E402

LISTENING = re.compile(r"listening on port (\d+)")
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Service:
    """An example service on a free loopback port."""

    def __init__(self, build: pathlib.Path, work: pathlib.Path, path: str, *arguments: str, listens: bool = True,
                 environment: dict[str, str] | None = None):
        binary = build / "examples" / path
        self.name = binary.name
        self.port = 0
        listen = ["--listen=127.0.0.1:0"] if listens else []
        self.program = Program([str(binary), *listen, *arguments], work / f"{self.name}-{time.monotonic_ns()}.log",
                               cwd=work, env={**os.environ, **(environment or {})})

    def __enter__(self) -> "Service":
        wait_until(f"{self.name}: listening", self.has_port, 20, 0.02)
        return self

    def has_port(self) -> bool:
        found = LISTENING.search(self.program.text())
        if found:
            self.port = int(found[1])
        elif self.program.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.program.process.returncode}:\n{self.program.text()}")
        return found is not None

    def __exit__(self, kind: object, *_: object) -> None:
        """A service that still runs must end well: a sanitizer tells its findings by the exit status."""
        ended_by_test = self.program.process.poll() is not None
        status = self.program.stop()
        if kind is None and not ended_by_test:
            equal(status, 0, f"{self.name}: exit status")

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None,
             timeout: float = 60) -> tuple[int, dict[str, str], bytes]:
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            conn.request(method, path, body=body, headers=headers or {})
            answer = conn.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            conn.close()

    def get(self, path: str) -> tuple[int, object]:
        status, _, body = self.call("GET", path)
        return status, json.loads(body)

    def post(self, path: str, value: object = None, **fields: object) -> tuple[int, object]:
        body = json.dumps(fields if value is None else value).encode()
        status, _, answer = self.call("POST", path, body, {"Content-Type": "application/json"})
        return status, json.loads(answer)

    def raw(self, data: bytes, wait_s: float = 5) -> bytes:
        """What comes back for bytes as they are, until the service closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as s:
            with contextlib.suppress(OSError):
                s.sendall(data)
            got = b""
            with contextlib.suppress(OSError):
                while chunk := s.recv(65536):
                    got += chunk
            return got

    def metrics(self, path: str = "/metrics") -> "Metrics":
        """What was answered before is counted: a request is when its last byte is out, which its client sees first."""
        time.sleep(0.05)
        status, _, body = self.call("GET", path)
        equal(status, 200, path)
        return Metrics(body.decode())


class Metrics:
    """A text exposition: types by family, and samples as (name, labels, value)."""

    def __init__(self, text: str):
        self.text = text
        self.types: dict[str, str] = {}
        self.samples: list[tuple[str, dict[str, str], float]] = []
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.types[name] = kind
            elif line and not line.startswith("#"):
                found = SAMPLE.match(line)
                if not found:
                    raise AssertionError(f"not a sample: {line!r}")
                self.samples.append((found[1], dict(LABEL.findall(found[2] or "")), float(found[3])))

    def of(self, name: str, /, **labels: str) -> list[tuple[dict[str, str], float]]:
        return [(l, v) for n, l, v in self.samples if n == name and all(l.get(k) == w for k, w in labels.items())]

    def sum(self, name: str, /, **labels: str) -> float:
        return sum(v for _, v in self.of(name, **labels))

    def quantile(self, q: float, name: str) -> float:
        """The upper bound of the bucket that the quantile falls into, over all series."""
        buckets: dict[float, float] = {}
        for labels, value in self.of(name + "_bucket"):
            le = float(labels["le"])
            buckets[le] = buckets.get(le, 0) + value
        rank = q * buckets[float("inf")]
        return min(le for le, count in buckets.items() if count >= rank)


def check_family(metrics: Metrics, name: str, kind: str, labels: list[str]) -> None:
    """The family is there, of that type, with samples that have exactly these labels."""
    equal(metrics.types.get(name), kind, f"type of {name}")
    sample = {"histogram": name + "_count", "summary": name + "_count"}.get(kind, name)
    rows = metrics.of(sample)
    if not rows:
        raise AssertionError(f"{name}: no sample")
    for row, _ in rows:
        equal(sorted(row), sorted(labels), f"labels of {name}")


def judge_exposition(build: pathlib.Path, service: "Service", catalog: str) -> None:
    """The live target agrees with its catalogue; promtool has nothing to say; other parsers read it."""
    catalog_path = pathlib.Path(__file__).resolve().parent.parent.parent / "packs" / catalog / "catalog.yaml"
    done = subprocess.run([str(build / "barograph"), "check", "metrics", f"--catalog={catalog_path}", "--allow=baro_.*",
                           f"http://127.0.0.1:{service.port}/metrics"], capture_output=True, text=True, timeout=60, check=False)
    equal(done.returncode, 0, f"check metrics --catalog: {done.stdout}{done.stderr}")
    text = service.call("GET", "/metrics")[2]
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
        equal((done.returncode, done.stderr), (0, b""), f"promtool check metrics: {done.stdout!r}")
    else:
        print("skipped: promtool is not installed")
    reader = ("import sys; from prometheus_client.parser import text_string_to_metric_families as f; "
              "print(sum(len(m.samples) for m in f(sys.stdin.read())))")
    done = subprocess.run(["/usr/bin/python3", "-c", reader], input=text, capture_output=True, timeout=60, check=False)
    if b"No module named" in done.stderr or b"not found" in done.stderr:
        print("skipped: python3-prometheus-client is not installed")
    else:
        equal((done.returncode, int(done.stdout or 0)), (0, len(Metrics(text.decode()).samples)), f"{done.stderr!r}")


def scrape_with_prometheus(work: pathlib.Path, service: "Service", queries: dict[str, float]) -> None:
    """A real Prometheus finds the service up, has nothing to complain about, and answers queries with at least so much."""
    port = free_port()
    (work / "prometheus.yml").write_text("global: {scrape_interval: 250ms}\nscrape_configs:\n  - job_name: it\n"
                                         f"    static_configs: [{{targets: ['127.0.0.1:{service.port}']}}]\n")
    program = Program([need("prometheus"), f"--config.file={work / 'prometheus.yml'}", f"--storage.tsdb.path={work / 'tsdb'}",
                       f"--web.listen-address=127.0.0.1:{port}", "--log.level=info"], work / "prometheus.log")

    def value(expr: str) -> float:
        with contextlib.suppress(OSError, http.client.HTTPException):
            conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            conn.request("GET", "/api/v1/query?query=" + urllib.parse.quote(expr))
            response = conn.getresponse()
            body = response.read()
            conn.close()
            rows = json.loads(body)["data"]["result"] if response.status == 200 else []  # it may not be ready yet
            return float(rows[0]["value"][1]) if rows else float("nan")
        return float("nan")

    try:
        for expr, least in {"up": 1, **queries}.items():
            wait_until(f"{expr} >= {least}", lambda: value(expr) >= least, 30, 0.2)
    finally:
        program.stop()
    complaints = [line for line in program.text().splitlines() if re.search(r"level=(warn|error)", line, re.I)
                  and "SIGTERM" not in line]
    equal(complaints, [], "Prometheus's log")


class WebSocket:
    """A client of RFC 6455, which can also be rude."""

    def __init__(self, port: int, path: str, timeout: float = 20):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: keep-alive, "
                           f"Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            chunk = self.sock.recv(4096)
            if not chunk:
                break
            self.buffer += chunk
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if b" 101 " not in head or want not in head:
            raise AssertionError(f"no handshake: {head!r}")

    def send(self, opcode: int, payload: bytes = b"", first: int = 0x80) -> None:
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        self.sock.sendall(bytes([first | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def need(self, count: int) -> bytes:
        while len(self.buffer) < count:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise EOFError("the WebSocket was closed")
            self.buffer += chunk
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self) -> tuple[int, bytes]:
        """The next frame: (opcode, payload)."""
        first, second = self.need(2)
        size = second & 127
        if size == 126:
            size = struct.unpack(">H", self.need(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.need(8))[0]
        return first & 15, self.need(size)

    def event(self) -> dict:
        """The next text message, as JSON."""
        while True:
            opcode, payload = self.read()
            if opcode == 1:
                return json.loads(payload)
            if opcode == 8:
                raise EOFError(f"closed with {payload!r}")

    def close_code(self) -> int:
        """Reads until the close frame; 0 = the connection ended without one."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                opcode, payload = self.read()
                if opcode == 8:
                    return struct.unpack(">H", payload[:2])[0]
        return 0

    def end(self) -> None:
        self.sock.close()


def png(width: int, height: int, pixel) -> bytes:
    """A PNG of RGB pixels: pixel(x, y) -> (r, g, b)."""
    rows = b"".join(b"\0" + bytes(c for x in range(width) for c in pixel(x, y)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def disk(side: int = 96, radius: float = 0.3, inside=(60, 90, 200), outside=(240, 238, 235)) -> bytes:
    """A disk with some texture on a plain ground, as PNG."""
    def pixel(x: int, y: int) -> tuple[int, int, int]:
        if (x - side / 2) ** 2 + (y - side / 2) ** 2 < (radius * side) ** 2:
            return inside[0] + (x * 7 + y * 13) % 40, inside[1] + (x * y) % 50, inside[2]
        return outside

    return png(side, side, pixel)


def multipart(name: str, filename: str, kind: str, data: bytes) -> tuple[bytes, dict[str, str]]:
    mark = "barographtest" + os.urandom(8).hex()
    body = (f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            f"Content-Type: {kind}\r\n\r\n").encode() + data + f"\r\n--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


# ---- meshes: each parser returns triangles as triples of hashable corners ----


def read_stl(data: bytes) -> list[tuple]:
    count = struct.unpack_from("<I", data, 80)[0]
    equal(len(data), 84 + 50 * count, "size of the STL")
    floats = [struct.unpack_from("<9f", data, 84 + 50 * i + 12) for i in range(count)]
    return [(f[0:3], f[3:6], f[6:9]) for f in floats]


def read_obj(data: bytes) -> list[tuple]:
    vertices, uvs, faces = [], [], []
    for line in data.decode().splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append(tuple(map(float, rest)))
        elif word == "vt":
            uvs.append(tuple(map(float, rest)))
        elif word == "f":
            corners = [list(map(int, corner.split("/"))) for corner in rest]
            if any(len(c) > 1 and not 1 <= c[1] <= len(uvs) for c in corners):
                raise AssertionError(f"texture index out of range: {line}")
            faces.append(tuple(vertices[c[0] - 1] for c in corners))
    if not all(0 <= u <= 1 and 0 <= v <= 1 for u, v in uvs):
        raise AssertionError("a texture coordinate is outside of the picture")
    return faces


def read_glb(data: bytes) -> list[tuple]:
    magic, version, size, json_size, json_kind = struct.unpack_from("<4sIII4s", data)
    equal((magic, version, size, json_kind), (b"glTF", 2, len(data), b"JSON"), "GLB header")
    root = json.loads(data[20:20 + json_size])
    bin_size, bin_kind = struct.unpack_from("<I4s", data, 20 + json_size)
    equal((bin_kind, 28 + json_size + bin_size), (b"BIN\0", len(data)), "GLB binary chunk")
    binary = data[28 + json_size:]

    def values(accessor: int, form: str, width: int) -> list[tuple]:
        a = root["accessors"][accessor]
        view = root["bufferViews"][a["bufferView"]]
        if view["byteOffset"] % 4 or view["byteOffset"] + view["byteLength"] > root["buffers"][0]["byteLength"]:
            raise AssertionError(f"bad buffer view {view}")
        equal(view["byteLength"], 4 * width * a["count"], "accessor's size")
        flat = struct.unpack_from(f"<{width * a['count']}{form}", binary, view["byteOffset"])
        return [flat[i:i + width] for i in range(0, len(flat), width)]

    primitive = root["meshes"][0]["primitives"][0]
    positions = values(primitive["attributes"]["POSITION"], "f", 3)
    uvs = values(primitive["attributes"]["TEXCOORD_0"], "f", 2)
    indices = [i for (i,) in values(primitive["indices"], "I", 1)]
    bounds = root["accessors"][primitive["attributes"]["POSITION"]]
    for k in range(3):
        low, high = min(p[k] for p in positions), max(p[k] for p in positions)
        if abs(low - bounds["min"][k]) > 1e-7 or abs(high - bounds["max"][k]) > 1e-7:
            raise AssertionError(f"bounds of axis {k}: {bounds} for {low}..{high}")
    equal(len(uvs), len(positions), "texture coordinates")
    if root.get("images"):
        view = root["bufferViews"][root["images"][0]["bufferView"]]
        picture = binary[view["byteOffset"]:view["byteOffset"] + view["byteLength"]]
        equal(picture[:8], b"\x89PNG\r\n\x1a\n", "embedded picture")
    return [tuple(positions[i] for i in indices[k:k + 3]) for k in range(0, len(indices), 3)]


def check_closed(triangles: list[tuple]) -> float:
    """Every edge is used once in each direction; returns the volume, which is positive."""
    edges: dict[tuple, int] = {}
    volume = 0.0
    for a, b, c in triangles:
        for edge in ((a, b), (b, c), (c, a)):
            edges[edge] = edges.get(edge, 0) + 1
        volume += (a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
                   + a[2] * (b[0] * c[1] - b[1] * c[0])) / 6
    wrong = [e for e, n in edges.items() if n != 1 or edges.get((e[1], e[0])) != 1]
    if wrong or not triangles:
        raise AssertionError(f"{len(wrong)} of {len(edges)} edges are not shared by two triangles, e.g. {wrong[:2]}")
    if volume <= 0:
        raise AssertionError(f"volume {volume}")
    return volume
