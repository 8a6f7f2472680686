#!/usr/bin/env python3
"""Finished blocks go to object storage as Thanos's sidecar would put them there: to a bucket of an own, strict server that checks
every signature and can fail, break off and forget; to npm's s3rver; to a directory.

Usage: tests/objstore/run_objstore.py BUILD [NAME...]
"""

import atexit
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
from barotest import Server, Skip, contains, equal, main, need, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = "global: {scrape_interval: 1h, external_labels: {cluster: c1, replica: \"r'1\"}}\n"
KEEP = "--storage.tsdb.retention.time=100y"


class Bucket:
    """S3, as far as uploads need it: objects in memory, signatures of version 4 checked, multipart uploads, faults on demand."""

    def __init__(self):
        self.key, self.secret, self.region = secrets.token_hex(8), secrets.token_hex(16), "eu-test-1"
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []  # names and parts, in order, that were taken
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lock = threading.Lock()
        self.refuse = lambda _method, _name, _query: None  # a status, or "drop", or None
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
                name = urllib.parse.unquote(parts.path).removeprefix("/blocks/")
                wish = bucket.refuse(self.command, name, query)
                if wish == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                problem = bucket.check(self.command, parts, self.headers, body)
                if problem:
                    self.answer(403, f"<Error><Code>SignatureDoesNotMatch</Code><Message>{problem}</Message></Error>".encode())
                elif wish:
                    self.answer(wish, b"<Error><Code>SlowDown</Code><Message>please</Message></Error>")
                else:
                    with bucket.lock:
                        status, answer, headers = bucket.serve(self.command, name, query, body)
                    self.answer(status, answer, headers)

            def answer(self, status, body, headers=()):
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = handle_one

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A client that is killed breaks off its request."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def check(self, method, parts, headers, body) -> str:
        """What is wrong with the signature, by the published algorithm; empty when nothing is."""
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, SignedHeaders=([^,]+), "
                             r"Signature=([0-9a-f]{64})", headers.get("Authorization", ""))
        if not match:
            return "no signature"
        key, day, region, names, signature = match.groups()
        if (key, region) != (self.key, self.region):
            return "another key or region"
        if hashlib.sha256(body).hexdigest() != headers.get("x-amz-content-sha256"):
            return "the hash of the body differs"
        pairs = sorted(p if "=" in p else p + "=" for p in parts.query.split("&") if p)
        canonical = "\n".join([method, urllib.parse.quote(urllib.parse.unquote(parts.path), safe="/-_.~"), "&".join(pairs),
                               *(f"{n}:{headers[n].strip()}" for n in names.split(";")), "", names,
                               headers["x-amz-content-sha256"]])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], f"{day}/{region}/s3/aws4_request",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        derived = ("AWS4" + self.secret).encode()
        for part in (day, region, "s3", "aws4_request", to_sign):
            derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
        return "" if derived.hex() == signature else "the signature differs"

    def serve(self, method, name, query, body):
        if method == "GET":
            return (200, self.objects[name], ()) if name in self.objects else (404, b"<Error><Code>NoSuchKey</Code></Error>", ())
        if method == "POST" and "uploads" in query:
            upload = secrets.token_urlsafe(12) + "/+="
            self.uploads[upload] = {}
            return 200, f"<r><UploadId>{upload}</UploadId></r>".encode(), ()
        if "uploadId" in query and query["uploadId"] not in self.uploads:
            return 404, b"<Error><Code>NoSuchUpload</Code></Error>", ()
        if method == "PUT" and "partNumber" in query:
            self.uploads[query["uploadId"]][int(query["partNumber"])] = body
            self.puts.append(f"{name}#{query['partNumber']}")
            return 200, b"", (("ETag", f'"{hashlib.md5(body).hexdigest()}"'),)
        if method == "PUT":
            self.objects[name] = body
            self.puts.append(name)
            return 200, b"", (("ETag", '"x"'),)
        parts = self.uploads.pop(query["uploadId"])
        tags = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>(?:&quot;|\")([0-9a-f]+)(?:&quot;|\")</ETag>", body.decode())
        if tags != [(str(n), hashlib.md5(parts[n]).hexdigest()) for n in sorted(parts)]:
            return 400, b"<Error><Code>InvalidPart</Code></Error>", ()
        self.objects[name] = b"".join(parts[n] for n in sorted(parts))
        return 200, b"<r/>", ()

    def config(self, prefix: str = "") -> str:
        return (f"type: S3\nprefix: '{prefix}'\nconfig: {{bucket: blocks, endpoint: '127.0.0.1:{self.port}', access_key: {self.key},"
                f" secret_key: {self.secret}, insecure: true, region: {self.region}, part_size: 5242880}}\n")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def write_blocks(build: pathlib.Path, data: pathlib.Path, series: int, samples: int, step: float) -> None:
    """A data directory with blocks whose values do not pack: some nine bytes a sample."""
    rng = random.Random(samples)
    text = data.parent / "in.om"
    with text.open("w") as out:
        for i in range(series):
            out.writelines(f'm{{i="{i}"}} {rng.random()} {1700006400 + k * step:.1f}\n' for k in range(samples))
        out.write("# EOF\n")
    subprocess.run([build / "barograph", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)], check=True,
                   capture_output=True)
    text.unlink()


