import { expect, test } from 'vitest';
import { makeField, makeFrame } from '../frame';
import { column, compareValues, isCalled, isMissing, list, oneFrame, optionText, pickRows, push, withFields } from './shared';

const frame = makeFrame([makeField('host', 'string', ['a', 'b', 'c']), makeField('n', 'number', Float64Array.of(1, 2, 3), { displayName: 'N' })], { refId: 'A', name: 'f' });

test('rows are picked in any order, and typed lists stay typed', () => {
    const picked = pickRows(frame, [2, 0]);
    expect([picked.length, picked.name, ...picked.fields.map((f) => f.values)]).toEqual([2, 'f', ['c', 'a'], Float64Array.of(3, 1)]);
    expect(pickRows(frame, []).fields.map((f) => f.values.length)).toEqual([0, 0]);
    expect(frame.length).toBe(3);
});

test('a field is called by its own name and by the one that is shown', () => {
    expect(['n', 'N', 'host', ''].map((name) => isCalled(frame.fields[1]!, frame, [frame], name))).toEqual([true, true, false, false]);
});

test('columns', () => {
    expect(column('n', [null, 5]).type).toBe('number');
    expect(column('n', ['5'])).toEqual(makeField('n', 'string', ['5']));
    expect(column('n', [], frame.fields[1])).toEqual(makeField('n', 'number', [], { displayName: 'N' }));
    expect(withFields(frame, [makeField('x', 'number', [1])])).toMatchObject({ refId: 'A', length: 1 });
    expect(oneFrame('merge', [frame, { ...frame, refId: 'B' }], [])).toEqual([{ refId: 'merge-A-B', fields: [], length: 0 }]);
    expect(list(Float64Array.of(1, NaN))).toEqual([1, NaN]);
});

test.each<[unknown, unknown, number]>([
    [1, 2, -1],
    [10, 9, 1],
    ['a', 'b', -1],
    ['10', '9', -1],
    [5, 5, 0],
    ['a', 1, 1],
    ['é', 'f', -1],
    [-Infinity, Infinity, -1],
])('%j beside %j: %d', (a, b, want) => {
    expect(Math.sign(compareValues(a, b))).toBe(want);
    expect(Math.sign(compareValues(b, a))).toBe(-want + 0);
});

test('gaps', () => expect([null, undefined, NaN, 0, '', false, 'NaN', []].map(isMissing)).toEqual([true, true, true, false, false, false, false, false]));

test('texts among options', () => {
    expect([optionText({ a: 'x' }, 'a'), optionText({ a: 5 }, 'a'), optionText({}, 'a', 'y'), optionText({ a: '' }, 'a', 'y')]).toEqual(['x', '', 'y', '']);
});

test('groups grow', () => {
    const groups = new Map<string, number[]>();
    ['a', 'b', 'a'].forEach((key, i) => push(groups, key, i));
    expect([...groups]).toEqual([['a', [0, 2]], ['b', [1]]]);
});
