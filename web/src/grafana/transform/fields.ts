/* Transformations that choose, order, rename and retype fields, and choose frames and rows. */
import { asNumber, asRecord, asRecords, asText, asTexts, own, type Json } from '../json';
import { textTest, toRegExp } from '../mappings';
import { fieldMatcher } from '../fieldconfig';
import { parseDateMath } from '../datetime';
import { findReducer, reduceField } from '../reduce';
import { unitFormatter, formattedText } from '../units';
import type { Field, Frame } from '../frame';
import { column, compareValues, isCalled, isMissing, list, nameIn, optionText, pickRows, withFields, type Transform } from './shared';

function keysThat(record: Json, isWanted: (value: unknown) => boolean): Set<string> {
    return new Set(Object.keys(record).filter((k) => isWanted(record[k])));
}

function rename(field: Field, to: string): Field {
    return { ...field, config: { ...field.config, displayName: to }, state: { ...field.state, displayName: to } };
}

const byName = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

/* Fields by name or label, the time first. */
function autoOrder(fields: Field[], orderBy: readonly Json[], name: (f: Field) => string): Field[] {
    const time = fields.find((f) => f.type === 'time');
    return [...fields].sort((a, b) => {
        if (a === time || b === time) {
            return a === time ? -1 : 1;
        }
        for (const by of orderBy) {
            const of = (f: Field): string => (by.type === 'label' ? (f.labels?.[asText(by.name) ?? ''] ?? '') : name(f));
            const order = byName.compare(of(a), of(b)) * (by.desc === true ? -1 : 1);
            if (order !== 0) {
                return order;
            }
        }
        return 0;
    });
}

export const organize: Transform = (frames, options) => {
    const excluded = keysThat(asRecord(options.excludeByName), (v) => v === true);
    const included = keysThat(asRecord(options.includeByName), (v) => v === true);
    const order = asRecord(options.indexByName);
    const names = asRecord(options.renameByName);
    return frames.map((frame) => {
        const name = (f: Field): string => nameIn(f, frame, frames);
        const kept = frame.fields.filter((f) => !excluded.has(name(f)) && !excluded.has(f.name) && (included.size === 0 || included.has(name(f)) || included.has(f.name)));
        const place = (f: Field): number => asNumber(order[name(f)]) ?? Number.MAX_SAFE_INTEGER;
        const ordered = options.orderByMode === 'auto' ? autoOrder(kept, asRecords(options.orderBy), name) : [...kept].sort((a, b) => place(a) - place(b));
        return withFields(frame, ordered.map((f) => {
            const to = asText(names[fieldNameAlone(f, frame)]);
            return to ? rename(f, to) : f;
        }));
    });
};

function fieldNameAlone(field: Field, frame: Frame): string {
    return nameIn(field, frame, [frame]);
}

export const renameByRegex: Transform = (frames, options) => {
    const pattern = toRegExp(optionText(options, 'regex'));
    const to = optionText(options, 'renamePattern');
    if (!pattern || optionText(options, 'regex') === '') {
        return [...frames];
    }
    return frames.map((frame) => ({
        ...frame,
        fields: frame.fields.map((f) => {
            if (f.type === 'time') {
                return f;
            }
            const name = nameIn(f, frame, frames);
            return name.search(pattern) >= 0 ? rename(f, name.replace(pattern, to)) : f;
        }),
    }));
};

/* A filter of names: listed, by pattern, or both. */
function nameTest(rule: Json): ((name: string) => boolean) | undefined {
    const names = new Set(asTexts(rule.names));
    const test = asText(rule.pattern) ? textTest(asText(rule.pattern)!) : undefined;
    return names.size === 0 && !test ? undefined : (name) => names.has(name) || (test?.(name) ?? false);
}

