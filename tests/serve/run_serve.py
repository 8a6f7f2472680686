#!/usr/bin/env python3
"""barograph serve against real programs: the node exporter, Prometheus, and itself."""

import json
import pathlib
import signal
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, Server, contains, equal, free_port, main, need, wait_until  # noqa: E402

COMPARED_MOST = 5  # times
CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  external_labels: {{region: test}}
scrape_configs:
  - job_name: self
    static_configs: [{{targets: ["127.0.0.1:{self}"]}}]
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{node}"], labels: {{rack: r1}}}}]
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{prometheus}"]}}]
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: "go_.*", action: drop}}
  - job_name: gone
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
"""


def test_first_start_needs_no_configuration(build, work):
    """The embedded default watches the server itself and this host."""
    port = free_port()
    program = Program([str(build / "barograph"), f"--storage.tsdb.path={work}/data",
                       f"--web.listen-address=127.0.0.1:{port}"], work / "default.log", cwd=work)
    server = Server.__new__(Server)
    server.port, server.program = port, program
    try:
        server.wait_ready()
        wait_until("two healthy targets", lambda: sorted(server.query("up").values()) == [1, 1], 40)
        assert server.query("node_load1"), "this host has a load"
        assert server.query("node_memory_MemTotal_bytes > 0")
        contains(server.get("/")[2].decode(), "<html", "the first page")
    finally:
        equal(program.stop(), 0, "exit status after SIGTERM")


def test_same_answers_as_prometheus_on_the_same_targets(build, work):
    """Both scrape the node exporter and Prometheus; what does not depend on the scrape instant is equal."""
    node_port, prometheus_port, own_port = free_port(), free_port(), free_port()
    node = Program([need("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node_port}"], work / "node.log")
    config = CONFIG.format(node=node_port, prometheus=prometheus_port, self=own_port)
    try:
        with Server(need("prometheus"), work, config, name="prometheus", port=prometheus_port) as prometheus, \
                Server(str(build / "barograph"), work, config, name="barograph", port=own_port) as barograph:
            prometheus.wait_ready()
            barograph.wait_ready()
            for server in (prometheus, barograph):
                wait_until("three targets are up", lambda s=server: sum(s.query("up").values()) == 3, 40)
            time.sleep(3)
            alike_within(COMPARED_MOST, prometheus, barograph)
            equal(barograph.stop(), 0, "exit status")
    finally:
        node.stop()


def alike_within(times, prometheus, barograph):
    """On a busy machine a scrape of one of them may come too late: then what follows is looked at."""
    for left in reversed(range(times)):
        try:
            compare(prometheus, barograph)
            compare_targets(prometheus, barograph)
            return
        except AssertionError:
            if left == 0:
                raise
            time.sleep(3)


def compare(prometheus, barograph):
    now = time.time()
    exact = [
        "up",
        "count by (job) (up)",
        'count({job="node"})',
        'count by (__name__) ({job="node", __name__!~"node_scrape_collector.*|scrape_.*"})',
        "node_uname_info",
        "node_memory_MemTotal_bytes",
        "node_cpu_seconds_total * 0",
        'sum by (mode) (node_cpu_seconds_total{mode=~"user|system"}) * 0',
        "node_boot_time_seconds",
        'count({__name__=~"go_.*", job="prometheus"})',
        'label_replace(up, "x", "$1", "instance", "(.*):.*")',
        'sort_desc(count by (device) ({__name__=~"node_network_.*"}))',
        "prometheus_build_info{job='prometheus'}",
        "scrape_samples_scraped{job='gone'}",
    ]
    for expr in exact:
        equal(barograph.query(expr, now), prometheus.query(expr, now), expr)
    for expr in ("rate(node_cpu_seconds_total[3s])", "irate(node_context_switches_total[5s])",
                 'histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[3s]))'):
        equal(set(barograph.query(expr, now)), set(prometheus.query(expr, now)), expr)
    for path in ("labels", "label/mode/values", "label/job/values"):
        query = urllib.parse.urlencode({"match[]": '{job="node"}'})
        equal(barograph.api(f"{path}?{query}&x="), prometheus.api(f"{path}?{query}&x="), path)
    metadata = {k: v[0]["type"] for k, v in prometheus.api("metadata").items() if k.startswith("node_")}
    equal({k: v[0]["type"] for k, v in barograph.api("metadata").items() if k.startswith("node_")}, metadata, "metadata")


def compare_targets(prometheus, barograph):
    def facts(server):
        return sorted((t["scrapePool"], t["scrapeUrl"], json.dumps(t["labels"], sort_keys=True), t["health"],
                       json.dumps(t["discoveredLabels"], sort_keys=True).count("__"))
                      for t in server.api("targets")["activeTargets"])
    mine, theirs = facts(barograph), facts(prometheus)
    equal([m[:4] for m in mine], [t[:4] for t in theirs], "targets")


def test_reload_is_atomic(build, work):
    port = free_port()
    good = "scrape_configs: [{job_name: job, scrape_interval: 1s, static_configs: " \
           f"[{{targets: ['127.0.0.1:{port}'], labels: {{run: one}}}}]}}]\n"
    with Server(str(build / "barograph"), work, good, "--web.enable-lifecycle", port=port) as server:
        server.wait_ready()
        wait_until("scraped", lambda: len(server.query("up")) == 1)
        server.config.write_text("scrape_configs: [{job_nam: two}]\n")
        status, _, body = server.get("/-/reload", method="POST")
        equal(status, 500, "a bad file")
        contains(body.decode(), "job_nam", "the fault is named")
        contains(server.api("status/config")["yaml"], "run: one", "the old configuration runs on")
        equal(server.api("status/runtimeinfo")["reloadConfigSuccess"], False, "reloadConfigSuccess")
        server.config.write_text(good.replace("one", "two"))
        server.program.process.send_signal(signal.SIGHUP)
        wait_until("reloaded", lambda: "run: two" in server.api("status/config")["yaml"])
        equal(server.api("status/runtimeinfo")["reloadConfigSuccess"], True, "reloadConfigSuccess")
        wait_until("the old target is stale", lambda: {dict(k)["run"] for k in server.query("up")} == {"two"}, 20)
        equal(server.get("/-/quit", method="POST")[0], 200, "quit")
        equal(server.program.process.wait(20), 0, "exit status")


def test_changed_files_are_loaded(build, work):
    rules = work / "watched.yml"
    good = f"global: {{external_labels: {{run: one}}}}\nrule_files: ['{rules}']\n"
    with Server(str(build / "barograph"), work, good, "--config.auto-reload", "--config.auto-reload-interval=1s", name="watching") as server:
        server.wait_ready()

        def shows(part):
            return part in server.api("status/config")["yaml"]

        server.config.write_text(good.replace("one", "two"))
        wait_until("a changed configuration", lambda: shows("run: two"))
        rules.write_text("groups: [{name: g, rules: [{record: a, expr: '1'}]}]\n")
        wait_until("a new file of rules", lambda: server.api("rules")["groups"])
        server.config.write_text("scrape_configs: [{job_nam: two}]\n")
        wait_until("a refused one", lambda: not server.api("status/runtimeinfo")["reloadConfigSuccess"])
        equal(shows("run: two"), True, "which leaves the running one")
        server.config.write_text(good.replace("one", "two"))
        wait_until("the old one again", lambda: server.api("status/runtimeinfo")["reloadConfigSuccess"])


def test_lifecycle_is_off_unless_asked_for(build, work):
    with Server(str(build / "barograph"), work, "global: {}\n") as server:
        server.wait_ready()
        status, _, body = server.get("/-/reload", method="POST")
        equal((status, body.strip()), (403, b"Lifecycle API is not enabled."), "reload")


def test_data_moves_in_from_prometheus_and_out_again(build, work):
    """One directory, written in turns: Prometheus, barograph, Prometheus."""
    prometheus, port = need("prometheus"), free_port()
    config = f"""
