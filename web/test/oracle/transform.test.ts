// @vitest-environment jsdom
/* Transformations over generated frames: ours against Grafana's own library. */
import { beforeAll, expect, test } from 'vitest';
import { lastValueFrom } from 'rxjs';
import { makeField, makeFrame, type Frame } from '../../src/grafana/frame';
import { type Json } from '../../src/grafana/json';
import { fieldName } from '../../src/grafana/names';
import { transformFrames } from '../../src/grafana/transform';
import { generator, grafana, pick } from './grafana';

beforeAll(() => {
    const byId = new Map((Object.values(grafana.standardTransformers) as { id: string; name: string; aliasIds?: string[] }[]).map((t) => [t.id, t]));
    grafana.standardTransformersRegistry.setInit(() => [...byId.values()].map((t) => ({ id: t.id, name: t.name, aliasIds: t.aliasIds, transformation: () => Promise.resolve(t), editor: null })));
});

function series(random: () => number): Frame[] {
    const step = 10;
    return Array.from({ length: 1 + Math.floor(random() * 3) }, (_, n) => {
        const start = Math.floor(random() * 3) * step;
        const length = 2 + Math.floor(random() * 5);
        const times = Array.from({ length }, (_v, i) => start + i * step);
        const values = times.map(() => (random() < 0.15 ? null : Math.round(random() * 20)));
        return makeFrame([makeField('Time', 'time', times), makeField('Value', 'number', values, {}, { host: `h${n}`, job: pick(random, ['a', 'b']) })], { refId: 'ABC'[n]! });
    });
}

function tables(random: () => number): Frame[] {
    return Array.from({ length: 1 + Math.floor(random() * 3) }, (_, n) => {
        const length = 1 + Math.floor(random() * 6);
        const host = Array.from({ length }, () => pick(random, ['x', 'y', 'z10', 'z9']));
        const zone = Array.from({ length }, () => pick(random, ['p', 'q']));
        const value = Array.from({ length }, () => (random() < 0.1 ? null : Math.round(random() * 50)));
        return makeFrame([makeField('host', 'string', host), makeField('zone', 'string', zone), makeField(`v${n}`, 'number', value)], { refId: 'ABC'[n]! });
    });
}

/* A frame within a frame; Grafana has a list of one there. */
function innerOf(value: unknown): Frame | undefined {
    const one = (Array.isArray(value) ? value[0] : value) as Partial<Frame> | null | undefined;
    return Array.isArray(one?.fields) ? (one as Frame) : undefined;
}

/* What can be seen of frames: names and values, gaps as null. */
function seen(frames: readonly Frame[]): unknown {
    return frames.map((frame) => frame.fields.map((f) => [
        f.config.displayName ?? f.name,
        Array.from(f.values as ArrayLike<unknown>, (v) => (innerOf(v) ? seen([innerOf(v)!]) : v === undefined || v === null || (typeof v === 'number' && Number.isNaN(v)) ? null : typeof v === 'number' ? Math.round(v * 1e9) / 1e9 : v)),
        Object.fromEntries(Object.entries(f.labels ?? {}).filter(([, v]) => v !== undefined)),
    ]));
}

function copy(frames: readonly Frame[]): Frame[] {
    return frames.map((f) => ({ ...f, fields: f.fields.map((x) => ({ ...x, values: [...(x.values as unknown[])], config: { ...x.config }, ...(x.labels ? { labels: { ...x.labels } } : {}) })) }));
}

/* Every case that differs is told once, not only the first. */
const wrong = new Map<string, string>();

async function check(id: string, options: Json, frames: readonly Frame[]): Promise<void> {
    const theirs = (await lastValueFrom(grafana.transformDataFrame([{ id, options: structuredClone(options) }], copy(frames)))) as Frame[];
    const ours = transformFrames(copy(frames), [{ id, options }]);
    const [got, want] = [JSON.stringify(seen(ours.frames)), JSON.stringify(seen(theirs))];
    if (got !== want || ours.errors.length > 0) {
        wrong.set(`${id} ${JSON.stringify(options)}`, `${ours.errors.join()}\nof   ${JSON.stringify(seen(frames))}\nours ${got}\nwant ${want}`);
    }
}

