import { describe, expect, test } from 'vitest';
import { makeField, makeFrame, type Field, type Frame } from '../frame';
import type { Json } from '../json';
import { fieldName } from '../names';
import { transformFrames } from './index';

/* What is seen of frames: names as they are shown, and values. */
function seen(frames: readonly Frame[]): Record<string, unknown[]>[] {
    return frames.map((frame) => Object.fromEntries(frame.fields.map((f) => [fieldName(f, frame, frames), Array.from(f.values as ArrayLike<unknown>)])));
}

function run(id: string, options: Json, frames: readonly Frame[]): Record<string, unknown[]>[] {
    const result = transformFrames(frames, [{ id, options }]);
    expect(result.errors).toEqual([]);
    expect(result.frames.every((f) => f.fields.every((x) => x.values.length === f.length))).toBe(true);
    return seen(result.frames);
}

const host = makeField('host', 'string', ['b', 'a', 'c']);
const cpu = makeField('cpu', 'number', [10, null, 30]);
const mem = makeField('mem', 'number', Float64Array.of(3, 1, 2));
const table = makeFrame([host, cpu, mem], { refId: 'A' });
const names = (id: string, options: Json, frames: readonly Frame[] = [table]) => run(id, options, frames).map((f) => Object.keys(f).join());
const labelled = (labels: Record<string, string>, values: unknown[] = [1, 2], name = 'Value') => makeFrame([makeField('Time', 'time', values.map((_, i) => i)), makeField(name, 'number', values, {}, labels)], { refId: labels.ref ?? 'A' });

describe('organize', () => {
    test.each<[string, Json, string]>([
        ['nothing said', {}, 'host,cpu,mem'],
        ['hidden', { excludeByName: { cpu: true, mem: false, nope: true } }, 'host,mem'],
        ['chosen', { includeByName: { mem: true } }, 'mem'],
        ['chosen and hidden', { includeByName: { mem: true, cpu: true }, excludeByName: { cpu: true } }, 'mem'],
        ['in order', { indexByName: { mem: 0, host: 1, cpu: 2 } }, 'mem,host,cpu'],
        ['in part of an order', { indexByName: { mem: 0 } }, 'mem,host,cpu'],
        ['renamed', { renameByName: { cpu: 'CPU', host: '' } }, 'host,CPU,mem'],
        ['all at once', { excludeByName: { host: true }, indexByName: { mem: 0, cpu: 1 }, renameByName: { mem: 'M' } }, 'M,cpu'],
        ['of the wrong type', { excludeByName: ['cpu'], indexByName: 'x', renameByName: { cpu: 5 } }, 'host,cpu,mem'],
        ['hostile', { renameByName: { constructor: 'x' }, excludeByName: { __proto__: true } }, 'host,cpu,mem'],
        ['by name', { orderByMode: 'auto', orderBy: [{ type: 'name' }] }, 'cpu,host,mem'],
        ['by name, downwards', { orderByMode: 'auto', orderBy: [{ type: 'name', desc: true }] }, 'mem,host,cpu'],
        ['by nothing', { orderByMode: 'auto' }, 'host,cpu,mem'],
    ])('%s', (_, options, want) => expect(names('organize', options)).toEqual([want]));

    test('by label, the time first', () => {
        const of = (zone: string) => makeField(`v${zone}`, 'number', [1], {}, { zone });
        const frame = makeFrame([of('z10'), of('z9'), makeField('Time', 'time', [0])]);
        const ordered = transformFrames([frame], [{ id: 'organize', options: { orderByMode: 'auto', orderBy: [{ type: 'label', name: 'zone' }] } }]).frames[0]!;
        expect(ordered.fields.map((f) => f.name)).toEqual(['Time', 'vz9', 'vz10']);
    });
});

