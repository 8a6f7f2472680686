import { describe, expect, test } from 'vitest';
import { makeField, makeFrame, NESTED_NAME, type Frame } from '../frame';
import type { Json } from '../json';
import { fieldName } from '../names';
import { transformFrames } from './index';

type Columns = Record<string, unknown[]>;

function columns(frame: Frame): Columns {
    return Object.fromEntries(frame.fields.map((f) => [fieldName(f, frame), Array.from(f.values as ArrayLike<unknown>)]));
}

function frames(id: string, options: Json, input: readonly Frame[]): Frame[] {
    const result = transformFrames(input, [{ id, options }]);
    expect(result.errors).toEqual([]);
    return result.frames;
}

const run = (id: string, options: Json, input: readonly Frame[]): Columns[] => frames(id, options, input).map(columns);
const table = (fields: Record<string, unknown[]>, rest: Partial<Frame> = {}): Frame =>
    makeFrame(Object.entries(fields).map(([name, values]) => makeField(name, name === 'Time' ? 'time' : values.some((v) => typeof v === 'string') ? 'string' : 'number', values)), rest);
const series = (labels: Record<string, string>, times: number[], values: (number | null)[], refId = 'A'): Frame =>
    makeFrame([makeField('Time', 'time', times), makeField('Value', 'number', values, {}, labels)], { refId });

describe('reduce', () => {
    const input = [series({ host: 'a', job: 'x' }, [1, 2], [10, null]), series({ host: 'b' }, [1], [5], 'B')];
    test.each<[string, Json, Columns[]]>([
        ['a row a series', { reducers: ['max', 'count'] }, [{ Field: ['{host="a", job="x"}', '{host="b"}'], Max: [10, 5], Count: [1, 1] }]],
        ['its labels as columns', { reducers: ['lastNotNull'], labelsToFields: true }, [{ Field: ['Value', 'Value'], host: ['a', 'b'], job: ['x', undefined], 'Last *': [10, 5] }]],
        ['without a reducer nothing changes', { reducers: [] }, input.map(columns)],
        ['of unknown ones neither', { reducers: ['nope', 'constructor'] }, input.map(columns)],
        ['unknown ones are left out', { reducers: ['nope', 'min'] }, [{ Field: ['{host="a", job="x"}', '{host="b"}'], Min: [10, 5] }]],
        ['of chosen fields', { reducers: ['min'], fields: { id: 'byName', options: '{host="b"}' } }, [{ Field: ['{host="b"}'], Min: [5] }]],
        ['of no field', { reducers: ['min'], fields: { id: 'byName', options: 'nope' } }, [{ Field: [], Min: [] }]],
    ])('%s', (_, options, want) => expect(run('reduce', options, input)).toEqual(want));

    test('in place', () => {
        expect(frames('reduce', { mode: 'reduceFields', reducers: ['mean'] }, input).map((f) => f.fields.map((x) => [x.name, x.values, x.labels]))).toEqual([[['Value', [10], { host: 'a', job: 'x' }]], [['Value', [5], { host: 'b' }]]]);
        expect(frames('reduce', { mode: 'reduceFields', reducers: ['min', 'max'] }, [input[1]!])[0]!.fields.map((x) => x.labels)).toEqual([{ host: 'b', reducer: 'Min' }, { host: 'b', reducer: 'Max' }]);
        expect(frames('reduce', { mode: 'reduceFields', reducers: ['max'], includeTimeField: true }, [input[0]!])[0]!.fields.map((x) => x.values)).toEqual([[2], [10]]);
        expect(run('reduce', { mode: 'reduceFields', reducers: ['max'] }, [table({ Time: [1] })])).toEqual([]);
        expect(run('reduce', { reducers: ['max'] }, [])).toEqual([]);
    });
});

