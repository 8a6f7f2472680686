/* Transformations that join, merge, group, reduce and reshape tables. */
import { asNumber, asRecord, asRecords, asText, asTexts, type Json } from '../json';
import { isTimeSeries, makeField, makeFrame, NESTED_NAME, timeField, type Field, type Frame, type FieldType } from '../frame';
import { fieldMatcher } from '../fieldconfig';
import { findReducer, reduceField } from '../reduce';
import { formatLabels, frameName, TIME_NAME, VALUE_NAME } from '../names';
import { column, compareValues, isCalled, isMissing, list, nameIn, oneFrame, optionText, pickRows, push, withFields, type Transform } from './shared';

// ---- reduce ----

function reducerType(id: string, like: FieldType): FieldType {
    return ['count', 'countAll', 'distinctCount', 'changeCount'].includes(id) ? 'number' : ['allIsZero', 'allIsNull'].includes(id) ? 'boolean' : like;
}

function reducedType(id: string, like: FieldType): FieldType {
    return ['allValues', 'uniqueValues'].includes(id) ? 'other' : ['first', 'firstNotNull', 'last', 'lastNotNull'].includes(id) ? like : 'number';
}

function selector(options: Json, fallback: (f: Field) => boolean): (f: Field, frame: Frame, all: readonly Frame[]) => boolean {
    const matcher = asRecord(options.fields);
    return matcher.id ? fieldMatcher(asText(matcher.id)!, matcher.options) : fallback;
}

function reduceToRows(frames: readonly Frame[], options: Json, ids: readonly string[]): Frame[] {
    const matches = selector(options, (f) => f.type !== 'time');
    const source = frames.flatMap((frame) => frame.fields.filter((f) => matches(f, frame, frames)).map((field) => ({ field, frame })));
    const toColumns = options.labelsToFields === true;
    const labels = toColumns ? [...new Set(source.flatMap(({ field }) => Object.keys(field.labels ?? {})))] : [];
    const results = source.map(({ field }) => reduceField(field, ids));
    const names = source.map(({ field, frame }) => (toColumns ? field.name : nameIn(field, frame, frames)));
    return oneFrame('reduce', frames, [
        makeField('Field', 'string', names),
        ...labels.map((label) => makeField(label, 'string', source.map(({ field }) => field.labels?.[label]))),
        ...ids.map((id) => column(findReducer(id)?.name ?? id, results.map((r) => r[id] ?? null))),
    ]);
}

function reduceInPlace(frames: readonly Frame[], options: Json, ids: readonly string[]): Frame[] {
    const matches = selector(options, (f) => options.includeTimeField === true || f.type !== 'time');
    return frames.map((frame) => withFields(frame, frame.fields.filter((f) => matches(f, frame, frames)).flatMap((field) => {
        const results = reduceField(field, ids);
        return ids.map((id) => ({
            ...field, type: reducedType(id, field.type), values: [results[id] ?? null], labels: { ...field.labels, ...(ids.length > 1 ? { reducer: findReducer(id)!.name } : {}) },
        }));
    }))).filter((f) => f.fields.length > 0);
}

export const reduce: Transform = (frames, options) => {
    const ids = asTexts(options.reducers).filter((id) => findReducer(id));
    if (ids.length === 0) {
        return [...frames];
    }
    return options.mode === 'reduceFields' ? reduceInPlace(frames, options, ids) : frames.length === 0 ? [] : reduceToRows(frames, options, ids);
};

// ---- joins ----

interface JoinInput {
    key: Field;
    fields: Field[];
}

function joinInputs(frames: readonly Frame[], byField: string | undefined): JoinInput[] {
    return frames.flatMap((frame) => {
        const key = byField ? frame.fields.find((f) => isCalled(f, frame, frames, byField)) : (timeField(frame) ?? frame.fields.find((f) => f.type === 'string'));
        if (!key) {
            return [];
        }
        const fields = frame.fields.filter((f) => f !== key).map((f) => {
            const labels = f.labels ?? {};
            const named = frame.name && f.name !== VALUE_NAME && labels.name === undefined ? { ...labels, name: frame.name } : labels;
            return { ...f, name: frame.name && f.name === VALUE_NAME ? frame.name : f.name, labels: named };
        });
        return [{ key, fields }];
    });
}