describe('names', () => {
    test.each<[Json, string]>([
        [{ regex: '(.)(.*)', renamePattern: '$2$1' }, 'osth,puc,emm'],
        [{ regex: '/m/', renamePattern: 'M' }, 'host,cpu,Mem'],
        [{ regex: '/m/g', renamePattern: 'M' }, 'host,cpu,MeM'],
        [{ regex: '/^(?<a>h)/', renamePattern: '$<a>-' }, 'h-ost,cpu,mem'],
        [{ regex: '', renamePattern: 'x' }, 'host,cpu,mem'],
        [{ regex: '/(/', renamePattern: 'x' }, 'host,cpu,mem'],
        [{}, 'host,cpu,mem'],
    ])('renameByRegex %j', (options, want) => expect(names('renameByRegex', options)).toEqual([want]));

    test('times keep theirs', () => expect(names('renameByRegex', { regex: '.*', renamePattern: 'x' }, [labelled({})])).toEqual(['Time,x']));

    test.each<[Json, string[]]>([
        [{ include: { names: ['cpu', 'nope'] } }, ['cpu']],
        [{ include: { pattern: '/^[ch]/' } }, ['host,cpu']],
        [{ include: { pattern: '/./g' } }, ['host,cpu,mem']],
        [{ include: { names: ['cpu'], pattern: 'mem' } }, ['cpu,mem']],
        [{ exclude: { names: ['cpu'] } }, ['host,mem']],
        [{ include: { pattern: '.*' }, exclude: { pattern: '/m/' } }, ['host,cpu']],
        [{}, ['host,cpu,mem']],
        [{ include: { names: [] } }, ['host,cpu,mem']],
        [{ include: { names: ['nope'] } }, []],
        [{ include: 'cpu' }, ['host,cpu,mem']],
    ])('filterFieldsByName %j', (options, want) => expect(names('filterFieldsByName', options)).toEqual(want));

    test.each<[Json, string[]]>([
        [{ include: 'A' }, ['A']],
        [{ include: 'A|B' }, ['A', 'B']],
        [{ include: '/[BC]/g' }, ['B', 'C']],
        [{ include: '' }, ['A', 'B', 'C']],
        [{}, ['A', 'B', 'C']],
        [{ include: 'X' }, []],
    ])('filterByRefId %j', (options, want) => {
        const frames = ['A', 'B', 'C'].map((ref) => labelled({ ref }));
        expect(transformFrames(frames, [{ id: 'filterByRefId', options }]).frames.map((f) => f.refId)).toEqual(want);
    });
});

describe('rows', () => {
    test.each<[Json, string[]]>([
        [{ limitField: 2 }, ['b', 'a']],
        [{ limitField: '1' }, ['b']],
        [{ limitField: -2 }, ['a', 'c']],
        [{ limitField: 0 }, []],
        [{ limitField: 1.5 }, ['b']],
        [{ limitField: -1.5 }, ['c']],
        [{ limitField: 99 }, ['b', 'a', 'c']],
        [{}, ['b', 'a', 'c']],
        [{ limitField: 'x' }, ['b', 'a', 'c']],
    ])('limit %j', (options, want) => expect(run('limit', options, [table])[0]!.host).toEqual(want));

    test.each<[Json, string]>([
        [{ sort: [{ field: 'host' }] }, 'abc'],
        [{ sort: [{ field: 'host', desc: true }] }, 'cba'],
        [{ sort: [{ field: 'mem' }] }, 'acb'],
        [{ sort: [{ field: 'cpu' }] }, 'bca'],
        [{ sort: [{ field: 'cpu', desc: true }] }, 'cba'],
        [{ sort: [{ field: 'nope' }] }, 'bac'],
        [{ sort: [] }, 'bac'],
        [{}, 'bac'],
    ])('sortBy %j', (options, want) => expect((run('sortBy', options, [table])[0]!.host as string[]).join('')).toBe(want));

    const filter = (id: string, options: Json = {}, fieldName = 'cpu', rest: Json = {}): Json => ({ type: 'include', match: 'all', filters: [{ fieldName, config: { id, options } }], ...rest });
    test.each<[Json, string]>([
        [filter('greater', { value: 10 }), 'c'],
        [filter('greaterOrEqual', { value: '10' }), 'bc'],
        [filter('lower', { value: 30 }), 'ba'],
        [filter('lowerOrEqual', { value: -1 }), ''],
        [filter('between', { from: 0, to: 20 }), 'b'],
        [filter('between', {}), 'bac'],
        [filter('equal', { value: '10' }), 'b'],
        [filter('notEqual', { value: 10 }), 'ac'],
        [filter('isNull'), 'a'],
        [filter('isNotNull'), 'bc'],
        [filter('isNull', {}, 'cpu', { type: 'exclude' }), 'bc'],
        [filter('regex', { value: '^[ab]' }, 'host'), 'ba'],
        [filter('regex', { value: '/a/' }, 'host'), ''],
        [filter('regex', { value: '(' }, 'host'), ''],
        [filter('substring', { value: 'B' }, 'host'), 'b'],
        [filter('notSubstring', { value: 'B' }, 'host'), 'ac'],
        [filter('of the future', {}), 'bac'],
        [filter('constructor', {}), 'bac'],
        [filter('greater', { value: 'x' }), ''],
        [filter('equal', { value: 'a' }, 'nope'), ''],
        [{ filters: [] }, 'bac'],
        [{}, 'bac'],
        [{ type: 'include', match: 'any', filters: [...(filter('equal', { value: 'a' }, 'host').filters as Json[]), ...(filter('greater', { value: 20 }).filters as Json[])] }, 'ac'],
        [{ type: 'include', match: 'all', filters: [...(filter('equal', { value: 'a' }, 'host').filters as Json[]), ...(filter('greater', { value: 20 }).filters as Json[])] }, ''],
        [{ type: 'exclude', match: 'any', filters: [...(filter('equal', { value: 'a' }, 'host').filters as Json[]), ...(filter('greater', { value: 20 }).filters as Json[])] }, 'b'],
    ])('filterByValue %j', (options, want) => expect((run('filterByValue', options, [table])[0]!.host as string[]).join('')).toBe(want));
});

