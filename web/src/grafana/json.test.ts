import { expect, test } from 'vitest';
import { asArray, asNumber, asRecord, asRecords, asText, asTexts, clone, isRecord, isSame, own, without } from './json';

const ODD: unknown[] = [undefined, null, 0, NaN, '', 'text', true, [], [1], {}, { a: 1 }, () => 1];

test('what is of another type counts as absent', () => {
    expect(ODD.filter(isRecord)).toEqual([{}, { a: 1 }]);
    expect(ODD.map(asRecord).filter((r) => Object.keys(r).length > 0)).toEqual([{ a: 1 }]);
    expect(ODD.map(asArray).filter((a) => a.length > 0)).toEqual([[1]]);
    expect(asRecords([null, 1, 'x', [2], { a: 1 }, {}])).toEqual([{ a: 1 }, {}]);
    expect(asRecords({ 0: {}, length: 1 })).toEqual([]);
    expect(asTexts(['a', 1, null, '', ['b']])).toEqual(['a', '']);
    expect(ODD.map(asText).filter((t) => t !== undefined)).toEqual(['', 'text']);
});

test.each<[unknown, number | undefined]>([
    [0, 0], [-0.5, -0.5], ['10', 10], [' 1e3 ', 1000], ['-1.5', -1.5], ['0x10', 16],
    ['', undefined], ['  ', undefined], ['10px', undefined], ['null', undefined], [NaN, undefined], [Infinity, undefined], ['Infinity', undefined], ['1e999', undefined],
    [null, undefined], [undefined, undefined], [true, undefined], [[5], undefined], [{}, undefined],
])('%j as a number is %j', (value, want) => expect(asNumber(value)).toBe(want));

test('a table has its own entries alone', () => {
    const table: Record<string, number> = { a: 1, none: 0 };
    expect(['a', 'none', 'b', '', 'constructor', 'toString', '__proto__', 'hasOwnProperty'].map((name) => own(table, name))).toEqual([1, 0, ...Array<undefined>(6).fill(undefined)]);
    expect(own(undefined, 'a')).toBeUndefined();
    expect(own(JSON.parse('{"__proto__": 5}') as Record<string, number>, '__proto__')).toBe(5);
});

test('without leaves the record that it is given', () => {
    const json = { a: 1, b: 2, c: 3 };
    expect(without(json, ['a', 'c', 'nope'])).toEqual({ b: 2 });
    expect(json).toEqual({ a: 1, b: 2, c: 3 });
});

test('a copy shares nothing', () => {
    const json = { a: [{ b: 1 }] };
    const copy = clone(json);
    copy.a[0]!.b = 2;
    expect(json.a[0]!.b).toBe(1);
});

test.each<[unknown, unknown, boolean]>([
    [1, 1, true], [1, '1', false], [NaN, NaN, true], [0, -0, false], [null, undefined, false], [null, {}, false], ['é', 'e\u0301', false],
    [[1, 2], [1, 2], true], [[1, 2], [2, 1], false], [[1], [1, undefined], false], [[], {}, false], [[{ a: 1 }], [{ a: 1 }], true],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true], [{ a: 1 }, { a: 1, b: undefined }, false], [{ a: undefined }, { b: undefined }, false], [{}, { toString: 1 }, false],
    [{ a: { b: { c: null } } }, { a: { b: { c: null } } }, true], [{ a: { b: { c: null } } }, { a: { b: { c: 0 } } }, false],
])('%j and %j: %j', (a, b, want) => {
    expect(isSame(a, b)).toBe(want);
    expect(isSame(b, a)).toBe(want);
});