const SERIES_CASES: [string, Json][] = [
    ['reduce', { reducers: ['max', 'mean', 'lastNotNull'] }],
    ['reduce', { reducers: ['sum'], labelsToFields: true }],
    ['reduce', { reducers: ['min'], mode: 'reduceFields' }],
    ['reduce', { reducers: ['min', 'max'], mode: 'reduceFields', includeTimeField: true }],
    ['joinByField', { byField: 'Time', mode: 'outer' }],
    ['seriesToColumns', {}],
    ['merge', {}],
    ['seriesToRows', {}],
    ['labelsToFields', {}],
    ['labelsToFields', { valueLabel: 'host' }],
    ['labelsToFields', { keepLabels: ['job'] }],
    ['labelsToFields', { mode: 'rows' }],
    ['calculateField', { mode: 'reduceRow', reduce: { reducer: 'sum' } }],
    ['calculateField', { mode: 'reduceRow', reduce: { reducer: 'max' }, alias: 'Most', replaceFields: true }],
    ['calculateField', { mode: 'index', alias: 'n' }],
    ['calculateField', { mode: 'cumulativeFunctions', cumulative: { field: 'Value', reducer: 'sum' } }],
    ['filterFieldsByName', { include: { names: ['Time'] } }],
    ['filterByRefId', { include: 'A' }],
    ['renameByRegex', { regex: '/.*host="(\\w+)".*/', renamePattern: 'on $1' }],
    ['limit', { limitField: 3 }],
    ['formatTime', { timeField: 'Time', outputFormat: 'YYYY-MM-DD HH:mm:ss.SSS', timezone: 'utc' }],
    ['formatTime', { timeField: 'Time', outputFormat: 'D MMM, h:mm a', timezone: 'America/St_Johns' }],
    ['concatenate', {}],
    ['calculateField', { mode: 'cumulativeFunctions', cumulative: { reducer: 'mean' } }],
    ...['min', 'mean', 'count', 'range', 'last'].map((reducer): [string, Json] => ['calculateField', { mode: 'reduceRow', reduce: { reducer } }]),
    ...['stdDev', 'variance'].flatMap((reducer) => ['trailing', 'centered'].map((windowAlignment): [string, Json] => [
        'calculateField', { mode: 'windowFunctions', window: { reducer, windowAlignment, windowSizeMode: 'fixed', windowSize: 3 } },
    ])),
    ['calculateField', { mode: 'windowFunctions', window: { reducer: 'variance', windowSizeMode: 'percentage', windowSize: 0.6 } }],
    ['calculateField', { mode: 'binary', binary: { left: { matcher: { id: 'byType', options: 'number' } }, operator: '*', right: { fixed: '3' } } }],
    ['calculateField', { mode: 'binary', binary: { left: { matcher: { id: 'byType', options: 'number' } }, operator: '-', right: { fixed: '1' } }, replaceFields: true }],
    ['calculateField', { mode: 'index', index: { asPercentile: true }, replaceFields: true }],
    ['transpose', {}],
    ['transpose', { firstFieldName: 'What', restFieldsName: 'Then', emptyValue: 'zero' }],
];

test('of series', async () => {
    const random = generator(4);
    for (let i = 0; i < 40; i++) {
        const frames = series(random);
        for (const [id, options] of SERIES_CASES) {
            await check(id, options, frames);
        }
    }
    expect([...wrong].map(([name, text]) => `${name}\n${text}`).join('\n\n')).toBe('');
});

