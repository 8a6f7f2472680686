#!/usr/bin/env python3
"""Dashboards as files, through the API that Grafana's scripts use.

Usage: tests/serve/run_dashboards.py BUILD [NAME...]
"""

import http.client
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from barotest import Program, equal, free_port, main, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
JSON = {"Content-Type": "application/json"}


class Server:
    def __init__(self, build: pathlib.Path, work: pathlib.Path, *flags: str):
        self.port = free_port()
        self.program = Program([str(build / "barograph"), "serve", f"--web.listen-address=127.0.0.1:{self.port}",
                                f"--storage.tsdb.path={work}/data/deep", *flags], work / "serve.log", cwd=work)

    def __enter__(self) -> "Server":
        wait_until("it serves", self.is_healthy, 20, 0.05)
        return self

    def __exit__(self, *_: object) -> None:
        equal(self.program.stop(), 0, "exit status")

    def is_healthy(self) -> bool:
        try:
            return self.call("GET", "/api/health")[0] == 200
        except OSError:
            if self.program.process.poll() is not None:
                raise RuntimeError(self.program.text()) from None
            return False

    def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, object]:
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            conn.request(method, path, body=None if body is None else json.dumps(body),
                         headers=JSON if headers is None else headers)
            answer = conn.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            conn.close()