export const filterFieldsByName: Transform = (frames, options) => {
    const include = nameTest(asRecord(options.include));
    const exclude = nameTest(asRecord(options.exclude));
    return frames
        .map((frame) => withFields(frame, frame.fields.filter((f) => {
            const name = nameIn(f, frame, frames);
            return (!include || include(name) || include(f.name)) && !(exclude && (exclude(name) || exclude(f.name)));
        })))
        .filter((frame) => frame.fields.length > 0);
};

export const filterByRefId: Transform = (frames, options) => {
    const wanted = optionText(options, 'include');
    const test = wanted === '' ? undefined : textTest(wanted);
    return frames.filter((f) => test?.(f.refId ?? '') ?? true);
};

export const limit: Transform = (frames, options) => {
    const most = Math.trunc(asNumber(options.limitField) ?? 10);
    return frames.map((frame) => (frame.length <= Math.abs(most) ? frame : pickRows(frame, Array.from({ length: Math.abs(most) }, (_, i) => (most >= 0 ? i : frame.length + most + i)))));
};

export const sortBy: Transform = (frames, options) => {
    const rule = asRecords(options.sort)[0];
    const name = asText(rule?.field);
    return frames.map((frame) => {
        const field = name === undefined ? undefined : frame.fields.find((f) => isCalled(f, frame, frames, name));
        if (!field) {
            return frame;
        }
        const sign = rule?.desc === true ? -1 : 1;
        const rows = Array.from({ length: frame.length }, (_, i) => i);
        /* What is missing comes last, whatever the order. */
        const gap = (i: number): number => Number(isMissing(field.values[i]));
        return pickRows(frame, rows.sort((a, b) => gap(a) - gap(b) || (gap(a) ? 0 : sign * compareValues(field.values[a], field.values[b])) || a - b));
    });
};

// ---- filterByValue ----

type ValueTest = (value: unknown) => boolean;

/* A gap counts as 0 here, as in Grafana. */
function numeric(test: (n: number) => boolean): ValueTest {
    return (v) => test(Number(v ?? 0));
}

function valueTest(config: Json): ValueTest {
    const options = asRecord(config.options);
    const wanted = options.value;
    const n = asNumber(wanted) ?? NaN;
    switch (config.id) {
        case 'equal': return (v) => String(v) === String(wanted);
        case 'notEqual': return (v) => String(v) !== String(wanted);
        case 'greater': return numeric((v) => v > n);
        case 'greaterOrEqual': return numeric((v) => v >= n);
        case 'lower': return numeric((v) => v < n);
        case 'lowerOrEqual': return numeric((v) => v <= n);
        case 'between': return numeric((v) => v > (asNumber(options.from) ?? -Infinity) && v < (asNumber(options.to) ?? Infinity));
        case 'isNull': return isMissing;
        case 'isNotNull': return (v) => !isMissing(v);
        case 'regex': {
            const test = textTest(`/${String(wanted ?? '')}/`);
            return (v) => test?.(String(v)) ?? false;
        }
        case 'substring': return (v) => String(v).toLowerCase().includes(String(wanted).toLowerCase());
        case 'notSubstring': return (v) => !String(v).toLowerCase().includes(String(wanted).toLowerCase());
        default: return () => true;
    }
}

export const filterByValue: Transform = (frames, options) => {
    const filters = asRecords(options.filters).map((f) => ({ name: asText(f.fieldName) ?? '', test: valueTest(asRecord(f.config)) }));
    const matchAll = options.match === 'all';
    const keep = options.type !== 'exclude';
    return filters.length === 0 ? [...frames] : frames.map((frame) => {
        const active = filters.flatMap(({ name, test }) => {
            const field = frame.fields.find((f) => isCalled(f, frame, frames, name));
            return field ? [{ field, test }] : [];
        });
        const rows = Array.from({ length: frame.length }, (_, i) => i).filter((i) => {
            const hits = active.filter(({ field, test }) => test(field.values[i]));
            return (matchAll ? active.length > 0 && hits.length === active.length : hits.length > 0) === keep;
        });
        return pickRows(frame, rows);
    });
};

