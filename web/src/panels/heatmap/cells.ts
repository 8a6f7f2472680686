/* cells: buckets over time as cells, from le buckets or, calculated, from the values of series. */
import { parseInterval } from '../../grafana/datetime';
import { timeField, type Field, type Frame } from '../../grafana/frame';
import { asNumber, asRecord, asText, type Json } from '../../grafana/json';

export interface Cells {
    /* Seconds; the end of each column. */
    times: Float64Array;
    step: number;
    /* From the lowest to the highest; labels beside the axis. */
    rows: { low: number; high: number; label: string }[];
    /* Rows are called by their labels; low and high are their places. */
    isNamed?: boolean;
    /* Where the label stands in its row, from 0 at its lower bound to 1: in the middle where nobody says what it bounds. */
    labelAt?: number;
    /* rows x columns, row by row; NaN where there is nothing. */
    counts: Float64Array;
    most: number;
    least: number;
}

function boundOf(name: string): number {
    return name === '+Inf' ? Infinity : name === '-Inf' ? -Infinity : name.trim() === '' ? NaN : Number(name);
}

/* Grafana's rowsFrame.layout: the names of rows are their upper bounds, their lower ones, names alone, or what they look like. */
export type Layout = 'le' | 'ge' | 'unknown' | 'auto';

export function layoutOf(options: Json): Layout {
    const layout = asRecord(options.rowsFrame).layout;
    return layout === 'le' || layout === 'ge' || layout === 'unknown' ? layout : 'auto';
}

/* Of native histograms both bounds are labels. */
function boundLabel({ labels }: Field, layout: Layout): string | undefined {
    return (layout === 'ge' ? labels?.ge : undefined) ?? labels?.le;
}

function nameOf(f: Field, layout: Layout): string {
    return boundLabel(f, layout) ?? f.state?.displayName ?? f.name;
}

/* Both bounds of each row, of those that are given; undefined where they are none. */
function rangesOf(fields: readonly Field[], layout: Layout): { low: number; high: number }[] | undefined {
    if (layout === 'ge') {
        const lows = fields.map((f) => boundOf(nameOf(f, layout)));
        return lows.some(Number.isNaN) ? undefined : lows.map((low, i) => ({ low, high: lows[i + 1] ?? Infinity }));
    }
    const highs = fields.map((f) => boundOf(f.labels?.le ?? f.name));
    return layout === 'unknown' || highs.some(Number.isNaN) ? undefined : highs.map((high, i) => ({ low: fields[i]!.labels?.ge !== undefined ? Number(fields[i]!.labels!.ge) : i > 0 ? highs[i - 1]! : 0, high }));
}

function finish(cells: Omit<Cells, 'most' | 'least'>): Cells {
    let most = -Infinity;
    let least = Infinity;
    for (const v of cells.counts) {
        if (v > 0) {
            most = Math.max(most, v);
            least = Math.min(least, v);
        }
    }
    return { ...cells, most, least };
}

function stepOf(times: ArrayLike<number>): number {
    return times.length > 1 ? (times[1]! - times[0]!) / 1000 : 60;
}

/** fromBuckets takes fields whose names are bounds, or any fields as rows of their own. */
export function fromBuckets(frame: Frame, layout: Layout = 'auto'): Cells | undefined {
    const time = timeField(frame);
    const fields = frame.fields.filter((f) => f.type === 'number');
    if (!time || fields.length === 0) {
        return undefined;
    }
    const ranges = rangesOf(fields, layout);
    const columns = time.values.length;
    const counts = new Float64Array(fields.length * columns);
    fields.forEach((f: Field, row) => {
        for (let i = 0; i < columns; i++) {
            counts[row * columns + i] = Number(f.values[i] ?? NaN);
        }
    });
    return finish({
        times: Float64Array.from(time.values as ArrayLike<number>, (t) => t / 1000),
        step: stepOf(time.values as ArrayLike<number>),
        rows: fields.map((f, i) => ({ ...(ranges?.[i] ?? { low: i, high: i + 1 }), label: nameOf(f, layout) })),
        ...(ranges ? {} : { isNamed: true }),
        ...(layout === 'le' || layout === 'ge' ? { labelAt: layout === 'le' ? 1 : 0 } : {}),
        counts,
    });
}

/** merged puts frames of one bucket each into one, sorted by bound. */
export function merged(frames: readonly Frame[], layout: Layout = 'auto'): Frame | undefined {
    const rows = frames.find((f) => f.meta?.kind === 'heatmap-rows');
    if (rows || frames.length < 2) {
        return rows ?? frames[0];
    }
    const time = timeField(frames[0]!);
    const fields = frames.flatMap((f) => f.fields.filter((x) => x.type === 'number'));
    const bound = (f: Field): number => boundOf(boundLabel(f, layout) ?? f.state?.displayName ?? '');
    const sorted = fields.every((f) => !Number.isNaN(bound(f))) ? [...fields].sort((a, b) => bound(a) - bound(b)) : fields;
    return time ? { ...frames[0]!, fields: [time, ...sorted] } : undefined;
}

/** columnAt is the column of a time in seconds; -1 where there is none. */
export function columnAt(cells: Cells, seconds: number): number {
    return cells.times.findIndex((end) => seconds <= end && seconds > end - cells.step);
}

/** heightOf says where a value stands, from 0 at the top to 1; undefined where no bucket has it. */
export function heightOf({ rows, isNamed }: Cells, value: number, isReversed: boolean): number | undefined {
    const row = isNamed ? -1 : rows.findIndex(({ low, high }) => value > low && value <= high);
    if (row < 0) {
        return undefined;
    }
    const { low, high } = rows[row]!;
    const within = (value - low) / (high - low);
    const share = (row + (Number.isFinite(low) && Number.isFinite(high) ? within : 0.5)) / rows.length;
    return isReversed ? share : 1 - share;
}

