import { describe, expect, test } from 'vitest';
import { mapValue, textTest, toRegExp, type ValueMapping } from './mappings';

describe('patterns', () => {
    test.each<[string, string, boolean]>([
        ['/web/', 'my web-1', true], ['/WEB/i', 'web', true], ['/WEB/', 'web', false], ['web', 'web', true], ['web', 'web-1', false], ['web.*', 'web-1', true],
        ['/a\\/b/', 'a/b', true], ['a/b', 'a/b', true], ['', '', true], ['', 'x', false], ['/^é+$/u', 'éé', true], ['/a.b/s', 'a\nb', true], ['//', 'anything', true],
        /* Without slashes all of the text has to fit, alternatives at their own end: Grafana writes ^ and $ around as they are. */
        ['a|b', 'ax', true], ['a|b', 'xb', true], ['a|b', 'xax', false],
    ])('%s in %j: %j', (pattern, text, want) => expect(textTest(pattern)!(text)).toBe(want));

    test('what is no pattern is none', () => {
        for (const text of ['/(/', '(', '/a/zz', '[', '*', 'a'.repeat(1001)]) {
            const isPlain = text === '/a/zz'; // no flags of a pattern: a text with slashes
            expect(toRegExp(text) === undefined, text).toBe(!isPlain);
            expect(textTest(text) === undefined, text).toBe(!isPlain);
        }
        expect(toRegExp('/a/gg')).toBeUndefined();
    });

    test('the flags g and y do not make a test remember', () => {
        for (const pattern of ['/web/g', '/web/y', '/web/gi']) {
            const isWeb = textTest(pattern)!;
            expect([1, 2, 3, 4].map(() => isWeb('web'))).toEqual([true, true, true, true]);
        }
    });
});

const result = (text: string) => ({ text });
const range = (from: number | null, to: number | null): ValueMapping => ({ type: 'range', options: { from, to, result: result('in') } });
const special = (match: string): ValueMapping => ({ type: 'special', options: { match, result: result('special') } } as ValueMapping);

describe('one mapping', () => {
    test.each<[ValueMapping, unknown, boolean]>([
        [{ type: 'value', options: { '1': result('x') } }, 1, true],
        [{ type: 'value', options: { '1': result('x') } }, '1', true],
        [{ type: 'value', options: { '1': result('x') } }, 1.0001, false],
        [{ type: 'value', options: { true: result('x') } }, true, true],
        [{ type: 'value', options: { null: result('x') } }, null, false],
        [{ type: 'value', options: { undefined: result('x') } }, undefined, false],
        [{ type: 'value', options: { '': result('x') } }, '', true],
        [{ type: 'value', options: {} }, 'constructor', false],
        [{ type: 'value', options: {} }, '__proto__', false],
        [range(1, 2), 1, true],
        [range(1, 2), 2, true],
        [range(1, 2), 2.1, false],
        [range(1, 2), '1.5', true],
        [range(1, 2), 'x', false],
        [range(1, 2), null, false],
        [range(1, 2), NaN, false],
        [range(null, 0), -Infinity, true],
        [range(5, null), Infinity, true],
        [range(null, null), 7, true],
        [range(2, 1), 1.5, false],
        [range(0, 0), 0, true],
        [range(0, 0), -0, true],
        [special('null'), null, true],
        [special('null'), undefined, true],
        [special('null'), NaN, false],
        [special('null'), '', false],
        [special('null'), 0, false],
        [special('nan'), NaN, true],
        [special('nan'), null, false],
        [special('nan'), 'NaN', false],
        [special('null+nan'), NaN, true],
        [special('null+nan'), null, true],
        [special('null+nan'), 0, false],
        [special('true'), true, true],
        [special('true'), 'true', true],
        [special('true'), 1, false],
        [special('false'), false, true],
        [special('false'), null, false],
        [special('empty'), '', true],
        [special('empty'), ' ', false],
        [special('empty'), null, false],
        [special('of the future'), null, false],
        [{ type: 'regex', options: { pattern: '/^a/', result: result('x') } }, 'abc', true],
        [{ type: 'regex', options: { pattern: 'a', result: result('x') } }, 'abc', false],
        [{ type: 'regex', options: { pattern: '(', result: result('x') } }, '(', false],
        [{ type: 'regex', options: { pattern: '.*', result: result('x') } }, 5, false],
    ])('%j of %j: %j', (mapping, value, want) => expect(mapValue([mapping], value) !== undefined).toBe(want));
});

test.each([
    ['/^web-(\\d+)$/', 'host $1', 'web-7', 'host 7'],
    ['/web/', 'w', 'my web web', 'my w web'],
    ['/web/g', 'w', 'my web web', 'my w w'],
    ['/(?<n>\\d+)/', '<$<n>>', 'a1', 'a<1>'],
    ['.*', '', 'x', ''],
])('the text of %s with "%s" of "%s" is "%s"', (pattern, text, value, want) => {
    const mapping: ValueMapping = { type: 'regex', options: { pattern, result: { text, color: 'red' } } };
    expect([1, 2].map(() => mapValue([mapping], value))).toEqual([{ text: want, color: 'red' }, { text: want, color: 'red' }]);
});

test('a pattern may colour alone, and leaves the text', () => {
    expect(mapValue([{ type: 'regex', options: { pattern: '/x/', result: { color: 'red' } } }], 'x')).toEqual({ color: 'red' });
});

test('the first that fits counts', () => {
    const all: ValueMapping[] = [range(0, 10), { type: 'value', options: { '5': result('five') } }, special('null')];
    expect([5, null, 11].map((v) => mapValue(all, v)?.text)).toEqual(['in', 'special', undefined]);
    expect(mapValue([...all].reverse(), 5)?.text).toBe('five');
    expect(mapValue(undefined, 5)).toBeUndefined();
    expect(mapValue([], 5)).toBeUndefined();
});

test('a mapping that lacks its parts maps nothing', () => {
    const odd = [{ type: 'range', options: {} }, { type: 'regex', options: {} }, { type: 'regex', options: { pattern: '/x/' } }, { type: 'value', options: { x: null } }, { type: 'special', options: {} }, { type: 'unknown', options: {} }] as unknown as ValueMapping[];
    for (const value of ['x', 5, null, NaN]) {
        expect(mapValue(odd, value)).toBeUndefined();
    }
});
