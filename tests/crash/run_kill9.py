#!/usr/bin/env python3
"""kill -9 under load loses no committed scrape.

BAROGRAPH_KILLS sets how often (default 10). Each round: scrape targets that count their own scrapes, ask for the newest
count of every target, kill -9, start again on the same directory, and ask for the count at that time: a value that a
query has shown must be there, and every scrape before it.
"""

import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Site, Server, main, wait_until  # noqa: E402

TARGETS, SERIES, INTERVAL_S = 10, 200, 0.25


class Farm(Site):
    """Targets /t/N/metrics: the number of the scrape in every series."""

    def __init__(self):
        self.counts = [0] * TARGETS
        super().__init__()

    def text(self, path: str) -> str:
        target = int(path.split("/")[2])
        self.counts[target] += 1
        return "".join(f'seq{{n="{n}"}} {self.counts[target]}\n' for n in range(SERIES))


def test_no_committed_scrape_is_lost(build, work):
    kills = int(os.environ.get("BAROGRAPH_KILLS", "10"))
    seed = int(os.environ.get("BAROGRAPH_SEED", str(time.time_ns() % 1_000_000)))
    print(f"seed {seed}, {kills} kills")
    rng = random.Random(seed)
    farm = Farm()
    config = f"global: {{scrape_interval: {int(INTERVAL_S * 1000)}ms, scrape_timeout: {int(INTERVAL_S * 1000)}ms}}\n" \
             "scrape_configs:\n  - job_name: farm\n    static_configs:\n"
    for n in range(TARGETS):
        config += f"      - targets: ['{farm.address}']\n" \
                  f"        labels: {{instance: 't{n}', __metrics_path__: '/t/{n}/metrics'}}\n"
    for n in range(kills):
        server = Server(str(build / "barograph"), work, config, name="killed", keep_data=n > 0)
        try:
            server.wait_ready()
            wait_until("every target was scraped", lambda: len(server.query("max by (instance) (seq)")) == TARGETS)
            time.sleep(rng.random())
            at = time.time()
            shown = server.query("seq", at)
            totals = server.query("sum(count_over_time(seq[1d]))", at)
        finally:
            server.stop(signal.SIGKILL)
        again = Server(str(build / "barograph"), work, "global: {}\n", name="killed", keep_data=True)
        try:
            again.wait_ready()
            kept = again.query("seq", at)
            kept_totals = again.query("sum(count_over_time(seq[1d]))", at)
        finally:
            again.stop()
        lost = {k: v for k, v in shown.items() if kept.get(k, -1) < v}
        if lost or kept_totals.get((), 0) < totals.get((), 0):
            raise AssertionError(f"round {n}, seed {seed}: {len(lost)} series lost what was shown; "
                                 f"{totals} samples before, {kept_totals} after")


if __name__ == "__main__":
    main(globals())
