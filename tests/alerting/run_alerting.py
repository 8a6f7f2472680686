#!/usr/bin/env python3
"""alertmanager.yml and its routing tree through the program, beside the conformance data and amtool."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import ROOT, Server, Skip, contains, equal, main, need  # noqa: E402

DATA = pathlib.Path(os.environ.get("BAROGRAPH_SHARED", ROOT.parent / "shared")) / "conformance" / "alertmanager"
OWN = ROOT / "fuzz" / "corpus" / "am_config" / "full.yml"


def run(*words, cwd=ROOT):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def cases(name):
    if not DATA.exists():
        raise Skip("no conformance data for Alertmanager")
    return json.loads((DATA / name / "manifest.json").read_text())["cases"]


def label_words(labels):
    """As the command line has them, quoted by the rules of matchers."""
    return [f"{name}={json.dumps(value)}" for name, value in labels.items()]


def test_configurations_get_their_verdicts(build, work):
    for case in cases("config"):
        status, output, _ = run(build / "barograph", "check", "alertmanager-config", case["file"], cwd=DATA / "config")
        equal(status, 0 if case["expect"] == "pass" else 1, case["file"])
        for text in case.get("errors", []):
            contains(output, text, case["file"])
        if status:
            contains(output, f"\n{case['file']}:", "a place")


def test_routes_get_their_receivers_and_keys(build, work):
    for case in cases("routing"):
        status, output, _ = run(build / "barograph", "config", "routes", "test", "--keys",
                                f"--config.file={case['config']}", f"--verify.receivers={','.join(case['receivers'])}",
                                *label_words(case["labels"]), cwd=DATA / "routing")
        first, *routes = output.splitlines()
        equal((status, first), (0, ",".join(case["receivers"])), str(case))
        for line, key in zip(routes, case.get("keys", [])):
            contains(line, f" key={key} group_by=", str(case))
        for line, want in zip(routes, case.get("options", [])):
            names = "..." if want["group_by_all"] else ",".join(want["group_by"])
            contains(line, f" group_by={names} group_wait={want['group_wait']} "
                           f"group_interval={want['group_interval']} repeat_interval={want['repeat_interval']}", str(case))


def test_every_fault_has_its_place(build, work):
    (work / "am.yml").write_text("route:\n  receiver: r\n  group_by: [a, a]\n  routes:\n  - receiver: x\nreceivers:\n- name: q\n")
    status, output, _ = run(build / "barograph", "check", "alertmanager-config", "am.yml", OWN, "missing.yml", cwd=work)
    equal(status, 1, "exit status")
    for line in ("Checking 'am.yml'  FAILED", 'am.yml:3:13: duplicated label "a" in group_by',
                 'am.yml:2:13: undefined receiver "r" used in route', 'am.yml:5:15: undefined receiver "x" used in route',
                 f"Checking '{OWN}'  SUCCESS", "Checking 'missing.yml'  FAILED"):
        contains(output, line + "\n")


def test_what_changes_nothing_is_said(build, work):
    (work / "am.yml").write_text(f"{OWN.read_text()}\ntracing: {{endpoint: 'localhost:4317'}}\n")
    line = (work / "am.yml").read_text().count("\n")
    status, output, _ = run(build / "barograph", "check", "alertmanager-config", "am.yml", cwd=work)
    equal(status, 0, "exit status")
    contains(output, f"Checking 'am.yml'  SUCCESS\nam.yml:{line}:1: warning: 'tracing' is not supported yet\nFound:\n")
    with Server(str(build / "barograph"), work, "scrape_configs: []\n", f"--alertmanager.config-file={work / 'am.yml'}") as server:
        server.wait_ready()
        contains(server.program.text(), f"{work / 'am.yml'}:{line}:1: 'tracing' is not supported yet")


def test_wrong_usage(build, work):
    barograph = build / "barograph"
    equal(run(barograph, "check", "alertmanager-config")[0], 2, "no file")
    equal(run(barograph, "config", "routes", "test", "a=b")[0], 2, "no --config.file")
    routes = (barograph, "config", "routes", "test", f"--config.file={OWN}")
    equal(run(*routes, "--verify.receivers=none", "a=b")[0], 1, "another receiver")
    for words in (("a",), ("a!=b",), ("a=b", "a=c"), ("a=b,c=d",)):
        equal(run(*routes, *words)[0], 1, str(words))
    equal(run(*routes, "alertname=Watchdog", "x=z")[1], "none\n", "a match")


def configurations():
    """Those that Debian's amtool (0.25) knows all keys of."""
    found = sorted((ROOT / "packs").glob("*/alertmanager.yml"))
    equal(len(found) > 0, True, "packs have an alertmanager.yml")
    return found + (sorted((DATA / "routing").glob("*.yml")) if DATA.exists() else [])