scrape_configs:
  - job_name: turns
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
    counts = []
    for binary in (prometheus, str(build / "barograph"), prometheus):
        with Server(binary, work, config, name="turns", port=port, keep_data=bool(counts)) as server:
            server.wait_ready()
            if counts:
                kept = sum(server.query("count_over_time(up[1h])").values())
                assert kept >= counts[-1], f"{kept} samples of {counts[-1]} before"
            before = sum(server.query("count_over_time(up[1h])").values())
            wait_until("three more scrapes", lambda b=before: sum(server.query("count_over_time(up[1h])").values()) >= b + 3)
            counts.append(sum(server.query("count_over_time(up[1h])").values()))
            equal(server.stop(), 0, f"{binary} ends well")
    assert counts == sorted(counts), counts


def test_a_taken_directory_and_port_are_refused(build, work):
    with Server(str(build / "barograph"), work, "global: {}\n") as server:
        server.wait_ready()
        second = Program([str(build / "barograph"), f"--config.file={server.config}", f"--storage.tsdb.path={server.data}",
                          "--web.listen-address=127.0.0.1:0"], work / "second.log")
        equal(second.process.wait(20), 1, "exit status with a locked directory")
        contains(second.text(), "lock", "why")
        third = Program([str(build / "barograph"), f"--config.file={server.config}", f"--storage.tsdb.path={work}/other",
                         f"--web.listen-address=127.0.0.1:{server.port}"], work / "third.log")
        equal(third.process.wait(20), 1, "exit status with a taken port")
        contains(third.text(), str(server.port), "which port")


if __name__ == "__main__":
    main(globals())
