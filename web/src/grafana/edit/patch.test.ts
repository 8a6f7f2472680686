import { describe, expect, it } from 'vitest';
import { getIn, orderedLike, patchJson, setIn, setMember } from './patch';

const text = (value: unknown): string => JSON.stringify(value);

describe('setIn', () => {
    it.each([
        ['sets in place', { a: 1, b: 2 }, ['a'], 3, '{"a":3,"b":2}'],
        ['adds as the last', { b: 2 }, ['a'], 3, '{"b":2,"a":3}'],
        ['makes records on the way', {}, ['a', 'b', 'c'], 1, '{"a":{"b":{"c":1}}}'],
        ['goes into lists', { a: [{ b: 1 }, { b: 2 }] }, ['a', 1, 'b'], 5, '{"a":[{"b":1},{"b":5}]}'],
        ['takes away', { a: { b: 1, c: 2 } }, ['a', 'b'], undefined, '{"a":{"c":2}}'],
        ['takes nothing away where nothing is', { a: 1 }, ['x', 'y'], undefined, '{"a":1}'],
    ] as const)('%s', (_, json, path, value, want) => {
        const before = text(json);
        expect(text(setIn(json as Record<string, unknown>, path, value))).toBe(want);
        expect(text(json)).toBe(before);
    });

    it('keeps what it does not touch as it is', () => {
        const json = { a: { deep: [] }, b: { c: 1 } };
        const next = setIn(json, ['b', 'c'], 2);
        expect(next.a).toBe(json.a);
        expect(setMember(json, 'a', json.a)).toBe(json);
    });

    it('makes own members of dangerous names', () => {
        const next = setMember({}, '__proto__', { polluted: true });
        expect(Object.keys(next)).toEqual(['__proto__']);
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
        expect(getIn({}, ['constructor', 'name'])).toBeUndefined();
    });
});

describe('patchJson', () => {
    const cases: [string, unknown, unknown, unknown, string][] = [
        ['nothing changed: the old form stays', { old: 1 }, { fresh: 1 }, { fresh: 1 }, '{"old":1}'],
        ['one member changed: order and unknown members stay', { z: 1, own: { x: null }, a: 2 }, { a: 2, z: 1 }, { a: 3, z: 1 }, '{"z":1,"own":{"x":null},"a":3}'],
        ['what the newest form adds is not written', { a: { b: 1 } }, { a: { b: 1, legend: {} }, c: {} }, { a: { b: 2, legend: {} }, c: {} }, '{"a":{"b":2}}'],
        ['unless it was changed', { a: 1 }, { a: 1, c: { d: 1 } }, { a: 1, c: { d: 2 } }, '{"a":1,"c":{"d":2}}'],
        ['taken away', { a: 1, b: 2 }, { a: 1, b: 2 }, { b: 2 }, '{"b":2}'],
        ['a list: one entry changed', { l: [{ refId: 'A', x: 1, o: 1 }, { refId: 'B', x: 2 }] }, { l: [{ refId: 'A', x: 1 }, { refId: 'B', x: 2 }] }, { l: [{ refId: 'A', x: 9 }, { refId: 'B', x: 2 }] }, '{"l":[{"refId":"A","x":9,"o":1},{"refId":"B","x":2}]}'],
        ['a list: in another order', { l: [{ refId: 'A', o: 1 }, { refId: 'B', o: 2 }] }, { l: [{ refId: 'A' }, { refId: 'B' }] }, { l: [{ refId: 'B' }, { refId: 'A' }] }, '{"l":[{"refId":"B","o":2},{"refId":"A","o":1}]}'],
        ['a list: the first taken away', { l: [{ refId: 'A', o: 1 }, { refId: 'B', o: 2 }] }, { l: [{ refId: 'A' }, { refId: 'B' }] }, { l: [{ refId: 'B' }] }, '{"l":[{"refId":"B","o":2}]}'],
        ['a list: one added', { l: [{ n: 1, o: 1 }] }, { l: [{ n: 1 }] }, { l: [{ n: 1 }, { n: 2 }] }, '{"l":[{"n":1,"o":1},{"n":2}]}'],
        ['a list without names, of equal length, goes by place', { l: [{ v: null, o: 1 }, { v: 80 }] }, { l: [{ v: null }, { v: 80 }] }, { l: [{ v: null }, { v: 90 }] }, '{"l":[{"v":null,"o":1},{"v":90}]}'],
        ['another kind of value', { a: 'x' }, { a: 'x' }, { a: { b: 1 } }, '{"a":{"b":1}}'],
    ];
    it.each(cases)('%s', (_, raw, base, edited, want) => {
        expect(text(patchJson(raw, base, edited))).toBe(want);
    });

    it('gives the same object back where nothing changed', () => {
        const raw = { a: { b: [1] }, c: 1 };
        const next = patchJson(raw, { a: { b: [1] }, c: 1 }, { a: { b: [1] }, c: 2 }) as typeof raw;
        expect(next.a).toBe(raw.a);
    });
});

