"""What the tests and the pictures of the web UI share: servers with something to show."""

import contextlib
import http.server
import os
import pathlib
import shutil
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import ROOT, Server, Skip, free_port, need, wait_until  # noqa: E402

WEB = ROOT / "web"
BOARDS = ROOT / "tests" / "web" / "dashboards"
FEATURES = ROOT / "tests" / "web" / "boards"
NODE_EXPORTER_FULL = pathlib.Path(os.environ.get("BAROGRAPH_SHARED", ROOT.parent / "shared")) / "conformance/dashboards/node-exporter-full.json"
RULES = """
groups:
- name: services
  interval: 1s
  rules:
  - {record: 'job:up:sum', expr: 'sum by (job) (up)'}
  - alert: AlwaysFiring
    expr: node_load1 >= 0
    labels: {severity: page}
    annotations: {summary: It always fires, runbook_url: 'https://runbooks.invalid/always'}
  - alert: NotYetFiring
    expr: up == 1
    for: 12h
    labels: {severity: warn}
    annotations: {summary: '{{ $labels.job }} has been up for a while'}
  - alert: TargetDown
    expr: up == 0
    for: 1s
    labels: {severity: page, team: '<img data-evil src=x onerror=alert(1)>'}
    annotations: {summary: '{{ $labels.instance }} of {{ $labels.job }} does not answer'}
  - alert: SlowRequests
    expr: histogram_quantile(0.9, sum by (le) (rate(traced_request_duration_seconds_bucket[10s]))) > 0.25
    labels: {severity: page}
    annotations: {summary: Requests are slow}
  - alert: Quiet
    expr: up > 2
- name: costs
  interval: 5s
  rules:
  - {record: 'instance:cpu:rate1m', expr: 'sum by (instance) (rate(process_cpu_seconds_total[1m]))'}
"""
ALERTING = """
route:
  receiver: mail
  group_by: [alertname]
  group_wait: 1s
  routes:
  - {receiver: pager, matchers: ['severity="page"'], group_by: [alertname, job], repeat_interval: 1h}
  - receiver: chat
    matchers: ['severity="warn"']
    continue: true
    routes: [{receiver: nobody, matchers: ['team="<none>"']}]
receivers:
- {name: mail}
- {name: chat}
- {name: nobody}
- name: pager
  webhook_configs: [{url: 'http://127.0.0.1:%(sink)d/hook'}]
"""
CONFIG = """
global: {scrape_interval: 1s, external_labels: {site: lab}}
rule_files: [%(rules)s]
scrape_configs:
- job_name: barograph
  metrics_path: %(path)s/metrics
  static_configs: [{targets: ['127.0.0.1:%(port)d']}]
- job_name: node
  metrics_path: %(path)s/host/metrics
  static_configs: [{targets: ['127.0.0.1:%(port)d'], labels: {env: prod}}]
- job_name: broken
  static_configs: [{targets: ['127.0.0.1:1', '127.0.0.1:2'], labels: {weird: '<b data-evil>bold</b>'}}]
  relabel_configs: [{source_labels: [__address__], regex: '.*:2', action: drop}]
"""


TRACED = """
- job_name: traced
  metrics_path: /traced
  static_configs: [{targets: ['127.0.0.1:%(sink)d']}]
"""


HEARTBEATS = """
send:
- {name: outside, url: 'http://127.0.0.1:%(sink)d/ping/SECRET', interval: 1s}
- {name: held-back, url: 'http://127.0.0.1:%(sink)d/ping/SECRET', interval: 1s, alert: Quiet}
expect:
- {name: backup, period: 12h, grace: 1h}
- {name: nightly-import, period: 1s}
"""


class Sink(http.server.BaseHTTPRequestHandler):
    """A receiver that takes everything; and a target whose requests are slow and have exemplars."""

    scrapes = 0

    def do_GET(self) -> None:
        Sink.scrapes += 1
        slow = 10 * Sink.scrapes
        exemplar = f'{{trace_id="4bf92f3577b34da6a3ce929d{Sink.scrapes:08x}",evil="<img data-evil src=x>"}} 0.43'
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        self.wfile.write((
            "# TYPE traced_request_duration_seconds histogram\n"
            f'traced_request_duration_seconds_bucket{{le="0.1"}} {Sink.scrapes}\n'
            f'traced_request_duration_seconds_bucket{{le="0.5"}} {slow} # {exemplar}\n'
            f'traced_request_duration_seconds_bucket{{le="+Inf"}} {slow}\n'
            f"traced_request_duration_seconds_count {slow}\ntraced_request_duration_seconds_sum {slow * 0.4}\n# EOF\n").encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def start_sink() -> int:
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    return sink.server_port


def chromium() -> str:
    """What pictures are compared of."""
    return os.environ.get("BAROGRAPH_CHROMIUM") or need("chromium")


def headless() -> str:
    """For what is not compared pixel by pixel: the same engine without a window's parts, at two thirds of the processor time."""
    return os.environ.get("BAROGRAPH_CHROMIUM") or shutil.which("chromium-headless-shell") or chromium()


def need_ui(build: pathlib.Path) -> None:
    """Skips where the UI cannot be tested."""
    need("node")
    if not (WEB / "node_modules" / "playwright-core").is_dir():
        raise Skip("web/node_modules is not installed: the build has no UI")
    if (build / "src" / "api" / "web_assets.blob").stat().st_size < 1000:
        raise Skip("the build has no UI (-Dweb=false)")


def start(build: pathlib.Path, work: pathlib.Path, name: str, *flags: str, path: str = "", features: bool = True, traced: bool = False) -> Server:
    port = free_port()
    sink = start_sink()
    # Files of its own: several servers start side by side, and one that is written anew is empty for a moment.
    rules, alerting, heartbeats = (work / f"{name}-{what}.yml" for what in ("rules", "alertmanager", "heartbeats"))
    rules.write_text(RULES)
    alerting.write_text(ALERTING % {"sink": sink})
    config = CONFIG % {"rules": rules, "port": port, "path": path} + (TRACED % {"sink": sink} if traced else "")
    if traced:
        heartbeats.write_text(HEARTBEATS % {"sink": sink})
        flags = (*flags, f"--alerting.heartbeat-file={heartbeats}")
    boards = work / f"dashboards-{name}"
    for source in (BOARDS, FEATURES) if features else (BOARDS,):
        shutil.copytree(source, boards, dirs_exist_ok=True)
    if NODE_EXPORTER_FULL.exists():
        shutil.copy(NODE_EXPORTER_FULL, boards)
    return Server(str(build / "barograph"), work, config, f"--alertmanager.config-file={alerting}",
                  f"--dashboards.path={boards}", *flags, name=name, port=port)


def has_data(server: Server) -> bool:
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        rules = server.api("rules")["groups"]
        firing = [rule for group in rules for rule in group["rules"] if rule.get("state") == "firing"]
        # Old enough for panels that ask at steps of ten seconds.
        return len(server.query("rate(node_cpu_seconds_total[10s] offset 12s)")) > 0 and len(firing) >= 2
    return False


def wait_for_data(server: Server) -> None:
    wait_until(f"{server.program.log.name}: data", lambda: has_data(server), 90)
