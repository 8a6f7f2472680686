#!/usr/bin/env python3
"""A scripted hour beside Debian's prometheus and prometheus-alertmanager, on scaled time, at a webhook and a real SMTP server: routes, groups,
inhibition, silences by amtool, mute and active times, repeats and what is over. Then the same hour with kill -9 at random moments.

What is compared: for each receiver and group the notifications in order (status, alerts, texts), and when each came. Differences that are left
out stand in docs/howto/alerting.md. It takes two and a half minutes an hour, so `make test` leaves it out (run_side_by_side.py has a short script):

    tests/alerting/hour.py BUILD [--seconds=150] [--kills=12] [--seed=N] [test name...]
"""

import argparse
import email
import email.policy
import json
import pathlib
import random
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from barotest import Server, equal, free_port, main, need, wait_until  # noqa: E402
from run_receivers import Smtp, installed  # noqa: E402
from run_side_by_side import PROMETHEUS, RESEND, Alertmanager, Hook, shape  # noqa: E402

RULES = """
groups:
- name: app
  interval: 500ms
  rules:
  - {alert: Broken, expr: broken > 0, labels: {severity: critical}, annotations: {summary: 'part {{ $labels.part }} <is> {{ $value }}'}}
  - {alert: Slow, expr: slow > 0, labels: {severity: warning}, annotations: {summary: 'slow & "old"'}}
  - {alert: Info, expr: info > 0, labels: {severity: info}}
  - {alert: Night, expr: night > 0, labels: {severity: warning, team: night}}
  - {alert: Day, expr: day > 0, labels: {severity: warning, team: day}}
  - {alert: Flap, expr: flap > 0, labels: {severity: warning}}
  - {alert: Many, expr: many > 0, labels: {severity: critical}, annotations: {summary: 'one of many: {{ $labels.part }}'}}
  - {alert: Silent, expr: silent > 0, labels: {severity: critical}}
"""
ALERTMANAGER = """
global: {{resolve_timeout: {resolve}ms, smtp_smarthost: '127.0.0.1:{mail}', smtp_from: am@example.com, smtp_require_tls: false, smtp_hello: here.example}}
route:
  receiver: all
  group_by: [alertname]
  group_wait: {half}ms
  group_interval: {five}ms
  repeat_interval: {twelve}ms
  routes:
  - {{receiver: night, matchers: [team=night], mute_time_intervals: [until]}}
  - {{receiver: night, matchers: [team=day], active_time_intervals: [never]}}
  - {{receiver: each, matchers: [severity=info], group_by: ['...'], continue: true}}
  - {{receiver: letters, matchers: ['severity=~"warning|critical"'], continue: true}}
  - {{receiver: all, matchers: ['severity=~"critical|warning|info"']}}
receivers:
- name: all
  webhook_configs: [{{url: 'http://127.0.0.1:{hook}/all', max_alerts: 5}}]
- name: each
  webhook_configs: [{{url: 'http://127.0.0.1:{hook}/each', send_resolved: false}}]
- name: night
  webhook_configs: [{{url: 'http://127.0.0.1:{hook}/night'}}]
- name: letters
  email_configs:
  - to: ops@example.com
    send_resolved: true
    headers: {{Subject: '[{{{{ .Status | toUpper }}}}] {{{{ .GroupLabels.alertname }}}} ({{{{ len .Alerts.Firing }}}} of {{{{ len .Alerts }}}})'}}
    html: '<p>{{{{ .Status }}}}</p>{{{{ range .Alerts }}}}<li title="{{{{ .Annotations.summary }}}}">{{{{ .Labels.SortedPairs.Values | join " " }}}} {{{{ .Annotations.summary }}}}</li>{{{{ end }}}}'
    text: '{{{{ range .Alerts }}}}{{{{ .Status }}}} {{{{ .Labels.part }}}} {{{{ .Annotations.summary }}}};{{{{ end }}}}'
inhibit_rules:
- {{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [part]}}
time_intervals:
- {{name: until, time_intervals: [{{times: [{{start_time: '{begin}', end_time: '{end}'}}]}}]}}
- {{name: never, time_intervals: [{{years: ['1999']}}]}}
"""
# (minute, what is set or done). A group that is told first at minute t is told again at t + 5, t + 10 and so on, half a minute of group_wait after its
# first alert; what changes it, or what inhibits it, stands half a minute behind such a moment at least and a minute before the next, so that a late
# evaluation does not decide what falls into one notification.
SCRIPT = [
    (0, {("broken", "a"): 1, ("broken", "b"): 1, ("info", "q"): 1, ("night", "n"): 1, ("day", "d"): 1, ("silent", "s"): 1}),
    (2, {("slow", "a"): 1, ("slow", "c"): 1}),  # a is inhibited
    (9, {("broken", "a"): 0}),  # and now it is not
    (14, {("broken", "c"): 1}),  # c is inhibited
    (17, "silence add"),  # part s, before it is told again
    (19, {("slow", "d"): 1, ("info", "r"): 1}),
    (24, {("slow", "a"): 0, ("silent", "t"): 1}),  # t is not silenced
    (29, {("broken", "c"): 0, ("flap", "f"): 1}),
    (31, {("flap", "f"): 0}),
    (33.5, {("info", "q"): 0}),
    (38, "silence expire"),
    (44, {("broken", "b"): 0, ("slow", "c"): 0}),
    (44, {("many", str(number)): 1 for number in range(20)}),
    (46, {("flap", "f"): 1}),
    (47, {("silent", "s"): 0, ("silent", "t"): 0}),
    (52, {("many", str(number)): 0 for number in range(20)}),
    (58.5, {("flap", "f"): 0, ("slow", "d"): 0, ("info", "r"): 0, ("night", "n"): 0, ("day", "d"): 0}),
    (70, None),
]
# After a kill an alert that rules did not report again is over after resolve_timeout at most, and rules tell that after four times this.
RESEND_MINUTES, RESOLVE_MINUTES = 1, 2
options = argparse.ArgumentParser()
options.add_argument("build")
options.add_argument("--seconds", type=float, default=150)
options.add_argument("--kills", type=int, default=12)
options.add_argument("--seed", type=int, default=random.randrange(1 << 32))
options.add_argument("names", nargs="*")