def small_blocks(build: pathlib.Path, work: pathlib.Path) -> list[pathlib.Path]:
    """Three small blocks in the data directory of server `a`."""
    write_blocks(build, work / "a-data", 20, 1000, 18.0)
    return blocks_of(work / "a-data")


BIG: list[pathlib.Path] = []


def big_block(build: pathlib.Path, work: pathlib.Path) -> list[pathlib.Path]:
    """One block whose chunks are three parts of five MiB, made once for all tests."""
    if not BIG:
        BIG.append(pathlib.Path(tempfile.mkdtemp(prefix="barograph-objstore-")))
        atexit.register(shutil.rmtree, BIG[0], ignore_errors=True)
        write_blocks(build, BIG[0] / "data", 20, 72000, 0.1)
    shutil.copytree(BIG[0] / "data", work / "a-data")
    return blocks_of(work / "a-data")


def blocks_of(data: pathlib.Path) -> list[pathlib.Path]:
    return sorted(p for p in data.iterdir() if (p / "meta.json").exists())


def serve(build: pathlib.Path, work: pathlib.Path, config: str, *flags: str, name: str = "a") -> Server:
    (work / f"{name}-objstore.yml").write_text(config)
    server = Server(str(build / "barograph"), work, CONFIG, f"--objstore.config-file={work}/{name}-objstore.yml", KEEP, *flags,
                    name=name, keep_data=True)
    server.wait_ready()
    return server


def check_block(block: pathlib.Path, read) -> None:
    """`read(path)` gives the bucket's bytes; the block's own files are links that may be gone, so they are read before."""
    meta = json.loads(read("meta.json"))
    files = {f"chunks/{p.name}": p.read_bytes() for p in sorted((block / "chunks").iterdir())} | {"index": (block / "index").read_bytes()}
    for path, content in files.items():
        equal(read(path) == content, True, f"{block.name}/{path}")
    own = json.loads((block / "meta.json").read_text())
    equal({k: v for k, v in meta.items() if k != "thanos"}, own, "meta.json but for the Thanos section")
    check_for_readers(read("index"), meta)
    equal(meta["thanos"], {
        "version": 1, "labels": {"cluster": "c1", "replica": "r'1"}, "downsample": {"resolution": 0}, "source": "sidecar",
        "segment_files": [p.removeprefix("chunks/") for p in files if p.startswith("chunks/")],
        "files": [{"rel_path": p, "size_bytes": len(c)} for p, c in files.items()] + [{"rel_path": "meta.json"}],
    }, "thanos section")


def uvarint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (raw[at] & 0x7f) << shift
        shift += 7
        at += 1
        if raw[at - 1] < 0x80:
            return value, at


def check_for_readers(index: bytes, meta: dict) -> None:
    """What Thanos asks of an index. Its store copies the symbols (they end where the series begin) and the postings offset table
    (the last section) to its index-header; its compactor refuses series and labels that do not rise, series without chunks, chunks that
    are not in the block's time or overlap. Sources: pkg/block/indexheader/binary_reader.go and pkg/block/index.go of Thanos."""
    number = lambda at, size=4: int.from_bytes(index[at:at + size], "big")  # noqa: E731
    equal((index[:4], index[4]), (b"\xba\xaa\xd7\x00", 2), "magic number and version")
    symbols_at, series_at, indexes_at, _, postings_at, table_at = (number(len(index) - 52 + i * 8, 8) for i in range(6))
    equal(table_at + 4 + number(table_at) + 4, len(index) - 52, "the postings offset table is last")
    equal(symbols_at + 4 + number(symbols_at) + 4 + 16 > series_at > symbols_at, True, "the symbols are before the series")
    symbols, at = [], symbols_at + 8
    for _ in range(number(symbols_at + 4)):
        size, at = uvarint(index, at)
        symbols.append(index[at:at + size])
        at += size
    equal(symbols, sorted(set(symbols)), "symbols")
    seen, chunks = [], 0
    at = series_at
    while at < indexes_at:
        at = (at + 15) // 16 * 16
        if at >= indexes_at:
            break
        size, at = uvarint(index, at)
        end = at + size + 4
        count, at = uvarint(index, at)
        labels = []
        for _ in range(count):
            name, at = uvarint(index, at)
            value, at = uvarint(index, at)
            labels.append((symbols[name], symbols[value]))
        equal([n for n, _ in labels], sorted({n for n, _ in labels}), "label names")
        seen.append(labels)
        count, at = uvarint(index, at)
        equal(count > 0, True, "chunks of a series")
        zigzag, at = uvarint(index, at)
        mint, before = (zigzag >> 1) ^ -(zigzag & 1), meta["minTime"] - 1
        for i in range(count):
            if i > 0:
                gap, at = uvarint(index, at)
                mint = before + gap
            length, at = uvarint(index, at)
            _, at = uvarint(index, at)
            equal(before < mint <= mint + length < meta["maxTime"], True, f"chunk {i} of {labels}")
            before = mint + length
            chunks += 1
        at = end
    equal(seen, sorted(seen), "series")
    equal((len(seen), chunks), (meta["stats"]["numSeries"], meta["stats"]["numChunks"]), "series and chunks")
    refs = [number(postings_at + 8 + i * 4) for i in range(number(postings_at + 4))]
    equal((len(refs), refs), (len(seen), sorted(refs)), "the first postings are all series")