const TABLE_CASES: [string, Json][] = [
    ['organize', { excludeByName: { zone: true }, indexByName: { v0: 0, host: 1 }, renameByName: { host: 'Host', v0: 'Load' } }],
    ['filterFieldsByName', { exclude: { pattern: '/^v/' } }],
    ['sortBy', { sort: [{ field: 'v0', desc: true }] }],
    ['sortBy', { sort: [{ field: 'host' }] }],
    ['groupBy', { fields: { host: { operation: 'groupby', aggregations: [] }, v0: { operation: 'aggregate', aggregations: ['sum', 'count', 'max'] } } }],
    ['groupBy', { fields: { host: { operation: 'groupby', aggregations: [] }, zone: { operation: 'groupby', aggregations: [] }, v0: { operation: 'aggregate', aggregations: ['mean'] } } }],
    ['groupToNestedTable', { fields: { host: { operation: 'groupby', aggregations: [] }, v0: { operation: 'aggregate', aggregations: ['sum', 'count'] } } }],
    ['groupToNestedTable', { fields: { zone: { operation: 'groupby', aggregations: [] } } }],
    ['groupToNestedTable', { rules: [{ matcher: { id: 'byRegexp', options: '^h' }, operation: 'groupby', aggregations: [] }, { matcher: { id: 'byName', options: 'v0' }, operation: 'aggregate', aggregations: ['max'], keepNestedField: true }] }],
    ['merge', {}],
    ['joinByField', { byField: 'host', mode: 'inner' }],
    ['joinByField', { byField: 'host', mode: 'outerTabular' }],
    ['groupingToMatrix', { columnField: 'host', rowField: 'zone', valueField: 'v0' }],
    ['groupingToMatrix', { columnField: 'host', rowField: 'zone', valueField: 'v0', emptyValue: 'zero' }],
    ['filterByValue', { filters: [{ fieldName: 'v0', config: { id: 'greater', options: { value: 20 } } }], type: 'include', match: 'all' }],
    ['filterByValue', { filters: [{ fieldName: 'host', config: { id: 'equal', options: { value: 'x' } } }, { fieldName: 'v0', config: { id: 'lowerOrEqual', options: { value: 30 } } }], type: 'exclude', match: 'any' }],
    ['filterByValue', { filters: [{ fieldName: 'v0', config: { id: 'isNull', options: {} } }], type: 'exclude', match: 'any' }],
    ['filterByValue', { filters: [{ fieldName: 'host', config: { id: 'regex', options: { value: '^z' } } }], type: 'include', match: 'any' }],
    ...['/z/', '/z', 'Z', 'z$|^x'].map((value): [string, Json] => ['filterByValue', { filters: [{ fieldName: 'host', config: { id: 'regex', options: { value } } }], type: 'include', match: 'any' }]),
    ['filterByValue', { filters: [{ fieldName: 'v0', config: { id: 'between', options: { from: 10, to: 30 } } }], type: 'include', match: 'any' }],
    ['convertFieldType', { conversions: [{ targetField: 'zone', destinationType: 'number' }] }],
    ['calculateField', { mode: 'binary', binary: { left: 'v0', operator: '/', right: '10' }, timeSeries: false }],
    ...[2, 0, 1.5, 100].map((limitField): [string, Json] => ['limit', { limitField }]),
    ['limit', { limitField: -2 }],
    ['concatenate', {}],
    ['organize', { includeByName: { host: true, v0: true } }],
    ['organize', { orderByMode: 'auto', orderBy: [{ type: 'name', desc: true }] }],
    ['filterFieldsByName', { include: { names: ['zone'], pattern: '^v' }, exclude: { names: ['host'] } }],
    ['reduce', { reducers: ['max', 'count', 'distinctCount'], fields: { id: 'byType', options: 'number' } }],
    ['groupBy', { fields: { zone: { operation: 'groupby', aggregations: [] }, host: { operation: 'aggregate', aggregations: ['last', 'distinctCount'] } } }],
    ['convertFieldType', { conversions: [{ targetField: 'v0', destinationType: 'string' }] }],
    ['convertFieldType', { conversions: [{ targetField: 'v0', destinationType: 'boolean' }] }],
    ...['+', '-', '*'].map((operator): [string, Json] => ['calculateField', { mode: 'binary', binary: { left: 'v0', operator, right: '3' }, timeSeries: false }]),
    ...['abs', 'exp', 'ln', 'floor', 'ceil', 'round'].map((operator): [string, Json] => ['calculateField', { mode: 'unary', unary: { operator, fieldName: 'v0' }, timeSeries: false }]),
    ['calculateField', { mode: 'binary', binary: { left: { matcher: { id: 'byName', options: 'v0' } }, operator: '+', right: { matcher: { id: 'byName', options: 'v0' } } }, timeSeries: false }],
    ...['min', 'max', 'mean', 'count', 'range', 'last'].map((reducer): [string, Json] => ['calculateField', { mode: 'reduceRow', reduce: { reducer, include: ['v0', 'v1'] }, timeSeries: false }]),
    ...([
        ['notEqual', { value: 'x' }, 'host'], ['substring', { value: 'Z' }, 'host'], ['notSubstring', { value: 'z' }, 'host'], ['regex', { value: 'z1?' }, 'host'],
        ['greaterOrEqual', { value: 20 }, 'v0'], ['lower', { value: 20 }, 'v0'], ['isNotNull', {}, 'v0'],
    ] as const).flatMap(([id, options, fieldName]) => ['include', 'exclude'].map((type): [string, Json] => ['filterByValue', { filters: [{ fieldName, config: { id, options } }], type, match: 'all' }])),
    ['transpose', { emptyValue: 'null' }],
    ['transpose', { restFieldsName: 'v' }],
];

