#!/usr/bin/env python3
"""The cases of the packs' rule tests on barograph: its blocks, its PromQL, with Prometheus 3's windows.

The input series of every case become blocks (promtool writes them), half a day apart; barograph reads them and answers each alert's
expression over the time of its case. What fires when, and the rendered texts, must be what the case says, as it is for promtool.
"""

import math
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from barotest import Server, equal, main, need  # noqa: E402
import packlib  # noqa: E402
from packlib import NAMES  # noqa: E402

STEP_S = 15  # evaluation_interval of the rule tests
BASE_S, APART_S = 100 * 86400, 43200
RUN = re.compile(r"(-?[\d.]+)([+-][\d.]+)?x(\d+)")


def expand(values):
    """The samples of promtool's notation: 1x3 is four ones, 0+5x2 is 0 5 10."""
    for word in values.split():
        found = RUN.fullmatch(word)
        first, add, count = (float(found[1]), float(found[2] or 0), int(found[3])) if found else (float(word), 0.0, 0)
        yield from (first + add * i for i in range(count + 1))


def four_digits(value):
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else f"{value:.4g}"


def humanize(value):
    if value == 0 or not math.isfinite(value):
        return four_digits(value)
    prefixes, factor = (["", "k", "M", "G"], 1000) if abs(value) >= 1 else (["", "m", "u", "n"], 1 / 1000)
    for prefix in prefixes:
        if 1 <= abs(value) < 1000:
            break
        value /= factor
    return four_digits(value) + prefix


def humanize_duration(value):
    if abs(value) < 1:
        return humanize(value) + "s"
    days, hours, minutes, rest = int(value) // 86400, int(value) // 3600 % 24, int(value) // 60 % 60, int(value) % 60
    parts = [f"{days}d", f"{hours}h", f"{minutes}m", f"{rest}s"]
    skipped = next((i for i, part in enumerate((days, hours, minutes)) if part), 3)
    return " ".join(parts[skipped:]) if skipped < 3 else f"{four_digits(value)}s"


FUNCTIONS = {"humanize": humanize, "humanizePercentage": lambda value: four_digits(value * 100) + "%", "humanizeDuration": humanize_duration,
             'printf "%.0f"': lambda value: f"{value:.0f}"}


def render(text, labels, value):
    """The few forms of templates that the packs use; anything else is an error."""
    def one(found):
        words = [word.strip() for word in found[1].split("|")]
        if words[0].startswith("$labels."):
            return labels.get(words[0].removeprefix("$labels."), "")
        equal(words[0], "$value", f"template {text}")
        return FUNCTIONS[words[1]](value)
    text = re.sub(r"\{\{ with \$labels\.(\w+) \}\}(.*?)\{\{ \. \}\}(.*?)\{\{ end \}\}",
                  lambda found: f"{found[2]}{labels[found[1]]}{found[3]}" if found[1] in labels else "", text)
    return re.sub(r"\{\{(.*?)\}\}", one, text)


def all_cases():
    """(pack, rules, case, its first second) of every case."""
    found = []
    for pack in NAMES:
        for path in packlib.rule_tests(pack):
            rules = [rule for name in packlib.load(path)["rule_files"] for group in packlib.load(path.parent / name)["groups"]
                     for rule in group["rules"]]
            for case in [case for case in packlib.load(path)["tests"] if "alert_rule_test" in case]:
                found.append((pack, rules, case, BASE_S + len(found) * APART_S))
    return found


def write_blocks(cases, work):
    families = {}
    for _, _, case, base in cases:
        for series in case["input_series"]:
            name = series["series"].split("{")[0]
            # Unix times are 0 where promtool's clock starts.
            shift = base if name.endswith("_timestamp") else 0
            for i, value in enumerate(expand(series["values"])):
                at = base + i * packlib.seconds(case["interval"])
                families.setdefault(name, []).append((at, f"{series['series']} {value + shift if value else value!r} {at}"))
    lines = [line for name, rows in families.items() for line in [f"# TYPE {name} unknown", *(text for _, text in sorted(rows, key=lambda row: row[0]))]]
    text = work / "input.txt"
    text.write_text("\n".join([*lines, "# EOF"]) + "\n")
    done = subprocess.run([need("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h", str(text), str(work / "server-data")],
                          capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, done.stderr)


def firing(server, rule, base, end):
    """{second of the case: [(labels, value)]} of when the alert would fire."""
    hold, found = packlib.seconds(rule.get("for", "0s")), {}
    for series in server.api("query_range", query=rule["expr"], start=base, end=base + end, step=STEP_S)["result"]:
        values = {int(float(at)) - base: float(value) for at, value in series["values"]}
        labels = {name: value for name, value in series["metric"].items() if name != "__name__"}
        since = None
        for at in range(0, end + 1, STEP_S):
            since = (at if since is None else since) if at in values else None
            if since is not None and at - since >= hold:
                found.setdefault(at, []).append((labels, values[at]))
    return found


def test_alerts_fire_in_barograph_as_in_promtool(build, work):
    cases, checks = all_cases(), 0
    write_blocks(cases, work)
    with Server(str(build / "barograph"), work, "global: {}\n", keep_data=True) as server:
        server.wait_ready()
        for pack, rules, case, base in cases:
            end = max(packlib.seconds(check["eval_time"]) for check in case["alert_rule_test"])
            for rule in [rule for rule in rules if rule["alert"] in {check["alertname"] for check in case["alert_rule_test"]}]:
                when = firing(server, rule, base, end)
                for check in [check for check in case["alert_rule_test"] if check["alertname"] == rule["alert"]]:
                    got = [{"exp_labels": labels | rule["labels"],
                            "exp_annotations": {name: render(text, labels, value) for name, text in rule["annotations"].items()}}
                           for labels, value in when.get(packlib.seconds(check["eval_time"]), [])]
                    want = [alert for alert in check["exp_alerts"] if rule["labels"].items() <= alert["exp_labels"].items()]
                    equal(got, want, f"{pack}: {case['name']}: at {check['eval_time']}")
                    checks += 1
    equal(checks > 150, True, f"{checks} checks")


if __name__ == "__main__":
    main(globals())
