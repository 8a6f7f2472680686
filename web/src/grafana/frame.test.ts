import { expect, test } from 'vitest';
import { guessType, isTimeSeries, makeField, makeFrame, timeField, valueAt, type Values } from './frame';

const time = makeField('Time', 'time', Float64Array.of(1, 2, 3));
const value = makeField('Value', 'number', Float64Array.of(5, NaN));
const text = makeField('host', 'string', ['a']);

test('a frame is as long as its longest field', () => {
    expect(makeFrame([time, value, text]).length).toBe(3);
    expect(makeFrame([]).length).toBe(0);
    expect(makeFrame([text], { refId: 'A', name: 'n', meta: { kind: 'table' } })).toEqual({ refId: 'A', name: 'n', meta: { kind: 'table' }, fields: [text], length: 1 });
});

test('a field without labels has none, not empty ones', () => {
    expect(Object.keys(makeField('a', 'number', []))).not.toContain('labels');
    expect(makeField('a', 'number', [], {}, { x: '1' }).labels).toEqual({ x: '1' });
});

test('a gap is null, wherever it is', () => {
    expect([0, 1, 2, -1].map((i) => valueAt(value, i))).toEqual([5, null, null, null]);
    expect([null, undefined, 0, '', false].map((v) => valueAt(makeField('x', 'other', [v]), 0))).toEqual([null, null, 0, '', false]);
});

test.each<[Values, string, string]>([
    [Float64Array.of(1), 'x', 'number'], [Float64Array.of(), 'TIME', 'time'], [Float64Array.of(1), 'timestamp', 'number'],
    [[null, undefined, 3], 'x', 'number'], [[3], 'time', 'time'], [['3'], 'time', 'string'], [[''], '', 'string'], [[false], '', 'boolean'],
    [[{}], '', 'other'], [[[1]], '', 'other'], [[], 'time', 'other'], [[null, null], 'x', 'other'],
])('%j called "%s" is %s', (values, name, want) => expect(guessType(values, name)).toBe(want));

test('a time series has a time and a number', () => {
    expect([[time, value], [time, text], [value], [text, value, time], []].map((fields) => isTimeSeries(makeFrame(fields)))).toEqual([true, false, false, true, false]);
    expect(timeField(makeFrame([value, time]))).toBe(time);
    expect(timeField(makeFrame([value]))).toBeUndefined();
});