def test_save_versions_restore_delete(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(build, work) as server:
        board = {"title": "Jobs", "panels": [{"id": 1, "type": "stat", "title": "up"}], "tags": ["jobs"]}
        status, saved = server.call("POST", "/api/dashboards/db", {"dashboard": board, "message": "first"})
        equal((status, saved["status"], saved["slug"], saved["version"]), (200, "success", "jobs", 1))
        uid = saved["uid"]
        file = work / "data/deep/dashboards/jobs.json"
        equal(json.loads(file.read_text()), {**board, "uid": uid}, "the file")
        status, got = server.call("GET", f"/api/dashboards/uid/{uid}")
        equal((status, got["meta"]["canSave"], got["dashboard"]["version"]), (200, True, 1))
        got["dashboard"]["panels"][0]["title"] = "targets up"
        equal(server.call("POST", "/api/dashboards/db", {"dashboard": got["dashboard"], "message": "second"})[1]["version"], 2)
        equal(server.call("POST", "/api/dashboards/db", {"dashboard": got["dashboard"]})[0], 412, "made of version 1")
        versions = server.call("GET", f"/api/dashboards/uid/{uid}/versions")[1]["versions"]
        equal([(v["version"], v["message"]) for v in versions], [(2, "second"), (1, "first")])
        equal(server.call("GET", f"/api/dashboards/uid/{uid}/versions/1")[1]["data"]["panels"][0]["title"], "up")
        equal(server.call("POST", f"/api/dashboards/uid/{uid}/restore", {"version": 1})[1]["version"], 3)
        equal(json.loads(file.read_text()), {**board, "uid": uid}, "restored")
        equal(server.call("GET", "/api/search?query=JOB&tag=jobs")[1][0]["uid"], uid)
        equal(server.call("GET", "/api/search?tag=other")[1], [])
        equal(server.call("GET", "/api/dashboards/tags")[1], [{"term": "jobs", "count": 1}])
        equal(server.call("DELETE", f"/api/dashboards/uid/{uid}")[0], 200)
        equal((server.call("GET", f"/api/dashboards/uid/{uid}")[0], file.exists()), (404, False))


def test_files_appear_change_and_go(build: pathlib.Path, work: pathlib.Path) -> None:
    boards = work / "boards"
    (boards / "Team").mkdir(parents=True)
    with Server(build, work, f"--dashboards.path={boards}") as server:
        def titles() -> list[str]:
            return [hit["title"] for hit in server.call("GET", "/api/search?type=dash-db")[1]]
        file = boards / "Team" / "a.json"
        file.write_text('{"uid": "a", "title": "One"}')
        wait_until("the new file is seen", lambda: titles() == ["One"], 20, 0.05)
        equal(server.call("GET", "/api/dashboards/uid/a")[1]["meta"]["folderTitle"], "Team")
        file.write_text('{"uid": "a", "title": "Two"}')
        wait_until("its change is seen", lambda: titles() == ["Two"], 20, 0.05)
        equal(len(server.call("GET", "/api/dashboards/uid/a/versions")[1]["versions"]), 2)
        file.unlink()
        wait_until("its end is seen", lambda: titles() == [], 20, 0.05)


def test_packs_load_as_grafana_would_be_told(build: pathlib.Path, work: pathlib.Path) -> None:
    """The packs' provisioning files name a container's directory; what lies beside them is read."""
    packs = ["orfeas", "e2e3d", "orchestrator", "pybase"]
    with Server(build, work, *[f"--dashboards.path={ROOT}/packs/{pack}" for pack in packs]) as server:
        wanted = {}
        for pack in packs:
            for file in (ROOT / "packs" / pack / "dashboards").glob("*.json"):
                board = json.loads(file.read_text())
                wanted[board["uid"]] = board
        hits = server.call("GET", "/api/search?type=dash-db")[1]
        equal(sorted(hit["uid"] for hit in hits), sorted(wanted))
        for uid, board in wanted.items():
            got = server.call("GET", f"/api/dashboards/uid/{uid}")[1]
            for made_up in ("id", "version"):
                got["dashboard"].pop(made_up, None)
                board.pop(made_up, None)
            equal(got["dashboard"], board, uid)
            equal((got["meta"]["canSave"], got["meta"]["provisioned"]), (False, True))
        refused = server.call("POST", "/api/dashboards/db", {"dashboard": {**hits[0], "title": "x"}, "overwrite": True})
        equal((refused[0], "provisioned" in refused[1]["message"]), (400, True))


def test_a_saved_real_dashboard_changes_in_one_line(build: pathlib.Path, work: pathlib.Path) -> None:
    boards = work / "boards"
    boards.mkdir()
    source = ROOT / "packs/orfeas/dashboards/orfeas-dashboard.json"
    file = boards / "board.json"
    file.write_bytes(source.read_bytes())
    with Server(build, work, f"--dashboards.path={boards}") as server:
        uid = server.call("GET", "/api/search?type=dash-db")[1][0]["uid"]
        board = server.call("GET", f"/api/dashboards/uid/{uid}")[1]["dashboard"]
        equal(server.call("POST", "/api/dashboards/db", {"dashboard": board})[0], 200)
        equal(file.read_bytes() == source.read_bytes(), True, "saved as it was: no byte differs")
        board["panels"][1]["title"] = "Renamed"
        equal(server.call("POST", "/api/dashboards/db", {"dashboard": board, "overwrite": True})[0], 200)
        old, new = source.read_text().splitlines(), file.read_text().splitlines()
        equal(len(old), len(new))
        equal([b.strip() for a, b in zip(old, new) if a != b], ['"title": "Renamed",'])


def test_imports_folders_and_refusals(build: pathlib.Path, work: pathlib.Path) -> None:
    with Server(build, work) as server:
        status, folder = server.call("POST", "/api/folders", {"title": "Ops"})
        equal(status, 200)
        equal(server.call("POST", "/api/folders", {"title": "Ops"})[0], 409)
        equal(server.call("POST", "/api/folders", {"title": "../../x"})[0], 400)
        board = {"title": "Imported", "uid": "imp", "__inputs": [{"name": "DS_PROM"}], "panels": [{"datasource": "${DS_PROM}"}]}
        status, saved = server.call("POST", "/api/dashboards/import", {
            "dashboard": board, "folderUid": folder["uid"],
            "inputs": [{"name": "DS_PROM", "type": "datasource", "value": "here"}]})
        equal((status, saved["folderUid"]), (200, folder["uid"]))
        text = json.loads((work / "data/deep/dashboards/Ops/imported.json").read_text())
        equal((text["panels"], "__inputs" in text), ([{"datasource": "here"}], False))
        equal(server.call("GET", f"/api/search?folderUIDs={folder['uid']}")[1][0]["uid"], "imp")
        equal([f["title"] for f in server.call("GET", "/api/folders")[1]], ["Ops"])
        for body, want in (({}, 400), ({"dashboard": {}}, 400), ({"dashboard": {"title": "x", "uid": "../etc"}}, 400),
                           ({"dashboard": {"title": "x"}, "folderUid": "nope"}, 404)):
            equal(server.call("POST", "/api/dashboards/db", body)[0], want, str(body))
        equal(server.call("POST", "/api/dashboards/db", {"dashboard": {"title": "x"}}, {"Content-Type": "text/plain"})[0], 415)


if __name__ == "__main__":
    main(globals())
