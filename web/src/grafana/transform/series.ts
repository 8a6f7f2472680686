/* Transformations between series and tables: a row a series, a column a label's value, a frame a key. */
import { isTimeSeries, makeField, makeFrame, type Field, type Frame } from '../frame';
import { asRecord, asText, asTexts } from '../json';
import { isCalled, list, pickRows, push, type Transform } from './shared';

const numbers = (frame: Frame): Field[] => frame.fields.filter((f) => f.type === 'number');

/** timeSeriesTable makes a table of each query's series: a column a label, and the series itself as "Trend". Other frames pass. */
export const timeSeriesTable: Transform = (frames) => {
    const series = frames.filter(isTimeSeries);
    const refIds = [...new Set(series.map((f) => f.refId ?? ''))];
    const tables = refIds.map((refId) => {
        const rows = series.filter((f) => (f.refId ?? '') === refId);
        const labels = [...new Set(rows.flatMap((f) => numbers(f).flatMap((n) => Object.keys(n.labels ?? {}))))];
        return makeFrame([
            ...labels.map((label) => makeField(label, 'string', rows.map((f) => numbers(f)[0]?.labels?.[label] ?? null))),
            makeField(refId !== '' && refIds.length > 1 ? `Trend #${refId}` : 'Trend', 'other', rows),
        ], { refId, meta: { kind: 'table' } });
    });
    return [...frames.filter((f) => !isTimeSeries(f)), ...tables];
};

/** joinByLabels makes one table: the values of the label `value` become columns, rows are those whose other labels are the same. */
export const joinByLabels: Transform = (frames, options) => {
    const label = asText(options.value) ?? '';
    const fields = frames.flatMap((f) => f.fields.filter((x) => x.type !== 'time' && x.labels));
    if (label === '') {
        return [...frames];
    }
    const known = [...new Set(fields.flatMap((f) => Object.keys(f.labels!)))];
    if (!known.includes(label)) {
        throw new Error(`no series has the label ${label}`);
    }
    const wanted = asTexts(options.join);
    const keys = (wanted.length > 0 ? wanted : known).filter((name) => name !== label);
    const rows = new Map<string, { of: Record<string, string>; columns: Map<string, unknown[]> }>();
    for (const field of fields) {
        const key = JSON.stringify(keys.map((name) => field.labels![name] ?? null));
        const row = rows.get(key) ?? { of: field.labels!, columns: new Map<string, unknown[]>() };
        rows.set(key, row);
        const column = field.labels![label] ?? '';
        row.columns.set(column, [...(row.columns.get(column) ?? []), ...list(field.values)]);
    }
    const columns = [...new Set([...rows.values()].flatMap((r) => [...r.columns.keys()]))];
    /* A key with several values of a column has as many rows. */
    const flat = [...rows.values()].flatMap((r) => Array.from({ length: Math.max(...[...r.columns.values()].map((c) => c.length)) }, (_, i) => ({ r, i })));
    const like = (name: string): Field => fields.find((f) => (f.labels![label] ?? '') === name)!;
    return [makeFrame([
        ...keys.map((name) => makeField(name, 'string', flat.map(({ r }) => r.of[name] ?? null))),
        ...columns.map((name) => makeField(name, like(name).type, flat.map(({ r, i }) => r.columns.get(name)?.[i] ?? null), { ...like(name).config, displayNameFromDS: undefined } as Field['config'])),
    ], { meta: { kind: 'table' } })];
};

/** partitionByValues splits the first table into one for each value of the fields that are named. */
export const partitionByValues: Transform = (frames, options) => {
    const frame = frames[0];
    const names = asTexts(options.fields);
    const keys = frame?.fields.filter((f) => names.some((name) => isCalled(f, frame, frames, name))) ?? [];
    if (!frame || keys.length === 0) {
        return [...frames];
    }
    const naming = asRecord(options.naming);
    const groups = new Map<string, number[]>();
    for (let i = 0; i < frame.length; i++) {
        const key = JSON.stringify(keys.map((f) => f.values[i] ?? null));
        push(groups, key, i);
    }
    return [...groups.values()].map((rows) => {
        const part = pickRows(frame, rows);
        const values = keys.map((f): [string, string] => [f.name, String(f.values[rows[0]!] ?? '')]);
        const own = values.map(([name, value]) => (naming.withNames === true ? `${name}=${value}` : value)).join(' ');
        const labels = naming.asLabels === true ? { labels: Object.fromEntries(values) } : {};
        const fields = part.fields.filter((_, i) => options.keepFields === true || !keys.includes(frame.fields[i]!));
        const name = naming.asLabels === true ? {} : { name: naming.append === true && frame.name ? `${frame.name} ${own}` : own };
        return { ...part, ...name, fields: fields.map((f) => (f.type === 'time' || naming.asLabels !== true ? f : { ...f, ...labels })) };
    });
};
