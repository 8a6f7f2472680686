#!/usr/bin/env python3
"""Writes packs/*/dashboards/NAME.json (Grafana's dashboard JSON) from packs/*/boards/NAME.yaml, a page a board.

Usage: tools/packs_dashboards.py [--check] [BOARD.yaml...]     default: every board; --check: fail when a file is not up to date

The JSON is what is used and committed; the YAML says only what differs from panel to panel. A board:

  title, uid, description, tags, refresh, from: as in Grafana's JSON (from: start of the time range, up to now)
  system: value of the label system of the alerts that are drawn as annotations
  restarts: expression that has a value where something restarted, drawn as annotations
  variables: {NAME: {label:, query: label_values(METRIC, LABEL), current:, all: regular expression that All stands for}}
  links: {TITLE: UID} dashboards in the header
  rows: [{title:, panels: [...]}]
  alive: expression that has a value as long as the system is scraped; a query that ends in `zero` is 0 then when it finds nothing,
    since counters of errors do not exist before the first error
  panel: title, type, description, unit, queries: [[EXPR, LEGEND, zero]...], and where they differ from the default of the type:
    w, h           of the grid of 24 columns; panels flow from left to right
    min, max, decimals, noValue
    style          line (default), bars, area, stacked
    thresholds     [[COLOR, FROM]...], the first without FROM; drawn as lines in graphs
    colors         {SERIES NAME: COLOR}
    goto           UID of the dashboard that tells more; `with: {VARIABLE: LABEL}` carries a label of the clicked series over
    calc           of a single value: lastNotNull (default), mean, max, sum...
    columns        table: {FIELD: [HEADER, UNIT]} in this order; everything else is hidden
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
SIZES = {"stat": (6, 4), "gauge": (8, 8), "table": (12, 8), "bargauge": (8, 8)}
BOARD_KEYS = {"title", "uid", "description", "tags", "refresh", "from", "system", "restarts", "variables", "links", "rows", "alive"}
PANEL_KEYS = {"title", "type", "description", "unit", "queries", "w", "h", "min", "max", "decimals", "noValue", "style", "thresholds",
              "colors", "goto", "with", "calc", "columns"}


class BoardError(Exception):
    """A fault of a board file, for its author."""


def or_zero(expr: str, legend: str, alive: str) -> str:
    """The expression, or one series of 0 (named none where the legend is a label) when it finds nothing in a system that is alive."""
    label = re.search(r"\{\{(\w+)\}\}", legend)
    zero = f"0 * sum({alive})"
    return f"{expr} or on () " + (f'label_replace({zero}, "{label[1]}", "none", "", "")' if label else zero)


def targets(panel: dict, alive: str) -> list[dict]:
    kind = panel["type"]
    instant = kind in ("table", "piechart", "bargauge", "gauge")
    made = []
    for index, (expr, *more) in enumerate(panel["queries"]):
        legend, zero = more[0] if more else "__auto", len(more) > 1
        if zero and more[1:] != ["zero"]:
            raise BoardError(f"{panel['title']}: {more[1:]}: the third part of a query is zero")
        target = {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "editorMode": "code",
                  "expr": or_zero(expr.strip(), legend, alive) if zero else expr.strip(),
                  "legendFormat": legend, "range": not instant, "instant": instant}
        if kind == "table":
            target["format"] = "table"
        if kind == "heatmap":
            target["format"] = "heatmap"
        made.append(target)
    return made


def thresholds(panel: dict) -> dict:
    steps = panel.get("thresholds") or [["green"]]
    return {"mode": "absolute", "steps": [{"color": color, "value": value[0] if value else None} for color, *value in steps]}


def graph_style(panel: dict) -> dict:
    style = panel.get("style", "line")
    return {"drawStyle": "bars" if style == "bars" else "line", "lineInterpolation": "linear", "lineWidth": 1,
            "fillOpacity": {"line": 0, "bars": 80, "area": 25, "stacked": 30}[style], "gradientMode": "none",
            "showPoints": "never", "pointSize": 4, "spanNulls": False, "axisPlacement": "auto", "axisLabel": "",
            "scaleDistribution": {"type": "linear"},
            "stacking": {"mode": "normal" if style in ("stacked", "bars") else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if panel.get("thresholds") else "off"}}


def field_config(panel: dict) -> dict:
    kind = panel["type"]
    palette = "thresholds" if kind in ("stat", "gauge", "bargauge", "table") else "palette-classic"
    defaults = {"unit": panel["unit"], "color": {"mode": palette}, "mappings": [], "thresholds": thresholds(panel),
                "noValue": panel.get("noValue", "No data"), "custom": {}}
    defaults |= {key: panel[key] for key in ("min", "max", "decimals") if key in panel}
    if kind == "timeseries":
        defaults["custom"] = graph_style(panel)
    if "goto" in panel and kind != "heatmap":
        carried = "".join(f"&var-{variable}=${{__field.labels.{label}}}" for variable, label in panel.get("with", {}).items())
        defaults["links"] = [{"title": "Details", "url": f"/d/{panel['goto']}?${{__url_time_range}}&${{datasource:queryparam}}{carried}",
                              "targetBlank": False}]
    overrides = [{"matcher": {"id": "byName", "options": name},
                  "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}
                 for name, color in panel.get("colors", {}).items()]
    for field, (_, unit) in panel.get("columns", {}).items():
        if unit:
            overrides.append({"matcher": {"id": "byName", "options": panel["columns"][field][0]}, "properties": [{"id": "unit", "value": unit}]})
    return {"defaults": defaults, "overrides": overrides}


def options(panel: dict) -> dict:
    kind = panel["type"]
    reduce = {"calcs": [panel.get("calc", "lastNotNull")], "fields": "", "values": False}
    if kind == "timeseries":
        return {"legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "stat":
        return {"reduceOptions": reduce, "orientation": "auto", "textMode": "auto", "wideLayout": True, "colorMode": "value",
                "graphMode": "area", "justifyMode": "auto", "showPercentChange": False}
    if kind == "gauge":
        return {"reduceOptions": reduce, "orientation": "auto", "showThresholdLabels": False, "showThresholdMarkers": True,
                "minVizWidth": 75, "minVizHeight": 75, "sizing": "auto"}
    if kind == "bargauge":
        return {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "gradient", "valueMode": "color", "namePlacement": "auto",
                "showUnfilled": True, "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300, "sizing": "auto"}
    if kind == "piechart":
        return {"reduceOptions": reduce, "pieType": "pie", "displayLabels": ["percent"], "tooltip": {"mode": "single", "sort": "none"},
                "legend": {"showLegend": True, "displayMode": "table", "placement": "right", "values": ["value", "percent"]}}
    if kind == "heatmap":
        return {"calculate": False, "cellGap": 1, "rowsFrame": {"layout": "auto"}, "showValue": "never", "filterValues": {"le": 1e-9},
                "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "scale": "exponential", "exponent": 0.5,
                          "steps": 64, "reverse": False},
                "yAxis": {"axisPlacement": "left", "unit": panel["unit"], "reverse": False}, "legend": {"show": True},
                "exemplars": {"color": "rgba(255,0,255,0.7)"}, "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": False}}
    return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
            "sortBy": [{"displayName": [c for c, unit in panel["columns"].values() if unit][0], "desc": True}]}


def transformations(panel: dict) -> list[dict]:
    """A table joins its queries by their labels and shows the named columns alone."""
    if panel["type"] != "table":
        return []
    columns = panel["columns"]
    return [{"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
            {"id": "organize", "options": {"excludeByName": {}, "indexByName": {field: at for at, field in enumerate(columns)},
                                           "renameByName": {field: header for field, (header, _) in columns.items()}}}]


def make_panel(panel: dict, alive: str, number: int, x: int, y: int, w: int, h: int) -> dict:
    if unknown := set(panel) - PANEL_KEYS:
        raise BoardError(f"panel {panel.get('title')}: unknown {sorted(unknown)}")
    made = {"id": number, "type": panel["type"], "title": panel["title"], "description": panel["description"], "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": w, "h": h}, "targets": targets(panel, alive), "fieldConfig": field_config(panel),
            "options": options(panel), "transformations": transformations(panel), "transparent": False}
    if "goto" in panel:
        made["links"] = [{"title": "Details", "url": f"/d/{panel['goto']}?${{__url_time_range}}&${{datasource:queryparam}}", "targetBlank": False}]
    return made


def make_panels(rows: list[dict], alive: str) -> list[dict]:
    made, y = [], 0
    for row in rows:
        made.append({"id": len(made) + 1, "type": "row", "title": row["title"], "collapsed": False, "panels": [],
                     "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
        y, x, tallest = y + 1, 0, 0
        for panel in row["panels"]:
            w, h = SIZES.get(panel["type"], (12, 8))
            w, h = panel.get("w", w), panel.get("h", h)
            if x + w > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            made.append(make_panel(panel, alive, len(made) + 1, x, y, w, h))
            x, tallest = x + w, max(tallest, h)
        y += tallest
    return made


def make_variables(board: dict) -> list[dict]:
    made = [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "", "hide": 0,
             "refresh": 1, "current": {}, "options": [], "includeAll": False, "multi": False, "skipUrlSync": False}]
    for name, variable in board.get("variables", {}).items():
        takes_all = "all" in variable
        current = {"selected": True, "text": ["All"], "value": ["$__all"]} if takes_all else \
            {"selected": True, "text": variable["current"], "value": variable["current"]}
        made.append({"name": name, "label": variable.get("label", name), "type": "query", "datasource": DATASOURCE,
                     "definition": variable["query"], "query": {"query": variable["query"], "refId": f"variable-{name}"}, "regex": "",
                     "refresh": 2, "sort": 1, "hide": 0, "multi": takes_all, "includeAll": takes_all, "current": current,
                     "options": [], "skipUrlSync": False} | ({"allValue": variable["all"]} if takes_all else {}))
    return made


def make_annotations(board: dict) -> list[dict]:
    made = [{"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "hide": True,
             "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"},
            {"name": "Firing alerts", "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": "red", "step": "60s",
             "expr": f'ALERTS{{alertstate="firing", system="{board["system"]}"}}', "titleFormat": "{{alertname}}",
             "textFormat": "{{severity}} {{instance}} {{stage}}", "tagKeys": "severity", "useValueForTime": False}]
    if "restarts" in board:
        made.append({"name": "Restarts", "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": "blue", "step": "60s",
                     "expr": board["restarts"], "titleFormat": "restart", "textFormat": "{{job}} {{instance}}", "tagKeys": "job",
                     "useValueForTime": False})
    return made


def make_dashboard(board: dict) -> dict:
    if unknown := set(board) - BOARD_KEYS:
        raise BoardError(f"unknown {sorted(unknown)}")
    links = [{"title": title, "type": "link", "url": f"/d/{uid}", "icon": "dashboard", "keepTime": True, "includeVars": True,
              "targetBlank": False, "asDropdown": False, "tags": [], "tooltip": ""} for title, uid in board.get("links", {}).items()]
    return {"id": None, "uid": board["uid"], "title": board["title"], "description": board["description"], "tags": board["tags"],
            "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "fiscalYearStartMonth": 0, "weekStart": "",
            "timezone": "browser", "refresh": board["refresh"], "time": {"from": board["from"], "to": "now"},
            "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m", "15m", "1h"]}, "links": links,
            "annotations": {"list": make_annotations(board)}, "templating": {"list": make_variables(board)},
            "panels": make_panels(board["rows"], board["alive"])}


def main() -> int:
    check = "--check" in sys.argv[1:]
    names = [word for word in sys.argv[1:] if word != "--check"]
    boards = [pathlib.Path(name).resolve() for name in names] or sorted(ROOT.glob("packs/*/boards/*.yaml"))
    stale = 0
    for source in boards:
        goal = source.parent.parent / "dashboards" / f"{source.stem}.json"
        try:
            text = json.dumps(make_dashboard(yaml.safe_load(source.read_text())), indent=2, ensure_ascii=False) + "\n"
        except (BoardError, KeyError, TypeError, ValueError, yaml.YAMLError) as fault:
            print(f"{source}: {fault!r}", file=sys.stderr)
            return 1
        if check and (not goal.exists() or goal.read_text() != text):
            print(f"{goal}: not what {source.name} says: run tools/packs_dashboards.py", file=sys.stderr)
            stale += 1
        elif not check:
            goal.parent.mkdir(exist_ok=True)
            goal.write_text(text)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