def test_same_counts_and_tree_as_amtool(build, work):
    amtool = need("amtool")
    for path in configurations():
        status, output, _ = run(build / "barograph", "check", "alertmanager-config", path)
        theirs = run(amtool, "check-config", path)
        # Where there are templates, amtool reads them and says so in a line more.
        equal((status, output), (theirs[0], theirs[1].replace("templates\n  SUCCESS\n", "templates\n")), str(path))
        ours = run(build / "barograph", "config", "routes", "show", f"--config.file={path}")[:2]
        theirs = run(amtool, "config", "routes", "show", f"--config.file={path}")[:2]
        equal((ours[0], ours[1].strip()), (theirs[0], theirs[1].strip()), str(path))


def test_same_receivers_as_amtool(build, work):
    amtool = need("amtool")
    alerts = [{"alertname": name, "severity": severity, **more}
              for name, severity in (("Watchdog", "none"), ("DiskFull", "page"), ("DiskFull", "critical"))
              for more in ({}, {"team": "storage", "site": "fra1"}, {"owner": "team-A", "env": "testing"})]
    for path in configurations():
        for labels in alerts:
            words = ("config", "routes", "test", "--tree", f"--config.file={path}", *label_words(labels))
            equal(run(build / "barograph", *words)[:2], run(amtool, *words)[:2], f"{path}: {labels}")


MATCHERS = ("{a=b", "a={b", "a=b,,c=d", "a==b", ",a=b", "a=b,", "{}", 'a="b', "a=b=c", 'a=\\"', 'a="x\\y"', "a='b'", "a=b}",
            "a=~(", "a =b ", "", "a", "=b", 'a=~"b|c", d!~"e.*"', "z=1, b!=2,a=~3", 'a="b,c"', 'a="b"c', "a:b=c")


def test_same_classic_matchers_as_amtool(build, work):
    amtool = need("amtool")
    path = work / "one.yml"
    for matcher in MATCHERS:
        path.write_text(json.dumps({"route": {"receiver": "r", "routes": [{"matchers": [matcher]}]},
                                    "receivers": [{"name": "r"}]}))
        words = ("config", "routes", "show", f"--config.file={path}")
        ours, theirs = run(build / "barograph", *words), run(amtool, *words)
        equal(ours[0], theirs[0], matcher)
        if theirs[0] == 0:
            equal(ours[1].strip(), theirs[1].strip(), matcher)
        else:
            contains(ours[2], theirs[2].split("amtool: error: ", 1)[1].strip(), matcher)


