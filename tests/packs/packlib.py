"""What the pack tests share: the packs' files as data, and the expressions in them."""

import functools
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKS = ROOT / "packs"
NAMES = ["e2e3d", "orchestrator", "orfeas", "pybase"]
COMPOSE = {"e2e3d": "docker-compose.yml", "orchestrator": "docker-compose.yml", "orfeas": "docker-compose-monitoring.yml",
           "pybase": "docker-compose.yml"}
# Labels that a scrape or a rule adds, on top of those of a catalogue.
ADDED_LABELS = {"job", "instance", "le", "quantile", "__name__"}
# Series that the server itself makes.
OWN_METRICS = {"up": {}, "scrape_duration_seconds": {}, "ALERTS": {"alertname", "alertstate", "severity", "system"}}


def load(path: pathlib.Path) -> object:
    """The content of a YAML file; a fresh copy, which may be changed."""
    return json.loads(as_json(path))


@functools.lru_cache(maxsize=None)
def as_json(path: pathlib.Path) -> str:
    return json.dumps(yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), sort_keys=False)


def rule_files(pack: str) -> list[pathlib.Path]:
    return sorted((PACKS / pack / "rules").glob("*.yml"))


def rules(pack: str, kind: str = "alert") -> list[dict]:
    return [rule for path in rule_files(pack) for group in load(path)["groups"] for rule in group["rules"] if kind in rule]


def rule_tests(pack: str) -> list[pathlib.Path]:
    return sorted((PACKS / pack / "rules" / "tests").glob("*.yml"))


def dashboards(pack: str) -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in sorted((PACKS / pack / "dashboards").glob("*.json"))}


def panels(board: dict) -> list[dict]:
    """Every panel that draws something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def metrics(catalog: dict) -> dict[str, dict]:
    return {metric["name"]: metric for group in catalog["groups"] for metric in group["metrics"]}


def catalog(pack: str) -> dict:
    return load(PACKS / pack / "catalog.yaml")


def labels(metric: dict, shared: dict) -> dict[str, dict]:
    """{label: its definition}, shared ones looked up."""
    return {name: shared[value] if isinstance(value, str) else value for name, value in (metric.get("labels") or {}).items()}


def series(source: dict) -> dict[str, set[str]]:
    """{series name: labels} of a catalogue."""
    suffixes = {"histogram": ["_bucket", "_sum", "_count"], "summary": ["", "_sum", "_count"]}
    return {name + suffix: set(labels(metric, source.get("labels", {})))
            for name, metric in metrics(source).items() for suffix in suffixes.get(metric["type"], [""])}


def known_series(pack: str) -> dict[str, set[str]]:
    """{series name: labels} of the pack's catalogue, the exporters' and what the pack records."""
    known = {name: set(found) for name, found in OWN_METRICS.items()} | series(catalog("exporters")) | series(catalog(pack))
    for rule in rules(pack, "record"):
        known[rule["record"]] = {"system"}
    return known


def substitute(expr: str, board: dict) -> str:
    """The expression as a viewer with the default variables sends it."""
    for variable in board["templating"]["list"]:
        current = variable["current"].get("value", "")
        value = variable["allValue"] if current == ["$__all"] else current
        expr = expr.replace(f"${variable['name']}", str(value))
    return expr.replace("$__range", "1h")


def board_expressions(pack: str) -> list[tuple[str, str]]:
    """(where, expression) of every query of every dashboard."""
    found = []
    for name, board in dashboards(pack).items():
        for panel in panels(board):
            found += [(f"{pack}/{name}: {panel['title']} {target['refId']}", substitute(target["expr"], board)) for target in panel["targets"]]
        found += [(f"{pack}/{name}: annotation {entry['name']}", substitute(entry["expr"], board))
                  for entry in board["annotations"]["list"] if "expr" in entry]
    return found


def page_expressions(pack: str) -> list[tuple[str, str]]:
    """(where, expression) of every ```promql block of the pack's pages."""
    found = []
    for path in sorted((PACKS / pack).glob("*.md")):
        for number, block in enumerate(re.findall(r"^```promql\n(.*?)^```", path.read_text(), re.M | re.S), 1):
            found.append((f"{pack}/{path.name}: query {number}", block.strip()))
    return found


def sections(page: str) -> dict[str, str]:
    """{anchor as a web page makes it: text of the section} of a page."""
    parts = re.split(r"^#{1,4} (.+)$", page, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-"): text for title, text in zip(parts[1::2], parts[2::2])}


def selectors(tree: object) -> list[tuple[str, set[str]]]:
    """(series name, labels asked for) of every selector in what /api/v1/parse_query answers."""
    found = []
    if isinstance(tree, dict):
        if tree.get("type") in ("vectorSelector", "matrixSelector"):
            found.append((tree["name"], {matcher["name"] for matcher in tree["matchers"]}))
        for value in tree.values():
            found += selectors(value)
    elif isinstance(tree, list):
        for value in tree:
            found += selectors(value)
    return found


def seconds(text: str) -> int:
    """Of a duration such as 2m30s."""
    return sum(int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for number, unit in re.findall(r"(\d+)([smhd])", str(text)))