/** joinOuter lines series up on all keys that any has; a key that one lacks is a gap there. */
function joinOuter(inputs: readonly JoinInput[]): Field[] {
    const keys = new Set<unknown>();
    inputs.forEach(({ key }) => list(key.values).forEach((k) => keys.add(k)));
    const sorted = [...keys].sort(compareValues);
    const place = new Map(sorted.map((k, i) => [k, i]));
    const fields = inputs.flatMap(({ key, fields: own }) => own.map((f) => {
        const isNumber = f.values instanceof Float64Array;
        const values: unknown[] = new Array<unknown>(sorted.length).fill(isNumber ? NaN : undefined);
        list(key.values).forEach((k, row) => {
            values[place.get(k)!] = f.values[row];
        });
        return { ...f, values: isNumber ? Float64Array.from(values as number[]) : values };
    }));
    return [{ ...inputs[0]!.key, values: inputs[0]!.key.values instanceof Float64Array ? Float64Array.from(sorted as number[]) : sorted }, ...fields];
}

interface Pairing {
    left: number;
    right: number;
}

/* As a data base joins: each pair of rows with the same key; outer keeps those that have no partner. */
function pairRows(left: unknown[], right: unknown[], outer: boolean): Pairing[] {
    const index = new Map<unknown, number[]>();
    right.forEach((k, i) => push(index, k, i));
    const used = new Set<unknown>();
    const pairs: Pairing[] = [];
    const alone: Pairing[] = [];
    left.forEach((k, i) => {
        const found = isMissing(k) ? undefined : index.get(k);
        if (found) {
            used.add(k);
            found.forEach((r) => pairs.push({ left: i, right: r }));
        } else if (outer) {
            alone.push({ left: i, right: -1 });
        }
    });
    const rest = outer ? [...index].flatMap(([k, rows]) => (used.has(k) ? [] : rows.map((r) => ({ left: -1, right: r })))) : [];
    return [...pairs, ...alone, ...rest];
}

function joinTabular(inputs: readonly JoinInput[], outer: boolean): Field[] {
    return inputs.slice(1).reduce<Field[]>((joined, input) => {
        const left = list(joined[0]!.values);
        const right = list(input.key.values);
        const pairs = pairRows(left, right, outer);
        const fromLeft = (f: Field): Field => ({ ...f, values: pairs.map((p) => (p.left < 0 ? null : f.values[p.left])) });
        return [
            { ...joined[0]!, values: pairs.map((p) => (p.left < 0 ? right[p.right] : left[p.left])) },
            ...joined.slice(1).map(fromLeft),
            ...input.fields.map((f) => ({ ...f, values: pairs.map((p) => (p.right < 0 ? null : f.values[p.right])) })),
        ];
    }, [inputs[0]!.key, ...inputs[0]!.fields]);
}

export const joinByField: Transform = (frames, options) => {
    if (frames.length < 2) {
        return [...frames];
    }
    const inputs = joinInputs(frames, asText(options.byField));
    if (inputs.length === 0) {
        return [...frames];
    }
    const mode = asText(options.mode) ?? 'outer';
    const fields = mode === 'inner' || mode === 'outerTabular' ? joinTabular(inputs, mode !== 'inner') : joinOuter(inputs);
    return oneFrame('joinByField', frames, fields);
};

/** toOneFrame lines time series up in one frame, as calculations over rows need them. */
export function toOneFrame(frames: readonly Frame[]): Frame[] {
    return frames.length > 1 && frames.every(isTimeSeries) ? [makeFrame(joinOuter(joinInputs(frames, undefined)), { refId: frames.map((f) => f.refId).join('-') })] : [...frames];
}

