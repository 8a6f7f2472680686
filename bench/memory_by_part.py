#!/usr/bin/env python3
"""Memory of barograph under load, part by part: bytes per series of what the head and scraping count, beside what the kernel counts.

usage: memory_by_part.py BARO_BENCH PROGRAM [--targets N] [--series N] [--interval S] [--duration S] [--every S]

BARO_BENCH is the folder of the benchmark rig (farm.c, bench.py), PROGRAM the barograph binary.
"""

import argparse
import dataclasses
import importlib.util
import pathlib
import re
import sys
import tempfile
import time

PARTS = re.compile(r'^barograph_tsdb_head_memory_bytes\{part="(\w+)"\} (\S+)$', re.M)
CACHE = re.compile(r"^barograph_scrape_cache_bytes (\S+)$", re.M)


def rig_of(folder: pathlib.Path):
    """The rig as a module."""
    spec = importlib.util.spec_from_file_location("rig", folder / "bench.py")
    rig = importlib.util.module_from_spec(spec)
    sys.modules["rig"] = rig
    spec.loader.exec_module(rig)
    return rig


def parts_of(rig, server) -> dict[str, float]:
    text = rig.http_get(server.port, "/metrics")[1].decode()
    parts = {name: float(value) for name, value in PARTS.findall(text)}
    parts["scrape_cache"] = float(CACHE.search(text).group(1))
    return parts


def line(first: str, values: list[float]) -> None:
    print(f"{first:>6}" + "".join(f"{value:>9.0f}" for value in values), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rig", type=pathlib.Path)
    parser.add_argument("program")
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--interval", type=int, default=3)
    parser.add_argument("--duration", type=float, default=420)
    parser.add_argument("--every", type=float, default=15)
    parser.add_argument("--churn", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rig = rig_of(args.rig.resolve())
    system = next(s for s in rig.SYSTEMS if s.name == "barograph")
    system = dataclasses.replace(system, binary=args.program)
    series = args.targets * args.series
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        work = pathlib.Path(name)
        idle = rig.idle_memory(system, work, args.interval)
        farm = rig.Farm(work, args, args.duration + 120)
        config = rig.write_config(work / "farm.yml", farm.port, args.targets, args.interval)
        server = rig.Server(system, rig.fresh_dir(work / "data"), config, work / "log")
        server.wait_ready()
        begin, names, seen = time.monotonic(), None, []
        while time.monotonic() - begin < args.duration:
            time.sleep(args.every)
            parts, memory = parts_of(rig, server), server.memory()
            if names is None:
                names = list(parts)
                print(f"idle: {idle['rss'] / 2**20:.1f} MiB; bytes a series:\n     s" +
                      "".join(f"{n[:8]:>9}" for n in [*names, "counted", "rss", "anon", "samples"]))
            counted = sum(v for n, v in parts.items() if n != "free")
            rss = memory["rss"] - idle["rss"]
            seen.append(rss / series)
            line(f"{time.monotonic() - begin:.0f}", [v / series for v in [*(parts[n] for n in names), counted, rss,
                 memory["anonymous"] - idle["anonymous"]]] + [farm.stats()["samples_done"] / series])
        later = seen[len(seen) // 4:]
        print(f"resident a series less idle: mean {sum(later) / len(later):.0f}, most {max(seen):.0f}, last {seen[-1]:.0f}; "
              f"processor {server.cpu() / farm.stats()['samples_done'] * 1e6:.3f} us a sample")
        server.stop()
        farm.stop()


if __name__ == "__main__":
    main()