// ---- types ----

function convert(field: Field, type: string): Field {
    const values = list(field.values);
    switch (type) {
        case 'number':
            return { ...field, type, values: values.map((v) => (isMissing(v) || v === '' ? null : Number.isNaN(Number(v)) ? null : Number(v))) };
        case 'string':
            return { ...field, type, values: values.map((v) => (typeof v === 'object' && v !== null ? JSON.stringify(v) : String(v))) };
        case 'boolean':
            return { ...field, type, values: values.map((v) => v !== 'false' && v !== '0' && Boolean(v)) };
        case 'time':
            return { ...field, type, values: values.map((v) => (isMissing(v) ? null : typeof v === 'number' ? v : timeOf(String(v)))) };
        default:
            return field;
    }
}

function timeOf(text: string): number | null {
    const ms = parseDateMath(text, Date.now(), { zone: 'utc' });
    return Number.isNaN(ms) ? (Number.isNaN(Date.parse(text)) ? null : Date.parse(text)) : ms;
}

export const convertFieldType: Transform = (frames, options) => {
    const conversions = asRecords(options.conversions);
    return frames.map((frame) => ({
        ...frame,
        fields: frame.fields.map((f) => {
            const found = conversions.find((c) => isCalled(f, frame, frames, asText(c.targetField) ?? ''));
            return found ? convert(f, asText(found.destinationType) ?? '') : f;
        }),
    }));
};

export const formatTimeFields: Transform = (frames, options) => {
    const name = optionText(options, 'timeField');
    const format = unitFormatter(`time:${optionText(options, 'outputFormat', 'YYYY-MM-DD HH:mm:ss')}`);
    const zone = optionText(options, 'timezone') || (options.useTimezone === true ? undefined : 'utc');
    return frames.map((frame) => ({
        ...frame,
        fields: frame.fields.map((f) => (isCalled(f, frame, frames, name) ? { ...f, type: 'string' as const, values: list(f.values).map((v) => formattedText(format(v as number, null, { zone }))) } : f)),
    }));
};

// ---- labels ----

export const labelsToFields: Transform = (frames, options) => {
    const keep = asTexts(options.keepLabels);
    const isKept = (label: string): boolean => keep.length === 0 || keep.includes(label);
    if (options.mode === 'rows') {
        return frames.flatMap((frame) => frame.fields.filter((f) => f.labels).flatMap((f) => {
            const pairs = (keep.length > 0 ? keep.map((k) => [k, f.labels![k]] as const) : Object.entries(f.labels!));
            return pairs.length === 0 ? [] : [{ ...frame, name: nameIn(f, frame, frames), fields: [column('label', pairs.map((p) => p[0])), column('value', pairs.map((p) => p[1]))], length: pairs.length }];
        }));
    }
    return frames.map((frame) => {
        const seen = new Map<string, Set<string>>();
        const fields = frame.fields.map((f) => {
            if (!f.labels) {
                return f;
            }
            for (const [name, value] of Object.entries(f.labels)) {
                if (isKept(name) && name !== options.valueLabel) {
                    seen.set(name, (seen.get(name) ?? new Set()).add(value));
                }
            }
            const own = asText(options.valueLabel);
            const { labels, ...bare } = f;
            return { ...bare, name: own && labels?.[own] ? labels[own] : f.name, config: { ...f.config, displayName: undefined, displayNameFromDS: undefined } } as Field;
        });
        const added = [...seen].flatMap(([name, values]) => [...values].map((value) => column(name, new Array<unknown>(frame.length).fill(value))));
        return withFields(frame, [...fields, ...added]);
    });
};

// ---- extractFields ----

