/* walk: from an alert to its graph, on to Explore, and back: what the links carry, so that threshold, firing span and range of time stay. */
import { type TimeRange } from './time';

/** What an alert's graph shows beside the series. */
export interface AlertView {
    /** Of "expr > 5". */
    op?: string;
    threshold?: number;
    /** When the alert was active, and when it fired, in ms. */
    spans: { from: number; to: number }[];
    /** Its fingerprint: the way back. */
    alert?: string;
}

const MINUTE = 60_000;
const RANGES: readonly [number, string][] = [[15 * MINUTE, 'now-15m'], [60 * MINUTE, 'now-1h'], [180 * MINUTE, 'now-3h'], [360 * MINUTE, 'now-6h'], [720 * MINUTE, 'now-12h'], [1440 * MINUTE, 'now-24h'], [2880 * MINUTE, 'now-2d'], [10_080 * MINUTE, 'now-7d']];
const SPANS_MAX = 20;

/** rangeSince is the shortest usual range that shows how an alert came to be: half as long again as it is active. */
export function rangeSince(activeAt: number, now: number): TimeRange {
    const wanted = (now - activeAt) * 1.5;
    return { from: RANGES.find(([ms]) => ms >= wanted)?.[1] ?? 'now-30d', to: 'now' };
}

/** writeView gives the parameters of Explore: threshold=>0.5, spans=from-to,from-to, alert=fingerprint. */
export function writeView(view: AlertView): Record<string, string> {
    return {
        ...(view.threshold !== undefined ? { threshold: `${view.op ?? ''}${view.threshold}` } : {}),
        ...(view.spans.length > 0 ? { spans: view.spans.slice(-SPANS_MAX).map(({ from, to }) => `${Math.round(from)}-${Math.round(to)}`).join(',') } : {}),
        ...(view.alert ? { alert: view.alert } : {}),
    };
}

/** readView reads them; what is no number is left out. */
export function readView(params: URLSearchParams): AlertView {
    const [, op = '', text = ''] = /^(>=|<=|==|!=|>|<)?(.+)$/.exec(params.get('threshold') ?? '') ?? [];
    const threshold = text.trim() === '' ? NaN : Number(text);
    const alert = params.get('alert') ?? '';
    return {
        ...(Number.isFinite(threshold) ? { threshold, ...(op ? { op } : {}) } : {}),
        spans: (params.get('spans') ?? '').split(',').slice(0, SPANS_MAX).map((one) => /^(\d+)-(\d+)$/.exec(one)).filter((m) => m !== null).map((m) => ({ from: Number(m[1]), to: Number(m[2]) })),
        ...(/^[0-9a-f]{16}$/.test(alert) ? { alert } : {}),
    };
}

/** tintOf is the side of a threshold where the alert is active. */
export function tintOf(op: string | undefined): 'above' | 'below' | undefined {
    return op?.startsWith('>') ? 'above' : op?.startsWith('<') ? 'below' : undefined;
}