describe('joinByField', () => {
    const left = table({ id: ['a', 'b', 'b'], l: [1, 2, 3] }, { refId: 'L' });
    const right = table({ id: ['b', 'c'], r: [20, 30] }, { refId: 'R' });
    test.each<[string, Json, Columns]>([
        ['inner', { byField: 'id', mode: 'inner' }, { id: ['b', 'b'], l: [2, 3], r: [20, 20] }],
        ['outer, as a table', { byField: 'id', mode: 'outerTabular' }, { id: ['b', 'b', 'a', 'c'], l: [2, 3, 1, null], r: [20, 20, null, 30] }],
        ['outer: one row a key', { byField: 'id' }, { id: ['a', 'b', 'c'], l: [1, 3, undefined], r: [undefined, 20, 30] }],
    ])('%s', (_, options, want) => expect(run('joinByField', options, [left, right])).toEqual([want]));

    test('series by their times, whatever the order', () => {
        const joined = frames('joinByField', { byField: 'Time' }, [series({ h: 'a' }, [30, 10], [3, 1]), series({ h: 'b' }, [20, 10], [22, 11], 'B')])[0]!;
        expect(joined.fields.map((f) => f.values)).toEqual([[10, 20, 30], [1, undefined, 3], [11, 22, undefined]]);
        expect(joined.fields.map((f) => f.labels)).toEqual([undefined, { h: 'a' }, { h: 'b' }]);
        const numbers = [1, 2].map((n) => makeFrame([makeField('Time', 'time', Float64Array.of(n)), makeField('Value', 'number', Float64Array.of(n))]));
        expect(frames('seriesToColumns', {}, numbers)[0]!.fields.map((f) => f.values)).toEqual([Float64Array.of(1, 2), Float64Array.of(1, NaN), Float64Array.of(NaN, 2)]);
    });

    test('keys that are missing meet none', () => {
        const gaps = [table({ id: ['a', null], l: [1, 2] }), table({ id: [null, 'a'], r: [9, 8] })];
        expect(run('joinByField', { byField: 'id', mode: 'inner' }, gaps)).toEqual([{ id: ['a'], l: [1], r: [8] }]);
    });

    test('one frame, or no such field: as it was', () => {
        expect(run('joinByField', { byField: 'id' }, [left])).toEqual([columns(left)]);
        expect(run('joinByField', { byField: 'nope' }, [left, right])).toEqual([left, right].map(columns));
        expect(run('joinByField', {}, [])).toEqual([]);
    });
});

describe('merge', () => {
    test.each<[string, Frame[], Columns[]]>([
        ['rows that agree are one', [table({ host: ['a', 'b'], cpu: [1, 2] }), table({ host: ['b', 'c'], mem: [20, 30] })], [{ host: ['a', 'b', 'c'], cpu: [1, 2, undefined], mem: [undefined, 20, 30] }]],
        ['other values are other rows', [table({ host: ['a'], cpu: [1] }), table({ host: ['a'], cpu: [2] })], [{ host: ['a', 'a'], cpu: [1, 2] }]],
        ['nothing in common: as it was', [table({ a: [1] }), table({ b: [2] })], [{ a: [1] }, { b: [2] }]],
        ['one frame: as it was', [table({ a: [1] })], [{ a: [1] }]],
        ['empty ones do not count', [table({ a: [1] }), makeFrame([])], [{ a: [1] }, {}]],
    ])('%s', (_, input, want) => expect(run('merge', {}, input)).toEqual(want));
});

describe('groupBy', () => {
    const input = table({ host: ['a', 'b', 'a', 'a'], zone: ['x', 'x', 'y', 'x'], n: [1, 2, 3, null] }, { refId: 'A' });
    const by = (rules: Record<string, string | string[]>): Json => ({ fields: Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, typeof rule === 'string' ? { operation: rule, aggregations: [] } : { operation: 'aggregate', aggregations: rule }])) });
    test.each<[string, Json, Columns[]]>([
        ['one key', by({ host: 'groupby', n: ['sum', 'count'] }), [{ host: ['a', 'b'], 'n (sum)': [4, 2], 'n (count)': [2, 1] }]],
        ['two keys', by({ host: 'groupby', zone: 'groupby', n: ['max'] }), [{ host: ['a', 'b', 'a'], zone: ['x', 'x', 'y'], 'n (max)': [1, 2, 3] }]],
        ['a key alone', by({ zone: 'groupby' }), [{ zone: ['x', 'y'] }]],
        ['no key: as it was', by({ n: ['sum'] }), [columns(input)]],
        ['a key that no frame has', by({ nope: 'groupby' }), []],
        ['an unknown reducer', by({ zone: 'groupby', n: ['nope'] }), [{ zone: ['x', 'y'], 'n (nope)': [null, null] }]],
        ['nothing said', {}, [columns(input)]],
        ['by rules', { rules: [{ matcher: { id: 'byRegexp', options: '/^z/' }, operation: 'groupby' }, { matcher: { id: 'byType', options: 'number' }, operation: 'aggregate', aggregations: ['lastNotNull'] }] }, [{ zone: ['x', 'y'], 'n (lastNotNull)': [2, 3] }]],
    ])('%s', (_, options, want) => expect(run('groupBy', options, [input])).toEqual(want));

    test('keys that look alike in one text are two', () => {
        expect(run('groupBy', by({ p: 'groupby', q: 'groupby' }), [table({ p: ['a', 'a,b'], q: ['b,c', 'c'] })])).toEqual([{ p: ['a', 'a,b'], q: ['b,c', 'c'] }]);
    });

    test('a large group is as quick as many small ones', () => {
        const size = 100_000;
        const large = table({ host: new Array<string>(size).fill('a'), n: new Array<number>(size).fill(1) });
        expect(run('groupBy', by({ host: 'groupby', n: ['sum'] }), [large])).toEqual([{ host: ['a'], 'n (sum)': [size] }]);
        expect(run('joinByField', { byField: 'host', mode: 'inner' }, [table({ host: ['a'], m: [1] }), large])[0]!.m).toHaveLength(size);
    });

    test('each group keeps the rest as a table of its own', () => {
        const [outer] = frames('groupToNestedTable', by({ host: 'groupby', n: ['sum'] }), [input]);
        expect(outer!.fields.map((f) => f.name)).toEqual(['host', 'n (sum)', NESTED_NAME]);
        expect((outer!.fields[2]!.values as Frame[]).map(columns)).toEqual([{ zone: ['x', 'y', 'x'] }, { zone: ['x'] }]);
        expect(frames('groupToNestedTable', { ...by({ host: 'groupby' }), expandAllRows: true, showSubframeHeaders: false }, [input]).map((f) => [f.meta, (f.fields[1]!.values[0] as Frame).meta])).toEqual([[{ opensRows: true }, { hidesHeader: true }]]);
        expect(run('groupToNestedTable', {}, [input])).toEqual([columns(input)]);
    });
});

