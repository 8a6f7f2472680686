import { describe, expect, test } from 'vitest';
import { applyFieldConfig, type FieldConfig } from './fieldconfig';
import { makeField, makeFrame, type Frame } from './frame';
import type { Json } from './json';
import type { Labels } from './names';
import { singleValues } from './single';

const how = { look: 'dark', zone: 'utc' } as const;

function series(values: unknown[], labels: Labels = {}, config: FieldConfig = {}): Frame {
    return makeFrame([makeField('Time', 'time', values.map((_, i) => i * 1000)), makeField('Value', 'number', values, config, labels)], { refId: 'A' });
}

const table = makeFrame([
    makeField('host', 'string', ['a', 'b', null]), makeField('zone', 'string', ['x', '', 'z']), makeField('cpu', 'number', Float64Array.of(1, 2, NaN), { unit: 'percent' }), makeField('up', 'boolean', [true, false, true]),
]);

const told = (frames: Frame[], reduceOptions: Json = {}, fill?: (text: string) => string) => singleValues(frames, { reduceOptions }, { ...how, ...(fill ? { fill } : {}) }).map((v) => `${v.title}: ${v.text}`);

describe('one value a field', () => {
    test.each<[string, Json, string[]]>([
        ['the last, where nothing is said', {}, ['a: 3', 'b: 9']],
        ['by another reducer', { calcs: ['mean'] }, ['a: 2', 'b: 8']],
        ['by an old name', { calcs: ['avg'] }, ['a: 2', 'b: 8']],
        ['by one that nobody knows', { calcs: ['nope'] }, ['a: ', 'b: ']],
        ['by several, a value each', { calcs: ['min', 'max', 'lastNotNull'], fields: 'a' }, ['a Min: 1', 'a Max: 3', 'a Last *: 3']],
        ['of each series', { calcs: ['mean', 'range'] }, ['a Mean: 2', 'a Range: 2', 'b Mean: 8', 'b Range: 2']],
        ['by the same twice, once', { calcs: ['max', 'max', 7, null] }, ['a: 3', 'b: 9']],
        ['by several, one of which nobody knows', { calcs: ['max', 'nope'], fields: 'a' }, ['a Max: 3', 'a nope: ']],
        ['of a field by name', { fields: 'a' }, ['a: 3']],
        ['of fields by pattern', { fields: '/^[ab]$/' }, ['a: 3', 'b: 9']],
        ['of fields by pattern with g', { fields: '/./g' }, ['Time: 1970-01-01 00:00:02.000', 'a: 3', 'Time: 1970-01-01 00:00:02.000', 'b: 9']],
        ['of times', { fields: 'Time', calcs: ['max'] }, ['Time: 1970-01-01 00:00:02.000', 'Time: 1970-01-01 00:00:02.000']],
        ['of none', { fields: 'nope' }, []],
        ['of a broken pattern', { fields: '/(/' }, []],
    ])('%s', (_, options, want) => expect(told([series([1, 2, 3], { host: 'a' }), series([7, NaN, 9], { host: 'b' })], options)).toEqual(want));

    test('numbers and flags, no texts', () => expect(told([table])).toEqual(['cpu: 2%', 'up: true']));

    test('nothing of no data', () => {
        expect(told([])).toEqual([]);
        expect(told([makeFrame([])])).toEqual([]);
        expect(told([series([])])).toEqual(['Value: ']);
        expect(told([series([null, NaN], {}, { noValue: 'none' })])).toEqual(['Value: none']);
    });

    test('the series behind it is there for a spark line', () => {
        const [one] = singleValues([series([1, 2])], {}, how);
        expect([one!.times, one!.values]).toEqual([[0, 1000], [1, 2]]);
        expect(singleValues([table], {}, how)[0]).not.toHaveProperty('times');
    });

    test('not more than can be read', () => {
        const frames = Array.from({ length: 300 }, (_, i) => series([i]));
        expect(singleValues(frames, {}, how)).toHaveLength(250);
        expect(singleValues(frames, { reduceOptions: { calcs: ['min', 'max', 'mean'] } }, how)).toHaveLength(250);
    });

    test('limits and colours are those of the panel', () => {
        const frames = applyFieldConfig([series([5], { host: 'a' }), series([10], { host: 'b' })], { defaults: { min: 0, thresholds: { mode: 'percentage', steps: [{ value: null, color: 'green' }, { value: 90, color: 'red' }] } }, overrides: [] });
        expect(singleValues(frames, {}, how).map((v) => [v.limits, v.value.percent, v.value.color])).toEqual([[{ min: 0, max: 10 }, 0.5, '#73BF69'], [{ min: 0, max: 10 }, 1, '#F2495C']]);
    });
});

