/*
 * Annotations: what queries say happened, at a time or over a span. What Grafana's Prometheus data source does: samples above
 * zero are events; those that follow each other at the query's step are one span. Texts come from outside: they stay text.
 */
import { parseInterval } from './datetime';
import { own } from './json';
import type { AnnotationModel } from './model';
import { legendName, type Labels } from './names';
import type { SeriesLike } from './prometheus';

export interface Annotation {
    /** Ms since 1970. */
    from: number;
    to?: number;
    color: string;
    title: string;
    text: string;
    tags: string[];
    /** Of an alert: the words of its rule's expression, to know which panels it is about. */
    metrics?: ReadonlySet<string>;
    /** Whose it is. */
    source: string;
}

/** More cannot be told apart in a graph. */
export const ANNOTATIONS_MAX = 500;
const STEP_MS = 60_000;
/** A query may ask for so many points a series. */
const POINTS_MAX = 1_500;

/** annotationStep is the query's step in ms: what it says, but not more points than can be seen. */
export function annotationStep(step: string, rangeMs: number): number {
    const wanted = parseInterval(step);
    return Math.max(wanted > 0 ? wanted : STEP_MS, Math.ceil(rangeMs / POINTS_MAX / 1000) * 1000);
}

interface Span {
    from: number;
    to: number;
}

/* spansOf joins times that are at most one step apart. */
function spansOf(times: readonly number[], stepMs: number): Span[] {
    const spans: Span[] = [];
    for (const time of [...times].sort((a, b) => a - b)) {
        const last = spans[spans.length - 1];
        if (last && time - last.to <= stepMs) {
            last.to = time;
        } else {
            spans.push({ from: time, to: time });
        }
    }
    return spans;
}

function eventTimes(series: SeriesLike, useValueForTime: boolean): number[] {
    const times: number[] = [];
    for (let i = 0; i < series.times.length; i++) {
        const value = series.values[i]!;
        if (useValueForTime ? Number.isFinite(value) : value > 0) {
            times.push(useValueForTime ? Math.floor(value) : series.times[i]! * 1000);
        }
    }
    return useValueForTime ? [...new Set(times)] : times;
}

function tagsOf(labels: Labels, keys: string): string[] {
    return keys.split(',').map((key) => key.trim()).map((key) => own(labels, key)).filter((value) => value !== undefined && value !== '') as string[];
}

/** annotationsOf makes events of an answer. */
export function annotationsOf(model: AnnotationModel, series: readonly SeriesLike[], stepMs: number, color: string): Annotation[] {
    const made = series.flatMap((one) =>
        spansOf(eventTimes(one, model.useValueForTime), model.useValueForTime ? 0 : stepMs).map((span): Annotation => ({
            from: span.from, ...(span.to > span.from ? { to: span.to } : {}), color, source: model.name,
            title: legendName(model.titleFormat, one.labels) || model.name,
            text: legendName(model.textFormat, one.labels),
            tags: tagsOf(one.labels, model.tagKeys),
        })),
    );
    return made.sort((a, b) => a.from - b.from).slice(0, ANNOTATIONS_MAX);
}

/** The states of alerts over time, as rules write them. */
export const ALERTS_EXPR = 'ALERTS{alertstate="firing"}';

/** alertAnnotations makes events of ALERTS; a rule's words say which panels they are about. */
export function alertAnnotations(series: readonly SeriesLike[], rules: readonly { name: string; query: string }[], stepMs: number, color: string, source: string): Annotation[] {
    const metrics = new Map<string, Set<string>>();
    for (const rule of rules) {
        metrics.set(rule.name, new Set([...(metrics.get(rule.name) ?? []), ...metricNames(rule.query)]));
    }
    const made = series.flatMap((one) => {
        const { alertstate, alertname = 'alert', ...labels } = one.labels;
        return spansOf(eventTimes(one, false), stepMs).map((span): Annotation => ({
            from: span.from, to: Math.max(span.to, span.from + stepMs), color, source, title: alertname, tags: [],
            text: [alertstate, ...Object.entries(labels).filter(([k]) => k !== '__name__').map(([k, v]) => `${k}=${v}`)].join('\n'),
            metrics: metrics.get(alertname) ?? new Set<string>(),
        }));
    });
    return made.sort((a, b) => a.from - b.from).slice(0, ANNOTATIONS_MAX);
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'offset', 'inf', 'nan', 'start', 'end', 'atan2', 'limitk', 'limit_ratio', 'smoothed', 'anchored', 'fill', 'fill_left', 'fill_right']);

/** metricNames lists the metrics that an expression selects by name, also one that does not parse. */
export function metricNames(expr: string): Set<string> {
    const plain = expr
        .replace(/(["'])(?:\\.|(?!\1)[^\\])*\1|`[^`]*`/g, '""')
        .replace(/\{[^}]*\}/g, '{}')
        .replace(/\[[^\]]*\]/g, '[]')
        .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gi, ' ');
    const found = new Set<string>();
    for (const match of plain.matchAll(/(?<![\w.:$])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)) {
        if (!KEYWORDS.has(match[0].toLowerCase())) {
            found.add(match[0]);
        }
    }
    for (const match of expr.matchAll(/__name__\s*=\s*"([^"\\]+)"/g)) {
        found.add(match[1]!);
    }
    return found;
}

/** isAbout says whether a panel shows an annotation: an alert only where one of its metrics is drawn. */
export function isAbout(one: Annotation, exprs: readonly string[]): boolean {
    return !one.metrics || exprs.some((expr) => [...metricNames(expr)].some((name) => one.metrics!.has(name)));
}
