/* cells: buckets over time as cells, from le buckets or, calculated, from the values of series. */
import { timeField, type Field, type Frame } from '../../grafana/frame';

export interface Cells {
    /* Seconds; the start of each column. */
    times: Float64Array;
    step: number;
    /* From the lowest to the highest; labels beside the axis. */
    rows: { low: number; high: number; label: string }[];
    /* rows x columns, row by row; NaN where there is nothing. */
    counts: Float64Array;
    most: number;
    least: number;
}

function boundOf(name: string): number {
    return name === '+Inf' ? Infinity : Number(name);
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

/** fromBuckets takes fields whose names are upper bounds, or any fields as rows of their own. */
export function fromBuckets(frame: Frame): Cells | undefined {
    const time = timeField(frame);
    const fields = frame.fields.filter((f) => f.type === 'number');
    if (!time || fields.length === 0) {
        return undefined;
    }
    const bounds = fields.map((f) => boundOf(f.labels?.le ?? f.name));
    const numeric = bounds.every((b) => !Number.isNaN(b));
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
        rows: fields.map((f, i) => ({ low: numeric ? (f.labels?.ge !== undefined ? Number(f.labels.ge) : i > 0 ? bounds[i - 1]! : 0) : i, high: numeric ? bounds[i]! : i + 1, label: f.labels?.le ?? f.state?.displayName ?? f.name })),
        counts,
    });
}

/** merged puts frames of one bucket each into one, sorted by bound. */
export function merged(frames: readonly Frame[]): Frame | undefined {
    const rows = frames.find((f) => f.meta?.kind === 'heatmap-rows');
    if (rows || frames.length < 2) {
        return rows ?? frames[0];
    }
    const time = timeField(frames[0]!);
    const fields = frames.flatMap((f) => f.fields.filter((x) => x.type === 'number'));
    const sorted = fields.every((f) => !Number.isNaN(boundOf(f.labels?.le ?? f.state?.displayName ?? ''))) ? [...fields].sort((a, b) => boundOf(a.labels?.le ?? a.state?.displayName ?? '') - boundOf(b.labels?.le ?? b.state?.displayName ?? '')) : fields;
    return time ? { ...frames[0]!, fields: [time, ...sorted] } : undefined;
}

/** columnAt is the column of a time in seconds; -1 where there is none. */
export function columnAt(cells: Cells, seconds: number): number {
    return cells.times.findIndex((end) => seconds <= end && seconds > end - cells.step);
}

/** heightOf says where a value stands, from 0 at the top to 1; undefined where no bucket has it. */
export function heightOf({ rows }: Cells, value: number, isReversed: boolean): number | undefined {
    const row = rows.findIndex(({ low, high }) => value > low && value <= high);
    if (row < 0) {
        return undefined;
    }
    const { low, high } = rows[row]!;
    const within = (value - low) / (high - low);
    const share = (row + (Number.isFinite(low) && Number.isFinite(high) ? within : 0.5)) / rows.length;
    return isReversed ? share : 1 - share;
}

const ROWS = 20;

/** calculated counts the values of all series into rows of equal height. */
export function calculated(frames: readonly Frame[], columnsMax: number): Cells | undefined {
    const sources = frames.flatMap((frame) => {
        const time = timeField(frame);
        return time ? frame.fields.filter((f) => f.type === 'number').map((field) => ({ time, field })) : [];
    });
    let low = Infinity;
    let high = -Infinity;
    let start = Infinity;
    let end = -Infinity;
    for (const { time, field } of sources) {
        for (let i = 0; i < field.values.length; i++) {
            const v = Number(field.values[i] ?? NaN);
            if (Number.isFinite(v)) {
                low = Math.min(low, v);
                high = Math.max(high, v);
                start = Math.min(start, Number(time.values[i]));
                end = Math.max(end, Number(time.values[i]));
            }
        }
    }
    if (!Number.isFinite(low)) {
        return undefined;
    }
    const columns = Math.max(1, Math.min(columnsMax, 60));
    const step = Math.max(1, (end - start) / 1000 / columns);
    const size = (high - low) / ROWS || 1;
    const counts = new Float64Array(ROWS * columns);
    for (const { time, field } of sources) {
        for (let i = 0; i < field.values.length; i++) {
            const v = Number(field.values[i] ?? NaN);
            if (Number.isFinite(v)) {
                const row = Math.min(ROWS - 1, Math.floor((v - low) / size));
                const column = Math.min(columns - 1, Math.floor((Number(time.values[i]) - start) / 1000 / step));
                counts[row * columns + column]! += 1;
            }
        }
    }
    return finish({
        times: Float64Array.from({ length: columns }, (_, i) => start / 1000 + i * step), step,
        rows: Array.from({ length: ROWS }, (_, i) => ({ low: low + i * size, high: low + (i + 1) * size, label: '' })), counts,
    });
}
