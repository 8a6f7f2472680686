/* trend: which field series are drawn over, or why they cannot be, in Grafana's words. */
import { asNumber } from '../../grafana/json';
import { type Field, type Frame, makeFrame } from '../../grafana/frame';

export type Trend = { warning: string } | { x: Field; frame: Frame };

/* Gaps apart. */
function isAscending(field: Field): boolean {
    let last = -Infinity;
    for (const value of field.values) {
        const number = asNumber(value);
        if (number !== undefined) {
            if (number <= last) {
                return false;
            }
            last = number;
        }
    }
    return true;
}

/* Only rows that have a place on the axis; the axis takes no colour of the palette. */
function placed(frame: Frame, x: Field): { x: Field; frame: Frame } {
    const rows = Array.from(x.values, (value, i) => (Number.isFinite(value) ? i : -1)).filter((i) => i >= 0);
    const place = x.state?.seriesIndex ?? Infinity;
    const fields = frame.fields.map((field) => {
        const index = field.state?.seriesIndex;
        return { ...field, values: rows.length === x.values.length ? field.values : rows.map((i) => field.values[i]), state: { ...field.state, ...(index !== undefined && index > place ? { seriesIndex: index - 1 } : {}) } };
    });
    return { x: fields[frame.fields.indexOf(x)]!, frame: makeFrame(fields, frame) };
}

/** trendOf picks the field of that name, or the first of numbers. */
export function trendOf(frames: readonly Frame[], name: string | undefined): Trend {
    const frame = frames[0];
    if (frames.length > 1) {
        return { warning: 'Only one frame is supported, consider adding a join transformation' };
    }
    const named = name ? frame?.fields.find((field) => field.name === name || field.state?.displayName === name) : undefined;
    if (name && !named) {
        return { warning: `Unable to find field: ${name}` };
    }
    const x = named ?? frame?.fields.find((field) => field.type === 'number');
    if (!frame || !x || (x.type !== 'number' && x.type !== 'time')) {
        return { warning: 'No numeric fields found for X axis' };
    }
    if (!isAscending(x)) {
        return { warning: 'Values must be in ascending order' };
    }
    if (!frame.fields.some((field) => field.type === 'number' && field !== x)) {
        return { warning: 'Data is missing a number field' };
    }
    return placed(frame, x);
}
