/* align: series with times of their own become columns over one time axis, as uPlot wants them. */

export interface Column {
    times: ArrayLike<number>;
    values: ArrayLike<number>;
    /* Seconds between points; where more than 1.5 of it is missing there is a gap. 0: no gaps. */
    step: number;
}

export interface Aligned {
    times: number[];
    /* null is a gap; undefined is "another series's time": a line goes on over it. */
    values: (number | null | undefined)[][];
}

const GAP_STEPS = 1.5;

function unionOfTimes(columns: readonly Column[]): number[] {
    const first = columns[0];
    if (!first) {
        return [];
    }
    const seen = new Set<number>();
    for (const column of columns) {
        for (let i = 0; i < column.times.length; i++) {
            seen.add(column.times[i]!);
            const next = column.times[i + 1];
            if (column.step > 0 && next !== undefined && next - column.times[i]! > column.step * GAP_STEPS) {
                seen.add(column.times[i]! + column.step);
            }
        }
    }
    return [...seen].sort((a, b) => a - b);
}

/* Answers of one query lie on one grid, nearly always. */
function haveOneGrid(columns: readonly Column[]): boolean {
    const first = columns[0]?.times ?? [];
    return columns.every(({ times, step }) => {
        if (step > 0 || times.length !== first.length) {
            return false;
        }
        for (let i = 0; i < first.length; i++) {
            if (times[i] !== first[i]) {
                return false;
            }
        }
        return true;
    });
}

function gapsAsNull(values: ArrayLike<number>): (number | null)[] {
    const out = new Array<number | null>(values.length);
    for (let i = 0; i < values.length; i++) {
        out[i] = Number.isFinite(values[i]) ? values[i]! : null;
    }
    return out;
}

/* align joins columns; NaN and infinities are gaps. */
export function align(columns: readonly Column[]): Aligned {
    if (columns.length > 0 && haveOneGrid(columns)) {
        return { times: Array.from(columns[0]!.times), values: columns.map((column) => gapsAsNull(column.values)) };
    }
    const times = unionOfTimes(columns);
    const at = new Map(times.map((t, i) => [t, i]));
    const values = columns.map((column) => {
        const out = new Array<number | null | undefined>(times.length).fill(undefined);
        const count = column.times.length;
        for (let i = 0; i < count; i++) {
            const value = column.values[i]!;
            out[at.get(column.times[i]!)!] = Number.isFinite(value) ? value : null;
            const next = column.times[i + 1];
            if (column.step > 0 && next !== undefined && next - column.times[i]! > column.step * GAP_STEPS) {
                out[at.get(column.times[i]! + column.step)!] = null;
            }
        }
        return out;
    });
    return { times, values };
}

/* stack adds each series to those before it; a missing point counts as nothing. Negative values stack downwards apart. */
export function stack(values: readonly (number | null | undefined)[][]): (number | null | undefined)[][] {
    const length = values[0]?.length ?? 0;
    const up = new Float64Array(length);
    const down = new Float64Array(length);
    return values.map((row) =>
        row.map((value, i) => {
            if (value === null || value === undefined) {
                return value;
            }
            const sums = value < 0 ? down : up;
            sums[i] = sums[i]! + value;
            return sums[i]!;
        }),
    );
}