export const concatenate: Transform = (frames, options) => {
    if (frames.length < 2) {
        return [...frames];
    }
    const mode = asText(options.frameNameMode) ?? 'field';
    const label = asText(options.frameNameLabel) ?? 'frame';
    const fields = frames.flatMap(({ name, fields: own }) => own.map((f) => {
        if (mode === 'drop' || !name) {
            return f;
        }
        return mode === 'label' ? { ...f, labels: { ...f.labels, [label]: name } } : { ...f, name: f.name === '' || f.name === VALUE_NAME ? name : `${name} · ${f.name}` };
    }));
    const length = Math.max(...fields.map((f) => f.values.length));
    return oneFrame('concatenate', frames, fields.map((f) => (f.values.length === length ? f : { ...f, values: [...list(f.values), ...new Array<unknown>(length - f.values.length).fill(null)] })));
};

// ---- merge ----

function isMergeable(row: Json, value: Json): boolean {
    return Object.entries(value).every(([k, v]) => row[k] === undefined || row[k] === null || Object.is(row[k], v));
}

/** merge makes one table: rows of different frames that agree in the columns that all frames have become one. */
export const merge: Transform = (frames, _options) => {
    const data = frames.filter((f) => f.fields.length > 0);
    if (data.length < 2) {
        return [...frames];
    }
    const columns = new Map<string, Field>();
    data.forEach((frame) => frame.fields.forEach((f) => columns.has(f.name) || columns.set(f.name, f)));
    const keys = data[data.length - 1]!.fields.map((f) => f.name).filter((name) => data.every((frame) => frame.fields.some((f) => f.name === name)));
    if (keys.length === 0) {
        return [...frames];
    }
    const byKey = new Map<string, Json[]>();
    const rows: Json[] = [];
    for (const frame of data) {
        for (let i = 0; i < frame.length; i++) {
            const row: Json = {};
            frame.fields.forEach((f) => (row[f.name] = f.values[i]));
            const key = keys.map((k) => String(row[k])).join('\u0000');
            const group = byKey.get(key) ?? [];
            const hit = group.filter((r) => isMergeable(r, row));
            hit.forEach((r) => Object.assign(r, row));
            if (hit.length === 0) {
                group.push(row);
                rows.push(row);
            }
            byKey.set(key, group);
        }
    }
    return oneFrame('merge', data, [...columns.values()].map((f) => ({
        ...makeField(f.name, f.type, rows.map((r) => r[f.name]), { ...f.config, displayName: undefined }),
    })));
};

// ---- groups ----

interface GroupRule {
    operation?: string;
    aggregations: string[];
    /* What is calculated stays among the rows of a group, too. */
    keeps: boolean;
}

type RuleOf = (field: Field, frame: Frame, frames: readonly Frame[]) => GroupRule | undefined;

function readRule(value: unknown): GroupRule {
    const json = asRecord(value);
    return { ...(asText(json.operation) ? { operation: asText(json.operation)! } : {}), aggregations: asTexts(json.aggregations), keeps: json.keepNestedField === true };
}

/* Rules by the names of fields or, newer, a list of them with matchers; none when nothing is grouped by. */
function rulesOf(options: Json): RuleOf | undefined {
    const fields = asRecord(options.fields);
    const listed = asRecords(options.rules).map((rule) => ({ matches: fieldMatcher(asText(asRecord(rule.matcher).id) ?? '', asRecord(rule.matcher).options), rule: readRule(rule) }));
    if (![...listed.map((one) => one.rule), ...Object.values(fields).map(readRule)].some((rule) => rule.operation === 'groupby')) {
        return undefined;
    }
    return (field, frame, frames) => {
        const json = fields[nameIn(field, frame, frames)] ?? fields[field.name];
        return listed.find((one) => one.matches(field, frame, frames))?.rule ?? (json === undefined ? undefined : readRule(json));
    };
}