const PAIRS = /(?<key>[^\s=,;{}"]+)=(?:"(?<quoted>[^"]*)"|(?<bare>[^\s,;}]*))/g;

function extract(text: unknown, format: string, pattern: RegExp | undefined): Json {
    if (typeof text === 'object' && text !== null) {
        return asRecord(text);
    }
    try {
        switch (format) {
            case 'kvp':
                return Object.fromEntries([...String(text).matchAll(PAIRS)].map((m) => [m.groups!.key, m.groups!.quoted ?? m.groups!.bare ?? '']));
            case 'regexp':
                return { ...(pattern?.exec(String(text))?.groups ?? {}) };
            default:
                return asRecord(JSON.parse(String(text)));
        }
    } catch {
        return {};
    }
}

function atPath(json: Json, path: string): unknown {
    return path.split('.').reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Json)[key] : undefined), json);
}

export const extractFields: Transform = (frames, options) => {
    const source = optionText(options, 'source');
    const format = optionText(options, 'format', 'auto');
    const pattern = format === 'regexp' ? toRegExp(optionText(options, 'regExp')) : undefined;
    const paths = asRecords(options.jsonPaths);
    return frames.map((frame) => {
        const field = frame.fields.find((f) => isCalled(f, frame, frames, source));
        if (!field) {
            return frame;
        }
        const rows = list(field.values).map((v) => extract(v, format, pattern));
        const names = paths.length > 0 ? paths.map((p) => ({ name: asText(p.alias) || asText(p.path) || '', path: asText(p.path) ?? '' })) : [...new Set(rows.flatMap((r) => Object.keys(r)))].map((n) => ({ name: n, path: '' }));
        const added = names.map(({ name, path }) => column(name, rows.map((r) => (path ? atPath(r, path) : r[name]) ?? null)));
        const time = options.keepTime === true ? frame.fields.filter((f) => f.type === 'time') : [];
        return withFields(frame, options.replace === true ? [...time, ...added] : [...frame.fields, ...added]);
    });
};

/* configFromData and the like change config by data: a field matched by name gives unit, min, max of the others. */
const CONFIG_KEYS: Record<string, string> = { max: 'max', min: 'min', unit: 'unit', decimals: 'decimals', displayName: 'displayName', 'display name': 'displayName', color: 'color', threshold1: 'thresholds' };

/* The last value that is none missing, or what a reducer makes of them. */
function configValue(field: Field, reducer: string): unknown {
    return reducer === 'lastNotNull' || !findReducer(reducer) ? list(field.values).findLast((v) => !isMissing(v)) : reduceField(field, [reducer])[reducer];
}

/* As the option stands in a field's config. */
function asConfig(key: string, value: unknown): unknown {
    switch (key) {
        case 'color':
            return { mode: 'fixed', fixedColor: String(value) };
        case 'thresholds':
            return { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: Number(value), color: 'red' }] };
        case 'unit':
        case 'displayName':
            return String(value);
        default:
            return Number(value);
    }
}

export const configFromData: Transform = (frames, options) => {
    const ref = optionText(options, 'configRefId', 'config');
    const source = frames.find((f) => f.refId === ref);
    const rest = frames.filter((f) => f !== source);
    if (!source) {
        return [...frames];
    }
    const mappings = asRecords(options.mappings);
    const config: Json = {};
    for (const field of source.fields) {
        const name = nameIn(field, source, frames);
        const mapping = mappings.find((m) => m.fieldName === name);
        const key = own(CONFIG_KEYS, (asText(mapping?.handlerKey) ?? name).toLowerCase()) ?? own(CONFIG_KEYS, asText(mapping?.handlerKey) ?? name);
        const value = key ? configValue(field, asText(mapping?.reducerId) ?? 'lastNotNull') : undefined;
        if (key && !isMissing(value)) {
            config[key] = asConfig(key, value);
        }
    }
    const applies = asRecord(options.applyTo);
    const matches = applies.id ? fieldMatcher(asText(applies.id)!, applies.options) : (f: Field): boolean => f.type === 'number';
    return rest.map((frame) => ({ ...frame, fields: frame.fields.map((f) => (matches(f, frame, rest) ? { ...f, config: { ...f.config, ...config } } : f)) }));
};