it('orderedLike keeps an order', () => {
    expect(text(orderedLike({ new: 0, b: 1, a: 2 }, { a: 0, x: 0, b: 0 }))).toBe('{"a":2,"b":1,"new":0}');
});

describe('odd places', () => {
    it.each<[string, unknown, (string | number)[], unknown]>([
        ['into a list', [1, { a: 2 }], [1, 'a'], 2],
        ['past a list', [1], [5], undefined],
        ['into a text', { a: 'text' }, ['a', 'length'], undefined],
        ['into nothing', null, ['a'], undefined],
        ['nowhere', { a: 1 }, [], { a: 1 }],
        ['null on the way', { a: null }, ['a', 'b'], undefined],
        ['a number as a name', { 5: 'x' }, [5], 'x'],
    ])('getIn: %s', (_, json, path, want) => expect(getIn(json, path)).toEqual(want));

    it.each<[string, Record<string, unknown>, (string | number)[], unknown, string]>([
        ['over a text', { a: 'x' }, ['a', 'b'], 1, '{"a":{"b":1}}'],
        ['over a list, by a name', { a: [1] }, ['a', 'b'], 1, '{"a":{"b":1}}'],
        ['past the end of a list: nothing', { a: [1] }, ['a', 5], 2, '{"a":[1]}'],
        ['null is a value', { a: 1 }, ['a'], null, '{"a":null}'],
        ['false and 0 and empty, too', { a: 1, b: 1, c: 1 }, ['b'], 0, '{"a":1,"b":0,"c":1}'],
        ['taken from within a list', { a: [{ b: 1, c: 2 }] }, ['a', 0, 'b'], undefined, '{"a":[{"c":2}]}'],
        ['taken from below a text', { a: 'x' }, ['a', 'b'], undefined, '{"a":"x"}'],
        ['a hostile name', {}, ['__proto__', 'x'], 1, '{"__proto__":{"x":1}}'],
    ])('setIn: %s', (_, json, path, value, want) => expect(text(setIn(json, path, value))).toBe(want));

    it.each<[string, unknown, unknown, unknown, string]>([
        ['from nothing', undefined, undefined, { a: 1 }, '{"a":1}'],
        ['to null', { a: 1 }, { a: 1 }, { a: null }, '{"a":null}'],
        ['raw and newest form are of different length', { l: [1] }, { l: [1, 2] }, { l: [1, 3] }, '{"l":[1,3]}'],
        ['a list becomes empty', { l: [1, 2] }, { l: [1, 2] }, { l: [] }, '{"l":[]}'],
        ['equal entries', { l: [{ a: 1 }, { a: 1 }] }, { l: [{ a: 1 }, { a: 1 }] }, { l: [{ a: 1 }] }, '{"l":[{"a":1}]}'],
        ['a list of lists', { l: [[1, 2], [3]] }, { l: [[1, 2], [3]] }, { l: [[1, 2], [4]] }, '{"l":[[1,2],[4]]}'],
        ['hostile names', JSON.parse('{"__proto__":{"o":1},"a":1}'), JSON.parse('{"__proto__":{"o":1},"a":1}'), JSON.parse('{"__proto__":{"o":1},"a":2}'), '{"__proto__":{"o":1},"a":2}'],
        ['entries that are known by their matcher', { l: [{ matcher: { id: 'x' }, p: 1, o: 1 }, { matcher: { id: 'y' }, p: 2, o: 2 }] }, { l: [{ matcher: { id: 'x' }, p: 1 }, { matcher: { id: 'y' }, p: 2 }] }, { l: [{ matcher: { id: 'y' }, p: 3 }] }, '{"l":[{"matcher":{"id":"y"},"p":3,"o":2}]}'],
    ])('patchJson: %s', (_, raw, base, edited, want) => expect(text(patchJson(raw, base, edited))).toBe(want));
});
