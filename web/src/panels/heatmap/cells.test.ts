import { describe, expect, it, test } from 'vitest';
import { makeField, makeFrame } from '../../grafana/frame';
import { bucketsOf, calculated, columnAt, heightOf, within, type Cells } from './cells';
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

describe('calculated', () => {
    /* Values 1 to 8, ten seconds apart. */
    const frame = makeFrame([makeField('Time', 'time', Array.from({ length: 8 }, (_, i) => 120_000 + i * 10_000)), makeField('Value', 'number', [1, 2, 3, 4, 5, 6, 7, 8])]);
    const shape = (calculation: object) => {
        const found = calculated([frame], bucketsOf({ calculation }, 30))!;
        return { bounds: [found.rows[0]!.low, ...found.rows.map((row) => row.high)].join(), ends: [...found.times].join(), counts: [...found.counts].join('') };
    };

    it('into columns and rows that are counted', () => {
        expect(shape({ xBuckets: { mode: 'count', value: '2' }, yBuckets: { mode: 'count', value: '2' } })).toEqual({ bounds: '1,4.5,8', ends: '155,190', counts: '4004' });
    });
    it('or have a size, at round places', () => {
        expect(shape({ xBuckets: { mode: 'size', value: '1m' }, yBuckets: { mode: 'size', value: '5' } })).toEqual({ bounds: '0,5,10', ends: '180,240', counts: '4022' });
    });
    it('or the powers of a logarithm, in parts', () => {
        expect(shape({ xBuckets: { mode: 'count', value: '1' }, yBuckets: { scale: { type: 'log', log: 2 } } })).toEqual({ bounds: '1,2,4,8', ends: '190', counts: '125' });
        expect(calculated([frame], bucketsOf({ calculation: { yBuckets: { value: '2', scale: { type: 'log', log: 2 } } } }, 30))!.rows.length).toBe(6);
    });
    it('as many as the width has room for, else', () => {
        const found = calculated([frame], bucketsOf({}, 7))!;
        expect([found.times.length, found.rows.length]).toEqual([7, 20]);
        expect(calculated([], bucketsOf({}, 7))).toBeUndefined();
    });
    it.each(['nothing', '-1', '0'])('and no more than can be seen: %s', (value) => {
        const { columns, rows, size, stepS } = bucketsOf({ calculation: { xBuckets: { mode: 'count', value }, yBuckets: { value } } }, 7);
        expect([columns >= 1 && columns <= 7, rows, size, stepS]).toEqual([true, 20, undefined, undefined]);
        expect(bucketsOf({ calculation: { xBuckets: { mode: 'count', value: '1e9' }, yBuckets: { mode: 'count', value: '1e9' } } }, 7)).toEqual({ columns: 2000, rows: 500 });
    });
});

describe('within', () => {
    const three: Cells = { ...cells, counts: Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]) };
    it.each<[object, string, string]>([[{}, '1,3,Infinity', '123456789'], [{ min: 1 }, '3,Infinity', '456789'], [{ max: 3 }, '1,3', '123456'], [{ min: 2, max: '2.5' }, '3', '456'], [{ min: 9, max: -1 }, '1,3,Infinity', '123456789']])('%j', (limits, bounds, counts) => {
        const found = within(three, limits as never);
        expect([found.rows.map((row) => row.high).join(), [...found.counts].join('')]).toEqual([bounds, counts]);
    });
});

test.each(['constructor', 'toString', '__proto__', 'nope', ''])('the scheme "%s" is the usual one', (scheme) => {
    expect(paintOf({ color: { scheme } }, 'dark', 8).colors).toEqual(paintOf({}, 'dark', 8).colors);
});
