#!/usr/bin/env python3
"""--web.external-url and --web.route-prefix: paths, redirects and the links that go out, beside Debian's Prometheus."""

import http.client
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, Server, contains, equal, free_port, main, need, wait_until  # noqa: E402

CONFIG = "rule_files: [rules.yml]\nscrape_configs: []\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n"
RULES = "groups: [{name: g, interval: 1s, rules: [{alert: A, expr: vector(1), annotations: {u: '{{ externalURL }}', p: '{{ pathPrefix }}'}}]}]\n"
FLAGS = {  # flags: prefix of the paths
    (): "",
    ("--web.external-url=http://ext.example/prom/",): "/prom",
    ("--web.external-url=http://ext.example/prom/", "--web.route-prefix=/"): "",
    ("--web.external-url=https://ext.example",): "",
    ("--web.route-prefix=/x",): "/x",
    ("--web.external-url=/foo",): "/foo",
}
PATHS = ("/metrics", "/prom/metrics", "/x/metrics", "/foo/metrics", "/api/v1/query?query=1", "/prom/api/v1/query?query=1",
         "/-/healthy", "/prom/-/healthy", "/x/-/healthy")


def fetch(port, path):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        conn.request("GET", path)
        answer = conn.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()
    finally:
        conn.close()


def is_ready(server, prefix):
    try:
        return fetch(server.port, f"{prefix}/-/ready")[0] == 200
    except OSError:
        return False


def api(server, prefix, path):
    return json.loads(fetch(server.port, f"{prefix}/api/v1/{path}")[2])["data"]


def facts(server, prefix):
    """What can be seen of the URLs: statuses, flags, links of alerts."""
    wait_until("ready", lambda: is_ready(server, prefix), 60)
    wait_until("an alert", lambda: api(server, prefix, "alerts")["alerts"], 60)
    note = api(server, prefix, "alerts")["alerts"][0]["annotations"]
    flags = api(server, prefix, "status/flags")
    # Prometheus has no such field.
    equal(api(server, prefix, "status/runtimeinfo").get("externalURL", note["u"]), note["u"], "externalURL")
    statuses = [(path, fetch(server.port, path)[0]) for path in PATHS if not (path.startswith("/prom") and prefix == "")
                and not (path.startswith(("/x", "/foo")) and prefix == "")]
    links = [note["u"].replace(f":{server.port}", ":PORT").rstrip("/"), note["p"].rstrip("/")]
    root = fetch(server.port, "/")
    return statuses, links, flags["web.route-prefix"], (root[0], (root[1] or "").rstrip("/")) if prefix else None


def test_the_same_as_prometheus(build, work):
    (work / "rules.yml").write_text(RULES)
    config = CONFIG.format(port=free_port())
    for number, (flags, prefix) in enumerate(FLAGS.items()):
        with Server(need("prometheus"), work, config, *flags, name=f"prometheus{number}") as prometheus, \
                Server(str(build / "barograph"), work, config, *flags, name=f"barograph{number}") as barograph:
            theirs, mine = facts(prometheus, prefix), facts(barograph, prefix)
        contains(mine[1][0], "://", "a whole URL")
        if flags == ("--web.external-url=/foo",):
            theirs[1][0] = mine[1][0]  # a path alone is no link for a mail: this host is put before it
        equal(mine, theirs, str(flags))
        if not flags:
            equal(mine[1][0], f"http://{socket.gethostname()}:PORT", "this host, where nobody said another")


def test_bad_urls_are_refused(build, work):
    for url, want in (("'http://a/'", "begins or ends with a quote"), ("http://[::1", "--web.external-url"),
                      ("http://a b/", "--web.external-url"), ("1.2.3.4:9090/a", "--web.external-url")):
        program = Program([str(build / "barograph"), f"--web.external-url={url}", f"--storage.tsdb.path={work}/none",
                           f"--web.listen-address=127.0.0.1:{free_port()}"], work / "refused.log", cwd=work)
        equal(program.process.wait(60), 2, url)
        contains(program.text(), want, url)
        program.stop()


if __name__ == "__main__":
    main(globals())