describe('types', () => {
    const converted = (values: unknown[], destinationType: string): Field => transformFrames([makeFrame([makeField('x', 'other', values)])], [{ id: 'convertFieldType', options: { conversions: [{ targetField: 'x', destinationType }] } }]).frames[0]!.fields[0]!;
    test.each<[string, unknown[], unknown[]]>([
        ['number', ['1', ' 2.5 ', '', 'x', null, true, '1e3', NaN], [1, 2.5, null, null, null, 1, 1000, null]],
        ['string', [1, null, { a: 1 }, true, [1]], ['1', 'null', '{"a":1}', 'true', '[1]']],
        ['boolean', ['true', 'false', '0', '', 1, 0, null], [true, false, false, false, true, false, false]],
        ['time', ['2026-01-01', '2026-01-01T00:00:00Z', 5, 'no', null, 'Thu, 01 Jan 1970 00:00:00 GMT'], [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1), 5, null, null, 0]],
    ])('to %s', (type, values, want) => expect([converted(values, type).type, converted(values, type).values]).toEqual([type, want]));

    test('to what is no type, or of no such field, they stay', () => {
        expect(converted([1], 'enum')).toEqual(makeField('x', 'other', [1]));
        expect(run('convertFieldType', { conversions: [{ targetField: 'nope', destinationType: 'number' }, {}] }, [table])).toEqual(seen([table]));
    });

    test('times as texts', () => {
        const at = makeFrame([makeField('at', 'time', [0, 3_600_000])]);
        expect(run('formatTime', { timeField: 'at', outputFormat: 'HH:mm', timezone: 'utc' }, [at])).toEqual([{ at: ['00:00', '01:00'] }]);
        expect(run('formatTime', { timeField: 'at', timezone: 'Asia/Tokyo' }, [at])).toEqual([{ at: ['1970-01-01 09:00:00', '1970-01-01 10:00:00'] }]);
        expect(run('formatTime', { timeField: 'nope' }, [at])).toEqual([{ at: [0, 3_600_000] }]);
    });
});

describe('labels', () => {
    const series = [labelled({ host: 'a', job: 'x' })];
    test.each<[Json, Record<string, unknown[]>[]]>([
        [{}, [{ Time: [0, 1], Value: [1, 2], host: ['a', 'a'], job: ['x', 'x'] }]],
        [{ valueLabel: 'host' }, [{ Time: [0, 1], a: [1, 2], job: ['x', 'x'] }]],
        [{ keepLabels: ['job'] }, [{ Time: [0, 1], Value: [1, 2], job: ['x', 'x'] }]],
        [{ valueLabel: 'nope' }, [{ Time: [0, 1], Value: [1, 2], host: ['a', 'a'], job: ['x', 'x'] }]],
        [{ mode: 'rows' }, [{ label: ['host', 'job'], value: ['a', 'x'] }]],
        [{ mode: 'rows', keepLabels: ['job', 'nope'] }, [{ label: ['job', 'nope'], value: ['x', undefined] }]],
    ])('labelsToFields %j', (options, want) => expect(run('labelsToFields', options, series)).toEqual(want));

    test('fields without labels stay', () => {
        expect(run('labelsToFields', {}, [table])).toEqual(seen([table]));
        expect(run('labelsToFields', { mode: 'rows' }, [table])).toEqual([]);
    });
});

