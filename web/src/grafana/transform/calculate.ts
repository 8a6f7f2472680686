/* "Add field from calculation": a new field out of the row's others, of two fields, of one, over a window, or an index. */
import { asNumber, asRecord, asText, asTexts, isRecord, own, type Json } from '../json';
import { makeField, timeField, type Field, type Frame } from '../frame';
import { findReducer, reduceField } from '../reduce';
import { fieldMatcher } from '../fieldconfig';
import { isCalled, list, withFields, type Transform } from './shared';
import { toOneFrame } from './tables';

type Numbers = (number | null)[];

function numbers(field: Field): Numbers {
    return list(field.values).map((v) => (typeof v === 'number' && !Number.isNaN(v) ? v : null));
}

// ---- of a row ----

function reduceRow(frame: Frame, frames: readonly Frame[], options: Json): unknown[] | undefined {
    const include = asTexts(options.include);
    const id = asText(options.reducer) ?? 'sum';
    const columns = frame.fields.filter((f) => (include.length > 0 ? include.some((n) => isCalled(f, frame, frames, n)) : f.type === 'number')).map((f) => list(f.values));
    if (!findReducer(id)) {
        return undefined;
    }
    /* Of a row gaps count, too. */
    return Array.from({ length: frame.length }, (_, i) => (id === 'count' ? columns.length : reduceField(makeField('row', 'number', columns.map((c) => c[i])), [id])[id] ?? null));
}

// ---- of two ----

const OPERATIONS: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, '**': (a, b) => a ** b, '%': (a, b) => a % b,
};

/* A side is a number, the name of a field, or a matcher. */
function side(value: unknown, frame: Frame, frames: readonly Frame[]): Numbers | undefined {
    const json = asRecord(value);
    const matcher = asRecord(json.matcher);
    const text = typeof value === 'string' ? value : asText(json.fixed);
    const field = isRecord(json.matcher)
        ? frame.fields.find((f) => fieldMatcher(asText(matcher.id) ?? '', matcher.options)(f, frame, frames))
        : frame.fields.find((f) => text !== undefined && isCalled(f, frame, frames, text));
    if (field) {
        return numbers(field);
    }
    const fixed = asNumber(text ?? json.fixed);
    return fixed === undefined ? undefined : new Array<number>(frame.length).fill(fixed);
}

function binary(frame: Frame, frames: readonly Frame[], options: Json): Numbers | undefined {
    const operation = own(OPERATIONS, asText(options.operator) ?? '+');
    const left = side(options.left, frame, frames);
    const right = side(options.right, frame, frames);
    return operation && left && right ? left.map((a, i) => operation(a ?? 0, right[i] ?? 0)) : undefined;
}

function sideName(value: unknown): string {
    const json = asRecord(value);
    return typeof value === 'string' ? value : String(asRecord(json.matcher).options ?? json.fixed ?? '');
}

/* The operation on every field of a type. */
function onEach(frame: Frame, frames: readonly Frame[], options: Json): Frame | undefined {
    const rule = asRecord(options.binary);
    const type = asText(asRecord(asRecord(rule.left).matcher).options);
    const operation = own(OPERATIONS, asText(rule.operator) ?? '+');
    const right = side(rule.right, frame, frames);
    if (!operation || !right) {
        return frame;
    }
    const time = options.timeSeries === false ? undefined : timeField(frame);
    const made: Field[] = [];
    const fields: Field[] = time ? [time] : [];
    for (const field of frame.fields) {
        if (options.replaceFields !== true && field !== time) {
            fields.push(field);
        }
        if (field.type === type) {
            const result = { ...field, name: `${field.name} ${asText(rule.operator) ?? ''} ${sideName(rule.right)}`, values: numbers(field).map((a, i) => operation(a ?? 0, right[i] ?? 0)) };
            made.push(result);
            fields.push(result);
        }
    }
    return options.replaceFields === true && made.length === 0 ? undefined : withFields(frame, fields);
}

// ---- of one ----

const UNARY: Record<string, (n: number) => number> = { abs: Math.abs, exp: Math.exp, ln: Math.log, floor: Math.floor, ceil: Math.ceil, round: Math.round, percent: (n) => n * 100 };

function chosen(frame: Frame, frames: readonly Frame[], name: string | undefined): Field | undefined {
    return name ? frame.fields.find((f) => isCalled(f, frame, frames, name)) : frame.fields.find((f) => f.type === 'number');
}

function unary(frame: Frame, frames: readonly Frame[], options: Json): Numbers | undefined {
    const operation = own(UNARY, asText(options.operator) ?? 'abs');
    const field = chosen(frame, frames, asText(options.fieldName));
    return operation && field ? numbers(field).map((n) => operation(n ?? 0)) : undefined;
}