/* The fields that are grouped by and calculated, a row a group, and which rows each group has; none without such a field. */
function grouped(frame: Frame, frames: readonly Frame[], of: RuleOf): { fields: Field[]; rows: number[][] } | undefined {
    const keys = frame.fields.filter((f) => of(f, frame, frames)?.operation === 'groupby');
    if (keys.length === 0) {
        return undefined;
    }
    const groups = new Map<string, number[]>();
    for (let i = 0; i < frame.length; i++) {
        const key = keys.map((f) => String(f.values[i])).join('\u0000');
        push(groups, key, i);
    }
    const rows = [...groups.values()];
    const keyFields = keys.map((f) => column(nameIn(f, frame, frames), rows.map((r) => f.values[r[0]!]), f));
    const calculated = frame.fields.filter((f) => !keys.includes(f)).flatMap((f) => {
        const rule = of(f, frame, frames);
        const results = rule?.operation === 'aggregate' ? rows.map((r) => reduceField({ ...f, values: r.map((i) => f.values[i]) }, rule.aggregations)) : [];
        return (rule?.operation === 'aggregate' ? rule.aggregations : []).map((id) => makeField(`${nameIn(f, frame, frames)} (${id})`, reducerType(id, f.type), results.map((r) => r[id] ?? null)));
    });
    return { fields: [...keyFields, ...calculated], rows };
}

export const groupBy: Transform = (frames, options) => {
    const of = rulesOf(options);
    return of ? frames.flatMap((frame) => {
        const found = grouped(frame, frames, of);
        return found ? [withFields({ ...frame }, found.fields)] : [];
    }) : [...frames];
};

/* Each group keeps the fields that nothing was calculated of, as a frame of its own. */
export const groupToNestedTable: Transform = (frames, options) => {
    const of = rulesOf(options);
    return of ? frames.flatMap((frame) => {
        const found = grouped(frame, frames, of);
        const inner = frame.fields.filter((f) => {
            const rule = of(f, frame, frames);
            return rule?.operation === undefined || (rule.operation === 'aggregate' && (rule.aggregations.length === 0 || rule.keeps));
        });
        const meta = options.showSubframeHeaders === false ? { hidesHeader: true } : {};
        const nested = (found?.rows ?? []).map((rows) => pickRows({ fields: inner, length: frame.length, meta }, rows));
        return found ? [makeFrame([...found.fields, makeField(NESTED_NAME, 'other', nested)], { ...(frame.refId ? { refId: frame.refId } : {}), ...(options.expandAllRows === true ? { meta: { opensRows: true } } : {}) })] : [];
    }) : [...frames];
};

const EMPTY: Record<string, unknown> = { null: null, true: true, false: false, zero: 0 };

/* What stands where there is nothing. */
function emptyOf(options: Json): unknown {
    const wanted = optionText(options, 'emptyValue');
    return Object.hasOwn(EMPTY, wanted) ? EMPTY[wanted] : '';
}

export const groupingToMatrix: Transform = (frames, options) => {
    const frame = frames[0];
    const find = (key: string, fallback: string): Field | undefined => frame?.fields.find((f) => isCalled(f, frame, frames, optionText(options, key, fallback)));
    const columnField = find('columnField', TIME_NAME);
    const rowField = find('rowField', TIME_NAME);
    const valueField = find('valueField', VALUE_NAME);
    if (!frame || frames.length > 1 || !columnField || !rowField || !valueField) {
        return [...frames];
    }
    const empty = emptyOf(options);
    const columns = [...new Set(list(columnField.values))];
    const rows = [...new Set(list(rowField.values))];
    const cells = new Map<unknown, Map<unknown, unknown>>();
    for (let i = 0; i < frame.length; i++) {
        const at = cells.get(columnField.values[i]) ?? new Map<unknown, unknown>();
        at.set(rowField.values[i], valueField.values[i]);
        cells.set(columnField.values[i], at);
    }
    return oneFrame('groupingToMatrix', frames, [
        makeField(`${rowField.name}\\${columnField.name}`, rowField.type, rows),
        ...columns.map((c) => makeField(String(c), valueField.type, rows.map((r) => cells.get(c)?.get(r) ?? empty), valueField.config)),
    ]);
};