def configuration(hook, mail, begin):
    minute = args.seconds / 60 * 1000
    # Muted until a whole minute that comes within the run; never over midnight.
    start = time.gmtime(begin)
    end = time.gmtime(begin + 60 + args.seconds / 4)
    if end.tm_yday != start.tm_yday or end.tm_hour == 23 and end.tm_min >= 58:
        raise RuntimeError("too near to midnight (UTC): run it later")
    return ALERTMANAGER.format(hook=hook, mail=mail, half=round(minute / 2), five=round(5 * minute), twelve=round(12 * minute), resolve=round(RESOLVE_MINUTES * minute),
                               begin=time.strftime("%H:%M", start), end=time.strftime("%H:%M", end))


class Side:
    """One of the two: its target and receivers, and what these were told."""

    def __init__(self, work, name, node):
        self.name = name
        self.hook = Hook()
        self.smtp = Smtp(node, work / f"{name}-smtp.log")
        self.letter_times = []
        self.silence = ""

    def __enter__(self):
        self.smtp.__enter__()
        return self

    def __exit__(self, *_):
        self.smtp.__exit__(None, None, None)
        self.hook.close()

    def note_letters(self):
        now = time.monotonic() - self.hook.begin
        self.letter_times += [now] * (len(self.smtp.mails()) - len(self.letter_times))

    def told(self):
        """[(second, receiver, group, what was told)] in order."""
        letters = zip(self.letter_times, (email.message_from_string(mail["text"], policy=email.policy.default) for mail in self.smtp.mails()))
        rows = [(second, path.strip("/"), body["groupKey"], shape(body)) for second, path, body in self.hook.events()]
        for second, letter in letters:
            parts = {part.get_content_type(): part.get_payload(decode=True).decode() for part in letter.iter_parts()}
            rows.append((second, "letters", letter["Subject"].split()[1], {"subject": letter["Subject"], "to": letter["To"], "from": letter["From"], **parts}))
        return sorted(rows, key=lambda row: row[0])


def amtool(side, port, what):
    command = [need("amtool"), f"--alertmanager.url=http://127.0.0.1:{port}", "silence"]
    if what == "silence add":
        done = subprocess.run([*command, "add", "part=s", "--duration=1h", "--comment=quiet", "--author=me"], capture_output=True, text=True, timeout=60)
        side.silence = done.stdout.strip()
    else:
        done = subprocess.run([*command, "expire", side.silence], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, f"{side.name}: {what}: {done.stderr}")


