import { expect, test } from 'vitest';
import { pageOf } from './paging';

test.each([
    [95, 10, 0, [0, 10, 0, 10]], [95, 10, 9, [9, 10, 90, 95]], [95, 10, 99, [9, 10, 90, 95]], [95, 10, -1, [0, 10, 0, 10]], [0, 10, 3, [0, 1, 0, 0]], [3, 0.4, 2, [2, 3, 2, 3]], [10, 10.9, 0, [0, 1, 0, 10]],
])('%d rows, %d a page, page %d', (rows, per, wanted, want) => {
    const { index, count, from, to } = pageOf(rows, per, wanted);
    expect([index, count, from, to]).toEqual(want);
});
