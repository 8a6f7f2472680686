/*
 * Single values: what stat, gauge, bar gauge and pie show: one value a field by a reducer, or one a row. Rules as
 * Grafana's "value options".
 */
import { asNumber, asRecord, asText, asTexts, own, type Json } from './json';
import { displayProcessor, displayText, fieldLimits, type DisplayValue, type Limits } from './fieldconfig';
import { mapValue, textTest } from './mappings';
import { fieldName, frameName } from './names';
import { findReducer, reduceField } from './reduce';
import { timeField, valueAt, type Field, type Frame } from './frame';
import type { Look } from './color';

export interface SingleValue {
    title: string;
    value: DisplayValue;
    text: string;
    field: Field;
    frame: Frame;
    limits: Limits;
    /** The series behind it, for a spark line. */
    times?: ArrayLike<number>;
    values?: ArrayLike<number>;
}

export interface SingleOptions {
    look: Look;
    zone: string | undefined;
    /** Fills variables of titles. */
    fill?: (text: string) => string;
}

/* More values than these say nothing. */
const VALUES_MAX = 250;
/* As many rows are shown where the panel does not say. */
const ROWS = 25;

function fieldTest(pattern: string | undefined, frames: readonly Frame[]): (field: Field, frame: Frame) => boolean {
    if (!pattern) {
        return (f) => f.type === 'number' || f.type === 'boolean';
    }
    const test = textTest(pattern) ?? ((name) => name === pattern);
    return (f, frame) => test(fieldName(f, frame, frames));
}

/* ${__field.labels.x}, ${__field.labels["x"]}, ${__field.name}, ${__series.name}, ${__cell_0} in a display name. */
function fillTitle(text: string, field: Field, frame: Frame, row: number, fill: (text: string) => string): string {
    const filled = text
        .replace(/\$\{__field\.labels(?:\.?\[?"([^"]+)"\]?|\.([^}]+))\}/g, (_all, quoted?: string, bare?: string) => own(field.labels, quoted ?? bare ?? '') ?? '')
        .replace(/\$\{__field\.labels\}/g, () => Object.entries(field.labels ?? {}).map(([k, v]) => `${k}="${v}"`).join(', '))
        .replace(/\$\{?__field\.name\}?|\$\{__field\.displayName\}/g, () => field.name)
        .replace(/\$\{?__series\.name\}?|\$__series_name/g, () => frameName(frame))
        .replace(/\$\{?__cell_(\d+)\}?/g, (_all, n: string) => String(frame.fields[Number(n)]?.values[row] ?? ''));
    return fill(filled);
}

/* One of several calculations is named by itself too, unless the name asks for it: ${__calc}. */
function calcTitle(text: string, calc: string, isOneOfMany: boolean): string {
    const filled = text.replace(/\$\{__calc\}|\$__calc\b|\[\[__calc\]\]/g, () => calc);
    return isOneOfMany && filled === text ? `${text} ${findReducer(calc)?.name ?? calc}` : filled;
}

/* A row is called by its texts, and by its field where others have numbers too. */
function rowTitle(field: Field, frame: Frame, row: number, named: string): string {
    const others = frame.fields.filter((f) => f !== field);
    const texts = others.filter((f) => f.type === 'string').map((f) => mapValue(f.config.mappings, f.values[row])?.text ?? String(f.values[row] ?? '')).filter((text) => text !== '');
    return [...texts, ...(texts.length === 0 || others.some((f) => f.type === 'number') ? [named] : [])].join(' ');
}

/** singleValues lists what a panel shows, a value a series and calculation; none without data. */
export function singleValues(frames: readonly Frame[], options: Json, how: SingleOptions): SingleValue[] {
    const reduce = asRecord(options.reduceOptions);
    const given = [...new Set(asTexts(reduce.calcs))];
    const calcs = given.length > 0 ? given : ['lastNotNull'];
    const isWanted = fieldTest(asText(reduce.fields), frames);
    const fill = how.fill ?? ((text: string): string => text);
    const most = Math.min(asNumber(reduce.limit) || ROWS, VALUES_MAX);
    const found: SingleValue[] = [];
    for (const frame of frames) {
        const time = timeField(frame);
        for (const field of frame.fields) {
            if (!isWanted(field, frame) || found.length >= VALUES_MAX) {
                continue;
            }
            const display = displayProcessor(field, how.look, { zone: how.zone });
            const limits = fieldLimits(field);
            const named = field.config.displayName ?? field.state?.displayName ?? fieldName(field, frame, frames);
            if (reduce.values === true) {
                for (let row = 0; row < frame.length && found.length < most; row++) {
                    const value = display(valueAt(field, row));
                    const title = field.config.displayName ? fillTitle(field.config.displayName, field, frame, row, fill) : rowTitle(field, frame, row, named);
                    found.push({ title, value, text: displayText(value), field, frame, limits });
                }
                continue;
            }
            const reduced = reduceField(field, calcs);
            for (const calc of calcs.slice(0, VALUES_MAX - found.length)) {
                const value = display(reduced[calc]);
                found.push({
                    title: fillTitle(calcTitle(named, calc, calcs.length > 1), field, frame, frame.length - 1, fill), value, text: displayText(value), field, frame, limits,
                    ...(time && field.type === 'number' ? { times: time.values as ArrayLike<number>, values: field.values as ArrayLike<number> } : {}),
                });
            }
        }
    }
    return found;
}
