/*
 * Frames: the tables that panels draw and transformations change: fields of equal length, each with a type, a config and,
 * when it came from a series, labels. Numbers are Float64Array where nothing is missing but NaN (a gap).
 */
import type { FieldConfig } from './fieldconfig';

export type FieldType = 'time' | 'number' | 'string' | 'boolean' | 'other';

export type Values = Float64Array | unknown[];

export interface Field {
    name: string;
    type: FieldType;
    values: Values;
    labels?: Record<string, string>;
    config: FieldConfig;
    /** What applyFieldConfig and the panels remember. */
    state?: FieldState;
}

export interface FieldState {
    displayName?: string;
    /** Place among the fields that get a colour of their own. */
    seriesIndex?: number;
    /** Least and greatest of all fields of the panel, for colours by value. */
    range?: { min: number; max: number };
}

export interface Frame {
    refId?: string;
    name?: string;
    fields: Field[];
    length: number;
    meta?: FrameMeta;
}

export interface FrameMeta {
    /** Buckets as heatmaps have them: le in ascending order, counts of each bucket alone. */
    kind?: 'heatmap-rows' | 'heatmap-cells' | 'timeseries' | 'table' | 'logs';
    /** Query as it was run. */
    executedQueryString?: string;
    stepMs?: number;
    /** Of a table within a table: its names are not shown; of the outer one: all are shown at once. */
    hidesHeader?: boolean;
    opensRows?: boolean;
}

/** The field whose values are frames, each for its row. */
export const NESTED_NAME = '__nestedFrames';

export function makeField(name: string, type: FieldType, values: Values, config: FieldConfig = {}, labels?: Record<string, string>): Field {
    return labels ? { name, type, values, config, labels } : { name, type, values, config };
}

export function makeFrame(fields: Field[], rest: Partial<Omit<Frame, 'fields' | 'length'>> = {}): Frame {
    return { ...rest, fields, length: fields.reduce((most, f) => Math.max(most, f.values.length), 0) };
}

/** valueAt is a field's value with a gap as null. */
export function valueAt(field: Field, index: number): unknown {
    const value = field.values[index];
    return value === undefined || (field.values instanceof Float64Array && Number.isNaN(value)) ? null : value;
}

/** guessType tells a field's type by its first value that is there. */
export function guessType(values: Values, name = ''): FieldType {
    if (values instanceof Float64Array) {
        return /^time$/i.test(name) ? 'time' : 'number';
    }
    for (const value of values) {
        if (value !== null && value !== undefined) {
            return typeof value === 'number' ? (/^time$/i.test(name) ? 'time' : 'number')
                : typeof value === 'string' ? 'string'
                : typeof value === 'boolean' ? 'boolean'
                : 'other';
        }
    }
    return 'other';
}

export function timeField(frame: Frame): Field | undefined {
    return frame.fields.find((f) => f.type === 'time');
}

/** isTimeSeries says whether a graph can be drawn of it. */
export function isTimeSeries(frame: Frame): boolean {
    return timeField(frame) !== undefined && frame.fields.some((f) => f.type === 'number');
}
