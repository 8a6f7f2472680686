/* states: the stretches of time in which series have one state, and what is told of them. */
import type { TipContent, TipRow } from '../../draw/Tip';
import { namedColor, type Look } from '../../grafana/color';
import { formatDate, FULL_DATE } from '../../grafana/datetime';
import { valueAt, type Field } from '../../grafana/frame';
import { isMissing } from '../../grafana/transform/shared';
import { formatValue } from '../../grafana/units';

export interface Stretch {
    /* Ms. */
    from: number;
    to: number;
    text: string;
    color: string;
}

export interface StateRow {
    name: string;
    stretches: Stretch[];
}

/* More stretches than pixels cannot be seen. */
const STRETCHES_MAX = 2000;

/** stretchesOf joins neighbours that show the same; `joins` false keeps each sample apart. */
export function stretchesOf(times: ArrayLike<number>, field: Field, display: (value: unknown) => { text: string; color: string }, end: number, joins: boolean): Stretch[] {
    const found: Stretch[] = [];
    const count = field.values.length;
    const step = count > 1 ? times[1]! - times[0]! : 60_000;
    for (let i = 0; i < count; i++) {
        const value = valueAt(field, i);
        if (isMissing(value)) {
            continue;
        }
        const { text, color } = display(value);
        const last = found[found.length - 1];
        const to = Math.min(end, i + 1 < count ? times[i + 1]! : times[i]! + step);
        if (joins && last && last.text === text && last.color === color && last.to >= times[i]! - 1) {
            last.to = to;
        } else if (found.length < STRETCHES_MAX) {
            found.push({ from: times[i]!, to, text, color });
        }
    }
    return found;
}

/* More states are no help. */
const STATES_MAX = 12;

/** statesOf lists the states that are seen, in their order; where they are too many, the steps of the thresholds. */
export function statesOf(rows: readonly StateRow[], field: Field | undefined, look: Look): { name: string; color: string }[] {
    const seen = new Map(rows.flatMap((r) => r.stretches.map((s): [string, { name: string; color: string }] => [`${s.color} ${s.text}`, { name: s.text, color: s.color }])));
    const steps = field?.config.thresholds?.steps ?? [];
    /* Where each series has a colour of its own, a state has many. */
    const isByState = new Set([...seen.values()].map((one) => one.name)).size === seen.size;
    if (seen.size <= STATES_MAX) {
        return isByState ? [...seen.values()] : [];
    }
    return field?.config.color?.mode === 'thresholds'
        ? steps.map(({ value, color }, i) => ({ name: value === null ? `< ${formatValue(steps[i + 1]?.value ?? Infinity, field.config.unit)}` : `${formatValue(value, field.config.unit)}+`, color: namedColor(color, look) }))
        : [];
}

/** statesAt tells of the states at a time: that of one row, with its duration, or those of all. */
export function statesAt(rows: readonly StateRow[], at: number, row: number | undefined, zone: string | undefined): TipContent | null {
    const found = rows.flatMap(({ name, stretches }, i): { i: number; s: Stretch; row: TipRow }[] => {
        const s = stretches.find((one) => one.from <= at && at < one.to);
        return s ? [{ i, s, row: { color: s.color, name, text: s.text, near: i === row } }] : [];
    });
    const one = found.find(({ i }) => i === row);
    if (row !== undefined && one) {
        const { from, to } = one.s;
        return {
            head: formatDate(at, FULL_DATE, zone),
            rows: [{ ...one.row, near: false }, { name: `${formatDate(from, 'HH:mm:ss', zone)} to ${formatDate(to, 'HH:mm:ss', zone)}`, text: formatValue((to - from) / 1000, 'dtdurations') }],
        };
    }
    return row === undefined && found.length > 0 ? { head: formatDate(at, FULL_DATE, zone), rows: found.map((f) => f.row) } : null;
}
