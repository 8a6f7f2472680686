#!/usr/bin/env python3
"""Commands that do what promtool does, beside Debian's promtool (2.42) where it has them."""

import contextlib
import http.server
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import threading
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Server, Site, contains, equal, free_port, main, need, wait_until  # noqa: E402

METRICS = """# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total{kind="a"} 1
jobs_total{kind="b"} 2
jobs_total{kind="c"} 3
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 1
wait_seconds_bucket{le="1"} 2
wait_seconds_bucket{le="+Inf"} 3
wait_seconds_sum 1.5
wait_seconds_count 3
# HELP temperature_celsius Heat.
# TYPE temperature_celsius gauge
temperature_celsius 20
"""


def run(build, *words, text="", cwd=None):
    done = subprocess.run([str(build / "barograph"), *map(str, words)], input=text, capture_output=True, text=True, timeout=60, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def promtool(*words, text="", cwd=None):
    done = subprocess.run([need("promtool"), *map(str, words)], input=text, capture_output=True, text=True, timeout=60, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def blocks(directory):
    """Times and sizes of the blocks."""
    found = [json.loads(meta.read_text()) for meta in directory.glob("*/meta.json")]
    return sorted((meta["minTime"], meta["maxTime"], meta["stats"]["numSamples"], meta["stats"]["numSeries"]) for meta in found)


def samples(directory):
    """What promtool reads."""
    (directory / "wal").mkdir(exist_ok=True)
    status, out, err = promtool("tsdb", "dump", directory)
    equal(status, 0, err)
    return sorted(out.splitlines())


def test_check_metrics_extended_is_that_of_promtool(build, work):
    status, out, err = run(build, "check", "metrics", "--extended", text=METRICS)
    equal(status, 0, out + err)
    theirs = promtool("check", "metrics", "--extended", text=METRICS)
    equal([line.split() for line in out.splitlines()], [line.split() for line in theirs[1].splitlines()], "the table")
    status, out, err = run(build, "check", "metrics", "--extended", "--lint=none", text=METRICS.replace("jobs_total", "jobs"))
    equal((status, "finding" in out), (0, False), out + err)
    equal(run(build, "check", "metrics", text=METRICS.replace("jobs_total", "jobs"))[0], 3, "with lint")
    equal(run(build, "check", "metrics", "--lint=none", text=METRICS)[0], 1, "nothing to do")
    equal(run(build, "check", "metrics", "--extended", "--lint=none", text="a{ 1\n")[0], 1, "not readable")


def test_check_config_judges_rules(build, work):
    rules, config = work / "rules.yml", work / "prometheus.yml"
    config.write_text("rule_files: [rules.yml]\nscrape_configs:\n- {job_name: slow, scrape_interval: 10m, static_configs: []}\n")
    twice = "groups: [{name: g, rules: [{record: a, expr: b}, {record: a, expr: c}]}]\n"
    for text, flags, want in (
            ("groups: [{name: g, rules: [{record: a, expr: b}]}]\n", [], 0),
            ("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]\n", [], 1),
            ("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]\n", ["--syntax-only"], 0),
            ("groups: [{name: g, rules: [{record: a, expr: b, owner: c}]}]\n", [], 1),
            ("groups: [{name: g, rules: [{record: a, expr: b, owner: c}]}]\n", ["--ignore-unknown-fields"], 0),
            (twice, [], 0), (twice, ["--lint-fatal"], 3), (twice, ["--lint-fatal", "--lint=none"], 0),
            (twice, ["--lint-fatal", "--lint=all"], 3),
            ("groups: []\n", ["--lint-fatal", "--lint=too-long-scrape-interval"], 3),
            ("groups: []\n", ["--lint-fatal", "--lint=too-long-scrape-interval", "--query.lookback-delta=15m"], 0)):
        rules.write_text(text)
        status, out, err = run(build, "check", "config", *flags, config)
        equal(status, want, f"{text} {flags}: {out} {err}")
    rules.write_text("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]\n")
    contains(run(build, "check", "config", config)[1], "rules.yml:1:", "where the fault is")
    equal(run(build, "check", "rules", text=twice)[0], 0, "rules from standard input")
    equal(run(build, "check", "rules", text="groups: [{}]\n")[0], 1, "bad ones")
    equal(run(build, "check", "rules", "--ignore-unknown-fields", text="groups: [{name: g, x: y, rules: []}]\n")[0], 0)


def test_healthy_and_ready(build, work):
    with Server(str(build / "barograph"), work, "scrape_configs: []\n") as server:
        server.wait_ready()
        url = f"--url=http://127.0.0.1:{server.port}/"
        for what, text in (("healthy", "Prometheus Server is Healthy."), ("ready", "Prometheus Server is Ready.")):
            equal(run(build, "check", what, url), (0, f"  SUCCESS: {text}\n", ""), what)
            status, _, err = run(build, "check", what, f"--url=http://127.0.0.1:{free_port()}")
            equal(status, 1, "nobody is there")
            contains(err, f"/-/{what}")
        auth = work / "auth.yml"
        auth.write_text("basic_auth: {username: a, password: b}\n")
        equal(run(build, "check", "healthy", url, f"--http.config.file={auth}")[0], 0, "with credentials")
        auth.write_text("basic_auths: {}\n")
        status, _, err = run(build, "check", "healthy", url, f"--http.config.file={auth}")
        equal(status, 1)
        contains(err, "auth.yml:1:1: field basic_auths not found")


def test_promql_commands(build, work):
    for words, want in (
            (["format", "sum(rate(a[5m]))by(b)"], "sum by (b) (rate(a[5m]))"),
            (["label-matchers", "set", "sum(rate(a[5m])) / b", "job", "x"], 'sum(rate(a{job="x"}[5m])) / b{job="x"}'),
            (["label-matchers", "set", "-t", "=~", 'a{job="x",k!="l"}', "job", "y.*"], 'a{job=~"y.*",k!="l"}'),
            (["label-matchers", "delete", 'a{job="x",k!="l"} + b', "job"], 'a{k!="l"} + b')):
        status, out, err = run(build, "promql", *words)
        equal((status, " ".join(out.split())), (0, want), err)
    for words, status in ((["format", "sum("], 1), (["format"], 2), (["label-matchers", "set", "a", "b"], 2),
                          (["label-matchers", "set", "--type==~", "a", "b", "("], 1), (["label-matchers", "set", "--type=~", "a", "b", "c"], 2)):
        equal(run(build, "promql", *words)[0], status, str(words))


def test_queries_as_promtool_asks_them(build, work):
    site = Site()
    site.text = lambda path: METRICS
    seen = f"scrape_configs:\n- job_name: one\n  scrape_interval: 1s\n  static_configs: [{{targets: ['127.0.0.1:{site.port}']}}]\n"
    with site, Server(str(build / "barograph"), work, seen) as server:
        server.wait_ready()
        wait_until("three scrapes", lambda: server.query("count_over_time(jobs_total[1m]) >= 3"))
        url = f"http://127.0.0.1:{server.port}"
        for words in (["instant", url, "1 + 1"], ["labels", url, "kind"], ["labels", "--match=jobs_total", url, "__name__"],
                      ["series", "--match=jobs_total", url]):
            mine, theirs = run(build, "query", *words, "-o", "json"), promtool("query", *words, "-o", "json")
            equal(mine[0], 0, mine[2])
            # promtool's client shows scalars as a pair of its own making; the time of "now" differs.
            a, b = json.loads(mine[1]), json.loads(theirs[1])
            key = (lambda value: value[1]) if words[0] == "instant" else (lambda value: sorted(map(str, value)))
            equal(key(a), key(b), str(words))
        status, out, err = run(build, "query", "instant", "--header=X-Test=1", url, "jobs_total{kind='a'}", "--format=json")
        equal(json.loads(out)[0]["metric"]["kind"], "a", err)
        equal(run(build, "query", "instant", "--header=bad", url, "1")[0], 2, "no header")
        equal(run(build, "query", "instant", "--format=xml", url, "1")[0], 2, "no such format")
        status, out, err = run(build, "query", "analyze", f"--server={url}", "--type=histogram", "--match=wait_seconds_bucket")
        equal(status, 0, err)
        contains(out, "wait_seconds_bucket{", "the histogram")
        contains(out, "(classic): 3/3.000/3\n", "three populated buckets of three")
        contains(out, "Classic histogram series (1 in total):\n- min populated: 3/3.000/3\n")
        equal(run(build, "query", "analyze", f"--server={url}", "--type=counter", "--match=a")[0], 2, "an unknown type")
        debug(build, work, url)


def debug(build, work, url):
    """The archive has what the server told."""
    equal(run(build, "debug", "metrics", url, cwd=work)[0], 0, "debug metrics")
    with tarfile.open(fileobj=io.BytesIO((work / "debug.tar.gz").read_bytes()), mode="r:gz") as archive:
        names = archive.getnames()
        contains(archive.extractfile("metrics.txt").read().decode(), "prometheus_build_info{", "metrics")
        equal(json.loads(archive.extractfile("buildinfo.json").read())["status"], "success", "build info")
    equal(names[:2], ["metrics.txt", "buildinfo.json"], str(names))
    status, out, _ = run(build, "debug", "all", f"--output={work}/all.tar.gz", url)
    equal(status, 0, out)
    contains(out, "not there: answered 404", "a server without profiles")
    equal(run(build, "debug", "pprof", url, cwd=work)[0], 1, "no profiles")


def test_push_metrics_to_prometheus(build, work):
    metrics = work / "some.prom"
    metrics.write_text(METRICS)
    with Server(need("prometheus"), work, "global: {}\n", "--web.enable-remote-write-receiver", name="receiver") as server:
        server.wait_ready()
        url = f"http://127.0.0.1:{server.port}"
        status, out, err = run(build, "push", "metrics", "--label=job=pushed", "--label=zone=x", url, metrics)
        equal(status, 0, out + err)
        equal(server.query('jobs_total{kind="b"}'),
              {(("__name__", "jobs_total"), ("job", "pushed"), ("kind", "b"), ("zone", "x")): 2}, "a counter")
        equal(server.query('sum by (le) (wait_seconds_bucket)'), {(("le", "0.1"),): 1, (("le", "1.0"),): 2, (("le", "+Inf"),): 3}, "buckets")
        equal(run(build, "push", "metrics", url, text="up_there 1\n")[0], 0, "standard input")
        equal(server.query("up_there"), {(("__name__", "up_there"), ("job", "promtool")): 1}, "the job's default")
        equal(run(build, "push", "metrics", url, text="a{ 1\n")[0], 1, "not readable")
        equal(run(build, "push", "metrics", "--remote-write.path=/none", url, text="a 1\n")[0], 1, "not taken")
        equal(run(build, "push", "metrics", "--label=x", url, text="a 1\n")[0], 2, "no label")


def test_check_service_discovery(build, work):
    (work / "targets.json").write_text('[{"targets": ["a:1", "b:2"], "labels": {"env": "dev"}}]')
    config = work / "sd.yml"
    config.write_text("""
scrape_configs:
  - job_name: files
    file_sd_configs: [{files: [targets.json]}]
    relabel_configs: [{source_labels: [__address__], regex: "b.*", action: drop}]
  - job_name: lists
    static_configs: [{targets: ["c:3", "d:4"], labels: {env: dev}}]
    relabel_configs:
      - {source_labels: [env], target_label: stage}
      - {source_labels: [__address__], regex: "d.*", action: drop}
""")

    def found(text):
        return sorted(((t["discoveredLabels"], t["labels"]) for t in json.loads(text)), key=str)
    status, out, err = run(build, "check", "service-discovery", "--timeout=1s", config, "lists")
    equal(status, 0, err)
    theirs = promtool("check", "service-discovery", "--timeout=1s", config, "lists")
    equal(found(out), found(theirs[1]), "the targets of a list")
    status, out, err = run(build, "check", "service-discovery", "--timeout=1s", config, "files")
    equal(status, 0, err)
    equal([(d["__address__"], labels.get("env")) for d, labels in found(out)], [("a:1", "dev"), ("b:2", None)], "those of a file")
    status, _, err = run(build, "check", "service-discovery", config, "none")
    equal((status, err), (1, "Job none not found. Select one of:\n\tfiles\n\tlists\n"), "no such job")


def test_rule_tests(build, work):
    (work / "rules.yml").write_text("groups: [{name: g, rules: [{record: twice, expr: a * 2, owner: me}, {alert: Big, expr: a > 4}]}]\n")
    suite = work / "suite.yml"
    suite.write_text("""
rule_files: [rules.yml]
tests:
  - name: good
    input_series: [{series: a, values: 1 2 3}]
    promql_expr_test: [{expr: twice, eval_time: 1m, exp_samples: [{labels: twice, value: 4}]}]
  - input_series: [{series: a, values: 1 2 3}]
    promql_expr_test:
      - {expr: "twice > 1 < 3", eval_time: 1m, exp_samples: [{labels: twice, value: 4}]}
      - {expr: twice, eval_time: 1m, exp_samples: [{labels: twice, value: 5}]}
""")
    equal(run(build, "test", "rules", suite)[0], 1, "an unknown field")
    report = work / "report.xml"
    status, out, err = run(build, "test", "rules", "--ignore-unknown-fields", f"--junit={report}", "--diff", "--debug", suite, work / "none.yml")
    equal(status, 1, err)
    contains(err, "DEBUG: Test good finished, took ", "how long it took")
    suites = xml.etree.ElementTree.parse(report).getroot()
    equal([(s.get("tests"), s.get("failures"), s.get("errors")) for s in suites], [("2", "1", "0"), ("1", "0", "1")], "the report")
    equal([case.get("name") for case in suites[0]], ["good", "unnamed#1"], "names")
    contains(suites[0][1][0].text, 'expr: "twice", time: 1m,', "what failed")
    contains(suites[1][0][0].text, "No such file", "why it could not be run")
    equal(run(build, "test", "rules", "--ignore-unknown-fields", "--run=good", f"--junit={work}/no/report.xml", suite)[0], 1, "cannot be written")
    # What would else pass without being tested.
    (work / "rules.yml").write_text("groups: [{name: g, rules: [{alert: Big, expr: a > 4}]}]\n")
    for text, want in (("group_eval_order: [g, g]", "group name repeated in evaluation order: g"),
                       ("tests: [{alert_rule_test: [{eval_time: 1m}]}]", "misses required attribute alertname"),
                       ("tests: [{input_series: [{series: a, values: '1x3'}], promql_expr_test: [{expr: a, eval_time: 1m, "
                        "exp_samples: [{labels: a, value: 1, histogram: '5'}]}]}]", "expected histogram")):
        suite.write_text(f"rule_files: [rules.yml]\n{text}\n")
        for status, out, err in (run(build, "test", "rules", suite), ):
            equal(status, 1, text)
            contains(out, want)


def test_blocks_from_openmetrics_and_back(build, work):
    """Fifty years between two samples are no fifty years of blocks to look at."""
    text, data = work / "in.om", work / "blocks"
    text.write_text('# TYPE a counter\na_total{x="1"} 1 0\na_total{x="1"} 2 1600000000\na_total{x="2"} 3 1600000000\n'
                    '# TYPE b gauge\nb 5 1600000000\n# EOF\n')
    equal(run(build, "tsdb", "create-blocks-from", "openmetrics", "-q", "--label=dc=eu", text, data), (0, "", ""), "made")
    equal(run(build, "tsdb", "create-blocks-from", "openmetrics", "--label=dc", text, work / "none")[0], 2, "no label")
    (data / "wal").mkdir()
    theirs = promtool("tsdb", "dump", data)
    equal(theirs[0], 0, theirs[2])
    equal(sorted(run(build, "tsdb", "dump", data)[1].splitlines()), sorted(theirs[1].splitlines()), "what promtool reads")
    equal(theirs[1].count('dc="eu"'), 4, "the label")
    equal(run(build, "tsdb", "dump", "--format=seriesjson", "--sandbox-dir-root=/tmp", '--match={x="1"}', "--match=a_total", data)[1].splitlines(),
          ['{"__name__":"a_total","dc":"eu","x":"1"}', '{"__name__":"a_total","dc":"eu","x":"2"}'], "two selectors, each series once")
    equal(run(build, "tsdb", "dump", "--format=x", data)[0], 2, "no such format")
    equal(run(build, "tsdb", "dump-openmetrics", "--match=b", data)[1], 'b{dc="eu"} 5 1600000000.000\n# EOF\n', "OpenMetrics")


def test_blocks_of_a_long_text_are_those_of_promtool(build, work):
    """Three days in pieces: some of one series, some of many, times that go back from one to the next, families between."""
    lines, begin = [], 1_700_000_000
    for family in range(12):
        lines.append(f"# TYPE f{family} gauge\n# HELP f{family} of {family}\n")
        for series in range(3):
            first, step = begin + (11 - family) * 3_600, (600, 90, 7_200)[series]
            lines += [f'f{family}{{s="{series}"}} {second % 977 * family} {first + second}.5\n' for second in range(0, 3 * 86_400, step)]
    text = work / "in.om"
    text.write_text("".join(lines) + "# EOF\n")
    equal(text.stat().st_size > 40 << 14, True, "many pieces")
    equal(run(build, "tsdb", "create-blocks-from", "openmetrics", "-q", text, work / "ours"), (0, "", ""), "made")
    equal(promtool("tsdb", "create-blocks-from", "openmetrics", "-q", text, work / "theirs")[0], 0, "made by promtool")

    equal(blocks(work / "ours"), blocks(work / "theirs"), "the blocks")
    equal(samples(work / "ours"), samples(work / "theirs"), "their samples")
    text.write_text("".join(lines) + "f11 1\n# EOF\n")
    status, _, errors = run(build, "tsdb", "create-blocks-from", "openmetrics", "-q", text, work / "none")
    equal((status, errors.split(": ", 1)[0]), (1, f"{text}:{text.read_text().count(chr(10)) - 1}:1"), errors)


# The times of a group depend on a hash of its file and name, which Prometheus has changed: these two names have the same time in both.
RULES = """
groups:
- name: g93017
  rules:
  - {record: "a:rate", expr: "rate(a_total[5m])", labels: {s: z, team: x}}
  - {record: "a:sum", expr: "sum by (job) (a_total)"}
ALERT  - {record: "a:none", expr: "nothing"}
  - {record: "a:again", expr: "a:sum"}
- name: g27049
  interval: 37s
  rules:
  - {record: "b", expr: "a_total", labels: {k: v, s: ""}}
  - {record: "b:odd", expr: "(vector(1) / 0 or label_replace(vector(0) / 0, 'l', 'é \\"', '', '')) and on () a_total"}
  - {record: "now", expr: "time()"}
"""
ALERT = '  - {alert: Big, expr: "a_total > 100"}\n'
T0 = 1_700_000_000


def past(build, work):
    """Five hours of two counters, the first missing for a while, as a directory of blocks."""
    lines = ["# TYPE a counter\n"]
    lines += [f'a_total{{job="j",s="x"}} {n * 2} {T0 + n * 15}\n' for n in range(1_200) if not 300 < n < 600]
    lines += [f'a_total{{job="k",s="x"}} {n * 3.1} {T0 + n * 15}\n' for n in range(1_200)]
    (work / "past.om").write_text("".join(lines) + "# EOF\n")
    equal(run(build, "tsdb", "create-blocks-from", "openmetrics", "-q", work / "past.om", work / "past-data"), (0, "", ""), "made")
    return work / "past-data"


def from_rules(build, *words, cwd):
    return run(build, "tsdb", "create-blocks-from", "rules", *words, "rules.yml", cwd=cwd)


def test_blocks_from_rules_are_those_of_promtool(build, work):
    """Asked of Prometheus, of barograph, and read from the directory: blocks, series, samples and times are the same."""
    past(build, work)
    (work / "theirs").mkdir()
    (work / "theirs" / "rules.yml").write_text(RULES.replace("ALERT", ""))  # promtool records alerting rules too
    (work / "rules.yml").write_text(RULES.replace("ALERT", ALERT))
    times = [f"--start={T0 + 0.5}", "--end=2023-11-15T02:50:00Z"]
    flags = ["--storage.tsdb.retention.time=100y"]
    with Server(need("prometheus"), work, "global: {}\n", *flags, name="past", keep_data=True) as server:
        server.wait_ready()
        url = f"--url=http://127.0.0.1:{server.port}/"
        status, _, err = promtool("tsdb", "create-blocks-from", "rules", *times, url, "--output-dir=out", "rules.yml", cwd=work / "theirs")
        equal(status, 0, err)
        equal(from_rules(build, *times, url, "-q", "-r", "--output-dir=a/b", cwd=work), (0, "", ""), "from Prometheus")
    with Server(str(build / "barograph"), work, "global: {}\n", *flags, name="past", keep_data=True) as server:
        server.wait_ready()
        equal(from_rules(build, *times, f"--url=127.0.0.1:{server.port}", cwd=work), (0, "", ""), "from barograph")
    equal(from_rules(build, *times, "--storage.tsdb.path=past-data", "--output-dir=c", cwd=work), (0, "", ""), "from a directory")
    want = samples(work / "theirs" / "out")
    equal(len(blocks(work / "theirs" / "out")), 15, "five rules that yield something, three blocks each")
    for made in ("a/b", "data", "c"):
        equal(blocks(work / made), blocks(work / "theirs" / "out"), f"the blocks in {made}")
        equal(samples(work / made), want, f"the samples in {made}")
    for part in ('{__name__="a:rate", job="k", s="z", team="x"} ', '{__name__="a:sum", job="k"} ', '{__name__="b", job="j", k="v"} 2 1700000016114',
                 '{__name__="b:odd"} +Inf ', '{__name__="b:odd", l="é '):
        equal(any(line.startswith(part) for line in want), True, part)
    equal(any("a:again" in line or "Big" in line for line in want), False, "what this run records is not seen")


def test_blocks_from_rules_at_other_intervals(build, work):
    """Where promtool stops: an interval longer than a block, and a time in a block's last second."""
    past(build, work)
    (work / "rules.yml").write_text("groups: [{name: g, rules: [{record: now, expr: time()}]}]\n")

    def times(interval, *words):
        done = from_rules(build, f"--start={T0}", f"--end={T0 + 86_400}", "--storage.tsdb.path=past-data", f"--eval-interval={interval}",
                          f"--output-dir={interval}", *words, cwd=work)
        equal(done, (0, "", ""), interval)
        return [int(line.rsplit(" ", 1)[1]) for line in samples(work / interval)]
    for interval, seconds in (("5h", 18_000), ("1s", 1), ("1h", 3_600)):
        got = times(interval)
        equal({b - a for a, b in zip(got, got[1:])}, {seconds * 1000}, interval)
        equal((got[0] - T0 * 1000 < seconds * 1000, (T0 + 86_400) * 1000 - got[-1] < seconds * 1000), (True, True), "from begin to end")


class Liar:
    """A server whose every answer is `text`, and that keeps what it was asked."""

    def __init__(self):
        liar = self
        self.text, self.asked = "", []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                liar.asked.append((self.path, self.headers.get("Authorization"), body))
                data = liar.text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"--url=http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, result, kind="matrix"):
        self.text = json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def test_blocks_from_rules_refuse_bad_answers(build, work):
    (work / "rules.yml").write_text("groups: [{name: g, interval: 10s, rules: [{record: a, expr: b, labels: {x: y}}]}]\n")
    (work / "http.yml").write_text("basic_auth: {username: u, password: p}\n")
    point = [[T0 + 15, "1"]]
    liar = Liar()
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(liar.stop)
        words = [f"--start={T0}", f"--end={T0 + 60}", liar.url, "--http.config.file=http.yml", "--output-dir=out"]
        for result, kind, want in (
                ({}, "matrix", "it is no matrix"), ([], "vector", "it is no matrix"), ([{"values": point}], "matrix", "a series has no labels"),
                ([{"metric": {f"l{n}": "v" for n in range(600)}, "values": point}], "matrix", "a series has no labels, or too many"),
                ([{"metric": {"l": 5}, "values": point}], "matrix", "a value that is no text"),
                ([{"metric": {"": "v"}, "values": point}], "matrix", "a label has no name"),
                ([{"metric": {}, "values": [[T0 + 61, "1"]]}], "matrix", "times that were not asked for"),
                ([{"metric": {}, "values": [[-1e300, "1"]]}], "matrix", "a time is out of range"),
                ([{"metric": {}, "values": [[T0 + 15, 1]]}], "matrix", "a point is not"),
                ([{"metric": {}, "values": [[T0 + 15, "x"]]}], "matrix", "a point is not"),
                ([{"metric": {}, "values": [5]}], "matrix", "a point is not"),
                ([{"metric": {"x": n}, "values": [[T0 + 15, n]]} for n in "12"], "matrix", "several series of the result are one"),
                ([{"metric": {}, "values": [[T0 + 16, "1"], [T0 + 15, "1"]]}], "matrix", "several series of the result are one")):
            liar.answer(result, kind)
            status, out, err = from_rules(build, *words, cwd=work)
            equal((status, out), (1, ""), want)
            contains(err, "barograph: rules.yml: group g, rule a: ")
            contains(err, want)
        liar.text = "not JSON"
        contains(from_rules(build, *words, cwd=work)[2], "answered 200, and not with JSON")
        equal(blocks(work / "out"), [], "nothing is written")
        liar.answer([{"metric": {}, "histograms": [[T0 + 15, {"count": "1", "sum": "1", "buckets": []}]], "values": [[T0 + 19, "NaN"]]}])
        status, _, err = from_rules(build, *words, cwd=work)
        equal(status, 0, err)
        contains(err, "native histograms are left out")
        equal(samples(work / "out"), [f'{{__name__="a", x="y"}} NaN {T0 + 19}000'], "the rest")
        path, credentials, form = liar.asked[-1]
        equal((path, credentials), ("/api/v1/query_range", "Basic dTpw"), "what was asked")
        contains(form, f"end={T0 + 60}.000&step=10.000")


def test_blocks_from_rules_tell_what_fails(build, work):
    past(build, work)
    rules = work / "rules.yml"
    rules.write_text("""groups:
- name: one
  rules:
  - {record: bad, expr: "a_total * on () a_total"}
  - {record: good, expr: "sum(a_total)"}
""")
    times = [f"--start={T0}", f"--end={T0 + 3_600}"]
    with Server(need("prometheus"), work, "global: {}\n", "--storage.tsdb.retention.time=100y", name="past", keep_data=True) as server:
        server.wait_ready()
        status, out, err = from_rules(build, *times, f"--url=http://127.0.0.1:{server.port}", "--output-dir=served", cwd=work)
        equal((status, out), (1, ""), err)
        contains(err, "barograph: rules.yml: group one, rule bad: execution: ")
        contains(err, "many-to-many matching not allowed")
    status, out, err = from_rules(build, *times, "--storage.tsdb.path=past-data", "--output-dir=read", cwd=work)
    equal((status, out), (1, ""), err)
    contains(err, "barograph: rules.yml: group one, rule bad: ")
    for made in ("served", "read"):
        equal({line.split()[0] for line in samples(work / made)}, {'{__name__="good"}'}, "the other rule")
    port = free_port()
    status, _, err = from_rules(build, *times, f"--url=http://127.0.0.1:{port}", cwd=work)
    equal((status, err.count("\n")), (1, 1), f"nobody is there, told once: {err}")
    contains(err, f"127.0.0.1:{port}/api/v1/query_range")
    (work / "file").write_text("")
    local = "--storage.tsdb.path=past-data"
    for words, want, text in (
            ([local], 2, "--start is required"), ([*times, local, "--output-dir=file/x"], 1, "file"),
            ([*times, "--storage.tsdb.path=none"], 1, "none"),
            ([times[0], f"--end={T0}", local], 2, "--start is not before --end"), (["--start=yesterday", local], 2, '"yesterday" is neither'),
            (["--start=-5", local], 2, '"-5" is neither'), ([*times, local, "--eval-interval=0s"], 2, "--eval-interval"),
            ([*times, local, "--url=http://127.0.0.1:1"], 2, "either --url or --storage.tsdb.path"),
            ([*times, "--http.config.file=none.yml"], 1, "none.yml"), ([*times, local, "none.yml"], 1, "none.yml")):
        status, out, err = from_rules(build, *words, cwd=work)
        equal((status, out), (want, ""), f"{words}: {err}")
        contains(err, text, str(words))
    rules.write_text('groups:\n- name: g\n  rules:\n  - {record: a, expr: "sum("}\n')
    status, _, err = from_rules(build, *times, local, cwd=work)
    equal((status, err.startswith("barograph: rules.yml:4:")), (1, True), err)
    equal(run(build, "tsdb", "create-blocks-from", "rules", *times, local)[0], 2, "no rule files")


if __name__ == "__main__":
    main(globals())
