import { expect, test } from 'vitest';
import { nearestWindow, selectorsOf, type Look } from './nearest';

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;

/* Samples at these times; counts the questions. */
function over(samples: readonly number[]): { look: Look; asked: () => number } {
    let asked = 0;
    const look: Look = async (start, end, step) => {
        asked++;
        const ends = Array.from({ length: Math.floor((end - start) / step + 1e-6) + 1 }, (_, i) => start + i * step);
        return ends.filter((t) => samples.some((s) => s > t - step && s <= t));
    };
    return { look, asked: () => asked };
}

test.each<[string, number[], number, number | undefined]>([
    ['an hour before', [NOW - 2 * HOUR], NOW - HOUR, NOW - 2 * HOUR],
    ['three weeks before', [NOW - 500 * HOUR], NOW - HOUR, NOW - 500 * HOUR],
    ['the nearer of two before', [NOW - 7000 * HOUR, NOW - 900 * HOUR], NOW - HOUR, NOW - 900 * HOUR],
    ['behind an old range', [NOW - 20 * HOUR], NOW - 60 * HOUR, NOW - 20 * HOUR],
    ['before is nearer than behind', [NOW - 70 * HOUR, NOW - 20 * HOUR], NOW - 60 * HOUR, NOW - 70 * HOUR],
    ['nowhere', [], NOW - HOUR, undefined],
    ['too long ago', [NOW - 20_000 * HOUR], NOW - HOUR, undefined],
])('%s', async (_name, samples, from, want) => {
    const { look, asked } = over(samples);
    const found = await nearestWindow(look, from, from + HOUR, NOW);
    expect(asked()).toBeLessThan(16);
    if (want === undefined) {
        expect(found).toBeUndefined();
    } else {
        expect(found!.to - found!.from).toBe(HOUR);
        expect(want > found!.from && want <= found!.to).toBe(true);
    }
});

test('selectors of a parsed expression, each once, with any name', () => {
    const selector = { type: 'matrixSelector', matchers: [{ name: 'my.label', type: '!~', value: 'a"b' }, { name: '__name__', type: '=', value: 'up' }] };
    expect(selectorsOf({ type: 'binaryExpr', lhs: { type: 'call', args: [selector] }, rhs: { ...selector, type: 'vectorSelector' } })).toEqual(['{"my.label"!~"a\\"b",__name__="up"}']);
    expect(selectorsOf({ type: 'numberLiteral', val: '1' })).toEqual([]);
});
