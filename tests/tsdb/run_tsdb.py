#!/usr/bin/env python3
"""The data directory beside the programs that define it: Debian's prometheus starts on what barograph wrote and the other
way round, promtool lists and reads our blocks, and both answer alike.

Blocks of four seconds (--storage.tsdb.min-block-duration) make in a minute what takes a day otherwise.

Usage: tests/tsdb/run_tsdb.py BUILD [NAME...]
"""

import concurrent.futures
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import barotest  # noqa: E402
from barotest import Server, contains, equal, main, need, wait_until  # noqa: E402

BLOCK_S = 4
BLOCKS = (f"--storage.tsdb.min-block-duration={BLOCK_S}s", f"--storage.tsdb.max-block-duration={BLOCK_S}s")
KEEP = "--storage.tsdb.retention.time=10y"


class Target(barotest.Site):
    """A target whose samples are a function of the time: ten series that stay, three that come and go."""

    def __init__(self):
        self.begin = time.time()
        super().__init__()

    def text(self, path: str) -> str:
        age = time.time() - self.begin
        lines = ["# TYPE work_total counter"]
        lines += [f'work_total{{shard="{i}"}} {int(age * (i + 1) * 10)}' for i in range(10)]
        lines += [f'pod_info{{pod="pod-{int(age / 7)}-{i}"}} 1' for i in range(3)]
        return "\n".join(lines) + "\n"


QUIET = "global: {scrape_interval: 1h}\nscrape_configs: []\n"


def blocks_of(data: pathlib.Path) -> list[dict]:
    return [json.loads((p / "meta.json").read_text()) for p in sorted(data.iterdir()) if (p / "meta.json").exists()]


def samples_of(server: Server, end: float, seconds: int) -> dict:
    """Every raw sample of the last `seconds`: {labels: [(t, v), ...]}."""
    data = server.api("query", query=f'{{job="t"}}[{seconds}s]', time=end)
    return {tuple(sorted(row["metric"].items())): [tuple(v) for v in row["values"]] for row in data["result"]}


def compare_raw(a: dict, b: dict, what: str) -> None:
    equal(sorted(a), sorted(b), f"{what}: series")
    for key in a:
        equal(len(a[key]), len(b[key]), f"{what}: samples of {key}")
        equal(a[key], b[key], f"{what}: {key}")


def scrape_for(server: Server, seconds: float, blocks: int = 0) -> None:
    """Lets it scrape, and waits until it has written so many blocks."""
    time.sleep(seconds)
    if blocks:
        wait_until("blocks are written", lambda: len(blocks_of(server.data)) >= blocks, 60)


def run(binary: str, work: pathlib.Path, config: str, *flags: str, name: str, keep: bool = True) -> Server:
    server = Server(binary, work, config, KEEP, *flags, name=name, keep_data=keep)
    server.wait_ready()
    return server


def has_full_chunks(data: pathlib.Path) -> bool:
    """chunks_head/ has a file with a chunk: a ref that is not zero behind the header."""
    return any(len(head := path.read_bytes()[:16]) == 16 and any(head[8:]) for path in (data / "chunks_head").glob("0*"))


def believes_chunks(server: Server) -> None:
    """The program has taken the files of full chunks as they are."""
    text = server.get("/metrics")[2].decode()
    equal([line for line in text.splitlines() if line.startswith("prometheus_tsdb_mmap_chunk_corruptions_total")],
          ["prometheus_tsdb_mmap_chunk_corruptions_total 0"], f"{server.program.log.name}: damage in chunks_head")


def check_promtool(data: pathlib.Path) -> None:
    """promtool reads every block without complaint, and its sums are those of meta.json."""
    promtool = need("promtool")
    listed = subprocess.run([promtool, "tsdb", "list", str(data)], capture_output=True, text=True, check=True)
    for meta in blocks_of(data):
        stats = meta["stats"]
        line = next(line for line in listed.stdout.splitlines() if line.startswith(meta["ulid"]))
        equal([int(n) for n in line.split()[-4:-1]], [stats["numSamples"], stats["numChunks"], stats["numSeries"]], line)
        done = subprocess.run([promtool, "tsdb", "analyze", str(data), meta["ulid"]], capture_output=True, text=True)
        equal(done.returncode, 0, f"promtool tsdb analyze: {done.stderr}")
    dumped = subprocess.run([promtool, "tsdb", "dump", str(data)], capture_output=True, text=True)
    equal(dumped.returncode, 0, f"promtool tsdb dump: {dumped.stderr[-500:]}")