/** within takes the rows that have something of a range; the outermost reach beyond it. */
export function within(cells: Cells, { min, max }: Json): Cells {
    const [low, high] = [asNumber(min) ?? -Infinity, asNumber(max) ?? Infinity];
    const kept = cells.rows.map((_, i) => i).filter((i) => cells.rows[i]!.high > low && (cells.rows[i]!.low < high || high === Infinity));
    if (kept.length === cells.rows.length || kept.length === 0) {
        return cells;
    }
    const columns = cells.times.length;
    const counts = new Float64Array(kept.length * columns);
    kept.forEach((from, to) => counts.set(cells.counts.subarray(from * columns, (from + 1) * columns), to * columns));
    return finish({ ...cells, rows: kept.map((i) => cells.rows[i]!), counts });
}

/* How values are counted. */
export interface Buckets {
    /* Columns: so many, or of so many seconds. */
    columns: number;
    stepS?: number;
    rows: number;
    /* Of a row; with a logarithm, the parts of a power. */
    size?: number;
    log?: number;
}

const ROWS = 20;
const ROWS_MAX = 500;
const COLUMNS_MAX = 2000;

/** bucketsOf reads what a panel says of its calculation; where nothing is said, columns are by width. */
export function bucketsOf(options: Json, columnsMax: number): Buckets {
    const { xBuckets, yBuckets } = asRecord(options.calculation);
    const [x, y] = [asRecord(xBuckets), asRecord(yBuckets)];
    const scale = asRecord(y.scale);
    const stepS = x.mode === 'count' ? NaN : parseInterval(asText(x.value) ?? '') / 1000;
    const count = x.mode === 'count' ? asNumber(x.value) : undefined;
    const given = asNumber(y.value);
    const log = scale.type === 'log' ? (asNumber(scale.log) ?? 2) : undefined;
    return {
        columns: Math.max(1, Math.min(count ?? Math.min(columnsMax, 60), COLUMNS_MAX)),
        ...(stepS > 0 ? { stepS } : {}),
        rows: Math.max(1, Math.min((y.mode === 'count' ? given : undefined) ?? ROWS, ROWS_MAX)),
        ...(log !== undefined ? { log, size: Math.max(1, Math.round(given ?? 1)) } : y.mode !== 'count' && given !== undefined && given > 0 ? { size: given } : {}),
    };
}

/* The bounds of rows, from the lowest to the highest. */
function boundsOf(low: number, high: number, { rows, size, log }: Buckets): number[] {
    if (log !== undefined && size !== undefined) {
        const power = (v: number): number => Math.log(v) / Math.log(log);
        const first = Math.floor(power(low) + 1e-9);
        const count = Math.max(1, Math.ceil(power(high) - 1e-9) - first) * size;
        return Array.from({ length: Math.min(count, ROWS_MAX) + 1 }, (_, i) => log ** (first + i / size));
    }
    const step = size ?? ((high - low) / rows || 1);
    const first = size === undefined ? low : Math.floor(low / step) * step;
    const count = size === undefined ? rows : Math.min(ROWS_MAX, Math.max(1, Math.floor((high - first) / step + 1e-9) + 1));
    return Array.from({ length: count + 1 }, (_, i) => Number((first + i * step).toPrecision(12)));
}

interface Point {
    ms: number;
    value: number;
}

function* pointsOf(frames: readonly Frame[], isLog: boolean): Generator<Point> {
    for (const frame of frames) {
        const time = timeField(frame);
        for (const field of time ? frame.fields.filter((f) => f.type === 'number') : []) {
            for (let i = 0; i < field.values.length; i++) {
                const value = Number(field.values[i] ?? NaN);
                if (Number.isFinite(value) && (!isLog || value > 0)) {
                    yield { ms: Number(time!.values[i]), value };
                }
            }
        }
    }
}

/** calculated counts the values of all series into rows and columns. */
export function calculated(frames: readonly Frame[], buckets: Buckets): Cells | undefined {
    let [low, high, start, end] = [Infinity, -Infinity, Infinity, -Infinity];
    const points = [...pointsOf(frames, buckets.log !== undefined)];
    for (const { ms, value } of points) {
        low = Math.min(low, value);
        high = Math.max(high, value);
        start = Math.min(start, ms / 1000);
        end = Math.max(end, ms / 1000);
    }
    if (points.length === 0) {
        return undefined;
    }
    const step = Math.max(buckets.stepS ?? Math.max(1, (end - start) / buckets.columns), (end - start) / COLUMNS_MAX);
    const first = buckets.stepS === undefined ? start : Math.floor(start / step) * step;
    const columns = buckets.stepS === undefined ? buckets.columns : Math.floor((end - first) / step) + 1;
    const bounds = boundsOf(low, high, buckets);
    const rows = bounds.length - 1;
    const place = buckets.log === undefined ? (value: number) => (value - bounds[0]!) / (bounds[1]! - bounds[0]!) : (value: number) => Math.log(value / bounds[0]!) / Math.log(bounds[1]! / bounds[0]!);
    const counts = new Float64Array(rows * columns);
    for (const { ms, value } of points) {
        const row = Math.min(rows - 1, Math.max(0, Math.floor(place(value) + 1e-9)));
        const column = Math.min(columns - 1, Math.floor((ms / 1000 - first) / step));
        counts[row * columns + column]! += 1;
    }
    return finish({
        times: Float64Array.from({ length: columns }, (_, i) => first + (i + 1) * step), step,
        rows: Array.from({ length: rows }, (_, i) => ({ low: bounds[i]!, high: bounds[i + 1]!, label: '' })), counts,
    });
}