test('of frames that have names', async () => {
    const random = generator(6);
    for (let i = 0; i < 20; i++) {
        const frames = series(random).map((frame, n) => (n === 2 ? frame : { ...frame, name: `frame ${n}` }));
        for (const options of [{}, { frameNameMode: 'field' }, { frameNameMode: 'drop' }, { frameNameMode: 'label', frameNameLabel: 'from' }, { frameNameMode: 'label' }]) {
            await check('concatenate', options, frames);
        }
    }
    expect([...wrong].map(([name, text]) => `${name}\n${text}`).join('\n\n')).toBe('');
});

/* Where a value is missing, Grafana's mean forgets to take the oldest one out: compared without. */
test('of moving means', async () => {
    const random = generator(15);
    for (let i = 0; i < 30; i++) {
        const values = Array.from({ length: 1 + Math.floor(random() * 9) }, () => Math.round(random() * 100));
        const frame = makeFrame([makeField('Time', 'time', values.map((_, k) => k)), makeField('Value', 'number', values)], { refId: 'A' });
        for (const windowAlignment of ['trailing', 'centered']) {
            await check('calculateField', { mode: 'windowFunctions', window: { reducer: 'mean', windowAlignment, windowSizeMode: 'fixed', windowSize: 1 + Math.floor(random() * 6), field: 'Value' } }, [frame]);
            await check('calculateField', { mode: 'windowFunctions', window: { reducer: 'mean', windowAlignment, windowSizeMode: 'percentage', windowSize: 0.3 } }, [frame]);
        }
    }
    expect([...wrong].map(([name, text]) => `${name}\n${text}`).join('\n\n')).toBe('');
});

/* Buckets that anything fell into: the edges and the counts of each series. */
function buckets(frame: Frame | undefined): number[][] {
    const columns = (frame?.fields ?? []).map((f) => Array.from(f.values as ArrayLike<number>, (v) => Math.round(v * 1e9) / 1e9));
    return (columns[0] ?? []).map((_, row) => columns.map((values) => values[row]!)).filter(([, , ...counts]) => counts.some((n) => n > 0));
}