describe('one value a row', () => {
    test.each<[string, Json, string[]]>([
        ['called by its texts', { values: true, fields: 'cpu' }, ['a x: 1%', 'b: 2%', 'z: ']],
        ['and by its field, where others have numbers', { values: true, fields: 'up' }, ['a x up: true', 'b up: false', 'z up: true']],
        ['so many alone', { values: true, fields: 'cpu', limit: 2 }, ['a x: 1%', 'b: 2%']],
        ['0 is no limit of one\'s own', { values: true, fields: 'cpu', limit: 0 }, ['a x: 1%', 'b: 2%', 'z: ']],
        ['of all fields together', { values: true, limit: 4 }, ['a x: 1%', 'b: 2%', 'z: ', 'a x up: true']],
    ])('%s', (_, options, want) => expect(told([table], options)).toEqual(want));

    test('25 where nothing is said', () => expect(told([makeFrame([makeField('n', 'number', Array.from({ length: 99 }, (_, i) => i))])], { values: true })).toHaveLength(25));

    test('texts as they are mapped', () => {
        const mapped = makeFrame([makeField('state', 'string', ['0', '1'], { mappings: [{ type: 'value', options: { '0': { text: 'down' } } }] }), makeField('n', 'number', [1, 2])]);
        expect(told([mapped], { values: true })).toEqual(['down: 1', '1: 2']);
    });
});

describe('names that are filled in', () => {
    const named = (displayName: string) => told([{ ...series([1, 4], { host: 'a', 'a.b': 'c', odd: '$&' }, { displayName }), name: 'frame' }], {}, (text) => text.replace('$env', 'prod'))[0]!.replace(/: 4$/, '');
    test.each([
        ['${__field.labels.host}', 'a'],
        ['${__field.labels.a.b}', 'c'],
        ['${__field.labels["a.b"]}', 'c'],
        ['${__field.labels."a.b"}', 'c'],
        ['${__field.labels.nope}', ''],
        ['${__field.labels.constructor}', ''],
        ['${__field.labels.odd}', '$&'],
        ['${__field.labels}', 'host="a", a.b="c", odd="$&"'],
        ['${__field.name} $__field.name', 'Value Value'],
        ['${__series.name}|$__series.name|$__series_name', 'frame|frame|frame'],
        ['${__cell_0}/$__cell_1', '1000/4'],
        ['${__cell_9}', ''],
        ['in $env', 'in prod'],
        ['the ${__calc}, $__calc or [[__calc]] of ${__field.labels.host}', 'the lastNotNull, lastNotNull or lastNotNull of a'],
        ['$__calculation', '$__calculation'],
        ['plain', 'plain'],
        ['${__nobody.knows}', '${__nobody.knows}'],
    ])('%s is "%s"', (displayName, want) => expect(named(displayName)).toBe(want));

    test('of each calculation', () => {
        const titles = (displayName: string) => singleValues([series([1, 2], { host: 'a' }, { displayName })], { reduceOptions: { calcs: ['min', 'max'] } }, how).map((v) => v.title);
        expect(titles('${__calc} on ${__field.labels.host}')).toEqual(['min on a', 'max on a']);
        expect(titles('CPU')).toEqual(['CPU Min', 'CPU Max']);
    });

    test('of each row', () => {
        const rows = makeFrame([makeField('host', 'string', ['a', 'b']), makeField('n', 'number', [1, 2], { displayName: 'on ${__cell_0}' })]);
        expect(told([rows], { values: true })).toEqual(['on a: 1', 'on b: 2']);
    });
});