function cumulative(frame: Frame, frames: readonly Frame[], options: Json): Numbers | undefined {
    const field = chosen(frame, frames, asText(options.field));
    const isMean = options.reducer === 'mean';
    let total = 0;
    return field && numbers(field).map((n, i) => {
        total += n ?? 0;
        return isMean ? total / (i + 1) : total;
    });
}

function windowed(frame: Frame, frames: readonly Frame[], options: Json): Numbers | undefined {
    const field = chosen(frame, frames, asText(options.field));
    const share = asNumber(options.windowSize) ?? 0.1;
    const size = Math.ceil(share * (options.windowSizeMode === 'fixed' ? 1 : frame.length));
    const id = asText(options.reducer) ?? 'mean';
    if (!field || size <= 0 || !['mean', 'stdDev', 'variance'].includes(id)) {
        return undefined;
    }
    const values = numbers(field);
    const centered = options.windowAlignment === 'centered';
    const before = centered ? Math.floor(size / 2) : size - 1;
    const after = centered ? Math.ceil(size / 2) - 1 : 0;
    return values.map((_, i) => {
        const part = values.slice(Math.max(0, i - before), Math.min(values.length, i + after + 1));
        return (reduceField(makeField('window', 'number', part), [id])[id] as number | null) ?? 0;
    });
}

// ---- all ----

function nameOf(options: Json): string {
    if (asText(options.alias)) {
        return asText(options.alias)!;
    }
    const rule = asRecord(options.binary);
    switch (asText(options.mode) ?? 'reduceRow') {
        case 'binary': return `${sideName(rule.left)} ${asText(rule.operator) ?? '+'} ${sideName(rule.right)}`;
        case 'unary': return `${asText(asRecord(options.unary).operator) ?? 'abs'}${asText(asRecord(options.unary).fieldName) ? `(${asText(asRecord(options.unary).fieldName)})` : ''}`;
        case 'cumulativeFunctions': return `cumulative ${asText(asRecord(options.cumulative).reducer) ?? 'sum'}${asText(asRecord(options.cumulative).field) ? `(${asText(asRecord(options.cumulative).field)})` : ''}`;
        case 'windowFunctions': {
            const rules = asRecord(options.window);
            return `${asText(rules.windowAlignment) ?? 'trailing'} moving ${asText(rules.reducer) ?? 'mean'}${asText(rules.field) ? `(${asText(rules.field)})` : ''}`;
        }
        case 'index': return 'Row';
        default: return findReducer(asText(asRecord(options.reduce).reducer) ?? 'sum')?.name ?? 'math';
    }
}

function calculate(frame: Frame, frames: readonly Frame[], options: Json): unknown[] | undefined {
    switch (asText(options.mode) ?? 'reduceRow') {
        case 'reduceRow': return reduceRow(frame, frames, asRecord(options.reduce));
        case 'binary': return binary(frame, frames, asRecord(options.binary));
        case 'unary': return unary(frame, frames, asRecord(options.unary));
        case 'cumulativeFunctions': return cumulative(frame, frames, asRecord(options.cumulative));
        case 'windowFunctions': return windowed(frame, frames, asRecord(options.window));
        case 'index': {
            const share = asRecord(options.index).asPercentile === true;
            return Array.from({ length: frame.length }, (_, i) => (share ? i / frame.length : i));
        }
        default: return undefined;
    }
}

function isPerField(options: Json): boolean {
    return options.mode === 'binary' && asRecord(asRecord(asRecord(options.binary).left).matcher).id === 'byType';
}

function needsOneFrame(options: Json): boolean {
    const right = asRecord(options.binary).right;
    const fixed = typeof right === 'string' ? right : asRecord(right).fixed;
    const isFixed = options.mode === 'binary' && fixed !== undefined && !Number.isNaN(Number(fixed));
    return options.timeSeries !== false && !isFixed;
}

export const calculateField: Transform = (frames, options) => {
    const input = needsOneFrame(options) ? toOneFrame(frames) : [...frames];
    return input.map((frame) => {
        if (isPerField(options)) {
            return onEach(frame, input, options);
        }
        const values = calculate(frame, input, options);
        if (!values) {
            return options.replaceFields === true ? undefined : frame;
        }
        const isShare = options.mode === 'index' && asRecord(options.index).asPercentile === true;
        const field = makeField(nameOf(options), 'number', values, { ...(asText(options.alias) && options.mode !== 'index' ? { displayName: asText(options.alias)! } : {}), ...(isShare ? { unit: 'percentunit' } : {}) });
        const time = options.timeSeries === false || options.mode === 'index' ? undefined : timeField(frame);
        return withFields(frame, options.replaceFields === true ? [...(time ? [time] : []), field] : [...frame.fields, field]);
    }).filter((f): f is Frame => f !== undefined);
};