def play(sides, ports, meanwhile=lambda: None):
    """Runs the script; all sides see each step at the same time."""
    begin = time.monotonic()
    for side in sides:
        side.hook.begin = begin
    for minute, step in SCRIPT:
        while time.monotonic() < begin + minute * args.seconds / 60:
            meanwhile()
            for side in sides:
                side.note_letters()
            time.sleep(0.05)
        if isinstance(step, dict):
            for side in sides:
                for (name, part), value in step.items():
                    side.hook.set(name, part, value)
        elif step:
            threads = [threading.Thread(target=amtool, args=(side, port(), step)) for side, port in zip(sides, ports)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            equal([side.name for side in sides if not side.silence], [], "amtool's silences")


def by_group(side):
    """{(receiver, group): [[second, what, how often]]}: a run of equal notifications is one."""
    groups = {}
    for second, receiver, group, what in side.told():
        rows = groups.setdefault((receiver, group), [])
        if rows and rows[-1][1] == what:
            rows[-1][2] += 1
        else:
            rows.append([second, what, 1])
    return groups


def show(sides):
    rows = sorted((second, side.name, receiver, group.split(":", 1)[-1] if receiver != "letters" else group,
                   what.get("subject") or [(a["labels"]["alertname"], a["labels"]["part"], a["status"]) for a in what["alerts"]][:4])
                  for side in sides for second, receiver, group, what in side.told())
    for second, *rest in rows:
        print(f"  {second * 60 / args.seconds:5.1f} min", *rest)


def test_an_hour(build, work):
    node = installed(build)
    prometheus_binary, _ = need("prometheus"), need("amtool")
    (work / "rules.yml").write_text(RULES)
    with Side(work, "theirs", node) as theirs, Side(work, "ours", node) as ours:
        begin = time.time() + 10
        texts = [configuration(side.hook.port, side.smtp.port, begin) for side in (theirs, ours)]
        (work / "ours-am.yml").write_text(texts[1])
        with Alertmanager(work, "theirs", texts[0]) as alertmanager, \
                Server(prometheus_binary, work, PROMETHEUS.format(rules=work / "rules.yml", target=theirs.hook.port,
                                                                  alertmanagers=f"'127.0.0.1:{alertmanager.port}'"), RESEND, name="prometheus") as prometheus, \
                Server(str(build / "barograph"), work, PROMETHEUS.format(rules=work / "rules.yml", target=ours.hook.port, alertmanagers=""),
                       f"--alertmanager.config-file={work / 'ours-am.yml'}", RESEND, name="ours") as server:
            prometheus.wait_ready()
            server.wait_ready()
            time.sleep(max(0, begin - time.time()))
            play((theirs, ours), (lambda: alertmanager.port, lambda: server.port))
        wanted, got = by_group(theirs), by_group(ours)
        show((theirs, ours))
        equal(sorted(got), sorted(wanted), "receivers and groups")
        late, repeats, count = [], 0, 0
        for key, rows in wanted.items():
            equal([row[1] for row in got[key]], [row[1] for row in rows], str(key))
            for mine, other in zip(got[key], rows):
                late.append(mine[0] - other[0])
                repeats += mine[2] - other[2]
                equal(abs(mine[2] - other[2]) <= 1, True, f"{key}: repeats {mine[2]}, theirs {other[2]}")
                count += mine[2]
        print(f"  {count} notifications of {len(wanted)} groups of receivers in {args.seconds:.0f} s, alike; ours came {min(late):+.2f} to {max(late):+.2f} s "
              f"after theirs; repeats: {repeats:+d}")
        equal(max(abs(second) for second in late) < max(2.0, args.seconds / 60), True, f"moments: {late}")


def lives(side):
    """{(receiver, alertname, part): the statuses told, a run of equal ones as one}; letters by their text."""
    found = {}
    for _, receiver, group, what in side.told():
        if receiver == "letters":
            pairs = [(group, *item.split(" ", 2)[1:2], item.split(" ", 1)[0]) for item in what["text/plain"].split(";") if item.strip()]
        else:
            pairs = [(a["labels"]["alertname"], a["labels"]["part"], a["status"]) for a in what["alerts"]]
        for name, part, status in pairs:
            rows = found.setdefault((receiver, name, part), [])
            if rows[-1:] != [status]:
                rows.append(status)
    return found


def test_an_hour_with_kills(build, work):
    """Nothing is lost: each alert's firing and end is told to each receiver as in an hour without kills. Nothing is told twice before its repeat, but for
    what was told within a second before a kill. Silences are there after each start."""
    print(f"  seed {args.seed}")
    chance = random.Random(args.seed)
    node = installed(build)
    (work / "rules.yml").write_text(RULES)
    moments = sorted(chance.uniform(1, 60) * args.seconds / 60 for _ in range(args.kills))
    killed = []
    with Side(work, "ours", node) as side:
        begin = time.time() + 3
        (work / "ours-am.yml").write_text(configuration(side.hook.port, side.smtp.port, begin))
        port = free_port()

        def start():
            server = Server(str(build / "barograph"), work, PROMETHEUS.format(rules=work / "rules.yml", target=side.hook.port, alertmanagers=""),
                            f"--alertmanager.config-file={work / 'ours-am.yml'}", f"--rules.alert.resend-delay={args.seconds / 60 * RESEND_MINUTES:.0f}s",
                            name="ours", port=port, keep_data=True)
            server.wait_ready()
            return server

        def silences():
            return sorted((s["id"], s["status"]["state"]) for s in json.loads(servers[-1].get("/api/v2/silences")[2]))

        def meanwhile():
            if moments and time.monotonic() > side_begin + moments[0]:
                moments.pop(0)
                before = silences()
                servers[-1].program.process.kill()
                killed.append(time.monotonic() - side.hook.begin)
                servers[-1].program.process.wait(20)
                servers[-1].program.out.close()
                servers.append(start())
                equal(silences(), before, f"silences after kill {len(killed)}")

        servers = [start()]
        time.sleep(max(0, begin - time.time()))
        side_begin = time.monotonic()
        play((side,), (lambda: port,), meanwhile)
        time.sleep(8 * args.seconds / 60)  # what a kill delayed
        side.note_letters()
        servers[-1].stop()
        show((side,))
        equal(len(killed), args.kills, "kills")
        check_lives(side)
        check_repeats(side, killed)
        print(f"  {len(side.told())} notifications, {len(killed)} kills, seed {args.seed}")


def check_lives(side):
    ends = ["firing", "resolved"]
    wanted = {("all", "Broken", "a"): ends, ("all", "Broken", "b"): ends, ("all", "Broken", "c"): ends, ("all", "Slow", "c"): ends,
              ("all", "Slow", "a"): ends, ("all", "Slow", "d"): ends, ("all", "Info", "q"): ends, ("all", "Info", "r"): ends,
              ("each", "Info", "q"): ["firing"], ("each", "Info", "r"): ["firing"], ("night", "Night", "n"): ends,
              ("all", "Silent", "t"): ends, ("all", "Silent", "s"): ends, ("all", "Flap", "f"): ends * 2}
    wanted |= {("letters", *key[1:]): rows for key, rows in wanted.items() if key[0] == "all" and key[1] != "Info"}
    wanted |= {("letters", "Many", str(number)): ends for number in range(20)}
    got = lives(side)
    for key, rows in wanted.items():
        equal(got.get(key), rows, str(key))
    equal([key for key in got if key not in wanted and not (key[0] == "all" and key[1] == "Many")], [], "alerts of nobody")


def check_repeats(side, killed):
    """Equal notifications of a group come a repeat interval after each other, or because of a kill."""
    last, twice = {}, []
    for second, receiver, group, what in side.told():
        before = last.get((receiver, group))
        if before and before[1] == what and second - before[0] < 12 * args.seconds / 60 - 0.5:
            near = [kill for kill in killed if before[0] - 0.5 <= kill <= second and kill - before[0] < 1]
            twice.append((second, receiver, group, bool(near)))
        last[receiver, group] = (second, what)
    print(f"  told again because of a kill within a second: {sum(row[3] for row in twice)}")
    equal([row for row in twice if not row[3]], [], f"told twice; kills at {killed}")


if __name__ == "__main__":
    args = options.parse_intermixed_args()
    sys.argv[1:] = [args.build, *args.names]
    main(globals())