describe('groupingToMatrix', () => {
    const input = table({ host: ['a', 'b', 'a'], zone: ['x', 'x', 'y'], n: [1, 2, 3] });
    const of = (more: Json = {}) => run('groupingToMatrix', { columnField: 'zone', rowField: 'host', valueField: 'n', ...more }, [input]);
    test.each<[unknown, unknown]>([
        [undefined, ''],
        ['empty', ''],
        ['null', null],
        ['zero', 0],
        ['true', true],
        ['false', false],
        ['constructor', ''],
        [5, ''],
    ])('what is not there, with %j, is %j', (emptyValue, want) =>
        expect(of({ emptyValue })).toEqual([{ 'host\\zone': ['a', 'b'], x: [1, 2], y: [3, want] }]));

    test('without its fields, or of several frames: as it was', () => {
        expect(of({ valueField: 'nope' })).toEqual([columns(input)]);
        expect(run('groupingToMatrix', {}, [input, input])).toHaveLength(2);
        expect(run('groupingToMatrix', {}, [])).toEqual([]);
    });
});

describe('series and rows', () => {
    test('series become rows, the newest first', () => {
        expect(run('seriesToRows', {}, [series({ h: 'a' }, [1, 3], [10, 30]), series({ h: 'b' }, [2, 3], [20, 31], 'B')])).toEqual([{ Time: [3, 3, 2, 1], Metric: ['a', 'b', 'b', 'a'], Value: [30, 31, 20, 10] }]);
        expect(run('seriesToRows', {}, [table({ n: [1] })])).toEqual([{ n: [1] }]);
        expect(run('seriesToRows', {}, [])).toEqual([]);
    });

    test('rows become fields', () => {
        const input = [table({ name: ['p', 'q'], host: ['a', 'b'], n: [1, 2] })];
        expect(frames('rowsToFields', {}, input)[0]!.fields.map((f) => [f.name, f.values, f.labels])).toEqual([['p', [1], { host: 'a' }], ['q', [2], { host: 'b' }]]);
        expect(frames('rowsToFields', { mappings: [{ fieldName: 'host', handlerKey: 'field.name' }, { fieldName: 'n', handlerKey: 'field.value' }] }, input)[0]!.fields.map((f) => f.name)).toEqual(['a', 'b']);
        expect(run('rowsToFields', {}, [table({ n: [1] })])).toEqual([{ n: [1] }]);
    });

    test('long tables become series', () => {
        const long = table({ Time: [2, 1, 1], host: ['a', 'a', 'b'], n: [20, 10, 11] });
        const shape = (format: string) => frames('prepareTimeSeries', { format }, [long]).map((f) => f.fields.map((x) => [x.name, x.values, x.labels?.host]));
        expect(shape('multi')).toEqual([[['Time', [1, 2], undefined], ['n', [10, 20], 'a']], [['Time', [1], undefined], ['n', [11], 'b']]]);
        expect(shape('wide')).toEqual([[['Time', [1, 2], undefined], ['n', [10, 20], 'a'], ['n', [11, undefined], 'b']]]);
        expect(run('prepareTimeSeries', { format: 'many' }, [table({ n: [1] })])).toEqual([]);
    });

    test('concatenate puts fields beside each other', () => {
        const two = [table({ n: [1, 2] }, { name: 'f', refId: 'A' }), table({ Value: [3] }, { name: 'g', refId: 'B' })];
        expect(run('concatenate', {}, two)).toEqual([{ 'f · n': [1, 2], g: [3, null] }]);
        expect(run('concatenate', { frameNameMode: 'drop' }, two)).toEqual([{ n: [1, 2], Value: [3, null] }]);
        expect(frames('concatenate', { frameNameMode: 'label', frameNameLabel: 'of' }, two)[0]!.fields.map((f) => f.labels)).toEqual([{ of: 'f' }, { of: 'g' }]);
        expect(run('concatenate', {}, [makeFrame([]), makeFrame([])])).toEqual([{}]);
        expect(run('concatenate', {}, [two[0]!])).toEqual([{ n: [1, 2] }]);
    });
});