def there_and_back(build: pathlib.Path, work: pathlib.Path, first: str, second: str, how: int, *flags: str) -> None:
    """`first` writes, ends by the signal; a copy of its directory is opened by both; then `second` goes on with it."""
    target = Target()
    try:
        writer = run(first, work, target.config("100ms"), *flags, name="a", keep=False)
        scrape_for(writer, BLOCK_S * 2.6, 1)
        wait_until("full chunks are in files", lambda: has_full_chunks(writer.data), 60)
        end = time.time()
        before = samples_of(writer, end, 60)
        writer.stop(how)
        shutil.rmtree(work / "b-data", ignore_errors=True)
        shutil.copytree(writer.data, work / "b-data")
        again = run(first, work, QUIET, *flags, name="a")
        other = run(second, work, QUIET, *flags, name="b")
        believes_chunks(again)
        believes_chunks(other)
        ours, theirs = samples_of(again, end, 60), samples_of(other, end, 60)
        compare_raw(ours, theirs, "the same directory")
        # What was seen before the end is there after it (a staleness marker may follow).
        for key, values in before.items():
            equal(theirs[key][:len(values)], values, f"{key} after the change of programs")
        for path in ("labels", "label/pod/values", "series"):
            params = {"match[]": '{job="t"}', "start": end - 60, "end": end}
            equal(sorted(map(str, other.api(path, **params))), sorted(map(str, again.api(path, **params))), path)
        again.stop()
        other.stop()
        follower = run(second, work, target.config("100ms"), *flags, name="b")
        scrape_for(follower, BLOCK_S * 1.8)
        final = samples_of(follower, end, 60)
        for key, values in before.items():
            equal(final[key][:len(values)], values, f"{key} after the other program went on")
        end = time.time()
        seen = samples_of(follower, end, 90)
        follower.stop()
        # And back: what the first program kept for itself must not hide what the other one did.
        back = run(first, work, QUIET, *flags, name="b")
        believes_chunks(back)
        found = samples_of(back, end, 90)
        for key, values in seen.items():
            equal(found[key][:len(values)], values, f"{key} after the way back")
        back.stop()
        check_promtool(work / "a-data")
        check_promtool(work / "b-data")
    finally:
        target.stop()


def admin_api(build: pathlib.Path, work: pathlib.Path) -> None:
    """Deleting, cleaning and snapshots by HTTP; the snapshot opens in Prometheus, tombstones included."""
    target = Target()
    admin = ("--web.enable-admin-api", *BLOCKS)
    try:
        ours = run(str(build / "barograph"), work, target.config("100ms"), *admin, name="a", keep=False)
        off = run(str(build / "barograph"), work, QUIET, name="off", keep=False)
        scrape_for(ours, BLOCK_S * 2, 1)
        end = time.time()
        before = samples_of(ours, end, 60)
        equal(off.get("/api/v1/admin/tsdb/snapshot", method="POST")[0], 500, "without the flag")  # as Prometheus answers
        equal(ours.get("/api/v1/admin/tsdb/delete_series", method="POST")[0], 400, "without match[]")
        equal(ours.get("/api/v1/admin/tsdb/delete_series?match[]={", method="POST")[0], 400, "a wrong selector")
        path = "/api/v1/admin/tsdb/delete_series?match[]=work_total{shard%3D~%22[0-4]%22}&end=" + str(end)
        status, _, body = ours.get(path, method="POST")
        equal((status, body), (204, b""), "deletion")
        left = samples_of(ours, end, 60)
        equal(sorted(left), sorted(k for k in before if not any(n == "shard" and v in "01234" for n, v in k)), "series")
        status, _, body = ours.get("/api/v1/admin/tsdb/snapshot", method="PUT")
        equal(status, 200, f"snapshot: {body!r}")
        name = json.loads(body)["data"]["name"]
        shutil.copytree(ours.data / "snapshots" / name, work / "p-data")
        listed = ours.api("status/tsdb/blocks")["blocks"]
        equal(sorted(b["ulid"] for b in listed), sorted(b["ulid"] for b in blocks_of(ours.data)), "listed blocks")
        theirs = run(need("prometheus"), work, QUIET, *BLOCKS, name="p")
        compare_raw(samples_of(theirs, end, 60), left, "the snapshot in Prometheus")
        theirs.stop()
        equal(ours.get("/api/v1/admin/tsdb/clean_tombstones", method="POST")[0], 204, "cleaning")
        equal([b["stats"].get("numTombstones", 0) for b in blocks_of(ours.data)], [0] * len(blocks_of(ours.data)), "tombstones")
        compare_raw(samples_of(ours, end, 60), left, "after cleaning")
        ours.stop()
        off.stop()
        # The write-ahead log and its tombstones, replayed by the other program.
        shutil.copytree(ours.data, work / "w-data")
        theirs = run(need("prometheus"), work, QUIET, *BLOCKS, name="w")
        compare_raw(samples_of(theirs, end, 60), left, "the directory in Prometheus")
        theirs.stop()
    finally:
        target.stop()