// ---- series and rows ----

export const seriesToRows: Transform = (frames, _options) => {
    const data = frames.filter((f) => f.length > 0);
    if (data.length === 0 || !data.every(isTimeSeries)) {
        return data;
    }
    const rows = data.flatMap((frame) => {
        const time = timeField(frame)!;
        const value = frame.fields.find((f) => f !== time)!;
        return list(time.values).map((t, i) => ({ t: t as number, name: frameName(frame), value: value.values[i] }));
    });
    const order = rows.map((_, i) => i).sort((a, b) => rows[b]!.t - rows[a]!.t || a - b);
    const frame = makeFrame([makeField(TIME_NAME, 'time', rows.map((r) => r.t)), makeField('Metric', 'string', rows.map((r) => r.name)), makeField(VALUE_NAME, 'number', rows.map((r) => r.value))]);
    return [{ ...pickRows(frame, order), refId: `seriesToRows-${data.map((f) => f.refId).join('-')}` }];
};

/** rowsToFields makes a field of each row: a column gives names, another values, the rest labels. */
export const rowsToFields: Transform = (frames, options) => frames.map((frame) => {
    const mappings = asRecords(options.mappings);
    const role = (key: string): Field | undefined => {
        const mapped = mappings.find((m) => m.handlerKey === key);
        return mapped ? frame.fields.find((f) => isCalled(f, frame, frames, asText(mapped.fieldName) ?? '')) : undefined;
    };
    const names = role('field.name') ?? frame.fields.find((f) => f.type === 'string');
    const values = role('field.value') ?? frame.fields.find((f) => f.type === 'number');
    if (!names || !values) {
        return frame;
    }
    const rest = frame.fields.filter((f) => f !== names && f !== values && f.type === 'string');
    const fields = list(names.values).map((name, i) => makeField(String(name), values.type, [values.values[i]], {}, Object.fromEntries(rest.map((f) => [f.name, String(f.values[i])]))));
    return withFields(frame, fields);
});

/** prepareTimeSeries makes long tables (time, labels, value) series, and lines series up or pulls them apart. */
export const prepareTimeSeries: Transform = (frames, options) => {
    const pulled = frames.flatMap(fromLong);
    const format = asText(options.format) ?? 'wide';
    if (format === 'many' || format === 'multi') {
        return pulled.flatMap((frame) => {
            const time = timeField(frame);
            return time ? frame.fields.filter((f) => f.type === 'number').map((f) => makeFrame([time, f], { ...frame })) : [];
        });
    }
    return toOneFrame(pulled);
};

function fromLong(frame: Frame): Frame[] {
    const time = timeField(frame);
    const texts = frame.fields.filter((f) => f.type === 'string');
    const numbers = frame.fields.filter((f) => f.type === 'number');
    if (!time || texts.length === 0 || numbers.length === 0) {
        return [frame];
    }
    const groups = new Map<string, { labels: Record<string, string>; rows: number[] }>();
    for (let i = 0; i < frame.length; i++) {
        const labels = Object.fromEntries(texts.map((f) => [f.name, String(f.values[i] ?? '')]));
        const key = formatLabels(labels);
        const group = groups.get(key) ?? { labels, rows: [] };
        group.rows.push(i);
        groups.set(key, group);
    }
    return [...groups.values()].map(({ labels, rows }) => {
        const sorted = rows.sort((a, b) => (time.values[a] as number) - (time.values[b] as number));
        const pick = (f: Field): unknown[] => sorted.map((r) => f.values[r]);
        return makeFrame([{ ...time, values: pick(time) }, ...numbers.map((f) => ({ ...f, values: pick(f), labels: { ...f.labels, ...labels } }))], { ...frame });
    });
}

