/* What several transformations need. */
import { guessType, makeField, makeFrame, type Field, type Frame, type Values } from '../frame';
import { fieldName } from '../names';
import { asText, type Json } from '../json';

export type Transform = (frames: readonly Frame[], options: Json) => Frame[];

export function list(values: Values): unknown[] {
    return Array.from(values as ArrayLike<unknown>);
}

export function nameIn(field: Field, frame: Frame, frames: readonly Frame[]): string {
    return fieldName(field, frame, frames);
}

/** isCalled says whether a field has that name, its own or the one shown. */
export function isCalled(field: Field, frame: Frame, frames: readonly Frame[], name: string): boolean {
    return field.name === name || nameIn(field, frame, frames) === name;
}

/** withFields gives the frame with other fields. */
export function withFields(frame: Frame, fields: Field[]): Frame {
    return { ...frame, fields, length: fields.reduce((most, f) => Math.max(most, f.values.length), 0) };
}

/** pickRows gives the frame with these rows, in this order. */
export function pickRows(frame: Frame, rows: readonly number[]): Frame {
    const fields = frame.fields.map((f) => ({ ...f, values: f.values instanceof Float64Array ? Float64Array.from(rows, (r) => f.values[r] as number) : rows.map((r) => f.values[r]) }));
    return { ...frame, fields, length: rows.length };
}

/** push puts a row at the end of its group. */
export function push<K>(groups: Map<K, number[]>, key: K, row: number): void {
    const rows = groups.get(key);
    if (rows) {
        rows.push(row);
    } else {
        groups.set(key, [row]);
    }
}

/** column makes a field of values, its type guessed. */
export function column(name: string, values: unknown[], like?: Field): Field {
    return like ? { ...makeField(name, like.type, values, like.config) } : makeField(name, guessType(values, name), values);
}

export function oneFrame(id: string, frames: readonly Frame[], fields: Field[]): Frame[] {
    return [makeFrame(fields, { refId: `${id}-${frames.map((f) => f.refId).join('-')}` })];
}

/** compareValues orders numbers by size and texts as the language does. */
const collator = new Intl.Collator();

export function compareValues(a: unknown, b: unknown): number {
    return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

/** isMissing says whether a value is a gap. */
export function isMissing(value: unknown): boolean {
    return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
}

export function optionText(options: Json, key: string, fallback = ''): string {
    return asText(options[key]) ?? fallback;
}
