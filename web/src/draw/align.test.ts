import { describe, expect, it } from 'vitest';
import { align, stack } from './align';

describe('align', () => {
    it('joins grids of different steps: other times are undefined', () => {
        const got = align([
            { times: [0, 10, 20], values: [1, 2, 3], step: 10 },
            { times: [0, 20], values: [5, 6], step: 20 },
        ]);
        expect(got.times).toEqual([0, 10, 20]);
        expect(got.values).toEqual([[1, 2, 3], [5, undefined, 6]]);
    });

    it('makes a gap where points are missing, even when every series misses them', () => {
        const got = align([{ times: [0, 10, 50], values: [1, 2, 3], step: 10 }]);
        expect(got.times).toEqual([0, 10, 20, 50]);
        expect(got.values[0]).toEqual([1, 2, null, 3]);
    });

    it('has gaps for what is no number', () => {
        const got = align([{ times: [0, 1, 2, 3], values: [NaN, Infinity, -Infinity, 4], step: 1 }]);
        expect(got.values[0]).toEqual([null, null, null, 4]);
    });

    it('has one way for series of one grid, with the same result', () => {
        const columns = [{ times: [0, 10, 20], values: [1, NaN, 3], step: 0 }, { times: [0, 10, 20], values: [4, 5, Infinity], step: 0 }];
        expect(align(columns)).toEqual({ times: [0, 10, 20], values: [[1, null, 3], [4, 5, null]] });
        expect(align([...columns, { times: [0, 10, 30], values: [7, 8, 9], step: 0 }]).values).toEqual([[1, null, 3, undefined], [4, 5, null, undefined], [7, 8, undefined, 9]]);
    });

    it('takes nothing', () => {
        expect(align([])).toEqual({ times: [], values: [] });
        expect(align([{ times: [], values: [], step: 1 }])).toEqual({ times: [], values: [[]] });
    });
});

describe('stack', () => {
    it('adds up, leaves gaps, and stacks negative values downwards', () => {
        expect(stack([[1, 2, null], [1, null, 3], [-1, -2, undefined], [-1, 5, 1]])).toEqual([
            [1, 2, null], [2, null, 3], [-1, -2, undefined], [-2, 7, 4],
        ]);
        expect(stack([])).toEqual([]);
    });
});
