/* Reducers: one value out of a field: last, mean, p95. Ids and meanings are Grafana's; gaps (null, NaN) are passed over. */
import type { Field } from './frame';

export interface Reducer {
    id: string;
    name: string;
    /** Whether the result is in the field's unit. */
    keepsUnit: boolean;
}

/** What one walk over a field gives. */
interface Summary {
    first: unknown;
    last: unknown;
    firstNotNull: unknown;
    lastNotNull: unknown;
    count: number;
    numbers: number;
    sum: number;
    min: number;
    max: number;
    logmin: number;
    delta: number;
    step: number;
    allIsZero: boolean;
}

function isMissing(value: unknown): boolean {
    return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
}

function isNumeric(field: Field): boolean {
    return field.type === 'number' || field.type === 'time';
}

function summarize(field: Field): Summary {
    const values = field.values;
    const s: Summary = {
        first: values[0], last: values[values.length - 1], firstNotNull: null, lastNotNull: null, count: 0, numbers: 0, sum: 0,
        min: Infinity, max: -Infinity, logmin: Infinity, delta: 0, step: Infinity, allIsZero: true,
    };
    const numeric = isNumeric(field);
    let wentUp = true;
    for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (value === null || value === undefined) {
            continue;
        }
        s.count++;
        if (isMissing(value)) {
            continue;
        }
        if (numeric) {
            const n = value as number;
            s.sum += n;
            s.numbers++;
            if (s.firstNotNull !== null) {
                const step = n - (s.lastNotNull as number);
                s.step = Math.min(s.step, step);
                /* A counter that was set back counts from there, as Grafana's delta does. */
                if (step >= 0 && wentUp) {
                    s.delta += step;
                }
                wentUp = step >= 0;
            }
            s.min = Math.min(s.min, n);
            s.max = Math.max(s.max, n);
            if (n > 0) {
                s.logmin = Math.min(s.logmin, n);
            }
        }
        s.firstNotNull ??= value;
        s.allIsZero &&= value === 0;
        s.lastNotNull = value;
    }
    return s;
}

function variance(field: Field): number | null {
    let mean = 0;
    let count = 0;
    let squares = 0;
    for (let i = 0; isNumeric(field) && i < field.values.length; i++) {
        const value = field.values[i];
        if (!isMissing(value)) {
            const before = mean;
            mean += ((value as number) - before) / ++count;
            squares += ((value as number) - before) * ((value as number) - mean);
        }
    }
    return field.values.length === 0 ? null : count > 0 ? squares / count : 0;
}

function deviation(field: Field): number | null {
    const square = variance(field);
    return square === null ? null : Math.sqrt(square);
}

function present(field: Field): unknown[] {
    return Array.from(field.values as ArrayLike<unknown>).filter((v) => !isMissing(v));
}

function sortedNumbers(field: Field): number[] {
    return (present(field) as number[]).sort((a, b) => a - b);
}

