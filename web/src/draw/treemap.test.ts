import { describe, expect, it } from 'vitest';
import { treemap } from './treemap';

describe('treemap', () => {
    it('fills the rectangle in proportion', () => {
        const values = [6, 6, 4, 3, 2, 2, 1];
        const got = treemap(values, 600, 400);
        expect(got.map((rect) => rect.index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
        got.forEach((rect) => {
            expect(rect.width * rect.height).toBeCloseTo((values[rect.index]! / 24) * 240_000, 3);
            expect(rect.x + rect.width).toBeLessThanOrEqual(600.001);
            expect(rect.y + rect.height).toBeLessThanOrEqual(400.001);
            expect(Math.max(rect.width / rect.height, rect.height / rect.width)).toBeLessThan(4);
        });
    });

    it('takes nothing and zeros', () => {
        expect(treemap([], 10, 10)).toEqual([]);
        expect(treemap([0, 0], 10, 10)).toEqual([]);
        expect(treemap([1], 0, 10)).toEqual([]);
        expect(treemap([1], 10, 10)).toEqual([{ index: 0, x: 0, y: 0, width: 10, height: 10 }]);
    });
});