describe('transpose', () => {
    test.each<[string, Json, Frame, Columns]>([
        ['by texts', {}, table({ host: ['a', 'b'], cpu: [1, 2], mem: [3, null] }), { Field: ['cpu', 'mem'], a: [1, 3], b: [2, null] }],
        ['without texts', {}, table({ cpu: [1, 2], mem: [3, 4] }), { Field: ['cpu', 'mem'], '1': [1, 3], '2': [2, 4] }],
        ['of different types', { emptyValue: 'zero' }, table({ host: ['a'], zone: [null], n: [5] }), { Field: ['zone', 'n'], a: [null, 5] }],
        ['of nothing', {}, makeFrame([]), {}],
    ])('%s', (_, options, input, want) => expect(run('transpose', options, [input])).toEqual([want]));

    test('names of its fields', () => expect(frames('transpose', { firstFieldName: 'What', restFieldsName: 'Then' }, [table({ host: ['a'], n: [1] })])[0]!.fields.map((f) => [f.name, f.labels])).toEqual([['What', undefined], ['Then', { host: 'a' }]]));
});

describe('histogram', () => {
    const of = (values: unknown[], options: Json = {}) => frames('histogram', options, [makeFrame([makeField('n', 'number', values)])]).map((f) => f.fields.map((x) => Array.from(x.values as ArrayLike<number>)));
    test.each<[string, unknown[], Json, number[][][]]>([
        ['of a size', [0, 1, 4, 5, null, NaN], { bucketSize: 2 }, [[[0, 2, 4], [2, 4, 6], [2, 0, 2]]]],
        ['of a size as a text', [1, 3], { bucketSize: '2' }, [[[0, 2], [2, 4], [1, 1]]]],
        ['moved', [1, 3], { bucketSize: 2, bucketOffset: 1 }, [[[1, 3], [3, 5], [1, 1]]]],
        ['below zero', [-3, 1], { bucketSize: 2 }, [[[-4, -2, 0], [-2, 0, 2], [1, 0, 1]]]],
        ['of one value', [7], {}, [[[7], [8], [1]]]],
        ['of nothing', [], {}, []],
        ['of gaps', [null, NaN, Infinity, -Infinity], {}, []],
        ['what has no end is left out', [1, 3, Infinity], { bucketSize: 2 }, [[[0, 2], [2, 4], [1, 1]]]],
    ])('%s', (_, values, options, want) => expect(of(values, options)).toEqual(want));

    test('has a bound, however small its buckets', () => {
        const [[from, , count]] = of([0, 1e9], { bucketSize: 1e-3 }) as [number[][]];
        expect(from).toHaveLength(1000);
        expect(count!.reduce((a, b) => a + b)).toBe(2);
    });

    test('of several fields, apart or as one', () => {
        const input = [table({ a: [1, 2], b: [2, 2] })];
        expect(run('histogram', { bucketSize: 1 }, input)).toEqual([{ xMin: [1, 2], xMax: [2, 3], a: [1, 1], b: [0, 2] }]);
        expect(run('histogram', { bucketSize: 1, combine: true }, input)).toEqual([{ xMin: [1, 2], xMax: [2, 3], Count: [1, 3] }]);
    });
});