BAD = {
    "undefined receiver": "route: {receiver: x}\n",
    "no receiver": "route: {group_by: [a]}\n",
    "root with matchers": "route: {receiver: r, matchers: [a=b]}\nreceivers: [{name: r}]\n",
    "receiver twice": "route: {receiver: r}\nreceivers: [{name: r}, {name: r}]\n",
    "wildcard and others": "route: {receiver: r, group_by: [a, ...]}\nreceivers: [{name: r}]\n",
    "duplicated label": "route: {receiver: r, group_by: [a, a]}\nreceivers: [{name: r}]\n",
    "zero": "route: {receiver: r, repeat_interval: 0s}\nreceivers: [{name: r}]\n",
    "undefined interval": "route: {receiver: r, routes: [{mute_time_intervals: [x]}]}\nreceivers: [{name: r}]\n",
    "bad matcher": "route: {receiver: r, routes: [{matchers: [a]}]}\nreceivers: [{name: r}]\n",
    "bad expression": "route: {receiver: r, routes: [{match_re: {a: '['}}]}\nreceivers: [{name: r}]\n",
    "no smarthost": "route: {receiver: r}\nreceivers: [{name: r, email_configs: [{to: a}]}]\n",
    "no key": "route: {receiver: r}\nreceivers: [{name: r, pagerduty_configs: [{}]}]\n",
    "no slack": "route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{api_url: x}]}]\n",
    "no url": "route: {receiver: r}\nreceivers: [{name: r, victorops_configs: [{api_key: a}]}]\n",
    "no mode": "route: {receiver: r}\nreceivers: [{name: r, telegram_configs: [{bot_token: a, chat_id: 1, parse_mode: x}]}]\n",
    "no room": "route: {receiver: r}\nreceivers: [{name: r, webex_configs: [{message: a}]}]\n",
    "no action": "route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{api_url: 'http://a', actions: [{type: a, text: b}]}]}]\n",
    "no field": "route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{api_url: 'http://a', fields: [{title: a}]}]}]\n",
    "no sns": "route: {receiver: r}\nreceivers: [{name: r, sns_configs: [{subject: a}]}]\n",
    "no wechat": "route: {receiver: r}\nreceivers: [{name: r, wechat_configs: [{corp_id: a}]}]\n",
    "no opsgenie": "route: {receiver: r}\nreceivers: [{name: r, opsgenie_configs: [{tags: a}]}]\n",
    "header": "route: {receiver: r}\nreceivers: [{name: r, email_configs: [{to: a, headers: {a: b, A: c}}]}]\n",
    "continue": "route: {receiver: r, continue: true}\nreceivers: [{name: r}]\n",
    "muted root": "route: {receiver: r, mute_time_intervals: [a]}\nreceivers: [{name: r}]\n",
    "no name": "route: {receiver: r}\nreceivers: [{name: r}, {}]\n",
    "intervals": "route: {receiver: r}\nreceivers: [{name: r}]\ntime_intervals: [{name: a}, {name: a}]\n",
    "months": "route: {receiver: r}\nreceivers: [{name: r}]\n"
              "time_intervals: [{name: a, time_intervals: [{months: ['5:3']}]}]\n",
    "days": "route: {receiver: r}\nreceivers: [{name: r}]\n"
            "time_intervals: [{name: a, time_intervals: [{days_of_month: ['5:3']}]}]\n",
    "days apart": "route: {receiver: r}\nreceivers: [{name: r}]\n"
                  "time_intervals: [{name: a, time_intervals: [{days_of_month: ['-3:3']}]}]\n",
    "years": "route: {receiver: r}\nreceivers: [{name: r}]\n"
             "time_intervals: [{name: a, time_intervals: [{years: ['2025:2024']}]}]\n",
    "clock": "route: {receiver: r}\nreceivers: [{name: r}]\n"
             "time_intervals: [{name: a, time_intervals: [{times: [{start_time: '9:00', end_time: '10:00'}]}]}]\n",
    "times": "route: {receiver: r}\nreceivers: [{name: r}]\n"
             "time_intervals: [{name: a, time_intervals: [{times: [{start_time: '11:00', end_time: '10:00'}]}]}]\n",
    "weekday": "route: {receiver: r}\nreceivers: [{name: r}]\n"
               "time_intervals: [{name: a, time_intervals: [{weekdays: [noday]}]}]\n",
    "zone": "route: {receiver: r}\nreceivers: [{name: r}]\n"
            "time_intervals: [{name: a, time_intervals: [{location: No/Where}]}]\n",
}


def test_same_refusals_as_amtool(build, work):
    amtool = need("amtool")
    for name, text in BAD.items():
        path = work / "bad.yml"
        path.write_text(text)
        status, output, errors = run(amtool, "check-config", path)
        equal(status, 1, f"amtool: {name}")
        said = (output + errors).split("FAILED: ", 1)[1].split("\n", 1)[0].replace("yaml: unmarshal errors:", "").strip()
        said = said.replace("other other", "other")  # 0.34 mended it
        status, output, _ = run(build / "barograph", "check", "alertmanager-config", path)
        equal(status, 1, name)
        contains(output, said, name)


if __name__ == "__main__":
    main(globals())
