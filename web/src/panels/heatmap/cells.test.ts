import { describe, expect, it, test } from 'vitest';
import { columnAt, heightOf, type Cells } from './cells';
import { paintOf } from './paint';

const cells: Cells = {
    times: Float64Array.from([10, 20, 30]), step: 10, most: 8, least: 1, counts: new Float64Array(9),
    rows: [{ low: 0, high: 1, label: '1' }, { low: 1, high: 3, label: '3' }, { low: 3, high: Infinity, label: '+Inf' }],
};

test.each([[0, -1], [0.5, 0], [10, 0], [10.1, 1], [30, 2], [31, -1]])('column at %d s', (seconds, want) => expect(columnAt(cells, seconds)).toBe(want));

test.each([[0.5, 1 - 0.5 / 3], [1, 1 - 1 / 3], [2, 1 - 1.5 / 3], [7, 1 - 2.5 / 3], [-1, undefined], [NaN, undefined]])('height of %d', (value, want) => {
    const [up, down] = [heightOf(cells, value, false), heightOf(cells, value, true)];
    if (want === undefined) {
        expect([up, down]).toEqual([undefined, undefined]);
    } else {
        expect(up).toBeCloseTo(want);
        expect(down).toBeCloseTo(1 - want);
    }
});

describe('colours of counts', () => {
    const paint = (options: Record<string, unknown>, most = 8) => paintOf(options, 'dark', most);
    const colors = (options: Record<string, unknown>, counts: number[]) => counts.map((count) => paint(options).colorOf(count));
    it('nothing has none', () => expect(colors({}, [0, NaN, -1])).toEqual([undefined, undefined, undefined]));
    it('the most has the last one', () => expect(paint({ color: { scheme: 'Oranges' } }).colorOf(8)).toBe('rgb(255, 209, 153)'));
    it('or the first, reversed', () => expect(paint({ color: { scheme: 'Oranges', reverse: true } }).colorOf(8)).toBe('rgb(43, 33, 24)'));
    it('counts that are filtered have none', () => expect(colors({ filterValues: { le: 2, ge: 7 } }, [2, 3, 7]).map(Boolean)).toEqual([false, true, false]));
    it('a scale has limits of its own', () => {
        const { low, high, colorOf } = paint({ color: { min: 2, max: 4 } });
        expect([low, high]).toEqual([2, 4]);
        expect(colorOf(4)).toBe(colorOf(8));
        expect(colorOf(1)).toBe(colorOf(2));
    });
    it('and as many colours as it says', () => expect(new Set(Array.from({ length: 80 }, (_, i) => paint({ color: { steps: 4 } }).colorOf((i + 1) / 10))).size).toBe(4));
});