function median(field: Field): unknown {
    const sorted = sortedNumbers(field);
    const middle = Math.floor(sorted.length / 2);
    return sorted.length === 0 ? null : sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function percentile(field: Field, share: number): unknown {
    const sorted = sortedNumbers(field);
    return sorted.length === 0 ? null : sorted[Math.round((sorted.length - 1) * share)];
}

function changes(field: Field): number {
    const values = present(field);
    return values.reduce<number>((n, v, i) => n + (i > 0 && v !== values[i - 1] ? 1 : 0), 0);
}

function difference(s: Summary): number | null {
    return typeof s.firstNotNull === 'number' && typeof s.lastNotNull === 'number' ? s.lastNotNull - s.firstNotNull : null;
}

function finite(n: number): number | null {
    return Number.isFinite(n) ? n : null;
}

interface Row extends Reducer {
    /** From one walk over the values, which several reducers share ... */
    of?: (s: Summary) => unknown;
    /** ... or from the field itself. */
    reduce?: (field: Field) => unknown;
}

/* 1st, 2nd, 3rd, 4th, 11th, 21st. */
const ordinal = (n: number): string => `${n}${(n % 100 > 10 && n % 100 < 14 ? undefined : ['th', 'st', 'nd', 'rd'][n % 10]) ?? 'th'}`;

function row(id: string, name: string, keepsUnit: boolean, of?: (s: Summary) => unknown, reduce?: (field: Field) => unknown): Row {
    return { id, name, keepsUnit, ...(of ? { of } : {}), ...(reduce ? { reduce } : {}) };
}

const ROWS: readonly Row[] = [
    row('lastNotNull', 'Last *', true, (s) => s.lastNotNull),
    row('last', 'Last', true, (s) => (isMissing(s.last) ? null : s.last)),
    row('firstNotNull', 'First *', true, (s) => s.firstNotNull),
    row('first', 'First', true, (s) => (isMissing(s.first) ? null : s.first)),
    row('min', 'Min', true, (s) => (s.numbers > 0 ? s.min : null)),
    row('max', 'Max', true, (s) => (s.numbers > 0 ? s.max : null)),
    row('mean', 'Mean', true, (s) => (s.numbers > 0 ? s.sum / s.numbers : null)),
    row('median', 'Median', true, undefined, median),
    row('variance', 'Variance', false, undefined, variance),
    row('stdDev', 'StdDev', true, undefined, deviation),
    row('sum', 'Total', true, (s) => s.sum),
    row('count', 'Count', false, (s) => s.count),
    row('countAll', 'Count all', false, undefined, (f) => f.values.length),
    row('range', 'Range', true, (s) => (s.numbers > 0 ? s.max - s.min : null)),
    row('delta', 'Delta', true, (s) => s.delta),
    row('step', 'Step', true, (s) => finite(s.step)),
    row('diff', 'Difference', true, difference),
    row('logmin', 'Min (above zero)', true, (s) => finite(s.logmin)),
    row('allIsZero', 'All Zeros', false, (s) => s.numbers > 0 && s.allIsZero),
    row('allIsNull', 'All Nulls', false, (s) => s.numbers === 0),
    row('changeCount', 'Change Count', false, undefined, changes),
    row('distinctCount', 'Distinct Count', false, undefined, (f) => new Set(present(f)).size),
    row('diffperc', 'Difference percent', false, (s) => {
        const by = difference(s);
        return by === null ? null : (by / (s.firstNotNull as number)) * 100;
    }),
    row('allValues', 'All values', true, undefined, (f) => Array.from(f.values as ArrayLike<unknown>)),
    row('uniqueValues', 'All unique values', true, undefined, (f) => [...new Set(Array.from(f.values as ArrayLike<unknown>))]),
    ...Array.from({ length: 99 }, (_, i) => row(`p${i + 1}`, `${ordinal(i + 1)} %`, true, undefined, (f: Field) => percentile(f, (i + 1) / 100))),
];

const BY_ID = new Map(ROWS.map((r) => [r.id, r]));

/* What old dashboards call them. */
const OLD_IDS: Record<string, string> = { avg: 'mean', current: 'lastNotNull', total: 'sum' };

export function findReducer(id: string): Reducer | undefined {
    return BY_ID.get(id) ?? BY_ID.get(OLD_IDS[id] ?? '');
}

export function reducers(): readonly Reducer[] {
    return ROWS;
}

/** reduceField gives the value of each reducer asked for; ids that nobody knows are left out. */
export function reduceField(field: Field, ids: readonly string[]): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    let summary: Summary | undefined;
    for (const id of ids) {
        const found = BY_ID.get(id) ?? BY_ID.get(OLD_IDS[id] ?? '');
        if (found?.reduce) {
            result[id] = found.reduce(field);
        } else if (found?.of) {
            summary ??= summarize(field);
            result[id] = found.of(summary);
        }
    }
    return result;
}

/** reduceNumber is one reducer's number; NaN when there is none. */
export function reduceNumber(field: Field, id: string): number {
    const value = reduceField(field, [id])[id];
    return typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : NaN;
}
