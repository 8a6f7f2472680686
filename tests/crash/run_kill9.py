#!/usr/bin/env python3
"""kill -9 under load loses no committed scrape.

BAROGRAPH_KILLS sets how often (default 10). Each round: scrape targets that count their own scrapes, ask for the newest
count of every target, kill -9, start again on the same directory, and ask for the count at that time: a value that a
query has shown must be there, and every scrape before it.
"""

import http.server
import os
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, main, wait_until  # noqa: E402

TARGETS, SERIES, INTERVAL_S = 10, 200, 0.25


class Farm(http.server.ThreadingHTTPServer):
    """Targets /t/N/metrics: the number of the scrape in every series."""

    daemon_threads = True

    def __init__(self):
        self.counts = [0] * TARGETS
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A killed scraper resets its connections: that is the test."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        target = int(self.path.split("/")[2])
        self.server.counts[target] += 1
        value = self.server.counts[target]
        body = "".join(f'seq{{n="{n}"}} {value}\n' for n in range(SERIES)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_no_committed_scrape_is_lost(build, work):
    kills = int(os.environ.get("BAROGRAPH_KILLS", "10"))
    seed = int(os.environ.get("BAROGRAPH_SEED", str(time.time_ns() % 1_000_000)))
    print(f"seed {seed}, {kills} kills")
    rng = random.Random(seed)
    farm = Farm()
    config = f"global: {{scrape_interval: {int(INTERVAL_S * 1000)}ms, scrape_timeout: {int(INTERVAL_S * 1000)}ms}}\n" \
             "scrape_configs:\n  - job_name: farm\n    static_configs:\n"
    for n in range(TARGETS):
        config += f"      - targets: ['127.0.0.1:{farm.server_port}']\n" \
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