test('of sizes: histograms', async () => {
    const random = generator(12);
    for (let i = 0; i < 60; i++) {
        const scale = 10 ** Math.floor(random() * 9 - 3);
        const frames = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, n) => makeFrame([
            makeField('Time', 'time', [0, 1, 2, 3, 4, 5, 6, 7]),
            makeField('Value', 'number', Array.from({ length: 8 }, () => (random() < 0.1 ? null : Math.round((random() - 0.2) * 1000) * scale)), {}, { host: `h${n}` }),
        ], { refId: 'AB'[n]! }));
        for (const options of [{}, { combine: true }, { bucketSize: 7 * scale }, { bucketSize: String(20 * scale), bucketOffset: 3 * scale }]) {
            const theirs = (await lastValueFrom(grafana.transformDataFrame([{ id: 'histogram', options: structuredClone(options) }], copy(frames)))) as Frame[];
            expect([scale, options, buckets(transformFrames(copy(frames), [{ id: 'histogram', options }]).frames[0])]).toEqual([scale, options, buckets(theirs[0])]);
        }
    }
});

test('of tables', async () => {
    const random = generator(8);
    for (let i = 0; i < 40; i++) {
        const frames = tables(random);
        for (const [id, options] of TABLE_CASES) {
            if (!(id === 'groupingToMatrix' && frames.length > 1)) {
                await check(id, options, frames);
            }
        }
    }
    expect([...wrong].map(([name, text]) => `${name}\n${text}`).join('\n\n')).toBe('');
});

test('what Grafana has in its own program', () => {
    const frame = makeFrame([makeField('line', 'string', ['{"a":1,"b":{"c":"x"}}', 'no json'])]);
    const extracted = transformFrames([frame], [{ id: 'extractFields', options: { source: 'line', format: 'json', replace: true, jsonPaths: [{ path: 'a' }, { path: 'b.c', alias: 'c' }] } }]);
    expect(seen(extracted.frames)).toEqual([[['a', [1, null], {}], ['c', ['x', null], {}]]]);
    const pairs = transformFrames([makeFrame([makeField('line', 'string', ['level=info msg="a b"'])])], [{ id: 'extractFields', options: { source: 'line', format: 'kvp' } }]);
    expect(pairs.frames[0]!.fields.map((f) => f.name)).toEqual(['line', 'level', 'msg']);
    const long = makeFrame([makeField('time', 'time', [2, 1, 1]), makeField('h', 'string', ['a', 'a', 'b']), makeField('v', 'number', [20, 10, 30])]);
    const wide = transformFrames([long], [{ id: 'prepareTimeSeries', options: { format: 'many' } }]).frames;
    expect(wide.map((f) => [fieldName(f.fields[1]!, f, wide), Array.from(f.fields[1]!.values as ArrayLike<number>)])).toEqual([['v a', [10, 20]], ['v b', [30]]]);
    const rows = transformFrames([makeFrame([makeField('n', 'string', ['p', 'q']), makeField('v', 'number', [1, 2])])], [{ id: 'rowsToFields', options: {} }]).frames;
    expect(seen(rows)).toEqual([[['p', [1], {}], ['q', [2], {}]]]);
    /* A field is found by its own name too, which Grafana's calculation does not where labels make another. */
    const labelled = makeFrame([makeField('Time', 'time', [1]), makeField('Value', 'number', [21], {}, { host: 'a' })]);
    const doubled = transformFrames([labelled], [{ id: 'calculateField', options: { mode: 'binary', binary: { left: { matcher: { id: 'byName', options: 'Value' } }, operator: '*', right: { fixed: '2' } } } }]);
    expect(doubled.frames[0]!.fields[2]).toMatchObject({ name: 'Value * 2', values: [42] });
    expect(transformFrames([frame], [{ id: 'spatial', options: {} }]).unknown).toEqual(['spatial']);
    expect(transformFrames([frame], [{ id: 'limit', options: {}, disabled: true }]).frames).toEqual([frame]);
});