def uploaded(work: pathlib.Path, name: str = "a") -> list[str]:
    state = work / f"{name}-data" / "thanos.shipper.json"
    return json.loads(state.read_text())["uploaded"] if state.exists() else []


def test_blocks_reach_a_bucket_once(build, work):
    bucket = Bucket()
    try:
        blocks = small_blocks(build, work)
        with serve(build, work, bucket.config("pre fix").replace(bucket.secret, "wrong")) as server:
            wait_until("a wrong secret is refused", lambda: "SignatureDoesNotMatch: the signature differs" in server.program.text())
        equal(bucket.puts, [], "put with a wrong secret")
        with serve(build, work, bucket.config("pre fix")) as server:
            wait_until("all blocks are uploaded", lambda: sorted(uploaded(work)) == [b.name for b in blocks])
            metrics = server.get("/metrics")[2].decode()
            contains(metrics, f"thanos_shipper_uploads_total {len(blocks)}", "metrics")
            equal(bucket.secret in server.program.text() or bucket.secret in metrics, False, "the secret is shown")
        for block in blocks:
            check_block(block, lambda path, b=block: bucket.objects[f"pre fix/{b.name}/{path}"])
            names = [p for p in bucket.puts if f"/{block.name}/" in p]
            equal(names[-1], f"pre fix/{block.name}/meta.json", "meta.json comes last")
        before = list(bucket.puts)
        equal(sorted(set(before)), sorted(before), "each object was put once")
        # A start anew uploads nothing again; nor does one that has lost its state, for the bucket is asked.
        (work / "a-data" / "thanos.shipper.json").unlink()
        with serve(build, work, bucket.config("pre fix")):
            wait_until("the state is there again", lambda: sorted(uploaded(work)) == [b.name for b in blocks])
        equal(bucket.puts, before, "puts")
        equal(list((work / "a-data" / "thanos" / "upload").iterdir()), [], "links that are left")
    finally:
        bucket.stop()


def test_uploads_go_on_after_faults_and_kills(build, work):
    """The server fails, breaks off, and the program is killed amid a long file: what was sent is not sent again."""
    bucket = Bucket()
    try:
        blocks = big_block(build, work)
        big = max(blocks, key=lambda b: (b / "chunks" / "000001").stat().st_size)
        equal((big / "chunks" / "000001").stat().st_size > 2 * 5242880, True, "a file of three parts")
        counts = {"faults": 0}

        def refuse(method, name, query):
            # The first part and the index fail once; the third part of the big file always does, until the program was killed.
            if method == "PUT" and query.get("partNumber") == "3" and big.name in name and "killed" not in counts:
                counts["third"] = counts.get("third", 0) + 1
                return "drop" if counts["third"] % 2 else 503
            what = (name, str(query.get("partNumber")))
            if method == "PUT" and (what[1] == "1" or name.endswith("/index")) and what not in counts:
                counts[what] = 1
                counts["faults"] += 1
                return 503 if counts["faults"] % 2 else "drop"
            return None

        bucket.refuse = refuse
        server = serve(build, work, bucket.config())
        wait_until("the third part was tried", lambda: counts.get("third", 0) >= 2, 120)
        contains(server.program.text(), "blocks cannot be uploaded; it is tried again", "log")
        server.stop(signal.SIGKILL)
        parts = [p for p in bucket.puts if p.startswith(f"{big.name}/chunks/000001#")]
        equal(parts, [f"{big.name}/chunks/000001#{n}" for n in (1, 2)], "parts before the kill")
        counts["killed"] = 1
        with serve(build, work, bucket.config()):
            wait_until("all blocks are uploaded", lambda: sorted(uploaded(work)) == [b.name for b in blocks], 180)
        equal(counts["faults"], 2, "faults")
        equal(sorted(set(bucket.puts)), sorted(bucket.puts), "each object and part was taken once")
        for block in blocks:
            check_block(block, lambda path, b=block: bucket.objects[f"{b.name}/{path}"])
    finally:
        bucket.stop()