def test_both_programs_open_the_other_ones(build, work):
    """barograph's directory in Prometheus and the other way round, after a clean stop and after a kill, and what an
    administrator asks: all at once, since each of them waits most of the time."""
    ours, theirs = str(build / "barograph"), need("prometheus")
    cases = {"ours": (ours, theirs, signal.SIGTERM), "ours-killed": (ours, theirs, signal.SIGKILL),
             "theirs": (theirs, ours, signal.SIGTERM), "theirs-killed": (theirs, ours, signal.SIGKILL)}

    def one(name: str) -> None:
        (work / name).mkdir()
        try:
            if name == "admin":
                admin_api(build, work / name)
            else:
                there_and_back(build, work / name, *cases[name], *BLOCKS)
        except Exception as error:
            logs = [f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in (work / name).glob("*.log")]
            raise RuntimeError("\n".join([f"{name}: {error}", *logs])) from error

    with concurrent.futures.ThreadPoolExecutor(len(cases) + 1) as pool:
        for done in [pool.submit(one, name) for name in (*cases, "admin")]:
            done.result()


def test_commands_say_what_promtool_says(build, work):
    """tsdb create-blocks-from, list, dump and verify on the same text and the same directories as promtool."""
    ours, promtool = str(build / "barograph"), need("promtool")
    text = work / "in.om"
    values = [lambda k: k, lambda k: k * 1.5e7, lambda k: -k / 3, lambda k: 1e21 * k, lambda k: "NaN" if k % 7 == 0 else k * 0.1]
    with text.open("w") as out:
        for i in range(20):
            for k in range(400):
                out.write(f'm_{i % 3}{{i="{i}",q="a\\"b\\\\c\\nd"}} {values[i % 5](k)} {1700000000 + k * 30}\n')
        out.write("# EOF\n")
    def lines(*command: str) -> list[str]:
        done = subprocess.run(command, capture_output=True, text=True)
        equal(done.returncode, 0, f"{command}: {done.stderr[-500:]}")
        return done.stdout.splitlines()
    made = [lines(program, "tsdb", "create-blocks-from", "openmetrics", *quiet, str(text), str(work / out))
            for program, quiet, out in ((ours, [], "ours"), (promtool, [], "theirs"), (ours, ["-q"], "quiet"))]
    # Chunks and bytes may differ: chunks end at 1 KiB, as in later versions of Prometheus.
    equal([line.split()[1:5] for line in made[0]], [line.split()[1:5] for line in made[1]], "blocks that were made")
    equal(made[2], [], "-q")
    dumps = []
    for name in ("ours", "theirs"):
        data = str(work / name)
        (work / name / "wal").mkdir(exist_ok=True)
        equal([line.rstrip() for line in lines(ours, "tsdb", "list", data)],
              [line.rstrip() for line in lines(promtool, "tsdb", "list", data)], f"list of {name}")
        dumps.append(sorted(lines(ours, "tsdb", "dump", data)))
        for got, want in zip(dumps[-1], sorted(lines(promtool, "tsdb", "dump", data)), strict=True):
            equal(got, want, f"dump of {name}")
        equal(lines(ours, "tsdb", "verify", data)[-1], "2 of 2 blocks are good", "verify")
        equal([line.rstrip() for line in lines(ours, "tsdb", "list", "-r", data)],
              [line.rstrip() for line in lines(promtool, "tsdb", "list", "-r", data)], f"list -r of {name}")
        # Rows of equal rank come in no order there; our lines on chunks and samples are more.
        def sections(text: list[str]) -> list[list[str]]:
            more = ("Chunks: ", "Samples: ", "Bytes per sample: ")
            return [sorted(part.split("\n")) for part in
                    "\n".join(line.rstrip() for line in text if not line.startswith(more)).split("\n\n")]
        equal(sections(lines(ours, "tsdb", "analyze", "--extended", "--limit=100", data)),
              sections(lines(promtool, "tsdb", "analyze", "--extended", "--limit=100", data)), f"analyze of {name}")
    equal(dumps[0] == dumps[1], True, "both directories")
    equal(len(dumps[0]), 8000, "samples")
    (work / "again.om").write_text("\n".join(lines(ours, "tsdb", "dump-openmetrics", str(work / "ours"))) + "\n")
    lines(ours, "tsdb", "create-blocks-from", "openmetrics", str(work / "again.om"), str(work / "again"))
    equal(sorted(lines(ours, "tsdb", "dump", str(work / "again"))) == dumps[0], True, "there and back")
    chunks = sorted((work / "ours").glob("*/chunks/000001"))[0]
    raw = bytearray(chunks.read_bytes())
    raw[200] ^= 1
    chunks.write_bytes(raw)
    done = subprocess.run([ours, "tsdb", "verify", str(work / "ours")], capture_output=True, text=True)
    equal(done.returncode, 1, "verify of a damaged block")
    contains(done.stdout, "DAMAGED", "verify")
    # A single flipped bit is found by the checksum and put back: nothing is lost, and promtool reads what was made.
    before = chunks.parent.parent.name
    contains("\n".join(lines(ours, "tsdb", "verify", "--repair", str(work / "ours"))), f"{before}: repaired", "repair")
    equal((work / "ours" / "damaged" / before / "chunks" / "000001").read_bytes() == bytes(raw), True, "it is set aside as it was")
    equal(lines(ours, "tsdb", "verify", str(work / "ours"))[-1], "2 of 2 blocks are good", "verify after the repair")
    left = sorted(lines(promtool, "tsdb", "dump", str(work / "ours")))
    equal((len(left), [line for line in left if line not in set(dumps[0])][:3]), (8000, []), "samples after the repair")
    # A whole chunk overwritten: the others of the block serve on.
    chunks = sorted((work / "ours").glob("0*/chunks/000001"))[0]
    raw = bytearray(chunks.read_bytes())
    raw[100:160] = bytes(60)
    chunks.write_bytes(raw)
    contains("\n".join(lines(ours, "tsdb", "verify", "--repair", str(work / "ours"))), "1 chunks", "repair of a lost chunk")
    left = lines(promtool, "tsdb", "dump", str(work / "ours"))
    equal(set(left) <= set(dumps[0]) and 7500 <= len(left) < 8000, True, f"{len(left)} samples are left")
    text.write_text('m 1\n# EOF\n')
    done = subprocess.run([ours, "tsdb", "create-blocks-from", "openmetrics", str(text), str(work / "x")], capture_output=True, text=True)
    equal((done.returncode, "expected timestamp" in done.stderr), (1, True), "a sample without a time")


def test_backfilled_blocks_are_served_by_a_running_server(build, work):
    """What promtool makes of an OpenMetrics text is moved into the directory of a server that runs."""
    text = work / "old.om"
    text.write_text("".join(f"old {k} {1700000000 + k * 60}\n" for k in range(200)) + "# EOF\n")
    subprocess.run([need("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(work / "made")], check=True, capture_output=True)
    with Server(str(build / "barograph"), work, "global: {}\n", KEEP, name="backfill") as server:
        server.wait_ready()
        query = dict(query="count_over_time(old[4h])", time=1700000000 + 200 * 60)
        equal(server.api("query", **query)["result"], [], "before")
        for block in (work / "made").iterdir():
            shutil.move(block, server.data / block.name)
        wait_until("all samples", lambda: [row["value"][1] for row in server.api("query", **query)["result"]] == ["200"], 60, 0.5)


if __name__ == "__main__":
    main(globals())
