/* time: Grafana's way of saying times: "now-6h", "now/d", milliseconds, RFC 3339; ranges, steps and how they are shown. */

import { type Calendar, formatDate, FULL_DATE, parseDateMath, type TimeZone } from './datetime';

export interface TimeRange {
    /* As in the URL. */
    from: string;
    to: string;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/* parseDuration reads "1h30m", "15s", "2d" as Prometheus does, in ms; null when it is none. */
export function parseDuration(text: string): number | null {
    const trimmed = text.trim();
    if (!/^(\d+(?:\.\d+)?(ms|[smhdwy]))+$/.test(trimmed)) {
        return null;
    }
    let sum = 0;
    for (const [, count, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) {
        sum += Number(count) * (unit === 'y' ? 365 * UNIT_MS.d! : UNIT_MS[unit!]!);
    }
    return sum;
}

/* formatDuration writes ms as Prometheus does: "1h30m", "15s", "250ms". */
export function formatDuration(ms: number): string {
    let rest = Math.round(ms);
    if (!(rest > 0)) {
        return '0s';
    }
    let out = '';
    for (const [unit, size] of [['d', UNIT_MS.d!], ['h', UNIT_MS.h!], ['m', UNIT_MS.m!], ['s', 1000], ['ms', 1]] as const) {
        const count = Math.floor(rest / size);
        if (count > 0) {
            out += `${count}${unit}`;
            rest -= count * size;
        }
    }
    return out;
}

/* parseTime reads one end of a range, in ms since 1970; null when it is no time. `up` is for the end: "now/d" is then the day's last moment. */
export function parseTime(text: string, now: number, up = false, calendar: Calendar = {}): number | null {
    const trimmed = text.trim();
    const parsed = /^\d{10}$/.test(trimmed) ? Number(trimmed) * 1000 : parseDateMath(trimmed, now, { ...calendar, roundUp: up });
    return Number.isNaN(parsed) ? null : parsed;
}

/* resolveRange gives both ends in ms; what cannot be read is the last hour. */
export function resolveRange(range: TimeRange, now: number, calendar: Calendar = {}): { from: number; to: number } {
    const to = parseTime(range.to, now, true, calendar) ?? now;
    const from = parseTime(range.from, now, false, calendar) ?? to - UNIT_MS.h!;
    return from < to ? { from, to } : { from: to - UNIT_MS.h!, to };
}

export function isRelative(range: TimeRange): boolean {
    return range.from.startsWith('now') || range.to.startsWith('now');
}

export const QUICK_RANGES: readonly { from: string; to: string; title: string }[] = [
    ...['5m', '15m', '30m'].map((d) => ({ from: `now-${d}`, to: 'now', title: `Last ${parseInt(d, 10)} minutes` })),
    { from: 'now-1h', to: 'now', title: 'Last 1 hour' },
    ...['3h', '6h', '12h', '24h'].map((d) => ({ from: `now-${d}`, to: 'now', title: `Last ${parseInt(d, 10)} hours` })),
    ...['2d', '7d', '30d', '90d'].map((d) => ({ from: `now-${d}`, to: 'now', title: `Last ${parseInt(d, 10)} days` })),
    { from: 'now/d', to: 'now/d', title: 'Today' },
    { from: 'now-1d/d', to: 'now-1d/d', title: 'Yesterday' },
    { from: 'now/w', to: 'now/w', title: 'This week' },
];

/** Offered where a dashboard's fiscal year is not the calendar's. */
const FISCAL_RANGES: typeof QUICK_RANGES = [['Q', 'quarter'], ['y', 'year']].flatMap(([unit, name]) => [
    { from: `now/f${unit}`, to: 'now', title: `This fiscal ${name} so far` },
    { from: `now/f${unit}`, to: `now/f${unit}`, title: `This fiscal ${name}` },
    { from: `now-1${unit}/f${unit}`, to: `now-1${unit}/f${unit}`, title: `Previous fiscal ${name}` },
]);

/** quickRanges is what the picker offers. */
export function quickRanges({ fiscalStart }: Calendar): typeof QUICK_RANGES {
    return fiscalStart ? [...QUICK_RANGES, ...FISCAL_RANGES] : QUICK_RANGES;
}

/* formatTime is "2026-11-29 14:05:09", in the browser's zone, or in UTC where that is preferred. */
export function formatTime(ms: number): string {
    return Number.isFinite(ms) ? formatDate(ms, FULL_DATE, undefined) : '';
}

/* describeRange is what the time picker shows. */
export function describeRange(range: TimeRange, zone?: TimeZone): string {
    const quick = quickRanges({ fiscalStart: 1 }).find((one) => one.from === range.from && one.to === range.to);
    if (quick) {
        return quick.title;
    }
    const show = (text: string) => (/^\d+$/.test(text) ? formatDate(Number(text.length <= 10 ? `${text}000` : text), FULL_DATE, zone) : text);
    if (range.to === 'now' && /^now-\w+$/.test(range.from)) {
        return `Last ${range.from.slice(4)}`;
    }
    return `${show(range.from)} to ${show(range.to)}`;
}

/* shiftRange moves a range by half its width, as Grafana's arrows do. */
export function shiftRange(range: TimeRange, direction: -1 | 1, now: number, calendar: Calendar = {}): TimeRange {
    const { from, to } = resolveRange(range, now, calendar);
    const by = Math.round((to - from) / 2) * direction;
    const end = Math.min(to + by, now);
    return { from: String(Math.round(end - (to - from))), to: String(Math.round(end)) };
}

/* zoomOut doubles a range around its middle, not past now. */
export function zoomOut(range: TimeRange, now: number, calendar: Calendar = {}): TimeRange {
    const { from, to } = resolveRange(range, now, calendar);
    const half = (to - from) / 2;
    const end = Math.min(to + half, Math.max(now, to));
    return { from: String(Math.round(end - 4 * half)), to: String(Math.round(end)) };
}

const STEPS_S = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800, 2592000];
/* Prometheus refuses more points than that. */
const POINTS_MAX = 11_000;

/* stepFor is the step in seconds that gives about one point per pixel column pair, not below the least interval asked for. */
export function stepFor(rangeMs: number, points: number, leastS = 0): number {
    const seconds = rangeMs / 1000;
    const wanted = Math.max(seconds / Math.max(points, 1), seconds / POINTS_MAX, leastS);
    if (leastS > 0 && wanted === leastS) {
        return leastS;
    }
    if (wanted < 1) {
        return Math.max(0.1, Math.ceil(wanted * 10) / 10);
    }
    const least = Math.max(wanted * 0.75, seconds / POINTS_MAX);
    return STEPS_S.find((step) => step >= least) ?? Math.ceil(wanted / 86400) * 86400;
}

/* since is "3m ago", "in 2h". */
export function since(ms: number, now: number): string {
    const gap = Math.abs(now - ms);
    const text =
        gap < 1000 ? `${Math.floor(gap)}ms`
        : gap < 10_000 ? `${Math.min(gap / 1000, 9.9).toFixed(1)}s`
        : gap < UNIT_MS.m! ? `${Math.floor(gap / 1000)}s`
        : gap < UNIT_MS.h! ? `${Math.floor(gap / UNIT_MS.m!)}m ${Math.floor((gap % UNIT_MS.m!) / 1000)}s`
        : gap < UNIT_MS.d! ? `${Math.floor(gap / UNIT_MS.h!)}h ${Math.floor((gap % UNIT_MS.h!) / UNIT_MS.m!)}m`
        : `${Math.floor(gap / UNIT_MS.d!)}d ${Math.floor((gap % UNIT_MS.d!) / UNIT_MS.h!)}h`;
    return now >= ms ? `${text} ago` : `in ${text}`;
}