export const transpose: Transform = (frames, options) => frames.map((frame) => {
    const first = frame.fields[0];
    if (!first) {
        return frame;
    }
    /* Texts and times tell the columns apart, as a label; where the first field has none, it is turned like the others. */
    const isHead = first.type === 'string' || first.type === 'time';
    const turned = isHead ? frame.fields.slice(1) : frame.fields;
    const types = new Set(turned.map((f) => f.type));
    const type = types.size === 1 ? turned[0]!.type : 'string';
    const text = (v: unknown): unknown => (v === null || v === undefined ? emptyOf(options) : String(v));
    const columns = list(first.values).map((v, i) => makeField(
        optionText(options, 'restFieldsName') || VALUE_NAME, type, turned.map((f) => (type === 'string' ? text(f.values[i]) : f.values[i])), {},
        isHead ? { [first.name]: String(text(v)) } : { row: String(i + 1) },
    ));
    return { ...withFields(frame, [makeField(optionText(options, 'firstFieldName') || 'Field', 'string', turned.map((f) => nameIn(f, frame, frames))), ...columns]), refId: `transpose-${frame.refId}` };
});

// ---- histogram ----

/* From 1e-9 to 5e9; 2.5 is none. */
const SIZES = Array.from({ length: 19 }, (_, i) => i - 9).flatMap((power) => [1, 2, 2.5, 4, 5].filter((step) => step !== 2.5 || power !== 0).map((step) => Number(`${step}e${power}`)));

/* The least size that makes fewer buckets than wanted, and none narrower than the least distance of two values. */
function bucketSize(values: readonly number[], count: number): number {
    const sorted = Float64Array.from(values).sort();
    let nearest = sorted.length === 1 ? 1 : Infinity;
    for (let i = 1; i < sorted.length; i++) {
        nearest = sorted[i] === sorted[i - 1] ? nearest : Math.min(nearest, sorted[i]! - sorted[i - 1]!);
    }
    const least = (sorted[sorted.length - 1]! - sorted[0]!) / Math.max(1, count);
    return SIZES.find((size) => size > least && size >= nearest) ?? (least || 1);
}

/* A text is a number here, too. */
const sizeOption = (value: unknown): number | undefined => asNumber(value) ?? asNumber(Number.parseFloat(asText(value) ?? ''));

/** histogram counts values by size; buckets that nothing fell into stand too, which Grafana leaves out, so that their scale is even. */
export const histogram: Transform = (frames, options) => {
    const numbers = frames.flatMap((frame) => frame.fields.filter((f) => f.type === 'number').map((field) => ({ field, frame })));
    const all = numbers.flatMap(({ field }) => list(field.values).filter((v): v is number => Number.isFinite(v)));
    if (all.length === 0) {
        return [];
    }
    const min = all.reduce((a, b) => Math.min(a, b));
    const max = all.reduce((a, b) => Math.max(a, b));
    const wanted = sizeOption(options.bucketSize) ?? 0;
    const size = wanted > 0 ? wanted : bucketSize(all, asNumber(options.bucketCount) ?? 30);
    const offset = sizeOption(options.bucketOffset) ?? 0;
    const place = (v: number): number => Math.floor((v - offset) / size);
    const first = place(min);
    const count = Math.min(1000, place(max) - first + 1);
    const bounds = Array.from({ length: count }, (_, i) => (first + i) * size + offset);
    const countOf = (field: Field): Float64Array => {
        const counts = new Float64Array(count);
        list(field.values).forEach((v) => {
            if (Number.isFinite(v)) {
                counts[Math.min(count - 1, place(v as number) - first)]! += 1;
            }
        });
        return counts;
    };
    const series = options.combine === true
        ? [makeField('Count', 'number', numbers.map(({ field }) => countOf(field)).reduce((a, b) => a.map((v, i) => v + b[i]!)))]
        : numbers.map(({ field, frame }) => ({ ...field, name: nameIn(field, frame, frames), values: countOf(field) }));
    return [makeFrame([makeField('xMin', 'number', Float64Array.from(bounds)), makeField('xMax', 'number', Float64Array.from(bounds, (b) => b + size)), ...series])];
};