def test_a_forgotten_upload_begins_anew(build, work):
    bucket = Bucket()
    try:
        blocks = big_block(build, work)
        state = {}

        def refuse(method, name, query):
            if method == "PUT" and query.get("partNumber") == "2" and "forgotten" not in state:
                state["forgotten"] = 1
                bucket.uploads.clear()
            return None

        bucket.refuse = refuse
        with serve(build, work, bucket.config()):
            wait_until("all blocks are uploaded", lambda: sorted(uploaded(work)) == [b.name for b in blocks], 120)
        for block in blocks:
            check_block(block, lambda path, b=block: bucket.objects[f"{b.name}/{path}"])
    finally:
        bucket.stop()


def test_a_directory_and_refusals(build, work):
    blocks = small_blocks(build, work)
    config = f"type: FILESYSTEM\nconfig: {{directory: '{work}/bucket'}}\n"
    with serve(build, work, config):
        wait_until("all blocks are uploaded", lambda: sorted(uploaded(work)) == [b.name for b in blocks])
    for block in blocks:
        check_block(block, lambda path, b=block: (work / "bucket" / b.name / path).read_bytes())
    bad = work / "bad.yml"
    bad.write_text("type: S3\nconfig: {bucket: b, endpoint: h, acces_key: x}\n")
    plain = work / "plain.yml"
    plain.write_text("scrape_configs: []\n")
    good = work / "a-objstore.yml"
    for flags, want in (([f"--config.file={work}/a.yml", f"--objstore.config-file={bad}"], "bad.yml:2:34: unknown key"),
                        ([f"--config.file={plain}", f"--objstore.config-file={good}"], "external_labels"),
                        ([f"--config.file={work}/a.yml", f"--objstore.config-file={good}", "--objstore.config=x"], "one of them is enough")):
        done = subprocess.run([build / "barograph", "serve", *flags, f"--storage.tsdb.path={work}/b-data", "--web.listen-address=127.0.0.1:0"],
                              capture_output=True, text=True, timeout=60)
        equal(done.returncode != 0, True, want)
        contains(done.stderr, want, "refusal")


def installed(build: pathlib.Path) -> pathlib.Path:
    """The folder in which s3rver is, installed by its lock file."""
    need("npm")
    need("node")
    where = build / "s3rver"
    where.mkdir(exist_ok=True)
    lock = (HERE / "s3rver" / "package-lock.json").read_text()
    done = where / "installed-lock.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "serve.js"):
        shutil.copyfile(HERE / "s3rver" / name, where / name)
    if not done.exists() or done.read_text() != lock:
        result = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=where, capture_output=True, text=True, timeout=180)
        if result.returncode != 0:
            raise Skip(f"npm could not install s3rver: {(result.stderr.strip().splitlines() or ['no reason'])[0][:200]}")
        done.write_text(lock)
    return where


def test_s3rver_takes_the_blocks(build, work):
    where = installed(build)
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    store = work / "store"
    store.mkdir()
    program = subprocess.Popen(["node", "serve.js", str(store), "blocks"], cwd=where, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "S3_KEY": key, "S3_SECRET": secret})
    try:
        port = int(program.stdout.readline())
        blocks = big_block(build, work)

        def config(with_key: str) -> str:
            return (f"type: S3\nconfig: {{bucket: blocks, endpoint: '127.0.0.1:{port}', access_key: {with_key}, secret_key: {secret},"
                    " insecure: true, part_size: 5242880}\n")

        with serve(build, work, config("other" + key)) as server:
            wait_until("another key is refused", lambda: "InvalidAccessKeyId" in server.program.text())
        equal(uploaded(work), [], "uploaded with another key")
        with serve(build, work, config(key)):
            wait_until("all blocks are uploaded", lambda: sorted(uploaded(work)) == [b.name for b in blocks], 120)
        for block in blocks:
            check_block(block, lambda path, b=block: (store / "blocks" / b.name / f"{path}._S3rver_object").read_bytes())
    finally:
        program.terminate()
        program.wait(30)


if __name__ == "__main__":
    main(globals())
