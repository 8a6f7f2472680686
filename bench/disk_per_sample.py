#!/usr/bin/env python3
"""Disk per sample after compaction: Debian's prometheus takes six hours of samples by remote write and is stopped; copies of its
directory are opened by prometheus and by barograph, which write blocks of the same samples from the same write-ahead log. Then the
bytes of chunks and index are compared. A second round merges: both get three days of small blocks and make large ones of them.

Usage: bench/disk_per_sample.py BUILD [SERIES]
"""

import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from barotest import Program, free_port, wait_until  # noqa: E402

HOURS, STEP_S = 7, 15
BEGIN = 1700006400  # a multiple of two hours


def varint(n: int) -> bytes:
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def snappy(data: bytes) -> bytes:
    """Literals alone: as good as any to who unpacks it."""
    out = bytearray(varint(len(data)))
    for i in range(0, len(data), 65536):
        part = data[i:i + 65536]
        out += bytes([61 << 2]) + (len(part) - 1).to_bytes(2, "little") + part
    return bytes(out)


def values(i: int, rng: random.Random):
    """A fifth each of: counters that rise evenly, counters that rise at random, gauges, whole gauges, constants."""
    v = float(rng.randrange(1000))
    while True:
        yield v
        kind = i % 5
        v = (v + 15 if kind == 0 else v + rng.randrange(0, 40) if kind == 1 else 50 + 20 * math.sin(v) + rng.random() if kind == 2
             else float(rng.randrange(0, 30)) if kind == 3 else v)


def push(port: int, series: int) -> None:
    import struct
    rng = random.Random(1)
    labels = [b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(
        {"__name__": f"bench_metric_{i % 97}_total", "code": str(200 + i % 5), "instance": f"10.0.{i % 20}.1:9100", "job": "bench",
         "path": f"/api/v1/{i // 97}"}.items())) for i in range(series)]
    streams = [values(i, rng) for i in range(series)]
    for k in range(HOURS * 3600 // STEP_S):
        t = (BEGIN + k * STEP_S) * 1000
        body = b"".join(field(1, labels[i] + field(2, b"\x09" + struct.pack("<d", next(streams[i])) + b"\x10" + varint(t + i % 7)))
                        for i in range(series))
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/write", snappy(body), {
            "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"})
        urllib.request.urlopen(request, timeout=60).read()


def start(binary: str, work: pathlib.Path, data: pathlib.Path, name: str, *flags: str) -> tuple[Program, int]:
    config, port = work / "empty.yml", free_port()
    config.write_text("global: {scrape_interval: 1h}\nscrape_configs: []\n")
    program = Program([binary, f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}",
                       "--storage.tsdb.retention.time=100y", *flags], work / f"{name}.log")

    def ready() -> bool:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).status == 200
        except OSError:
            return False

    wait_until(f"{name} is ready", ready, 120)
    return program, port


def sizes(data: pathlib.Path) -> dict:
    total = {"blocks": 0, "samples": 0, "chunks": 0, "index": 0, "chunk_count": 0}
    for block in data.iterdir():
        if (block / "meta.json").exists():
            stats = json.loads((block / "meta.json").read_text())["stats"]
            total["blocks"] += 1
            total["samples"] += stats["numSamples"]
            total["chunk_count"] += stats["numChunks"]
            total["chunks"] += sum(p.stat().st_size for p in (block / "chunks").iterdir())
            total["index"] += (block / "index").stat().st_size
    return total


def settle(data: pathlib.Path, least: int, most: int) -> dict:
    """Waits until the blocks have been the same for ten seconds."""
    before, since = None, time.monotonic()
    end = since + 300
    while time.monotonic() < end:
        now = sizes(data)
        if now != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > 10 and least <= now["blocks"] <= most:
            return now
        time.sleep(0.5)
    raise RuntimeError(f"{data}: {sizes(data)}")


def show(title: str, results: dict[str, dict]) -> None:
    print(f"\n{title}\n{'':12} {'blocks':>7} {'samples':>10} {'chunk B/sample':>15} {'index bytes':>15} {'all B/sample':>13}")
    for name, got in results.items():
        print(f"{name:12} {got['blocks']:>7} {got['samples']:>10} {got['chunks'] / got['samples']:>15.4f} {got['index']:>15} "
              f"{(got['chunks'] + got['index']) / got['samples']:>13.4f}")
    ours, theirs = results["barograph"], results["prometheus"]
    print("ratio: chunks %.4f, index %.4f, all %.4f" % (
        ours["chunks"] / ours["samples"] / (theirs["chunks"] / theirs["samples"]), ours["index"] / theirs["index"],
        (ours["chunks"] + ours["index"]) / ours["samples"] / ((theirs["chunks"] + theirs["index"]) / theirs["samples"])))


def main() -> None:
    build, series = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500
    work = pathlib.Path(tempfile.mkdtemp(prefix="barograph-disk-"))
    programs = {"prometheus": "prometheus", "barograph": str(build / "barograph")}
    try:
        source = work / "source"
        program, port = start("prometheus", work, source, "source", "--web.enable-remote-write-receiver",
                              "--storage.tsdb.min-block-duration=48h", "--storage.tsdb.max-block-duration=48h")
        push(port, series)
        program.stop()
        results = {}
        for name, binary in programs.items():
            shutil.copytree(source, work / name)
            program, _ = start(binary, work, work / name, name)
            results[name] = settle(work / name, 2, 3)
            program.stop()
        show(f"From the head: {series} series, {HOURS} h, a sample each {STEP_S} s", results)
        small = work / "small"
        text = work / "in.om"
        rng = random.Random(2)
        with text.open("w") as out:
            for i in range(series // 5):
                stream = values(i, rng)
                out.writelines(f'm{{i="{i}"}} {next(stream)} {BEGIN + k * 30}\n' for k in range(3 * 86400 // 30))
            out.write("# EOF\n")
        subprocess.run([programs["barograph"], "tsdb", "create-blocks-from", "openmetrics", str(text), str(small)], check=True,
                       capture_output=True)
        results = {"before": sizes(small)}
        for name, binary in programs.items():
            shutil.copytree(small, work / f"{name}-merge")
            program, _ = start(binary, work, work / f"{name}-merge", f"{name}-merge")
            results[name] = settle(work / f"{name}-merge", 1, 12)
            program.stop()
        show(f"Merged: {series // 5} series, three days, a sample each 30 s", results)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
