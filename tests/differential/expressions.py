"""Random PromQL over the made-up history: the same seed gives the same expressions.

Only what Prometheus 2.42 knows is generated. `Expr.loose` says that 3.x computes the value in another way than 2.42 (sums and
means are compensated, so the last digits differ); `Expr.curved` that Go's and C's mathematical functions take part, which round
differently in the last place. Everything else must agree to the last bit.
"""

import dataclasses
import random

LABELS = {"c_total": ("job", "inst", "code"), "g": ("room", "floor"), "odd": ("kind",), "h_bucket": ("path", "le"),
          "h_count": ("path",), "h_sum": ("path",), "build": ("inst", "version"), "gap": ("n",)}
VALUES = {"job": ("api", "web"), "inst": ("a:1", "b:1", "c:1"), "code": ("200", "404", "500"), "room": ("hall", "cellar", "küche", "short"),
          "floor": ("0", "1"), "kind": ("nan", "inf", "zero", "flip"), "path": ("/", "/api", "/never"), "le": ("0.1", "1.0", "+Inf"),
          "version": ("1.2", "1.10"), "n": ("1", "2")}
MAPS = ("abs", "ceil", "floor", "sgn", "round")
CURVES = ("exp", "ln", "log2", "log10", "sin", "cos", "tan", "atan", "asinh", "tanh", "deg", "rad")
DATES = ("minute", "hour", "day_of_week", "day_of_month", "days_in_month", "month", "year", "day_of_year")
RANGE_EXACT = ("sum_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time", "changes",
               "resets", "rate", "increase", "delta", "irate", "idelta", "deriv", "stddev_over_time", "stdvar_over_time")
AGGREGATES = ("sum", "min", "max", "count", "group", "avg", "stddev", "stdvar")
ARITHMETIC = ("+", "-", "*", "/", "%")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")


@dataclasses.dataclass(frozen=True)
class Expr:
    text: str
    labels: tuple[str, ...] = ()  # that its series have, the name left out
    exact: bool = True  # small multiples of 1/8: sums of them are exact
    loose: bool = False
    curved: bool = False
    times: bool = False  # a rounded value was compared, counted or the like: points may be there or not
    finite: bool = True  # neither NaN nor infinite
    leaf: bool = False  # a selector: its series come in one order in every version

    def like(self, text: str, **changes: object) -> "Expr":
        return dataclasses.replace(self, text=text, leaf=False, **changes)