describe('extractFields', () => {
    const line = (...values: unknown[]) => [makeFrame([makeField('Time', 'time', values.map((_, i) => i)), makeField('line', 'string', values)])];
    test.each<[string, Json, unknown[], Record<string, unknown[]>]>([
        ['JSON', { format: 'json' }, ['{"a":1,"b":{"c":2}}', '{"a":2}'], { a: [1, 2], b: [{ c: 2 }, null] }],
        ['paths', { format: 'json', jsonPaths: [{ path: 'b.c', alias: 'c' }, { path: 'l.0' }, { path: 'x.y.z' }] }, ['{"b":{"c":2},"l":[7]}'], { c: [2], 'l.0': [7], 'x.y.z': [null] }],
        ['what is no JSON', { format: 'json' }, ['{', '5', 'null', '[1]'], {}],
        ['pairs', { format: 'kvp' }, ['a=1 b="x y", c=', 'a=2'], { a: ['1', '2'], b: ['x y', null], c: ['', null] }],
        ['a pattern', { format: 'regexp', regExp: '/(?<m>[A-Z]+) (?<path>\\S+)/' }, ['GET /x', 'none'], { m: ['GET', null], path: ['/x', null] }],
        ['a broken pattern', { format: 'regexp', regExp: '/(/' }, ['x'], {}],
        ['records', { format: 'auto' }, [{ a: 1 }], { a: [1] }],
        ['dangerous names', { format: 'json' }, ['{"constructor":1}'], { constructor: [1] }],
    ])('%s', (_, options, values, want) => {
        expect(run('extractFields', { source: 'line', replace: true, ...options }, line(...values))).toEqual([want]);
        expect(Object.keys(run('extractFields', { source: 'line', replace: true, keepTime: true, ...options }, line(...values))[0]!)).toEqual(['Time', ...Object.keys(want)]);
        expect(Object.keys(run('extractFields', { source: 'line', ...options }, line(...values))[0]!)).toEqual(['Time', 'line', ...Object.keys(want)]);
    });

    test('of no such field', () => expect(run('extractFields', { source: 'nope' }, line('{}'))).toEqual(seen(line('{}'))));
});

describe('configFromData', () => {
    const config = (fields: Field[], options: Json = {}) => transformFrames([labelled({}), makeFrame(fields, { refId: 'config' })], [{ id: 'configFromData', options }]).frames.map((f) => f.fields.map((x) => x.config));
    test.each<[string, Field[], Json, Json]>([
        ['by the names of fields', [makeField('max', 'number', [5, 9]), makeField('Min', 'number', [1]), makeField('unit', 'string', ['s']), makeField('decimals', 'number', ['2']), makeField('other', 'number', [1])], {}, { max: 9, min: 1, unit: 's', decimals: 2 }],
        ['by mappings', [makeField('limit', 'number', [5, 9]), makeField('c', 'string', ['red'])], { mappings: [{ fieldName: 'limit', handlerKey: 'threshold1', reducerId: 'max' }, { fieldName: 'c', handlerKey: 'color' }] }, { thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 9, color: 'red' }] }, color: { mode: 'fixed', fixedColor: 'red' } }],
        ['by another reducer', [makeField('max', 'number', [5, 9])], { mappings: [{ fieldName: 'max', handlerKey: 'max', reducerId: 'mean' }] }, { max: 7 }],
        ['what is missing is not told', [makeField('max', 'number', [null]), makeField('unit', 'string', [])], {}, {}],
        ['hostile', [makeField('constructor', 'number', [1]), makeField('__proto__', 'number', [1])], {}, {}],
    ])('%s', (_, fields, options, want) => expect(config(fields, options)).toEqual([[{}, want]]));

    test('to the fields that it is said to apply to', () => {
        expect(config([makeField('unit', 'string', ['s'])], { applyTo: { id: 'byName', options: 'Time' } })).toEqual([[{ unit: 's' }, {}]]);
        expect(transformFrames([table], [{ id: 'configFromData', options: { configRefId: 'X' } }]).frames).toEqual([table]);
    });
});
