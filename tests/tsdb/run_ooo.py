#!/usr/bin/env python3
"""Samples out of order beside Debian's prometheus: each opens what the other one took out of order, wbl/ and blocks included,
after a clean stop and after a kill.

Usage: tests/tsdb/run_ooo.py BUILD [NAME...]
"""

import concurrent.futures
import pathlib
import random
import shutil
import signal
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "tsdb")]
from barotest import Site, Server, equal, main, need, wait_until  # noqa: E402
from protobuf import varint_read  # noqa: E402
from run_tsdb import BLOCKS, KEEP, blocks_of, check_promtool, compare_raw, samples_of  # noqa: E402

WINDOW = "storage: {tsdb: {out_of_order_time_window: 30s}}\n"
# Longer than the longest test: on a busy machine each step may take a minute.
LIFE_S, WAIT_S = 900, 180
QUIET = "global: {scrape_interval: 1h}\nscrape_configs: []\n" + WINDOW


class Target(Site):
    """Series whose samples say when they were taken: two in three come late, up to nine seconds."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.seen: dict[int, dict[int, float]] = {i: {} for i in range(5)}
        self.turn = 0
        self.begin_ms = int(time.time() * 1000)

        super().__init__()

    def text(self, path: str) -> str:
        self.turn += 1
        lines = []
        for i, seen in self.seen.items():
            t = int(time.time() * 1000)
            if self.turn % 3:
                t = max(self.begin_ms, t - self.random.randrange(9000))
            while t in seen:
                t += 1
            seen[t] = self.turn * 10 + i
            lines.append(f'o{{i="{i}"}} {seen[t]} {t}')
        return "\n".join(lines) + "\n"

    def config(self, interval: str = "200ms") -> str:
        return super().config(interval) + WINDOW


def run(binary: str, work: pathlib.Path, text: str, *, name: str, keep: bool = True) -> Server:
    server = Server(binary, work, text, KEEP, *BLOCKS, name=name, keep_data=keep)
    server.wait_ready()
    return server


def only(samples: dict) -> dict:
    """Without the series of the scrape itself, which get a stale marker when it ends."""
    return {key: values for key, values in samples.items() if ("__name__", "o") in key}


def has_all(found: dict, before: dict, what: str) -> None:
    for key, values in before.items():
        missing = set(values) - set(found.get(key, ()))
        equal(sorted(missing), [], f"{what}: {key}")


def there_and_back(work: pathlib.Path, first: str, second: str, how: int) -> int:
    target = Target(len(first) + how)
    try:
        writer = run(first, work, target.config(), name="a", keep=False)
        wait_until("two blocks", lambda: target.turn >= 50 and len(blocks_of(writer.data)) >= 2, WAIT_S)
        end = time.time()
        before = only(samples_of(writer, end, LIFE_S))
        # Scrapes that took too long, which a busy machine has, leave no samples.
        scrapes = next(iter(writer.query(f'sum_over_time(up{{job="t"}}[{LIFE_S}s])', end).values()))
        writer.stop(how)
        # What was scraped, and nothing else; late ones are most of it.
        for key, values in before.items():
            seen = target.seen[int(dict(key)["i"])]
            equal([v for t, v in values if seen.get(round(float(t) * 1000)) != float(v)], [], f"values of {key}")
            assert len(values) >= 0.3 * scrapes, (key, len(values), scrapes)
        shutil.copytree(writer.data, work / "b-data")
        again, other = run(first, work, QUIET, name="a"), run(second, work, QUIET, name="b")
        found, by_other = only(samples_of(again, end, LIFE_S)), only(samples_of(other, end, LIFE_S))
        if first.endswith("prometheus"):
            # 2.42 may itself lose some of what it took out of order when it is killed; we find them.
            has_all(by_other, found, "the same directory")
        else:
            compare_raw(found, by_other, "the same directory")
        has_all(by_other, before, "after the change of programs")
        again.stop()
        other.stop()
        begin, made = target.turn, len(blocks_of(work / "b-data"))
        follower = run(second, work, target.config(), name="b")
        wait_until("another block", lambda: target.turn >= begin + 25 and len(blocks_of(follower.data)) > made, WAIT_S)
        end = time.time()
        seen = only(samples_of(follower, end, LIFE_S))
        has_all(seen, before, "after the other program went on")
        follower.stop(how)
        if second.endswith("prometheus"):
            # 2.42 itself may lose what is in order when it starts again: it merges blocks of late samples into one that passes
            # for the end of what is in order. What it finds then is what there is.
            shutil.copytree(follower.data, work / "c-data")
            again = run(second, work, QUIET, name="c")
            seen = only(samples_of(again, end, LIFE_S))
            again.stop()
        back = run(first, work, QUIET, name="b")
        has_all(only(samples_of(back, end, LIFE_S)), seen, "after the way back")
        back.stop()
        check_promtool(work / "a-data")
        check_promtool(work / "b-data")
        return sum(len(values) for values in seen.values())
    finally:
        target.stop()


class Flood(Target):
    """A dozen late samples of each series at every scrape, so that chunks of them are full within seconds."""

    def text(self, path: str) -> str:
        return "".join(super(Flood, self).text(path) for _ in range(12))


def late_chunks(data: pathlib.Path) -> int:
    """Chunks out of order in chunks_head: reference, two times, and an encoding with its highest bit set."""
    count = 0
    for path in sorted((data / "chunks_head").glob("0*")):
        raw, at = path.read_bytes(), 8
        while at + 26 < len(raw) and raw[at:at + 8] != bytes(8):
            count += raw[at + 24] >> 7
            size, at = varint_read(raw, at + 25)
            at += size + 4
    return count


def markers(data: pathlib.Path) -> int:
    """Markers in the WBL, which is not packed."""
    count = 0
    for path in sorted((data / "wbl").glob("0*")):
        raw, at = path.read_bytes(), 0
        while at + 7 <= len(raw):
            kind, size = raw[at], int.from_bytes(raw[at + 1:at + 3], "big")
            if kind == 0:  # the rest of the page
                at += 32768 - at % 32768
                continue
            count += kind in (1, 2) and raw[at + 7] == 5
            at += 7 + size
    return count


def marked(work: pathlib.Path, first: str, second: str, how: int) -> int:
    """What one program has put into chunks_head and named in the WBL, the other one finds."""
    target, plain = Flood(7), (KEEP, "--no-storage.tsdb.wal-compression")
    try:
        writer = Server(first, work, target.config(), *plain, name="a")
        writer.wait_ready()
        # 2.42 keeps the chunks in a buffer for long, and writes a marker at each commit.
        wanted = 24 if first.endswith("prometheus") else 1
        wait_until("markers", lambda: markers(writer.data) >= wanted, WAIT_S)
        turn = target.turn
        wait_until("samples behind them", lambda: target.turn > turn + 24, WAIT_S)
        if wanted == 1:
            wait_until("chunks", lambda: late_chunks(writer.data) >= 10, WAIT_S)
        end = time.time()
        before = only(samples_of(writer, end, LIFE_S))
        writer.stop(how)
        found = late_chunks(writer.data)
        assert found >= 10, (first, how, found)
        for key, values in before.items():
            seen = target.seen[int(dict(key)["i"])]
            equal([v for t, v in values if seen.get(round(float(t) * 1000)) != float(v)], [], f"values of {key}")
        shutil.copytree(writer.data, work / "b-data")
        for name, binary in (("a", first), ("b", second)):
            again = Server(binary, work, QUIET, *plain, name=name, keep_data=True)
            again.wait_ready()
            has_all(only(samples_of(again, end, LIFE_S)), before, name)
            again.stop()
        check_promtool(work / "b-data")
        return sum(len(values) for values in before.values())
    finally:
        target.stop()


def test_full_chunks_of_what_is_late(build, work):
    ours, theirs = str(build / "barograph"), need("prometheus")
    cases = {"ours-killed": (ours, theirs, signal.SIGKILL), "theirs": (theirs, ours, signal.SIGTERM)}

    def one(name: str) -> int:
        (work / name).mkdir()
        return marked(work / name, *cases[name])

    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        print(f"    {list(pool.map(one, cases))} samples")


def test_both_programs_take_and_open_what_is_late(build, work):
    ours, theirs = str(build / "barograph"), need("prometheus")
    cases = {"ours": (ours, theirs, signal.SIGTERM), "ours-killed": (ours, theirs, signal.SIGKILL),
             "theirs": (theirs, ours, signal.SIGTERM), "theirs-killed": (theirs, ours, signal.SIGKILL)}

    def one(name: str) -> int:
        (work / name).mkdir()
        try:
            return there_and_back(work / name, *cases[name])
        except Exception as error:
            logs = [f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in (work / name).glob("*.log")]
            blocks = [str((b["minTime"], b["maxTime"], b["compaction"], b["stats"]["numSamples"])) for b in blocks_of(work / name / "b-data")]
            raise RuntimeError("\n".join([f"{name}: {error}", *blocks, *logs])) from error

    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        counts = list(pool.map(one, cases))
    print(f"    {counts} samples")


if __name__ == "__main__":
    main(globals())