class Generator:
    def __init__(self, seed: int, start: int, end: int):
        self.rng = random.Random(seed)
        self.start, self.end = start, end

    def expression(self) -> Expr:
        """A whole expression: a vector most of the time."""
        depth = self.rng.choice((1, 1, 2, 2, 2, 3, 3, 4))
        return self.scalar(depth) if self.rng.random() < 0.05 else self.vector(depth)

    # ---- leaves

    def modifiers(self) -> str:
        rng, text = self.rng, ""
        if rng.random() < 0.15:
            text += f" offset {rng.choice(('-', ''))}{rng.choice(('15s', '1m', '5m', '1m30s', '20m'))}"
        if rng.random() < 0.07:
            text += rng.choice((" @ start()", " @ end()", f" @ {rng.randrange(self.start, self.end)}.5"))
        return text

    def matchers(self, name: str) -> str:
        rng, parts = self.rng, []
        for label in LABELS[name]:
            if rng.random() < 0.3:
                parts.append(self.matcher(label))
        while parts and rng.random() < 0.1:  # some labels are matched twice, in any order
            parts.insert(rng.randrange(len(parts) + 1), self.matcher(rng.choice(LABELS[name])))
        return "{" + ",".join(parts) + "}" if parts else ""

    def matcher(self, label: str) -> str:
        rng = self.rng
        value = rng.choice(VALUES[label])
        kind = rng.choice(("=", "=", "!=", "=~", "!~"))
        if kind.endswith("~"):
            value = rng.choice((value.replace("+", "\\\\+") + "|none", ".+", value[:1].replace("+", "\\\\+") + ".*", ""))
        return f'{label}{kind}"{value}"'

    def selector_core(self, name: str = "") -> tuple[str, str]:
        name = name or self.rng.choice(("c_total", "c_total", "g", "g", "odd", "h_bucket", "h_count", "h_sum", "build", "gap"))
        return name, name + self.matchers(name)

    def selector(self, name: str = "") -> Expr:
        name, text = self.selector_core(name)
        return Expr(text + self.modifiers(), LABELS[name], finite=name != "odd", leaf=True)

    def duration(self) -> str:
        return self.rng.choice(("40s", "1m", "2m", "5m", "7m30s", "15m", "1h"))

    def number(self) -> str:
        return self.rng.choice(("0", "1", "2", "-1", "0.5", "3", "10", "100", "1e3", "0x10", "NaN", "Inf", "-Inf", "0.125"))

    # ---- scalars

    def scalar(self, depth: int) -> Expr:
        rng = self.rng
        if depth <= 0 or rng.random() < 0.4:
            return Expr(rng.choice((self.number(), self.number(), "time()", "pi()")), exact=False, finite=False)
        if rng.random() < 0.5:
            inner = self.vector(depth - 1)
            return inner.like(f"scalar({inner.text})", labels=(), exact=False, finite=False)
        a, b = self.scalar(depth - 1), self.scalar(depth - 1)
        op = rng.choice(ARITHMETIC)
        return Expr(f"({a.text} {op} {b.text})", exact=False, loose=a.loose or b.loose, curved=a.curved or b.curved, finite=False,
                    times=a.times or b.times)

    # ---- vectors

    def vector(self, depth: int) -> Expr:
        rng = self.rng
        if depth <= 0:
            return self.selector()
        choice = rng.random()
        if choice < 0.28:
            return self.range_function(depth)
        if choice < 0.52:
            return self.aggregation(depth)
        if choice < 0.64:
            return self.function(depth)
        if choice < 0.80:
            return self.with_scalar(depth)
        if choice < 0.95:
            return self.vectors(depth)
        inner = self.vector(depth - 1)
        return rng.choice((inner.like(f"-({inner.text})"), inner.like(f"({inner.text})"), Expr(f"vector({self.scalar(depth - 1).text})", exact=False,
                                                                                          loose=True, times=True, finite=False)))

    def matrix(self, depth: int) -> Expr:
        rng = self.rng
        if depth >= 2 and rng.random() < 0.3:
            inner = self.vector(depth - 2)
            step = rng.choice(("", "30s", "1m", "2m"))
            # Odd ranges, so that within another subquery, too, no border lies on a step.
            text = f"({inner.text})[{rng.choice(('5m7s', '10m7s', '20m7s'))}:{step}]{self.modifiers()}"
            return inner.like(text)
        name, text = self.selector_core()
        return Expr(f"{text}[{self.duration()}]{self.modifiers()}", LABELS[name], finite=name != "odd")

    def range_function(self, depth: int) -> Expr:
        rng, inner = self.rng, self.matrix(depth)
        name = rng.choice(RANGE_EXACT + ("avg_over_time", "quantile_over_time", "predict_linear", "absent_over_time"))
        if name == "predict_linear" and "@" in inner.text:
            name = "deriv"  # 2.42 takes it for the same at every step, whatever the time of evaluation
        if name in ("rate", "increase") and not inner.text.startswith(("c_total", "h_", "build")):
            name = "delta"  # counters near zero with gaps: see the explanations
        if name == "quantile_over_time" and not inner.finite:
            name = "max_over_time"  # quantiles beside infinite values: see the explanations
        if name == "quantile_over_time":
            return inner.like(f"{name}({rng.choice(('0.5', '0.9', '0', '1', '-1', '2'))}, {inner.text})", exact=False, finite=False)
        if name == "predict_linear":
            return inner.like(f"{name}({inner.text}, {rng.choice(('0', '60', '-60', '3600'))})", exact=False, loose=inner.loose or not inner.finite)
        if name == "absent_over_time":
            return inner.like(f"{name}({inner.text})", labels=())
        keeps = name in ("min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time", "changes", "resets",
                         "sum_over_time", "idelta")
        # Sums over time have been compensated since before 2.42; of inexact values their order of adding is the same.
        counted = name in ("changes", "resets") and (inner.loose or inner.curved)
        compensated = name == "avg_over_time" or (name == "deriv" and not inner.finite)
        return inner.like(f"{name}({inner.text})", exact=inner.exact and keeps, loose=inner.loose or compensated,
                          times=inner.times or counted)

    def grouping(self, labels: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        rng = self.rng
        if rng.random() < 0.3 or not labels:
            return "", ()
        chosen = tuple(label for label in labels if rng.random() < 0.5)
        if rng.random() < 0.5:
            return f"by ({', '.join(chosen)}) ", chosen
        return f"without ({', '.join(chosen)}) ", tuple(label for label in labels if label not in chosen)

    def aggregation(self, depth: int) -> Expr:
        rng, inner = self.rng, self.vector(depth - 1)
        by, left = self.grouping(inner.labels)
        name = rng.choice(AGGREGATES + ("topk", "bottomk", "quantile", "count_values"))
        if name in ("topk", "bottomk"):
            # Which of equal values is kept: the heap is another one, and the order of the results it is fed is random in 2.42.
            return inner.like(f"{name} {by}({rng.choice(('1', '2', '3', '0'))}, {inner.text})", times=True)
        if name == "quantile" and inner.finite:
            return inner.like(f"quantile {by}({rng.choice(('0.5', '0.25', '0', '1', '1.5'))}, {inner.text})", labels=left, exact=False, finite=False)
        if name == "count_values":
            return inner.like(f'count_values {by}("v", {inner.text})', labels=left + ("v",), times=inner.times or inner.loose or inner.curved)
        if name in ("stddev", "stdvar", "quantile") and not inner.finite:
            name = "max"
        exact = inner.exact and name in ("sum", "min", "max", "count", "group")
        loose = inner.loose or name == "avg" or (name == "sum" and not inner.exact) or (name in ("stddev", "stdvar") and not inner.leaf)
        return inner.like(f"{name} {by}({inner.text})", labels=left, exact=exact, loose=loose)

    def function(self, depth: int) -> Expr:
        rng, inner = self.rng, self.vector(depth - 1)
        kind = rng.randrange(9)
        if kind == 0:
            return inner.like(f"{rng.choice(MAPS)}({inner.text})", times=inner.times or inner.loose)
        if kind == 1:
            name = rng.choice(CURVES)
            # A last place of 10^8 is a part in 10^8 of its sine.
            magnified = name in ("sin", "cos", "tan") and (inner.curved or inner.loose)
            return inner.like(f"{name}({inner.text})", exact=False, curved=True, finite=False, times=inner.times or magnified)
        if kind == 2:
            name = rng.choice(("clamp_min", "clamp_max"))
            return inner.like(f"{name}({inner.text}, {self.number()})", exact=False, finite=False)
        if kind == 3:
            return inner.like(f"clamp({inner.text}, {self.number()}, {self.number()})", exact=False, finite=False)
        if kind == 4:
            return inner.like(f"absent({inner.text})", labels=(), times=inner.times)
        if kind == 5:
            leaf = self.selector(rng.choice(("c_total", "g", "gap")))
            if "@" in leaf.text:
                return leaf  # 2.42 loses the offset
            return leaf.like(f"timestamp({leaf.text})", exact=False)
        if kind == 6:
            label = rng.choice(inner.labels or ("job",))
            return inner.like(f'label_replace({inner.text}, "new", "$1-x", "{label}", "(.).*")', labels=inner.labels + ("new",))
        if kind == 7:
            leaf = self.vector(0) if rng.random() < 0.5 else Expr(f"rate(h_bucket[{self.duration()}])", LABELS["h_bucket"], exact=False)
            if "h_bucket" not in leaf.text:
                leaf = self.selector("h_bucket")
            return Expr(f"histogram_quantile({rng.choice(('0.5', '0.9', '0.99', '0', '1', '-1'))}, {leaf.text})", ("path",), exact=False,
                        loose=not leaf.exact, finite=False)
        leaf = self.selector("c_total")
        return leaf.like(f"{rng.choice(DATES)}({leaf.text} * 1e6)", exact=False)

    def with_scalar(self, depth: int) -> Expr:
        rng, a = self.rng, self.vector(depth - 1)
        b = self.scalar(depth - 2) if rng.random() < 0.3 else Expr(self.number(), exact=False)
        loose, curved = a.loose or b.loose, a.curved or b.curved
        left, right = (a.text, b.text) if rng.random() < 0.7 else (b.text, a.text)
        if rng.random() < 0.6:
            op = rng.choice(ARITHMETIC + ("^", "atan2"))
            return a.like(f"({left} {op} {right})", exact=False, loose=loose, curved=curved or op in ("^", "atan2"), finite=False,
                          times=a.times or (op == "%" and (loose or curved)))
        op, as_bool = rng.choice(COMPARISONS), rng.choice(("", "", "bool "))
        return a.like(f"({left} {op} {as_bool}{right})", exact=a.exact and not as_bool, loose=loose, curved=curved,
                      times=a.times or loose or curved)

    def vectors(self, depth: int) -> Expr:
        rng, a = self.rng, self.vector(depth - 1)
        b = a if rng.random() < 0.25 else self.vector(depth - 1)
        loose, curved = a.loose or b.loose, a.curved or b.curved
        times = a.times or b.times
        common = tuple(label for label in a.labels if label in b.labels)
        match, labels = "", tuple(sorted(set(a.labels) & set(b.labels)))
        if rng.random() < 0.6 and (a.labels or b.labels):
            chosen = tuple(label for label in common if rng.random() < 0.8)
            match = f"on ({', '.join(chosen)}) " if rng.random() < 0.6 else f"ignoring ({', '.join(set(a.labels + b.labels) - set(chosen))}) "
            labels = chosen
        if rng.random() < 0.35:
            op = rng.choice(("and", "or", "unless"))
            union = tuple(sorted(set(a.labels) | set(b.labels))) if op == "or" else a.labels
            return Expr(f"({a.text} {op} {match}{b.text})", union, a.exact and b.exact, loose, curved, times, a.finite and b.finite)
        if match and rng.random() < 0.4:
            side = rng.choice(("group_left", "group_right"))
            match += f"{side} () "
            labels = a.labels if side == "group_left" else b.labels
        if rng.random() < 0.65:
            op = rng.choice(ARITHMETIC)
            return Expr(f"({a.text} {op} {match}{b.text})", labels, False, loose, curved, times or (op == "%" and (loose or curved)), False)
        op, as_bool = rng.choice(COMPARISONS), rng.choice(("", "bool "))
        return Expr(f"({a.text} {op} {as_bool}{match}{b.text})", labels, False, loose, curved, times or loose or curved, a.finite)
