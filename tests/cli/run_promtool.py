#!/usr/bin/env python3
"""Commands that do what promtool does, beside Debian's promtool (2.42) where it has them."""

import io
import json
import pathlib
import subprocess
import sys
import tarfile
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

    def blocks(directory):
        found = [json.loads(meta.read_text()) for meta in directory.glob("*/meta.json")]
        return sorted((meta["minTime"], meta["maxTime"], meta["stats"]["numSamples"], meta["stats"]["numSeries"]) for meta in found)

    equal(blocks(work / "ours"), blocks(work / "theirs"), "the blocks")
    (work / "ours" / "wal").mkdir()
    (work / "theirs" / "wal").mkdir(exist_ok=True)
    equal(sorted(promtool("tsdb", "dump", work / "ours")[1].splitlines()),
          sorted(promtool("tsdb", "dump", work / "theirs")[1].splitlines()), "their samples")
    text.write_text("".join(lines) + "f11 1\n# EOF\n")
    status, _, errors = run(build, "tsdb", "create-blocks-from", "openmetrics", "-q", text, work / "none")
    equal((status, errors.split(": ", 1)[0]), (1, f"{text}:{text.read_text().count(chr(10)) - 1}:1"), errors)


if __name__ == "__main__":
    main(globals())
